/*
 * What is decoded with the lean library context is what is decoded without
 * it, and it is not used where other implementations were chosen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/decoder.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include "certificate.h"
#include "lean.h"
#include "path.h"
#include "strength.h"
#include "testcert.h"

#define NOW 1800000000 /* 2027-01-15 */

static const enum tc_key_type types[] = {TC_RSA_2048, TC_RSA_1024, TC_EC_P256,
                                         TC_EC_P384, TC_ED25519};
enum { TYPES = sizeof(types) / sizeof(types[0]) };

/* OpenSSL from 3.2 on needs none. */
static OSSL_LIB_CTX *
hold_one(enum cm_lean which)
{
    OSSL_LIB_CTX *lean = cm_lean_hold(which);

    if (lean == NULL)
        skip();
    return lean;
}

static OSSL_LIB_CTX *
hold(void)
{
    return hold_one(CM_LEAN_LOGON);
}

static uint8_t *
make_leaf(EVP_PKEY *key, X509 *issuing, EVP_PKEY *issuer_key, size_t *len)
{
    struct tc_spec spec = {.subject = "DC=com,DC=example,CN=Alice",
                           .issuer = issuing,
                           .issuer_key = issuer_key,
                           .key = key,
                           .ski = "hash",
                           .aki = "keyid"};
    X509 *leaf = tc_make(&spec);
    uint8_t *der = tc_der(leaf, len);

    X509_free(leaf);
    return der;
}

static enum cm_reason
find(const struct cm_certificate *cert, X509 *issuing)
{
    struct cm_path_rules rules = {.now = NOW,
                                  .min_rsa_bits = CM_MIN_RSA_BITS_DEFAULT,
                                  .require_ntauth = true};
    struct cm_snapshot *snapshot =
        cm_snapshot_build(&issuing, 1, NULL, 0, &issuing, 1);
    enum cm_reason reason;
    struct cm_path path;

    assert_non_null(snapshot);
    reason =
        cm_path_find(snapshot, cert->x509, &rules, NULL, NULL, &path, NULL);
    cm_path_clear(&path);
    cm_snapshot_release(snapshot);
    return reason;
}

/* Both ways, and the same is found. */
static void
compare(OSSL_LIB_CTX *lean, const uint8_t *der, size_t len, X509 *issuing)
{
    struct cm_certificate a, b;

    assert_int_equal(cm_certificate_decode(der, len, &a, NULL), CM_OK);
    assert_int_equal(cm_certificate_decode_with(lean, der, len, &b, NULL),
                     CM_OK);
    assert_string_equal(a.key_text, b.key_text);
    assert_memory_equal(a.sha256, b.sha256, sizeof(a.sha256));
    assert_int_equal(a.ski_is_key_hash, b.ski_is_key_hash);
    assert_int_equal(X509_cmp(a.x509, b.x509), 0);
    assert_int_equal(cm_strength_key(a.x509, CM_MIN_RSA_BITS_DEFAULT, NULL),
                     cm_strength_key(b.x509, CM_MIN_RSA_BITS_DEFAULT, NULL));
    assert_int_equal(find(&a, issuing), find(&b, issuing));
    cm_certificate_clear(&a);
    cm_certificate_clear(&b);
}

static void
test_every_kind_of_key(void **state)
{
    OSSL_LIB_CTX *lean = hold();
    X509 *issuing;
    uint8_t *der;
    size_t len;

    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        issuing = tc_make_ca("CN=CA", tc_key(types[i], 1), NULL, NULL);
        for (size_t j = 0; j < TYPES; j++) {
            der = make_leaf(tc_key(types[j], 2), issuing, tc_key(types[i], 1),
                            &len);
            compare(lean, der, len, issuing);
            free(der);
        }
        X509_free(issuing);
    }
    cm_lean_release(lean);
}

static void
test_verdicts(void **state)
{
    OSSL_LIB_CTX *lean = hold();
    EVP_PKEY *key = tc_key(TC_RSA_2048, 1);
    X509 *issuing = tc_make_ca("CN=CA", key, NULL, NULL);
    struct cm_certificate cert;
    uint8_t *der;
    size_t len;

    (void)state;
    der = make_leaf(tc_key(TC_RSA_2048, 2), issuing, key, &len);
    assert_int_equal(cm_certificate_decode_with(lean, der, len, &cert, NULL),
                     CM_OK);
    assert_int_equal(find(&cert, issuing), CM_OK);
    cm_certificate_clear(&cert);
    der[len - 1] ^= 1; /* of the signature */
    assert_int_equal(cm_certificate_decode_with(lean, der, len, &cert, NULL),
                     CM_OK);
    assert_int_equal(find(&cert, issuing), CM_PATH_UNTRUSTED);
    cm_certificate_clear(&cert);
    assert_int_equal(
        cm_certificate_decode_with(lean, der, len - 1, &cert, NULL),
        CM_CERT_MALFORMED);
    free(der);
    X509_free(issuing);
    cm_lean_release(lean);
}

/* A key that no logon certificate may have is one that cannot be used. */
static void
test_other_keys(void **state)
{
    OSSL_LIB_CTX *lean = hold();
    EVP_PKEY *key = tc_key(TC_RSA_2048, 1);
    X509 *issuing = tc_make_ca("CN=CA", key, NULL, NULL);
    struct cm_certificate cert;
    uint8_t *der;
    size_t len;

    (void)state;
    der = make_leaf(tc_key(TC_DSA_2048, 2), issuing, key, &len);
    assert_int_equal(cm_certificate_decode_with(lean, der, len, &cert, NULL),
                     CM_OK);
    assert_false(cm_strength_key(cert.x509, CM_MIN_RSA_BITS_DEFAULT, NULL));
    assert_int_not_equal(find(&cert, issuing), CM_OK);
    cm_certificate_clear(&cert);
    free(der);
    X509_free(issuing);
    cm_lean_release(lean);
}

/* ---- for stock PKINIT ---- */

static EVP_PKEY *
make_key(const char *type, const char *group)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    if (group != NULL)
        assert_int_equal(EVP_PKEY_CTX_set_group_name(ctx, group), 1);
    assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* A public key's DER, decoded with what is this thread's default. */
static void
expect_same_key(OSSL_LIB_CTX *lean, EVP_PKEY *key)
{
    uint8_t *der = NULL;
    const uint8_t *next;
    OSSL_LIB_CTX *before;
    EVP_PKEY *found;
    int len = i2d_PUBKEY(key, &der);

    assert_true(len > 0);
    next = der;
    before = cm_lean_enter(lean);
    found = d2i_PUBKEY(NULL, &next, len);
    cm_lean_leave(before);
    assert_non_null(found);
    assert_int_equal(EVP_PKEY_eq(found, key), 1);
    EVP_PKEY_free(found);
    OPENSSL_free(der);
}

static void
test_stock_keys(void **state)
{
    static const struct {
        const char *type, *group;
    } rows[] = {{"RSA", NULL},     {"RSA-PSS", NULL},   {"EC", "P-256"},
                {"EC", "P-521"},   {"DH", "ffdhe2048"}, {"DHX", "modp_2048"},
                {"ED25519", NULL}, {"ED448", NULL},     {"EC", "secp256k1"}};
    OSSL_LIB_CTX *lean = hold_one(CM_LEAN_STOCK);
    EVP_PKEY *key;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        key = make_key(rows[i].type, rows[i].group);
        expect_same_key(lean, key);
        EVP_PKEY_free(key);
    }
    expect_same_key(lean, tc_key(TC_DSA_2048, 1));
    cm_lean_release(lean);
}

/* As stock reads the parameters of a key exchange. */
static void
expect_same_parameters(OSSL_LIB_CTX *lean, const char *type, const char *group)
{
    EVP_PKEY *key = make_key(type, group), *found = NULL;
    uint8_t *der = NULL;
    int len = i2d_KeyParams(key, &der);
    const uint8_t *next = der;
    size_t left = (size_t)len;
    OSSL_DECODER_CTX *ctx;
    OSSL_LIB_CTX *before;

    assert_true(len > 0);
    before = cm_lean_enter(lean);
    ctx = OSSL_DECODER_CTX_new_for_pkey(&found, "DER", "type-specific", type,
                                        EVP_PKEY_KEY_PARAMETERS, NULL, NULL);
    assert_int_equal(OSSL_DECODER_from_data(ctx, &next, &left), 1);
    cm_lean_leave(before);
    assert_int_equal(EVP_PKEY_parameters_eq(found, key), 1);
    OSSL_DECODER_CTX_free(ctx);
    EVP_PKEY_free(found);
    EVP_PKEY_free(key);
    OPENSSL_free(der);
}

static void
test_stock_parameters(void **state)
{
    OSSL_LIB_CTX *lean = hold_one(CM_LEAN_STOCK);

    (void)state;
    expect_same_parameters(lean, "DHX", "modp_2048");
    expect_same_parameters(lean, "DH", "ffdhe2048");
    expect_same_parameters(lean, "EC", "P-256");
    cm_lean_release(lean);
}

/* A key that was made with the one context signs, and a key that was decoded
 * with the other verifies, here and there. */
static void
expect_signature(OSSL_LIB_CTX *lean, EVP_PKEY *key, X509 *cert)
{
    static const uint8_t text[] = "to be signed";
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t signature[512];
    size_t len = sizeof(signature);
    OSSL_LIB_CTX *before = cm_lean_enter(lean);
    X509 *copy = X509_dup(cert);

    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key),
                     1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &len, text, sizeof(text)),
                     1);
    EVP_MD_CTX_reset(ctx);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL,
                                              X509_get0_pubkey(copy)),
                         1);
        assert_int_equal(
            EVP_DigestVerify(ctx, signature, len, text, sizeof(text)), 1);
        EVP_MD_CTX_reset(ctx);
        signature[len - 1] ^= 1;
        assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL,
                                              X509_get0_pubkey(copy)),
                         1);
        assert_int_not_equal(
            EVP_DigestVerify(ctx, signature, len, text, sizeof(text)), 1);
        EVP_MD_CTX_reset(ctx);
        signature[len - 1] ^= 1;
        cm_lean_leave(before); /* the second time without */
    }
    X509_free(copy);
    EVP_MD_CTX_free(ctx);
}

static void
test_stock_signatures(void **state)
{
    OSSL_LIB_CTX *lean = hold_one(CM_LEAN_STOCK);
    EVP_PKEY *keys[] = {tc_key(TC_RSA_2048, 1), tc_key(TC_EC_P256, 1)};
    X509 *cert;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        cert = tc_make_ca("CN=CA", keys[i], NULL, NULL);
        expect_signature(lean, keys[i], cert);
        X509_free(cert);
    }
    cm_lean_release(lean);
}

/* What else stock asks of libcrypto. */
static void
test_stock_algorithms(void **state)
{
    OSSL_LIB_CTX *lean = hold_one(CM_LEAN_STOCK);
    OSSL_LIB_CTX *before = cm_lean_enter(lean);
    uint8_t a[32] = {0}, b[32] = {0};
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SSKDF", NULL);
    EVP_MD *digest = EVP_MD_fetch(NULL, "SHA1", NULL);
    EVP_PKEY *mine = make_key("DHX", "modp_2048");
    EVP_PKEY *theirs = make_key("DHX", "modp_2048");
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(mine, NULL);

    (void)state;
    assert_non_null(cipher);
    assert_non_null(kdf);
    assert_non_null(digest);
    assert_int_equal(RAND_bytes(a, sizeof(a)), 1);
    assert_int_equal(RAND_bytes(b, sizeof(b)), 1);
    assert_memory_not_equal(a, b, sizeof(a));
    assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
    assert_int_equal(EVP_PKEY_derive_set_peer(ctx, theirs), 1);
    cm_lean_leave(before);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(mine);
    EVP_PKEY_free(theirs);
    EVP_MD_free(digest);
    EVP_KDF_free(kdf);
    EVP_CIPHER_free(cipher);
    cm_lean_release(lean);
}

static void
test_entering(void **state)
{
    OSSL_LIB_CTX *own = OSSL_LIB_CTX_set0_default(NULL);
    OSSL_LIB_CTX *lean = hold_one(CM_LEAN_STOCK), *first, *second;

    (void)state;
    assert_ptr_not_equal(lean, own);
    first = cm_lean_enter(NULL);
    assert_ptr_equal(OSSL_LIB_CTX_set0_default(NULL), own);
    cm_lean_leave(first);
    first = cm_lean_enter(lean);
    second = cm_lean_enter(lean); /* a call inside a call */
    assert_ptr_equal(OSSL_LIB_CTX_set0_default(NULL), lean);
    cm_lean_leave(second);
    assert_ptr_equal(OSSL_LIB_CTX_set0_default(NULL), lean);
    cm_lean_leave(first);
    assert_ptr_equal(OSSL_LIB_CTX_set0_default(NULL), own);
    cm_lean_release(lean);
}

static void
test_held_by_several(void **state)
{
    OSSL_LIB_CTX *lean = hold();
    OSSL_LIB_CTX *again = cm_lean_hold(CM_LEAN_LOGON);

    (void)state;
    assert_ptr_equal(lean, again);
    cm_lean_release(lean);
    test_verdicts(state);
    cm_lean_release(again);
    cm_lean_release(NULL);
    test_verdicts(state); /* and made anew */
}

static void
test_other_providers_are_respected(void **state)
{
    OSSL_PROVIDER *other;

    (void)state;
    cm_lean_release(hold());
    other = OSSL_PROVIDER_load(NULL, "null");
    assert_non_null(other);
    assert_null(cm_lean_hold(CM_LEAN_LOGON));
    assert_null(cm_lean_hold(CM_LEAN_STOCK));
    OSSL_PROVIDER_unload(other);
    other = OSSL_PROVIDER_load(NULL, "default");
    assert_non_null(other);
    assert_int_equal(EVP_default_properties_enable_fips(NULL, 1), 1);
    assert_null(cm_lean_hold(CM_LEAN_LOGON));
    assert_null(cm_lean_hold(CM_LEAN_STOCK));
    assert_int_equal(EVP_default_properties_enable_fips(NULL, 0), 1);
    cm_lean_release(hold());
    OSSL_PROVIDER_unload(other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_of_key),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_other_keys),
        cmocka_unit_test(test_stock_keys),
        cmocka_unit_test(test_stock_parameters),
        cmocka_unit_test(test_stock_signatures),
        cmocka_unit_test(test_stock_algorithms),
        cmocka_unit_test(test_entering),
        cmocka_unit_test(test_held_by_several),
        cmocka_unit_test(test_other_providers_are_respected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
