/*
 * OCSP responses made at test time, written down in DER element by element,
 * so that each can be as wrong as a test needs.  Aborts on failure, as
 * testcert.h does.
 */
#ifndef TESTOCSP_H
#define TESTOCSP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

enum { TO_MAX_ANSWERS = 4, TO_MAX_CERTS = 4 };

/* DER in the language of derasm.h. */
#define TO_GOOD "80:"
#define TO_REVOKED "a1(18'20240101000000Z')"
#define TO_KEY_COMPROMISE "a1(18'20240101000000Z' a0(0a:01))"
#define TO_HOLD "a1(18'20240101000000Z' a0(0a:06))"
#define TO_UNKNOWN "82:"

/* One SingleResponse.  Times are seconds since 1970. */
struct to_answer {
    X509 *cert, *issuer;  /* of the CertID */
    const EVP_MD *digest; /* of the CertID; NULL: SHA-1 */
    const char *status;
    int64_t this_update;
    int64_t next_update;         /* 0: absent */
    const char *this_update_der; /* instead of this_update; or NULL */
    const char *extensions;      /* Extension elements; NULL: absent */
};

struct to_spec {
    X509 *responder; /* for the ResponderID */
    bool by_key;
    EVP_PKEY *key;        /* that signs */
    const EVP_MD *digest; /* NULL: SHA-256 (none for Ed25519) */
    bool pss;
    int64_t produced_at;
    struct to_answer answers[TO_MAX_ANSWERS]; /* until status is NULL */
    X509 *certs[TO_MAX_CERTS];                /* until NULL */

    const char *version;         /* "a0(02:00)"; NULL: absent */
    const char *extensions;      /* Extension elements; NULL: absent */
    const char *responder_id;    /* instead of responder; or NULL */
    const char *produced_at_der; /* instead of produced_at; or NULL */
    size_t repeat;               /* the answers once more, so many times */
    size_t repeat_certs;
};

/* The BasicOCSPResponse; the caller frees it. */
uint8_t *to_make_basic(const struct to_spec *spec, size_t *len);

/* The whole OCSPResponse; the caller frees it. */
uint8_t *to_make(const struct to_spec *spec, size_t *len);

/* A BasicOCSPResponse without certificates around one element, signed with
 * the key and SHA-256.  NULL: the bytes do not start with an element, or more
 * follows it.  The caller frees it. */
uint8_t *to_sign(const uint8_t *part, size_t part_len, EVP_PKEY *key,
                 size_t *len);

/* Wraps bytes as a successful OCSPResponse; the caller frees it. */
uint8_t *to_wrap(const uint8_t *basic, size_t basic_len, size_t *len);

#endif
