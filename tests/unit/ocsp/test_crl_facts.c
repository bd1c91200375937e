/*
 * What a CRL says about itself, and the small values of crl.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crl_fixture.h"
#include "testcert.h"

#define DIRECTORY_NAME(text) "a4( " NAME(text) " )"
#define IDP(content) "30( 06:551d1c 01:ff 04( 30( " content " ) ) )"
#define BASE "30( 06:551d1b 01:ff 04( 02:04 ) )"
#define NUMBER "30( 06:551d14 04( 02:05 ) )"
#define URI(name) "a0( a0( 86'" name "' ) )"

enum { USER = 1, CA = 2, ATTRIBUTE = 4, INDIRECT_CRL = 8 };

/* issuingDistributionPoint, and what it means. */
static const struct {
    const char *extensions;
    bool has_idp;
    int names;
    unsigned flags;
    unsigned reasons;
} scopes[] = {
    {NULL, false, 0, 0, CM_CRL_ALL_REASONS},
    {NUMBER, false, 0, 0, CM_CRL_ALL_REASONS},
    {IDP(""), true, 0, 0, CM_CRL_ALL_REASONS},
    {IDP("81:ff"), true, 0, USER, CM_CRL_ALL_REASONS},
    {IDP("82:ff"), true, 0, CA, CM_CRL_ALL_REASONS},
    {IDP("85:ff"), true, 0, ATTRIBUTE, CM_CRL_ALL_REASONS},
    {IDP("82:ff 84:ff"), true, 0, CA | INDIRECT_CRL, CM_CRL_ALL_REASONS},
    {IDP("81:00 82:ff"), true, 0, CA, CM_CRL_ALL_REASONS},
    {IDP("83:0640"), true, 0, 0, 1U << 1},
    {IDP("83:01fe"), true, 0, 0, 0x7eU},
    {IDP("83:07ff80"), true, 0, 0, CM_CRL_ALL_REASONS},
    {IDP(URI("http://a") "83:0560"), true, 1, 0, 1U << 1 | 1U << 2},
    {IDP("a0( a0( 86'http://a' 86'ldap://b' " DIRECTORY_NAME("C") ") )"), true,
     3, 0, CM_CRL_ALL_REASONS},
    {IDP("a0( a1( 30( 06:550403 0c'part 1' ) ) )"), true, 1, 0,
     CM_CRL_ALL_REASONS},
};

static bool
read_facts(struct crl_fixture *fixture, const char *extensions,
           struct cm_crl_facts *facts)
{
    struct cm_crl_source *source;
    bool read;
    int fd;

    fixture->spec.extensions = extensions;
    fd = crlgen_file(&fixture->spec);
    source = cm_crl_source_open(fd, &fixture->detail);
    assert_non_null(source);
    read = cm_crl_read_facts(source, facts, &fixture->detail) == CM_OK;
    cm_crl_source_free(source);
    close(fd);
    return read;
}

static unsigned
flags_of(const struct cm_crl_scope *scope)
{
    return (scope->only_user ? USER : 0U) | (scope->only_ca ? CA : 0U) |
           (scope->only_attribute ? ATTRIBUTE : 0U) |
           (scope->indirect ? INDIRECT_CRL : 0U);
}

static void
test_scope(void **state)
{
    struct crl_fixture fixture;
    struct cm_crl_facts facts;
    int names;

    (void)state;
    crl_fixture_setup(&fixture);
    for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
        assert_true(read_facts(&fixture, scopes[i].extensions, &facts));
        names = facts.scope.names == NULL
                    ? 0
                    : sk_GENERAL_NAME_num(facts.scope.names);
        if (facts.scope.has_idp != scopes[i].has_idp ||
            names != scopes[i].names ||
            flags_of(&facts.scope) != scopes[i].flags ||
            facts.scope.reasons != scopes[i].reasons)
            fail_msg("row %zu", i);
        cm_crl_facts_clear(&facts);
    }
    crl_fixture_clear(&fixture);
}

/* A relative name is one more RDN of the issuer's name. */
static void
test_relative_name(void **state)
{
    struct tc_spec spec = {.subject = "C=US,O=Example,CN=CA,CN=part 1"};
    X509 *whole = tc_make(&spec);
    struct crl_fixture fixture;
    struct cm_crl_facts facts;
    const GENERAL_NAME *name;

    (void)state;
    crl_fixture_setup(&fixture);
    assert_true(read_facts(
        &fixture, IDP("a0( a1( 30( 06:550403 0c'part 1' ) ) )"), &facts));
    name = sk_GENERAL_NAME_value(facts.scope.names, 0);
    assert_int_equal(name->type, GEN_DIRNAME);
    assert_int_equal(
        X509_NAME_cmp(name->d.directoryName, X509_get_subject_name(whole)), 0);
    cm_crl_facts_clear(&facts);
    X509_free(whole);
    crl_fixture_clear(&fixture);
}

/* CRLs with one scope replace each other; no two rows may. */
static const char *const apart[] = {
    NULL,
    BASE,
    IDP(""),
    IDP("") BASE,
    IDP("81:ff"),
    IDP("82:ff"),
    IDP("84:ff"),
    IDP("83:0640"),
    IDP("83:0520"),
    IDP(URI("http://a")),
    IDP(URI("http://b")),
    IDP("a0( a1( 30( 06:550403 0c'part 1' ) ) )"),
};
enum { APART = sizeof(apart) / sizeof(apart[0]) };

static void
test_scope_id(void **state)
{
    struct crl_fixture fixture, other;
    struct cm_crl_facts facts;
    uint8_t ids[APART][32];

    (void)state;
    crl_fixture_setup(&fixture);
    crl_fixture_setup(&other);
    other.spec.issuer_der = NAME("Other");
    for (size_t i = 0; i < APART; i++) {
        assert_true(read_facts(&fixture, apart[i], &facts));
        memcpy(ids[i], facts.scope_id, sizeof(ids[i]));
        cm_crl_facts_clear(&facts);
        for (size_t before = 0; before < i; before++)
            assert_memory_not_equal(ids[before], ids[i], sizeof(ids[i]));
        assert_true(read_facts(&other, apart[i], &facts));
        assert_memory_not_equal(facts.scope_id, ids[i], sizeof(ids[i]));
        cm_crl_facts_clear(&facts);
    }
    /* Time, number and entries do not make another scope. */
    fixture.spec.this_update = "17'260301000000Z'";
    fixture.spec.entries = ENTRY("05");
    assert_true(read_facts(&fixture, NUMBER, &facts));
    assert_memory_equal(facts.scope_id, ids[0], sizeof(ids[0]));
    cm_crl_facts_clear(&facts);
    crl_fixture_clear(&other);
    crl_fixture_clear(&fixture);
}

static void
test_times_and_numbers(void **state)
{
    struct crl_fixture fixture;
    struct cm_crl_facts facts;

    (void)state;
    crl_fixture_setup(&fixture);
    fixture.spec.this_update = "17'260102030405Z'";
    fixture.spec.next_update = "";
    assert_true(read_facts(&fixture, NULL, &facts));
    assert_int_equal(facts.this_update, 1767323045);
    assert_false(facts.has_next_update);
    assert_false(facts.number.present);
    assert_false(facts.base.present);
    assert_null(facts.key_id);
    cm_crl_facts_clear(&facts);
    fixture.spec.next_update = "18'20500101000000Z'";
    assert_true(read_facts(
        &fixture, NUMBER BASE "30( 06:551d23 04( 30( 80:0102 ) ) )", &facts));
    assert_true(facts.has_next_update);
    assert_int_equal(facts.next_update, 2524608000);
    assert_true(facts.number.present && facts.base.present);
    assert_true(cm_crl_number_compare(&facts.base, &facts.number) < 0);
    assert_int_equal(ASN1_STRING_length(facts.key_id), 2);
    cm_crl_facts_clear(&facts);
    crl_fixture_clear(&fixture);
}

/* ---- Small values ---- */

static const struct {
    uint8_t a_first, a_last, b_first, b_last;
    int order;
} numbers[] = {
    {0, 0, 0, 0, 0},   {0, 1, 0, 0, 1},    {0, 0, 0, 1, -1},
    {1, 0, 0, 255, 1}, {0, 255, 1, 0, -1}, {255, 255, 255, 255, 0},
};

static void
test_number_compare(void **state)
{
    struct cm_crl_number a = {.present = true}, b = {.present = true};
    int order;

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        a.octets[0] = numbers[i].a_first;
        a.octets[CM_CRL_MAX_NUMBER - 1] = numbers[i].a_last;
        b.octets[0] = numbers[i].b_first;
        b.octets[CM_CRL_MAX_NUMBER - 1] = numbers[i].b_last;
        order = cm_crl_number_compare(&a, &b);
        assert_int_equal((order > 0) - (order < 0), numbers[i].order);
    }
}

#define TEN_OCTETS "0102030405060708090a"

/* A certificate's serial number beside the content octets of an entry. */
static const struct {
    const char *content;
    bool fits;
} serials[] = {
    {"00", true},
    {"05", true},
    {"80", true},
    {"ff", true},
    {"0080", true},
    {"ff7f", true},
    {"7f" TEN_OCTETS "010203040506070809", true},
    {"80" TEN_OCTETS "010203040506070809", true},
    {"0080" TEN_OCTETS "010203040506070809", true},
    {"01" TEN_OCTETS TEN_OCTETS, false},
    {"ff7f" TEN_OCTETS "010203040506070809", false},
    {"008001" TEN_OCTETS "010203040506070809", false},
    {TEN_OCTETS TEN_OCTETS TEN_OCTETS, false},
};

static void
test_serial(void **state)
{
    uint8_t expected[CM_CRL_SERIAL], serial[CM_CRL_SERIAL];
    ASN1_INTEGER *integer;
    const uint8_t *p;
    uint8_t *content, der[64];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(serials) / sizeof(serials[0]); i++) {
        content = tc_hex(serials[i].content, &len);
        der[0] = 0x02;
        der[1] = (uint8_t)len;
        memcpy(der + 2, content, len);
        p = der;
        integer = d2i_ASN1_INTEGER(NULL, &p, (long)len + 2);
        assert_non_null(integer);
        assert_int_equal(cm_crl_serial(integer, serial), serials[i].fits);
        if (serials[i].fits) {
            crl_serial(content, len, expected);
            assert_memory_equal(serial, expected, sizeof(serial));
        }
        ASN1_INTEGER_free(integer);
        free(content);
    }
}

static void
test_reason_token(void **state)
{
    static const char *const tokens[] = {
        "unspecified",        "keyCompromise", "cACompromise",
        "affiliationChanged", "superseded",    "cessationOfOperation",
        "certificateHold",    "unknown",       "removeFromCRL",
        "privilegeWithdrawn", "aACompromise",  "unknown"};

    (void)state;
    for (int i = 0; i < 12; i++)
        assert_string_equal(cm_crl_reason_token(i), tokens[i]);
    assert_string_equal(cm_crl_reason_token(-1), "unknown");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scope),
        cmocka_unit_test(test_relative_name),
        cmocka_unit_test(test_scope_id),
        cmocka_unit_test(test_times_and_numbers),
        cmocka_unit_test(test_number_compare),
        cmocka_unit_test(test_serial),
        cmocka_unit_test(test_reason_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
