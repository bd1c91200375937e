/*
 * Every entry below a base that fulfils a filter, page by page (RFC 2696), in
 * memory that does not grow with their number.
 *
 * For work that takes its time: a sweep has a connection of its own, and a
 * deadline for each page, not for the whole.
 */
#ifndef CM_SWEEP_H
#define CM_SWEEP_H

#include <stdbool.h>
#include <stddef.h>

#include "detail.h"
#include "directory.h"

enum {
    CM_SWEEP_MAX_ATTRIBUTES = 23, /* asked for at once */
    CM_SWEEP_MAX_EMPTY = 64, /* pages without an entry, one after another */
    CM_SWEEP_PAGE_MS = 60000 /* for one page, visits included */
};

struct cm_sweep {
    const char *base;   /* NULL: that of the configuration */
    const char *filter; /* RFC 4515; NULL: every entry */
    /* NULL-terminated.  An entry has those of them that it holds, under the
     * names given here; none: the entries come with their names alone. */
    const char *const *attributes;
    int page_ms;    /* 0: CM_SWEEP_PAGE_MS */
    bool base_only; /* the base itself, and nothing below it */

    /* The entry is lent for the call.  False stops the sweep. */
    bool (*visit)(void *context, const struct cm_entry *entry);
    void *context;

    size_t seen; /* out: entries that were visited */
};

enum cm_sweep_end {
    CM_SWEEP_WHOLE,     /* every entry was visited */
    CM_SWEEP_STOPPED,   /* visit said so */
    CM_SWEEP_TRUNCATED, /* the server's limits ended it: there are more */
    CM_SWEEP_FAILED     /* no server, connection lost, no answer in time,
                           refused, or not understood */
};

/*
 * Visits them, in the server's order.  References to other servers are passed
 * over.  Only CM_SWEEP_WHOLE says that all were seen; with _TRUNCATED and
 * _FAILED detail says why.
 */
enum cm_sweep_end cm_sweep(const struct cm_directory_config *config,
                           struct cm_sweep *sweep, struct cm_detail *detail);

#endif
