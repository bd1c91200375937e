/*
 * The parts of an OCSP check, private to the ocsp_*.c files.
 */
#ifndef CM_OCSP_PARTS_H
#define CM_OCSP_PARTS_H

#include <openssl/ocsp.h>

#include "ocsp.h"

/* ---- ocsp_request.c ---- */

/* The CertID of the certificate: the issuer's name as the certificate writes
 * it, the issuer's key, the serial number.  NULL: no memory. */
OCSP_CERTID *cm_ocsp_id(X509 *cert, X509 *issuer, const EVP_MD *digest);

/* ---- ocsp_response.c ---- */

/* A successful basic response, decoded. */
struct cm_ocsp_response {
    OCSP_BASICRESP *basic;  /* owned */
    ASN1_TYPE *signed_part; /* tbsResponseData as it came; owned */
    int64_t produced_at;
};

/* False: detail says what is wrong, and there is nothing to clear. */
bool cm_ocsp_decode(const uint8_t *bytes, size_t len,
                    struct cm_ocsp_response *out, struct cm_detail *detail);
void cm_ocsp_response_clear(struct cm_ocsp_response *response);

/* ---- ocsp_extensions.c ---- */

/* Is every critical extension of the response, of one answer, or of a
 * delegate's certificate known, and none there twice? */
bool cm_ocsp_response_extensions(OCSP_BASICRESP *basic,
                                 struct cm_detail *detail);
bool cm_ocsp_answer_extensions(OCSP_SINGLERESP *answer,
                               struct cm_detail *detail);
bool cm_ocsp_signer_extensions(const X509 *cert, struct cm_detail *detail);

/* ---- ocsp_answer.c ---- */

/* What the response says about the certificate, whoever signed it. */
void cm_ocsp_answer(const struct cm_ocsp_question *question,
                    const struct cm_ocsp_response *response,
                    struct cm_status *out);

/* ---- ocsp_signer.c ---- */

/* Is it signed by someone who may speak about the certificate? */
bool cm_ocsp_is_authorized(const struct cm_ocsp_question *question,
                           const struct cm_ocsp_response *response,
                           struct cm_detail *detail);

#endif
