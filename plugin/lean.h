/*
 * OpenSSL library contexts that decode a certificate's key without a long
 * search.
 *
 * For every public key, OpenSSL 3.0 and 3.1 collect all decoders of the
 * library context and sort out which of them could follow which: with the
 * default provider's 40 that takes longer than verifying the path, and with
 * the few that a certificate can need it takes a third or a quarter.  The
 * algorithms here are the default provider's own.  The locks are other ones
 * than those of the process's own context.
 */
#ifndef CM_LEAN_H
#define CM_LEAN_H

#include <openssl/types.h>

enum cm_lean {
    /* For our own verification: what no certificate is accepted with is left
     * out (strength.h). */
    CM_LEAN_LOGON,
    /* For stock PKINIT: all that the default provider has, but for decoders
     * of other things than its public keys and parameters in DER.  Private
     * keys, PEM, and keys of X25519, X448 and SM2 are not decoded with it. */
    CM_LEAN_STOCK
};

/*
 * NULL: the process's own library context is to be used.  So it is where
 * other providers than OpenSSL's usual ones are active (FIPS, a hardware
 * module), where OpenSSL does not search (from 3.2 on), and without memory.
 *
 * One of each for the process, made at the first call; each call that returned
 * one is followed by cm_lean_release(), when everything that was made with it
 * is freed, the issuers' certificates included.  The first call must not come
 * from a thread between cm_lean_enter() and cm_lean_leave().
 */
OSSL_LIB_CTX *cm_lean_hold(enum cm_lean which);
void cm_lean_release(OSSL_LIB_CTX *library);

/*
 * Whatever this thread does with libcrypto's default context from now on is
 * done with the library (NULL: nothing changes), until what was returned is
 * handed to cm_lean_leave().
 */
OSSL_LIB_CTX *cm_lean_enter(OSSL_LIB_CTX *library);
void cm_lean_leave(OSSL_LIB_CTX *before);

#endif
