#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "piv.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_wanted(const char *file, const char *without)
{
    return strstr(file, ".crt") != NULL &&
           (without == NULL || strstr(file, without) == NULL);
}

void
piv_load(const char *folder, const char *name, const char *without,
         struct piv_pool *pool)
{
    char path[PATH_MAX], file[PATH_MAX];
    struct dirent *entry;
    X509 **list;
    size_t count;
    DIR *dir;

    memset(pool, 0, sizeof(*pool));
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (!is_wanted(entry->d_name, without))
            continue;
        snprintf(file, sizeof(file), "%s/%s", name, entry->d_name);
        conformance_load(folder, file, &list, &count);
        pool->list =
            reallocarray(pool->list, pool->count + count, sizeof(*list));
        assert_non_null(pool->list);
        memcpy(pool->list + pool->count, list, count * sizeof(*list));
        pool->count += count;
        free(list);
    }
    closedir(dir);
}

enum cm_reason
piv_card(const char *folder, const char *card, struct cm_certificate *out,
         struct cm_detail *detail)
{
    enum cm_reason reason;
    char file[PATH_MAX];
    X509 *x509;

    snprintf(file, sizeof(file), "cards/%s/ICAM_PIV_Auth_SP_800-73-4.crt",
             card);
    x509 = conformance_load_one(folder, file);
    reason = conformance_decode(x509, out, detail);
    X509_free(x509);
    return reason;
}
