/*
 * The OCSP response about the KDC's own certificate, ready to be stapled to a
 * reply (RFC 4557).
 *
 * It comes from the store, where `certmap refresh` keeps it fresh; nothing is
 * fetched.  Used by the KDC's main thread: files are looked at no more often
 * than every CM_STOCK_STAPLE_MS, and read again when they changed.
 */
#ifndef CM_STOCK_STAPLE_H
#define CM_STOCK_STAPLE_H

#include <krb5.h>

#include "authorize.h"
#include "realm.h"

enum { CM_STOCK_STAPLE_MS = 500 };

struct cm_stock_staple;

/* For one realm; opens nothing.  NULL: no memory, or no profile. */
struct cm_stock_staple *cm_stock_staple_new(krb5_context context,
                                            const char *realm);
void cm_stock_staple_free(struct cm_stock_staple *staple);

/*
 * The PKOcspData with the response.  Empty unless the store has one that is
 * good and current by cm_ocsp_check(): one that says "revoked", or that has
 * ended, is for the refresher to tell about.  realm is ready.  Borrowed until
 * the next call.
 */
struct cm_blob cm_stock_staple_current(struct cm_stock_staple *staple,
                                       const struct cm_realm *realm);

#endif
