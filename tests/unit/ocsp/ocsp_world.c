#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "ocsp_world.h"
#include "testcert.h"

#define SIGNING "OCSPSigning"
#define DIGITAL "critical,digitalSignature"
#define A_CA "critical,CA:TRUE"
#define NOCHECK_OID "1.3.6.1.5.5.7.48.1.5"
/* clang-format off */
#define NOCHECK {NOCHECK_OID, 0, "0500"}
/* With a P-256 key; a delegate of the CA; one whose key is of another kind. */
#define EC(name, issuer, slot, ...)                                           \
    {name, issuer, slot, TC_EC_P256, {__VA_ARGS__}}
#define DELEGATE(name, ...)                                                   \
    EC(name, "ca", 4, .subject = "CN=OCSP", .eku = SIGNING, __VA_ARGS__)
#define OTHER(name, type, subject_name)                                       \
    {name, "ca", 0, type,                                                     \
     {.subject = subject_name, .eku = SIGNING, .raw = {NOCHECK}}}
/* clang-format on */

/* Key slots: 0 the root, 1 the CA, 2 another CA of its name, 3 a CA below, 4
 * the delegates, 5 and more everybody else. */
static const struct party {
    const char *name;
    const char *issuer; /* NULL: itself */
    unsigned slot;
    enum tc_key_type type;
    struct tc_spec spec;
} parties[] = {
    EC("root", NULL, 0, .subject = "CN=Root", .basic_constraints = A_CA),
    EC("ca", "root", 1, .subject = "CN=CA", .basic_constraints = A_CA),
    EC("namesake", "root", 2, .subject = "CN=CA", .basic_constraints = A_CA),
    EC("renamed", "root", 1, .subject = "CN=Renamed",
       .basic_constraints = A_CA),
    EC("sub-ca", "ca", 3, .subject = "CN=Sub", .basic_constraints = A_CA,
       .eku = SIGNING, .key_usage = "critical,digitalSignature,keyCertSign",
       .raw = {NOCHECK}),
    EC("card", "ca", 5, .subject = "CN=card", .serial_hex = "4711"),
    EC("other", "ca", 6, .subject = "CN=other", .serial_hex = "4712"),
    EC("card-of-renamed", "renamed", 5, .subject = "CN=card",
       .serial_hex = "4711"),
    DELEGATE("delegate", .key_usage = DIGITAL, .raw = {NOCHECK}),
    EC("delegate-2", "ca", 7, .subject = "CN=OCSP", .eku = SIGNING,
       .key_usage = DIGITAL, .raw = {NOCHECK}),
    DELEGATE("delegate-past", .raw = {NOCHECK},
             .not_after = "20240601000000Z"),
    DELEGATE("delegate-future", .raw = {NOCHECK},
             .not_before = "20240602000000Z"),
    DELEGATE("delegate-young", .raw = {NOCHECK},
             .not_before = "20240501000000Z"),
    DELEGATE("delegate-critical", .raw = {NOCHECK, {"1.2.3.4.5", 1, "0500"}}),
    DELEGATE("delegate-twice", .raw = {NOCHECK, NOCHECK}),
    DELEGATE("delegate-damaged", .raw = {NOCHECK, {"2.5.29.15", 1, "0500"}}),
    DELEGATE("delegate-proxy", .raw = {NOCHECK,
                                       {"1.3.6.1.5.5.7.1.14", 1,
                                        "300c300a06082b06010505071501"}}),
    DELEGATE("delegate-sha1", .raw = {NOCHECK}),
    DELEGATE("no-key-usage", .raw = {NOCHECK}),
    DELEGATE("wrong-key-usage", .raw = {NOCHECK},
             .key_usage = "critical,nonRepudiation"),
    EC("no-eku", "ca", 4, .subject = "CN=OCSP", .key_usage = DIGITAL,
       .raw = {NOCHECK}),
    EC("any-eku", "ca", 4, .subject = "CN=OCSP", .eku = "anyExtendedKeyUsage",
       .raw = {NOCHECK}),
    EC("more-eku", "ca", 4, .subject = "CN=OCSP", .eku = "clientAuth," SIGNING,
       .raw = {NOCHECK}),
    EC("second-hand", "delegate", 8, .subject = "CN=OCSP 2", .eku = SIGNING,
       .raw = {NOCHECK}),
    EC("of-sub-ca", "sub-ca", 8, .subject = "CN=OCSP 2", .eku = SIGNING,
       .raw = {NOCHECK}),
    EC("of-root", "root", 8, .subject = "CN=OCSP 2", .eku = SIGNING,
       .raw = {NOCHECK}),
    EC("of-namesake", "namesake", 8, .subject = "CN=OCSP 2", .eku = SIGNING,
       .raw = {NOCHECK}),
    EC("self-signed", NULL, 8, .subject = "CN=CA", .eku = SIGNING,
       .raw = {NOCHECK}),
    DELEGATE("checked", .key_usage = DIGITAL),
    DELEGATE("nocheck-critical", .raw = {{NOCHECK_OID, 1, "0500"}}),
    DELEGATE("nocheck-damaged", .raw = {{NOCHECK_OID, 0, "0101ff"}}),
    EC("responder", NULL, 9, .subject = "CN=Responder"),
    EC("responder-2", NULL, 10, .subject = "CN=Responder"),
    EC("responder-past", NULL, 9, .subject = "CN=Responder",
       .not_after = "20240601000000Z"),
    OTHER("rsa-2048", TC_RSA_2048, "CN=RSA"),
    OTHER("rsa-1024", TC_RSA_1024, "CN=RSA"),
    OTHER("p384", TC_EC_P384, "CN=P-384"),
    OTHER("ed25519", TC_ED25519, "CN=Ed25519"),
    OTHER("dsa", TC_DSA_2048, "CN=DSA"),
};
enum { PARTIES = sizeof(parties) / sizeof(parties[0]) };

static const char signed_with_sha1[] = "delegate-sha1";

static X509 *certs[PARTIES];

static size_t
find(const char *name)
{
    for (size_t i = 0; i < PARTIES; i++) {
        if (strcmp(parties[i].name, name) == 0)
            return i;
    }
    fail_msg("nobody is called %s", name);
    return 0;
}

X509 *
ocsp_world_cert(const char *name)
{
    X509 *cert = certs[find(name)];

    assert_non_null(cert);
    return cert;
}

EVP_PKEY *
ocsp_world_key(const char *name)
{
    const struct party *party = &parties[find(name)];

    return tc_key(party->type, party->slot);
}

/* Issuers stand above what they issue. */
int
ocsp_world_setup(void **state)
{
    struct tc_spec spec;

    (void)state;
    for (size_t i = 0; i < PARTIES; i++) {
        spec = parties[i].spec;
        spec.key = tc_key(parties[i].type, parties[i].slot);
        if (strcmp(parties[i].name, signed_with_sha1) == 0)
            spec.digest = EVP_sha1();
        if (parties[i].issuer != NULL) {
            spec.issuer = ocsp_world_cert(parties[i].issuer);
            spec.issuer_key = ocsp_world_key(parties[i].issuer);
        }
        certs[i] = tc_make(&spec);
    }
    return 0;
}

int
ocsp_world_teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < PARTIES; i++)
        X509_free(certs[i]);
    return 0;
}
