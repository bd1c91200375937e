#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "decode.h"
#include "logon.h"
#include "strength.h"

#define SMARTCARD "1.3.6.1.4.1.311.20.2.2"
#define PKINIT "1.3.6.1.5.2.3.4"

enum {
    ALL = CM_PURPOSE_CLIENT_AUTH | CM_PURPOSE_SMARTCARD_LOGON |
          CM_PURPOSE_PKINIT_CLIENT
};

/* 2024-02-01T00:00:00Z and 2024-03-01T00:00:00Z */
static const int64_t first = 1706745600, last = 1709251200;
static const int64_t noon = 1707000000;

static void
validity_includes_both_ends(void **state)
{
    const struct tc_spec spec = {.subject = "CN=a",
                                 .not_before = "20240201000000Z",
                                 .not_after = "20240301000000Z"};
    const struct cm_logon_rules rules = {ALL, false, CM_MIN_RSA_BITS_DEFAULT};
    struct cm_certificate cert;
    struct cm_detail detail;

    (void)state;
    assert_int_equal(decode_spec(&spec, &cert, NULL), CM_OK);
    assert_int_equal(cm_logon_check(&cert, &rules, first - 1, &detail),
                     CM_CERT_VALIDITY);
    assert_string_equal(detail.text, "not valid yet");
    assert_int_equal(cm_logon_check(&cert, &rules, first, NULL), CM_OK);
    assert_int_equal(cm_logon_check(&cert, &rules, last, NULL), CM_OK);
    assert_int_equal(cm_logon_check(&cert, &rules, last + 1, &detail),
                     CM_CERT_VALIDITY);
    assert_string_equal(detail.text, "expired");
    assert_int_equal(cm_logon_check(&cert, &rules, INT64_MIN, NULL),
                     CM_CERT_VALIDITY);
    assert_int_equal(cm_logon_check(&cert, &rules, INT64_MAX, NULL),
                     CM_CERT_VALIDITY);
    cm_certificate_clear(&cert);
}

/* Ends before it begins: no moment is inside. */
static void
reversed_validity_refuses(void **state)
{
    const struct tc_spec spec = {.subject = "CN=a",
                                 .not_before = "20240301000000Z",
                                 .not_after = "20240201000000Z"};
    const struct cm_logon_rules rules = {ALL, false, CM_MIN_RSA_BITS_DEFAULT};
    struct cm_certificate cert;

    (void)state;
    assert_int_equal(decode_spec(&spec, &cert, NULL), CM_OK);
    for (int64_t now = first - 1; now <= last + 1; now += (last - first) / 4)
        assert_int_equal(cm_logon_check(&cert, &rules, now, NULL),
                         CM_CERT_VALIDITY);
    cm_certificate_clear(&cert);
}

static const struct {
    const char *name;
    const char *basic_constraints;
    const char *key_usage;
    const char *eku;
    unsigned purposes;
    bool required;
    enum cm_reason reason;
} purpose_cases[] = {
    {"nothing", NULL, NULL, NULL, ALL, false, CM_OK},
    {"nothing, but required", NULL, NULL, NULL, ALL, true,
     CM_CERT_KEY_PURPOSE},

    {"client-auth", NULL, NULL, "clientAuth", ALL, true, CM_OK},
    {"smartcard-logon", NULL, NULL, SMARTCARD, ALL, true, CM_OK},
    {"pkinit-client", NULL, NULL, PKINIT, ALL, true, CM_OK},
    {"one of several", NULL, NULL, "emailProtection,clientAuth", ALL, false,
     CM_OK},
    {"critical", NULL, NULL, "critical,clientAuth", ALL, false, CM_OK},

    {"server", NULL, NULL, "serverAuth", ALL, false, CM_CERT_KEY_PURPOSE},
    {"any", NULL, NULL, "2.5.29.37.0", ALL, false, CM_CERT_KEY_PURPOSE},
    {"any and client", NULL, NULL, "2.5.29.37.0,clientAuth", ALL, false,
     CM_OK},
    {"pkinit-kdc", NULL, NULL, "1.3.6.1.5.2.3.5", ALL, false,
     CM_CERT_KEY_PURPOSE},
    {"longer OID", NULL, NULL, "1.3.6.1.5.5.7.3.2.1", ALL, false,
     CM_CERT_KEY_PURPOSE},
    {"shorter OID", NULL, NULL, "1.3.6.1.5.5.7.3", ALL, false,
     CM_CERT_KEY_PURPOSE},

    {"client, wanted smartcard", NULL, NULL, "clientAuth",
     CM_PURPOSE_SMARTCARD_LOGON, false, CM_CERT_KEY_PURPOSE},
    {"pkinit, wanted others", NULL, NULL, PKINIT,
     CM_PURPOSE_SMARTCARD_LOGON | CM_PURPOSE_CLIENT_AUTH, false,
     CM_CERT_KEY_PURPOSE},
    {"smartcard, wanted smartcard", NULL, NULL, SMARTCARD,
     CM_PURPOSE_SMARTCARD_LOGON, false, CM_OK},
    {"no purpose wanted", NULL, NULL, "clientAuth," SMARTCARD "," PKINIT, 0,
     false, CM_CERT_KEY_PURPOSE},

    {"signing key", NULL, "digitalSignature", "clientAuth", ALL, false, CM_OK},
    {"critical usage", NULL, "critical,digitalSignature,keyEncipherment",
     "clientAuth", ALL, false, CM_OK},
    {"encryption key", NULL, "keyEncipherment", "clientAuth", ALL, false,
     CM_CERT_KEY_PURPOSE},
    {"only nonRepudiation", NULL, "nonRepudiation", "clientAuth", ALL, false,
     CM_CERT_KEY_PURPOSE},
    {"decipherOnly", NULL, "keyAgreement,decipherOnly", "clientAuth", ALL,
     false, CM_CERT_KEY_PURPOSE},

    {"not a CA", "CA:FALSE", NULL, NULL, ALL, false, CM_OK},
    {"CA", "critical,CA:TRUE", "digitalSignature,keyCertSign", "clientAuth",
     ALL, false, CM_CERT_KEY_PURPOSE},
    {"CA, not critical", "CA:TRUE", NULL, NULL, ALL, false,
     CM_CERT_KEY_PURPOSE},
};

static void
purposes_are_checked(void **state)
{
    struct cm_certificate cert;
    struct cm_detail detail;
    enum cm_reason reason;

    (void)state;
    for (size_t i = 0; i < sizeof(purpose_cases) / sizeof(purpose_cases[0]);
         i++) {
        const struct tc_spec spec = {.subject = "CN=a",
                                     .basic_constraints =
                                         purpose_cases[i].basic_constraints,
                                     .key_usage = purpose_cases[i].key_usage,
                                     .eku = purpose_cases[i].eku};
        const struct cm_logon_rules rules = {purpose_cases[i].purposes,
                                             purpose_cases[i].required,
                                             CM_MIN_RSA_BITS_DEFAULT};

        assert_int_equal(decode_spec(&spec, &cert, NULL), CM_OK);
        detail.text[0] = '\0';
        reason = cm_logon_check(&cert, &rules, noon, &detail);
        if (reason != purpose_cases[i].reason)
            fail_msg("%s: %s %s", purpose_cases[i].name,
                     cm_reason_token(reason), detail.text);
        assert_int_equal(detail.text[0] != '\0', reason != CM_OK);
        cm_certificate_clear(&cert);
    }
}

/* An extended key usage that names nothing allows nothing. */
static void
empty_purposes_refuse(void **state)
{
    const struct tc_spec spec = {
        .subject = "CN=a", .raw = {{.oid = "2.5.29.37", .value_hex = "3000"}}};
    const struct cm_logon_rules rules = {ALL, false, CM_MIN_RSA_BITS_DEFAULT};
    struct cm_certificate cert;

    (void)state;
    assert_int_equal(decode_spec(&spec, &cert, NULL), CM_OK);
    assert_int_equal(cm_logon_check(&cert, &rules, noon, NULL),
                     CM_CERT_KEY_PURPOSE);
    cm_certificate_clear(&cert);
}

static void
strength_is_checked(void **state)
{
    const struct cm_logon_rules rules = {ALL, false, CM_MIN_RSA_BITS_DEFAULT};
    const struct cm_logon_rules lax = {ALL, false, 1024};
    struct tc_spec spec = {.subject = "CN=a", .key = tc_key(TC_RSA_1024, 0)};
    struct cm_certificate cert;
    struct cm_detail detail;

    (void)state;
    assert_int_equal(decode_spec(&spec, &cert, NULL), CM_OK);
    assert_int_equal(cm_logon_check(&cert, &rules, noon, &detail),
                     CM_CERT_WEAK_CRYPTO);
    assert_int_equal(cm_logon_check(&cert, &lax, noon, &detail), CM_OK);
    cm_certificate_clear(&cert);

    spec.key = tc_key(TC_RSA_2048, 0);
    spec.digest = EVP_sha1();
    assert_int_equal(decode_spec(&spec, &cert, NULL), CM_OK);
    assert_int_equal(cm_logon_check(&cert, &lax, noon, &detail),
                     CM_CERT_WEAK_CRYPTO);
    cm_certificate_clear(&cert);
}

/* An algorithm that nobody knows is no reason not to decode, and no reason to
 * trust. */
static void
unknown_signature_refuses(void **state)
{
    static const uint8_t ecdsa_sha256[] = {0x2a, 0x86, 0x48, 0xce,
                                           0x3d, 0x04, 0x03, 0x02};
    const struct tc_spec spec = {.subject = "CN=a"};
    const struct cm_logon_rules rules = {ALL, false, CM_MIN_RSA_BITS_DEFAULT};
    X509 *x509 = tc_make(&spec);
    struct cm_certificate cert;
    uint8_t *der, *found;
    size_t len, patched = 0;

    (void)state;
    der = tc_der(x509, &len);
    while ((found = memmem(der, len, ecdsa_sha256, sizeof(ecdsa_sha256))) !=
           NULL) {
        found[sizeof(ecdsa_sha256) - 1] = 0x7f;
        patched++;
    }
    assert_int_equal(patched, 2);
    assert_int_equal(cm_certificate_decode(der, len, &cert, NULL), CM_OK);
    assert_int_equal(cm_logon_check(&cert, &rules, noon, NULL),
                     CM_CERT_WEAK_CRYPTO);
    cm_certificate_clear(&cert);
    free(der);
    X509_free(x509);
}

/* The first fault in the order of the contract is the reason. */
static void
order_of_reasons(void **state)
{
    const struct tc_spec spec = {.subject = "CN=a",
                                 .key = tc_key(TC_RSA_1024, 0),
                                 .not_after = "20240301000000Z",
                                 .eku = "serverAuth"};
    const struct cm_logon_rules rules = {ALL, false, CM_MIN_RSA_BITS_DEFAULT};
    struct cm_certificate cert;

    (void)state;
    assert_int_equal(decode_spec(&spec, &cert, NULL), CM_OK);
    assert_int_equal(cm_logon_check(&cert, &rules, last + 1, NULL),
                     CM_CERT_VALIDITY);
    assert_int_equal(cm_logon_check(&cert, &rules, last, NULL),
                     CM_CERT_KEY_PURPOSE);
    cm_certificate_clear(&cert);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(validity_includes_both_ends),
        cmocka_unit_test(reversed_validity_refuses),
        cmocka_unit_test(purposes_are_checked),
        cmocka_unit_test(empty_purposes_refuse),
        cmocka_unit_test(strength_is_checked),
        cmocka_unit_test(unknown_signature_refuses),
        cmocka_unit_test(order_of_reasons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
