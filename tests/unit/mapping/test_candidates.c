/*
 * Which altSecurityIdentities values a certificate yields.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "altsecid.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SID "S-1-5-21-11-22-33-1101"

static char issuer_text[] = "CN=CA", subject_text[] = "CN=a";
static char sid_text[] = SID, empty_text[] = "";
static char mail_a[] = "a@b.c", mail_b[] = "A@b.c";

/* A certificate with every field, as decoding would fill it. */
static struct cm_certificate
full_certificate(void)
{
    static char *mails[] = {mail_a, empty_text, mail_b};
    struct cm_certificate cert = {0};

    cert.issuer = issuer_text;
    cert.subject = subject_text;
    cert.serial[0] = 0x0a;
    cert.serial[1] = 0x1b;
    cert.serial_len = 2;
    cert.ski[0] = 0xab;
    cert.ski_len = 1;
    cert.ski_is_key_hash = true;
    cert.sid_state = CM_PRESENT;
    cert.sid = sid_text;
    cert.rfc822.items = mails;
    cert.rfc822.count = COUNT(mails);
    return cert;
}

static void
assert_candidates(const struct cm_certificate *cert, bool trust,
                  const char *const *expected, size_t count)
{
    struct cm_candidates out;
    struct cm_altsecid parsed;

    assert_true(cm_candidates_build(cert, trust, &out));
    assert_int_equal(out.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(out.list[i].value, expected[i]);
        assert_int_equal(out.list[i].len, strlen(expected[i]));
        cm_altsecid_parse(expected[i], strlen(expected[i]), &parsed);
        assert_int_equal(out.list[i].form, parsed.form);
    }
    cm_candidates_clear(&out);
    assert_null(out.list);
    assert_int_equal(out.count, 0);
}

#define ZERO40 "0000000000000000000000000000000000000000"

static void
test_everything(void **state)
{
    static const char *const expected[] = {
        "X509:<I>CN=CA<S>CN=a",     "X509:<S>CN=a",
        "X509:<I>CN=CA<SR>1b0a",    "X509:<SKI>ab",
        "X509:<SHA1-PUKEY>" ZERO40, "X509:<I>CN=CA<SID>" SID,
        "X509:<RFC822>a@b.c",       "X509:<RFC822>A@b.c"};
    struct cm_certificate cert = full_certificate();

    (void)state;
    assert_candidates(&cert, false, expected, COUNT(expected));
}

static void
test_nothing_but_the_thumbprint(void **state)
{
    static const char *const expected[] = {"X509:<SHA1-PUKEY>" ZERO40};
    struct cm_certificate cert = {0};

    (void)state;
    assert_candidates(&cert, false, expected, COUNT(expected));
    assert_candidates(&cert, true, expected, COUNT(expected));
}

/* "X509:<I>CN=CA<S>" would be every certificate without a subject. */
static void
test_empty_names_yield_nothing(void **state)
{
    static const char *const no_subject[] = {"X509:<I>CN=CA<SR>1b0a",
                                             "X509:<SHA1-PUKEY>" ZERO40};
    static const char *const no_issuer[] = {"X509:<S>CN=a",
                                            "X509:<SHA1-PUKEY>" ZERO40};
    struct cm_certificate cert = full_certificate();

    (void)state;
    cert.ski_len = cert.rfc822.count = 0;
    cert.sid_state = CM_ABSENT;
    cert.subject = empty_text;
    assert_candidates(&cert, false, no_subject, COUNT(no_subject));
    cert.subject = NULL;
    assert_candidates(&cert, false, no_subject, COUNT(no_subject));
    cert.subject = subject_text;
    cert.issuer = empty_text;
    assert_candidates(&cert, false, no_issuer, COUNT(no_issuer));
    cert.issuer = NULL;
    assert_candidates(&cert, false, no_issuer, COUNT(no_issuer));
}

static void
test_serial_zero_or_below(void **state)
{
    static const char *const expected[] = {"X509:<SHA1-PUKEY>" ZERO40};
    struct cm_certificate cert = {0};

    (void)state;
    cert.issuer = issuer_text;
    assert_candidates(&cert, false, expected, COUNT(expected));
    cert.serial[0] = 1;
    cert.serial_len = 1;
    cert.serial_negative = true;
    assert_candidates(&cert, false, expected, COUNT(expected));
}

static void
test_ski_of_another_key(void **state)
{
    static const char *const distrusted[] = {"X509:<SHA1-PUKEY>" ZERO40};
    static const char *const trusted[] = {"X509:<SKI>ab",
                                          "X509:<SHA1-PUKEY>" ZERO40};
    struct cm_certificate cert = {0};

    (void)state;
    cert.ski[0] = 0xab;
    cert.ski_len = 1;
    assert_candidates(&cert, false, distrusted, COUNT(distrusted));
    assert_candidates(&cert, true, trusted, COUNT(trusted));
}

static void
test_faulty_sid_yields_nothing(void **state)
{
    static const char *const expected[] = {"X509:<SHA1-PUKEY>" ZERO40};
    struct cm_certificate cert = {0};

    (void)state;
    cert.issuer = issuer_text;
    cert.sid = sid_text;
    cert.sid_state = CM_FAULTY;
    assert_candidates(&cert, false, expected, COUNT(expected));
    /* The SAN URI is no SID extension. */
    cert.sid_state = CM_ABSENT;
    cert.sid_uri_state = CM_PRESENT;
    cert.sid_uri = sid_text;
    assert_candidates(&cert, false, expected, COUNT(expected));
}

static void
test_mail_too_long_for_a_value(void **state)
{
    static const char *const expected[] = {"X509:<SHA1-PUKEY>" ZERO40};
    char *mail = malloc(CM_ALTSECID_MAX + 1);
    struct cm_certificate cert = {0};

    (void)state;
    assert_non_null(mail);
    memset(mail, 'a', CM_ALTSECID_MAX);
    mail[CM_ALTSECID_MAX] = '\0';
    cert.rfc822.items = &mail;
    cert.rfc822.count = 1;
    assert_candidates(&cert, false, expected, COUNT(expected));
    free(mail);
}

static void
test_longest_fields(void **state)
{
    struct cm_certificate cert = {0};
    struct cm_candidates out;

    (void)state;
    cert.issuer = issuer_text;
    memset(cert.serial, 0xff, sizeof(cert.serial));
    cert.serial_len = sizeof(cert.serial);
    memset(cert.ski, 0xee, sizeof(cert.ski));
    cert.ski_len = sizeof(cert.ski);
    assert_true(cm_candidates_build(&cert, true, &out));
    assert_int_equal(out.count, 3);
    assert_int_equal(strlen(out.list[0].value),
                     strlen("X509:<I>CN=CA<SR>") + 2 * CM_CERT_MAX_SERIAL);
    assert_int_equal(strlen(out.list[1].value),
                     strlen("X509:<SKI>") + 2 * CM_CERT_MAX_SKI);
    cm_candidates_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_nothing_but_the_thumbprint),
        cmocka_unit_test(test_empty_names_yield_nothing),
        cmocka_unit_test(test_serial_zero_or_below),
        cmocka_unit_test(test_ski_of_another_key),
        cmocka_unit_test(test_faulty_sid_yields_nothing),
        cmocka_unit_test(test_mail_too_long_for_a_value),
        cmocka_unit_test(test_longest_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
