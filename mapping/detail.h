/*
 * A short explanation that travels with a reason: which relation, which
 * field, which server.  It is raw text for an administrator: whoever shows it
 * escapes it first (text.h).  Never sent to a client.
 */
#ifndef CM_DETAIL_H
#define CM_DETAIL_H

#include <stdbool.h>

enum { CM_DETAIL_SIZE = 512 };

struct cm_detail {
    char text[CM_DETAIL_SIZE]; /* NUL-terminated, cut if too long */
};

/* Replaces the text.  detail may be NULL: then nothing happens. */
void cm_detail_set(struct cm_detail *detail, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says "out of memory"; always false, for a caller to return. */
static inline bool
cm_detail_no_memory(struct cm_detail *detail)
{
    cm_detail_set(detail, "out of memory");
    return false;
}

#endif
