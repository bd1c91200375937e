/*
 * Becoming the network child: after fork(), before exec().  Nothing here
 * allocates.
 */
#ifndef CM_FETCH_DROP_H
#define CM_FETCH_DROP_H

#include <stdbool.h>
#include <sys/types.h>

#include "detail.h"

struct cm_fetch_identity {
    bool change; /* false: stay who we are */
    uid_t uid;
    gid_t gid;
};

/* Looks the user up; NULL stays.  Without root, staying is all there is.
 * False: no such user, or root; detail says so. */
bool cm_fetch_identity_find(const char *user, struct cm_fetch_identity *out,
                            struct cm_detail *detail);

/*
 * Descriptors but *socket closed, the identity changed for good, limits set,
 * and this program executed anew.  Does not return on success; else the step
 * that failed, with errno, and *socket is where the socket is by then.
 */
const char *cm_fetch_become(const struct cm_fetch_identity *identity,
                            int *socket);

#endif
