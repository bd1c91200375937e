#include "trusted.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

bool
cm_trusted_spki(const X509 *x509, uint8_t out[SHA256_DIGEST_LENGTH])
{
    uint8_t *der = NULL;
    bool ok;
    int len;

    len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
    ok = len > 0 &&
         EVP_Digest(der, (size_t)len, out, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    return ok;
}

bool
cm_trusted_init(struct cm_trusted *trusted, X509 *x509)
{
    memset(trusted, 0, sizeof(*trusted));
    if (X509_digest(x509, EVP_sha1(), trusted->sha1, NULL) != 1 ||
        X509_digest(x509, EVP_sha256(), trusted->sha256, NULL) != 1 ||
        !cm_trusted_spki(x509, trusted->spki_sha256) || X509_up_ref(x509) != 1)
        return false;
    /* Fills the extension cache now, while one thread holds it. */
    X509_check_purpose(x509, -1, 0);
    trusted->x509 = x509;
    return true;
}

void
cm_trusted_clear(struct cm_trusted *trusted)
{
    X509_free(trusted->x509);
    memset(trusted, 0, sizeof(*trusted));
}

int
cm_trusted_compare(const struct cm_trusted *a, const struct cm_trusted *b)
{
    int order = X509_NAME_cmp(X509_get_subject_name(a->x509),
                              X509_get_subject_name(b->x509));

    if (order != 0)
        return order;
    return memcmp(a->sha256, b->sha256, sizeof(a->sha256));
}

static int
compare_entries(const void *a, const void *b)
{
    return cm_trusted_compare(a, b);
}

static void
sort_and_unite(struct cm_trusted_list *list)
{
    size_t kept = 0;

    if (list->count == 0)
        return;
    qsort(list->list, list->count, sizeof(*list->list), compare_entries);
    for (size_t i = 1; i < list->count; i++) {
        if (cm_trusted_compare(&list->list[kept], &list->list[i]) == 0)
            cm_trusted_clear(&list->list[i]);
        else
            list->list[++kept] = list->list[i];
    }
    list->count = kept + 1;
}

bool
cm_trusted_list_build(X509 *const *certs, size_t count,
                      struct cm_trusted_list *out)
{
    struct cm_trusted_list list = {NULL, 0};

    memset(out, 0, sizeof(*out));
    if (count == 0)
        return true;
    list.list = calloc(count, sizeof(*list.list));
    if (list.list == NULL)
        return false;
    for (; list.count < count; list.count++) {
        if (!cm_trusted_init(&list.list[list.count], certs[list.count])) {
            cm_trusted_list_clear(&list);
            return false;
        }
    }
    sort_and_unite(&list);
    *out = list;
    return true;
}

bool
cm_trusted_list_copy(const struct cm_trusted_list *from,
                     struct cm_trusted_list *out)
{
    struct cm_trusted_list list = {NULL, 0};

    memset(out, 0, sizeof(*out));
    if (from->count == 0)
        return true;
    list.list = calloc(from->count, sizeof(*list.list));
    if (list.list == NULL)
        return false;
    for (; list.count < from->count; list.count++) {
        if (X509_up_ref(from->list[list.count].x509) != 1) {
            cm_trusted_list_clear(&list);
            return false;
        }
        list.list[list.count] = from->list[list.count];
    }
    *out = list;
    return true;
}

void
cm_trusted_list_clear(struct cm_trusted_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        cm_trusted_clear(&list->list[i]);
    free(list->list);
    memset(list, 0, sizeof(*list));
}

/* The first entry whose subject is not below name. */
static size_t
lower_bound(const struct cm_trusted_list *list, const X509_NAME *name)
{
    size_t low = 0, high = list->count, middle;

    while (low < high) {
        middle = low + (high - low) / 2;
        if (X509_NAME_cmp(X509_get_subject_name(list->list[middle].x509),
                          name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void
cm_trusted_list_named(const struct cm_trusted_list *list,
                      const X509_NAME *name, size_t *first, size_t *count)
{
    size_t end;

    *first = end = lower_bound(list, name);
    while (end < list->count &&
           X509_NAME_cmp(X509_get_subject_name(list->list[end].x509), name) ==
               0)
        end++;
    *count = end - *first;
}

bool
cm_trusted_list_has(const struct cm_trusted_list *list,
                    const struct cm_trusted *trusted)
{
    size_t first, count;

    cm_trusted_list_named(list, X509_get_subject_name(trusted->x509), &first,
                          &count);
    for (size_t i = first; i < first + count; i++) {
        if (memcmp(list->list[i].sha256, trusted->sha256,
                   sizeof(trusted->sha256)) == 0)
            return true;
    }
    return false;
}
