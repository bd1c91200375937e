/*
 * Who may sign an OCSP response, as a table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ocsp_rows.h"

static const struct row signers[] = {
    {"CA by name", SAYS({.status = TO_GOOD}), GOOD},
    {"CA by key", SAYS({.status = TO_GOOD}), GOOD, .by_key = true},
    {"CA's certificate sent along", .certs = "ca", SAYS({.status = TO_GOOD}),
     GOOD},
    {"CA named, another key", "delegate", .named = "ca",
     SAYS({.status = TO_GOOD}), REFUSED("the signature does not fit")},
    {"CA's key, another name", .named = "other", SAYS({.status = TO_GOOD}),
     REFUSED("nobody who may speak")},
    {"CA's key, another key hash", .named = "other", .by_key = true,
     SAYS({.status = TO_GOOD}), REFUSED("nobody who may speak")},
    {"key hash of another length", .responder_id = "a2(04:0102)",
     SAYS({.status = TO_GOOD}), REFUSED("nobody who may speak")},
    {"empty key hash", .responder_id = "a2(04:)", SAYS({.status = TO_GOOD}),
     REFUSED("nobody who may speak")},
    {"another CA of that name", "namesake", .certs = "namesake",
     SAYS({.status = TO_GOOD}), REFUSED("its extended key usage")},
    {"the CA above", "root", .certs = "root", SAYS({.status = TO_GOOD}),
     REFUSED("its extended key usage")},
    {"the certificate itself", "card", SAYS({.status = TO_GOOD}),
     REFUSED("its extended key usage")},
    {"a card of the CA", "other", SAYS({.status = TO_GOOD}),
     REFUSED("its extended key usage")},

    {"delegate by name", "delegate", SAYS({.status = TO_GOOD}), GOOD},
    {"delegate by key", "delegate", SAYS({.status = TO_GOOD}), GOOD,
     .by_key = true},
    {"delegate, revoked", "delegate", SAYS({.status = TO_REVOKED}), REVOKED},
    {"delegate among others", "delegate", .certs = "card other delegate root",
     SAYS({.status = TO_GOOD}), GOOD},
    {"delegates of one name", "delegate",
     .certs = "delegate-2 delegate-past delegate delegate-2",
     SAYS({.status = TO_GOOD}), GOOD},
    {"delegate sent 16 times", "delegate", SAYS({.status = TO_GOOD}), GOOD,
     .repeat_certs = CM_OCSP_MAX_CERTIFICATES - 1},
    {"delegate sent 17 times", "delegate", SAYS({.status = TO_GOOD}),
     REFUSED("has too many certificates"),
     .repeat_certs = CM_OCSP_MAX_CERTIFICATES},
    {"delegate not sent", "delegate", .certs = "", SAYS({.status = TO_GOOD}),
     REFUSED("nobody who may speak")},
    {"delegate, another one's key", "delegate-2", .named = "delegate",
     .certs = "delegate", SAYS({.status = TO_GOOD}),
     REFUSED("the signature does not fit")},
    {"without key usage", "no-key-usage", SAYS({.status = TO_GOOD}), GOOD},
    {"key usage without digitalSignature", "wrong-key-usage",
     SAYS({.status = TO_GOOD}), REFUSED("its key usage")},
    {"without extended key usage", "no-eku", SAYS({.status = TO_GOOD}),
     REFUSED("its extended key usage")},
    {"any extended key usage", "any-eku", SAYS({.status = TO_GOOD}),
     REFUSED("its extended key usage")},
    {"several extended key usages", "more-eku", SAYS({.status = TO_GOOD}),
     GOOD},
    {"a CA with OCSP signing", "sub-ca", SAYS({.status = TO_GOOD}),
     REFUSED("it is a CA")},
    {"delegate of a delegate", "second-hand", .certs = "second-hand delegate",
     SAYS({.status = TO_GOOD}), REFUSED("another CA issued it")},
    {"delegate of a CA below", "of-sub-ca", .certs = "of-sub-ca sub-ca",
     SAYS({.status = TO_GOOD}), REFUSED("another CA issued it")},
    {"delegate of the CA above", "of-root", .certs = "of-root root",
     SAYS({.status = TO_GOOD}), REFUSED("another CA issued it")},
    {"delegate of a CA of that name", "of-namesake",
     .certs = "of-namesake namesake", SAYS({.status = TO_GOOD}),
     REFUSED("the issuing key did not sign it")},
    {"self-signed of the CA's name", "self-signed", SAYS({.status = TO_GOOD}),
     REFUSED("the issuing key did not sign it")},
    {"expired delegate", "delegate-past", SAYS({.status = TO_GOOD}),
     REFUSED("outside its validity")},
    {"expired delegate, when it was not", "delegate-past",
     SAYS({.status = TO_GOOD}), REFUSED("outside its validity"),
     .produced = -400 * DAY},
    {"future delegate", "delegate-future", SAYS({.status = TO_GOOD}),
     REFUSED("outside its validity")},
    {"before the delegate was", "delegate-young", SAYS({.status = TO_GOOD}),
     REFUSED("produced outside its validity"), .produced = -200 * DAY},
    {"young delegate", "delegate-young", SAYS({.status = TO_GOOD}), GOOD},
    {"unknown critical extension", "delegate-critical",
     SAYS({.status = TO_GOOD}), REFUSED("unknown critical extension")},
    {"an extension twice", "delegate-twice", SAYS({.status = TO_GOOD}),
     REFUSED("OCSP signer: has an extension twice")},
    {"an extension that does not decode", "delegate-damaged",
     SAYS({.status = TO_GOOD}), REFUSED("an extension does not decode")},
    {"a proxy certificate", "delegate-proxy", SAYS({.status = TO_GOOD}),
     REFUSED("it is a proxy certificate")},

    /* The delegate's own status. */
    {"nocheck is not asked about", "delegate", SAYS({.status = TO_GOOD}), GOOD,
     .ask = SAYS_REVOKED},
    {"critical nocheck", "nocheck-critical", SAYS({.status = TO_GOOD}), GOOD},
    {"nocheck of another value", "nocheck-damaged", SAYS({.status = TO_GOOD}),
     REFUSED("its own status is not known")},
    {"to be checked, nobody to ask", "checked", SAYS({.status = TO_GOOD}),
     REFUSED("its own status is not known")},
    {"to be checked, good", "checked", SAYS({.status = TO_GOOD}), GOOD,
     .ask = SAYS_GOOD},
    {"to be checked, stale", "checked", SAYS({.status = TO_GOOD}),
     REFUSED("nothing current"), .ask = SAYS_STALE},
    {"to be checked, unknown", "checked", SAYS({.status = TO_GOOD}),
     REFUSED("nothing current"), .ask = SAYS_UNKNOWN},
    {"to be checked, revoked", "checked", SAYS({.status = TO_GOOD}),
     REFUSED("it is revoked"), .ask = SAYS_REVOKED},
    {"says revoked, is revoked", "checked", SAYS({.status = TO_REVOKED}),
     REFUSED("it is revoked"), .ask = SAYS_REVOKED},

    /* Configured responders. */
    {"configured", "responder", .certs = "", .configured = "responder",
     SAYS({.status = TO_GOOD}), GOOD},
    {"configured, by key", "responder", .certs = "", .configured = "responder",
     SAYS({.status = TO_GOOD}), GOOD, .by_key = true},
    {"configured among others", "responder", .certs = "",
     .configured = "namesake responder delegate", SAYS({.status = TO_GOOD}),
     GOOD},
    {"configured, revoked", "responder", .configured = "responder",
     SAYS({.status = TO_REVOKED}), REVOKED},
    {"not configured", "responder", SAYS({.status = TO_GOOD}),
     REFUSED("its extended key usage")},
    {"another one configured", "responder", .configured = "delegate-2",
     SAYS({.status = TO_GOOD}), REFUSED("its extended key usage")},
    {"configured by name alone", "responder-2", .named = "responder",
     .certs = "responder-2", .configured = "responder",
     SAYS({.status = TO_GOOD}), REFUSED("OCSP signer: ")},
    {"configured and expired", "responder-past",
     .configured = "responder-past", SAYS({.status = TO_GOOD}),
     REFUSED("outside its validity")},
    {"configured delegate not sent", "checked", .certs = "",
     .configured = "checked", SAYS({.status = TO_GOOD}), GOOD},
    {"configured and below the floor", "rsa-1024", .configured = "rsa-1024",
     SAYS({.status = TO_GOOD}),
     REFUSED("below the floor: RSA key of 1024 bits")},
    {"CA, with others configured", .configured = "responder",
     SAYS({.status = TO_GOOD}), GOOD},

    /* Algorithms. */
    {"RSA", "rsa-2048", SAYS({.status = TO_GOOD}), GOOD},
    {"RSA, SHA-512", "rsa-2048", SAYS({.status = TO_GOOD}), GOOD,
     .digest = EVP_sha512},
    {"RSA, SHA-1", "rsa-2048", SAYS({.status = TO_GOOD}),
     REFUSED("below the floor: signature algorithm"), .digest = EVP_sha1},
    {"RSA, MD5", "rsa-2048", SAYS({.status = TO_GOOD}),
     REFUSED("below the floor: signature algorithm"), .digest = EVP_md5},
    {"RSASSA-PSS", "rsa-2048", SAYS({.status = TO_GOOD}), GOOD, .pss = true},
    {"RSASSA-PSS, SHA-1", "rsa-2048", SAYS({.status = TO_GOOD}),
     REFUSED("below the floor: signature algorithm"), .pss = true,
     .digest = EVP_sha1},
    {"RSA of 1024 bits", "rsa-1024", SAYS({.status = TO_GOOD}),
     REFUSED("below the floor: RSA key of 1024 bits")},
    {"P-384", "p384", SAYS({.status = TO_GOOD}), GOOD, .digest = EVP_sha384},
    {"P-256, SHA-1", "delegate", SAYS({.status = TO_GOOD}),
     REFUSED("below the floor: signature algorithm"), .digest = EVP_sha1},
    {"Ed25519", "ed25519", SAYS({.status = TO_GOOD}), GOOD},
    {"DSA", "dsa", SAYS({.status = TO_GOOD}),
     REFUSED("below the floor: public key")},
    {"delegate's certificate signed with SHA-1", "delegate-sha1",
     SAYS({.status = TO_GOOD}),
     REFUSED("below the floor: signature algorithm")},
    {"CA with SHA-1", .digest = EVP_sha1, SAYS({.status = TO_GOOD}),
     REFUSED("below the floor: signature algorithm")},
};

static void
test_signers(void **state)
{
    (void)state;
    ocsp_rows_check(signers, sizeof(signers) / sizeof(signers[0]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signers),
    };

    return cmocka_run_group_tests(tests, ocsp_world_setup,
                                  ocsp_world_teardown);
}
