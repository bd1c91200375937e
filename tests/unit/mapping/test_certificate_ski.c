/*
 * Is a key identifier a hash of the certificate's own key?  The hashes are
 * computed here a second time, from the certificate's DER.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include <openssl/sha.h>

#include "decode.h"

enum input { BITS, SPKI };

/* One key identifier: `len` octets of a hash of `input`, from `offset`. */
static const struct row {
    const char *name;
    enum input input;
    unsigned char *(*hash)(const unsigned char *, size_t, unsigned char *);
    size_t offset, len;
    int first; /* replaces the first octet's high half; -1: as it is */
    bool expected;
} rows[] = {
    {"RFC 5280 method 1", BITS, SHA1, 0, 20, -1, true},
    {"RFC 5280 method 2", BITS, SHA1, 12, 8, 0x40, true},
    {"RFC 7093 method 1", BITS, SHA256, 0, 20, -1, true},
    {"RFC 7093 method 2", BITS, SHA384, 0, 20, -1, true},
    {"RFC 7093 method 3", BITS, SHA512, 0, 20, -1, true},
    {"RFC 7093 method 4, SHA-256", SPKI, SHA256, 0, 32, -1, true},
    {"RFC 7093 method 4, SHA-384", SPKI, SHA384, 0, 48, -1, true},
    {"RFC 7093 method 4, SHA-512", SPKI, SHA512, 0, 64, -1, true},
    {"RFC 7093 method 4, SHA-1", SPKI, SHA1, 0, 20, -1, true},
    {"SHA-256 of the SPKI, 160 bits", SPKI, SHA256, 0, 20, -1, true},
    {"SHA-384 of the SPKI, 160 bits", SPKI, SHA384, 0, 20, -1, true},
    {"SHA-512 of the SPKI, 160 bits", SPKI, SHA512, 0, 20, -1, true},

    {"method 2 without its type", BITS, SHA1, 12, 8, 0x50, false},
    {"method 2, high bits", BITS, SHA1, 0, 8, 0x40, false},
    {"method 2 of the SPKI", SPKI, SHA1, 12, 8, 0x40, false},
    {"rightmost 160 bits", BITS, SHA256, 12, 20, -1, false},
    {"19 octets", BITS, SHA1, 0, 19, -1, false},
    {"one octet", BITS, SHA1, 0, 1, -1, false},
    {"24 octets of SHA-256", SPKI, SHA256, 0, 24, -1, false},
    {"32 octets of SHA-512", SPKI, SHA512, 0, 32, -1, false},
    {"whole SHA-256 of the bits", BITS, SHA256, 0, 32, -1, false},
};

static void
hash_of(const struct row *row, uint8_t digest[SHA512_DIGEST_LENGTH])
{
    const struct tc_spec spec = {.subject = "CN=a"};
    X509 *cert = tc_make(&spec);
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(cert);
    unsigned char *spki = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);

    assert_true(len > 0);
    if (row->input == SPKI)
        row->hash(spki, (size_t)len, digest);
    else
        row->hash(ASN1_STRING_get0_data(bits),
                  (size_t)ASN1_STRING_length(bits), digest);
    OPENSSL_free(spki);
    X509_free(cert);
}

/* Decodes a certificate with these octets as its key identifier. */
static void
decode(const uint8_t *ski, size_t len, EVP_PKEY *key,
       struct cm_certificate *out)
{
    char hex[2 * 0x80 + 8];
    int n = snprintf(hex, sizeof(hex), "04%02zx", len);
    const struct tc_spec spec = {
        .subject = "CN=a",
        .key = key,
        .raw = {{.oid = "2.5.29.14", .value_hex = hex}}};

    assert_true(len < 0x80);
    for (size_t i = 0; i < len; i++)
        n += snprintf(hex + n, sizeof(hex) - (size_t)n, "%02x", ski[i]);
    assert_int_equal(decode_spec(&spec, out, NULL), CM_OK);
}

static void
hashes_are_recognised(void **state)
{
    uint8_t digest[SHA512_DIGEST_LENGTH], *ski;
    struct cm_certificate cert;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        hash_of(&rows[i], digest);
        ski = digest + rows[i].offset;
        if (rows[i].first >= 0)
            ski[0] = (uint8_t)(rows[i].first | (ski[0] & 0x0f));
        decode(ski, rows[i].len, NULL, &cert);
        assert_int_equal(cert.ski_len, rows[i].len);
        assert_memory_equal(cert.ski, ski, rows[i].len);
        if (cert.ski_is_key_hash != rows[i].expected)
            fail_msg("%s", rows[i].name);
        cm_certificate_clear(&cert);

        /* One bit off, and it is none. */
        ski[rows[i].len - 1] ^= 1;
        decode(ski, rows[i].len, NULL, &cert);
        assert_false(cert.ski_is_key_hash);
        cm_certificate_clear(&cert);
        ski[rows[i].len - 1] ^= 1;

        /* Of another's key. */
        decode(ski, rows[i].len, tc_key(TC_EC_P256, 7), &cert);
        assert_false(cert.ski_is_key_hash);
        cm_certificate_clear(&cert);
    }
}

static void
length_is_bounded(void **state)
{
    const uint8_t ski[CM_CERT_MAX_SKI + 1] = {1, 2, 3};
    struct cm_certificate cert;

    (void)state;
    decode(ski, CM_CERT_MAX_SKI, NULL, &cert);
    assert_int_equal(cert.ski_len, CM_CERT_MAX_SKI);
    assert_false(cert.ski_is_key_hash);
    cm_certificate_clear(&cert);
    for (size_t len = 0; len <= sizeof(ski); len += sizeof(ski)) {
        decode(ski, len, NULL, &cert);
        assert_int_equal(cert.ski_len, 0);
        assert_false(cert.ski_is_key_hash);
        cm_certificate_clear(&cert);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_recognised),
        cmocka_unit_test(length_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
