/*
 * Single flight: of all processes on this host only one asks a URL at a time.
 *
 * One file, state/flight, with one lockable byte for each URL; locks end with
 * the process that holds them.  They are only ever tried.
 */
#ifndef CM_REFRESH_LOCK_H
#define CM_REFRESH_LOCK_H

#include <stdbool.h>

#include "detail.h"

struct cm_refresh_lock {
    int fd;
};

/* The store's folders are there.  False: detail says why. */
bool cm_refresh_lock_open(const char *store, struct cm_refresh_lock *lock,
                          struct cm_detail *detail);
void cm_refresh_lock_close(struct cm_refresh_lock *lock);

/* True: it is ours until it is given back.  A second try through the same
 * handle succeeds too: count them. */
bool cm_refresh_lock_try(struct cm_refresh_lock *lock, const char *url);
void cm_refresh_lock_give(struct cm_refresh_lock *lock, const char *url);

#endif
