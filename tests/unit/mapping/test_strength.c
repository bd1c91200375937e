#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "derasm.h"
#include "strength.h"
#include "testcert.h"

static void
assert_key(EVP_PKEY *key, int min_rsa_bits, bool strong, const char *text)
{
    const struct tc_spec spec = {
        .subject = "CN=a", .issuer_key = tc_key(TC_EC_P256, 0), .key = key};
    X509 *cert = tc_make(&spec);
    struct cm_detail detail = {""};
    char *found = cm_strength_key_text(cert);

    assert_non_null(found);
    assert_string_equal(found, text);
    if (cm_strength_key(cert, min_rsa_bits, &detail) != strong)
        fail_msg("%s: %s", text, detail.text);
    assert_int_equal(detail.text[0] == '\0', strong);
    free(found);
    X509_free(cert);
}

static void
rsa_keys(void **state)
{
    EVP_PKEY *key = tc_key(TC_RSA_2048, 0);

    (void)state;
    assert_key(key, CM_MIN_RSA_BITS_DEFAULT, true, "RSA 2048");
    assert_key(key, 2049, false, "RSA 2048");
    assert_key(key, 3072, false, "RSA 2048");
    assert_key(tc_key(TC_RSA_1024, 0), CM_MIN_RSA_BITS_DEFAULT, false,
               "RSA 1024");
    assert_key(tc_key(TC_RSA_1024, 0), 1024, true, "RSA 1024");
}

static void
rsa_pss_keys(void **state)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    EVP_PKEY *key = NULL;

    (void)state;
    assert_true(EVP_PKEY_keygen_init(ctx) > 0 &&
                EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048) > 0 &&
                EVP_PKEY_keygen(ctx, &key) > 0);
    assert_key(key, 2048, true, "RSA-PSS 2048");
    assert_key(key, 3072, false, "RSA-PSS 2048");
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(ctx);
}

/* A certificate whose key is these bits, as if it had come so. */
static X509 *
with_key(const char *oid, const uint8_t *bits, size_t len)
{
    const struct tc_spec spec = {.subject = "CN=a"};
    X509 *cert = tc_make(&spec), *again;
    const unsigned char *p;
    uint8_t *der;

    assert_int_equal(X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(cert),
                                            OBJ_txt2obj(oid, 1), V_ASN1_NULL,
                                            NULL, OPENSSL_memdup(bits, len),
                                            (int)len),
                     1);
    assert_true(i2d_re_X509_tbs(cert, NULL) > 0);
    der = tc_der(cert, &len);
    p = der;
    again = d2i_X509(NULL, &p, (long)len);
    assert_non_null(again);
    free(der);
    X509_free(cert);
    return again;
}

/* More than libcrypto would verify with: refused before it is tried. */
static void
huge_rsa_key(void **state)
{
    static const uint8_t head[] = {0x30, 0x82, 0x10, 0x0a, 0x02,
                                   0x82, 0x10, 0x01, 0x00};
    static const uint8_t tail[] = {0x02, 0x03, 0x01, 0x00, 0x01};
    enum { MODULUS = 0x1000 };
    uint8_t bits[sizeof(head) + MODULUS + sizeof(tail)];
    struct cm_detail detail = {""};
    X509 *cert;
    char *text;

    (void)state;
    memcpy(bits, head, sizeof(head));
    memset(bits + sizeof(head), 0xff, MODULUS);
    memcpy(bits + sizeof(head) + MODULUS, tail, sizeof(tail));
    cert = with_key("1.2.840.113549.1.1.1", bits, sizeof(bits));
    text = cm_strength_key_text(cert);
    assert_string_equal(text, "RSA 32768");
    assert_false(cm_strength_key(cert, 2048, &detail));
    assert_non_null(strstr(detail.text, "32768"));
    free(text);
    X509_free(cert);
}

static const struct {
    const char *group;
    bool strong;
    const char *text;
} groups[] = {
    {"P-256", true, "EC P-256"},
    {"P-384", true, "EC P-384"},
    {"P-521", true, "EC P-521"},
    {"brainpoolP256r1", true, "EC brainpoolP256r1"},
    {"brainpoolP512t1", true, "EC brainpoolP512t1"},
    {"secp224r1", false, "EC secp224r1"},
    {"prime192v1", false, "EC prime192v1"},
    {"secp256k1", false, "EC secp256k1"},
    {"brainpoolP224r1", false, "EC brainpoolP224r1"},
    {"sect283k1", false, "EC sect283k1"},
};

static void
ec_keys(void **state)
{
    EVP_PKEY *key;

    (void)state;
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", groups[i].group);
        assert_non_null(key);
        assert_key(key, 2048, groups[i].strong, groups[i].text);
        EVP_PKEY_free(key);
    }
}

/* The curve's numbers instead of its name: P-256's own, and still not. */
static void
explicit_ec_parameters(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    (void)state;
    assert_non_null(key);
    assert_int_equal(EVP_PKEY_set_utf8_string_param(
                         key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"),
                     1);
    assert_key(key, 2048, false, "EC without a named curve");
    EVP_PKEY_free(key);
}

static void
other_keys(void **state)
{
    EVP_PKEY *ed448 = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
    EVP_PKEY *x25519 = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");

    (void)state;
    assert_key(tc_key(TC_ED25519, 0), 2048, true, "ED25519");
    assert_key(ed448, 2048, true, "ED448");
    assert_key(x25519, 2048, false, "X25519");
    assert_key(tc_key(TC_DSA_2048, 0), 2048, false, "dsaEncryption");
    EVP_PKEY_free(ed448);
    EVP_PKEY_free(x25519);
}

/* A key that libcrypto cannot decode, of a type that it knows and of one
 * that it does not. */
static void
undecodable_keys(void **state)
{
    static const struct {
        const char *oid;
        const char *text;
    } types[] = {{"1.2.840.113549.1.1.1", "rsaEncryption"},
                 {"1.2.840.10045.2.1", "EC without a named curve"},
                 {"1.3.6.1.4.1.99999.1", "1.3.6.1.4.1.99999.1"}};
    struct cm_detail detail;
    char *text;
    X509 *cert;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        cert = with_key(types[i].oid, (const uint8_t *)"junk", 4);
        text = cm_strength_key_text(cert);
        assert_string_equal(text, types[i].text);
        assert_false(cm_strength_key(cert, 0, &detail));
        free(text);
        X509_free(cert);
    }
}

static void
assert_signed(const struct tc_spec *spec, bool strong, const char *name)
{
    X509 *cert = tc_make(spec);
    struct cm_detail detail = {""};

    if (cm_strength_signature(cert, &detail) != strong)
        fail_msg("%s: %s", name, detail.text);
    assert_int_equal(detail.text[0] == '\0', strong);
    X509_free(cert);
}

static void
signatures(void **state)
{
    const struct {
        enum tc_key_type type;
        const EVP_MD *digest;
        bool strong;
        const char *name;
    } rows[] = {
        {TC_RSA_2048, EVP_sha256(), true, "RSA SHA-256"},
        {TC_RSA_2048, EVP_sha384(), true, "RSA SHA-384"},
        {TC_RSA_2048, EVP_sha512(), true, "RSA SHA-512"},
        {TC_RSA_2048, EVP_sha3_256(), true, "RSA SHA3-256"},
        {TC_RSA_2048, EVP_sha224(), false, "RSA SHA-224"},
        {TC_RSA_2048, EVP_sha1(), false, "RSA SHA-1"},
        {TC_RSA_2048, EVP_md5(), false, "RSA MD5"},
        {TC_EC_P256, EVP_sha256(), true, "ECDSA SHA-256"},
        {TC_EC_P384, EVP_sha384(), true, "ECDSA SHA-384"},
        {TC_EC_P256, EVP_sha1(), false, "ECDSA SHA-1"},
        {TC_EC_P256, EVP_sha224(), false, "ECDSA SHA-224"},
        {TC_ED25519, NULL, true, "Ed25519"},
        {TC_DSA_2048, EVP_sha256(), false, "DSA SHA-256"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct tc_spec spec = {.subject = "CN=a",
                                     .key = tc_key(rows[i].type, 0),
                                     .digest = rows[i].digest};

        assert_signed(&spec, rows[i].strong, rows[i].name);
    }
}

#define PSS "06:2a864886f70d01010a"
#define MGF1 "06:2a864886f70d010108"
#define SHA1 "06:2b0e03021a"
#define SHA256 "06:608648016503040201"
#define SHA384 "06:608648016503040202"
#define SHA3_256 "06:608648016503040208"
#define MD5 "06:2a864886f70d0205"

/* AlgorithmIdentifiers by themselves, as a CRL has them. */
static const struct {
    const char *name;
    const char *der;
    bool strong;
} algorithms[] = {
    {"sha256WithRSAEncryption", "30(06:2a864886f70d01010b 05:)", true},
    {"sha512WithRSAEncryption", "30(06:2a864886f70d01010d 05:)", true},
    {"ecdsa-with-SHA384", "30(06:2a8648ce3d040303)", true},
    {"Ed448", "30(06:2b6571)", true},
    {"sha1WithRSAEncryption", "30(06:2a864886f70d010105 05:)", false},
    {"md5WithRSAEncryption", "30(06:2a864886f70d010104 05:)", false},
    {"md2WithRSAEncryption", "30(06:2a864886f70d010102 05:)", false},
    {"rsaEncryption", "30(06:2a864886f70d010101 05:)", false},
    {"sha256 alone", "30(" SHA256 " 05:)", false},
    {"SM2 with SM3", "30(06:2a811ccf55018375)", false},
    {"unknown", "30(06:2b060104018d1f01)", false},

    {"PSS SHA-256",
     "30(" PSS " 30(a0(30(" SHA256 " 05:)) a1(30(" MGF1 " 30(" SHA256
     " 05:))) a2(02:20)))",
     true},
    {"PSS SHA-384 without parameters",
     "30(" PSS " 30(a0(30(" SHA384 ")) a1(30(" MGF1 " 30(" SHA384
     "))) a2(02:30)))",
     true},
    {"PSS SHA3-256",
     "30(" PSS " 30(a0(30(" SHA3_256 ")) a1(30(" MGF1 " 30(" SHA3_256
     "))) a2(02:20)))",
     true},
    {"PSS defaults are SHA-1", "30(" PSS " 30())", false},
    {"PSS without parameters", "30(" PSS ")", false},
    {"PSS null parameters", "30(" PSS " 05:)", false},
    {"PSS hash absent",
     "30(" PSS " 30(a1(30(" MGF1 " 30(" SHA256 " 05:))) a2(02:20)))", false},
    {"PSS mask absent", "30(" PSS " 30(a0(30(" SHA256 " 05:)) a2(02:20)))",
     false},
    {"PSS hash SHA-1",
     "30(" PSS " 30(a0(30(" SHA1 " 05:)) a1(30(" MGF1 " 30(" SHA256
     " 05:))) a2(02:20)))",
     false},
    {"PSS mask SHA-1",
     "30(" PSS " 30(a0(30(" SHA256 " 05:)) a1(30(" MGF1 " 30(" SHA1
     " 05:))) a2(02:20)))",
     false},
    {"PSS mask MD5",
     "30(" PSS " 30(a0(30(" SHA256 " 05:)) a1(30(" MGF1 " 30(" MD5
     " 05:))) a2(02:20)))",
     false},
    {"PSS mask without hash",
     "30(" PSS " 30(a0(30(" SHA256 " 05:)) a1(30(" MGF1 ")) a2(02:20)))",
     false},
    {"PSS mask not MGF1",
     "30(" PSS " 30(a0(30(" SHA256 " 05:)) a1(30(" SHA256 " 30(" SHA256
     " 05:))) a2(02:20)))",
     false},
    {"PSS junk", "30(" PSS " 30(04'x'))", false},
};

static void
bare_algorithms(void **state)
{
    struct cm_detail detail;
    const unsigned char *p;
    X509_ALGOR *algorithm;
    uint8_t *der;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        der = da_bytes(algorithms[i].der, &len);
        p = der;
        algorithm = d2i_X509_ALGOR(NULL, &p, (long)len);
        assert_non_null(algorithm);
        detail.text[0] = '\0';
        if (cm_strength_algorithm(algorithm, &detail) != algorithms[i].strong)
            fail_msg("%s: %s", algorithms[i].name, detail.text);
        assert_int_equal(detail.text[0] == '\0', algorithms[i].strong);
        X509_ALGOR_free(algorithm);
        free(der);
    }
}

/* What libcrypto itself writes for a PSS signature. */
static void
real_pss_signature(void **state)
{
    static const struct {
        const char *mask;
        bool strong;
    } rows[] = {{"SHA256", true}, {"SHA1", false}};
    const struct tc_spec spec = {.subject = "CN=a",
                                 .key = tc_key(TC_RSA_2048, 0)};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        X509 *cert = tc_make(&spec);
        EVP_PKEY_CTX *key;

        assert_true(
            EVP_DigestSignInit(ctx, &key, EVP_sha256(), NULL, spec.key) > 0 &&
            EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) > 0 &&
            EVP_PKEY_CTX_set_rsa_mgf1_md_name(key, rows[i].mask, NULL) > 0 &&
            X509_sign_ctx(cert, ctx) > 0);
        assert_int_equal(cm_strength_signature(cert, NULL), rows[i].strong);
        X509_free(cert);
        EVP_MD_CTX_free(ctx);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rsa_keys),
        cmocka_unit_test(rsa_pss_keys),
        cmocka_unit_test(huge_rsa_key),
        cmocka_unit_test(ec_keys),
        cmocka_unit_test(explicit_ec_parameters),
        cmocka_unit_test(other_keys),
        cmocka_unit_test(undecodable_keys),
        cmocka_unit_test(signatures),
        cmocka_unit_test(bare_algorithms),
        cmocka_unit_test(real_pss_signature),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
