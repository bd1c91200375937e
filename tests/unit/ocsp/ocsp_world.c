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
    {"root",
     NULL,
     0,
     TC_EC_P256,
     {.subject = "CN=Root", .basic_constraints = A_CA}},
    {"ca",
     "root",
     1,
     TC_EC_P256,
     {.subject = "CN=CA", .basic_constraints = A_CA}},
    {"namesake",
     "root",
     2,
     TC_EC_P256,
     {.subject = "CN=CA", .basic_constraints = A_CA}},
    {"renamed",
     "root",
     1,
     TC_EC_P256,
     {.subject = "CN=Renamed", .basic_constraints = A_CA}},
    {"sub-ca",
     "ca",
     3,
     TC_EC_P256,
     {.subject = "CN=Sub",
      .basic_constraints = A_CA,
      .eku = SIGNING,
      .key_usage = "critical,digitalSignature,keyCertSign",
      .raw = {NOCHECK}}},
    {"card",
     "ca",
     5,
     TC_EC_P256,
     {.subject = "CN=card", .serial_hex = "4711"}},
    {"other",
     "ca",
     6,
     TC_EC_P256,
     {.subject = "CN=other", .serial_hex = "4712"}},
    {"card-of-renamed",
     "renamed",
     5,
     TC_EC_P256,
     {.subject = "CN=card", .serial_hex = "4711"}},

    {"delegate",
     "ca",
     4,
     TC_EC_P256,
     {.subject = "CN=OCSP",
      .eku = SIGNING,
      .key_usage = DIGITAL,
      .raw = {NOCHECK}}},
    {"delegate-2",
     "ca",
     7,
     TC_EC_P256,
     {.subject = "CN=OCSP",
      .eku = SIGNING,
      .key_usage = DIGITAL,
      .raw = {NOCHECK}}},
    {"delegate-past",
     "ca",
     4,
     TC_EC_P256,
     {.subject = "CN=OCSP",
      .eku = SIGNING,
      .raw = {NOCHECK},
      .not_after = "20240601000000Z"}},
    {"delegate-future",
     "ca",
     4,
     TC_EC_P256,
     {.subject = "CN=OCSP",
      .eku = SIGNING,
      .raw = {NOCHECK},
      .not_before = "20240602000000Z"}},
    {"delegate-young",
     "ca",
     4,
     TC_EC_P256,
     {.subject = "CN=OCSP",
      .eku = SIGNING,
      .raw = {NOCHECK},
      .not_before = "20240501000000Z"}},
    {"delegate-critical",
     "ca",
     4,
     TC_EC_P256,
     {.subject = "CN=OCSP",
      .eku = SIGNING,
      .raw = {NOCHECK, {"1.2.3.4.5", 1, "0500"}}}},
    {"delegate-twice",
     "ca",
     4,
     TC_EC_P256,
     {.subject = "CN=OCSP", .eku = SIGNING, .raw = {NOCHECK, NOCHECK}}},
    {"delegate-damaged",
     "ca",
     4,
     TC_EC_P256,
     {.subject = "CN=OCSP",
      .eku = SIGNING,
      .raw = {NOCHECK, {"2.5.29.15", 1, "0500"}}}},
    {"delegate-proxy",
     "ca",
     4,
     TC_EC_P256,
     {.subject = "CN=OCSP",
      .eku = SIGNING,
      .raw = {NOCHECK,
              {"1.3.6.1.5.5.7.1.14", 1, "300c300a06082b06010505071501"}}}},
    {"delegate-sha1",
     "ca",
     4,
     TC_EC_P256,
     {.subject = "CN=OCSP", .eku = SIGNING, .raw = {NOCHECK}}},
    {"no-key-usage",
     "ca",
     4,
     TC_EC_P256,
     {.subject = "CN=OCSP", .eku = SIGNING, .raw = {NOCHECK}}},
    {"wrong-key-usage",
     "ca",
     4,
     TC_EC_P256,
     {.subject = "CN=OCSP",
      .eku = SIGNING,
      .raw = {NOCHECK},
      .key_usage = "critical,nonRepudiation"}},
    {"no-eku",
     "ca",
     4,
     TC_EC_P256,
     {.subject = "CN=OCSP", .key_usage = DIGITAL, .raw = {NOCHECK}}},
    {"any-eku",
     "ca",
     4,
     TC_EC_P256,
     {.subject = "CN=OCSP", .eku = "anyExtendedKeyUsage", .raw = {NOCHECK}}},
    {"more-eku",
     "ca",
     4,
     TC_EC_P256,
     {.subject = "CN=OCSP", .eku = "clientAuth," SIGNING, .raw = {NOCHECK}}},
    {"second-hand",
     "delegate",
     8,
     TC_EC_P256,
     {.subject = "CN=OCSP 2", .eku = SIGNING, .raw = {NOCHECK}}},
    {"of-sub-ca",
     "sub-ca",
     8,
     TC_EC_P256,
     {.subject = "CN=OCSP 2", .eku = SIGNING, .raw = {NOCHECK}}},
    {"of-root",
     "root",
     8,
     TC_EC_P256,
     {.subject = "CN=OCSP 2", .eku = SIGNING, .raw = {NOCHECK}}},
    {"of-namesake",
     "namesake",
     8,
     TC_EC_P256,
     {.subject = "CN=OCSP 2", .eku = SIGNING, .raw = {NOCHECK}}},
    {"self-signed",
     NULL,
     8,
     TC_EC_P256,
     {.subject = "CN=CA", .eku = SIGNING, .raw = {NOCHECK}}},
    {"checked",
     "ca",
     4,
     TC_EC_P256,
     {.subject = "CN=OCSP", .eku = SIGNING, .key_usage = DIGITAL}},
    {"nocheck-critical",
     "ca",
     4,
     TC_EC_P256,
     {.subject = "CN=OCSP",
      .eku = SIGNING,
      .raw = {{NOCHECK_OID, 1, "0500"}}}},
    {"nocheck-damaged",
     "ca",
     4,
     TC_EC_P256,
     {.subject = "CN=OCSP",
      .eku = SIGNING,
      .raw = {{NOCHECK_OID, 0, "0101ff"}}}},

    {"responder", NULL, 9, TC_EC_P256, {.subject = "CN=Responder"}},
    {"responder-2", NULL, 10, TC_EC_P256, {.subject = "CN=Responder"}},
    {"responder-past",
     NULL,
     9,
     TC_EC_P256,
     {.subject = "CN=Responder", .not_after = "20240601000000Z"}},

    {"rsa-2048",
     "ca",
     0,
     TC_RSA_2048,
     {.subject = "CN=RSA", .eku = SIGNING, .raw = {NOCHECK}}},
    {"rsa-1024",
     "ca",
     0,
     TC_RSA_1024,
     {.subject = "CN=RSA", .eku = SIGNING, .raw = {NOCHECK}}},
    {"p384",
     "ca",
     0,
     TC_EC_P384,
     {.subject = "CN=P-384", .eku = SIGNING, .raw = {NOCHECK}}},
    {"ed25519",
     "ca",
     0,
     TC_ED25519,
     {.subject = "CN=Ed25519", .eku = SIGNING, .raw = {NOCHECK}}},
    {"dsa",
     "ca",
     0,
     TC_DSA_2048,
     {.subject = "CN=DSA", .eku = SIGNING, .raw = {NOCHECK}}},
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
