/*
 * What the tables of certificates and of CRLs share.
 */
#ifndef CRL_WORLD_PARTS_H
#define CRL_WORLD_PARTS_H

#include "crl_world.h"

/* Distribution points and scopes, in derasm's notation. */
#define NAME(cn) "30(31(30(06:550403 0c'" cn "')))"
#define AT(uri) "a0(a0(86'" uri "'))"
#define AT_NAME(cn) "a0(a0(a4(" NAME(cn) ")))"
#define AT_RELATIVE(cn) "a0(a1(30(06:550403 0c'" cn "')))"
#define POINT(content) "30(" content ")"
#define POINTS(list) "30(" list ")"
#define BY(cn) "a2(a4(" NAME(cn) "))"
#define KEY_REASONS "0560"     /* keyCompromise, cACompromise */
#define OTHER_REASONS "071f80" /* all but those */

/* The key of a certificate in the table. */
EVP_PKEY *crl_world_key(const char *id);

#endif
