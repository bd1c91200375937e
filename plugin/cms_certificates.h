/*
 * The certificates that a client sends beside its own.
 *
 * The KDC hands its certauth modules the client's certificate alone.  The
 * others are in the request: PA-PK-AS-REQ (RFC 4556 section 3.2.1) holds a
 * CMS ContentInfo with SignedData (RFC 5652 section 5.1), whose certificates
 * are read here in place, without decoding anything else of it.  Nothing is
 * believed: they may end up in a path, and are verified there.
 */
#ifndef CM_CMS_CERTIFICATES_H
#define CM_CMS_CERTIFICATES_H

#include "authorize.h"

/*
 * Finds the certificates in the value of a PA-PK-AS-REQ, but for the leaf.
 * They point into the value.
 *
 * Returns how many there are.  None where the value is not strict DER of this
 * shape, where it holds more than CM_PATH_MAX_EXTRA of them, or something
 * else than certificates among them: such a request says nothing beside its
 * leaf, and is judged by what the KDC has itself.
 */
size_t cm_cms_certificates(struct cm_blob pa_pk_as_req, struct cm_blob leaf,
                           struct cm_blob out[CM_PATH_MAX_EXTRA]);

#endif
