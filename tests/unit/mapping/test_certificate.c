#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/sha.h>

#include "decode.h"

static void
assert_malformed(const uint8_t *der, size_t len, const char *name)
{
    static const struct cm_certificate zero;
    struct cm_certificate cert;
    struct cm_detail detail = {""};

    memset(&cert, 0x5a, sizeof(cert));
    if (cm_certificate_decode(der, len, &cert, &detail) != CM_CERT_MALFORMED)
        fail_msg("%s decoded", name);
    assert_memory_equal(&cert, &zero, sizeof(zero));
    expect_keyless(der, len, CM_CERT_MALFORMED, NULL);
    assert_string_not_equal(detail.text, "");
    assert_int_equal(ERR_peek_error(), 0);
}

/* A leaf with everything that a login reads. */
static X509 *
full_leaf(void)
{
    X509 *ca = tc_make_ca("DC=com,DC=example,CN=CA1", tc_key(TC_EC_P256, 1),
                          NULL, NULL);
    const struct tc_spec spec = {
        .subject = "DC=com,DC=example,OU=Users,CN=Alice",
        .issuer = ca,
        .issuer_key = tc_key(TC_EC_P256, 1),
        .serial_hex = "2B0000000011AC0000000012",
        .not_before = "20240201000000Z",
        .not_after = "20240301000000Z",
        .basic_constraints = "CA:FALSE",
        .key_usage = "critical,digitalSignature",
        .eku = "clientAuth,1.3.6.1.4.1.311.20.2.2",
        .san = "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:alice@example.com,"
               "email:alice@example.com,DNS:ws1.example.com",
        .policies = "1.2.3,2.16.840.1.101.3.2.1.3.13",
        .ski = "hash",
        .aki = "keyid",
        .sid = "S-1-5-21-11-22-33-1101"};
    X509 *leaf = tc_make(&spec);

    X509_free(ca);
    return leaf;
}

static void
fields_are_read(void **state)
{
    static const uint8_t serial[] = {0x2b, 0, 0, 0, 0, 0x11,
                                     0xac, 0, 0, 0, 0, 0x12};
    uint8_t sha1[SHA_DIGEST_LENGTH], sha256[SHA256_DIGEST_LENGTH];
    X509 *x509 = full_leaf();
    struct cm_certificate cert;
    struct cm_detail detail = {"old"};
    uint8_t *der;
    size_t len;

    (void)state;
    assert_int_equal(decode_x509(x509, &cert, &detail), CM_OK);
    assert_string_equal(detail.text, "");
    assert_int_equal(X509_cmp(cert.x509, x509), 0);
    der = tc_der(x509, &len);
    SHA1(der, len, sha1);
    SHA256(der, len, sha256);
    assert_memory_equal(cert.sha1, sha1, sizeof(sha1));
    assert_memory_equal(cert.sha256, sha256, sizeof(sha256));
    free(der);

    assert_string_equal(cert.subject, "DC=com,DC=example,OU=Users,CN=Alice");
    assert_string_equal(cert.issuer, "DC=com,DC=example,CN=CA1");
    assert_string_equal(cert.subject_rfc4514,
                        "CN=Alice,OU=Users,DC=example,DC=com");
    assert_string_equal(cert.issuer_rfc4514, "CN=CA1,DC=example,DC=com");
    assert_int_equal(cert.serial_len, sizeof(serial));
    assert_memory_equal(cert.serial, serial, sizeof(serial));
    assert_false(cert.serial_negative);
    assert_int_equal(cert.not_before, 1706745600);
    assert_int_equal(cert.not_after, 1709251200);
    assert_string_equal(cert.key_text, "EC P-256");

    assert_int_equal(cert.ski_len, SHA_DIGEST_LENGTH);
    assert_true(cert.ski_is_key_hash);
    assert_false(cert.is_ca);
    assert_true(cert.has_key_usage);
    assert_true(cert.digital_signature);
    assert_true(cert.has_eku);
    assert_int_equal(cert.eku.count, 2);
    assert_string_equal(cert.eku.items[0], "1.3.6.1.5.5.7.3.2");
    assert_string_equal(cert.eku.items[1], "1.3.6.1.4.1.311.20.2.2");
    assert_int_equal(cert.policies.count, 2);
    assert_string_equal(cert.policies.items[0], "1.2.3");
    assert_string_equal(cert.policies.items[1], "2.16.840.1.101.3.2.1.3.13");
    assert_string_equal(cert.upn, "alice@example.com");
    assert_int_equal(cert.rfc822.count, 1);
    assert_int_equal(cert.dns.count, 1);
    assert_int_equal(cert.sid_state, CM_PRESENT);
    assert_string_equal(cert.sid, "S-1-5-21-11-22-33-1101");
    cm_certificate_clear(&cert);
    X509_free(x509);
}

static void
absent_is_absent(void **state)
{
    const struct tc_spec spec = {.subject = "CN=a"};
    struct cm_certificate cert;

    (void)state;
    assert_int_equal(decode_spec(&spec, &cert, NULL), CM_OK);
    assert_int_equal(cert.ski_len, 0);
    assert_false(cert.ski_is_key_hash);
    assert_false(cert.is_ca);
    assert_false(cert.has_key_usage);
    assert_false(cert.digital_signature);
    assert_false(cert.has_eku);
    assert_int_equal(cert.eku.count, 0);
    assert_int_equal(cert.policies.count, 0);
    assert_int_equal(cert.upn_state, CM_ABSENT);
    assert_int_equal(cert.sid_state, CM_ABSENT);
    assert_int_equal(cert.sid_uri_state, CM_ABSENT);
    cm_certificate_clear(&cert);
    cm_certificate_clear(&cert); /* and again: harmless */
}

/* Every way of cutting it, and every way of adding to it. */
static void
exactly_one_certificate(void **state)
{
    X509 *x509 = full_leaf();
    size_t len;
    uint8_t *der = tc_der(x509, &len), *twice = malloc(2 * len + 1);

    (void)state;
    assert_non_null(twice);
    for (size_t cut = 0; cut < len; cut++)
        assert_malformed(der, cut, "cut");
    memcpy(twice, der, len);
    memcpy(twice + len, der, len);
    assert_malformed(twice, 2 * len, "two certificates");
    twice[len] = 0;
    assert_malformed(twice, len + 1, "a byte after");
    twice[0] = 0;
    memcpy(twice + 1, der, len);
    assert_malformed(twice, len + 1, "a byte before");
    assert_malformed((const uint8_t *)"-----BEGIN CERTIFICATE-----\n", 28,
                     "PEM");
    free(twice);
    free(der);
    X509_free(x509);
}

/* One octet changed anywhere: refused, or decoded without harm. */
static void
changed_octets(void **state)
{
    X509 *x509 = full_leaf();
    struct cm_certificate cert;
    struct cm_detail detail;
    size_t len;
    uint8_t *der = tc_der(x509, &len);
    enum cm_reason reason;

    (void)state;
    for (size_t i = 0; i < len; i++) {
        der[i] ^= 0x81;
        reason = cm_certificate_decode(der, len, &cert, &detail);
        assert_true(reason == CM_OK || reason == CM_CERT_MALFORMED);
        assert_int_equal(ERR_peek_error(), 0);
        expect_keyless(der, len, reason, &cert);
        cm_certificate_clear(&cert);
        der[i] ^= 0x81;
    }
    free(der);
    X509_free(x509);
}

/* BER that libcrypto itself takes. */
static void
only_der(void **state)
{
    const struct tc_spec spec = {.subject = "CN=a"};
    X509 *x509 = tc_make(&spec), *lax;
    size_t len;
    uint8_t *der = tc_der(x509, &len), *ber = malloc(len + 8);
    const unsigned char *p;

    (void)state;
    assert_non_null(ber);
    assert_int_equal(der[1], 0x82); /* two octets of length follow */

    /* Indefinite. */
    memcpy(ber, "\x30\x80", 2);
    memcpy(ber + 2, der + 4, len - 4);
    memcpy(ber + len - 2, "\0\0", 2);
    p = ber;
    lax = d2i_X509(NULL, &p, (long)len);
    assert_non_null(lax);
    X509_free(lax);
    assert_malformed(ber, len, "indefinite length");

    /* A length with a leading zero. */
    memcpy(ber, "\x30\x83\0", 3);
    memcpy(ber + 3, der + 2, len - 2);
    p = ber;
    lax = d2i_X509(NULL, &p, (long)len + 1);
    assert_non_null(lax);
    X509_free(lax);
    assert_malformed(ber, len + 1, "padded length");

    /* A signature whose unused bits are set. */
    p = ber;
    memcpy(ber, der, len);
    for (size_t i = len - 80; i < len; i++) {
        if (ber[i] == 0x03 && ber[i + 2] == 0x00 && ber[i + 3] == 0x30) {
            ber[i + 2] = 0x01;
            ber[len - 1] |= 0x01;
            break;
        }
    }
    lax = d2i_X509(NULL, &p, (long)len);
    assert_non_null(lax);
    X509_free(lax);
    assert_malformed(ber, len, "unused bits");

    free(ber);
    free(der);
    X509_free(x509);
}

/* The whole is too large, though every part of it is fine. */
static void
size_is_bounded(void **state)
{
    size_t room = CM_CERT_MAX_DER, hex_len = 2 * room + 32, len;
    char *hex = malloc(hex_len);
    struct tc_spec spec = {
        .subject = "CN=a",
        .raw = {{.oid = "1.3.6.1.4.1.99999.1", .value_hex = hex}}};
    struct cm_certificate cert;
    uint8_t *der;
    X509 *x509;

    (void)state;
    assert_non_null(hex);
    memset(hex, '0', hex_len);
    hex[2 * (room - 1024)] = '\0';
    assert_int_equal(decode_spec(&spec, &cert, NULL), CM_OK);
    cm_certificate_clear(&cert);

    hex[2 * (room - 1024)] = '0';
    hex[2 * room] = '\0';
    x509 = tc_make(&spec);
    der = tc_der(x509, &len);
    assert_malformed(der, len, "too large");
    free(der);
    free(hex);
    X509_free(x509);
}

static void
signature_algorithms_agree(void **state)
{
    static const uint8_t ecdsa_sha256[] = {0x2a, 0x86, 0x48, 0xce,
                                           0x3d, 0x04, 0x03, 0x02};
    const struct tc_spec spec = {.subject = "CN=a"};
    X509 *x509 = tc_make(&spec);
    size_t len;
    uint8_t *der = tc_der(x509, &len), *first, *second;

    (void)state;
    first = memmem(der, len, ecdsa_sha256, sizeof(ecdsa_sha256));
    assert_non_null(first);
    second = memmem(first + 1, len - (size_t)(first + 1 - der), ecdsa_sha256,
                    sizeof(ecdsa_sha256));
    assert_non_null(second);
    second[7] = 0x03; /* ecdsa-with-SHA384 */
    assert_malformed(der, len, "outer algorithm differs");
    second[7] = 0x02;
    first[7] = 0x03;
    assert_malformed(der, len, "inner algorithm differs");
    free(der);
    X509_free(x509);
}

static void
versions(void **state)
{
    const struct tc_spec plain = {.subject = "CN=a"};
    const struct tc_spec extended = {.subject = "CN=a", .ski = "hash"};
    X509 *a = tc_make(&plain), *b = tc_make(&extended);
    struct cm_certificate cert;

    (void)state;
    for (long version = X509_VERSION_1; version <= X509_VERSION_3 + 1;
         version++) {
        enum cm_reason bare, with;

        assert_true(X509_set_version(a, version) == 1 &&
                    X509_set_version(b, version) == 1 &&
                    i2d_re_X509_tbs(a, NULL) > 0 &&
                    i2d_re_X509_tbs(b, NULL) > 0);
        bare = decode_x509(a, &cert, NULL);
        cm_certificate_clear(&cert);
        with = decode_x509(b, &cert, NULL);
        cm_certificate_clear(&cert);
        assert_int_equal(bare,
                         version > X509_VERSION_3 ? CM_CERT_MALFORMED : CM_OK);
        assert_int_equal(with, version == X509_VERSION_3 ? CM_OK
                                                         : CM_CERT_MALFORMED);
    }
    X509_free(a);
    X509_free(b);
}

static const struct {
    const char *hex; /* content of the INTEGER */
    const char *magnitude;
    bool negative;
} serials[] = {
    {"01", "01", false},
    {"09", "09", false},
    {"00ff01", "ff01", false}, /* the sign octet is not of the value */
    {"010000", "010000", false},
    {"7f", "7f", false},
    {"00", "", false},
    {"ff", "01", true},
    {"80", "80", true},
    {"ff7f", "81", true},
    {"0102030405060708090a0b0c0d0e0f1011121314",
     "0102030405060708090a0b0c0d0e0f1011121314", false},
    {"00ff02030405060708090a0b0c0d0e0f1011121314",
     "ff02030405060708090a0b0c0d0e0f1011121314", false},
};

static void
serial_is_magnitude(void **state)
{
    struct cm_certificate cert;
    uint8_t *magnitude;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(serials) / sizeof(serials[0]); i++) {
        const struct tc_spec spec = {.subject = "CN=a",
                                     .serial_hex = serials[i].hex};

        assert_int_equal(decode_spec(&spec, &cert, NULL), CM_OK);
        magnitude = tc_hex(serials[i].magnitude, &len);
        assert_int_equal(cert.serial_len, len);
        assert_memory_equal(cert.serial, magnitude, len);
        assert_int_equal(cert.serial_negative, serials[i].negative);
        free(magnitude);
        cm_certificate_clear(&cert);
    }
}

static void
long_serial_refuses(void **state)
{
    static const char *const too_long[] = {
        "010102030405060708090a0b0c0d0e0f1011121314",
        "00ff0102030405060708090a0b0c0d0e0f1011121314",
        "800102030405060708090a0b0c0d0e0f1011121314",
    };
    struct cm_certificate cert;

    (void)state;
    for (size_t i = 0; i < sizeof(too_long) / sizeof(too_long[0]); i++) {
        const struct tc_spec spec = {.subject = "CN=a",
                                     .serial_hex = too_long[i]};

        assert_int_equal(decode_spec(&spec, &cert, NULL), CM_CERT_MALFORMED);
    }
}

static const struct {
    int type;
    const char *text;
    bool valid;
    int64_t seconds;
} times[] = {
    {V_ASN1_UTCTIME, "700101000000Z", true, 0},
    {V_ASN1_UTCTIME, "240201000000Z", true, 1706745600},
    {V_ASN1_UTCTIME, "491231235959Z", true, 2524607999},
    {V_ASN1_UTCTIME, "500101000000Z", true, -631152000}, /* 1950 */
    {V_ASN1_UTCTIME, "240229120000Z", true, 1709208000},
    {V_ASN1_GENERALIZEDTIME, "20240201000000Z", true, 1706745600},
    {V_ASN1_GENERALIZEDTIME, "20500101000000Z", true, 2524608000},
    {V_ASN1_GENERALIZEDTIME, "99991231235959Z", true, 253402300799},
    {V_ASN1_GENERALIZEDTIME, "19500101000000Z", true, -631152000},

    {V_ASN1_UTCTIME, "", false, 0},
    {V_ASN1_UTCTIME, "2402010000Z", false, 0}, /* without seconds */
    {V_ASN1_UTCTIME, "2402010000+0000", false, 0},
    {V_ASN1_UTCTIME, "240201000000", false, 0},
    {V_ASN1_UTCTIME, "240201000000+0000", false, 0},
    {V_ASN1_UTCTIME, "24020100000 Z", false, 0},
    {V_ASN1_UTCTIME, "240230000000Z", false, 0},
    {V_ASN1_UTCTIME, "241301000000Z", false, 0},
    {V_ASN1_UTCTIME, "240201240000Z", false, 0},
    {V_ASN1_UTCTIME, "240201006000Z", false, 0},
    {V_ASN1_UTCTIME, "aaaaaaaaaaaaa", false, 0},
    {V_ASN1_UTCTIME, "20240201000000Z", false, 0},
    {V_ASN1_GENERALIZEDTIME, "240201000000Z", false, 0},
    {V_ASN1_GENERALIZEDTIME, "20240201000000.5Z", false, 0},
    {V_ASN1_GENERALIZEDTIME, "20240201000000+0000", false, 0},
    {V_ASN1_GENERALIZEDTIME, "20240201000000", false, 0},
    {V_ASN1_GENERALIZEDTIME, "20230229000000Z", false, 0},
};

static void
set_time(ASN1_TIME *time, int type, const char *text)
{
    assert_int_equal(ASN1_STRING_set(time, text, (int)strlen(text)), 1);
    time->type = type;
}

static void
times_are_seconds(void **state)
{
    const struct tc_spec spec = {.subject = "CN=a"};
    X509 *x509 = tc_make(&spec);
    struct cm_certificate cert;
    enum cm_reason reason;

    (void)state;
    for (size_t i = 0; i < 2 * (sizeof(times) / sizeof(times[0])); i++) {
        size_t row = i / 2;
        ASN1_TIME *time =
            i % 2 == 0 ? X509_getm_notBefore(x509) : X509_getm_notAfter(x509);

        set_time(X509_getm_notBefore(x509), V_ASN1_UTCTIME, "200101000000Z");
        set_time(X509_getm_notAfter(x509), V_ASN1_UTCTIME, "400101000000Z");
        set_time(time, times[row].type, times[row].text);
        assert_true(i2d_re_X509_tbs(x509, NULL) > 0);
        reason = decode_x509(x509, &cert, NULL);
        if (reason != (times[row].valid ? CM_OK : CM_CERT_MALFORMED))
            fail_msg("%s: %s", times[row].text, cm_reason_token(reason));
        if (reason == CM_OK)
            assert_true((i % 2 == 0 ? cert.not_before : cert.not_after) ==
                        times[row].seconds);
        cm_certificate_clear(&cert);
    }
    X509_free(x509);
}

/* A name that has no text is not a malformed certificate. */
static void
names_without_text(void **state)
{
    const struct tc_spec spec = {.subject = "DC=com,CN=a\nb"};
    const struct tc_spec empty = {.subject = NULL};
    struct cm_certificate cert;

    (void)state;
    assert_int_equal(decode_spec(&spec, &cert, NULL), CM_OK);
    assert_null(cert.subject);
    assert_null(cert.issuer);
    assert_non_null(cert.subject_rfc4514);
    assert_null(strchr(cert.subject_rfc4514, '\n'));
    cm_certificate_clear(&cert);
    assert_int_equal(decode_spec(&empty, &cert, NULL), CM_OK);
    assert_string_equal(cert.subject_rfc4514, "");
    cm_certificate_clear(&cert);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_read),
        cmocka_unit_test(absent_is_absent),
        cmocka_unit_test(exactly_one_certificate),
        cmocka_unit_test(changed_octets),
        cmocka_unit_test(only_der),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(signature_algorithms_agree),
        cmocka_unit_test(versions),
        cmocka_unit_test(serial_is_magnitude),
        cmocka_unit_test(long_serial_refuses),
        cmocka_unit_test(times_are_seconds),
        cmocka_unit_test(names_without_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
