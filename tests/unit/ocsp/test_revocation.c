/* What becomes of a login by what the store holds, and by policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "revocation.h"
#include "store_fixture.h"

#define LEAF REVOKE("0a7b")
#define NOBODY REVOKE("0102")
#define CA_ITSELF REVOKE("01") /* the CA's own serial number, at the root */

enum { HOUR = 3600, DAY = 24 * HOUR };

/* ---- What the store may hold ---- */

enum { NONE, GOOD, STALE, REVOKED, DAMAGED };

#define FRESH_END " 17'270101000000Z' "
#define STALE_END " 17'251231230000Z' " /* an hour ago */

static void
put_crl(int what, const X509 *issuer, EVP_PKEY *key, const uint8_t spki[32],
        const char *revoke)
{
    struct crlgen_spec spec =
        crl_of(issuer, key, NUMBER("01"), NOBODY, " 17'251231000000Z' ");
    char name[80];

    if (what == NONE)
        return;
    if (what == REVOKED || what == DAMAGED)
        spec.entries = revoke;
    spec.next_update = what == STALE ? STALE_END : FRESH_END;
    assert_int_equal(publish(&spec, spki, false), CM_PUBLISHED);
    snprintf(name, sizeof(name), "%s.idx", last_scope);
    if (what == DAMAGED)
        assert_int_equal(truncate(store_path(crl_name(spki, name)), 5000), 0);
}

static void
put_response(int what)
{
    int64_t end = what == STALE ? STORE_NOW - HOUR : STORE_NOW + HOUR;
    size_t len;
    uint8_t *bytes;

    if (what == NONE)
        return;
    bytes =
        response_about(leaf, ca, ca_key(), what == REVOKED ? TO_HOLD : TO_GOOD,
                       STORE_NOW - 2 * HOUR, end, &len);
    assert_int_equal(
        publish_response(leaf, ca, bytes, len, STORE_NOW - 2 * HOUR),
        CM_PUBLISHED);
    free(bytes);
}

static void
put_override(int64_t set_at, int64_t until)
{
    char words[] = "CA is down";
    struct cm_override override = {
        .set_at = set_at, .until = until, .reason = words};
    char *text = cm_override_format(&override);

    assert_non_null(text);
    files_write_text("store/override", text);
    assert_int_equal(chmod(store_path("override"), 0644), 0);
    free(text);
}

/* ---- A check ---- */

static struct cm_revocation_result result;
static const struct cm_extra_responses *extra; /* NULL: none */

static enum cm_reason
check(enum cm_revocation_mode mode, int64_t grace)
{
    struct cm_path_rules rules = store_rules(STORE_NOW);
    struct cm_revocation_policy policy = {.mode = mode, .stale_grace = grace};
    struct cm_path path = {.certs = {leaf, ca, root}, .count = 3};
    struct cm_snapshot *snapshot = cm_snapshot_build(&root, 1, &ca, 1, &ca, 1);
    struct cm_revocation_question question;
    enum cm_reason reason;

    assert_non_null(snapshot);
    now_ms += CM_STORE_LOOK_MS;
    why.text[0] = '\0';
    question = (struct cm_revocation_question){store,  &path,   snapshot,
                                               &rules, &policy, extra};
    reason = cm_revocation_check(&question, now_ms, &result, &why);
    cm_snapshot_release(snapshot);
    assert_true(why.text[0] != '\0');
    return reason;
}

static const enum cm_reason OK = CM_OK, NO = CM_REVOKED,
                            UNKNOWN = CM_REVOCATION_UNKNOWN,
                            UNAVAILABLE = CM_REVOCATION_UNAVAILABLE;

/* The leaf's CRL and response, the CA's CRL; what becomes of it under require,
 * require with an hour and more of grace, and soft. */
static const struct row {
    int crl, response, root_crl;
    const enum cm_reason *require, *grace, *soft;
    bool current;
} rows[] = {
    {GOOD, NONE, GOOD, &OK, &OK, &OK, true},
    {NONE, GOOD, GOOD, &OK, &OK, &OK, true},
    {GOOD, GOOD, GOOD, &OK, &OK, &OK, true},
    {GOOD, STALE, GOOD, &OK, &OK, &OK, true},
    {STALE, GOOD, GOOD, &OK, &OK, &OK, true},
    {STALE, NONE, GOOD, &UNKNOWN, &OK, &OK, false},
    {NONE, STALE, GOOD, &UNKNOWN, &OK, &OK, false},
    {STALE, STALE, GOOD, &UNKNOWN, &OK, &OK, false},
    {GOOD, NONE, STALE, &UNKNOWN, &OK, &OK, false},
    {NONE, NONE, GOOD, &UNKNOWN, &UNKNOWN, &OK, false},
    {GOOD, NONE, NONE, &UNKNOWN, &UNKNOWN, &OK, false},
    {GOOD, GOOD, NONE, &UNKNOWN, &UNKNOWN, &OK, false},
    {NONE, NONE, NONE, &UNKNOWN, &UNKNOWN, &OK, false},

    {REVOKED, NONE, GOOD, &NO, &NO, &NO, false},
    {REVOKED, GOOD, GOOD, &NO, &NO, &NO, false},
    {GOOD, REVOKED, GOOD, &NO, &NO, &NO, false},
    {STALE, REVOKED, NONE, &NO, &NO, &NO, false},
    {NONE, NONE, REVOKED, &NO, &NO, &NO, false},
    {GOOD, GOOD, REVOKED, &NO, &NO, &NO, false},

    /* What may say "revoked" and cannot be read. */
    {DAMAGED, NONE, GOOD, &UNAVAILABLE, &UNAVAILABLE, &UNAVAILABLE, false},
    {DAMAGED, GOOD, GOOD, &UNAVAILABLE, &UNAVAILABLE, &UNAVAILABLE, false},
    {DAMAGED, REVOKED, GOOD, &NO, &NO, &NO, false},
    {GOOD, GOOD, DAMAGED, &UNAVAILABLE, &UNAVAILABLE, &UNAVAILABLE, false},
};

static void
expect(size_t i, const char *mode, enum cm_reason reason,
       enum cm_reason expected, bool current)
{
    if (reason != expected)
        fail_msg("row %zu, %s: %s, %s", i, mode, cm_reason_token(reason),
                 why.text);
    if (result.current != current)
        fail_msg("row %zu, %s: current", i, mode);
    assert_false(result.override_used);
}

static void
test_rows(void **state)
{
    const struct row *row;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        row = &rows[i];
        files_make_folder("store");
        put_crl(row->crl, ca, ca_key(), ca_spki, LEAF);
        put_crl(row->root_crl, root, root_key(), root_spki, CA_ITSELF);
        put_response(row->response);
        expect(i, "require", check(CM_REVOCATION_REQUIRE, 0), *row->require,
               row->current);
        expect(i, "grace", check(CM_REVOCATION_REQUIRE, HOUR), *row->grace,
               row->current);
        expect(i, "soft", check(CM_REVOCATION_SOFT, 0), *row->soft,
               row->current);
        /* Off asks nothing but the deny list. */
        expect(i, "off", check(CM_REVOCATION_OFF, 0), CM_OK, false);
        assert_int_equal(result.count, 0);
        /* Without current answers an override softens, and says so. */
        put_override(STORE_NOW - HOUR, STORE_NOW + HOUR);
        assert_int_equal(check(CM_REVOCATION_REQUIRE, 0), *row->soft);
        assert_int_equal(result.override_used,
                         *row->soft == CM_OK && *row->require != CM_OK);
        assert_int_equal(result.current, row->current);
        if (result.override_used)
            assert_non_null(strstr(why.text, "override (CA is down)"));
        cm_store_free(store);
        store = NULL;
        files_remove();
        files_make();
        restart(false);
    }
}

/* ---- Grace ---- */

static void
test_grace_ends(void **state)
{
    (void)state;
    put_crl(STALE, ca, ca_key(), ca_spki, LEAF);
    put_crl(GOOD, root, root_key(), root_spki, CA_ITSELF);
    assert_int_equal(check(CM_REVOCATION_REQUIRE, HOUR - 1), UNKNOWN);
    assert_non_null(strstr(why.text, "CN=alice"));
    assert_non_null(strstr(why.text, "stale by crl"));
    assert_non_null(strstr(why.text, "ended 60 min ago"));
    assert_int_equal(check(CM_REVOCATION_REQUIRE, HOUR), CM_OK);
    assert_non_null(strstr(why.text, "within stale_grace"));
}

/* ---- The override ---- */

static const struct override_row {
    int64_t set_at, until;
    bool in_force;
} override_rows[] = {
    {STORE_NOW, STORE_NOW + 1, true},
    {STORE_NOW, STORE_NOW, false},
    {STORE_NOW - HOUR, STORE_NOW, false},
    {STORE_NOW + 1, STORE_NOW + HOUR, false},
    /* Longer than a day is a day. */
    {STORE_NOW - DAY + 1, STORE_NOW + 100 * DAY, true},
    {STORE_NOW - DAY, STORE_NOW + 100 * DAY, false},
};

static void
test_override(void **state)
{
    const struct override_row *row;
    struct cm_override found;

    (void)state;
    files_make_folder("store");
    for (size_t i = 0; i < sizeof(override_rows) / sizeof(override_rows[0]);
         i++) {
        row = &override_rows[i];
        put_override(row->set_at, row->until);
        if (cm_store_override(store, STORE_NOW, &found) != row->in_force)
            fail_msg("row %zu", i);
        assert_int_equal(found.soft, row->in_force);
        if (row->in_force)
            assert_true(found.until <= row->set_at + DAY);
        cm_override_clear(&found);
        assert_int_equal(check(CM_REVOCATION_REQUIRE, 0),
                         row->in_force ? CM_OK : CM_REVOCATION_UNKNOWN);
    }
}

static void
test_override_text(void **state)
{
#define GOOD_TEXT "soft 2025-12-31T23:00:00Z 2026-01-01T01:00:00Z "
    static const char *const bad[] = {
        "",
        "\n",
        GOOD_TEXT "no newline",
        GOOD_TEXT "\n",
        GOOD_TEXT "x\nmore\n",
        GOOD_TEXT "x\xff\n",
        "off 2025-12-31T23:00:00Z 2026-01-01T01:00:00Z x\n",
        "soft yesterday 2026-01-01T01:00:00Z x\n",
        "soft 2025-12-31T23:00:00Z x\n",
        "soft\n",
    };
    struct cm_override found;

    (void)state;
    files_make_folder("store");
    files_write_text("store/override", GOOD_TEXT "x\n");
    assert_true(cm_store_override(store, STORE_NOW, &found));
    assert_string_equal(found.reason, "x");
    cm_override_clear(&found);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        files_write_text("store/override", bad[i]);
        if (cm_store_override(store, STORE_NOW, &found))
            fail_msg("row %zu", i);
        assert_null(found.reason);
    }
    files_write_text("store/override", GOOD_TEXT "x\n");
    assert_int_equal(chmod(store_path("override"), 0666), 0);
    assert_false(cm_store_override(store, STORE_NOW, &found));
}

/* ---- The deny list, in every mode ---- */

static const enum cm_revocation_mode modes[] = {
    CM_REVOCATION_REQUIRE, CM_REVOCATION_SOFT, CM_REVOCATION_OFF};

static void
write_deny(const char *text)
{
    files_write_text("store/deny", text);
    assert_int_equal(chmod(store_path("deny"), 0644), 0);
}

static void
test_deny(void **state)
{
    static const char *const serials[] = {
        "serial 0a7b:\"O=Acme\\, Inc,CN=CA 1\"", /* the leaf */
        "serial 01:\"CN=Root\"",                 /* CA and root */
    };
    char line[256];

    (void)state;
    put_crl(GOOD, ca, ca_key(), ca_spki, LEAF);
    put_crl(GOOD, root, root_key(), root_spki, CA_ITSELF);
    put_override(STORE_NOW - HOUR, STORE_NOW + HOUR);
    for (size_t i = 0; i < 2; i++) {
        snprintf(line, sizeof(line),
                 "%s never 2025-01-01T00:00:00Z left the company\n",
                 serials[i]);
        write_deny(line);
        for (size_t m = 0; m < 3; m++) {
            assert_int_equal(check(modes[m], DAY), CM_REVOKED);
            assert_non_null(strstr(why.text, "left the company"));
            assert_int_equal(result.status[i].source, CM_SOURCE_DENY);
            assert_false(result.current || result.override_used);
        }
    }
    write_deny("nonsense\n");
    for (size_t m = 0; m < 3; m++)
        assert_int_equal(check(modes[m], DAY), UNAVAILABLE);
    write_deny("");
    for (size_t m = 0; m < 3; m++)
        assert_int_equal(check(modes[m], DAY), CM_OK);
}

/* ---- The store itself ---- */

static void
test_store(void **state)
{
    (void)state;
    /* None, and none was asked for: as if empty. */
    assert_int_equal(check(CM_REVOCATION_REQUIRE, 0), UNKNOWN);
    assert_int_equal(check(CM_REVOCATION_SOFT, 0), CM_OK);
    assert_int_equal(check(CM_REVOCATION_OFF, 0), CM_OK);
    put_crl(GOOD, ca, ca_key(), ca_spki, LEAF);
    put_crl(GOOD, root, root_key(), root_spki, CA_ITSELF);
    assert_int_equal(check(CM_REVOCATION_REQUIRE, 0), CM_OK);
    /* Not to be believed, and gone. */
    assert_int_equal(chmod(files_path("store"), 0777), 0);
    for (size_t m = 0; m < 3; m++)
        assert_int_equal(check(modes[m], DAY), UNAVAILABLE);
    assert_int_equal(chmod(files_path("store"), 0755), 0);
    assert_int_equal(check(CM_REVOCATION_REQUIRE, 0), CM_OK);
    assert_int_equal(rename(files_path("store"), files_path("aside")), 0);
    for (size_t m = 0; m < 3; m++)
        assert_int_equal(check(modes[m], DAY), UNAVAILABLE);
    /* A process that never saw it, but was told of it. */
    restart(true);
    for (size_t m = 0; m < 3; m++)
        assert_int_equal(check(modes[m], DAY), UNAVAILABLE);
}

/* What an administrator reads. */
static void
test_detail(void **state)
{
    (void)state;
    put_crl(GOOD, ca, ca_key(), ca_spki, LEAF);
    put_crl(GOOD, root, root_key(), root_spki, CA_ITSELF);
    assert_int_equal(check(CM_REVOCATION_REQUIRE, 0), CM_OK);
    assert_string_equal(why.text, "CN=alice: good by crl, 24 h old; "
                                  "O=Acme\\, Inc,CN=CA 1: good by crl, "
                                  "24 h old");
    assert_int_equal(result.count, 2);
    put_response(REVOKED);
    assert_int_equal(check(CM_REVOCATION_SOFT, 0), CM_REVOKED);
    if (strstr(why.text, "CN=alice: revoked (certificateHold) by ocsp, 2 h "
                         "old") == NULL)
        fail_msg("%s", why.text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_rows),     STORE_TEST(test_grace_ends),
        STORE_TEST(test_override), STORE_TEST(test_override_text),
        STORE_TEST(test_deny),     STORE_TEST(test_store),
        STORE_TEST(test_detail),
    };

    return cmocka_run_group_tests(tests, store_make_certificates,
                                  store_free_certificates);
}
