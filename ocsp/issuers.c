#include "issuers.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "trusted.h"

enum key_match { KEY_UNKNOWN, KEY_SAME, KEY_OTHER };

/* Compares the child's authority key identifier with the issuer's subject
 * key identifier. */
static enum key_match
match_key(X509 *child, X509 *issuer)
{
    const ASN1_OCTET_STRING *wanted = X509_get0_authority_key_id(child);
    const ASN1_OCTET_STRING *found = X509_get0_subject_key_id(issuer);

    if (wanted == NULL || found == NULL)
        return KEY_UNKNOWN;
    return ASN1_OCTET_STRING_cmp(wanted, found) == 0 ? KEY_SAME : KEY_OTHER;
}

static bool
is_in_validity(X509 *cert, int64_t now)
{
    time_t at = (time_t)now;

    return X509_cmp_time(X509_get0_notBefore(cert), &at) < 0 &&
           X509_cmp_time(X509_get0_notAfter(cert), &at) > 0;
}

static int
compare_fingerprints(const struct cm_issuer *a, const struct cm_issuer *b)
{
    return memcmp(a->trusted->sha256, b->trusted->sha256,
                  sizeof(a->trusted->sha256));
}

static int
by_fingerprint(const void *a, const void *b)
{
    return compare_fingerprints(a, b);
}

static int
by_promise(const void *left, const void *right)
{
    const struct cm_issuer *a = left, *b = right;

    if (a->in_validity != b->in_validity)
        return a->in_validity ? -1 : 1;
    if (a->key_named != b->key_named)
        return a->key_named ? -1 : 1;
    if (a->anchor != b->anchor)
        return a->anchor ? -1 : 1;
    if (a->below_anchor != b->below_anchor)
        return a->below_anchor ? -1 : 1;
    return compare_fingerprints(a, b);
}

/* Drops the second of two that are one certificate from two lists. */
static size_t
unite(struct cm_issuer *list, size_t count)
{
    size_t kept = 0;

    qsort(list, count, sizeof(*list), by_fingerprint);
    for (size_t i = 1; i < count; i++) {
        if (compare_fingerprints(&list[kept], &list[i]) != 0)
            list[++kept] = list[i];
    }
    return kept + 1;
}

/* Adds one list's certificates of the wanted name. */
static size_t
add_named(const struct cm_trusted_list *from, size_t first, size_t count,
          const struct cm_trusted_list *anchors, X509 *child,
          struct cm_issuer *list, size_t filled)
{
    const struct cm_trusted *trusted;
    enum key_match match;

    for (size_t i = first; i < first + count; i++) {
        trusted = &from->list[i];
        match = match_key(child, trusted->x509);
        /* An anchor ends a path wherever else it is listed. */
        if (match == KEY_OTHER ||
            (from != anchors && cm_trusted_list_has(anchors, trusted)))
            continue;
        list[filled].trusted = trusted;
        list[filled].anchor = from == anchors;
        list[filled].key_named = match == KEY_SAME;
        filled++;
    }
    return filled;
}

/* Leaves each certificate once and the most promising first.  One that leads
 * straight to an anchor comes before the detours of cross-certification. */
static size_t
put_in_order(struct cm_issuer *list, size_t count,
             const struct cm_trusted_list *anchors, int64_t now)
{
    size_t first, named;
    X509 *x509;

    if (count > 1)
        count = unite(list, count);
    if (count < 2)
        return count;
    for (size_t i = 0; i < count; i++) {
        x509 = list[i].trusted->x509;
        list[i].in_validity = is_in_validity(x509, now);
        cm_trusted_list_named(anchors, X509_get_issuer_name(x509), &first,
                              &named);
        list[i].below_anchor = named > 0;
    }
    qsort(list, count, sizeof(*list), by_promise);
    return count;
}

bool
cm_issuers_find(const struct cm_snapshot *snapshot,
                const struct cm_trusted_list *extra,
                const struct cm_trusted *child, int64_t now,
                struct cm_issuer **out, size_t *count)
{
    const struct cm_trusted_list *lists[] = {&snapshot->anchors,
                                             &snapshot->intermediates,
                                             &snapshot->ntauth, extra};
    enum { LISTS = sizeof(lists) / sizeof(lists[0]) };
    const X509_NAME *name = X509_get_issuer_name(child->x509);
    size_t first[LISTS], named[LISTS], total = 0;
    struct cm_issuer *list;

    *out = NULL;
    *count = 0;
    for (size_t i = 0; i < LISTS; i++) {
        cm_trusted_list_named(lists[i], name, &first[i], &named[i]);
        total += named[i];
    }
    if (total == 0)
        return true;
    list = calloc(total, sizeof(*list));
    if (list == NULL)
        return false;
    for (size_t i = 0; i < LISTS; i++)
        *count = add_named(lists[i], first[i], named[i], lists[0], child->x509,
                           list, *count);
    *count = put_in_order(list, *count, lists[0], now);
    *out = list;
    return true;
}
