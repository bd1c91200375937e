/* OCSP on demand: whom it asks, and what becomes of every answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demand_fixture.h"

/* ---- One exchange ---- */

enum fault {
    SAYS_GOOD,
    SAYS_REVOKED,
    SAYS_UNKNOWN,
    EXPIRED,
    FUTURE,
    FOREIGN,
    FORGED,
    NOT_FOUND,
    WRONG_TYPE,
    NO_TYPE,
    GARBAGE,
    EMPTY,
    TOO_LARGE,
    TOO_LARGE_CHUNKED,
    TRY_LATER,
    INTERNAL_ERROR,
    UNAUTHORIZED,
    HANGS_UP,
    SILENT,
    REDIRECT
};

static const struct row {
    const char *name;
    enum fault fault;
    enum cm_reason reason;
    bool failure; /* as the breaker counts */
} rows[] = {
    {"good", SAYS_GOOD, CM_OK, false},
    {"revoked", SAYS_REVOKED, CM_OK, false},
    {"unknown", SAYS_UNKNOWN, CM_REVOCATION_UNKNOWN, false},
    {"expired", EXPIRED, CM_REVOCATION_UNKNOWN, false},
    {"future", FUTURE, CM_REVOCATION_UNKNOWN, false},
    {"about another", FOREIGN, CM_REVOCATION_UNKNOWN, false},
    {"forged", FORGED, CM_REVOCATION_UNKNOWN, false},
    {"404", NOT_FOUND, CM_REVOCATION_UNAVAILABLE, true},
    {"another type", WRONG_TYPE, CM_REVOCATION_UNAVAILABLE, true},
    {"no type", NO_TYPE, CM_REVOCATION_UNAVAILABLE, true},
    {"garbage", GARBAGE, CM_REVOCATION_UNKNOWN, true},
    {"empty", EMPTY, CM_REVOCATION_UNKNOWN, true},
    {"too large", TOO_LARGE, CM_REVOCATION_UNKNOWN, true},
    {"too large, chunked", TOO_LARGE_CHUNKED, CM_REVOCATION_UNKNOWN, true},
    {"tryLater", TRY_LATER, CM_REVOCATION_UNAVAILABLE, true},
    {"internalError", INTERNAL_ERROR, CM_REVOCATION_UNAVAILABLE, true},
    {"unauthorized", UNAUTHORIZED, CM_REVOCATION_UNKNOWN, false},
    {"hangs up", HANGS_UP, CM_REVOCATION_UNAVAILABLE, true},
    {"silent", SILENT, CM_REVOCATION_UNAVAILABLE, true},
    {"redirect", REDIRECT, CM_REVOCATION_UNAVAILABLE, true},
};

/* The response that a fault is made of; others are made of a good one. */
static uint8_t *
respond_with(enum fault fault)
{
    int64_t from = STORE_NOW - 60, until = STORE_NOW + HOUR;

    if (fault == SAYS_REVOKED)
        return say_about(leaf, ca_key(), TO_REVOKED, from, until);
    if (fault == SAYS_UNKNOWN)
        return say_about(leaf, ca_key(), TO_UNKNOWN, from, until);
    if (fault == EXPIRED)
        return say_about(leaf, ca_key(), TO_GOOD, from - HOUR, from);
    if (fault == FUTURE)
        return say_about(leaf, ca_key(), TO_GOOD, until, until + HOUR);
    if (fault == FOREIGN)
        return say_about(other, ca_key(), TO_GOOD, from, until);
    if (fault == FORGED)
        return say_about(leaf, other_key(), TO_GOOD, from, until);
    return say_good();
}

static uint8_t flood[CM_DEMAND_MAX_RESPONSE + 1] = {0x30};

static void
spoil(enum fault fault)
{
    static const uint8_t later[] = {0x30, 3, 0x0a, 1, 3},
                         internal[] = {0x30, 3, 0x0a, 1, 2},
                         unauthorized[] = {0x30, 3, 0x0a, 1, 6};
    struct loopback_answer answer = ocsp_answer(flood, 100);

    if (fault == NOT_FOUND)
        answer.status = "404 Not Found";
    if (fault == WRONG_TYPE)
        answer.type = "text/html";
    if (fault == NO_TYPE)
        answer.type = NULL;
    if (fault == EMPTY)
        answer.len = 0;
    if (fault == TOO_LARGE || fault == TOO_LARGE_CHUNKED)
        answer.len = sizeof(flood);
    answer.chunked = fault == TOO_LARGE_CHUNKED;
    if (fault == TRY_LATER)
        answer = ocsp_answer(later, sizeof(later));
    if (fault == INTERNAL_ERROR)
        answer = ocsp_answer(internal, sizeof(internal));
    if (fault == UNAUTHORIZED)
        answer = ocsp_answer(unauthorized, sizeof(unauthorized));
    if (fault == HANGS_UP)
        answer.status = NULL;
    if (fault == REDIRECT)
        answer.status = "302 Found\r\nLocation: /elsewhere";
    answer.held = fault == SILENT;
    loopback_answer(server, &answer);
}

/* Three times the fault; a fourth tells whether it is left alone by now. */
static void
run_row(const struct row *row)
{
    uint8_t *body;
    struct asked asked;

    demand_begin();
    use_responder(loopback_url(server));
    body = respond_with(row->fault);
    if (row->fault > FORGED)
        spoil(row->fault);
    for (int i = 0; i < 4; i++) {
        asked = ask_about(leaf, row->fault == SILENT ? HASTY_MS : PATIENT_MS);
        if (asked.reason != row->reason && (i < 3 || !row->failure))
            fail_msg("%s: %s, %s", row->name, cm_reason_token(asked.reason),
                     asked.detail.text);
        if (row->reason != CM_OK)
            assert_non_null(strstr(asked.detail.text, loopback_url(server)));
    }
    if (row->failure)
        assert_int_equal(asked.reason, CM_REVOCATION_UNAVAILABLE);
    if (row->reason == CM_OK) {
        assert_int_equal(asked.state, row->fault == SAYS_REVOKED
                                          ? CM_STATUS_REVOKED
                                          : CM_STATUS_GOOD);
        /* The store has it: nobody asked again. */
        assert_int_equal(loopback_asked(server), 1);
        assert_int_equal(count_files("ocsp"), 1);
    } else {
        if (loopback_asked(server) != (row->failure ? 3 : 4))
            fail_msg("%s: asked %zu times", row->name, loopback_asked(server));
        assert_int_equal(count_files("ocsp"), 0);
        assert_true(logged("is left alone") == row->failure);
    }
    demand_end();
    free(body);
}

static void
test_rows(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        run_row(&rows[i]);
        store_tear_down(state);
        store_set_up(state);
    }
}

/* ---- Whom to ask ---- */

static void
test_aia(void **state)
{
    const char *urls[] = {NULL, NULL, NULL};
    struct asked asked;
    X509 *card;
    uint8_t *body;

    (void)state;
    demand_begin();
    body = say_good();
    asked = ask_leaf();
    assert_int_equal(asked.reason, CM_REVOCATION_UNKNOWN);
    assert_non_null(strstr(asked.detail.text, "no OCSP responder is known"));

    urls[0] = "ldap://127.0.0.1/cn=ocsp";
    card = card_with(urls);
    asked = ask_about(card, PATIENT_MS);
    assert_int_equal(asked.reason, CM_REVOCATION_UNKNOWN);
    assert_non_null(strstr(asked.detail.text, "no http: or https: URL"));
    X509_free(card);

    urls[1] = loopback_url(server);
    card = card_with(urls);
    asked = ask_about(card, PATIENT_MS);
    assert_int_equal(asked.reason, CM_REVOCATION_UNKNOWN);
    assert_non_null(strstr(asked.detail.text, "is private"));
    assert_int_equal(loopback_asked(server), 0);

    rules.allow_private_addresses = true;
    rules.source_count = 0;
    asked = ask_about(card, PATIENT_MS);
    assert_int_equal(asked.reason, CM_REVOCATION_UNKNOWN);
    assert_non_null(strstr(asked.detail.text, "revocation_sources"));
    assert_int_equal(loopback_asked(server), 0);
    rules.source_count = 1;
    assert_int_equal(ask_about(card, PATIENT_MS).reason, CM_OK);
    assert_int_equal(loopback_asked(server), 1);
    X509_free(card);
    demand_end();
    free(body);
}

/* A configured responder instead of the certificate's; of several the next
 * one, where one is dead. */
static void
test_configured(void **state)
{
    const char *urls[] = {"http://127.0.0.1:1/", NULL};
    X509 *card = card_with(urls);
    uint8_t *body;

    (void)state;
    demand_begin();
    body = say_good();
    use_responder("http://127.0.0.1:1/");
    use_responder(loopback_url(server));
    assert_int_equal(ask_about(card, PATIENT_MS).reason, CM_OK);
    assert_int_equal(loopback_asked(server), 1);
    X509_free(card);
    demand_end();
    free(body);
}

/* Proxies see certificate URLs only of listed hosts. */
static void
test_proxy(void **state)
{
    const char *urls[] = {"http://ocsp.example.com/", NULL};
    X509 *card = card_with(urls);
    struct asked asked;
    uint8_t *body;
    char proxy[64];

    (void)state;
    demand_begin();
    body = say_good();
    snprintf(proxy, sizeof(proxy), "%s", loopback_url(server));
    proxy[strlen(proxy) - 1] = '\0';
    http.proxy = proxy;
    asked = ask_about(card, PATIENT_MS);
    assert_int_equal(asked.reason, CM_REVOCATION_UNKNOWN);
    assert_non_null(strstr(asked.detail.text, "proxy_hosts"));
    assert_true(cm_text_list_add(&http.proxy_hosts, "ocsp.example.com"));
    assert_int_equal(ask_about(card, PATIENT_MS).reason, CM_OK);
    assert_int_equal(loopback_asked(server), 1);
    cm_text_list_clear(&http.proxy_hosts);
    http.proxy = NULL;
    X509_free(card);
    demand_end();
    free(body);
}

/* A responder that was left alone is tried again, by one, and serves. */
static void
test_breaker_is_shared(void **state)
{
    const char *urls[] = {NULL, NULL};
    uint8_t *body;
    char url[80];
    X509 *card;

    (void)state;
    demand_begin();
    body = say_good();
    spoil(NOT_FOUND);
    snprintf(url, sizeof(url), "%sdeep/path", loopback_url(server));
    urls[0] = url;
    card = card_with(urls);
    rules.allow_private_addresses = true;
    for (int i = 0; i < 3; i++)
        (void)ask_about(card, PATIENT_MS);
    free(body);
    body = say_good();
    /* Another certificate, another path: it is the same responder. */
    use_responder(loopback_url(server));
    assert_int_equal(ask_leaf().reason, CM_REVOCATION_UNAVAILABLE);
    assert_int_equal(loopback_asked(server), 3);
    X509_free(card);
    demand_end();
    free(body);
}

/* Who has no time to wait has not seen it fail. */
static void
test_impatience_is_no_failure(void **state)
{
    uint8_t *body;

    (void)state;
    demand_begin();
    body = say_good();
    spoil(SILENT);
    use_responder(loopback_url(server));
    for (int i = 0; i < 4; i++)
        assert_int_equal(ask_about(leaf, 50).reason,
                         CM_REVOCATION_UNAVAILABLE);
    assert_int_equal(ask_about(leaf, 0).reason, CM_REVOCATION_UNAVAILABLE);
    free(body);
    body = say_good();
    assert_int_equal(ask_leaf().reason, CM_OK);
    demand_end();
    free(body);
}

/* ---- The store ---- */

static void
test_store_elsewhere(void **state)
{
    struct cm_store_writer *writer;
    struct asked asked;
    uint8_t *body;

    (void)state;
    demand_begin();
    body = say_good();
    use_responder(loopback_url(server));
    /* Nobody can write there, not even root: a file lies in its place. */
    files_write_text("store/ocsp", "in the way");
    asked = ask_leaf();
    assert_int_equal(asked.reason, CM_OK);
    assert_int_equal(asked.state, CM_STATUS_GOOD);
    assert_true(logged("an OCSP response cannot be kept"));
    forget_log();
    assert_int_equal(ask_leaf().reason, CM_OK);
    assert_int_equal(loopback_asked(server), 2);
    /* Said once a minute, not at every login. */
    assert_false(logged("cannot be kept"));
    assert_int_equal(unlink(store_path("ocsp")), 0);

    /* Somebody else writes: the refresher. */
    writer = cm_store_writer_open(files_path("store"), 0, &why);
    assert_non_null(writer);
    assert_int_equal(ask_leaf().reason, CM_OK);
    assert_int_equal(count_files("ocsp"), 0);
    cm_store_writer_free(writer);
    assert_int_equal(ask_leaf().reason, CM_OK);
    assert_int_equal(count_files("ocsp"), 1);
    assert_int_equal(loopback_asked(server), 4);
    demand_end();
    free(body);
}

/* Even where nothing can be locked. */
static void
test_store_without_locks(void **state)
{
    uint8_t *body;

    (void)state;
    demand_begin();
    body = say_good();
    use_responder(loopback_url(server));
    files_write_text("store/state", "in the way");
    assert_int_equal(ask_leaf().reason, CM_OK);
    assert_int_equal(ask_leaf().reason, CM_OK);
    assert_int_equal(loopback_asked(server), 2);
    demand_end();
    free(body);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_rows),
        STORE_TEST(test_aia),
        STORE_TEST(test_configured),
        STORE_TEST(test_proxy),
        STORE_TEST(test_breaker_is_shared),
        STORE_TEST(test_impatience_is_no_failure),
        STORE_TEST(test_store_elsewhere),
        STORE_TEST(test_store_without_locks),
    };

    return cmocka_run_group_tests(tests, store_make_certificates,
                                  store_free_certificates);
}
