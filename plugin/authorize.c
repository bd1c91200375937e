/*
 * One login.
 *
 * The table `ladder` is the product on one page: each step gathers evidence
 * or judges it, the cheapest and most local first, and the first refusal
 * ends the login.  Nothing here knows Kerberos, LDAP or files: those are
 * behind the services that are handed in.
 */
#include "authorize.h"

#include <stdlib.h>
#include <string.h>

#include "config_words.h"
#include "indicators.h"
#include "intermediates.h"
#include "judge.h"

/* What the steps leave for each other. */
struct progress {
    const struct cm_settings *settings;
    const struct cm_services *services;
    const struct cm_login *login;
    struct cm_outcome *out;
    int64_t now;         /* seconds since 1970, once for the whole login */
    int64_t deadline_ms; /* monotonic: the budget's end */
    struct cm_path_rules rules;
    struct cm_intermediates sent; /* by the client; rules point to them */
    struct cm_snapshot *snapshot;
    struct cm_path path;
    bool fetches;                  /* what the store lacks */
    enum cm_reason judged;         /* of the path that was judged best */
    struct cm_effective effective; /* the settings for its issuing CA */
    struct cm_accounts accounts;
};

static int64_t
monotonic_ms(const struct cm_services *services)
{
    return services->clock.monotonic_ms(services->clock.context);
}

/* Milliseconds left of the login's budget; 0 when it is spent. */
static int
time_left(const struct progress *login)
{
    int64_t left = login->deadline_ms - monotonic_ms(login->services);

    if (left <= 0)
        return 0;
    return left < CM_TIMEOUT_MAX_MS ? (int)left : CM_TIMEOUT_MAX_MS;
}

/* 1. What does the certificate say? */
static enum cm_reason
decode_certificate(struct progress *login, struct cm_detail *detail)
{
    return cm_certificate_decode_with(
        login->services->library, login->login->certificate,
        login->login->certificate_len, &login->out->certificate, detail);
}

/* 2. May it be used to log on at all? */
static enum cm_reason
check_logon(struct progress *login, struct cm_detail *detail)
{
    return cm_logon_check(&login->out->certificate, &login->settings->logon,
                          login->now, detail);
}

/* 3. Is its path good, and its issuing CA allowed to issue for logon? */
static enum cm_reason
find_path(struct progress *login, struct cm_detail *detail)
{
    struct cm_trust *trust = login->services->trust;
    enum cm_reason reason;

    reason = cm_trust_current(trust, monotonic_ms(login->services),
                              &login->snapshot, detail);
    if (reason == CM_OK)
        reason = cm_trust_check_age(trust, login->now, detail);
    if (reason != CM_OK)
        return reason;
    reason = cm_path_find(login->snapshot, login->out->certificate.x509,
                          &login->rules, NULL, NULL, &login->path, detail);
    if (reason == CM_OK || reason == CM_NO_MEMORY ||
        !cm_intermediates_decode(login->login, &login->sent))
        return reason;
    /* Only now, as each costs more than a path without them. */
    login->rules.extra = login->sent.list;
    login->rules.extra_count = login->sent.count;
    return cm_path_find(login->snapshot, login->out->certificate.x509,
                        &login->rules, NULL, NULL, &login->path, detail);
}

/* A part of the one budget stays for the directory: where revocation is soft,
 * a responder that is silent must not refuse the login there. */
static struct cm_judge
judge_of(const struct progress *login)
{
    int kept = login->settings->timeout_ms / CM_DIRECTORY_SHARE;

    return (struct cm_judge){.settings = login->settings,
                             .services = login->services,
                             .login = login->login,
                             .snapshot = login->snapshot,
                             .rules = &login->rules,
                             .fetch_until_ms = login->deadline_ms - kept,
                             .fetches = login->fetches};
}

/* What is known about one path, under the rules of its issuing CA.  The
 * reason that stands earlier in the list is kept, as cm_path_find() does. */
static enum cm_reason
judge_path(void *context, const struct cm_path *path, struct cm_detail *detail)
{
    struct progress *login = context;
    struct cm_judge judge = judge_of(login);
    struct cm_revocation_result result;
    struct cm_effective effective;
    enum cm_reason reason;

    if (!cm_settings_for_issuer(login->settings, path->issuer_spki_sha256,
                                &effective))
        return CM_NO_MEMORY;
    reason =
        cm_judge_path(&judge, path, &effective.revocation, &result, detail);
    if (reason >= login->judged) {
        cm_effective_clear(&effective);
        return reason;
    }
    login->judged = reason;
    cm_effective_clear(&login->effective);
    login->effective = effective;
    cm_outcome_set_revocation(login->out, effective.revocation.mode, path,
                              &result, detail);
    return reason;
}

/* The path that was found, or another one: cross-signed CAs have several. */
static enum cm_reason
judge_paths(struct progress *login, struct cm_detail *detail)
{
    enum cm_reason reason;
    struct cm_path other;

    login->judged = CM_INTERNAL;
    reason = judge_path(login, &login->path, detail);
    if (reason != CM_OK && reason != CM_NO_MEMORY) {
        reason =
            cm_path_find(login->snapshot, login->out->certificate.x509,
                         &login->rules, judge_path, login, &other, detail);
        if (reason == CM_OK) {
            cm_path_clear(&login->path);
            login->path = other;
        }
    }
    return reason;
}

static bool
lacks_an_answer(const struct progress *login, enum cm_reason reason)
{
    const struct cm_revocation_outcome *found = &login->out->revocation;
    const struct cm_judge judge = judge_of(login);

    return cm_judge_can_fetch(&judge) && found->count > 0 && !found->checked &&
           found->mode != CM_REVOCATION_OFF &&
           (reason == CM_OK || reason == CM_REVOCATION_UNKNOWN);
}

/* 4. Is any certificate of the path revoked?  What is at hand decides, of any
 * path; responders are asked only where it does not. */
static enum cm_reason
check_revocation(struct progress *login, struct cm_detail *detail)
{
    enum cm_reason reason = judge_paths(login, detail);

    if (lacks_an_answer(login, reason)) {
        login->fetches = true;
        reason = judge_paths(login, detail);
    }
    *detail = login->out->revocation.detail;
    return reason;
}

/* Who was named, or whom does the certificate mean? */
static enum cm_reason
find_named(struct progress *login, struct cm_named *out,
           struct cm_detail *detail)
{
    const struct cm_finder *finder = login->login->finder;

    *out = (struct cm_named){login->login->principal, login->login->kdb_entry};
    if (out->principal != NULL)
        return CM_OK;
    if (finder == NULL) {
        cm_detail_set(detail, "no principal is named");
        return CM_INTERNAL;
    }
    return finder->find(finder->context, &login->out->certificate,
                        &login->effective.policy, time_left(login), out,
                        detail);
}

/* 5. Which accounts do the principal and the UPN name?  One query. */
static enum cm_reason
find_accounts(struct progress *login, struct cm_detail *detail)
{
    const struct cm_certificate *cert = &login->out->certificate;
    const struct cm_policy *policy = &login->effective.policy;
    bool upn_counts =
        policy->use_subject_alt_name && cert->upn_state == CM_PRESENT;
    struct cm_directory_query query = {
        .lookup = {.upn = upn_counts ? cert->upn : NULL,
                   .dns_domain = policy->dns_domain,
                   .now = login->now},
        .may_wait = login->login->may_wait_for_directory,
    };
    struct cm_named named;
    enum cm_reason reason = find_named(login, &named, detail);

    if (reason != CM_OK)
        return reason;
    query.lookup.principal = named.principal;
    query.kdb_entry = named.kdb_entry;
    query.timeout_ms = time_left(login);
    if (query.timeout_ms == 0) {
        cm_detail_set(detail, "the time budget is spent");
        return CM_DIRECTORY_UNAVAILABLE;
    }
    return cm_directory_find(login->services->directory, &query,
                             &login->accounts, detail);
}

/* 6. Does the certificate map to the account, strongly enough? */
static enum cm_reason
decide(struct progress *login, struct cm_detail *detail)
{
    struct cm_outcome *out = login->out;
    struct cm_evidence evidence = {
        .cert = &out->certificate,
        .policy = &login->effective.policy,
        .accounts = &login->accounts,
        .issuer_thumbprints = login->path.ntauth,
        .issuer_thumbprint_count = login->path.ntauth_count,
    };
    struct cm_verdict verdict;

    cm_decide(&evidence, &verdict);
    out->mapping = verdict.form;
    out->strength = verdict.strength;
    out->warnings = verdict.warnings;
    *detail = verdict.detail;
    if (verdict.account != NULL &&
        !cm_text_replace(&out->account, verdict.account->id, detail))
        return CM_NO_MEMORY;
    return verdict.reason;
}

/* 7. Which indicators, and does it count as a hardware login? */
static enum cm_reason
assert_indicators(struct progress *login, struct cm_detail *detail)
{
    struct cm_outcome *out = login->out;

    (void)detail;
    if (!cm_indicators_evaluate(
            &login->effective, &out->certificate, &login->path, out->strength,
            out->revocation.checked, &out->indicators, &out->hw_authent))
        return CM_NO_MEMORY;
    return CM_OK;
}

static const struct {
    enum cm_step step;
    const char *token;
    enum cm_reason (*run)(struct progress *login, struct cm_detail *detail);
} ladder[CM_STEP_COUNT] = {
    {CM_STEP_CERTIFICATE, "certificate", decode_certificate},
    {CM_STEP_LOGON, "logon", check_logon},
    {CM_STEP_PATH, "path", find_path},
    {CM_STEP_REVOCATION, "revocation", check_revocation},
    {CM_STEP_ACCOUNT, "account", find_accounts},
    {CM_STEP_DECISION, "decision", decide},
    {CM_STEP_INDICATORS, "indicators", assert_indicators},
};

/* Climbs until a step refuses.  CM_OK: every step said so. */
static enum cm_reason
climb(struct progress *login)
{
    struct cm_outcome *out = login->out;
    struct cm_step_record *record;
    enum cm_reason reason = CM_INTERNAL;
    int64_t start;

    for (size_t i = 0; i < CM_STEP_COUNT; i++) {
        start = monotonic_ms(login->services);
        record = &out->steps[out->step_count++];
        record->step = ladder[i].step;
        reason = ladder[i].run(login, &record->detail);
        record->outcome = reason;
        record->ms = monotonic_ms(login->services) - start;
        if (reason != CM_OK) {
            out->detail = record->detail;
            return reason;
        }
    }
    return reason;
}

void
cm_authorize(const struct cm_settings *settings,
             const struct cm_services *services, const struct cm_login *login,
             struct cm_outcome *out)
{
    struct progress progress = {.settings = settings,
                                .services = services,
                                .login = login,
                                .out = out};
    int64_t start = monotonic_ms(services);
    enum cm_reason reason;

    memset(out, 0, sizeof(*out));
    out->reason = CM_INTERNAL;
    progress.now = services->clock.now(services->clock.context);
    progress.rules =
        (struct cm_path_rules){.now = progress.now,
                               .min_rsa_bits = settings->logon.min_rsa_bits,
                               .require_ntauth = true};
    progress.deadline_ms = start + settings->timeout_ms;

    reason = climb(&progress);

    cm_accounts_clear(&progress.accounts);
    cm_effective_clear(&progress.effective);
    cm_path_clear(&progress.path);
    cm_intermediates_clear(&progress.sent);
    cm_snapshot_release(progress.snapshot);
    out->reason = reason;
    if (cm_outcome_softening(out) != NULL && out->revocation.count > 0)
        out->detail = out->revocation.detail;
    out->now = progress.now;
    out->ms = monotonic_ms(services) - start;
}

const char *
cm_step_token(enum cm_step step)
{
    for (size_t i = 0; i < CM_STEP_COUNT; i++) {
        if (ladder[i].step == step)
            return ladder[i].token;
    }
    return "";
}
