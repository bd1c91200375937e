/* The deny list: its text, whom it names, and what spoils it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "deny.h"
#include "store_fixture.h"
#include "testcert.h"
#include "text.h"

#define SHA256                                                                \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF"
#define SHA1 "0123456789abcdef0123456789abcdef01234567"
#define TIMES " never 2026-01-01T00:00:00Z "

/* ---- Lines ---- */

static const struct line_row {
    const char *line;
    const char *fault; /* NULL: one good entry */
} line_rows[] = {
    {"sha256 " SHA256 TIMES "lost", NULL},
    {"sha1 " SHA1 TIMES "lost card of A. Müller", NULL},
    {"ski 00" TIMES "x", NULL},
    {"ski 0102 2026-02-01T12:00:00+01:00 2026-01-01T00:00:00Z x", NULL},
    {"serial 0a7b:" SHA256 TIMES "x", NULL},
    {"serial 00:" SHA256 TIMES "x", NULL},
    {"serial 00000000000000000000000000000000000000000a7b:" SHA256 TIMES "x",
     "serial number"},
    {"serial 00ffffffffffffffffffffffffffffffffffffffff:" SHA256 TIMES "x",
     NULL},
    {"serial ffffffffffffffffffffffffffffffffffffffffff:" SHA256 TIMES "x",
     "serial number"},
    {"serial 0a7b:\"CN=CA 1,O=Acme\\, Inc\"" TIMES "x", NULL},
    {"serial 0a7b:\"CN=A \\\" B\"" TIMES "x \"quoted\" \\ y", NULL},

    {" sha256 " SHA256 TIMES "x", "a line is"},
    {"sha256", "a line is"},
    {"sha256 ", "a line is"},
    {"sha256 " SHA256, "a line is"},
    {"sha256 " SHA256 " never", "missing"},
    {"sha256 " SHA256 " never 2026-01-01T00:00:00Z", "missing"},
    {"sha256 " SHA256 TIMES, "the reason"},
    {"sha256 " SHA256 TIMES " x", "the reason"},
    {"sha256  " SHA256 TIMES "x", "a line is"},
    {"sha256\t" SHA256 TIMES "x", "clean"},
    {"sha256 " SHA256 TIMES "x\r", "clean"},
    {"sha256 " SHA256 TIMES "x\xff", "clean"},
    {"sha256 " SHA256 "00" TIMES "x", "64 hexadecimal"},
    {"sha256 " SHA1 TIMES "x", "64 hexadecimal"},
    {"sha1 " SHA256 TIMES "x", "40 hexadecimal"},
    {"sha1 xyz" TIMES "x", "40 hexadecimal"},
    {"ski 0" TIMES "x", "key identifier"},
    {"SHA256 " SHA256 TIMES "x", "none of"},
    {"subject CN=x" TIMES "x", "none of"},
    {"serial 0a7b" TIMES "x", "the issuing key"},
    {"serial 0a7b:" TIMES "x", "the issuing key"},
    {"serial :" SHA256 TIMES "x", "serial number"},
    {"serial a7b:" SHA256 TIMES "x", "serial number"},
    {"serial 0a7b:" SHA1 TIMES "x", "the issuing key"},
    {"serial 0a7b:CN=CA" TIMES "x", "the issuing key"},
    {"serial 0a7b:\"CN=CA" TIMES "x", "the issuing key"},
    {"serial 0a7b:\"CN=CA\\\"" TIMES "x", "the issuing key"},
    {"serial 0a7b:\"CN=CA\"x" TIMES "x", "the issuing key"},
    {"serial 0a7b:\"\"" TIMES "x", "the issuing key"},
    {"sha1 " SHA1 " Never 2026-01-01T00:00:00Z x", "expires"},
    {"sha1 " SHA1 " 2026-01-01 2026-01-01T00:00:00Z x", "expires"},
    {"sha1 " SHA1 " 2026-02-30T00:00:00Z 2026-01-01T00:00:00Z x", "expires"},
    {"sha1 " SHA1 " never yesterday x", "added"},
};

static void
test_lines(void **state)
{
    struct cm_deny_list list, again;
    struct cm_detail detail;
    const struct line_row *row;
    char *text;
    bool ok;

    (void)state;
    for (size_t i = 0; i < sizeof(line_rows) / sizeof(line_rows[0]); i++) {
        row = &line_rows[i];
        ok = cm_deny_parse(row->line, strlen(row->line), &list, &detail);
        if (ok != (row->fault == NULL))
            fail_msg("%s: %s", row->line, ok ? "taken" : detail.text);
        if (!ok) {
            assert_int_equal(list.count, 0);
            if (strstr(detail.text, row->fault) == NULL ||
                strncmp(detail.text, "line 1: ", 8) != 0)
                fail_msg("%s: %s", row->line, detail.text);
            continue;
        }
        assert_int_equal(list.count, 1);
        text = cm_deny_format(&list);
        assert_non_null(text);
        assert_true(cm_deny_parse(text, strlen(text), &again, &detail));
        assert_int_equal(again.count, 1);
        assert_true(cm_deny_same(&list.list[0], &again.list[0]));
        assert_int_equal(list.list[0].expires, again.list[0].expires);
        if (list.list[0].expires)
            assert_int_equal(list.list[0].until, again.list[0].until);
        assert_int_equal(list.list[0].added, again.list[0].added);
        assert_string_equal(list.list[0].reason, again.list[0].reason);
        free(text);
        cm_deny_list_clear(&list);
        cm_deny_list_clear(&again);
    }
}

/* Every prefix and every damaged byte of a good file is a good file or an
 * error, and never loses a line in silence. */
static void
test_damage(void **state)
{
    static const char good[] = "# comment\n\nsha1 " SHA1 TIMES "one\n"
                               "serial 0a7b:\"CN=A B\"" TIMES "two\n"
                               "ski 0102 2026-02-01T00:00:00Z "
                               "2026-01-01T00:00:00Z three\n";
    struct cm_deny_list list;
    struct cm_detail detail;
    char copy[sizeof(good)];

    (void)state;
    for (size_t len = 0; len < sizeof(good); len++) {
        if (cm_deny_parse(good, len, &list, &detail))
            cm_deny_list_clear(&list);
    }
    for (size_t i = 0; i < sizeof(good) - 1; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(copy, good, sizeof(good));
            copy[i] = (char)(copy[i] ^ (1 << bit));
            if (!cm_deny_parse(copy, sizeof(good) - 1, &list, &detail))
                continue;
            /* A comment's newline, or a line's first byte: there are fewer
             * only where a line became part of a comment or of a reason. */
            assert_true(list.count >= 2 || copy[i] == '#' || i < 11);
            cm_deny_list_clear(&list);
        }
    }
}

static void
test_limits(void **state)
{
    struct cm_deny_list list = {0};
    struct cm_deny_entry entry = {.kind = CM_DENY_SKI,
                                  .value_len = 1,
                                  .reason = (char *)(uintptr_t) "x"};
    struct cm_detail detail;
    char line[CM_DENY_MAX_LINE + 2], *text;

    (void)state;
    memset(line, 'x', sizeof(line));
    memcpy(line, "ski 00" TIMES, strlen("ski 00" TIMES));
    assert_false(cm_deny_parse(line, CM_DENY_MAX_LINE, &list, &detail));
    assert_non_null(strstr(detail.text, "longer"));
    assert_false(cm_deny_parse(line, CM_DENY_MAX_LINE - 1, &list, &detail));
    assert_non_null(strstr(detail.text, "the reason"));
    assert_false(cm_deny_parse("# a\0b\n", 6, &list, &detail));
    for (size_t i = 0; i < CM_DENY_MAX_ENTRIES; i++)
        assert_true(cm_deny_add(&list, &entry));
    assert_false(cm_deny_add(&list, &entry));
    text = cm_deny_format(&list);
    assert_non_null(text);
    free(text);
    cm_deny_list_clear(&list);
}

/* ---- Whom an entry names ---- */

enum { NOW = STORE_NOW };

static struct facts {
    char sha256[65], sha1[41], ski[41], ca_spki[65], other_spki[65];
} of;

static void
hex(const uint8_t *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void
learn(void)
{
    const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(leaf);
    uint8_t digest[32];

    X509_digest(leaf, EVP_sha256(), digest, NULL);
    hex(digest, 32, of.sha256);
    X509_digest(leaf, EVP_sha1(), digest, NULL);
    hex(digest, 20, of.sha1);
    assert_non_null(ski);
    hex(ASN1_STRING_get0_data(ski), 20, of.ski);
    hex(ca_spki, 32, of.ca_spki);
    hex(other_spki, 32, of.other_spki);
}

/* @x stands for a fact. */
static const struct name_row {
    const char *line;
    bool leaf, ca;
} name_rows[] = {
    {"sha256 @sha256" TIMES "x", true, false},
    {"sha1 @sha1" TIMES "x", true, false},
    {"ski @ski" TIMES "x", true, false},
    {"sha1 " SHA1 TIMES "x", false, false},
    {"sha256 " SHA256 TIMES "x", false, false},
    {"ski 0102" TIMES "x", false, false},
    {"serial 0a7b:@ca" TIMES "x", true, false},
    {"serial 000a7b:@ca" TIMES "x", true, false},
    {"serial 0A7B:@ca" TIMES "x", true, false},
    {"serial 0a7b:@other" TIMES "x", false, false},
    {"serial 0a7c:@ca" TIMES "x", false, false},
    {"serial 0a7b:\"CN=Root\"" TIMES "x", false, false},
    /* Of the CA certificate it is the issuer's name too, and serial 1. */
    {"serial 01:\"CN=Root\"" TIMES "x", false, true},
    {"serial 0a7b:\"O=Acme\\, Inc,CN=CA 1\"" TIMES "x", true, false},
    {"serial 0a7b:\"o=ACME\\, inc,cn=ca 1\"" TIMES "x", true, false},
    {"serial 0a7b:\"CN=CA 1,O=Acme\\, Inc\"" TIMES "x", false, false},
    /* Expiry: the second itself is past it. */
    {"sha1 @sha1 2026-01-01T00:00:01Z 2025-01-01T00:00:00Z x", true, false},
    {"sha1 @sha1 2026-01-01T00:00:00Z 2025-01-01T00:00:00Z x", false, false},
    {"sha1 @sha1 2025-01-01T00:00:00Z 2024-01-01T00:00:00Z x\n"
     "sha256 @sha256" TIMES "y",
     true, false},
};

static char *
fill_in(const char *line)
{
    static const struct {
        const char *name, *value;
    } facts[] = {{"@sha256", of.sha256},
                 {"@sha1", of.sha1},
                 {"@ski", of.ski},
                 {"@ca", of.ca_spki},
                 {"@other", of.other_spki}};
    struct cm_buf buf = CM_BUF_INIT;
    bool found;

    while (*line != '\0') {
        found = false;
        for (size_t i = 0; !found && i < sizeof(facts) / sizeof(*facts); i++) {
            found = strncmp(line, facts[i].name, strlen(facts[i].name)) == 0;
            if (found) {
                cm_buf_add_text(&buf, facts[i].value);
                line += strlen(facts[i].name);
            }
        }
        if (!found)
            cm_buf_add_char(&buf, *line++);
    }
    return cm_buf_take(&buf);
}

static void
test_names(void **state)
{
    const struct cm_deny_entry *found;
    struct cm_deny_list list;
    struct cm_detail detail;
    char *line;

    (void)state;
    learn();
    for (size_t i = 0; i < sizeof(name_rows) / sizeof(name_rows[0]); i++) {
        line = fill_in(name_rows[i].line);
        if (!cm_deny_parse(line, strlen(line), &list, &detail))
            fail_msg("%s: %s", line, detail.text);
        assert_true(cm_deny_find(&list, leaf, ca, NOW, &found));
        if ((found != NULL) != name_rows[i].leaf)
            fail_msg("%s: leaf", line);
        assert_true(cm_deny_find(&list, ca, root, NOW, &found));
        if ((found != NULL) != name_rows[i].ca)
            fail_msg("%s: ca", line);
        cm_deny_list_clear(&list);
        free(line);
    }
}

/* Where the issuer is not known, the serial number alone blocks. */
static void
test_unknown_issuer(void **state)
{
    const struct cm_deny_entry *found;
    struct cm_deny_list list;
    struct cm_detail detail;
    char *line = fill_in("serial 0a7b:@other" TIMES "x");

    (void)state;
    assert_true(cm_deny_parse(line, strlen(line), &list, &detail));
    assert_true(cm_deny_find(&list, leaf, ca, NOW, &found));
    assert_null(found);
    assert_true(cm_deny_find(&list, leaf, NULL, NOW, &found));
    assert_non_null(found);
    cm_deny_list_clear(&list);
    free(line);
}

/* A negative serial number is blocked with its opposite. */
static void
test_negative(void **state)
{
    struct tc_spec spec = {.subject = "CN=odd", .serial_hex = "f585"};
    const struct cm_deny_entry *found;
    struct cm_deny_list list;
    struct cm_detail detail;
    static const char line[] = "serial 0a7b:\"CN=odd\"" TIMES "x";
    X509 *odd = tc_make(&spec);

    (void)state;
    assert_true(cm_deny_parse(line, strlen(line), &list, &detail));
    assert_true(cm_deny_find(&list, odd, odd, NOW, &found));
    assert_non_null(found);
    cm_deny_list_clear(&list);
    X509_free(odd);
}

/* ---- The file ---- */

static void
write_raw(const char *text)
{
    files_write_text("store/deny.new", text);
    assert_int_equal(chmod(store_path("deny.new"), 0644), 0);
    assert_int_equal(rename(store_path("deny.new"), store_path("deny")), 0);
}

static void
write_deny(const char *text)
{
    char *filled = fill_in(text);

    write_raw(filled);
    free(filled);
}

static enum cm_denial
denied(void)
{
    why.text[0] = '\0';
    return cm_store_denied(store, leaf, ca, NOW, &why);
}

static void
test_file(void **state)
{
    (void)state;
    learn();
    assert_int_equal(denied(), CM_NOT_DENIED); /* no store */
    files_make_folder("store");
    look();
    assert_int_equal(denied(), CM_NOT_DENIED); /* no list */
    write_deny("sha1 @sha1" TIMES "stolen on a train\n");
    assert_int_equal(denied(), CM_DENIED);
    assert_non_null(strstr(why.text, "stolen on a train"));
    assert_non_null(strstr(why.text, of.sha1));
    assert_non_null(strstr(why.text, "2026-01-01T00:00:00Z"));
    write_deny("# nobody\n");
    assert_int_equal(denied(), CM_NOT_DENIED);
    /* One bad line refuses everybody. */
    write_deny("# nobody\nsha1 " SHA1 TIMES "x\nblock them all\n");
    assert_int_equal(denied(), CM_DENY_UNREADABLE);
    assert_non_null(strstr(why.text, "deny: line 3: "));
    write_deny("");
    assert_int_equal(denied(), CM_NOT_DENIED);
}

/* Gone, unsafe or too large: nobody knows whom it blocks. */
static void
test_file_not_believed(void **state)
{
    char *large = calloc(1, CM_STORE_MAX_DENY_FILE + 2);

    (void)state;
    files_make_folder("store");
    look();
    write_deny("sha1 " SHA1 TIMES "x\n");
    assert_int_equal(denied(), CM_NOT_DENIED);
    files_delete("store/deny");
    assert_int_equal(denied(), CM_DENY_UNREADABLE);
    assert_non_null(strstr(why.text, "gone"));
    write_deny("");
    assert_int_equal(denied(), CM_NOT_DENIED);
    assert_int_equal(chmod(store_path("deny"), 0666), 0);
    assert_int_equal(denied(), CM_DENY_UNREADABLE);
    assert_non_null(large);
    memset(large, '\n', CM_STORE_MAX_DENY_FILE + 1);
    write_raw(large);
    assert_int_equal(denied(), CM_DENY_UNREADABLE);
    assert_non_null(strstr(why.text, "longer than"));
    large[CM_STORE_MAX_DENY_FILE] = '\0';
    write_raw(large);
    assert_int_equal(denied(), CM_NOT_DENIED);
    free(large);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_unknown_issuer),
        cmocka_unit_test(test_negative),
        STORE_TEST(test_file),
        STORE_TEST(test_file_not_believed),
    };

    return cmocka_run_group_tests(tests, store_make_certificates,
                                  store_free_certificates);
}
