/*
 * OCSP (RFC 6960): requests, and what a response says about a certificate.
 */
#ifndef CM_OCSP_H
#define CM_OCSP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "crl_status.h"

enum {
    CM_OCSP_MAX_RESPONSE = 64 * 1024, /* bytes */
    CM_OCSP_MAX_REQUEST = 1024,
    CM_OCSP_MAX_SINGLES = 64,      /* SingleResponses looked at */
    CM_OCSP_MAX_CERTIFICATES = 16, /* delegates in one response */
    CM_OCSP_MAX_EXTENSIONS = 16,   /* of a response, or of one answer */
    CM_OCSP_MAX_AGE = 24 * 3600 /* seconds, for answers without nextUpdate */
};

struct cm_ocsp_question {
    X509 *cert;
    X509 *issuer;            /* of the verified path; its key is what counts */
    X509 *const *responders; /* certificates configured for this CA */
    size_t responder_count;
    const struct cm_path_rules *rules; /* now and the floor */
    /* The status of a delegate that lacks id-pkix-ocsp-nocheck, asked of CRLs
     * of the issuing CA.  NULL: such a delegate is refused. */
    void (*delegate_status)(void *context, X509 *delegate,
                            struct cm_status *out);
    void *context;
};

/*
 * A DER request for the certificate, with a SHA-1 CertID (RFC 5019) or a
 * SHA-256 one (RFC 9919), no nonce.  The caller frees it.  NULL: no memory, or
 * larger than CM_OCSP_MAX_REQUEST.
 */
uint8_t *cm_ocsp_request(X509 *cert, X509 *issuer, bool sha256, size_t *len);

/*
 * Checks a response and says what it tells about the certificate.
 *
 * It counts only if: successful; strictly decoded, all input consumed; signed
 * above the floor by the issuing key itself, by a delegate that the issuing
 * key signed directly, with id-kp-OCSPSigning, within its validity and not
 * revoked (or with nocheck), or by a configured responder within its validity
 * (nothing more is asked of it: it was chosen); no unknown critical extension
 * in the response, the answer that counts or a delegate; producedAt and
 * thisUpdate not in the future (skew CM_STATUS_SKEW) and producedAt within the
 * signer's validity; the CertID's name hash, key hash and serial are those of
 * the question, in SHA-1 or SHA-256.  Of several answers for it the newest
 * thisUpdate counts, equal ones the worst; if that one is refused, an older
 * one does not take its place.
 *
 * GOOD, REVOKED, STALE (good, but nextUpdate has passed or, without one, older
 * than CM_OCSP_MAX_AGE) or UNKNOWN (also for "unknown" and anything refused;
 * detail says why).  Everything that is refused is refused for itself alone.
 */
void cm_ocsp_check(const struct cm_ocsp_question *question,
                   const uint8_t *response, size_t len, struct cm_status *out);

#endif
