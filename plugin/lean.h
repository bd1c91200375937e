/*
 * An OpenSSL library context that decodes a certificate's key without a long
 * search.
 *
 * For every public key, OpenSSL 3.0 and 3.1 collect all decoders of the
 * library context and sort out which of them could follow which: with the
 * default provider's 60 that takes longer than verifying the path, and with
 * the few that a logon certificate can need it takes a quarter.  The
 * algorithms here are the default provider's own; what is left out is what no
 * certificate is accepted with (strength.h).  The locks are other ones than
 * those of the thread that the KDC runs on.
 */
#ifndef CM_LEAN_H
#define CM_LEAN_H

#include <openssl/types.h>

/*
 * NULL: the process's own library context is to be used.  So it is where
 * other providers than OpenSSL's usual ones are active (FIPS, a hardware
 * module), where OpenSSL does not search (from 3.2 on), and without memory.
 *
 * One for the process, made at the first call; each call that returned one is
 * followed by cm_lean_release(), when everything that was made with it is
 * freed, the issuers' certificates included.
 */
OSSL_LIB_CTX *cm_lean_hold(void);
void cm_lean_release(OSSL_LIB_CTX *library);

#endif
