/*
 * One mapping value, judged for itself.
 */
#include <stdlib.h>
#include <string.h>

#include "audit_command.h"
#include "policy.h"
#include "timetext.h"

/* What the known certificates of a value have in common. */
struct found {
    struct cm_audit *audit;
    size_t count, revoked, expired, strange_ski;
    int64_t last; /* the latest end */
};

static void
count_month(struct cm_audit *audit, int64_t not_after)
{
    struct cm_audit_counts *counts = &audit->counts;
    int month = cm_audit_month(audit->now, not_after);

    counts->certificates++;
    if (not_after < audit->now)
        counts->expired++;
    else if (month >= 0 && month < CM_AUDIT_MONTHS)
        counts->months[month]++;
    else
        counts->later++;
}

static void
visit_known(void *context, struct cm_audit_certificate *certificate)
{
    struct found *found = context;

    if (found->count++ == 0 || certificate->not_after > found->last)
        found->last = certificate->not_after;
    found->revoked += certificate->revoked ? 1 : 0;
    found->expired += certificate->not_after < found->audit->now ? 1 : 0;
    found->strange_ski += certificate->ski_is_key_hash ? 0 : 1;
    if (!certificate->counted)
        count_month(found->audit, certificate->not_after);
    certificate->counted = true;
}

/* Only these end with a certificate: its successor has the same names. */
static bool
names_a_certificate(enum cm_form form)
{
    return form == CM_FORM_ISSUER_SERIAL || form == CM_FORM_SKI ||
           form == CM_FORM_SHA1_PUKEY;
}

static bool
judge_known(struct cm_audit *audit, const struct cm_audit_account *account,
            const struct cm_value *value, const struct found *found,
            enum cm_form form)
{
    struct cm_detail detail = {""};
    char when[CM_TIME_TEXT];

    if (form == CM_FORM_SKI && found->strange_ski == found->count &&
        !audit->target.settings.policy.ski_trust_extension &&
        !cm_audit_add(audit, CM_AUDIT_SKI_NOT_KEY, account, value, NULL, NULL))
        return false;
    if (!names_a_certificate(form))
        return true;
    if (found->revoked == found->count)
        return cm_audit_add(audit, CM_AUDIT_REVOKED, account, value, NULL,
                            NULL);
    if (found->expired + found->revoked < found->count)
        return true;
    cm_time_text(found->last, when);
    cm_detail_set(&detail, "since %s", when);
    return cm_audit_add(audit, CM_AUDIT_EXPIRED, account, value, detail.text,
                        NULL);
}

/* What the issuer's name says, once it is certain that nothing else was
 * meant. */
static bool
judge_issuer(struct cm_audit *audit, const struct cm_audit_account *account,
             const struct cm_value *value,
             const struct cm_audit_issuer *issuer)
{
    if (issuer == NULL || issuer->ca == CM_AUDIT_CA_NTAUTH)
        return true;
    return cm_audit_add(audit,
                        issuer->ca == CM_AUDIT_CA_KNOWN
                            ? CM_AUDIT_NOT_NTAUTH
                            : CM_AUDIT_UNKNOWN_ISSUER,
                        account, value, NULL, NULL);
}

static bool
judge_unknown(struct cm_audit *audit, const struct cm_audit_account *account,
              const struct cm_value *value, const struct cm_altsecid *parsed,
              bool *mistaken)
{
    enum cm_audit_kind kind;
    char *meant;
    bool ok = true;

    *mistaken = cm_audit_meant(audit, parsed, &kind, &meant);
    if (*mistaken)
        ok = cm_audit_add(audit, kind, account, value, NULL, meant);
    else if (account->certificate_count > 0 &&
             names_a_certificate(parsed->form))
        ok = cm_audit_add(audit, CM_AUDIT_CERTIFICATE_UNKNOWN, account, value,
                          NULL, NULL);
    free(meant);
    return ok;
}

/* Counts the value under its issuer.  False: no memory. */
static bool
count_issuer(struct cm_audit *audit, const struct cm_altsecid *parsed,
             struct cm_audit_issuer **out)
{
    *out = NULL;
    if (parsed->issuer.len == 0)
        return true;
    *out =
        cm_audit_issuer(audit, parsed->issuer.data, parsed->issuer.len, true);
    if (*out == NULL)
        return false;
    if (cm_form_strength(parsed->form) == CM_STRENGTH_STRONG)
        (*out)->strong++;
    else
        (*out)->weak++;
    return true;
}

static bool
judge_formed(struct cm_audit *audit, const struct cm_audit_account *account,
             const struct cm_value *value, const struct cm_altsecid *parsed,
             struct cm_audit_judged *out)
{
    unsigned accept = audit->target.settings.policy.accept;
    struct found found = {.audit = audit};
    struct cm_audit_issuer *issuer;
    struct cm_audit_digest exact;
    bool mistaken = false, ok;

    if ((accept & CM_ACCEPT(parsed->form)) != 0)
        out->strength = cm_form_strength(parsed->form);
    else if (!cm_audit_add(audit, CM_AUDIT_NOT_ACCEPTED, account, value,
                           cm_form_token(parsed->form), NULL))
        return false;
    audit->counts.forms[parsed->form]++;
    cm_audit_digest_of(parsed, false, &exact);
    cm_audit_digest_of(parsed, true, &out->digest);
    (void)cm_audit_certificates_find(&audit->own, &exact, visit_known, &found);
    if (found.count == 0)
        (void)cm_audit_certificates_find(&audit->seen, &exact, visit_known,
                                         &found);
    if (!count_issuer(audit, parsed, &issuer))
        return false;
    ok = found.count > 0
             ? judge_known(audit, account, value, &found, parsed->form)
             : judge_unknown(audit, account, value, parsed, &mistaken);
    /* Neither can match what a CA of the NTAuth list has issued. */
    if (mistaken || (issuer != NULL && issuer->ca != CM_AUDIT_CA_NTAUTH))
        out->strength = CM_STRENGTH_NONE;
    return ok && (mistaken || judge_issuer(audit, account, value, issuer));
}

bool
cm_audit_judge_value(struct cm_audit *audit,
                     const struct cm_audit_account *account,
                     const struct cm_value *value, struct cm_audit_judged *out)
{
    struct cm_altsecid parsed;

    memset(out, 0, sizeof(*out));
    cm_altsecid_parse(value->data, value->len, &parsed);
    out->x509 = parsed.is_x509;
    out->formed = parsed.form != CM_FORM_NONE;
    if (!parsed.is_x509) {
        audit->counts.foreign++;
        cm_audit_digest_folded(value->data, value->len, &out->digest);
        return true;
    }
    audit->counts.values++;
    if (out->formed)
        return judge_formed(audit, account, value, &parsed, out);
    audit->counts.forms[CM_FORM_NONE]++;
    cm_audit_digest_folded(value->data, value->len, &out->digest);
    return cm_audit_add(audit, CM_AUDIT_MALFORMED, account, value,
                        parsed.fault, NULL);
}
