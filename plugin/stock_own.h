/*
 * The KDC's own certificate, and what may lead from it to an anchor.
 *
 * Nothing is decided by it: it says whose OCSP response is kept in the store
 * and stapled to replies, and the clients judge that.
 */
#ifndef CM_STOCK_OWN_H
#define CM_STOCK_OWN_H

#include <stdbool.h>

#include "path.h"
#include "text.h"
#include "trust.h"

struct _profile_t; /* of profile.h */

/* What the profile names for stock PKINIT; owned. */
struct cm_own_files {
    char *certificate; /* a PEM file; NULL: the identity is in none */
    struct cm_text_list anchors; /* "FILE:..." and "DIR:..." as written */
    struct cm_text_list pool;
};

/* pkinit_identity (the first value), pkinit_anchors and pkinit_pool of the
 * realm, else of [kdcdefaults].  False: no memory; out is empty. */
bool cm_own_files_read(struct _profile_t *profile, const char *realm,
                       struct cm_own_files *out);
void cm_own_files_clear(struct cm_own_files *files);

struct cm_own {
    X509 *cert;
    /* pkinit_anchors and the realm's anchors; pkinit_pool and the realm's
     * intermediates.  Its NTAuth list is empty: nobody logs in by it. */
    struct cm_snapshot *snapshot;
};

/*
 * Reads the files.  What of anchors and pool cannot be read is left out.
 * realm: whom the realm trusts; NULL: unknown.
 *
 * CM_OK: the caller clears out.  CM_CONFIG: there is no certificate that can
 * be read, detail says why.  CM_NO_MEMORY.
 */
enum cm_reason cm_own_load(const struct cm_own_files *files,
                           const struct cm_snapshot *realm, struct cm_own *out,
                           struct cm_detail *detail);
void cm_own_clear(struct cm_own *own);

#endif
