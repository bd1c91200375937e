/*
 * A change to one entry, value by value.
 *
 * What it deletes must be there, and what it adds must not: a directory then
 * refuses the whole change where someone else has edited the entry meanwhile
 * (RFC 4511 section 4.6), so that nothing is lost and nothing is written
 * twice.
 */
#ifndef CM_CHANGE_H
#define CM_CHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "schema.h"

enum {
    CM_CHANGE_MAX_PARTS = 8,        /* attributes of one change */
    CM_CHANGE_MAX_VALUES = 20000,   /* of one part */
    CM_CHANGE_MAX_VALUE = 64 * 1024 /* bytes */
};

struct cm_change_part {
    char *attribute;
    struct cm_value *remove;
    size_t remove_count;
    struct cm_value *add;
    size_t add_count;
};

/* All owned. */
struct cm_change {
    char *dn;
    struct cm_change_part parts[CM_CHANGE_MAX_PARTS];
    size_t count;
};

void cm_change_clear(struct cm_change *change);

/* False: no memory, or over a limit. */
bool cm_change_begin(struct cm_change *change, const char *dn);
bool cm_change_add(struct cm_change *change, const char *attribute,
                   const void *value, size_t len);
bool cm_change_remove(struct cm_change *change, const char *attribute,
                      const void *value, size_t len);

bool cm_change_is_empty(const struct cm_change *change);

/* What undoes it; out is cleared by the caller.  False: no memory. */
bool cm_change_invert(const struct cm_change *change, struct cm_change *out);

/* Appends it as one LDIF change record (RFC 2849), base64 where a value is
 * not a SAFE-STRING or holds control characters, lines folded, with an empty
 * line at its end; an empty change is nothing.  False: no memory, or more
 * than a buffer holds. */
bool cm_change_ldif(const struct cm_change *change, struct cm_buf *out);

#endif
