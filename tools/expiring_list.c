/* What runs out, in the order of time. */
#include "expiring_command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "instant.h"
#include "name.h"
#include "refresh_plan.h"

const char *
cm_expiry_token(enum cm_expiry_kind kind)
{
    switch (kind) {
    case CM_EXPIRY_NTAUTH:
        return "ntauth";
    case CM_EXPIRY_ANCHOR:
        return "anchor";
    case CM_EXPIRY_INTERMEDIATE:
        return "intermediate";
    case CM_EXPIRY_KDC:
        return "kdc";
    case CM_EXPIRY_OCSP_SIGNER:
        return "ocsp-signer";
    case CM_EXPIRY_CRL:
        return "crl";
    case CM_EXPIRY_MIRROR:
        return "mirror";
    case CM_EXPIRY_CARD:
        return "card";
    case CM_EXPIRY_USER:
        return "user";
    }
    return "?";
}

static void
clear_one(struct cm_expiry *one)
{
    free(one->name);
    free(one->where);
    memset(one, 0, sizeof(*one));
}

void
cm_expiries_clear(struct cm_expiries *list)
{
    for (size_t i = 0; i < list->count; i++)
        clear_one(&list->list[i]);
    free(list->list);
    cm_text_list_clear(&list->problems);
    memset(list, 0, sizeof(*list));
}

/* Soonest first; of one moment in the order of kinds. */
static int
compare(const struct cm_expiry *a, const struct cm_expiry *b)
{
    if (a->until != b->until)
        return a->until < b->until ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return memcmp(a->id, b->id, sizeof(a->id));
}

/* Its place, by halving. */
static size_t
place_of(const struct cm_expiries *list, const struct cm_expiry *one)
{
    size_t low = 0, high = list->count, middle;

    while (low < high) {
        middle = low + (high - low) / 2;
        if (compare(&list->list[middle], one) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* One more place of what is there; a long list of places is cut. */
static bool
add_place(struct cm_expiry *there, const char *where)
{
    size_t len = strlen(there->where);
    char *text = NULL;

    if (strstr(there->where, where) != NULL || len > CM_EXPIRING_MAX_WHERE)
        return true;
    if (asprintf(&text, "%s, %s", there->where,
                 len + strlen(where) > CM_EXPIRING_MAX_WHERE ? "..." : where) <
        0)
        return false;
    free(there->where);
    there->where = text;
    return true;
}

/* Room for one more, the last making way where there is none. */
static bool
make_room(struct cm_expiries *list)
{
    struct cm_expiry *grown;

    if (list->count == CM_EXPIRING_MAX) {
        clear_one(&list->list[--list->count]);
        list->left_out++;
        return true;
    }
    if ((list->count & (list->count - 1)) != 0)
        return true; /* it grows at powers of two */
    grown = reallocarray(list->list, list->count > 0 ? 2 * list->count : 1,
                         sizeof(*grown));
    if (grown == NULL)
        return false;
    list->list = grown;
    return true;
}

static bool
insert(struct cm_expiries *list, size_t at, const struct cm_expiry *one,
       const char *name, const char *where)
{
    struct cm_expiry copy = *one;

    copy.name = strdup(name);
    copy.where = strdup(where);
    if (copy.name == NULL || copy.where == NULL || !make_room(list)) {
        clear_one(&copy);
        return false;
    }
    memmove(list->list + at + 1, list->list + at,
            (list->count - at) * sizeof(copy));
    list->list[at] = copy;
    list->count++;
    return true;
}

bool
cm_expiry_counts(const struct cm_expiries *list, const struct cm_expiry *one)
{
    return one->until <= list->limit && !one->fresh;
}

static void
add_one(struct cm_expiries *list, struct cm_expiry *one, const char *name,
        const char *where)
{
    size_t at;
    bool ok;

    if (!list->all && !cm_expiry_counts(list, one))
        return;
    at = place_of(list, one);
    if (at < list->count && compare(&list->list[at], one) == 0) {
        ok = add_place(&list->list[at], where);
    } else if (at == CM_EXPIRING_MAX) {
        list->left_out++;
        ok = true;
    } else {
        ok = insert(list, at, one, name, where);
    }
    list->failed = list->failed || !ok;
}

void
cm_expiries_add(struct cm_expiries *list, enum cm_expiry_kind kind,
                int64_t until, const char *name, const char *where,
                const uint8_t id[32])
{
    struct cm_expiry one = {.kind = kind, .until = until};

    memcpy(one.id, id, sizeof(one.id));
    add_one(list, &one, name, where);
}

void
cm_expiries_add_renewed(struct cm_expiries *list, enum cm_expiry_kind kind,
                        int64_t since, int64_t until, int64_t now,
                        const char *name, const char *where,
                        const uint8_t id[32])
{
    struct cm_expiry one = {.kind = kind, .until = until};

    memcpy(one.id, id, sizeof(one.id));
    one.fresh =
        until > since && now < until - (until - since) / CM_REFRESH_ALARM_PART;
    add_one(list, &one, name, where);
}

void
cm_expiries_add_cert(struct cm_expiries *list, enum cm_expiry_kind kind,
                     X509 *cert, const char *where)
{
    uint8_t id[32];
    int64_t until;
    char *name;

    if (!cm_instant_read(X509_get0_notAfter(cert), &until)) {
        cm_expiries_problem(list, "%s: when a certificate ends cannot be read",
                            where);
        return;
    }
    if (!list->all && until > list->limit)
        return;
    name = cm_name_rfc4514(X509_get_subject_name(cert));
    if (name == NULL || X509_digest(cert, EVP_sha256(), id, NULL) != 1)
        list->failed = true;
    else
        cm_expiries_add(list, kind, until, name, where, id);
    free(name);
}

void
cm_expiries_problem(struct cm_expiries *list, const char *format, ...)
{
    char *text = NULL;
    va_list ap;
    int len;

    if (list->problems.count == CM_EXPIRING_MAX_PROBLEMS)
        return;
    va_start(ap, format);
    len = vasprintf(&text, format, ap);
    va_end(ap);
    if (len < 0 || !cm_text_list_add(&list->problems, text))
        list->failed = true;
    if (len >= 0)
        free(text);
}
