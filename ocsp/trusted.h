/*
 * Lists of certificates, sorted by subject and then by fingerprint, each
 * certificate once: the order of files never shows, and the certificates of
 * one name lie together.
 */
#ifndef CM_TRUSTED_H
#define CM_TRUSTED_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

#include "trust.h"

/* SHA-256 over the whole SubjectPublicKeyInfo, algorithm included.  False: no
 * memory. */
bool cm_trusted_spki(const X509 *x509, uint8_t out[32]);

/* Computes the fingerprints; x509 is referenced.  False: no memory. */
bool cm_trusted_init(struct cm_trusted *trusted, X509 *x509);
void cm_trusted_clear(struct cm_trusted *trusted);

/* False: no memory, out is empty. */
bool cm_trusted_list_build(X509 *const *certs, size_t count,
                           struct cm_trusted_list *out);
/* A second list of the same certificates. */
bool cm_trusted_list_copy(const struct cm_trusted_list *from,
                          struct cm_trusted_list *out);
void cm_trusted_list_clear(struct cm_trusted_list *list);

/* The order of the lists: below, equal or above 0, as memcmp(). */
int cm_trusted_compare(const struct cm_trusted *a, const struct cm_trusted *b);

/* Is this very certificate in the list? */
bool cm_trusted_list_has(const struct cm_trusted_list *list,
                         const struct cm_trusted *trusted);

/* The certificates whose subject is name: *count of them from *first on. */
void cm_trusted_list_named(const struct cm_trusted_list *list,
                           const X509_NAME *name, size_t *first,
                           size_t *count);

#endif
