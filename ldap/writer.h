/*
 * Many changes, written fast, with an answer for each.
 *
 * Where the server offers transactions (RFC 5805) changes go in bounded ones,
 * one operation at a time: a server syncs its disk once a transaction, and
 * slapd 2.5.13 crashes where operations of a transaction are pipelined, or
 * still held by a thread when it ends (writer_barrier.c).  If
 * one change makes a transaction fail, it is taken out and the others are
 * written.  Elsewhere changes go through a window of several operations on
 * each of several connections.
 *
 * A lost connection is opened again, and the entry of each change in doubt is
 * read: it was done, or it is written once more, or the entry is as neither
 * would have it (a conflict).
 *
 * Memory is bounded by the limits below, whatever the number of changes.
 * Changes that are under way at the same time must not be of one entry.
 */
#ifndef CM_WRITER_H
#define CM_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "change.h"
#include "detail.h"
#include "directory.h"

enum {
    CM_WRITER_BATCH = 1000,                  /* changes in a transaction */
    CM_WRITER_BATCH_BYTES = 2 * 1024 * 1024, /* bytes of their values */
    CM_WRITER_LANES = 4,                     /* connections of the window */
    CM_WRITER_WINDOW = 16,                   /* operations on each of them */
    CM_WRITER_ANSWER_MS = 30000,             /* for one answer */
    CM_WRITER_AGAIN_MS = 5000 /* in which a lost server must be back */
};

enum cm_write_result {
    CM_WRITE_DONE,
    CM_WRITE_CONFLICT, /* the entry is not as the change expects it */
    CM_WRITE_REFUSED,  /* for another reason */
    CM_WRITE_UNKNOWN   /* the connection was lost; it may have been done */
};
/* "written", "conflict", "refused", "unknown". */
const char *cm_write_result_token(enum cm_write_result result);

struct cm_writer_settings {
    const struct cm_directory_config *config; /* borrowed */
    bool no_transactions;                     /* even where they are offered */
    /* Once for each change that was put; change is lent for the call, words
     * is "" or what the server said. */
    void (*report)(void *context, const struct cm_change *change, uint64_t id,
                   enum cm_write_result result, const char *words);
    void *context;
};

struct cm_writer;

/* Connects and asks what the server can do.  NULL: detail says why. */
struct cm_writer *cm_writer_open(const struct cm_writer_settings *settings,
                                 struct cm_detail *detail);
/* Closes; what was not flushed is reported as unknown. */
void cm_writer_free(struct cm_writer *writer);

bool cm_writer_has_transactions(const struct cm_writer *writer);

/*
 * Takes a change over (change is emptied) and writes it, now or later.
 * False: the server is lost for good; the change is left, and detail says
 * why.  What was put before has been reported.
 */
bool cm_writer_put(struct cm_writer *writer, struct cm_change *change,
                   uint64_t id, struct cm_detail *detail);

/* Writes what is waiting and awaits every answer.  False as above. */
bool cm_writer_flush(struct cm_writer *writer, struct cm_detail *detail);

#endif
