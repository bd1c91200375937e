/*
 * Certificate revocation lists (RFC 5280 section 5): parsed strictly, verified
 * and walked by streaming, so that memory does not grow with the number of
 * entries.
 */
#ifndef CM_CRL_H
#define CM_CRL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509v3.h>

#include "detail.h"
#include "reason.h"

#define CM_CRL_MAX_FILE ((size_t)1024 * 1024 * 1024) /* bytes of one CRL */

enum {
    CM_CRL_MAX_ENTRIES = 40 * 1000 * 1000,
    CM_CRL_MAX_HEAD = 256 * 1024, /* bytes of everything but the entries */
    CM_CRL_MAX_ENTRY = 64 * 1024, /* bytes of one entry */
    CM_CRL_MAX_EXTENSIONS = 64,   /* of the CRL, or of one entry */
    CM_CRL_MAX_ISSUERS = 4096,    /* certificate issuers of an indirect CRL */
    CM_CRL_MAX_ISSUER_BYTES = 1024 * 1024, /* of all their names */
    CM_CRL_MAX_NUMBER = 20,                /* octets of a CRL number */
    CM_CRL_MAX_SERIAL = 20,      /* octets: RFC 5280 section 4.1.2.2 */
    CM_CRL_SERIAL = 21,          /* the same with room for the sign */
    CM_CRL_MAX_SIGNATURE = 2048, /* octets: RSA of CM_MAX_RSA_BITS */
    CM_CRL_WINDOW = 1024 * 1024, /* bytes of the source in memory at once */
    /* bytes of a CRL signed with EdDSA, which takes its message whole */
    CM_CRL_MAX_EDDSA = 128 * 1024 * 1024
};

/* CRLReason (RFC 5280 section 5.3.1); 7 is not used. */
enum cm_crl_reason {
    CM_CRL_UNSPECIFIED = 0,
    CM_CRL_KEY_COMPROMISE = 1,
    CM_CRL_CA_COMPROMISE = 2,
    CM_CRL_AFFILIATION_CHANGED = 3,
    CM_CRL_SUPERSEDED = 4,
    CM_CRL_CESSATION_OF_OPERATION = 5,
    CM_CRL_CERTIFICATE_HOLD = 6,
    CM_CRL_REMOVE_FROM_CRL = 8, /* in a delta only */
    CM_CRL_PRIVILEGE_WITHDRAWN = 9,
    CM_CRL_AA_COMPROMISE = 10
};

/* "keyCompromise", ...; static. */
const char *cm_crl_reason_token(int reason);

/* A number of up to CM_CRL_MAX_NUMBER octets, most significant first. */
struct cm_crl_number {
    uint8_t octets[CM_CRL_MAX_NUMBER]; /* right-aligned, zero-filled */
    bool present;
};

/* Below 0, 0 or above 0. */
int cm_crl_number_compare(const struct cm_crl_number *a,
                          const struct cm_crl_number *b);

/* All reasons of ReasonFlags (RFC 5280 section 4.2.1.13), bits 1 to 8. */
#define CM_CRL_ALL_REASONS 0x1feU

/* issuingDistributionPoint: what the CRL speaks about. */
struct cm_crl_scope {
    bool has_idp;
    /* distributionPoint as full names (a relative name is made whole with the
     * CRL issuer's name); NULL: any distribution point. */
    GENERAL_NAMES *names;
    bool only_user, only_ca, only_attribute;
    bool indirect;
    unsigned reasons; /* bit n of ReasonFlags is 1 << n; without
                         onlySomeReasons CM_CRL_ALL_REASONS */
};

/* Everything in a CRL but its entries. */
struct cm_crl_facts {
    X509_NAME *issuer;
    int64_t this_update; /* seconds since 1970 */
    bool has_next_update;
    int64_t next_update;
    struct cm_crl_number number;
    struct cm_crl_number base; /* present: it is a delta CRL */
    struct cm_crl_scope scope;
    uint8_t scope_id[32]; /* SHA-256 over issuer name, IDP, and delta or not:
                             CRLs with one id replace each other */
    ASN1_OCTET_STRING *key_id; /* authorityKeyIdentifier; or NULL */
    /* freshestCRL: where its deltas are; or NULL.  An index does not keep
     * it. */
    CRL_DIST_POINTS *freshest;
    size_t entry_count;
    uint8_t source_sha256[32]; /* of the whole DER */
    uint64_t source_size;
    uint8_t signer_spki[32]; /* SHA-256 of the key that verified it; zeroes
                                until then */
};

void cm_crl_facts_clear(struct cm_crl_facts *facts);

/* One revokedCertificates entry. */
struct cm_crl_entry {
    /* Two's complement, sign-extended to the left: equal numbers are equal
     * bytes, negative ones included (other CAs' certificates have them). */
    uint8_t serial[CM_CRL_SERIAL];
    int reason; /* enum cm_crl_reason */
    /* certificateIssuer that is in force for this entry (sticky, RFC 5280
     * section 5.3.3); the CRL's issuer where none was given.  Borrowed. */
    const X509_NAME *issuer;
    unsigned issuer_index; /* 0: the CRL's issuer; counts changes of name */
};

/*
 * Writes an INTEGER as cm_crl_entry.serial.  False: longer than
 * CM_CRL_MAX_SERIAL octets; the zero octet that marks a number of that length
 * as positive does not count, as in certificate.h.
 */
bool cm_crl_serial(const ASN1_INTEGER *serial, uint8_t out[CM_CRL_SERIAL]);

/*
 * The source: a readable file, read window by window, so that whoever cuts it
 * meanwhile causes an error and not a fault.  PEM is one "X509 CRL" block; it
 * is decoded into an unlinked temporary file.
 */
struct cm_crl_source;

/* fd is borrowed and must stay open.  NULL: not regular, too large, neither
 * DER nor PEM, no memory; detail says which. */
struct cm_crl_source *cm_crl_source_open(int fd, struct cm_detail *detail);
void cm_crl_source_free(struct cm_crl_source *source);

/*
 * Parses all but the entries, and walks these once to see that every one is
 * well-formed and legal: serials of 1 to 20 octets in minimal form, no unknown
 * critical extension, certificateIssuer only where the CRL is indirect,
 * removeFromCRL only in a delta.  Both signature algorithm fields must be
 * equal.
 *
 * CM_OK: the caller clears facts.  CM_REVOCATION_UNKNOWN: refused, detail
 * says why.  CM_NO_MEMORY.
 */
enum cm_reason cm_crl_read_facts(struct cm_crl_source *source,
                                 struct cm_crl_facts *facts,
                                 struct cm_detail *detail);

/*
 * Is it signed by this key, with an algorithm above the floor?  Speaks about
 * the bytes that cm_crl_read_facts() read last, and reads them where that was
 * not called: trying several keys costs one pass.
 */
bool cm_crl_verify(struct cm_crl_source *source, EVP_PKEY *key,
                   struct cm_detail *detail);

/*
 * Calls visit for each entry, in file order, until it returns false.  True
 * only if all were visited, and they are those of the pass before: false for
 * a file that changed since, and what visit was told is then worth nothing.
 */
bool cm_crl_each(struct cm_crl_source *source,
                 bool (*visit)(void *context,
                               const struct cm_crl_entry *entry),
                 void *context);

#endif
