/*
 * What a login asks of others, and what a client sends beside its
 * certificate: responders, a stapled response, intermediates.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "authorize.h"
#include "crlgen.h"
#include "fixture.h"
#include "loopback.h"
#include "testocsp.h"
#include "trusted.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { HASTY_MS = 400, PATIENT_MS = 30000 };

/* One realm, one responder, one card. */
static struct fixture fixture;
static struct cm_settings settings;
static struct cm_services services;
static struct cm_login login;
static struct cm_principal principal;
static struct loopback *server;
static X509 *leaf;
static uint8_t *der;

static int64_t
clock_now(void *context)
{
    (void)context;
    return FIXTURE_NOW;
}

static EVP_PKEY *
issuing_key(void)
{
    return tc_key(TC_EC_P256, 2);
}

/* The root says nothing bad about the issuing CA. */
static void
publish_root_crl(void)
{
    struct crlgen_spec spec = {.key = tc_key(TC_EC_P256, 1),
                               .issuer = X509_get_subject_name(fixture.root),
                               .this_update = "17'240531234800Z'",
                               .next_update = "17'240608000000Z'",
                               .extensions = "30( 06:551d14 04( 02:01 ) )"};
    struct cm_store_writer *writer;
    struct cm_crl_facts facts;
    struct cm_detail detail;
    uint8_t spki[32];
    int fd = crlgen_file(&spec);

    writer = cm_store_writer_open(settings.store, 0, &detail);
    assert_non_null(writer);
    assert_true(cm_trusted_spki(fixture.root, spki));
    assert_int_equal(cm_store_publish_crl(writer, fd, spec.key, spki,
                                          FIXTURE_NOW, false, &facts, &detail),
                     CM_PUBLISHED);
    cm_crl_facts_clear(&facts);
    cm_store_writer_free(writer);
    close(fd);
}

static void
open_services(void)
{
    memset(&services, 0, sizeof(services));
    services.clock = cm_system_clock;
    services.clock.now = clock_now;
    services.trust = cm_trust_new(&settings.trust, NULL);
    services.directory = cm_directory_new(&settings.directory, NULL);
    services.store = cm_store_new(settings.store, true, NULL);
    services.demand =
        cm_demand_new(settings.store, services.store, &settings.http, NULL);
    services.fetcher = cm_fetcher_new();
    assert_non_null(services.trust);
    assert_non_null(services.directory);
    assert_non_null(services.store);
    assert_non_null(services.demand);
    assert_non_null(services.fetcher);
}

static int
set_up(void **state)
{
    struct tc_spec spec;

    (void)state;
    fixture_make(&fixture);
    fixture_settings(&fixture, &settings);
    server = loopback_start();
    settings.revocation.mode = CM_REVOCATION_REQUIRE;
    settings.timeout_ms = PATIENT_MS;
    free(settings.store);
    settings.store = strdup(fixture_path(&fixture, "store"));
    assert_true(cm_text_list_add(&settings.revocation.ocsp_urls,
                                 loopback_url(server)));
    publish_root_crl();
    open_services();
    spec = fixture_leaf(&fixture);
    leaf = tc_make(&spec);
    memset(&login, 0, sizeof(login));
    der = tc_der(leaf, &login.certificate_len);
    login.certificate = der;
    assert_true(cm_principal_parse("alice", FIXTURE_REALM, &principal));
    login.principal = &principal;
    login.may_wait_for_directory = true;
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    cm_fetcher_free(services.fetcher);
    cm_demand_free(services.demand);
    cm_store_free(services.store);
    cm_directory_free(services.directory);
    cm_trust_free(services.trust);
    cm_principal_clear(&principal);
    loopback_stop(server);
    cm_settings_clear(&settings);
    X509_free(leaf);
    free(der);
    fixture_remove(&fixture);
    return 0;
}

/* A response about the leaf; the caller frees it. */
static uint8_t *
response(const char *status, int64_t age, size_t *len)
{
    struct to_spec spec = {.responder = fixture.issuing,
                           .key = issuing_key(),
                           .produced_at = FIXTURE_NOW - age};

    spec.answers[0] = (struct to_answer){.cert = leaf,
                                         .issuer = fixture.issuing,
                                         .status = status,
                                         .this_update = FIXTURE_NOW - age,
                                         .next_update = FIXTURE_NOW + 3600};
    return to_make(&spec, len);
}

/* The server says so from now on; NULL: nothing at all.  The caller frees the
 * body. */
static uint8_t *
say(const char *status)
{
    struct loopback_answer answer = {.status = "200 OK",
                                     .type = "application/ocsp-response",
                                     .held = status == NULL};
    uint8_t *body = NULL;

    if (status != NULL)
        body = response(status, 60, &answer.len);
    answer.body = body;
    loopback_answer(server, &answer);
    return body;
}

static enum cm_reason
log_in(struct cm_outcome *outcome)
{
    cm_authorize(&settings, &services, &login, outcome);
    return outcome->reason;
}

static void
expect(enum cm_reason reason, const char *said)
{
    struct cm_outcome outcome;

    if (log_in(&outcome) != reason)
        fail_msg("%s: %s", cm_reason_token(outcome.reason),
                 outcome.detail.text);
    if (said != NULL && strstr(outcome.detail.text, said) == NULL)
        fail_msg("%s", outcome.detail.text);
    cm_outcome_clear(&outcome);
}

static void
expect_origin(enum cm_status_origin origin)
{
    struct cm_outcome outcome;

    if (log_in(&outcome) != CM_OK)
        fail_msg("%s: %s", cm_reason_token(outcome.reason),
                 outcome.detail.text);
    assert_true(outcome.revocation.checked);
    assert_int_equal(outcome.revocation.count, 2);
    assert_int_equal(outcome.revocation.asked[0].status.origin, origin);
    assert_int_equal(outcome.revocation.asked[1].status.origin,
                     CM_ORIGIN_STORE);
    cm_outcome_clear(&outcome);
}

/* ---- Responders ---- */

static void
test_fetched_then_stored(void **state)
{
    uint8_t *body = say(TO_GOOD);

    (void)state;
    expect_origin(CM_ORIGIN_FETCHED);
    expect_origin(CM_ORIGIN_STORE);
    assert_int_equal(loopback_asked(server), 1);
    free(body);
}

static void
test_nobody_is_asked(void **state)
{
    struct cm_services whole = services;
    uint8_t *body = say(TO_GOOD);

    (void)state;
    services.fetcher = NULL;
    expect(CM_REVOCATION_UNKNOWN, NULL);
    services = whole;
    services.demand = NULL;
    expect(CM_REVOCATION_UNKNOWN, NULL);
    services = whole;
    settings.revocation.mode = CM_REVOCATION_OFF;
    expect(CM_OK, NULL);
    settings.revocation.mode = CM_REVOCATION_REQUIRE;
    settings.revocation.source_count = 1; /* crl */
    expect(CM_REVOCATION_UNKNOWN, "revocation_sources");
    assert_int_equal(loopback_asked(server), 0);
    free(body);
}

/* Not where the deny list has spoken, or the path leads nowhere. */
static void
test_refused_before(void **state)
{
    struct cm_buf buf = CM_BUF_INIT;
    uint8_t sha256[32], *body = say(TO_GOOD);
    char *line;

    (void)state;
    assert_int_equal(X509_digest(leaf, EVP_sha256(), sha256, NULL), 1);
    cm_buf_add_text(&buf, "sha256 ");
    cm_buf_add_hex(&buf, sha256, sizeof(sha256));
    cm_buf_add_text(&buf, " never 2024-05-01T00:00:00Z stolen\n");
    line = cm_buf_take(&buf);
    fixture_write(&fixture, "store/deny", line, strlen(line));
    expect(CM_REVOKED, "stolen");
    fixture_write(&fixture, "store/deny", "nonsense\n", 9);
    expect(CM_REVOCATION_UNAVAILABLE, NULL);
    assert_int_equal(loopback_asked(server), 0);
    free(line);
    free(body);
}

static void
test_revoked(void **state)
{
    uint8_t *body = say(TO_REVOKED);

    (void)state;
    settings.revocation.mode = CM_REVOCATION_SOFT;
    expect(CM_REVOKED, "by ocsp (fetched)");
    free(body);
}

static void
test_not_known(void **state)
{
    uint8_t *body = say(TO_UNKNOWN);

    (void)state;
    expect(CM_REVOCATION_UNKNOWN, "not known to it");
    free(body);
}

/* Silence refuses where an answer is required; where it is not, enough of
 * the budget is left for the directory. */
static void
test_silent(void **state)
{
    struct cm_outcome outcome;

    (void)state;
    settings.timeout_ms = HASTY_MS;
    (void)say(NULL);
    expect(CM_REVOCATION_UNAVAILABLE, "asked: ");
    settings.revocation.mode = CM_REVOCATION_SOFT;
    if (log_in(&outcome) != CM_OK)
        fail_msg("%s: %s", cm_reason_token(outcome.reason),
                 outcome.detail.text);
    assert_false(outcome.revocation.checked);
    assert_string_equal(cm_outcome_softening(&outcome), "revocation=soft");
    assert_non_null(strstr(outcome.detail.text, "asked: "));
    assert_int_equal(loopback_asked(server), 2);
    cm_outcome_clear(&outcome);
}

/* ---- A stapled response ---- */

static void
test_staple(void **state)
{
    uint8_t *body = say(TO_GOOD), *old, *revoked;
    static const uint8_t huge[CM_DEMAND_MAX_RESPONSE + 1] = {0x30};
    size_t len, old_len, revoked_len;
    uint8_t *good = response(TO_GOOD, 60, &len);

    (void)state;
    login.staple = (struct cm_blob){good, len};
    expect_origin(CM_ORIGIN_STAPLED);
    expect_origin(CM_ORIGIN_STAPLED); /* it was not kept */
    assert_int_equal(loopback_asked(server), 0);
    /* Too old, too large: as if it were not there. */
    old = response(TO_GOOD, 2 * CM_STAPLE_MAX_AGE_DEFAULT, &old_len);
    login.staple = (struct cm_blob){old, old_len};
    expect_origin(CM_ORIGIN_FETCHED);
    assert_int_equal(loopback_asked(server), 1);
    login.staple = (struct cm_blob){huge, sizeof(huge)};
    expect_origin(CM_ORIGIN_STORE);
    revoked = response(TO_REVOKED, 30, &revoked_len);
    login.staple = (struct cm_blob){revoked, revoked_len};
    expect(CM_REVOKED, "(stapled)");
    /* That one is gone when it is not sent. */
    login.staple = (struct cm_blob){NULL, 0};
    expect_origin(CM_ORIGIN_STORE);
    assert_int_equal(loopback_asked(server), 1);
    free(good);
    free(old);
    free(revoked);
    free(body);
}

/* ---- Intermediates ---- */

static void
send_beside(struct cm_blob *blobs, size_t count)
{
    login.intermediates = blobs;
    login.intermediate_count = count;
}

static void
look_again(void)
{
    cm_trust_free(services.trust);
    services.trust = cm_trust_new(&settings.trust, NULL);
    assert_non_null(services.trust);
}

/* Between the issuing CA and the root comes one that only the client has. */
static X509 *
part_from_root(void)
{
    EVP_PKEY *key = tc_key(TC_EC_P256, 21);
    X509 *middle =
        tc_make_ca("CN=Middle", key, fixture.root, tc_key(TC_EC_P256, 1));
    X509 *issuing = tc_make_ca("DC=com,DC=example,CN=Issuing CA",
                               issuing_key(), middle, key);

    fixture_write_pem(&fixture, "ntauth/issuing.pem", &issuing, 1);
    fixture_write_pem(&fixture, "intermediates/issuing.pem", &issuing, 1);
    look_again();
    X509_free(issuing);
    return middle;
}

static void
test_intermediates(void **state)
{
    static const uint8_t junk[] = {0x30, 0x03, 1, 2, 3};
    struct cm_blob blobs[CM_PATH_MAX_EXTRA + 1], good;
    X509 *middle = part_from_root();
    uint8_t *whole = tc_der(middle, &good.len), *tail;

    (void)state;
    settings.revocation.mode = CM_REVOCATION_OFF;
    good.data = whole;
    tail = calloc(1, good.len + 1);
    assert_non_null(tail);
    memcpy(tail, whole, good.len);
    expect(CM_PATH_UNTRUSTED, NULL);
    /* Junk and empty ones; one with a byte too many; one too far back. */
    for (size_t i = 0; i < COUNT(blobs); i++)
        blobs[i] = i % 2 == 0 ? (struct cm_blob){junk, sizeof(junk)}
                              : (struct cm_blob){NULL, 0};
    blobs[0] = (struct cm_blob){tail, good.len + 1};
    blobs[CM_PATH_MAX_EXTRA] = good;
    send_beside(blobs, COUNT(blobs));
    expect(CM_PATH_UNTRUSTED, NULL);
    /* Among all these, and twice. */
    blobs[CM_PATH_MAX_EXTRA - 1] = blobs[1] = good;
    expect(CM_OK, NULL);
    free(tail);
    free(whole);
    X509_free(middle);
}

/* A card of that CA, which the client sends beside it. */
static void
present(X509 *issuer, unsigned slot, enum cm_reason reason)
{
    struct tc_spec spec = fixture_leaf(&fixture);
    struct cm_blob blob;
    uint8_t *ca, *own;
    X509 *card;

    spec.issuer = issuer;
    spec.issuer_key = tc_key(TC_EC_P256, slot);
    card = tc_make(&spec);
    own = tc_der(card, &login.certificate_len);
    login.certificate = own;
    ca = tc_der(issuer, &blob.len);
    blob.data = ca;
    send_beside(&blob, 1);
    expect(reason, NULL);
    X509_free(card);
    free(own);
    free(ca);
}

/* What a client sends makes no anchor and no member of the NTAuth list. */
static void
test_intermediates_are_not_trusted(void **state)
{
    (void)state;
    settings.revocation.mode = CM_REVOCATION_OFF;
    present(fixture.untrusted, 4, CM_PATH_UNTRUSTED);
    assert_int_equal(
        unlink(fixture_path(&fixture, "intermediates/unlisted.pem")), 0);
    look_again();
    present(fixture.unlisted, 3, CM_NTAUTH_ABSENT);
}

#define TEST(function)                                                        \
    cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_fetched_then_stored),
        TEST(test_nobody_is_asked),
        TEST(test_refused_before),
        TEST(test_revoked),
        TEST(test_not_known),
        TEST(test_silent),
        TEST(test_staple),
        TEST(test_intermediates),
        TEST(test_intermediates_are_not_trusted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
