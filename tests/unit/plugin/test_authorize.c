/*
 * A whole login, from DER to outcome, against real files: every step's
 * refusal, and that nothing is asserted once something refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "authorize.h"
#include "fixture.h"

/* What a case changes about a good login. */
enum change {
    NOTHING,
    OTHER_CA,          /* issued by a CA that is not on the NTAuth list */
    UNTRUSTED_CA,      /* issued by a root that is no anchor */
    EXPIRED,           /* the clock is after notAfter */
    NOT_YET,           /* the clock is before notBefore */
    SERVER_AUTH,       /* extended key usage serverAuth only */
    CA_CERTIFICATE,    /* basicConstraints CA:TRUE */
    ENCRYPTION_KEY,    /* key usage keyEncipherment only */
    SMALL_KEY,         /* RSA 1024 */
    TRUNCATED,         /* the DER lacks its last byte */
    DOUBLED,           /* the DER stands twice */
    EMPTY,             /* no DER at all */
    NO_SID,            /* without the SID extension */
    FOREIGN_UPN,       /* the UPN is dave's */
    NAMELESS,          /* no SAN, no SID, another serial */
    REVOCATION_NEEDED, /* revocation = require */
    NO_ROOTS,          /* roots.pem is deleted */
    NO_NTAUTH,         /* the NTAuth folder is empty */
    YOUNG_MIRROR,      /* its file is as old as it may be */
    OLD_MIRROR,        /* its file is older */
    NO_LDIF,           /* accounts.ldif is deleted */
    BROKEN_LDIF,       /* accounts.ldif is not LDIF */
    NO_TIME,           /* the budget is spent before the directory */
    FOUND,             /* nobody is named, and the finder says who it is */
    FOUND_UNTRUSTED,   /* the same, and the certificate is UNTRUSTED_CA */
    FOUND_REVOKED,     /* the same, with REVOCATION_NEEDED */
    FINDER_REFUSES,    /* the finder knows nobody */
    NOBODY_NAMED       /* and there is no finder */
};

struct login_case {
    const char *name;
    const char *principal;
    enum change change;
    enum cm_reason expected;
    size_t steps; /* how far the login came */
};

static const struct login_case cases[] = {
    {"issuer and serial", "alice", NOTHING, CM_OK, 7},
    {"without a SID", "alice", NO_SID, CM_OK, 7},
    {"truncated DER", "alice", TRUNCATED, CM_CERT_MALFORMED, 1},
    {"doubled DER", "alice", DOUBLED, CM_CERT_MALFORMED, 1},
    {"no DER", "alice", EMPTY, CM_CERT_MALFORMED, 1},
    {"expired", "alice", EXPIRED, CM_CERT_VALIDITY, 2},
    {"not yet valid", "alice", NOT_YET, CM_CERT_VALIDITY, 2},
    {"serverAuth only", "alice", SERVER_AUTH, CM_CERT_KEY_PURPOSE, 2},
    {"a CA certificate", "alice", CA_CERTIFICATE, CM_CERT_KEY_PURPOSE, 2},
    {"encryption key", "alice", ENCRYPTION_KEY, CM_CERT_KEY_PURPOSE, 2},
    {"RSA 1024", "alice", SMALL_KEY, CM_CERT_WEAK_CRYPTO, 2},
    {"untrusted root", "alice", UNTRUSTED_CA, CM_PATH_UNTRUSTED, 3},
    {"CA not on the NTAuth list", "alice", OTHER_CA, CM_NTAUTH_ABSENT, 3},
    {"anchors deleted", "alice", NO_ROOTS, CM_CONFIG, 3},
    {"NTAuth list emptied", "alice", NO_NTAUTH, CM_CONFIG, 3},
    {"NTAuth mirror young enough", "alice", YOUNG_MIRROR, CM_OK, 7},
    {"NTAuth mirror too old", "alice", OLD_MIRROR, CM_CONFIG, 3},
    {"status required", "alice", REVOCATION_NEEDED, CM_REVOCATION_UNKNOWN, 4},
    {"LDIF deleted", "alice", NO_LDIF, CM_DIRECTORY_UNAVAILABLE, 5},
    {"LDIF broken", "alice", BROKEN_LDIF, CM_DIRECTORY_UNAVAILABLE, 5},
    {"no time left", "alice", NO_TIME, CM_DIRECTORY_UNAVAILABLE, 5},
    {"no such account", "nobody", NOTHING, CM_ACCOUNT_NOT_FOUND, 6},
    {"account twice", "erin", NAMELESS, CM_ACCOUNT_AMBIGUOUS, 6},
    {"account disabled", "carol", NAMELESS, CM_ACCOUNT_DISABLED, 6},
    {"another's UPN", "alice", FOREIGN_UPN, CM_NAME_MISMATCH, 6},
    {"alice's UPN for dave", "dave", NOTHING, CM_NAME_MISMATCH, 6},
    {"nothing maps", "dave", NAMELESS, CM_NO_MAPPING, 6},
    {"found by the certificate", "alice", FOUND, CM_OK, 7},
    {"found, and it is another's", "dave", FOUND, CM_NAME_MISMATCH, 6},
    {"not looked for: path", "alice", FOUND_UNTRUSTED, CM_PATH_UNTRUSTED, 3},
    {"not looked for: status", "alice", FOUND_REVOKED, CM_REVOCATION_UNKNOWN,
     4},
    {"not found", "alice", FINDER_REFUSES, CM_ACCOUNT_AMBIGUOUS, 5},
    {"nobody is named", "alice", NOBODY_NAMED, CM_INTERNAL, 5},
    {"service name in ad", "host/alice", NAMELESS, CM_ACCOUNT_NOT_FOUND, 6},
};

/* The test's clock: `now` as the case says, and a monotonic clock that jumps
 * by `jump_ms` at every look. */
struct test_clock {
    int64_t now;
    int64_t ms;
    int64_t jump_ms;
};

static int64_t
clock_now(void *context)
{
    return ((struct test_clock *)context)->now;
}

static int64_t
clock_ms(void *context)
{
    struct test_clock *clock = context;

    clock->ms += clock->jump_ms;
    return clock->ms;
}

static void
change_leaf(const struct fixture *fixture, enum change change,
            struct tc_spec *leaf)
{
    switch (change) {
    case OTHER_CA:
        leaf->issuer = fixture->unlisted;
        leaf->issuer_key = tc_key(TC_EC_P256, 3);
        break;
    case UNTRUSTED_CA:
    case FOUND_UNTRUSTED:
        leaf->issuer = fixture->untrusted;
        leaf->issuer_key = tc_key(TC_EC_P256, 4);
        break;
    case SERVER_AUTH:
        leaf->eku = "serverAuth";
        break;
    case EXPIRED:
        leaf->not_after = "20250201000000Z";
        break;
    case CA_CERTIFICATE:
        leaf->basic_constraints = "critical,CA:TRUE";
        break;
    case ENCRYPTION_KEY:
        leaf->key_usage = "critical,keyEncipherment";
        break;
    case SMALL_KEY:
        leaf->key = tc_key(TC_RSA_1024, 0);
        break;
    case NO_SID:
        leaf->sid = NULL;
        break;
    case FOREIGN_UPN:
        leaf->san = "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:dave@example.com";
        break;
    case NAMELESS:
        leaf->san = NULL;
        leaf->sid = NULL;
        leaf->serial_hex = "0b";
        break;
    case NOTHING:
    case NOT_YET:
    case TRUNCATED:
    case DOUBLED:
    case EMPTY:
    case REVOCATION_NEEDED:
    case NO_ROOTS:
    case NO_NTAUTH:
    case YOUNG_MIRROR:
    case OLD_MIRROR:
    case NO_LDIF:
    case BROKEN_LDIF:
    case NO_TIME:
    case FOUND:
    case FOUND_REVOKED:
    case FINDER_REFUSES:
    case NOBODY_NAMED:
        break;
    }
}

/* The list was mirrored that long ago; it may be an hour old. */
static void
age_mirror(const struct fixture *fixture, struct cm_settings *settings,
           time_t age)
{
    struct timespec times[2] = {{.tv_sec = FIXTURE_NOW - age},
                                {.tv_sec = FIXTURE_NOW - age}};

    settings->trust.ntauth_max_age = 3600;
    assert_int_equal(utimensat(AT_FDCWD,
                               fixture_path(fixture, "ntauth/issuing.pem"),
                               times, 0),
                     0);
}

static void
change_world(const struct fixture *fixture, enum change change,
             struct cm_settings *settings, struct test_clock *clock)
{
    static const char not_ldif[] = "this is: not\nLDIF at all\n";

    if (change == EXPIRED)
        clock->now = FIXTURE_NOW + 400 * 86400;
    if (change == NOT_YET)
        clock->now = FIXTURE_NOW - 400 * 86400;
    if (change == REVOCATION_NEEDED || change == FOUND_REVOKED)
        settings->revocation.mode = CM_REVOCATION_REQUIRE;
    if (change == NO_ROOTS)
        unlink(fixture_path(fixture, "roots.pem"));
    if (change == NO_NTAUTH)
        unlink(fixture_path(fixture, "ntauth/issuing.pem"));
    if (change == YOUNG_MIRROR)
        age_mirror(fixture, settings, 3600);
    if (change == OLD_MIRROR)
        age_mirror(fixture, settings, 3601);
    if (change == NO_LDIF)
        unlink(fixture_path(fixture, "accounts.ldif"));
    if (change == BROKEN_LDIF)
        fixture_write(fixture, "accounts.ldif", not_ldif,
                      sizeof(not_ldif) - 1);
    if (change == NO_TIME)
        clock->jump_ms = 2 * CM_TIMEOUT_DEFAULT_MS;
}

/* The DER twice over; takes the one. */
static uint8_t *
double_der(uint8_t *der, size_t *len)
{
    uint8_t *doubled = malloc(2 * *len);

    if (doubled == NULL)
        abort();
    memcpy(doubled, der, *len);
    memcpy(doubled + *len, der, *len);
    free(der);
    *len *= 2;
    return doubled;
}

/* The DER to present, damaged as the case says. */
static uint8_t *
present(const struct tc_spec *leaf, enum change change, size_t *len)
{
    uint8_t *der = fixture_der(leaf, len);

    if (change == TRUNCATED)
        (*len)--;
    if (change == EMPTY)
        *len = 0;
    if (change == DOUBLED)
        der = double_der(der, len);
    return der;
}

static void
expect_outcome(const struct login_case *row, const struct cm_outcome *out)
{
    if (out->reason != row->expected)
        print_error("%s: %s (%s), expected %s\n", row->name,
                    cm_reason_token(out->reason), out->detail.text,
                    cm_reason_token(row->expected));
    assert_int_equal(out->reason, row->expected);
    assert_int_equal(out->step_count, row->steps);
    for (size_t i = 0; i + 1 < row->steps; i++)
        assert_int_equal(out->steps[i].outcome, CM_OK);
    assert_int_equal(out->steps[row->steps - 1].outcome, row->expected);
    if (row->expected == CM_OK) {
        assert_int_equal(out->mapping, CM_FORM_ISSUER_SERIAL);
        assert_int_equal(out->strength, CM_STRENGTH_STRONG);
        assert_string_equal(out->account,
                            "CN=alice,CN=Users,DC=example,DC=com");
        assert_int_equal(out->indicators.count, 1);
        assert_string_equal(out->indicators.items[0], "card");
        assert_true(out->hw_authent);
    } else {
        assert_int_equal(out->indicators.count, 0);
        assert_false(out->hw_authent);
    }
}

/* A finder that knows one principal, or nobody. */
struct finding {
    const struct cm_principal *principal;
    enum cm_reason reason;
    unsigned asked;
};

static enum cm_reason
find(void *context, const struct cm_certificate *cert,
     const struct cm_policy *policy, int timeout_ms, struct cm_named *out,
     struct cm_detail *detail)
{
    struct finding *finding = context;

    finding->asked++;
    assert_non_null(cert->x509);
    assert_non_null(policy->dns_domain);
    assert_true(timeout_ms > 0);
    cm_detail_set(detail, "looked for");
    out->principal = finding->principal;
    return finding->reason;
}

static bool
uses_finder(enum change change)
{
    return change == FOUND || change == FOUND_UNTRUSTED ||
           change == FOUND_REVOKED || change == FINDER_REFUSES;
}

static void
run_case(void **state)
{
    const struct login_case *row = *state;
    struct test_clock test_clock = {FIXTURE_NOW, 0, 0};
    struct cm_services services = {
        .clock = {clock_now, clock_ms, &test_clock}};
    struct cm_login login = {.may_wait_for_directory = true};
    struct cm_principal principal;
    struct finding finding = {
        &principal,
        row->change == FINDER_REFUSES ? CM_ACCOUNT_AMBIGUOUS : CM_OK, 0};
    const struct cm_finder finder = {find, &finding};
    struct cm_settings settings;
    struct cm_outcome outcome;
    struct fixture fixture;
    struct tc_spec leaf;
    uint8_t *der;

    fixture_make(&fixture);
    fixture_settings(&fixture, &settings);
    leaf = fixture_leaf(&fixture);
    change_leaf(&fixture, row->change, &leaf);
    change_world(&fixture, row->change, &settings, &test_clock);
    assert_true(cm_principal_parse(row->principal, FIXTURE_REALM, &principal));
    services.trust = cm_trust_new(&settings.trust, NULL);
    services.directory = cm_directory_new(&settings.directory, NULL);
    services.store =
        cm_store_new(fixture_path(&fixture, "store"), false, NULL);
    assert_non_null(services.store);
    assert_non_null(services.trust);
    assert_non_null(services.directory);
    der = present(&leaf, row->change, &login.certificate_len);
    login.certificate = der;
    login.principal = &principal;
    if (uses_finder(row->change))
        login.finder = &finder;
    if (login.finder != NULL || row->change == NOBODY_NAMED)
        login.principal = NULL;

    cm_authorize(&settings, &services, &login, &outcome);
    expect_outcome(row, &outcome);
    /* Never before the certificate was verified. */
    assert_int_equal(finding.asked, login.finder != NULL && row->steps > 4);

    cm_outcome_clear(&outcome);
    assert_int_equal(outcome.reason, CM_INTERNAL);
    free(der);
    cm_store_free(services.store);
    cm_directory_free(services.directory);
    cm_trust_free(services.trust);
    cm_principal_clear(&principal);
    cm_settings_clear(&settings);
    fixture_remove(&fixture);
}

/* Every step has its own token, in the order of the login. */
static void
steps_have_tokens(void **state)
{
    (void)state;
    assert_string_equal(cm_step_token(CM_STEP_CERTIFICATE), "certificate");
    assert_string_equal(cm_step_token(CM_STEP_LOGON), "logon");
    assert_string_equal(cm_step_token(CM_STEP_PATH), "path");
    assert_string_equal(cm_step_token(CM_STEP_REVOCATION), "revocation");
    assert_string_equal(cm_step_token(CM_STEP_ACCOUNT), "account");
    assert_string_equal(cm_step_token(CM_STEP_DECISION), "decision");
    assert_string_equal(cm_step_token(CM_STEP_INDICATORS), "indicators");
}

int
main(void)
{
    enum { COUNT = sizeof(cases) / sizeof(cases[0]) };
    struct CMUnitTest tests[COUNT + 1];

    memset(tests, 0, sizeof(tests));
    for (size_t i = 0; i < COUNT; i++) {
        tests[i].name = cases[i].name;
        tests[i].test_func = run_case;
        tests[i].initial_state = (void *)(uintptr_t)&cases[i];
    }
    tests[COUNT].name = "steps have tokens";
    tests[COUNT].test_func = steps_have_tokens;
    return cmocka_run_group_tests_name("authorize", tests, NULL, NULL);
}
