/*
 * Certificates that a client sends beside its own.  They may only be steps of
 * a path: nothing makes them anchors or members of the NTAuth list.
 */
#ifndef CM_INTERMEDIATES_H
#define CM_INTERMEDIATES_H

#include "authorize.h"

struct cm_intermediates {
    X509 *list[CM_PATH_MAX_EXTRA]; /* owned */
    size_t count;
};

/* Decodes the first CM_PATH_MAX_EXTRA of them, each once; what does not
 * decode is left out by itself.  True: there is one.  out is zeroed before;
 * the caller clears it. */
bool cm_intermediates_decode(const struct cm_login *login,
                             struct cm_intermediates *out);
void cm_intermediates_clear(struct cm_intermediates *sent);

#endif
