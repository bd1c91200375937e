/*
 * altSecurityIdentities: what is wrong with a malformed value, and what
 * exactly counts in a comparison.
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

/* A value, and its length where it holds NUL. */
#define S(text) text, sizeof(text) - 1

#define SHA1 "34be02dcee9ecdf8bc5c16595a73f1b201875fea"
#define TEN "0123456789"
#define SID "S-1-5-21-11-22-33-1101"

/* ---- Forms ---- */

static struct form_row {
    const char *token;
    enum cm_form form;
    enum cm_strength strength;
} form_rows[] = {
    {"none", CM_FORM_NONE, CM_STRENGTH_NONE},
    {"issuer-subject", CM_FORM_ISSUER_SUBJECT, CM_STRENGTH_WEAK},
    {"subject", CM_FORM_SUBJECT, CM_STRENGTH_WEAK},
    {"issuer-serial", CM_FORM_ISSUER_SERIAL, CM_STRENGTH_STRONG},
    {"ski", CM_FORM_SKI, CM_STRENGTH_STRONG},
    {"sha1-pukey", CM_FORM_SHA1_PUKEY, CM_STRENGTH_STRONG},
    {"rfc822", CM_FORM_RFC822, CM_STRENGTH_WEAK},
    {"issuer-sid", CM_FORM_ISSUER_SID, CM_STRENGTH_STRONG},
    {"upn", CM_FORM_UPN, CM_STRENGTH_WEAK},
    {"dns", CM_FORM_DNS, CM_STRENGTH_WEAK},
    {"sid-alone", CM_FORM_SID, CM_STRENGTH_STRONG},
};

static void
test_form(void **state)
{
    const struct form_row *row = *state;

    assert_string_equal(cm_form_token(row->form), row->token);
    assert_int_equal(cm_form_from_token(row->token), row->form);
    assert_int_equal(cm_form_strength(row->form), row->strength);
}

static void
test_foreign_tokens(void **state)
{
    (void)state;
    assert_int_equal(cm_form_from_token(""), CM_FORM_NONE);
    assert_int_equal(cm_form_from_token("SKI"), CM_FORM_NONE);
    assert_int_equal(cm_form_from_token("sid"), CM_FORM_NONE);
    assert_string_equal(cm_strength_token(CM_STRENGTH_NONE), "none");
    assert_string_equal(cm_strength_token(CM_STRENGTH_WEAK), "weak");
    assert_string_equal(cm_strength_token(CM_STRENGTH_STRONG), "strong");
}

/* ---- Parsing: well-formed values and their parts ---- */

static struct good_row {
    const char *value;
    enum cm_form form;
    const char *issuer, *subject, *other;
} good_rows[] = {
    {"X509:<I>CN=CA<S>CN=a", CM_FORM_ISSUER_SUBJECT, "CN=CA", "CN=a", ""},
    {"X509:<S>CN=a", CM_FORM_SUBJECT, "", "CN=a", ""},
    {"X509:<I>CN=CA<SR>01ff", CM_FORM_ISSUER_SERIAL, "CN=CA", "", "01ff"},
    {"X509:<I>CN=CA<SR>" TEN TEN TEN TEN, CM_FORM_ISSUER_SERIAL, "CN=CA", "",
     TEN TEN TEN TEN},
    {"X509:<SKI>0A", CM_FORM_SKI, "", "", "0A"},
    {"X509:<SHA1-PUKEY>" SHA1, CM_FORM_SHA1_PUKEY, "", "", SHA1},
    {"X509:<RFC822>a@b.c", CM_FORM_RFC822, "", "", "a@b.c"},
    {"X509:<RFC822>\"<S>\"@b.c", CM_FORM_RFC822, "", "", "\"<S>\"@b.c"},
    {"X509:<I>CN=CA<SID>" SID, CM_FORM_ISSUER_SID, "CN=CA", "", SID},
    {"X509:  <SKI>0a", CM_FORM_SKI, "", "", "0a"},
    {"X509:<S>CN=\"a<SR>01\"", CM_FORM_SUBJECT, "", "CN=\"a<SR>01\"", ""},
    {"X509:<I>CN=\"<S>\"\"<S>\"<S>CN=\"<I>\"", CM_FORM_ISSUER_SUBJECT,
     "CN=\"<S>\"\"<S>\"", "CN=\"<I>\"", ""},
    {"X509:<S>CN=a>b", CM_FORM_SUBJECT, "", "CN=a>b", ""},
};

static void
test_good(void **state)
{
    const struct good_row *row = *state;
    struct cm_altsecid out;

    cm_altsecid_parse(row->value, strlen(row->value), &out);
    assert_true(out.is_x509);
    if (out.fault != NULL)
        fail_msg("%s", out.fault);
    assert_int_equal(out.form, row->form);
    assert_int_equal(out.issuer.len, strlen(row->issuer));
    assert_int_equal(out.subject.len, strlen(row->subject));
    assert_int_equal(out.other.len, strlen(row->other));
    if (out.issuer.len > 0)
        assert_memory_equal(out.issuer.data, row->issuer, out.issuer.len);
    if (out.subject.len > 0)
        assert_memory_equal(out.subject.data, row->subject, out.subject.len);
    if (out.other.len > 0)
        assert_memory_equal(out.other.data, row->other, out.other.len);
}

/* ---- Parsing: faults ---- */

static struct bad_row {
    const char *value;
    size_t len;
    const char *fault; /* NULL: no X509 value at all, and no fault */
} bad_rows[] = {
    {S(""), NULL},
    {S("X509"), NULL},
    {S("Kerberos:alice@EXAMPLE.COM"), NULL},
    {S(" X509:<S>CN=a"), NULL},
    {S("<S>CN=a"), NULL},
    {S("X509:"), "nothing follows X509:"},
    {S("X509:   "), "nothing follows X509:"},
    {S("x509:<S>CN=a"), "X509 is not in upper case"},
    {S("X509:No tag"), "text stands before the first tag"},
    {S("X509:\xc2\xa0<S>CN=a"), "text stands before the first tag"},
    {S("X509:\t<S>CN=a"), "it holds a control character or is not UTF-8"},
    {S("X509:<S>CN=a\0"), "it holds a control character or is not UTF-8"},
    {S("X509:<S>CN=\xff"), "it holds a control character or is not UTF-8"},
    {S("X509:<"), "a tag is not closed with >"},
    {S("X509:<S"), "a tag is not closed with >"},
    {S("X509:<S>CN=a<"), "a tag is not closed with >"},
    {S("X509:<>CN=a"), "a tag is empty"},
    {S("X509:<X>CN=a"), "a tag is unknown (tags are I, S, SR, SKI, "
                        "SHA1-PUKEY, RFC822 and SID, in upper case)"},
    {S("X509:<s>CN=a"), "a tag is unknown (tags are I, S, SR, SKI, "
                        "SHA1-PUKEY, RFC822 and SID, in upper case)"},
    {S("X509:<S >CN=a"), "a tag is unknown (tags are I, S, SR, SKI, "
                         "SHA1-PUKEY, RFC822 and SID, in upper case)"},
    {S("X509:<S>"), "a tag has no value"},
    {S("X509:<RFC822>"), "a tag has no value"},
    {S("X509:<I><S>CN=a"), "a tag has no value"},
    {S("X509:<I>CN=CA<S>"), "a tag has no value"},
    {S("X509:<S>CN=\"a"), "a quotation mark is not closed"},
    {S("X509:<I>CN=\"CA<SR>01"), "a quotation mark is not closed"},
    {S("X509:<I>CN=CA<S>CN=a<SR>01"), "it has more than two parts"},
    {S("X509:<S>a<S>b<S>c"), "it has more than two parts"},
    {S("X509:<I>CN=CA<I>CN=CA"), "a tag is given twice"},
    {S("X509:<SKI>01<SKI>01"), "a tag is given twice"},
    {S("X509:<I>CN=CA"), "an issuer alone names no certificate"},
    {S("X509:<SR>01"), "SR and SID need an issuer before them"},
    {S("X509:<SID>" SID), "SR and SID need an issuer before them"},
    {S("X509:<S>CN=a<I>CN=CA"), "its two parts are none of I+S, I+SR and "
                                "I+SID"},
    {S("X509:<SR>01<I>CN=CA"), "its two parts are none of I+S, I+SR and "
                               "I+SID"},
    {S("X509:<S>CN=a<SID>" SID), "its two parts are none of I+S, I+SR and "
                                 "I+SID"},
    {S("X509:<I>CN=CA<SKI>01"), "its two parts are none of I+S, I+SR and "
                                "I+SID"},
    {S("X509:<I>CN=CA<RFC822>a@b"), "its two parts are none of I+S, I+SR "
                                    "and I+SID"},
    {S("X509:<SKI>01 "), "a value is not hexadecimal"},
    {S("X509:<SKI>01:02"), "a value is not hexadecimal"},
    {S("X509:<SKI>0x01"), "a value is not hexadecimal"},
    {S("X509:<SKI>012"), "a value has an odd number of hexadecimal digits"},
    {S("X509:<I>CN=CA<SR>1"), "a value has an odd number of hexadecimal "
                              "digits"},
    {S("X509:<I>CN=CA<SR>" TEN TEN TEN TEN "42"),
     "a value has too many hexadecimal digits"},
    {S("X509:<SKI>" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN),
     "a value has too many hexadecimal digits"},
    {S("X509:<I>CN=CA<SR>01ff00"),
     "the serial number ends in 00 (its octets are reversed, without leading "
     "zeros)"},
    {S("X509:<I>CN=CA<SR>00"),
     "the serial number ends in 00 (its octets are reversed, without leading "
     "zeros)"},
    {S("X509:<SHA1-PUKEY>0102"),
     "SHA1-PUKEY needs the 40 digits of the certificate's SHA-1 thumbprint"},
    {S("X509:<SHA1-PUKEY>" SHA1 "00"),
     "a value has too many hexadecimal digits"},
    {S("X509:<I>CN=CA<SID>s-1-5-21"),
     "the SID is not in canonical form (S-1-...)"},
    {S("X509:<I>CN=CA<SID>S-1-5-021"),
     "the SID is not in canonical form (S-1-...)"},
};

static void
test_bad(void **state)
{
    const struct bad_row *row = *state;
    struct cm_altsecid out;

    cm_altsecid_parse(row->value, row->len, &out);
    assert_int_equal(out.form, CM_FORM_NONE);
    assert_int_equal(out.is_x509, row->fault != NULL);
    assert_int_equal(out.issuer.len + out.subject.len + out.other.len, 0);
    if (row->fault == NULL)
        assert_null(out.fault);
    else
        assert_string_equal(out.fault, row->fault);
}

/* A value of len bytes: start, then fill over and over. */
static char *
repeated(const char *start, const char *fill, size_t len)
{
    size_t start_len = strlen(start), fill_len = strlen(fill);
    char *value = malloc(len + 1);

    assert_non_null(value);
    for (size_t i = 0; i < len; i++)
        value[i] = i < start_len ? start[i] : fill[(i - start_len) % fill_len];
    value[len] = '\0';
    return value;
}

static void
test_longest_value(void **state)
{
    char *value = repeated("X509:<S>", "a", CM_ALTSECID_MAX + 1);
    struct cm_candidate candidate = {CM_FORM_SUBJECT, value,
                                     CM_ALTSECID_MAX + 1};
    struct cm_altsecid out;

    (void)state;
    cm_altsecid_parse(value, CM_ALTSECID_MAX, &out);
    assert_int_equal(out.form, CM_FORM_SUBJECT);
    cm_altsecid_parse(value, CM_ALTSECID_MAX + 1, &out);
    assert_int_equal(out.form, CM_FORM_NONE);
    assert_string_equal(out.fault, "it is too long");
    assert_false(cm_candidate_matches(&candidate, value, CM_ALTSECID_MAX + 1));
    value[CM_ALTSECID_MAX] = '\0';
    candidate.len = CM_ALTSECID_MAX;
    assert_true(cm_candidate_matches(&candidate, value, CM_ALTSECID_MAX));
    free(value);
}

/* ---- Comparing ---- */

/*
 * Under each character of a candidate, how it compares: "." exactly, "f"
 * without ASCII case.
 */
static struct match_row {
    enum cm_form form;
    const char *value, *rule;
} match_rows[] = {
    {CM_FORM_ISSUER_SUBJECT, "X509:<I>CN=C\xc3\xa9,O=\"a<S>b\"<S>CN=a S=b",
     "........ffffffffffffffff...ffffffff"},
    {CM_FORM_SUBJECT, "X509:<S>DC=com,CN=Alice", "........fffffffffffffff"},
    {CM_FORM_ISSUER_SERIAL, "X509:<I>CN=CA1<SR>ab01cd",
     "........ffffff....ffffff"},
    {CM_FORM_SKI, "X509:<SKI>00abcdef", "..........ffffffff"},
    {CM_FORM_SHA1_PUKEY, "X509:<SHA1-PUKEY>" SHA1,
     ".................ffffffffffffffffffffffffffffffffffffffff"},
    {CM_FORM_RFC822, "X509:<RFC822>Al@ex.org", "......................"},
    {CM_FORM_ISSUER_SID, "X509:<I>O=x<SID>S-1-5-21-7",
     "........fff..............."},
};

static bool
is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Every other byte at every place: only the same letter may match. */
static void
test_every_byte_counts(void **state)
{
    const struct match_row *row = *state;
    char own[128], value[128];
    size_t len = strlen(row->value);
    struct cm_candidate candidate = {row->form, own, len};

    assert_int_equal(len, strlen(row->rule));
    memcpy(own, row->value, len + 1);
    memcpy(value, row->value, len + 1);
    assert_true(cm_candidate_matches(&candidate, value, len));
    for (size_t i = 0; i < len; i++) {
        for (int c = 0; c < 256; c++) {
            bool same =
                c == (unsigned char)own[i] ||
                (row->rule[i] == 'f' && is_letter(c) && (c ^ 0x20) == own[i]);

            value[i] = (char)c;
            if (cm_candidate_matches(&candidate, value, len) != same)
                fail_msg("byte %d at %zu of %s", c, i, own);
        }
        value[i] = own[i];
    }
}

/* No prefix, no extension, no blank but those before the first tag. */
static void
test_every_length_counts(void **state)
{
    const struct match_row *row = *state;
    char own[128], value[130];
    size_t len = strlen(row->value);
    struct cm_candidate candidate = {row->form, own, len};

    memcpy(own, row->value, len + 1);
    for (size_t i = 0; i < len; i++)
        assert_false(cm_candidate_matches(&candidate, own, i));
    for (size_t i = 0; i <= len; i++) {
        memcpy(value, own, i);
        memcpy(value + i + 1, own + i, len - i);
        for (int c = 0; c < 256; c++) {
            value[i] = (char)c;
            assert_int_equal(cm_candidate_matches(&candidate, value, len + 1),
                             i == strlen("X509:") && c == ' ');
        }
    }
}

/* What a certificate yields parses as the form that it is. */
static void
test_candidate_parses(void **state)
{
    const struct match_row *row = *state;
    struct cm_altsecid out;

    cm_altsecid_parse(row->value, strlen(row->value), &out);
    assert_int_equal(out.form, row->form);
}

static void
test_blanks(void **state)
{
    char own[] = "X509:<SKI>0a";
    struct cm_candidate candidate = {CM_FORM_SKI, own, strlen(own)};

    (void)state;
    assert_true(cm_candidate_matches(&candidate, S("X509:    <SKI>0A")));
    assert_false(cm_candidate_matches(&candidate, S("X509: \t<SKI>0a")));
    assert_false(cm_candidate_matches(&candidate, S("X509: \0<SKI>0a")));
    assert_false(cm_candidate_matches(&candidate, S("X509:0a<SKI>0a")));
    assert_false(cm_candidate_matches(&candidate, S(" X509:<SKI>0a")));
    assert_false(cm_candidate_matches(&candidate, S("X509 :<SKI>0a")));
    assert_false(cm_candidate_matches(&candidate, S("X509:<SKI>0a ")));
    assert_false(cm_candidate_matches(&candidate, S("X509:<SKI>0a\0")));
    assert_false(cm_candidate_matches(&candidate, S("X509:<SKI> 0a")));
}

/* Makes row number i of a table a test of its own. */
#define ROW_TEST(rows, i, label, function)                                    \
    (struct CMUnitTest)                                                       \
    {                                                                         \
        .name = (rows)[i].label, .test_func = (function),                     \
        .initial_state = &(rows)[i]                                           \
    }

int
main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_foreign_tokens),
        cmocka_unit_test(test_longest_value),
        cmocka_unit_test(test_blanks),
    };
    struct CMUnitTest tests[COUNT(form_rows) + COUNT(good_rows) +
                            COUNT(bad_rows) + 3 * COUNT(match_rows)] = {{0}};
    size_t n = 0;
    int failed;

    for (size_t i = 0; i < COUNT(form_rows); i++)
        tests[n++] = ROW_TEST(form_rows, i, token, test_form);
    for (size_t i = 0; i < COUNT(good_rows); i++)
        tests[n++] = ROW_TEST(good_rows, i, value, test_good);
    for (size_t i = 0; i < COUNT(bad_rows); i++)
        tests[n++] = ROW_TEST(bad_rows, i, value, test_bad);
    for (size_t i = 0; i < COUNT(match_rows); i++) {
        tests[n++] = ROW_TEST(match_rows, i, value, test_every_byte_counts);
        tests[n++] = ROW_TEST(match_rows, i, value, test_every_length_counts);
        tests[n++] = ROW_TEST(match_rows, i, value, test_candidate_parses);
    }
    failed = _cmocka_run_group_tests("values", tests, n, NULL, NULL);
    return failed + cmocka_run_group_tests(others, NULL, NULL);
}
