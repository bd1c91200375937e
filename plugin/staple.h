/*
 * OCSP responses beside a PKINIT request or reply (RFC 4557 section 3):
 *
 *     PKOcspData   ::= SEQUENCE OF OcspResponse
 *     OcspResponse ::= OCTET STRING -- a whole response, RFC 6960
 *
 * the value of the preauthentication data of type 18, in either direction.
 * Nothing of it is signed but the responses themselves.
 */
#ifndef CM_STAPLE_H
#define CM_STAPLE_H

#include "authorize.h"

enum {
    CM_PA_PK_OCSP_RESPONSE = 18,
    CM_STAPLE_MAX_VALUE = 128 * 1024, /* bytes of a PKOcspData */
    CM_STAPLE_MAX_RESPONSES = 16
};

enum cm_staple {
    CM_STAPLE_REQUEST, /* an empty sequence: it asks for the other side's */
    CM_STAPLE_RESPONSE,
    CM_STAPLE_REFUSED /* not strict DER of this type, or too much of it */
};

/*
 * Reads a PKOcspData.  *first is set for CM_STAPLE_RESPONSE alone and points
 * into value: of several responses the first must be the one about the
 * sender's own certificate, and the others are about certificates above it,
 * for which no client is asked.  They have to be well formed all the same.
 */
enum cm_staple cm_staple_read(struct cm_blob value, struct cm_blob *first);

/* One with this response in it; the caller frees it.  NULL: no memory, or a
 * response that is empty or longer than CM_OCSP_MAX_RESPONSE. */
uint8_t *cm_staple_write(struct cm_blob response, size_t *len);

#endif
