/*
 * One account: its values together, and its names.
 */
#include <stdlib.h>
#include <string.h>

#include "audit_command.h"
#include "policy.h"

bool
cm_audit_add(struct cm_audit *audit, enum cm_audit_kind kind,
             const struct cm_audit_account *account,
             const struct cm_value *value, const char *detail,
             const char *meant)
{
    const struct cm_audit_finding finding = {
        .kind = kind,
        .account = account->id,
        .value = value != NULL ? value->data : NULL,
        .value_len = value != NULL ? value->len : 0,
        .detail = detail,
        .meant = meant};

    return cm_audit_findings_add(&audit->findings, &finding, &audit->why);
}

/* One value of the account beside its digest. */
struct held {
    struct cm_audit_digest digest;
    const struct cm_value *value;
    bool formed;
};

struct tally {
    struct held *held;
    size_t count, strong, weak, x509;
};

static int
compare_held(const void *a, const void *b)
{
    const struct held *one = a, *other = b;
    int order =
        memcmp(one->digest.bytes, other->digest.bytes, CM_AUDIT_DIGEST);

    if (order != 0)
        return order;
    return one->value < other->value ? -1 : one->value > other->value;
}

/* Each value once for comparing it with other accounts; what is there again
 * is a finding. */
static bool
compare_values(struct cm_audit *audit, const struct cm_audit_account *account,
               struct tally *tally)
{
    const struct held *one, *first = NULL;
    bool ok = true;

    qsort(tally->held, tally->count, sizeof(*tally->held), compare_held);
    for (size_t i = 0; ok && i < tally->count; i++) {
        one = &tally->held[i];
        if (first != NULL && memcmp(first->digest.bytes, one->digest.bytes,
                                    CM_AUDIT_DIGEST) == 0) {
            ok = cm_audit_add(audit, CM_AUDIT_DUPLICATE, account, one->value,
                              "another value says the same", NULL);
            continue;
        }
        first = one;
        if (one->formed)
            ok = cm_audit_note_value(audit, account->id, &one->digest,
                                     one->value);
    }
    return ok;
}

static bool
judge_values(struct cm_audit *audit, const struct cm_audit_account *account,
             struct tally *tally)
{
    struct cm_audit_judged judged;

    for (size_t i = 0; i < account->value_count; i++) {
        if (!cm_audit_judge_value(audit, account, &account->values[i],
                                  &judged))
            return false;
        if (!judged.x509)
            continue;
        tally->held[tally->count++] =
            (struct held){judged.digest, &account->values[i], judged.formed};
        tally->x509++;
        tally->strong += judged.strength == CM_STRENGTH_STRONG ? 1 : 0;
        tally->weak += judged.strength == CM_STRENGTH_WEAK ? 1 : 0;
    }
    return compare_values(audit, account, tally);
}

/* What the account comes to. */
static bool
judge_whole(struct cm_audit *audit, const struct cm_audit_account *account,
            const struct tally *tally)
{
    struct cm_audit_counts *counts = &audit->counts;

    if (account->disabled) {
        if (tally->x509 == 0)
            return true;
        counts->disabled++;
        return cm_audit_add(audit, CM_AUDIT_DISABLED, account, NULL,
                            account->disabled_why, NULL);
    }
    if (tally->strong > 0) {
        counts->strong++;
    } else if (tally->weak > 0) {
        counts->weak++;
        return cm_audit_add(audit, CM_AUDIT_WEAK_ONLY, account, NULL, NULL,
                            NULL);
    } else if (account->person || tally->x509 > 0) {
        counts->none++;
        if (tally->x509 == 0)
            return cm_audit_add(audit, CM_AUDIT_NO_MAPPING, account, NULL,
                                NULL, NULL);
    }
    return true;
}

static bool
judge_names(struct cm_audit *audit, const struct cm_audit_account *account)
{
    const char *domain = audit->target.settings.policy.dns_domain;
    bool explicit_one = account->upn_state == CM_PRESENT,
         fits = explicit_one && strlen(account->upn) <= CM_CERT_MAX_UPN;
    char *upn;
    bool ok = true;

    /* A longer one is in no certificate. */
    if ((account->upn_state == CM_FAULTY || (explicit_one && !fits)) &&
        !cm_audit_add(audit, CM_AUDIT_UPN_FAULTY, account, NULL, NULL, NULL))
        return false;
    if (fits && !cm_audit_note_upn(audit, account->id, account->upn, false))
        return false;
    for (size_t i = 0; ok && i < account->name_count; i++) {
        if (strlen(account->names[i]) > CM_CERT_MAX_UPN)
            continue;
        if (asprintf(&upn, "%s@%s", account->names[i], domain) < 0) {
            cm_detail_set(&audit->why, "out of memory");
            return false;
        }
        ok = cm_audit_note_upn(audit, account->id, upn, true);
        free(upn);
    }
    return ok;
}

bool
cm_audit_judge(struct cm_audit *audit, const struct cm_audit_account *account)
{
    struct tally tally = {NULL};
    bool ok = true;

    if (strlen(account->id) > CM_AUDIT_MAX_TEXT)
        return cm_audit_add(audit, CM_AUDIT_UNREADABLE, account, NULL,
                            "its name is too long", NULL);
    if (account->value_count > CM_ACCOUNT_MAX_MAPPINGS)
        return cm_audit_add(audit, CM_AUDIT_UNREADABLE, account, NULL,
                            "it holds too many values: logins are refused",
                            NULL);
    if (account->value_count > 0) {
        tally.held = calloc(account->value_count, sizeof(*tally.held));
        ok = tally.held != NULL;
        if (!ok)
            cm_detail_set(&audit->why, "out of memory");
    }
    ok = ok &&
         (account->value_count == 0 || judge_values(audit, account, &tally)) &&
         judge_whole(audit, account, &tally) && judge_names(audit, account);
    free(tally.held);
    return ok;
}
