/*
 * Audit lines read back: cm_audit_line()'s own output, what lines of other
 * versions may hold, and what is no audit line or a damaged one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "audit.h"
#include "audit_line.h"
#include "log_line.h"
#include "timetext.h"

#define NO_CERT " sha256=- serial=- not_after=- issuer=- subject=- upn=-"
#define REST                                                                  \
    " realm=\"R\" mode=enforce principal=\"p@R\" requested=- account=- "      \
    "mapping=none strength=none revocation=off status=- choices=- "           \
    "warnings=- hw_authent=false ms=0" NO_CERT " indicators=- detail=-"

/* ---- cm_audit_line()'s own output ---- */

static const char *const texts[] = {
    "alice@EXAMPLE.COM",
    "two words",
    "x\" reason=ok principal=\"root",
    "x\ncertmap: authorized reason=ok",
    "back\\slash \\x22",
    "\xe2\x80\xae reversed",
    "\xff\xfe",
    "Jos\xc3\xa9",
    "-",
};

/* A login whose every value from outside is text. */
static char *
line_of(char *text, enum cm_reason reason, struct cm_settings *settings)
{
    struct cm_principal principal = {.realm = text, .text = text};
    struct cm_login login = {.principal = &principal};
    struct cm_outcome outcome = {.reason = reason,
                                 .account = text,
                                 .mapping = CM_FORM_UPN,
                                 .strength = CM_STRENGTH_WEAK,
                                 .warnings = CM_WARN_WEAK | CM_WARN_PREDATES};
    struct cm_certificate *cert = &outcome.certificate;
    X509 *decoded = X509_new();
    char *line;

    cert->x509 = decoded;
    cert->issuer_rfc4514 = text;
    cert->subject_rfc4514 = text;
    cert->upn = text;
    cert->upn_state = CM_PRESENT;
    cert->serial[0] = 0x4d;
    cert->serial_len = 1;
    cert->sha256[0] = 0xab;
    cert->not_after = 2208988800;
    snprintf(outcome.detail.text, sizeof(outcome.detail.text), "%s", text);
    line = cm_audit_line(settings, &login, text, &outcome);
    assert_non_null(line);
    X509_free(decoded);
    return line;
}

/* The span is text, escaped; and text comes back if it is clean. */
static void
check_text(struct cm_span span, const char *text)
{
    struct cm_buf buf = CM_BUF_INIT;
    char *escaped, *copy, *plain;

    cm_text_escape(&buf, text, strlen(text), CM_AUDIT_MAX_FIELD);
    escaped = cm_buf_take(&buf);
    assert_true(cm_span_is(span, escaped));
    copy = strndup(span.text, span.len);
    plain = cm_audit_unescape(copy);
    if (cm_text_is_clean((const uint8_t *)text, strlen(text)))
        assert_string_equal(plain, text);
    else
        assert_null(plain);
    free(escaped);
    free(copy);
    free(plain);
}

static void
check_own_line(char *text, enum cm_reason reason)
{
    struct cm_audit_fields fields;
    struct cm_settings settings;
    char *line;

    assert_true(cm_settings_init(&settings, "EXAMPLE.COM"));
    settings.mode = CM_MODE_OBSERVE;
    settings.policy.enforcement = CM_ENFORCE_DISABLED;
    line = line_of(text, reason, &settings);
    assert_int_equal(cm_audit_parse(line, strlen(line), &fields),
                     CM_AUDIT_WHOLE);
    assert_int_equal(fields.authorized, reason == CM_OK);
    assert_true(cm_span_is(fields.reason, cm_reason_token(reason)));
    assert_true(cm_span_is(fields.mode, "observe"));
    check_text(fields.realm, text);
    check_text(fields.principal, text);
    check_text(fields.account, text);
    check_text(fields.issuer, text);
    check_text(fields.detail, text);
    assert_true(cm_span_is(fields.mapping, "upn"));
    assert_true(cm_span_is(fields.strength, "weak"));
    assert_true(cm_span_lists(fields.warnings, "weak"));
    assert_true(cm_span_lists(fields.warnings, "predates-account"));
    assert_false(cm_span_lists(fields.warnings, "predates"));
    assert_true(cm_span_lists(fields.choices, "mode=observe"));
    assert_int_equal(cm_span_lists(fields.choices, "enforcement=disabled"),
                     reason == CM_OK);
    assert_true(fields.has_certificate);
    assert_int_equal(fields.sha256[0], 0xab);
    assert_int_equal(fields.not_after, 2208988800);
    assert_true(cm_span_is(fields.serial, "4d"));
    free(line);
    cm_settings_clear(&settings);
}

static void
test_own_lines(void **state)
{
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (int reason = CM_OK; reason <= CM_INTERNAL; reason++) {
            snprintf(text, sizeof(text), "%s", texts[i]);
            check_own_line(text, (enum cm_reason)reason);
        }
    }
}

static void
test_stock_line(void **state)
{
    struct cm_outcome outcome = {.reason = CM_INTERNAL};
    struct cm_login login = {NULL};
    char *line = cm_audit_stock_line(NULL, &login, NULL, &outcome, -70);
    struct cm_audit_fields fields;

    (void)state;
    assert_int_equal(cm_audit_parse(line, strlen(line), &fields),
                     CM_AUDIT_WHOLE);
    assert_true(cm_span_is(fields.reason, "pkinit"));
    assert_false(fields.authorized || fields.has_certificate);
    assert_null(fields.principal.text);
    free(line);
}

/* Wherever a line is cut, it is noticed. */
static void
test_cut_lines(void **state)
{
    struct cm_audit_fields fields;
    char text[] = "x\" y";
    char *line = line_of(text, CM_OK, NULL);
    size_t len = strlen(line);

    (void)state;
    for (size_t i = strlen("certmap: a"); i < len; i++)
        assert_int_equal(cm_audit_parse(line, i, &fields), CM_AUDIT_DAMAGED);
    assert_int_equal(cm_audit_parse(line, len, &fields), CM_AUDIT_WHOLE);
    free(line);
}

/* ---- Lines as such ---- */

static const struct line_row {
    const char *line;
    enum cm_audit_kind kind;
} lines[] = {
    {"certmap: refused reason=no-mapping" REST, CM_AUDIT_WHOLE},
    {"certmap: authorized reason=ok" REST, CM_AUDIT_WHOLE},
    /* newer ones */
    {"certmap: refused reason=no-mapping" REST " new=1 newer=\"a b\"",
     CM_AUDIT_WHOLE},
    {"certmap: refused code=70 reason=not-known-yet" REST, CM_AUDIT_WHOLE},
    {"certmap: refused reason=no-mapping" REST " ref=7K3M9QX2TD",
     CM_AUDIT_WHOLE},
    {"certmap: refused reason=no-mapping" REST " ref=-", CM_AUDIT_WHOLE},
    /* other messages of ours, and of others */
    {"certmap: realm=\"R\" mode=enforce directory=kdb", CM_AUDIT_OTHER},
    {"certmap: refuses to go on", CM_AUDIT_OTHER},
    {"certmap: refused2 reason=no-mapping" REST, CM_AUDIT_OTHER},
    {"certmap: ", CM_AUDIT_OTHER},
    {"", CM_AUDIT_OTHER},
    {"AS_REQ certmap: authorized reason=ok" REST, CM_AUDIT_OTHER},
    {" certmap: authorized reason=ok" REST, CM_AUDIT_OTHER},
    /* damaged */
    {"certmap: authorized", CM_AUDIT_DAMAGED},
    {"certmap: authorized ", CM_AUDIT_DAMAGED},
    {"certmap: authorized reason=no-mapping" REST, CM_AUDIT_DAMAGED},
    {"certmap: refused reason=ok" REST, CM_AUDIT_DAMAGED},
    {"certmap: refused reason=-" REST " x", CM_AUDIT_DAMAGED},
    {"certmap: refused reason=no-mapping" REST " reason=ok", CM_AUDIT_DAMAGED},
    {"certmap: refused reason=no-mapping" REST " detail=\"again\"",
     CM_AUDIT_DAMAGED},
    {"certmap: refused reason=no-mapping" REST " ref=- ref=-",
     CM_AUDIT_DAMAGED},
    {"certmap: refused reason=no-mapping" REST " ref=\"7K3M9QX2TD\"",
     CM_AUDIT_DAMAGED},
    {"certmap: refused reason=\"no-mapping\"" REST, CM_AUDIT_DAMAGED},
    {"certmap: refused  reason=no-mapping" REST, CM_AUDIT_DAMAGED},
    {"certmap: refused reason=no-mapping" REST " ", CM_AUDIT_DAMAGED},
    {"certmap: refused reason=no-mapping" REST " new=", CM_AUDIT_DAMAGED},
    {"certmap: refused reason=no-mapping" REST " new=\"a\"b=\"c\"",
     CM_AUDIT_DAMAGED},
    {"certmap: refused reason=no-mapping" REST " new=\"a\\n\"",
     CM_AUDIT_DAMAGED},
    {"certmap: refused reason=no-mapping" REST " new=\"a\\x2\"",
     CM_AUDIT_DAMAGED},
    {"certmap: refused reason=no-mapping" REST " new=\"a\tb\"",
     CM_AUDIT_DAMAGED},
    {"certmap: refused reason=no-mapping realm=R" NO_CERT " detail=-",
     CM_AUDIT_DAMAGED},
    {"certmap: refused reason=no-mapping" NO_CERT " detail=-",
     CM_AUDIT_DAMAGED},
};

static void
test_lines(void **state)
{
    struct cm_audit_fields fields;
    const struct line_row *row;

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        row = &lines[i];
        if (cm_audit_parse(row->line, strlen(row->line), &fields) != row->kind)
            fail_msg("%s", row->line);
    }
}

static void
test_lists(void **state)
{
    struct cm_span list = {"a,bc,,d", 7}, none = {NULL, 0}, item;

    (void)state;
    assert_true(cm_span_lists(list, "a") && cm_span_lists(list, "bc") &&
                cm_span_lists(list, "d"));
    assert_false(cm_span_lists(list, "b") || cm_span_lists(list, "a,bc"));
    assert_false(cm_span_lists(none, "a") || cm_span_next(&none, &item));
}

/* ---- What stands before the message ---- */

#define M "certmap: authorized"

static const struct prefix_row {
    const char *line;
    const char *latest;
    const char *when; /* NULL: no message of krb5kdc; "": no time */
} prefixes[] = {
    {"certmap: authorized", "2024-06-01T00:00:00Z", ""},
    {"Feb 01 12:00:00 kdc1 krb5kdc[17](info): " M, "2024-06-01T00:00:00Z",
     "2024-02-01T12:00:00Z"},
    {"Feb  1 12:00:00 kdc1 krb5kdc[17]: " M, "2024-06-01T00:00:00Z",
     "2024-02-01T12:00:00Z"},
    {"Feb  1 12:00:00 kdc1 krb5kdc: " M, "2024-06-01T00:00:00Z",
     "2024-02-01T12:00:00Z"},
    /* last year's; the file's own day, and a day more */
    {"Dec 31 23:59:59 kdc1 krb5kdc[17]: " M, "2024-06-01T00:00:00Z",
     "2023-12-31T23:59:59Z"},
    {"Jun  1 08:00:00 kdc1 krb5kdc[17]: " M, "2024-06-01T09:00:00Z",
     "2024-06-01T08:00:00Z"},
    {"Jun  1 23:00:00 kdc1 krb5kdc[17]: " M, "2024-06-01T09:00:00Z",
     "2024-06-01T23:00:00Z"},
    {"Jun  3 08:00:00 kdc1 krb5kdc[17]: " M, "2024-06-01T09:00:00Z",
     "2023-06-03T08:00:00Z"},
    {"Jan  1 00:10:00 kdc1 krb5kdc[17]: " M, "2023-12-31T23:59:00Z",
     "2024-01-01T00:10:00Z"},
    {"Feb 29 08:00:00 kdc1 krb5kdc[17]: " M, "2026-06-01T09:00:00Z",
     "2024-02-29T08:00:00Z"},
    {"2024-02-01T12:00:00.123456+01:00 kdc1 krb5kdc[17]: " M,
     "2024-06-01T00:00:00Z", "2024-02-01T11:00:00Z"},
    {"2024-02-01T12:00:00+0100 kdc1 krb5kdc[17]: " M, "2024-06-01T00:00:00Z",
     "2024-02-01T11:00:00Z"},
    {"1706788800.123456 kdc1 krb5kdc[17]: " M, "2024-06-01T00:00:00Z",
     "2024-02-01T12:00:00Z"},
    /* others' */
    {"Feb 01 12:00:00 kdc1 sshd[17]: " M, "2024-06-01T00:00:00Z", NULL},
    {"Feb 01 12:00:00 kdc1 krb5kdcx[17]: " M, "2024-06-01T00:00:00Z", NULL},
    {"Feb 01 12:00:00 kdc1 krb5kdc[17] " M, "2024-06-01T00:00:00Z", NULL},
    {"Feb 01 12:00:00 krb5kdc[17](info): " M, "2024-06-01T00:00:00Z", NULL},
    {"Feb 01 25:00:00 kdc1 krb5kdc[17](info): " M, "2024-06-01T00:00:00Z",
     NULL},
    {"Feb 32 12:00:00 kdc1 krb5kdc[17](info): " M, "2024-06-01T00:00:00Z",
     NULL},
    {"Fob 01 12:00:00 kdc1 krb5kdc[17](info): " M, "2024-06-01T00:00:00Z",
     NULL},
    {"x certmap: authorized", "2024-06-01T00:00:00Z", NULL},
    {"99999999999999999.1 kdc1 krb5kdc[1]: " M, "2024-06-01T00:00:00Z", NULL},
    {"", "2024-06-01T00:00:00Z", NULL},
    {" ", "2024-06-01T00:00:00Z", NULL},
};

static void
test_prefixes(void **state)
{
    const struct prefix_row *row;
    struct cm_log_clock clock;
    struct cm_span message;
    int64_t when, wanted;
    bool ok;

    (void)state;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        row = &prefixes[i];
        clock = (struct cm_log_clock){0};
        assert_true(cm_time_parse(row->latest, &clock.latest));
        ok =
            cm_log_line(&clock, row->line, strlen(row->line), &message, &when);
        if (ok != (row->when != NULL))
            fail_msg("%s", row->line);
        if (!ok)
            continue;
        assert_true(cm_span_is(message, M));
        wanted = CM_LOG_NO_TIME;
        assert_true(row->when[0] == '\0' || cm_time_parse(row->when, &wanted));
        if (when != wanted)
            fail_msg("%s: %lld", row->line, (long long)when);
    }
}

/* A clock goes on from hour to hour. */
static void
test_clock_goes_on(void **state)
{
    struct cm_log_clock clock = {0};
    struct cm_span message;
    char line[80];
    int64_t when, first;

    (void)state;
    assert_true(cm_time_parse("2024-06-01T00:00:00Z", &clock.latest));
    assert_true(cm_time_parse("2024-03-01T00:59:59Z", &first));
    for (int hour = 0; hour < 24; hour++) {
        snprintf(line, sizeof(line), "Mar 01 %02d:59:59 h krb5kdc[1]: x",
                 hour);
        assert_true(cm_log_line(&clock, line, strlen(line), &message, &when));
        assert_int_equal(when, first + 3600 * hour);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_lines),
        cmocka_unit_test(test_stock_line),
        cmocka_unit_test(test_cut_lines),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_clock_goes_on),
    };

    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
