/*
 * The certificates of a row, made at test time.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "buf.h"
#include "case_fixture.h"
#include "testcert.h"

#define SID_EXTENSION "1.3.6.1.4.1.311.25.2"
#define SID_INNER "060a2b060104018237190201"
#define SAN_EXTENSION "2.5.29.17"

enum { CA_COUNT = 3, SLOT_LEAF = 10 };

static X509 *cas[CA_COUNT];

X509 *
case_ca(enum case_issuer which)
{
    static const char *const names[CA_COUNT] = {
        [CASE_CA1] = MAP_CA1,
        [CASE_CA2] = MAP_CA2,
        [CASE_CA1_NAMESAKE] = MAP_CA1,
    };

    if (cas[which] == NULL)
        cas[which] = tc_make_ca(
            names[which], tc_key(TC_EC_P256, (unsigned)which), NULL, NULL);
    return cas[which];
}

void
case_free_cas(void)
{
    size_t i;

    for (i = 0; i < CA_COUNT; i++) {
        X509_free(cas[i]);
        cas[i] = NULL;
    }
}

/* Absent where the row says so, else the row's or the fixture's. */
static const char *
choose(const char *row, const char *fixture)
{
    if (row == NULL)
        return fixture;
    return strcmp(row, CASE_ABSENT) == 0 ? NULL : row;
}

/* The content of a SID extension that is right but for being critical. */
static char *
sid_content(const char *sid)
{
    struct cm_buf buf = CM_BUF_INIT;
    size_t len = strlen(sid);
    char *hex;

    assert_true(len < 80);
    cm_buf_addf(&buf, "30%02zxa0%02zx" SID_INNER "a0%02zx04%02zx", len + 18,
                len + 16, len + 2, len);
    cm_buf_add_hex(&buf, (const uint8_t *)sid, len);
    hex = cm_buf_take(&buf);
    assert_non_null(hex);
    return hex;
}

static void
add_raw(struct tc_spec *spec, const char *oid, bool critical, const char *hex)
{
    size_t i = 0;

    while (spec->raw[i].oid != NULL)
        i++;
    assert_true(i < TC_MAX_RAW);
    spec->raw[i].oid = oid;
    spec->raw[i].critical = critical;
    spec->raw[i].value_hex = hex;
}

X509 *
case_make_cert(const struct case_cert *row)
{
    struct tc_spec spec = {
        .subject = row->subject != NULL ? row->subject : MAP_ALICE_DN,
        .issuer = case_ca(row->issuer),
        .issuer_key = tc_key(TC_EC_P256, (unsigned)row->issuer),
        .key = tc_key(TC_EC_P256, SLOT_LEAF),
        .serial_hex =
            row->serial != NULL ? row->serial : "2B0000000011AC0000000012",
        .not_before =
            row->not_before != NULL ? row->not_before : "20240201000000Z",
        .key_usage = "critical,digitalSignature",
        .eku = "clientAuth",
        .ski = choose(row->ski, "0102030405060708090a0b0c0d0e0f1011121314"),
        .policies = row->policies,
    };
    char *sid = NULL;
    X509 *cert;

    if (row->san_hex != NULL)
        add_raw(&spec, SAN_EXTENSION, false, row->san_hex);
    else
        spec.san = choose(row->san, SAN_UPN("alice@example.com"));
    if (row->sid_hex != NULL)
        add_raw(&spec, SID_EXTENSION, false, row->sid_hex);
    else if (row->sid_critical)
        add_raw(&spec, SID_EXTENSION, true, sid = sid_content(row->sid));
    else
        spec.sid = row->sid;

    cert = tc_make(&spec);
    free(sid);
    return cert;
}

static void
to_hex(const uint8_t *bytes, size_t len, char *out, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    size_t i;

    assert_true(2 * len < size);
    for (i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

static void
hash_certificate(const X509 *cert, const EVP_MD *md, char *out, size_t size)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    assert_int_equal(X509_digest(cert, md, digest, &len), 1);
    to_hex(digest, len, out, size);
}

void
case_hash(const X509 *cert, struct case_hashes *out)
{
    X509 *copy = X509_dup(cert); /* looking at extensions fills a cache */
    const ASN1_OCTET_STRING *ski;
    uint8_t digest[EVP_MAX_MD_SIZE], *spki = NULL;
    unsigned len = 0;
    int spki_len;

    assert_non_null(copy);
    memset(out, 0, sizeof(*out));
    hash_certificate(cert, EVP_sha1(), out->sha1, sizeof(out->sha1));
    hash_certificate(cert, EVP_sha256(), out->sha256, sizeof(out->sha256));
    hash_certificate(case_ca(CASE_CA1), EVP_sha1(), out->ca1_sha1,
                     sizeof(out->ca1_sha1));
    hash_certificate(case_ca(CASE_CA1), EVP_sha256(), out->ca1_sha256,
                     sizeof(out->ca1_sha256));

    assert_int_equal(X509_pubkey_digest(copy, EVP_sha1(), digest, &len), 1);
    to_hex(digest, len, out->key_sha1, sizeof(out->key_sha1));
    spki_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(copy), &spki);
    assert_true(spki_len > 0);
    assert_int_equal(
        EVP_Digest(spki, (size_t)spki_len, digest, &len, EVP_sha1(), NULL), 1);
    to_hex(digest, len, out->spki_sha1, sizeof(out->spki_sha1));
    ski = X509_get0_subject_key_id(copy);
    if (ski != NULL)
        to_hex(ASN1_STRING_get0_data(ski), (size_t)ASN1_STRING_length(ski),
               out->ski, sizeof(out->ski));
    OPENSSL_free(spki);
    X509_free(copy);
}
