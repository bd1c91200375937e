/*
 * The files that stock PKINIT reads when it is initialised, and whether they
 * changed.
 */
#ifndef CM_STOCK_WATCH_H
#define CM_STOCK_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <krb5.h>

#include "text.h"

enum {
    CM_STOCK_MEMBERS_MAX = 4096, /* files looked at in one folder; of more
                                    only coming and going is seen */
    CM_STOCK_ENV_MAX = 4         /* "ENV:" that leads to "ENV:" */
};

struct cm_stock_watch {
    struct cm_text_list files;
    struct cm_text_list folders;
};

/* How the files look: by device, inode, size, time of writing and of change,
 * never by their content. */
struct cm_stock_stamp {
    uint8_t digest[32]; /* SHA-256 */
    int64_t newest_ms;  /* the last change of any (wall clock); INT64_MAX:
                           one is not there */
};

/*
 * What the profile names for the realms (NULL-terminated) and in
 * [kdcdefaults]: pkinit_identity, pkinit_identities, pkinit_anchors,
 * pkinit_pool, pkinit_revoke.  A PKCS11 identity has no file to look at.
 * False: no memory, or no profile; out is empty.
 */
bool cm_stock_watch_build(struct cm_stock_watch *out, krb5_context context,
                          const char *const *realms);
void cm_stock_watch_clear(struct cm_stock_watch *watch);

/* "CERTIFICATE[,KEY]" of an identity that names PEM files, inside value or the
 * environment.  NULL: it names something else. */
const char *cm_stock_identity_files(const char *value);

/* False: no memory. */
bool cm_stock_watch_stamp(const struct cm_stock_watch *watch,
                          struct cm_stock_stamp *out);

#endif
