/*
 * The pieces that cm_certificate_decode() is made of.  Private to it.
 *
 * Each returns CM_OK, CM_CERT_MALFORMED (detail set) or CM_NO_MEMORY; what it
 * wrote into the certificate stays there either way, and the caller clears
 * it.
 */
#ifndef CM_CERTIFICATE_PARTS_H
#define CM_CERTIFICATE_PARTS_H

#include "certificate.h"
#include "der.h"

/*
 * Everything in the extensions, from a certificate whose own DER was found
 * strict.  Sets the SKI without judging it.  keyless: libcrypto has no
 * algorithms for this one.
 */
enum cm_reason cm_certificate_read_extensions(struct cm_certificate *cert,
                                              bool keyless,
                                              struct cm_detail *detail);

/* The content of a subjectAltName extension. */
enum cm_reason cm_certificate_read_san(struct cm_der value,
                                       struct cm_certificate *cert,
                                       struct cm_detail *detail);

/* The content of a SID extension: faulty content is recorded, not refused. */
enum cm_reason cm_certificate_read_sid(struct cm_der value,
                                       struct cm_certificate *cert);

/* Is the SKI a hash of the certificate's own key? */
bool cm_certificate_ski_is_key_hash(const struct cm_certificate *cert);

#endif
