/*
 * Runs the tables of cases_grammar.h, each row as a test of its own, and the
 * rows G that are no table's.  Where one is about a digest (G03, G04) it is
 * computed here, from the DER.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "buf.h"
#include "cases_grammar.h"
#include "certificate.h"
#include "testcert.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { MAX_ROWS = 200 };

static const struct fields fixture; /* certificate A */

static const char *
or_default(const char *text, const char *fallback)
{
    return text != NULL ? text : fallback;
}

/* Decodes a certificate with these fields; the caller clears it. */
static struct cm_certificate
certificate(const struct fields *fields)
{
    EVP_PKEY *ca_key = tc_key(TC_EC_P256, 1);
    X509 *ca = tc_make_ca(or_default(fields->issuer, CA1), ca_key, NULL, NULL);
    struct tc_spec spec = {
        .issuer = ca,
        .issuer_key = ca_key,
        .subject = or_default(fields->subject, ALICE),
        .serial_hex = or_default(fields->serial, SERIAL),
        .ski = or_default(fields->ski, ALICE_SKI),
        .san = fields->san,
    };
    X509 *leaf = tc_make(&spec);
    struct cm_certificate cert;
    struct cm_detail detail;
    size_t len;
    uint8_t *der = tc_der(leaf, &len);

    if (cm_certificate_decode(der, len, &cert, &detail) != CM_OK)
        fail_msg("%s", detail.text);
    free(der);
    X509_free(leaf);
    X509_free(ca);
    return cert;
}

static struct cm_candidates
candidates(const struct cm_certificate *cert)
{
    struct cm_candidates list;

    assert_true(cm_candidates_build(cert, true, &list));
    return list;
}

static bool
matches(const struct cm_candidates *list, const char *value, size_t len)
{
    bool found = false;

    for (size_t i = 0; i < list->count; i++)
        found = cm_candidate_matches(&list->list[i], value, len) || found;
    return found;
}

/* The value of the form, of which there is at most one here; or NULL. */
static const char *
value_of(const struct cm_candidates *list, enum cm_form form)
{
    const char *value = NULL;

    for (size_t i = 0; i < list->count; i++) {
        if (list->list[i].form == form) {
            assert_null(value);
            value = list->list[i].value;
        }
    }
    return value;
}

static void
test_yield(void **state)
{
    const struct yield_row *row = *state;
    struct cm_certificate cert = certificate(&row->cert);
    struct cm_candidates list = candidates(&cert);
    const char *value = value_of(&list, row->form);

    if (row->value == NULL) {
        assert_null(value);
    } else {
        assert_non_null(value);
        assert_string_equal(value, row->value);
        assert_true(matches(&list, row->value, strlen(row->value)));
    }
    cm_candidates_clear(&list);
    cm_certificate_clear(&cert);
}

static void
test_match(void **state)
{
    const struct match_row *row = *state;
    struct cm_certificate cert = certificate(&row->cert);
    struct cm_candidates list = candidates(&cert);

    assert_int_equal(matches(&list, row->value, strlen(row->value)),
                     row->matches);
    cm_candidates_clear(&list);
    cm_certificate_clear(&cert);
}

/* Whatever is malformed or foreign matches nothing of certificate A. */
static void
test_value(void **state)
{
    const struct value_row *row = *state;
    struct cm_certificate cert = certificate(&fixture);
    struct cm_candidates list = candidates(&cert);
    struct cm_altsecid out;

    cm_altsecid_parse(row->value, strlen(row->value), &out);
    assert_int_equal(out.is_x509, row->kind != FOREIGN);
    assert_int_equal(out.fault != NULL, row->kind == MALFORMED);
    assert_int_equal(out.form, row->form);
    assert_false(matches(&list, row->value, strlen(row->value)));
    cm_candidates_clear(&list);
    cm_certificate_clear(&cert);
}

/* "X509:<SHA1-PUKEY>" and the SHA-1 of the bytes; the caller frees it. */
static char *
sha1_value(const uint8_t *bytes, size_t len)
{
    struct cm_buf buf = CM_BUF_INIT;
    uint8_t digest[20];
    char *value;

    assert_true(EVP_Digest(bytes, len, digest, NULL, EVP_sha1(), NULL));
    cm_buf_add_text(&buf, "X509:<SHA1-PUKEY>");
    cm_buf_add_hex(&buf, digest, sizeof(digest));
    value = cm_buf_take(&buf);
    assert_non_null(value);
    return value;
}

static void
test_g03_g04_sha1_is_of_the_certificate(void **state)
{
    struct cm_certificate cert = certificate(&(struct fields){CONTOSO});
    struct cm_candidates list = candidates(&cert);
    unsigned char *spki = NULL;
    int spki_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert.x509), &spki);
    size_t der_len;
    uint8_t *der = tc_der(cert.x509, &der_len);
    char *of_cert = sha1_value(der, der_len);
    char *of_key = sha1_value(spki, (size_t)spki_len);

    (void)state;
    assert_string_equal(value_of(&list, CM_FORM_SHA1_PUKEY), of_cert);
    assert_true(matches(&list, of_cert, strlen(of_cert)));
    assert_false(matches(&list, of_key, strlen(of_key)));
    /* G17: either case */
    for (char *p = of_cert + strlen("X509:<SHA1-PUKEY>"); *p != '\0'; p++)
        *p = (char)(*p >= 'a' ? *p - 'a' + 'A' : *p);
    assert_true(matches(&list, of_cert, strlen(of_cert)));
    free(of_cert);
    free(of_key);
    free(der);
    OPENSSL_free(spki);
    cm_candidates_clear(&list);
    cm_certificate_clear(&cert);
}

enum { HUGE_VALUE = 64 * 1024, ROUNDS = 500 };

/*
 * 10,000 "<" in 64 KiB, and as many as a value may hold at most: parsed and
 * compared often within a time that only a quadratic cost would exceed.
 */
static void
test_g47_cost_is_linear(void **state)
{
    static const char *const starts[] = {"X509:", "X509:<S>", "X509:<I>\"",
                                         "X509:<I>CN=a<S>\"", "X509:<S"};
    static const char *const fills[] = {"<",   "<I>a",  "<I",
                                        "<\"", "<\"\"", " "};
    struct cm_certificate cert = certificate(&fixture);
    struct cm_candidates list = candidates(&cert);
    char *value = malloc(HUGE_VALUE);
    struct cm_altsecid out;
    clock_t begin = clock();

    (void)state;
    assert_non_null(value);
    for (size_t i = 0; i < COUNT(starts) * COUNT(fills); i++) {
        const char *start = starts[i / COUNT(fills)];
        const char *fill = fills[i % COUNT(fills)];

        for (size_t at = 0; at < HUGE_VALUE; at++)
            value[at] = fill[at % strlen(fill)];
        memcpy(value, start, strlen(start));
        for (int round = 0; round < ROUNDS; round++) {
            cm_altsecid_parse(value, HUGE_VALUE, &out);
            assert_int_equal(out.form, CM_FORM_NONE);
            cm_altsecid_parse(value, CM_ALTSECID_MAX, &out);
            assert_false(matches(&list, value, HUGE_VALUE));
            assert_false(matches(&list, value, CM_ALTSECID_MAX));
        }
    }
    assert_true((clock() - begin) / CLOCKS_PER_SEC < 20);
    free(value);
    cm_candidates_clear(&list);
    cm_certificate_clear(&cert);
}

static void
test_g48_nul_is_refused_everywhere(void **state)
{
    static const char good[] = "X509:<SKI>" ALICE_SKI;
    struct cm_certificate cert = certificate(&fixture);
    struct cm_candidates list = candidates(&cert);
    size_t len = sizeof(good) - 1;
    char value[sizeof(good) + 1];
    struct cm_altsecid out;

    (void)state;
    assert_true(matches(&list, good, len));
    for (size_t i = 0; i <= len; i++) {
        memcpy(value, good, i);
        value[i] = '\0';
        memcpy(value + i + 1, good + i, len - i);
        assert_false(matches(&list, value, len + 1));
        cm_altsecid_parse(value, len + 1, &out);
        assert_int_equal(out.form, CM_FORM_NONE);
    }
    cm_candidates_clear(&list);
    cm_certificate_clear(&cert);
}

/* Makes a row a test of its own. */
#define ROW_TEST(row, function)                                               \
    (struct CMUnitTest)                                                       \
    {                                                                         \
        .name = (row)->id, .test_func = (function), .initial_state = (row)    \
    }

int
main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_g03_g04_sha1_is_of_the_certificate),
        cmocka_unit_test(test_g47_cost_is_linear),
        cmocka_unit_test(test_g48_nul_is_refused_everywhere),
    };
    struct CMUnitTest tests[MAX_ROWS] = {{0}};
    size_t n = 0;
    int failed;

    for (struct yield_row *row = yield_rows; row->id != NULL; row++)
        tests[n++] = ROW_TEST(row, test_yield);
    for (struct match_row *row = match_rows; row->id != NULL; row++)
        tests[n++] = ROW_TEST(row, test_match);
    for (struct value_row *row = value_rows; row->id != NULL; row++)
        tests[n++] = ROW_TEST(row, test_value);
    failed = _cmocka_run_group_tests("cases G", tests, n, NULL, NULL);
    return failed + cmocka_run_group_tests(others, NULL, NULL);
}
