/*
 * Certificates made at test time, from a few words of specification.
 *
 * Everything aborts the test program on failure: a test that cannot make its
 * certificates has nothing to say.
 */
#ifndef TESTCERT_H
#define TESTCERT_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

enum tc_key_type {
    TC_RSA_2048,
    TC_RSA_1024,
    TC_EC_P256,
    TC_EC_P384,
    TC_ED25519,
    TC_DSA_2048
};

/* The key number `slot` of its type; made at first use, kept until exit.
 * Borrowed. */
EVP_PKEY *tc_key(enum tc_key_type type, unsigned slot);

/* An extension given whole, to be as wrong as a test needs. */
struct tc_extension {
    const char *oid;
    int critical;
    const char *value_hex; /* content of the OCTET STRING */
};

enum { TC_MAX_RAW = 4 };

struct tc_spec {
    /* RDNs in encoding order: "DC=com,DC=example,CN=CA1"; "+" joins values
     * of one RDN; backslash escapes a character; types by short name or
     * dotted OID.  NULL: empty name. */
    const char *subject;
    const X509 *issuer;     /* NULL: self-signed */
    EVP_PKEY *issuer_key;   /* NULL: key */
    EVP_PKEY *key;          /* NULL: tc_key(TC_EC_P256, 0) */
    const char *serial_hex; /* content octets of the INTEGER; NULL: "01" */
    const char *not_before; /* "20240201000000Z"; NULL: 20200101000000Z */
    const char *not_after;  /* NULL: 20400101000000Z */
    const EVP_MD *digest;   /* NULL: SHA-256 (none for Ed25519) */

    /* Extensions in OpenSSL's configuration syntax (x509v3_config(5)); NULL:
     * absent. */
    const char *basic_constraints; /* "critical,CA:TRUE" */
    const char *key_usage;         /* "critical,digitalSignature" */
    const char *eku;               /* "clientAuth,1.3.6.1.4.1.311.20.2.2" */
    const char *san;      /* "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:a@b.c" */
    const char *policies; /* "1.2.3,1.2.4" */
    const char *ski;      /* "hash", or hex; NULL: absent */
    const char *aki;      /* "keyid"; NULL: absent */
    const char *name_constraints;
    const char *policy_constraints;
    const char *sid; /* makes the SID extension, 1.3.6.1.4.1.311.25.2 */
    struct tc_extension raw[TC_MAX_RAW]; /* until oid is NULL */
};

/* The caller frees it. */
X509 *tc_make(const struct tc_spec *spec);

/* A CA named `subject` with its own key; issuer NULL: a root. */
X509 *tc_make_ca(const char *subject, EVP_PKEY *key, const X509 *issuer,
                 EVP_PKEY *issuer_key);

/* An array of references to them; the caller frees each and the array. */
X509 **tc_references(X509 *const *certs, size_t count);

/* DER of a certificate; the caller frees it. */
uint8_t *tc_der(const X509 *cert, size_t *len);

/* Bytes of a hex text; the caller frees them. */
uint8_t *tc_hex(const char *hex, size_t *len);

#endif
