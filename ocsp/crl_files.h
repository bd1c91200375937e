/*
 * CRLs from files at hand instead of the store, for `certmap verify` and
 * tests: verified and indexed as the store does it, in unlinked files.
 */
#ifndef CM_CRL_FILES_H
#define CM_CRL_FILES_H

#include <stddef.h>

#include <openssl/x509.h>

#include "crl_status.h"
#include "detail.h"
#include "reason.h"
#include "trust.h"

struct cm_crl_files;

/* snapshot (borrowed, must outlive it) and beside (referenced) hold the
 * certificates whose keys may have signed a CRL.  NULL: no memory. */
struct cm_crl_files *cm_crl_files_new(const struct cm_snapshot *snapshot,
                                      X509 *const *beside, size_t count);
void cm_crl_files_free(struct cm_crl_files *files);

/*
 * Adds the CRL of a file; fd is borrowed for the call.  It counts for every
 * key that verifies it and belongs to a certificate of its issuer's name.
 *
 * CM_OK: for one key at least.  CM_REVOCATION_UNKNOWN: refused, or signed by
 * nobody at hand.  CM_REVOCATION_UNAVAILABLE: its index could not be written.
 * CM_NO_MEMORY.  All but CM_OK leave the others as they are.
 */
enum cm_reason cm_crl_files_add(struct cm_crl_files *files, int fd,
                                struct cm_detail *detail);

/* Borrowed from files. */
const struct cm_crl_provider *
cm_crl_files_provider(const struct cm_crl_files *files);

#endif
