#include "ocsp_parts.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

OCSP_CERTID *
cm_ocsp_id(X509 *cert, X509 *issuer, const EVP_MD *digest)
{
    return OCSP_cert_id_new(digest, X509_get_issuer_name(cert),
                            X509_get0_pubkey_bitstr(issuer),
                            X509_get0_serialNumber(cert));
}

/* Takes over id. */
static OCSP_REQUEST *
make_request(OCSP_CERTID *id)
{
    OCSP_REQUEST *request = OCSP_REQUEST_new();

    if (id != NULL && request != NULL &&
        OCSP_request_add0_id(request, id) != NULL)
        return request;
    OCSP_CERTID_free(id);
    OCSP_REQUEST_free(request);
    return NULL;
}

uint8_t *
cm_ocsp_request(X509 *cert, X509 *issuer, bool sha256, size_t *len)
{
    const EVP_MD *digest = sha256 ? EVP_sha256() : EVP_sha1();
    OCSP_REQUEST *request = make_request(cm_ocsp_id(cert, issuer, digest));
    uint8_t *der = NULL, *out = NULL;
    int der_len = -1;

    if (request != NULL)
        der_len = i2d_OCSP_REQUEST(request, &der);
    if (der_len > 0 && der_len <= CM_OCSP_MAX_REQUEST)
        out = malloc((size_t)der_len);
    if (out != NULL) {
        memcpy(out, der, (size_t)der_len);
        *len = (size_t)der_len;
    }
    OPENSSL_free(der);
    OCSP_REQUEST_free(request);
    ERR_clear_error();
    return out;
}
