/*
 * The store's mirror of the NTAuth list that a directory keeps.
 *
 * One file, so that one rename replaces the whole list; it is written anew at
 * every successful look, since its time is the list's age (trust.h).  Nothing
 * else may stand beside it: what would, would be on the list.
 */
#ifndef CM_REFRESH_MIRROR_H
#define CM_REFRESH_MIRROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detail.h"
#include "log.h"
#include "store.h"

#define CM_MIRROR_FILE CM_STORE_NTAUTH "/NTAuthCertificates.pem"

enum {
    CM_MIRROR_EVERY = 600,    /* seconds between two looks, at most */
    CM_MIRROR_LEAST = 60,     /* and at least */
    CM_MIRROR_AGE_PART = 4,   /* of ntauth_max_age */
    CM_MIRROR_PLACEHOLDER = 1 /* octets of a value that says "none" */
};

struct cm_mirror_value {
    const uint8_t *bytes;
    size_t len;
};

struct cm_mirror_result {
    size_t certificates; /* in the mirror now */
    size_t undecodable;  /* values that are no certificate: left out */
};

/*
 * Mirrors what the directory holds, faithfully: a list without certificates
 * leaves none, and then no CA may issue logon certificates.  A value that does
 * not decode is left out and logged.  False: the store could not be written,
 * or no memory; detail says which.
 */
bool cm_mirror_write(struct cm_store_writer *writer, const char *store,
                     const struct cm_mirror_value *values, size_t count,
                     const struct cm_log *log, struct cm_mirror_result *result,
                     struct cm_detail *detail);

/* Seconds between two looks at the directory. */
int64_t cm_mirror_interval(int64_t max_age);

#endif
