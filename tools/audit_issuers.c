/*
 * Issuers that values name, and the CAs that the realm knows.
 */
#include <stdlib.h>
#include <string.h>

#include "audit_command.h"
#include "name.h"
#include "text.h"

const char *
cm_audit_ca_token(enum cm_audit_ca ca)
{
    switch (ca) {
    case CM_AUDIT_CA_NONE:
        break;
    case CM_AUDIT_CA_KNOWN:
        return "known";
    case CM_AUDIT_CA_NTAUTH:
        return "ntauth";
    }
    return "unknown";
}

/* FNV-1a over ASCII-folded text: names are compared as well. */
static uint64_t
hash_of(const char *name, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++) {
        char c = name[i];

        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        hash = (hash ^ (uint8_t)c) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static bool
append(struct cm_audit *audit, const char *name, size_t len, uint64_t hash)
{
    char *copy = strndup(name, len);
    struct cm_audit_issuer *list;

    if (copy == NULL)
        return false;
    list =
        reallocarray(audit->issuers, audit->issuer_count + 1, sizeof(*list));
    if (list == NULL) {
        free(copy);
        return false;
    }
    list[audit->issuer_count++] =
        (struct cm_audit_issuer){.name = copy, .len = len, .hash = hash};
    audit->issuers = list;
    return true;
}

struct cm_audit_issuer *
cm_audit_issuer(struct cm_audit *audit, const char *name, size_t len, bool add)
{
    uint64_t hash = hash_of(name, len);

    for (size_t i = 0; i < audit->issuer_count; i++) {
        struct cm_audit_issuer *one = &audit->issuers[i];

        if (one->hash == hash && one->len == len &&
            cm_text_equal_fold_n(one->name, name, len))
            return one;
    }
    if (!add)
        return NULL;
    if (audit->issuer_count >= CM_AUDIT_MAX_ISSUERS)
        return &audit->others;
    if (!append(audit, name, len, hash)) {
        cm_detail_set(&audit->why, "out of memory");
        return NULL;
    }
    return &audit->issuers[audit->issuer_count - 1];
}

/* Of two certificates of one name the better one counts. */
static bool
add_list(struct cm_audit *audit, const struct cm_trusted_list *list,
         enum cm_audit_ca ca)
{
    struct cm_audit_issuer *issuer;
    char *name;

    for (size_t i = 0; i < list->count; i++) {
        name = cm_name_windows(X509_get_subject_name(list->list[i].x509));
        if (name == NULL)
            continue; /* no value can name it */
        issuer = cm_audit_issuer(audit, name, strlen(name), true);
        free(name);
        if (issuer == NULL)
            return false;
        if (issuer != &audit->others && issuer->ca < ca)
            issuer->ca = ca;
    }
    return true;
}

bool
cm_audit_issuers_load(struct cm_audit *audit)
{
    const struct cm_snapshot *snapshot = audit->world.snapshot;

    return add_list(audit, &snapshot->ntauth, CM_AUDIT_CA_NTAUTH) &&
           add_list(audit, &snapshot->intermediates, CM_AUDIT_CA_KNOWN) &&
           add_list(audit, &snapshot->anchors, CM_AUDIT_CA_KNOWN);
}

void
cm_audit_issuers_clear(struct cm_audit *audit)
{
    for (size_t i = 0; i < audit->issuer_count; i++)
        free(audit->issuers[i].name);
    free(audit->issuers);
    audit->issuers = NULL;
    audit->issuer_count = 0;
}
