/*
 * Certificates that others made: everything in NIST PKITS and in the ICAM PIV
 * cards decodes.  What is wrong with some of them (signatures, paths, dates)
 * is not a matter of decoding.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ftw.h>

#include <openssl/pem.h>

#include "certificate.h"
#include "decode.h"

enum { PKITS_CERTS = 405, ICAM_CERTS = 88, MAX_OPEN = 16 };

struct count {
    size_t decoded;
    size_t refused;
    size_t without_text; /* a name that Windows' text cannot express */
};
/* nftw() hands nothing through. */
static struct count count;

static int
decode_file(const char *path, const struct stat *status, int type,
            struct FTW *where)
{
    const char *suffix = strrchr(path, '.');
    struct cm_certificate cert;
    struct cm_detail detail;
    unsigned char *der = NULL;
    uint8_t *bytes;
    size_t len;
    enum cm_reason reason;
    X509 *x509;
    FILE *file;
    int n;

    (void)where;
    if (type != FTW_F || suffix == NULL || strcmp(suffix, ".crt") != 0)
        return 0;
    file = fopen(path, "rb");
    assert_non_null(file);
    len = (size_t)status->st_size;
    bytes = malloc(len + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, len, file), len);
    rewind(file);
    x509 = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    if (x509 != NULL) {
        n = i2d_X509(x509, &der);
        assert_true(n > 0);
        len = (size_t)n;
    }
    reason =
        cm_certificate_decode(der != NULL ? der : bytes, len, &cert, &detail);
    expect_keyless(der != NULL ? der : bytes, len, reason, &cert);
    if (reason == CM_OK) {
        count.decoded++;
        count.without_text += cert.subject == NULL || cert.issuer == NULL;
        cm_certificate_clear(&cert);
    } else {
        count.refused++;
        print_message("%s: %s\n", path, detail.text);
    }
    X509_free(x509);
    OPENSSL_free(der);
    free(bytes);
    return 0;
}

static void
decode_folder(const char *folder)
{
    const char *data = getenv("CERTMAP_TESTDATA");
    char path[4096];

    memset(&count, 0, sizeof(count));
    if (data == NULL) {
        print_message("CERTMAP_TESTDATA is not set\n");
        skip();
    }
    snprintf(path, sizeof(path), "%s/%s", data, folder);
    assert_int_equal(nftw(path, decode_file, MAX_OPEN, FTW_PHYS), 0);
}

static void
pkits_decodes(void **state)
{
    (void)state;
    decode_folder("pkits/certs");
    assert_int_equal(count.refused, 0);
    assert_int_equal(count.decoded, PKITS_CERTS);
    assert_int_equal(count.without_text, 0);
}

static void
icam_decodes(void **state)
{
    (void)state;
    decode_folder("icam-piv");
    assert_int_equal(count.refused, 0);
    assert_int_equal(count.decoded, ICAM_CERTS);
    assert_int_equal(count.without_text, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pkits_decodes),
        cmocka_unit_test(icam_decodes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
