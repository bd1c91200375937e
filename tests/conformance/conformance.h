/*
 * Test data of others: finding it and reading certificates from it.
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "certificate.h"

enum { CONFORMANCE_SKIPPED = 77 };

/*
 * The folder `name` of the test data: CERTMAP_TESTDATA in the environment,
 * else the program's first argument.  Ends the program with
 * CONFORMANCE_SKIPPED, and says why, where it does not exist.
 */
const char *conformance_folder(int argc, char **argv, const char *name);

/* All certificates of a PEM or DER file; fails the test otherwise. */
void conformance_load(const char *folder, const char *file, X509 ***list,
                      size_t *count);
/* The one certificate of a file; the caller frees it. */
X509 *conformance_load_one(const char *folder, const char *file);

/* Decodes it as a login does. */
enum cm_reason conformance_decode(X509 *x509, struct cm_certificate *out,
                                  struct cm_detail *detail);

#endif
