/*
 * Which certificates, and which reasons for revoking them, a CRL speaks
 * about: issuingDistributionPoint against cRLDistributionPoints (RFC 5280
 * sections 4.2.1.13, 5.2.5 and 6.3.3 (b) and (d)).
 */
#ifndef CM_CRL_COVERAGE_H
#define CM_CRL_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509v3.h>

#include "crl.h"

enum { CM_CRL_MAX_NAMED = 16 /* names of CRL issuers for one certificate */ };

/* A certificate as CRLs see it. */
struct cm_crl_target {
    X509 *cert; /* borrowed */
    uint8_t serial[CM_CRL_SERIAL];
    bool is_ca;
    CRL_DIST_POINTS *points; /* relative names made whole; NULL: none */
    /* Who may issue CRLs about it: its issuer, then every other cRLIssuer of
     * its distribution points, each once. */
    const X509_NAME *issuers[CM_CRL_MAX_NAMED];
    size_t issuer_count;
};

/* False: its distribution points cannot be read, or name too many CRL
 * issuers, or no memory; out is empty.  The caller clears it. */
bool cm_crl_target_init(X509 *cert, struct cm_crl_target *out);
void cm_crl_target_clear(struct cm_crl_target *target);

/* The reasons (bits of ReasonFlags) for which a CRL of this issuer and scope
 * would list the certificate.  0: it says nothing about it. */
unsigned cm_crl_coverage_reasons(const struct cm_crl_target *target,
                                 const X509_NAME *crl_issuer,
                                 const struct cm_crl_scope *scope);

/* Does the CRL come from where the certificate says that its CRLs are?  True
 * as well where the certificate does not say. */
bool cm_crl_coverage_is_named(const struct cm_crl_target *target,
                              const struct cm_crl_scope *scope);

/* A digest that is equal for equal scopes, such as those of a base CRL and
 * its delta.  False: no memory. */
bool cm_crl_coverage_digest(const struct cm_crl_scope *scope, uint8_t out[32]);

#endif
