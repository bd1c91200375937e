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

#include <openssl/evp.h>
#include <openssl/provider.h>

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
hold(void)
{
    OSSL_LIB_CTX *lean = cm_lean_hold();

    if (lean == NULL)
        skip();
    return lean;
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

static void
test_held_by_several(void **state)
{
    OSSL_LIB_CTX *lean = hold();
    OSSL_LIB_CTX *again = cm_lean_hold();

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
    assert_null(cm_lean_hold());
    OSSL_PROVIDER_unload(other);
    other = OSSL_PROVIDER_load(NULL, "default");
    assert_non_null(other);
    assert_int_equal(EVP_default_properties_enable_fips(NULL, 1), 1);
    assert_null(cm_lean_hold());
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
        cmocka_unit_test(test_held_by_several),
        cmocka_unit_test(test_other_providers_are_respected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
