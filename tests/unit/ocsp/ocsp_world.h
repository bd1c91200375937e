/*
 * The certificates that the OCSP tests speak of, by name: a root, a CA, its
 * card, and everybody who might answer for the CA.
 */
#ifndef OCSP_WORLD_H
#define OCSP_WORLD_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "testocsp.h"

#define OCSP_WORLD_NOW INT64_C(1717243200) /* 2024-06-01T12:00:00Z */

int ocsp_world_setup(void **state);
int ocsp_world_teardown(void **state);

/* Borrowed; fails the test for an unknown name. */
X509 *ocsp_world_cert(const char *name);
EVP_PKEY *ocsp_world_key(const char *name);

#endif
