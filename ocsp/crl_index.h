/*
 * The index of one verified CRL: built once when it arrives, read at logins
 * with pread() behind a small table in memory.  The file format is described
 * at the top of crl_index.c.
 */
#ifndef CM_CRL_INDEX_H
#define CM_CRL_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crl.h"

/*
 * Verifies the source with the key and writes its index to out_fd, an empty
 * file open for reading and writing.  Streams: memory does not grow with the
 * entries (well under 64 MB), the file takes less than 26 bytes an entry, and
 * twice as much while it is written.  Source and key alone determine every
 * byte of it.  Nothing is synced or renamed: that is the store's work.
 *
 * CM_OK: *facts is filled, the caller clears it.  CM_REVOCATION_UNKNOWN: the
 * CRL or its signature is refused.  CM_REVOCATION_UNAVAILABLE: the file could
 * not be written.  CM_NO_MEMORY.
 */
enum cm_reason cm_crl_index_build(struct cm_crl_source *source, EVP_PKEY *key,
                                  const uint8_t spki[32], int out_fd,
                                  struct cm_crl_facts *facts,
                                  struct cm_detail *detail);

struct cm_crl_index;

/*
 * Opens an index that cm_crl_index_build() wrote; takes over fd, also on
 * failure.  Header and fence table are checked by digest; the key must be
 * spki.  Blocks are checked as they are read.  NULL: damaged, truncated,
 * foreign, or no memory; detail says which.
 */
struct cm_crl_index *cm_crl_index_open(int fd, const uint8_t spki[32],
                                       struct cm_detail *detail);
void cm_crl_index_free(struct cm_crl_index *index);

/* Borrowed from the index. */
const struct cm_crl_facts *
cm_crl_index_facts(const struct cm_crl_index *index);

enum cm_crl_listing {
    CM_CRL_NOT_LISTED,
    CM_CRL_LISTED,
    CM_CRL_UNREADABLE /* read error or damage: never "not listed" */
};

/*
 * Is the serial of that certificate issuer listed?  *reason is then its
 * CRLReason (of several entries the worst: a revocation over a hold over a
 * removal).
 */
enum cm_crl_listing cm_crl_index_find(struct cm_crl_index *index,
                                      const X509_NAME *issuer,
                                      const uint8_t serial[CM_CRL_SERIAL],
                                      int *reason);

/* Has any cm_crl_index_find() said CM_CRL_UNREADABLE? */
bool cm_crl_index_was_unreadable(const struct cm_crl_index *index);

/* Reads and checks every block. */
bool cm_crl_index_is_whole(const struct cm_crl_index *index);

#endif
