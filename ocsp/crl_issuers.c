#include "crl_issuers.h"

#include <stdlib.h>
#include <string.h>

#include "crl.h"

enum { FIRST_CAPACITY = 4 };

/* Where the name stands in the sorted list, or would stand. */
static unsigned
place(const struct cm_crl_issuers *issuers, const X509_NAME *name, bool *found)
{
    unsigned low = 0, high = issuers->count, middle;
    int order;

    *found = false;
    while (low < high) {
        middle = low + (high - low) / 2;
        order = X509_NAME_cmp(issuers->names[issuers->sorted[middle]], name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Makes the canonical form, so that comparing cannot fail later. */
static bool
is_comparable(const X509_NAME *name)
{
    return X509_NAME_cmp(name, name) == 0;
}

enum cm_crl_issuer
cm_crl_issuers_find(const struct cm_crl_issuers *issuers,
                    const X509_NAME *name, unsigned *number)
{
    unsigned at;
    bool found;

    if (!is_comparable(name))
        return CM_CRL_ISSUER_NO_MEMORY;
    at = place(issuers, name, &found);
    if (!found)
        return CM_CRL_ISSUER_ABSENT;
    *number = issuers->sorted[at];
    return CM_CRL_ISSUER_KNOWN;
}

static bool
make_room(struct cm_crl_issuers *issuers)
{
    unsigned capacity =
        issuers->capacity == 0 ? FIRST_CAPACITY : 2 * issuers->capacity;
    X509_NAME **names;
    unsigned *sorted;

    if (issuers->count < issuers->capacity)
        return true;
    names = reallocarray(issuers->names, capacity, sizeof(*names));
    if (names == NULL)
        return false;
    issuers->names = names;
    sorted = reallocarray(issuers->sorted, capacity, sizeof(*sorted));
    if (sorted == NULL)
        return false;
    issuers->sorted = sorted;
    issuers->capacity = capacity;
    return true;
}

static enum cm_crl_issuer
insert(struct cm_crl_issuers *issuers, unsigned at, const X509_NAME *name,
       size_t bytes)
{
    X509_NAME *copy;

    if (!make_room(issuers))
        return CM_CRL_ISSUER_NO_MEMORY;
    copy = X509_NAME_dup(name);
    if (copy == NULL || !is_comparable(copy)) {
        X509_NAME_free(copy);
        return CM_CRL_ISSUER_NO_MEMORY;
    }
    memmove(issuers->sorted + at + 1, issuers->sorted + at,
            (issuers->count - at) * sizeof(*issuers->sorted));
    issuers->sorted[at] = issuers->count;
    issuers->names[issuers->count++] = copy;
    issuers->bytes += bytes;
    return CM_CRL_ISSUER_KNOWN;
}

enum cm_crl_issuer
cm_crl_issuers_add(struct cm_crl_issuers *issuers, const X509_NAME *name,
                   unsigned *number)
{
    size_t bytes = 0;
    unsigned at;
    bool found;

    if (!is_comparable(name) || X509_NAME_get0_der(name, NULL, &bytes) != 1)
        return CM_CRL_ISSUER_NO_MEMORY;
    at = place(issuers, name, &found);
    if (found) {
        *number = issuers->sorted[at];
        return CM_CRL_ISSUER_KNOWN;
    }
    if (issuers->count == CM_CRL_MAX_ISSUERS ||
        bytes > CM_CRL_MAX_ISSUER_BYTES - issuers->bytes)
        return CM_CRL_ISSUER_FULL;
    *number = issuers->count;
    return insert(issuers, at, name, bytes);
}

void
cm_crl_issuers_clear(struct cm_crl_issuers *issuers)
{
    for (unsigned i = 0; i < issuers->count; i++)
        X509_NAME_free(issuers->names[i]);
    free(issuers->names);
    free(issuers->sorted);
    memset(issuers, 0, sizeof(*issuers));
}
