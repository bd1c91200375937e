/*
 * The certificate issuers that one CRL speaks about, numbered in the order of
 * their first appearance.  Names are equal as X509_NAME_cmp() says.
 */
#ifndef CM_CRL_ISSUERS_H
#define CM_CRL_ISSUERS_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

struct cm_crl_issuers {
    X509_NAME **names; /* by number; owned */
    unsigned *sorted;  /* numbers, by name */
    unsigned count, capacity;
    size_t bytes; /* of all names in DER */
};

enum cm_crl_issuer {
    CM_CRL_ISSUER_KNOWN,
    CM_CRL_ISSUER_ABSENT,
    CM_CRL_ISSUER_FULL, /* one more, or longer names, are not allowed */
    CM_CRL_ISSUER_NO_MEMORY
};

/* KNOWN, ABSENT or NO_MEMORY. */
enum cm_crl_issuer cm_crl_issuers_find(const struct cm_crl_issuers *issuers,
                                       const X509_NAME *name,
                                       unsigned *number);

/* The number of the name, which is added where it is absent: KNOWN, FULL or
 * NO_MEMORY. */
enum cm_crl_issuer cm_crl_issuers_add(struct cm_crl_issuers *issuers,
                                      const X509_NAME *name, unsigned *number);

void cm_crl_issuers_clear(struct cm_crl_issuers *issuers);

#endif
