/*
 * Relation values of the mapping policy: what is read, and what is refused
 * with which words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BIT(form) CM_ACCEPT(CM_FORM_##form)
#define YEARS_100 ((int64_t)CM_BACKDATING_MAX_DAYS * 86400)

#define T40 "19fea49c00112233445566778899aabbccddeeff"
#define T64 "19fea49c00112233445566778899aabb19fea49c00112233445566778899aabb"
#define TEN_OIDS "1.2.1,1.2.2,1.2.3,1.2.4,1.2.5,1.2.6,1.2.7,1.2.8,1.2.9,1.2.10"
#define SIXTEEN_OIDS TEN_OIDS ",1.2.11,1.2.12,1.2.13,1.2.14,1.2.15,1.2.16"

/* ---- mappings ---- */

static struct mappings_row {
    const char *what, *text;
    unsigned accept;   /* 0: refused */
    const char *words; /* then the detail holds these */
} mappings_rows[] = {
    {"mappings: one", "ski", BIT(SKI), NULL},
    {"mappings: the default, written out",
     "sid issuer-sid issuer-serial ski sha1-pukey issuer-subject upn dns",
     CM_ACCEPT_DEFAULT, NULL},
    {"mappings: every word",
     "sid issuer-sid issuer-serial ski sha1-pukey issuer-subject upn dns "
     "subject rfc822 sid-uri sid-alone",
     CM_ACCEPT_DEFAULT | CM_ACCEPT_SID_URI | BIT(SUBJECT) | BIT(RFC822) |
         BIT(SID),
     NULL},
    {"mappings: order and blanks do not count", "  upn \t ski  ",
     BIT(UPN) | BIT(SKI), NULL},
    {"mappings: sid strengthens", "sid", CM_ACCEPT_SID, NULL},
    {"mappings: sid-alone maps", "sid-alone", BIT(SID), NULL},
    {"mappings: empty", "", 0, "holds no mapping"},
    {"mappings: blank", "  ", 0, "holds no mapping"},
    {"mappings: unknown", "ski uid", 0, "\"uid\" is no mapping"},
    {"mappings: none is no word", "none", 0, "\"none\" is no mapping"},
    {"mappings: another case", "SKI", 0, "\"SKI\" is no mapping"},
    {"mappings: twice", "ski upn ski", 0, "\"ski\" is given twice"},
    {"mappings: commas", "ski,upn", 0, "\"ski,upn\" is no mapping"},
    {"mappings: a word that goes on", "skis", 0, "\"skis\" is no mapping"},
    {"mappings: a word cut short", "issuer-", 0, "\"issuer-\" is no"},
};

static void
test_mappings(void **state)
{
    const struct mappings_row *row = *state;
    struct cm_detail detail = {""};
    unsigned accept = 12345;
    bool ok = cm_policy_parse_mappings(row->text, &accept, &detail);

    assert_int_equal(ok, row->accept != 0);
    assert_int_equal(accept, ok ? row->accept : 12345);
    if (ok)
        return;
    assert_non_null(strstr(detail.text, row->words));
    assert_non_null(strstr(detail.text,
                           "sid sid-uri issuer-subject subject "
                           "issuer-serial ski sha1-pukey rfc822 issuer-sid "
                           "upn dns sid-alone"));
}

/* ---- durations ---- */

static struct duration_row {
    const char *what, *text;
    int64_t seconds;   /* -1: refused */
    const char *words; /* then the detail holds these */
} duration_rows[] = {
    {"duration: 0", "0", 0, NULL},
    {"duration: 0s", "0s", 0, NULL},
    {"duration: seconds", "90s", 90, NULL},
    {"duration: minutes", "10m", 600, NULL},
    {"duration: hours", "2h", 7200, NULL},
    {"duration: days", "5d", 432000, NULL},
    {"B05: Windows' five years", "157680000s", 0x9660180, NULL},
    {"duration: the most", "36525d", YEARS_100, NULL},
    {"B11: one day more than the most", "36526d", YEARS_100, NULL},
    {"B11: 2^63 seconds", "9223372036854775808s", YEARS_100, NULL},
    {"B11: 2^64 + 1 days", "18446744073709551617d", YEARS_100, NULL},
    {"B11: 40 digits", "1000000000000000000000000000000000000001h", YEARS_100,
     NULL},
    {"B06: a bare number", "10", -1, "write 10s or 10m"},
    {"B06: says why", "10", -1, "seconds to Windows and minutes to Samba"},
    {"B06: bare zeros", "00", -1, "has no unit"},
    {"duration: empty", "", -1, "\"\" is no duration"},
    {"duration: a unit alone", "m", -1, "is no duration"},
    {"duration: unknown unit", "10w", -1, "\"10w\" is no duration"},
    {"duration: upper-case unit", "10M", -1, "is no duration"},
    {"duration: a word for a unit", "10min", -1, "is no duration"},
    {"duration: a tail", "10m ", -1, "is no duration"},
    {"duration: two units", "1h30m", -1, "is no duration"},
    {"duration: a blank before the unit", "10 m", -1, "is no duration"},
    {"duration: a leading blank", " 10m", -1, "is no duration"},
    {"duration: negative", "-10m", -1, "is no duration"},
    {"duration: a plus sign", "+10m", -1, "is no duration"},
    {"duration: a fraction", "1.5h", -1, "is no duration"},
    {"duration: hexadecimal", "0x10s", -1, "is no duration"},
};

static void
test_duration(void **state)
{
    const struct duration_row *row = *state;
    struct cm_detail detail = {""};
    int64_t seconds = -77;
    bool ok = cm_policy_parse_duration(row->text, &seconds, &detail);

    assert_int_equal(ok, row->seconds >= 0);
    assert_int_equal(seconds, ok ? row->seconds : -77);
    if (!ok)
        assert_non_null(strstr(detail.text, row->words));
}

/* ---- object identifiers ---- */

static struct oid_row {
    const char *text;
    bool valid;
} oid_rows[] = {
    {"1.2", true},
    {"0.0", true},
    {"0.39", true},
    {"1.39", true},
    {"2.0", true},
    {"2.40", true},
    {"2.999.1", true},
    {"2.16.840.1.101.3.2.1.3.13", true},
    {"1.2.340282366920938463463374607431768211456", true},
    {"", false},
    {"1", false},
    {".", false},
    {"1.", false},
    {".1", false},
    {"1..2", false},
    {"1.2.", false},
    {"1.2.03", false},
    {"01.2", false},
    {"1.02", false},
    {"1.2.00", false},
    {"3.1", false},
    {"10.1", false},
    {"0.40", false},
    {"1.40", false},
    {"1.100", false},
    {"1.2.x", false},
    {"1.2 ", false},
    {" 1.2", false},
    {"1.2,1.3", false},
    {"-1.2", false},
    {"anyPolicy", false},
};

static void
test_oid(void **state)
{
    const struct oid_row *row = *state;

    assert_int_equal(cm_policy_oid_is_valid(row->text), row->valid);
}

/* ---- name_strong ---- */

static struct tuple_row {
    const char *what, *text;
    const char *words; /* NULL: well formed; else the detail holds these */
} tuple_rows[] = {
    {"tuple: UPNSuffix", T40 ";1.2.3;UPNSuffix=example.com", NULL},
    {"tuple: IssuerSubject", T40 ";1.2.3;IssuerSubject", NULL},
    {"tuple: two OIDs, two methods",
     T64 ";1.2.3,1.2.4;IssuerSubject,UPNSuffix=hhs.gov", NULL},
    {"tuple: as many OIDs as it may have",
     T40 ";" SIXTEEN_OIDS ";IssuerSubject", NULL},
    {"T10: empty", "", "has not three fields"},
    {"T10: one field", T40, "has not three fields"},
    {"T10: two fields", T40 ";1.2.3", "has not three fields"},
    {"T10: four fields", T40 ";1.2.3;IssuerSubject;", "has not three fields"},
    {"T10: no thumbprint", ";1.2.3;IssuerSubject", "\"\" is no thumbprint"},
    {"T10: 38 digits",
     "19fea49c00112233445566778899aabbccddee;1.2.3;"
     "IssuerSubject",
     "is no thumbprint"},
    {"T10: 66 digits", T64 "00;1.2.3;IssuerSubject", "is no thumbprint"},
    {"T10: 42 digits", T40 "00;1.2.3;IssuerSubject", "is no thumbprint"},
    {"T10: no digits",
     "zzfea49c00112233445566778899aabbccddeeff;1.2.3;"
     "IssuerSubject",
     "is no thumbprint"},
    {"T10: digits with colons",
     "19:fe:a4:9c:00:11:22:33:44:55:66:77:88:99;1.2.3;IssuerSubject",
     "is no thumbprint"},
    {"T10: no OID", T40 ";;IssuerSubject", "\"\" is no object identifier"},
    {"T10: an empty OID", T40 ";1.2.3,;IssuerSubject",
     "\"\" is no object identifier"},
    {"T10: a bad OID", T40 ";1.2.3,1.02;IssuerSubject",
     "\"1.02\" is no object identifier"},
    {"T10: an OID twice", T40 ";1.2.3,1.2.4,1.2.3;IssuerSubject",
     "\"1.2.3\" is given twice"},
    {"T10: anyPolicy", T40 ";2.5.29.32.0;IssuerSubject", "is anyPolicy"},
    {"T10: anyPolicy among others", T40 ";1.2.3,2.5.29.32.0;IssuerSubject",
     "is anyPolicy"},
    {"T10: one OID too many", T40 ";" SIXTEEN_OIDS ",1.2.17;IssuerSubject",
     "\"1.2.17\" is one OID too many"},
    {"T10: no method", T40 ";1.2.3;", "\"\" is no method"},
    {"T10: an empty method", T40 ";1.2.3;IssuerSubject,", "\"\" is no method"},
    {"T10: an unknown method", T40 ";1.2.3;SubjectOnly",
     "\"SubjectOnly\" is no method"},
    {"T10: another case", T40 ";1.2.3;issuersubject", "is no method"},
    {"T10: a method with a tail", T40 ";1.2.3;IssuerSubject=x",
     "is no method"},
    {"T10: IssuerSubject twice", T40 ";1.2.3;IssuerSubject,IssuerSubject",
     "\"IssuerSubject\" is given twice"},
    {"T10: a suffix twice", T40 ";1.2.3;UPNSuffix=a.b,UPNSuffix=A.B",
     "\"UPNSuffix=A.B\" is given twice"},
    {"T10: no suffix", T40 ";1.2.3;UPNSuffix=", "names no domain"},
    {"T10: UPNSuffix without a value", T40 ";1.2.3;UPNSuffix", "is no method"},
    {"T10: a suffix with an at sign", T40 ";1.2.3;UPNSuffix=@a.b",
     "names no domain"},
    {"T10: a suffix with a wildcard", T40 ";1.2.3;UPNSuffix=*.b",
     "names no domain"},
    {"T10: a suffix with a leading dot", T40 ";1.2.3;UPNSuffix=.b",
     "names no domain"},
    {"T10: a suffix with two dots", T40 ";1.2.3;UPNSuffix=a..b",
     "names no domain"},
    {"T10: a suffix with a final dot", T40 ";1.2.3;UPNSuffix=a.b.",
     "names no domain"},
    {"T10: a blank after ;", T40 "; 1.2.3;IssuerSubject",
     T40 ";\" is followed by a blank"},
    {"T10: a blank before ;", T40 ";1.2.3 ;IssuerSubject",
     T40 ";1.2.3\" is followed by a blank"},
    {"T10: a blank after ,", T40 ";1.2.3, 1.2.4;IssuerSubject",
     "1.2.3,\" is followed by a blank"},
    {"T10: a leading blank", " " T40 ";1.2.3;IssuerSubject",
     "\"\" is followed by a blank"},
    {"T10: a trailing tab", T40 ";1.2.3;IssuerSubject\t",
     "IssuerSubject\" is followed by a blank"},
};

static void
test_tuple(void **state)
{
    static const struct cm_name_strong untouched = {.issuer.len = 99};
    const struct tuple_row *row = *state;
    struct cm_name_strong tuple = untouched;
    struct cm_detail detail = {""};
    bool ok = cm_policy_parse_name_strong(row->text, &tuple, &detail);

    assert_int_equal(ok, row->words == NULL);
    if (ok) {
        cm_name_strong_clear(&tuple);
        return;
    }
    assert_memory_equal(&tuple, &untouched, sizeof(tuple));
    if (strstr(detail.text, row->words) == NULL)
        fail_msg("%s", detail.text);
    assert_non_null(strstr(detail.text, "thumbprint;OID[,OID...];method"));
}

/* ---- the rest ---- */

static void
test_tuple_values(void **state)
{
    static const uint8_t start[] = {0x19, 0xfe, 0xa4, 0x9c, 0x00, 0x11};
    struct cm_name_strong tuple;

    (void)state;
    assert_true(cm_policy_parse_name_strong(
        "19FEA49c00112233445566778899aabbccddeeff;1.2.3,2.999;"
        "UPNSuffix=hhs.gov,IssuerSubject,UPNSuffix=Example.com",
        &tuple, NULL));
    assert_int_equal(tuple.issuer.len, 20);
    assert_memory_equal(tuple.issuer.bytes, start, sizeof(start));
    assert_int_equal(tuple.issuer.bytes[19], 0xff);
    assert_int_equal(tuple.oids.count, 2);
    assert_string_equal(tuple.oids.items[0], "1.2.3");
    assert_string_equal(tuple.oids.items[1], "2.999");
    assert_true(tuple.issuer_subject);
    assert_int_equal(tuple.upn_suffixes.count, 2);
    assert_string_equal(tuple.upn_suffixes.items[0], "hhs.gov");
    assert_string_equal(tuple.upn_suffixes.items[1], "Example.com");
    cm_name_strong_clear(&tuple);
    assert_null(tuple.oids.items);

    assert_true(
        cm_policy_parse_name_strong(T64 ";1.2.3;UPNSuffix=a", &tuple, NULL));
    assert_int_equal(tuple.issuer.len, 32);
    assert_int_equal(tuple.issuer.bytes[31], 0xbb);
    assert_false(tuple.issuer_subject);
    cm_name_strong_clear(&tuple);
}

static void
test_defaults(void **state)
{
    static const struct cm_policy nothing;
    struct cm_policy policy;

    (void)state;
    assert_true(cm_policy_init(&policy, "example.com"));
    assert_int_equal(policy.enforcement, CM_ENFORCE_FULL);
    assert_int_equal(policy.accept, CM_ACCEPT_DEFAULT);
    assert_true(policy.use_subject_alt_name);
    assert_false(policy.sid_mismatch_refuses);
    assert_false(policy.ski_trust_extension);
    assert_int_equal(policy.backdating, 0);
    assert_string_equal(policy.dns_domain, "example.com");
    assert_int_equal(policy.name_strong_count, 0);
    assert_int_equal(policy.upn_suffixes.count, 0);

    policy.name_strong = calloc(1, sizeof(*policy.name_strong));
    assert_non_null(policy.name_strong);
    assert_true(cm_policy_parse_name_strong(T40 ";1.2.3;IssuerSubject",
                                            policy.name_strong, NULL));
    policy.name_strong_count = 1;
    assert_true(cm_text_list_add(&policy.upn_suffixes, "example.com"));
    cm_policy_clear(&policy);
    assert_memory_equal(&policy, &nothing, sizeof(nothing));
}

/* A relation of any length gives a detail, cut where it is too long. */
static void
test_long_values(void **state)
{
    enum { LONG = 100000 };
    char *text = malloc(LONG + 1);
    struct cm_name_strong tuple;
    struct cm_detail detail;
    int64_t seconds;
    unsigned accept;

    (void)state;
    assert_non_null(text);
    memset(text, '1', LONG);
    text[LONG] = '\0';
    assert_false(cm_policy_parse_mappings(text, &accept, &detail));
    assert_non_null(strstr(detail.text, "sid-alone"));
    assert_false(cm_policy_parse_duration(text, &seconds, &detail));
    assert_non_null(strstr(detail.text, "seconds to Windows"));
    assert_false(cm_policy_parse_name_strong(text, &tuple, &detail));
    assert_non_null(strstr(detail.text, "has not three fields"));
    assert_false(cm_policy_oid_is_valid(text));
    free(text);
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
        cmocka_unit_test(test_tuple_values),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_long_values),
    };
    struct CMUnitTest tests[COUNT(mappings_rows) + COUNT(duration_rows) +
                            COUNT(oid_rows) + COUNT(tuple_rows)] = {{0}};
    size_t n = 0;
    int failed;

    for (size_t i = 0; i < COUNT(mappings_rows); i++)
        tests[n++] = ROW_TEST(mappings_rows, i, what, test_mappings);
    for (size_t i = 0; i < COUNT(duration_rows); i++)
        tests[n++] = ROW_TEST(duration_rows, i, what, test_duration);
    for (size_t i = 0; i < COUNT(oid_rows); i++)
        tests[n++] = ROW_TEST(oid_rows, i, text, test_oid);
    for (size_t i = 0; i < COUNT(tuple_rows); i++)
        tests[n++] = ROW_TEST(tuple_rows, i, what, test_tuple);
    failed = _cmocka_run_group_tests("relations", tests, n, NULL, NULL);
    return failed + cmocka_run_group_tests(others, NULL, NULL);
}
