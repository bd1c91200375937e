/*
 * The floor for keys and signatures.
 *
 * Accepted: RSA of at least min_rsa_bits, RSASSA-PSS likewise, EC on P-256,
 * P-384, P-521 (and Brainpool of 256 bits and more), Ed25519, Ed448; signed
 * with SHA-256, SHA-384, SHA-512 (SHA-2 or SHA-3) or EdDSA.  All else (DSA,
 * MD5, SHA-1, explicit curve parameters) is below it.
 */
#ifndef CM_STRENGTH_H
#define CM_STRENGTH_H

#include <stdbool.h>

#include <openssl/x509.h>

#include "detail.h"

enum { CM_MIN_RSA_BITS_DEFAULT = 2048, CM_MAX_RSA_BITS = 16384 };

/* True if the certificate's public key is at or above the floor. */
bool cm_strength_key(const X509 *cert, int min_rsa_bits,
                     struct cm_detail *detail);

/* True if the algorithm that signed the certificate is. */
bool cm_strength_signature(const X509 *cert, struct cm_detail *detail);

/* The same for any signature's AlgorithmIdentifier: of a CRL, an OCSP
 * response. */
bool cm_strength_algorithm(const X509_ALGOR *algorithm,
                           struct cm_detail *detail);

/* "RSA 2048", "EC P-256", ...; the caller frees it.  NULL: no memory. */
char *cm_strength_key_text(const X509 *cert);

#endif
