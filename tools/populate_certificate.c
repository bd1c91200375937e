/*
 * One certificate of the source, as a row.
 */
#include <stdlib.h>
#include <string.h>

#include "pack.h"
#include "populate.h"
#include "text.h"
#include "timetext.h"

static bool
is_expired(const struct cm_populate *populate,
           const struct cm_certificate *cert)
{
    return populate->now > cert->not_after;
}

static bool
knows_issuer(const struct cm_populate *populate,
             const struct cm_certificate *cert)
{
    const struct cm_text_list *known = &populate->issuers;

    for (size_t i = 0; cert->issuer != NULL && i < known->count; i++) {
        if (cm_text_equal_fold(known->items[i], cert->issuer))
            return true;
    }
    return false;
}

/*
 * Whether the certificate is passed over, and why.  *end: the run is over.
 */
static bool
is_passed_over(struct cm_populate *populate, const char *what,
               const struct cm_certificate *cert, bool *end)
{
    char when[CM_TIME_TEXT];
    bool noted = true, passed = true;

    if (cert->is_ca) {
        noted = cm_populate_note(populate, CM_PROBLEM_CA, what, NULL,
                                 "a CA's certificate");
    } else if (is_expired(populate, cert) && !populate->flags.prune_expired) {
        cm_time_text(cert->not_after, when);
        noted =
            cm_populate_note(populate, CM_PROBLEM_EXPIRED, what, NULL, when);
    } else if (populate->flags.prune_unknown_issuer &&
               !knows_issuer(populate, cert)) {
        noted = cm_populate_note(populate, CM_PROBLEM_UNKNOWN_ISSUER, what,
                                 NULL, cert->issuer_rfc4514);
    } else {
        passed = false;
    }
    *end = !noted;
    return passed;
}

/* Is the value of use later on? */
static bool
is_wanted(const struct cm_populate *populate, bool expired, enum cm_form form)
{
    return expired || form == populate->form ||
           (populate->flags.replace_weak &&
            cm_form_strength(form) == CM_STRENGTH_WEAK);
}

/* False: none of the form that was asked for. */
static bool
pack_row(const struct cm_populate *populate, const char *what, bool expired,
         const struct cm_candidates *candidates, struct cm_buf *row)
{
    uint32_t count = 0;
    bool found = expired;

    for (size_t i = 0; i < candidates->count; i++)
        count += is_wanted(populate, expired, candidates->list[i].form);
    cm_pack_text(row, what);
    cm_pack_number(row, expired);
    cm_pack_number(row, count);
    for (size_t i = 0; i < candidates->count; i++) {
        const struct cm_candidate *one = &candidates->list[i];

        if (!is_wanted(populate, expired, one->form))
            continue;
        found = found || one->form == populate->form;
        cm_pack_number(row, (uint32_t)one->form);
        cm_pack_bytes(row, one->value, one->len);
    }
    return found;
}

static bool
add_row(struct cm_populate *populate, const char *what, const char *key,
        const struct cm_certificate *cert)
{
    struct cm_candidates candidates = {0};
    struct cm_buf row = CM_BUF_INIT;
    bool ok;

    if (!cm_candidates_build(
            cert, populate->target.settings.policy.ski_trust_extension,
            &candidates))
        return cm_detail_no_memory(&populate->why);
    if (!pack_row(populate, what, is_expired(populate, cert), &candidates,
                  &row))
        ok = cm_populate_note(populate, CM_PROBLEM_NO_VALUE, what, NULL,
                              cm_form_token(populate->form));
    else if (row.failed)
        ok = cm_detail_no_memory(&populate->why);
    else
        ok = cm_sorter_add(populate->wishes, key, strlen(key), row.data,
                           row.len, &populate->why);
    cm_buf_clear(&row);
    cm_candidates_clear(&candidates);
    return ok;
}

static bool
take_certificate(struct cm_populate *populate, const char *what,
                 const char *key, const struct cm_certificate *cert)
{
    const char *why = NULL;
    char *own = NULL;
    bool end, ok;

    if (is_passed_over(populate, what, cert, &end))
        return !end;
    if (key == NULL)
        key = own = cm_match_key(&populate->match, cert, &why);
    if (key != NULL)
        ok = add_row(populate, what, key, cert);
    else if (why != NULL)
        ok = cm_populate_note(populate, CM_PROBLEM_NO_KEY, what, NULL, why);
    else
        ok = cm_detail_no_memory(&populate->why);
    free(own);
    return ok;
}

bool
cm_populate_certificate(struct cm_populate *populate, const char *what,
                        const uint8_t *der, size_t len, const char *key)
{
    struct cm_certificate cert;
    struct cm_detail detail = {""};
    enum cm_reason reason;
    bool ok;

    populate->certificates++;
    cm_meter_step(&populate->meter, populate->certificates);
    reason = cm_certificate_decode_keyless(populate->keyless.library, der, len,
                                           &cert, &detail);
    if (reason == CM_NO_MEMORY)
        return cm_detail_no_memory(&populate->why);
    if (reason != CM_OK)
        return cm_populate_note(populate, CM_PROBLEM_UNREADABLE, what, NULL,
                                detail.text);
    ok = take_certificate(populate, what, key, &cert);
    cm_certificate_clear(&cert);
    return ok;
}

const char *const cm_populate_certificate_names[] = {"userCertificate;binary",
                                                     "userCertificate", NULL};

/* Some servers give a value under both names. */
static bool
was_seen(const struct cm_attribute *before, const struct cm_value *value)
{
    for (size_t i = 0; before != NULL && i < before->count; i++) {
        if (before->values[i].len == value->len &&
            memcmp(before->values[i].data, value->data, value->len) == 0)
            return true;
    }
    return false;
}

bool
cm_populate_entry_certificates(struct cm_populate *populate,
                               const struct cm_entry *entry, const char *key)
{
    const struct cm_attribute *one, *before = NULL;
    bool ok = true;

    for (size_t i = 0; ok && cm_populate_certificate_names[i] != NULL; i++) {
        one = cm_entry_get(entry, cm_populate_certificate_names[i]);
        for (size_t j = 0; ok && one != NULL && j < one->count; j++)
            ok = was_seen(before, &one->values[j]) ||
                 cm_populate_certificate(populate, entry->dn,
                                         (const uint8_t *)one->values[j].data,
                                         one->values[j].len, key);
        before = one;
    }
    return ok;
}
