/*
 * The audit line: its fields, their order, and that no content forges one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit.h"

/* A login whose every value from outside is `text`. */
struct fixture {
    struct cm_settings settings;
    struct cm_principal principal;
    struct cm_login login;
    struct cm_outcome outcome;
    const char *requested;
};

static X509 *nothing; /* stands for a decoded certificate */

static void
fixture_fill(struct fixture *f, char *text)
{
    struct cm_certificate *cert = &f->outcome.certificate;

    memset(f, 0, sizeof(*f));
    assert_true(cm_settings_init(&f->settings, "EXAMPLE.COM"));
    f->principal.realm = text;
    f->principal.text = text;
    f->login.principal = &f->principal;
    f->requested = text;
    f->outcome.reason = CM_OK;
    f->outcome.account = text;
    f->outcome.mapping = CM_FORM_ISSUER_SERIAL;
    f->outcome.strength = CM_STRENGTH_STRONG;
    f->outcome.revocation.checked = true;
    f->outcome.ms = 12;
    cert->x509 = nothing;
    cert->issuer_rfc4514 = text;
    cert->subject_rfc4514 = text;
    cert->upn = text;
    cert->upn_state = CM_PRESENT;
    cert->serial[0] = 0x4d;
    cert->serial_len = 1;
    cert->not_after = 2208988800; /* 2040-01-01 */
    cert->ski_is_key_hash = true;
    assert_true(cm_text_list_add(&f->outcome.indicators, text));
    snprintf(f->outcome.detail.text, sizeof(f->outcome.detail.text), "%s",
             text);
}

static void
fixture_clear(struct fixture *f)
{
    cm_text_list_clear(&f->outcome.indicators);
    cm_settings_clear(&f->settings);
}

static char *
line_of(const struct fixture *f)
{
    char *line =
        cm_audit_line(&f->settings, &f->login, f->requested, &f->outcome);

    assert_non_null(line);
    assert_true(strlen(line) <= CM_AUDIT_MAX_LINE);
    return line;
}

static void
test_fields_and_order(void **state)
{
    char text[] = "x y";
    struct fixture f;
    char *line;

    (void)state;
    fixture_fill(&f, text);
    line = line_of(&f);
    assert_string_equal(
        line,
        "certmap: authorized reason=ok realm=\"x y\" mode=enforce "
        "principal=\"x y\" requested=\"x y\" account=\"x y\" "
        "mapping=issuer-serial strength=strong revocation=checked status=- "
        "choices=- warnings=- hw_authent=false ms=12 ref=- sha256="
        "0000000000000000000000000000000000000000000000000000000000000000 "
        "serial=4d not_after=2040-01-01T00:00:00Z issuer=\"x y\" "
        "subject=\"x y\" upn=\"x y\" indicators=\"x y\" detail=\"x y\"");
    free(line);
    fixture_clear(&f);
}

static void
test_nothing_known(void **state)
{
    struct cm_outcome outcome = {.reason = CM_CERT_MALFORMED};
    struct cm_login login = {0};
    char *line = cm_audit_line(NULL, &login, NULL, &outcome);

    (void)state;
    assert_string_equal(
        line,
        "certmap: refused reason=cert-malformed realm=- mode=- "
        "principal=- requested=- account=- mapping=none strength=none "
        "revocation=unchecked status=- choices=- warnings=- "
        "hw_authent=false "
        "ms=0 ref=- sha256=- serial=- not_after=- issuer=- subject=- upn=- "
        "indicators=- detail=-");
    free(line);
}

/* How often `words` stand in text. */
static size_t
occurrences(const char *text, const char *words)
{
    size_t count = 0;

    for (const char *p = text; (p = strstr(p, words)) != NULL; p++)
        count++;
    return count;
}

/* Stock PKINIT refused; what it says is text from outside, too. */
static void
test_stock_line(void **state)
{
    struct cm_outcome outcome = {.reason = CM_INTERNAL};
    struct cm_login login = {NULL};
    char *line;

    (void)state;
    cm_detail_set(&outcome.detail, "cannot\nverify \"it\"");
    strcpy(outcome.reference, "7K3M9QX2TD");
    line = cm_audit_stock_line(NULL, &login, NULL, &outcome, 70);
    assert_non_null(line);
    assert_ptr_equal(
        strstr(line, "certmap: refused reason=pkinit code=70 realm=- "), line);
    assert_non_null(strstr(line, " ms=0 ref=7K3M9QX2TD sha256=- "));
    assert_non_null(strstr(line, " detail=\"cannot\\x0averify \\x22it"));
    free(line);
    line = cm_audit_stock_line(NULL, &login, NULL, &outcome, -1234567890L);
    assert_non_null(strstr(line, " code=-1234567890 "));
    free(line);
}

static void
test_content_forges_nothing(void **state)
{
    static const char *const attacks[] = {
        "x\" reason=ok principal=\"root",
        "x\ncertmap: authorized reason=ok",
        "x\r\n\x1b[2J\x7f",
        "x\\\" reason=ok",
        "\xe2\x80\xae\" reason=ok",
        "\xff\xfe\" reason=ok",
    };
    struct fixture f;
    char text[64], *line;

    (void)state;
    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        snprintf(text, sizeof(text), "%s", attacks[i]);
        fixture_fill(&f, text);
        f.outcome.reason = CM_NO_MAPPING;
        line = line_of(&f);
        /* Nine values from outside: two quotation marks each. */
        assert_int_equal(occurrences(line, "\""), 18);
        assert_int_equal(occurrences(line, "\" reason="), 0);
        assert_int_equal(strcspn(line, "\n\r\x1b\x7f"), strlen(line));
        assert_null(strstr(line, "\xe2\x80\xae"));
        assert_null(strstr(line, "\xff"));
        assert_true(strncmp(line, "certmap: refused reason=no-mapping ",
                            strlen("certmap: refused reason=no-mapping ")) ==
                    0);
        free(line);
        fixture_clear(&f);
    }
}

/* Long values are shortened; every field is still there. */
static void
test_long_values(void **state)
{
    static const char *const fields[] = {
        " realm=",      " mode=",    " principal=", " requested=",
        " account=",    " mapping=", " strength=",  " revocation=",
        " status=",     " choices=", " warnings=",  " hw_authent=",
        " ms=",         " ref=",     " sha256=",    " serial=",
        " not_after=",  " issuer=",  " subject=",   " upn=",
        " indicators=", " detail="};
    char text[4001], *line;
    const char *at;
    struct fixture f;

    (void)state;
    for (int step = 0; step < 2; step++) {
        memset(text, step == 0 ? 'x' : '\n', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        fixture_fill(&f, text);
        f.settings.mode = CM_MODE_OBSERVE;
        f.settings.policy.enforcement = CM_ENFORCE_COMPATIBILITY;
        f.settings.policy.use_subject_alt_name = false;
        f.outcome.strength = CM_STRENGTH_WEAK;
        f.outcome.mapping = CM_FORM_SKI;
        f.outcome.certificate.ski_is_key_hash = false;
        f.outcome.certificate.serial_len = CM_CERT_MAX_SERIAL;
        f.outcome.certificate.serial_negative = true;
        f.outcome.revocation.count = CM_PATH_MAX_LENGTH;
        for (size_t i = 0; i < CM_PATH_MAX_LENGTH; i++) {
            f.outcome.revocation.asked[i].status =
                (struct cm_status){.state = CM_STATUS_REVOKED,
                                   .source = CM_SOURCE_OCSP,
                                   .this_update = 253402300799};
        }
        f.outcome.revocation.mode = CM_REVOCATION_SOFT;
        f.outcome.revocation.checked = false;
        f.outcome.warnings = ~0U;
        f.outcome.ms = INT64_MIN;
        strcpy(f.outcome.reference, "0123456789");
        line = line_of(&f);
        at = line;
        for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
            at = strstr(at, fields[i]);
            assert_non_null(at);
        }
        assert_int_equal(occurrences(line, "...\""), 9);
        assert_int_equal(line[strlen(line) - 1], '"');
        free(line);
        fixture_clear(&f);
    }
}

/* ---- what an administrator chose stands in the line ---- */

static struct choice {
    const char *what;
    enum cm_mode mode;
    enum cm_revocation_mode revocation;
    bool checked;
    bool overridden;
    enum cm_enforcement enforcement;
    enum cm_strength strength;
    enum cm_form mapping;
    bool key_hash;
    bool no_san;
    enum cm_reason reason;
    const char *words;
} choices[] = {
    {.what = "choices: none",
     .checked = true,
     .strength = CM_STRENGTH_STRONG,
     .words = " revocation=checked status=good:crl:720:store,"
              "good:ocsp:90000:fetched "
              "choices=- "},
    {.what = "choices: observe",
     .mode = CM_MODE_OBSERVE,
     .checked = true,
     .strength = CM_STRENGTH_STRONG,
     .words = " choices=mode=observe "},
    {.what = "choices: observe, refused",
     .mode = CM_MODE_OBSERVE,
     .reason = CM_NO_MAPPING,
     .words = " choices=mode=observe "},
    {.what = "choices: revocation off",
     .revocation = CM_REVOCATION_OFF,
     .strength = CM_STRENGTH_STRONG,
     .words = " revocation=off status=- choices=revocation=off "},
    {.what = "choices: soft, unknown",
     .revocation = CM_REVOCATION_SOFT,
     .strength = CM_STRENGTH_STRONG,
     .words = " revocation=unchecked status=good:crl:720:store,"
              "stale:ocsp:90000:stapled "
              "choices=revocation=soft "},
    {.what = "choices: soft, good",
     .revocation = CM_REVOCATION_SOFT,
     .checked = true,
     .strength = CM_STRENGTH_STRONG,
     .words = " revocation=checked status=good:crl:720:store,"
              "good:ocsp:90000:fetched "
              "choices=- "},
    {.what = "choices: require, stale",
     .strength = CM_STRENGTH_STRONG,
     .words = " revocation=unchecked status=good:crl:720:store,"
              "stale:ocsp:90000:stapled "
              "choices=stale_grace "},
    {.what = "choices: override",
     .overridden = true,
     .strength = CM_STRENGTH_STRONG,
     .words = " choices=override "},
    {.what = "choices: override under soft",
     .revocation = CM_REVOCATION_SOFT,
     .overridden = true,
     .strength = CM_STRENGTH_STRONG,
     .words = " choices=override "},
    {.what = "choices: unchecked and refused",
     .overridden = true,
     .reason = CM_NO_MAPPING,
     .words = " revocation=unchecked status=good:crl:720:store,"
              "stale:ocsp:90000:stapled "
              "choices=- "},
    {.what = "choices: compatibility",
     .checked = true,
     .enforcement = CM_ENFORCE_COMPATIBILITY,
     .strength = CM_STRENGTH_WEAK,
     .words = " choices=enforcement=compatibility "},
    {.what = "choices: disabled",
     .checked = true,
     .enforcement = CM_ENFORCE_DISABLED,
     .strength = CM_STRENGTH_WEAK,
     .words = " choices=enforcement=disabled "},
    {.what = "choices: disabled beside a strong mapping",
     .checked = true,
     .enforcement = CM_ENFORCE_DISABLED,
     .strength = CM_STRENGTH_STRONG,
     .words = " choices=- "},
    {.what = "choices: a foreign SKI",
     .checked = true,
     .strength = CM_STRENGTH_STRONG,
     .mapping = CM_FORM_SKI,
     .words = " choices=ski_trust_extension=true "},
    {.what = "choices: an SKI of its own",
     .checked = true,
     .strength = CM_STRENGTH_STRONG,
     .mapping = CM_FORM_SKI,
     .key_hash = true,
     .words = " choices=- "},
    {.what = "choices: no SAN",
     .checked = true,
     .strength = CM_STRENGTH_STRONG,
     .no_san = true,
     .words = " choices=use_subject_alt_name=false "},
    {.what = "choices: refused",
     .revocation = CM_REVOCATION_OFF,
     .reason = CM_NO_MAPPING,
     .words = " revocation=off status=- choices=- "},
};

/* What was asked: a CRL of twelve minutes ago about the leaf, a response of
 * twenty-five hours ago about its CA. */
static void
ask(struct cm_outcome *outcome, bool current)
{
    struct cm_asked *asked = outcome->revocation.asked;

    outcome->now = 1717200000;
    outcome->revocation.count = 2;
    asked[0].status.state = CM_STATUS_GOOD;
    asked[0].status.source = CM_SOURCE_CRL;
    asked[0].status.this_update = outcome->now - 720;
    asked[1].status.state = current ? CM_STATUS_GOOD : CM_STATUS_STALE;
    asked[1].status.source = CM_SOURCE_OCSP;
    asked[1].status.origin = current ? CM_ORIGIN_FETCHED : CM_ORIGIN_STAPLED;
    asked[1].status.this_update = outcome->now - 90000;
}

/* What has no time of its own has no age. */
static void
test_status_without_an_age(void **state)
{
    struct fixture f;
    char text[] = "x", *line;

    (void)state;
    fixture_fill(&f, text);
    ask(&f.outcome, false);
    f.outcome.reason = CM_REVOKED;
    f.outcome.revocation.checked = false;
    f.outcome.revocation.asked[0].status.state = CM_STATUS_REVOKED;
    f.outcome.revocation.asked[0].status.source = CM_SOURCE_DENY;
    f.outcome.revocation.asked[1].status.state = CM_STATUS_UNKNOWN;
    f.outcome.revocation.asked[1].status.source = CM_SOURCE_NONE;
    line = line_of(&f);
    assert_non_null(
        strstr(line, " status=revoked:deny:-:-,unknown:none:-:- choices=- "));
    free(line);
    fixture_clear(&f);
}

static void
test_choice(void **state)
{
    const struct choice *row = *state;
    char text[] = "x", *line;
    struct fixture f;

    fixture_fill(&f, text);
    f.settings.mode = row->mode;
    f.settings.policy.enforcement = row->enforcement;
    f.settings.policy.use_subject_alt_name = !row->no_san;
    f.outcome.revocation.mode = row->revocation;
    f.outcome.revocation.checked = row->checked;
    f.outcome.revocation.override_used = row->overridden;
    if (row->revocation != CM_REVOCATION_OFF)
        ask(&f.outcome, row->checked);
    f.outcome.strength = row->strength;
    f.outcome.mapping = row->mapping;
    f.outcome.certificate.ski_is_key_hash = row->key_hash;
    f.outcome.reason = row->reason;
    line = line_of(&f);
    if (strstr(line, row->words) == NULL)
        fail_msg("%s", line);
    free(line);
    fixture_clear(&f);
}

static void
test_every_reason(void **state)
{
    char text[] = "x", begin[128], *line;
    struct fixture f;

    (void)state;
    for (int reason = CM_OK; reason <= CM_INTERNAL; reason++) {
        fixture_fill(&f, text);
        f.outcome.reason = (enum cm_reason)reason;
        snprintf(begin, sizeof(begin), "certmap: %s reason=%s realm=",
                 reason == CM_OK ? "authorized" : "refused",
                 cm_reason_token((enum cm_reason)reason));
        line = line_of(&f);
        assert_int_equal(strncmp(line, begin, strlen(begin)), 0);
        free(line);
        fixture_clear(&f);
    }
}

static int
set_up(void **state)
{
    (void)state;
    nothing = X509_new();
    return nothing == NULL;
}

static int
tear_down(void **state)
{
    (void)state;
    X509_free(nothing);
    return 0;
}

int
main(void)
{
    enum { CHOICES = sizeof(choices) / sizeof(choices[0]) };
    struct CMUnitTest tests[CHOICES];
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_fields_and_order),
        cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_stock_line),
        cmocka_unit_test(test_content_forges_nothing),
        cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_every_reason),
        cmocka_unit_test(test_status_without_an_age),
    };
    int failed;

    for (size_t i = 0; i < CHOICES; i++)
        tests[i] = (struct CMUnitTest){choices[i].what, test_choice, NULL,
                                       NULL, &choices[i]};
    failed = cmocka_run_group_tests_name("choices", tests, set_up, tear_down);
    failed += cmocka_run_group_tests_name("lines", others, set_up, tear_down);
    return failed;
}
