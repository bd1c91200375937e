#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conformance.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "trust.h"

const char *
conformance_folder(int argc, char **argv, const char *name)
{
    static char folder[PATH_MAX];
    const char *root = getenv("CERTMAP_TESTDATA");
    struct stat st;

    if (root == NULL)
        root = argc > 1 ? argv[1] : ".";
    snprintf(folder, sizeof(folder), "%s/%s", root, name);
    if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode)) {
        printf("skipped: no test data in %s; CERTMAP_TESTDATA names their "
               "folder\n",
               folder);
        exit(CONFORMANCE_SKIPPED);
    }
    return folder;
}

void
conformance_load(const char *folder, const char *file, X509 ***list,
                 size_t *count)
{
    struct cm_detail detail = {""};
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", folder, file);
    if (!cm_certificates_load(path, list, count, &detail))
        fail_msg("%s: %s", path, detail.text);
}

X509 *
conformance_load_one(const char *folder, const char *file)
{
    X509 **list, *one;
    size_t count;

    conformance_load(folder, file, &list, &count);
    assert_int_equal(count, 1);
    one = list[0];
    free(list);
    return one;
}

enum cm_reason
conformance_decode(X509 *x509, struct cm_certificate *out,
                   struct cm_detail *detail)
{
    uint8_t *der = NULL;
    enum cm_reason reason;
    int len;

    len = i2d_X509(x509, &der);
    assert_true(len > 0);
    reason = cm_certificate_decode(der, (size_t)len, out, detail);
    OPENSSL_free(der);
    return reason;
}
