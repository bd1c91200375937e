/*
 * The decision.
 *
 * Read cm_decide() at the end first: it is the ladder, one rung a line.  The
 * functions above it are the rungs, in the same order.  Three habits keep it
 * safe: every rung starts from a refusal, all values are looked at before
 * anything is concluded (so the order of values never matters), and what
 * refuses is never outvoted by what accepts.
 */
#include "decide.h"

#include <stddef.h>
#include <string.h>

/* Set bits of `forms` are forms that matched and that may accept. */
#define MATCHED(form) CM_ACCEPT(form)

enum {
    STRONG_FORMS = MATCHED(CM_FORM_ISSUER_SERIAL) | MATCHED(CM_FORM_SKI) |
                   MATCHED(CM_FORM_SHA1_PUKEY) | MATCHED(CM_FORM_ISSUER_SID)
};

/* What the certificate's SID says about the account. */
enum sid_verdict {
    SID_NONE,       /* the certificate has none */
    SID_EQUAL,      /* it is the account's */
    SID_FOREIGN,    /* it is not, or the account's cannot be read */
    SID_UNCOMPARED, /* the schema has no SIDs */
    SID_DAMAGED     /* damaged, doubled or contradictory */
};

/* The one account of the principal: there, alone and not disabled. */
static enum cm_reason
find_account(const struct cm_evidence *evidence, struct cm_verdict *out)
{
    const struct cm_account *account, *named = NULL;

    for (size_t i = 0; i < evidence->accounts->count; i++) {
        account = &evidence->accounts->list[i];
        if (!account->named)
            continue;
        if (named != NULL) {
            cm_detail_set(&out->detail, "%s and %s are both the principal's",
                          named->id, account->id);
            return CM_ACCOUNT_AMBIGUOUS;
        }
        named = account;
    }
    if (named == NULL)
        return CM_ACCOUNT_NOT_FOUND;
    out->account = named;
    if (named->disabled) {
        cm_detail_set(&out->detail, "%s",
                      named->disabled_why != NULL ? named->disabled_why : "");
        return CM_ACCOUNT_DISABLED;
    }
    return CM_OK;
}

/* Does the UPN end in "@" and the suffix? */
static bool
upn_has_suffix(const char *upn, const char *suffix)
{
    const char *at = strchr(upn, '@');

    return at != NULL && cm_text_equal_fold(at + 1, suffix);
}

static bool
upn_suffix_is_allowed(const struct cm_text_list *suffixes, const char *upn)
{
    for (size_t i = 0; i < suffixes->count; i++) {
        if (upn_has_suffix(upn, suffixes->items[i]))
            return true;
    }
    return suffixes->count == 0;
}

/*
 * Is the UPN this account's and nobody else's?  An account whose explicit UPN
 * cannot be read might hold it, so it counts as somebody else.
 */
static bool
upn_is_only_of(const struct cm_evidence *evidence,
               const struct cm_account *account, struct cm_detail *detail)
{
    const char *upn = evidence->cert->upn;
    const struct cm_account *other;
    size_t holders = 0;
    bool ours = false;

    for (size_t i = 0; i < evidence->accounts->count; i++) {
        other = &evidence->accounts->list[i];
        if (other->upn_state == CM_FAULTY) {
            cm_detail_set(detail, "the UPN of %s cannot be read", other->id);
            return false;
        }
        if (!cm_account_has_upn(other, upn, evidence->policy->dns_domain))
            continue;
        holders++;
        ours = ours || other == account;
    }
    if (holders != 1 || !ours)
        cm_detail_set(detail, "UPN %s: %zu accounts hold it%s", upn, holders,
                      ours ? ", not only this one" : "");
    return ours && holders == 1;
}

/* [MS-PKCA] 3.1.5.2.1.2.  A UPN that is not this account's refuses. */
static enum cm_reason
match_upn(const struct cm_evidence *evidence, const struct cm_account *account,
          unsigned *forms, struct cm_detail *detail)
{
    const struct cm_certificate *cert = evidence->cert;

    if (cert->upn_state == CM_ABSENT)
        return CM_OK;
    if (cert->upn_state != CM_PRESENT) {
        cm_detail_set(detail, "the certificate's UPN is faulty or doubled");
        return CM_NAME_MISMATCH;
    }
    if (!upn_suffix_is_allowed(&evidence->policy->upn_suffixes, cert->upn)) {
        cm_detail_set(detail, "the issuing CA may not assert UPN %s",
                      cert->upn);
        return CM_NAME_MISMATCH;
    }
    if (!upn_is_only_of(evidence, account, detail))
        return CM_NAME_MISMATCH;
    /* A computer may carry its own UPN, but is never mapped by it. */
    if (!account->computer)
        *forms |= MATCHED(CM_FORM_UPN);
    return CM_OK;
}

/* [MS-PKCA] 3.1.5.2.1.1, computers only. */
static enum cm_reason
match_dns(const struct cm_evidence *evidence, const struct cm_account *account,
          unsigned *forms, struct cm_detail *detail)
{
    const struct cm_certificate *cert = evidence->cert;

    if (!account->computer || (cert->dns.count == 0 && !cert->dns_faulty))
        return CM_OK;
    for (size_t i = 0; i < cert->dns.count && !cert->dns_faulty; i++) {
        if (cm_account_has_dns_name(account, cert->dns.items[i],
                                    evidence->policy->dns_domain)) {
            *forms |= MATCHED(CM_FORM_DNS);
            return CM_OK;
        }
    }
    cm_detail_set(detail, "no DNS name of the certificate is %s",
                  account->account_name != NULL ? account->account_name : "");
    return CM_NAME_MISMATCH;
}

/* Is one value one of the certificate's candidates?  Adds its form. */
static bool
match_value(const struct cm_candidates *candidates,
            const struct cm_value *value, unsigned *forms)
{
    bool matched = false;

    for (size_t i = 0; i < candidates->count; i++) {
        if (cm_candidate_matches(&candidates->list[i], value->data,
                                 value->len)) {
            *forms |= MATCHED(candidates->list[i].form);
            matched = true;
        }
    }
    return matched;
}

/* [MS-PKCA] 3.1.5.2.1.3.  Every value counts; malformed ones are skipped. */
static enum cm_reason
match_explicit(const struct cm_evidence *evidence,
               const struct cm_account *account, unsigned *forms,
               unsigned *warnings)
{
    struct cm_candidates candidates;
    struct cm_altsecid parsed;
    const struct cm_value *value;

    if (!cm_candidates_build(evidence->cert,
                             evidence->policy->ski_trust_extension,
                             &candidates))
        return CM_NO_MEMORY;
    for (size_t i = 0; i < account->mapping_count; i++) {
        value = &account->mappings[i];
        if (match_value(&candidates, value, forms))
            continue;
        cm_altsecid_parse(value->data, value->len, &parsed);
        if (parsed.is_x509 && parsed.form == CM_FORM_NONE)
            *warnings |= CM_WARN_MALFORMED_VALUE;
    }
    cm_candidates_clear(&candidates);
    return CM_OK;
}

/*
 * The form to report: the strongest, then the most telling.  The order of
 * this list decides nothing else.
 */
static enum cm_form
best_form(unsigned forms)
{
    static const enum cm_form by_rank[] = {
        CM_FORM_ISSUER_SERIAL,  CM_FORM_SKI,    CM_FORM_SHA1_PUKEY,
        CM_FORM_ISSUER_SID,     CM_FORM_UPN,    CM_FORM_DNS,
        CM_FORM_ISSUER_SUBJECT, CM_FORM_RFC822, CM_FORM_SUBJECT,
    };

    for (size_t i = 0; i < sizeof(by_rank) / sizeof(by_rank[0]); i++) {
        if (forms & MATCHED(by_rank[i]))
            return by_rank[i];
    }
    return CM_FORM_NONE;
}

static bool
issuer_has_thumbprint(const struct cm_evidence *evidence,
                      const struct cm_thumbprint *wanted)
{
    const struct cm_thumbprint *have;

    for (size_t i = 0; i < evidence->issuer_thumbprint_count; i++) {
        have = &evidence->issuer_thumbprints[i];
        if (have->len == wanted->len &&
            memcmp(have->bytes, wanted->bytes, have->len) == 0)
            return true;
    }
    return false;
}

static bool
asserts_policy(const struct cm_certificate *cert,
               const struct cm_text_list *oids)
{
    for (size_t i = 0; i < oids->count; i++) {
        if (cm_text_list_has(&cert->policies, oids->items[i]))
            return true;
    }
    return false;
}

/*
 * The weak form that a name_strong tuple makes strong ([MS-PKCA]
 * 3.1.5.2.1.5): issued by the tuple's CA, under one of its policies, and
 * mapped in the tuple's way.
 */
static enum cm_form
form_by_tuple(const struct cm_evidence *evidence, unsigned forms)
{
    const struct cm_name_strong *tuple;

    for (size_t i = 0; i < evidence->policy->name_strong_count; i++) {
        tuple = &evidence->policy->name_strong[i];
        if (!issuer_has_thumbprint(evidence, &tuple->issuer) ||
            !asserts_policy(evidence->cert, &tuple->oids))
            continue;
        if ((forms & MATCHED(CM_FORM_UPN)) && tuple->upn_suffixes.count > 0 &&
            upn_suffix_is_allowed(&tuple->upn_suffixes, evidence->cert->upn))
            return CM_FORM_UPN;
        if ((forms & MATCHED(CM_FORM_ISSUER_SUBJECT)) && tuple->issuer_subject)
            return CM_FORM_ISSUER_SUBJECT;
    }
    return CM_FORM_NONE;
}

/*
 * The SID that the certificate asserts: the extension's, or, without one, the
 * URI's.  Two that differ, or a damaged one, are never "none".  What may
 * accept is not asked here: a SID refuses whatever `mappings` says.
 */
static enum cm_presence
asserted_sid(const struct cm_certificate *cert, const char **sid)
{
    enum cm_presence uri = cert->sid_uri_state;

    *sid = NULL;
    if (cert->sid_state == CM_FAULTY || uri == CM_FAULTY)
        return CM_FAULTY;
    if (cert->sid_state == CM_ABSENT && uri == CM_ABSENT)
        return CM_ABSENT;
    if (cert->sid_state == CM_PRESENT && uri == CM_PRESENT &&
        strcmp(cert->sid, cert->sid_uri) != 0)
        return CM_FAULTY;
    *sid = cert->sid_state == CM_PRESENT ? cert->sid : cert->sid_uri;
    return CM_PRESENT;
}

/* [MS-PKCA] 3.1.5.2.1.6. */
static enum sid_verdict
compare_sid(const struct cm_evidence *evidence,
            const struct cm_account *account)
{
    const char *sid;

    switch (asserted_sid(evidence->cert, &sid)) {
    case CM_ABSENT:
        return SID_NONE;
    case CM_FAULTY:
        return SID_DAMAGED;
    case CM_PRESENT:
        break;
    }
    if (!account->has_sid_attribute)
        return SID_UNCOMPARED;
    if (account->sid_state == CM_PRESENT && strcmp(account->sid, sid) == 0)
        return SID_EQUAL;
    return SID_FOREIGN;
}

/* Beside a strong mapping a foreign SID warns, or refuses where the
 * administrator says so; a damaged one always refuses. */
static enum cm_reason
judge_strong(const struct cm_policy *policy, enum sid_verdict sid,
             struct cm_verdict *out)
{
    out->strength = CM_STRENGTH_STRONG;
    switch (sid) {
    case SID_DAMAGED:
        return CM_SID_MALFORMED;
    case SID_FOREIGN:
        out->warnings |= CM_WARN_SID_FOREIGN;
        return policy->sid_mismatch_refuses ? CM_SID_MISMATCH : CM_OK;
    case SID_NONE:
    case SID_EQUAL:
    case SID_UNCOMPARED:
        return CM_OK;
    }
    return CM_INTERNAL;
}

/* notBefore is at or after the account's creation, less the allowance. */
static bool
issued_for_this_account(const struct cm_evidence *evidence,
                        const struct cm_account *account)
{
    int64_t earliest;

    if (account->created_state != CM_PRESENT)
        return false;
    if (__builtin_sub_overflow(account->created, evidence->policy->backdating,
                               &earliest))
        earliest = INT64_MIN;
    return evidence->cert->not_before >= earliest;
}

/* A mapping that stayed weak stands or falls with `enforcement`. */
static enum cm_reason
judge_by_enforcement(const struct cm_evidence *evidence,
                     struct cm_verdict *out)
{
    bool dated = issued_for_this_account(evidence, out->account);

    switch (evidence->policy->enforcement) {
    case CM_ENFORCE_FULL:
        return CM_WEAK_MAPPING;
    case CM_ENFORCE_COMPATIBILITY:
        out->warnings |= CM_WARN_WEAK;
        return dated ? CM_OK : CM_CERT_PREDATES_ACCOUNT;
    case CM_ENFORCE_DISABLED:
        out->warnings |= CM_WARN_WEAK | (dated ? 0 : CM_WARN_PREDATES);
        return CM_OK;
    }
    return CM_INTERNAL;
}

/* May the SID, where it is the account's, make a weak mapping strong? */
static bool
sid_may_strengthen(const struct cm_evidence *evidence)
{
    const struct cm_certificate *cert = evidence->cert;
    unsigned accept = evidence->policy->accept;

    return (cert->sid_state == CM_PRESENT && (accept & CM_ACCEPT_SID)) ||
           (cert->sid_uri_state == CM_PRESENT && (accept & CM_ACCEPT_SID_URI));
}

/* Beside a weak mapping the SID decides first: equal makes it strong, foreign
 * or damaged refuses in every mode. */
static enum cm_reason
judge_weak(const struct cm_evidence *evidence, enum sid_verdict sid,
           struct cm_verdict *out)
{
    out->strength = CM_STRENGTH_WEAK;
    switch (sid) {
    case SID_DAMAGED:
        return CM_SID_MALFORMED;
    case SID_FOREIGN:
        return CM_SID_MISMATCH;
    case SID_EQUAL:
        if (sid_may_strengthen(evidence)) {
            out->strength = CM_STRENGTH_STRONG;
            return CM_OK;
        }
        return judge_by_enforcement(evidence, out);
    case SID_UNCOMPARED:
        out->warnings |= CM_WARN_SID_UNCOMPARED;
        return judge_by_enforcement(evidence, out);
    case SID_NONE:
        return judge_by_enforcement(evidence, out);
    }
    return CM_INTERNAL;
}

/* Nothing maps.  The extension alone suffices only where `sid-alone` is
 * accepted; the URI alone never does. */
static enum cm_reason
judge_sid_alone(const struct cm_evidence *evidence, enum sid_verdict sid,
                struct cm_verdict *out)
{
    if (!(evidence->policy->accept & CM_ACCEPT(CM_FORM_SID)) ||
        evidence->cert->sid_state == CM_ABSENT)
        return CM_NO_MAPPING;
    switch (sid) {
    case SID_EQUAL:
        out->form = CM_FORM_SID;
        out->strength = CM_STRENGTH_STRONG;
        return CM_OK;
    case SID_FOREIGN:
        return CM_SID_MISMATCH;
    case SID_DAMAGED:
        return CM_SID_MALFORMED;
    case SID_NONE:
    case SID_UNCOMPARED:
        return CM_NO_MAPPING;
    }
    return CM_INTERNAL;
}

/* Which forms match, as one set of bits; names that are another's refuse. */
static enum cm_reason
match_all(const struct cm_evidence *evidence, unsigned *forms,
          struct cm_verdict *out)
{
    const struct cm_account *account = out->account;
    enum cm_reason reason = CM_OK;

    if (evidence->policy->use_subject_alt_name) {
        reason = match_upn(evidence, account, forms, &out->detail);
        if (reason == CM_OK)
            reason = match_dns(evidence, account, forms, &out->detail);
    }
    if (reason == CM_OK)
        reason = match_explicit(evidence, account, forms, &out->warnings);
    *forms &= evidence->policy->accept;
    return reason;
}

/* The mapping's strength, then what the SID and `enforcement` make of it. */
static enum cm_reason
judge(const struct cm_evidence *evidence, unsigned forms,
      struct cm_verdict *out)
{
    enum sid_verdict sid = compare_sid(evidence, out->account);
    enum cm_form by_tuple = form_by_tuple(evidence, forms);

    out->form = best_form(forms);
    if (forms & STRONG_FORMS)
        return judge_strong(evidence->policy, sid, out);
    if (by_tuple != CM_FORM_NONE) {
        out->form = by_tuple;
        return judge_strong(evidence->policy, sid, out);
    }
    if (forms != 0)
        return judge_weak(evidence, sid, out);
    return judge_sid_alone(evidence, sid, out);
}

void
cm_decide(const struct cm_evidence *evidence, struct cm_verdict *out)
{
    enum cm_reason reason;
    unsigned forms = 0;

    memset(out, 0, sizeof(*out));
    out->reason = CM_INTERNAL;

    reason = find_account(evidence, out);
    if (reason == CM_OK)
        reason = match_all(evidence, &forms, out);
    if (reason == CM_OK)
        reason = judge(evidence, forms, out);

    out->reason = reason;
}
