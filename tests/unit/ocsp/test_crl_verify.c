/*
 * Who signed a CRL, and how.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "crl_fixture.h"
#include "testcert.h"

enum { LARGE = 60000, SERIAL = 16 };

#define NOT_BY_THIS_KEY "CRL is not signed by this key"
#define SHA1 "30( 06:2b0e03021a 05: )"
#define SHA256 "30( 06:608648016503040201 05: )"
#define MGF1(hash) "30( 06:2a864886f70d010108 " hash " )"
#define PSS(hash, mask, rest)                                                 \
    "30( 06:2a864886f70d01010a 30( a0( " hash " ) a1( " MGF1(mask) " ) " rest \
                                                                   " ) )"
#define SALT "a2( 02:20 )"

static const struct {
    enum tc_key_type type;
    const char *digest; /* NULL: the key's own */
    bool pss;
    const char *algorithm; /* written instead of the right one */
    enum tc_key_type other_type;
    unsigned slot;      /* the key to check with: 0 is the signer's */
    const char *detail; /* NULL: verified */
} rows[] = {
    {TC_RSA_2048, "SHA256", false, NULL, TC_RSA_2048, 0, NULL},
    {TC_RSA_2048, "SHA384", false, NULL, TC_RSA_2048, 0, NULL},
    {TC_RSA_2048, "SHA512", false, NULL, TC_RSA_2048, 0, NULL},
    {TC_RSA_2048, "SHA3-256", false, NULL, TC_RSA_2048, 0, NULL},
    {TC_RSA_2048, "SHA256", true, NULL, TC_RSA_2048, 0, NULL},
    {TC_EC_P256, "SHA256", false, NULL, TC_EC_P256, 0, NULL},
    {TC_EC_P384, "SHA384", false, NULL, TC_EC_P384, 0, NULL},
    {TC_EC_P384, "SHA256", false, NULL, TC_EC_P384, 0, NULL},
    {TC_ED25519, NULL, false, NULL, TC_ED25519, 0, NULL},
    /* another key */
    {TC_RSA_2048, "SHA256", false, NULL, TC_RSA_2048, 1, NOT_BY_THIS_KEY},
    {TC_RSA_2048, "SHA256", true, NULL, TC_RSA_2048, 1, NOT_BY_THIS_KEY},
    {TC_EC_P256, "SHA256", false, NULL, TC_EC_P256, 1, NOT_BY_THIS_KEY},
    {TC_ED25519, NULL, false, NULL, TC_ED25519, 1, NOT_BY_THIS_KEY},
    {TC_RSA_2048, "SHA256", false, NULL, TC_EC_P256, 0, NOT_BY_THIS_KEY},
    {TC_EC_P256, "SHA256", false, NULL, TC_RSA_2048, 0, NOT_BY_THIS_KEY},
    {TC_EC_P256, "SHA256", false, NULL, TC_EC_P384, 0, NOT_BY_THIS_KEY},
    {TC_ED25519, NULL, false, NULL, TC_EC_P256, 0, NOT_BY_THIS_KEY},
    {TC_EC_P256, "SHA256", false, NULL, TC_ED25519, 0, NOT_BY_THIS_KEY},
    {TC_RSA_2048, "SHA256", true, NULL, TC_ED25519, 0, NOT_BY_THIS_KEY},
    /* below the floor */
    {TC_RSA_2048, "SHA1", false, NULL, TC_RSA_2048, 0,
     "signature algorithm sha1WithRSAEncryption"},
    {TC_RSA_2048, "MD5", false, NULL, TC_RSA_2048, 0,
     "signature algorithm md5WithRSAEncryption"},
    {TC_RSA_2048, "SHA224", false, NULL, TC_RSA_2048, 0,
     "signature algorithm sha224WithRSAEncryption"},
    {TC_EC_P256, "SHA1", false, NULL, TC_EC_P256, 0,
     "signature algorithm ecdsa-with-SHA1"},
    {TC_EC_P256, "SHA256", false, "30( 06:608648016503040302 )", TC_EC_P256, 0,
     "signature algorithm dsa_with_SHA256"},
    {TC_RSA_2048, "SHA256", true, "30( 06:2a864886f70d01010a 30( ) )",
     TC_RSA_2048, 0, "signature algorithm rsassaPss"},
    {TC_RSA_2048, "SHA256", true, PSS(SHA1, SHA256, SALT), TC_RSA_2048, 0,
     "signature algorithm rsassaPss"},
    {TC_RSA_2048, "SHA256", true, PSS(SHA256, SHA1, SALT), TC_RSA_2048, 0,
     "signature algorithm rsassaPss"},
    {TC_EC_P256, "SHA256", false, "30( 06:2a0304 )", TC_EC_P256, 0,
     "signature algorithm 1.2.3.4"},
    /* other than it says */
    {TC_RSA_2048, "SHA256", false, PSS(SHA256, SHA256, SALT), TC_RSA_2048, 0,
     NOT_BY_THIS_KEY},
    {TC_RSA_2048, "SHA256", true, "30( 06:2a864886f70d01010b 05: )",
     TC_RSA_2048, 0, NOT_BY_THIS_KEY},
    {TC_RSA_2048, "SHA256", false, "30( 06:2a864886f70d01010c 05: )",
     TC_RSA_2048, 0, NOT_BY_THIS_KEY},
    {TC_RSA_2048, "SHA256", true, PSS(SHA256, SHA256, "a2( 02:1f )"),
     TC_RSA_2048, 0, NOT_BY_THIS_KEY},
    {TC_RSA_2048, "SHA256", true, PSS(SHA256, SHA256, SALT "a3( 02:02 )"),
     TC_RSA_2048, 0, NOT_BY_THIS_KEY},
    {TC_RSA_2048, "SHA256", true, PSS(SHA256, SHA256, "a2( 02:ff )"),
     TC_RSA_2048, 0, NOT_BY_THIS_KEY},
    {TC_RSA_2048, "SHA256", true, PSS(SHA256, SHA256, "a2( 02:7fffffffffff )"),
     TC_RSA_2048, 0, NOT_BY_THIS_KEY},
    {TC_EC_P256, "SHA256", false, "30( 06:2b6570 )", TC_EC_P256, 0,
     NOT_BY_THIS_KEY},
    {TC_ED25519, NULL, false, "30( 06:2b6571 )", TC_ED25519, 0,
     NOT_BY_THIS_KEY}, /* Ed448 */
};

static struct cm_crl_source *
open_row(size_t i, struct crl_fixture *fixture, int *fd)
{
    struct crlgen_spec *spec = &fixture->spec;
    struct cm_crl_source *source;

    spec->key = tc_key(rows[i].type, 0);
    spec->digest =
        rows[i].digest == NULL ? NULL : EVP_get_digestbyname(rows[i].digest);
    spec->pss = rows[i].pss;
    spec->algorithm = rows[i].algorithm;
    spec->entries = ENTRY("05");
    *fd = crlgen_file(spec);
    source = cm_crl_source_open(*fd, &fixture->detail);
    assert_non_null(source);
    return source;
}

static void
test_rows(void **state)
{
    struct cm_crl_source *source;
    struct crl_fixture fixture;
    const char *wanted;
    bool verified;
    int fd;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        crl_fixture_setup(&fixture);
        source = open_row(i, &fixture, &fd);
        verified = cm_crl_verify(
            source, tc_key(rows[i].other_type, rows[i].slot), &fixture.detail);
        wanted = rows[i].detail != NULL ? rows[i].detail : "";
        if (verified != (rows[i].detail == NULL) ||
            (!verified && strcmp(fixture.detail.text, wanted) != 0))
            fail_msg("row %zu: %s", i, fixture.detail.text);
        cm_crl_source_free(source);
        close(fd);
        crl_fixture_clear(&fixture);
    }
}

/* One source, several candidates, in any order and again. */
static void
test_several_keys(void **state)
{
    static const struct {
        enum tc_key_type type;
        unsigned slot;
        bool right;
    } tries[] = {
        {TC_EC_P256, 1, false},  {TC_EC_P256, 0, true},
        {TC_RSA_2048, 0, false}, {TC_EC_P256, 0, true},
        {TC_ED25519, 0, false},  {TC_EC_P256, 1, false},
    };
    struct cm_crl_source *source;
    struct crl_fixture fixture;
    int fd;

    (void)state;
    crl_fixture_setup(&fixture);
    fd = crlgen_file(&fixture.spec);
    source = cm_crl_source_open(fd, &fixture.detail);
    for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
        assert_int_equal(cm_crl_verify(source,
                                       tc_key(tries[i].type, tries[i].slot),
                                       &fixture.detail),
                         tries[i].right);
    cm_crl_source_free(source);
    close(fd);
    crl_fixture_clear(&fixture);
}

/* Several windows of bytes, for algorithms that take them piece by piece and
 * those that take them whole. */
static void
test_windows(void **state)
{
    static const enum tc_key_type types[] = {TC_RSA_2048, TC_ED25519};
    struct crlgen_series series = {.len = SERIAL, .mixed = true};
    struct cm_crl_source *source;
    struct crl_fixture fixture;
    int fd;

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        crl_fixture_setup(&fixture);
        fixture.spec.key = tc_key(types[i], 0);
        fixture.spec.count = LARGE;
        fixture.spec.entry = crlgen_series_entry;
        fixture.spec.context = &series;
        fd = crlgen_file(&fixture.spec);
        source = cm_crl_source_open(fd, &fixture.detail);
        assert_true(cm_crl_verify(source, fixture.spec.key, &fixture.detail));
        assert_false(
            cm_crl_verify(source, tc_key(types[i], 1), &fixture.detail));
        cm_crl_source_free(source);
        close(fd);
        crl_fixture_clear(&fixture);
    }
}

/* What does not read is not signed by anyone. */
static void
test_malformed(void **state)
{
    struct cm_crl_source *source;
    struct crl_fixture fixture;
    int fd;

    (void)state;
    crl_fixture_setup(&fixture);
    fixture.spec.entries = "30( 02:05 )";
    fd = crlgen_file(&fixture.spec);
    source = cm_crl_source_open(fd, &fixture.detail);
    assert_false(cm_crl_verify(source, fixture.key, &fixture.detail));
    assert_string_equal(fixture.detail.text,
                        "entry 1: revocationDate does not decode");
    cm_crl_source_free(source);
    close(fd);
    crl_fixture_clear(&fixture);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_several_keys),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
