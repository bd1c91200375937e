/* Responses beside the store's: fetched just now, or stapled by a client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "revocation.h"
#include "store_fixture.h"

#define LEAF REVOKE("0a7b")
#define NOBODY REVOKE("0102")

enum { MINUTE = 60, HOUR = 3600 };

/* What a response, or a CRL, says. */
enum says {
    NONE,
    GOOD,
    REVOKED,
    UNKNOWN,
    EXPIRED, /* good, until a minute ago */
    FUTURE,  /* good, in an hour */
    FOREIGN, /* good, about another certificate */
    FORGED,  /* good, signed by another CA */
    GARBAGE,
    HUGE_ONE
};

enum by { STORE = CM_ORIGIN_STORE, FETCH, STAPLE };

/* thisUpdate is so many minutes ago. */
struct part {
    enum says says;
    int age;
};

/* The leaf's CRL, the response in the store, an extra one, what becomes of it
 * all under `require`, and what the answer came from. */
static const struct row {
    const char *name;
    enum says crl;
    struct part stored;
    enum by by;
    struct part extra;
    enum cm_status_state state;
    enum by origin;
} rows[] = {
    /* Fetched: as if the store had it. */
    {"f: good", NONE, {NONE, 0}, FETCH, {GOOD, 1}, CM_STATUS_GOOD, FETCH},
    {"f: revoked",
     NONE,
     {NONE, 0},
     FETCH,
     {REVOKED, 1},
     CM_STATUS_REVOKED,
     FETCH},
    {"f: unknown", NONE, {NONE, 0}, FETCH, {UNKNOWN, 1}, CM_STATUS_UNKNOWN, 0},
    {"f: foreign", NONE, {NONE, 0}, FETCH, {FOREIGN, 1}, CM_STATUS_UNKNOWN, 0},
    {"f: forged", NONE, {NONE, 0}, FETCH, {FORGED, 1}, CM_STATUS_UNKNOWN, 0},
    {"f: good over stale",
     NONE,
     {EXPIRED, 90},
     FETCH,
     {GOOD, 1},
     CM_STATUS_GOOD,
     FETCH},
    {"f: revoked over good",
     NONE,
     {GOOD, 30},
     FETCH,
     {REVOKED, 1},
     CM_STATUS_REVOKED,
     FETCH},
    {"f: an older good one rolls nothing back",
     NONE,
     {REVOKED, 30},
     FETCH,
     {GOOD, 60},
     CM_STATUS_REVOKED,
     STORE},
    {"f: of equal times the worst",
     NONE,
     {GOOD, 30},
     FETCH,
     {REVOKED, 30},
     CM_STATUS_REVOKED,
     FETCH},
    {"f: of equal times the worst, stored",
     NONE,
     {REVOKED, 30},
     FETCH,
     {GOOD, 30},
     CM_STATUS_REVOKED,
     STORE},
    {"f: a hold is lifted",
     NONE,
     {REVOKED, 30},
     FETCH,
     {GOOD, 1},
     CM_STATUS_GOOD,
     FETCH},
    {"f: a CRL revokes",
     REVOKED,
     {NONE, 0},
     FETCH,
     {GOOD, 1},
     CM_STATUS_REVOKED,
     STORE},

    /* Stapled: only what is newer, or worse. */
    {"s: good", NONE, {NONE, 0}, STAPLE, {GOOD, 1}, CM_STATUS_GOOD, STAPLE},
    {"s: newer than the store's",
     NONE,
     {GOOD, 90},
     STAPLE,
     {GOOD, 1},
     CM_STATUS_GOOD,
     STAPLE},
    {"s: older than the store's",
     NONE,
     {GOOD, 1},
     STAPLE,
     {GOOD, 30},
     CM_STATUS_GOOD,
     STORE},
    {"s: as old as the store's",
     NONE,
     {GOOD, 30},
     STAPLE,
     {GOOD, 30},
     CM_STATUS_GOOD,
     STORE},
    {"s: newer than a stale one",
     NONE,
     {EXPIRED, 90},
     STAPLE,
     {GOOD, 1},
     CM_STATUS_GOOD,
     STAPLE},
    {"s: older than a stale one",
     NONE,
     {EXPIRED, 30},
     STAPLE,
     {GOOD, 40},
     CM_STATUS_STALE,
     STORE},
    {"s: just young enough",
     NONE,
     {NONE, 0},
     STAPLE,
     {GOOD, 60},
     CM_STATUS_GOOD,
     STAPLE},
    {"s: too old", NONE, {NONE, 0}, STAPLE, {GOOD, 61}, CM_STATUS_UNKNOWN, 0},
    {"s: too old beside a stale one",
     NONE,
     {EXPIRED, 90},
     STAPLE,
     {GOOD, 61},
     CM_STATUS_STALE,
     STORE},
    {"s: expired beside a good one",
     NONE,
     {GOOD, 90},
     STAPLE,
     {EXPIRED, 30},
     CM_STATUS_GOOD,
     STORE},
    {"s: the store revokes",
     NONE,
     {REVOKED, 90},
     STAPLE,
     {GOOD, 1},
     CM_STATUS_REVOKED,
     STORE},
    {"s: a CRL revokes",
     REVOKED,
     {NONE, 0},
     STAPLE,
     {GOOD, 1},
     CM_STATUS_REVOKED,
     STORE},
    {"s: a CRL and the store are good",
     GOOD,
     {GOOD, 30},
     STAPLE,
     {GOOD, 1},
     CM_STATUS_GOOD,
     STAPLE},
    {"s: revoked",
     NONE,
     {NONE, 0},
     STAPLE,
     {REVOKED, 1},
     CM_STATUS_REVOKED,
     STAPLE},
    {"s: revoked, old",
     NONE,
     {NONE, 0},
     STAPLE,
     {REVOKED, 600},
     CM_STATUS_REVOKED,
     STAPLE},
    {"s: revoked, newer than good",
     NONE,
     {GOOD, 30},
     STAPLE,
     {REVOKED, 1},
     CM_STATUS_REVOKED,
     STAPLE},
    {"s: revoked, older than good",
     NONE,
     {GOOD, 30},
     STAPLE,
     {REVOKED, 60},
     CM_STATUS_GOOD,
     STORE},
    {"s: revoked, a CRL is good",
     GOOD,
     {NONE, 0},
     STAPLE,
     {REVOKED, 1},
     CM_STATUS_REVOKED,
     STAPLE},
    {"s: unknown",
     NONE,
     {NONE, 0},
     STAPLE,
     {UNKNOWN, 1},
     CM_STATUS_UNKNOWN,
     0},
    {"s: expired",
     NONE,
     {NONE, 0},
     STAPLE,
     {EXPIRED, 30},
     CM_STATUS_UNKNOWN,
     0},
    {"s: future", NONE, {NONE, 0}, STAPLE, {FUTURE, 0}, CM_STATUS_UNKNOWN, 0},
    {"s: foreign",
     NONE,
     {NONE, 0},
     STAPLE,
     {FOREIGN, 1},
     CM_STATUS_UNKNOWN,
     0},
    {"s: forged", NONE, {NONE, 0}, STAPLE, {FORGED, 1}, CM_STATUS_UNKNOWN, 0},
    {"s: garbage",
     NONE,
     {NONE, 0},
     STAPLE,
     {GARBAGE, 0},
     CM_STATUS_UNKNOWN,
     0},
    {"s: garbage beside a good one",
     NONE,
     {GOOD, 30},
     STAPLE,
     {GARBAGE, 0},
     CM_STATUS_GOOD,
     STORE},
    {"s: huge beside a good one",
     NONE,
     {GOOD, 30},
     STAPLE,
     {HUGE_ONE, 0},
     CM_STATUS_GOOD,
     STORE},
};

/* ---- What is said ---- */

static void
put_crl(const X509 *issuer, EVP_PKEY *key, const uint8_t spki[32],
        const char *revoke)
{
    struct crlgen_spec spec =
        crl_of(issuer, key, NUMBER("01"), revoke, " 17'251231000000Z' ");

    spec.next_update = " 17'270101000000Z' ";
    assert_int_equal(publish(&spec, spki, false), CM_PUBLISHED);
}

static uint8_t *
make_bytes(enum says says, size_t *len)
{
    uint8_t *bytes;

    *len = says == HUGE_ONE ? CM_OCSP_MAX_RESPONSE + 1 : 100;
    bytes = calloc(1, *len);
    assert_non_null(bytes);
    bytes[0] = 0x30;
    return bytes;
}

static uint8_t *
make(const struct part *part, size_t *len)
{
    int64_t from = STORE_NOW - part->age * MINUTE, end = STORE_NOW + HOUR;
    const char *status = part->says == REVOKED   ? TO_HOLD
                         : part->says == UNKNOWN ? TO_UNKNOWN
                                                 : TO_GOOD;
    EVP_PKEY *key = part->says == FORGED ? other_key() : ca_key();
    X509 *about = part->says == FOREIGN ? other : leaf;

    if (part->says == GARBAGE || part->says == HUGE_ONE)
        return make_bytes(part->says, len);
    if (part->says == EXPIRED)
        end = STORE_NOW - MINUTE;
    if (part->says == FUTURE)
        from = STORE_NOW + HOUR / 2;
    return response_about(about, ca, key, status, from, end, len);
}

static void
put_response(const struct part *part)
{
    size_t len;
    uint8_t *bytes;

    if (part->says == NONE)
        return;
    bytes = make(part, &len);
    assert_int_equal(
        publish_response(leaf, ca, bytes, len, STORE_NOW - part->age * MINUTE),
        CM_PUBLISHED);
    free(bytes);
}

/* ---- A check ---- */

static enum cm_reason
check(const struct cm_extra_response *list, size_t count, int64_t max_age,
      struct cm_revocation_result *result)
{
    struct cm_extra_responses extra = {list, count, max_age};
    struct cm_path_rules rules = store_rules(STORE_NOW);
    struct cm_revocation_policy policy = {.mode = CM_REVOCATION_REQUIRE};
    struct cm_path path = {.certs = {leaf, ca, root}, .count = 3};
    struct cm_snapshot *snapshot = cm_snapshot_build(&root, 1, &ca, 1, &ca, 1);
    struct cm_revocation_question question = {store,  &path,   snapshot,
                                              &rules, &policy, &extra};
    enum cm_reason reason;

    assert_non_null(snapshot);
    now_ms += CM_STORE_LOOK_MS;
    reason = cm_revocation_check(&question, now_ms, result, &why);
    cm_snapshot_release(snapshot);
    return reason;
}

static enum cm_reason
reason_of(enum cm_status_state state)
{
    if (state == CM_STATUS_GOOD)
        return CM_OK;
    return state == CM_STATUS_REVOKED ? CM_REVOKED : CM_REVOCATION_UNKNOWN;
}

static void
run_row(const struct row *row)
{
    struct cm_extra_response extra = {
        .origin = row->by == FETCH ? CM_ORIGIN_FETCHED : CM_ORIGIN_STAPLED};
    struct cm_revocation_result result;
    enum cm_reason reason;
    uint8_t *bytes;

    put_crl(root, root_key(), root_spki, NOBODY);
    if (row->crl != NONE)
        put_crl(ca, ca_key(), ca_spki, row->crl == REVOKED ? LEAF : NOBODY);
    put_response(&row->stored);
    bytes = make(&row->extra, &extra.len);
    extra.bytes = bytes;
    reason = check(&extra, 1, HOUR, &result);
    free(bytes);
    if (reason != reason_of(row->state) ||
        result.status[0].state != row->state ||
        (enum by)result.status[0].origin != row->origin)
        fail_msg("%s: %s, %s, origin %d", row->name, cm_reason_token(reason),
                 why.text, (int)result.status[0].origin);
    assert_int_equal(result.status[1].origin, CM_ORIGIN_STORE);
}

static void
test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        files_make_folder("store");
        run_row(&rows[i]);
        cm_store_free(store);
        store = NULL;
        files_remove();
        files_make();
        restart(false);
    }
}

/* It is in the detail that people read; and nothing is kept. */
static void
test_told_and_not_kept(void **state)
{
    struct part part = {GOOD, 1};
    struct cm_extra_response extra = {.origin = CM_ORIGIN_STAPLED};
    struct cm_revocation_result result;
    uint8_t *bytes = make(&part, &extra.len);

    (void)state;
    extra.bytes = bytes;
    put_crl(root, root_key(), root_spki, NOBODY);
    assert_int_equal(check(&extra, 1, HOUR, &result), CM_OK);
    assert_non_null(strstr(why.text, "CN=alice: good by ocsp (stapled), "));
    assert_int_equal(check(NULL, 0, HOUR, &result), CM_REVOCATION_UNKNOWN);
    assert_int_equal(count_files("ocsp"), 0);
    /* staple_max_age = 0 lets none count; a revocation counts all the
     * same. */
    assert_int_equal(check(&extra, 1, 0, &result), CM_REVOCATION_UNKNOWN);
    free(bytes);
    part.says = REVOKED;
    bytes = make(&part, &extra.len);
    extra.bytes = bytes;
    assert_int_equal(check(&extra, 1, 0, &result), CM_REVOKED);
    free(bytes);
}

/* A staple is measured by what was fetched, wherever it stands. */
static void
test_staple_beside_fetched(void **state)
{
    struct part fetched = {REVOKED, 30}, stapled = {GOOD, 1};
    struct cm_extra_response list[2] = {{.origin = CM_ORIGIN_STAPLED},
                                        {.origin = CM_ORIGIN_FETCHED}};
    struct cm_revocation_result result;
    uint8_t *a = make(&stapled, &list[0].len);
    uint8_t *b = make(&fetched, &list[1].len);

    (void)state;
    put_crl(root, root_key(), root_spki, NOBODY);
    list[0].bytes = a;
    list[1].bytes = b;
    assert_int_equal(check(list, 2, HOUR, &result), CM_REVOKED);
    assert_int_equal(result.status[0].origin, CM_ORIGIN_FETCHED);
    /* What speaks of another certificate of the path is not asked. */
    list[0].position = list[1].position = 1;
    assert_int_equal(check(list, 2, HOUR, &result), CM_REVOCATION_UNKNOWN);
    free(a);
    free(b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_rows),
        STORE_TEST(test_told_and_not_kept),
        STORE_TEST(test_staple_beside_fetched),
    };

    return cmocka_run_group_tests(tests, store_make_certificates,
                                  store_free_certificates);
}
