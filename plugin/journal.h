/*
 * Lines from any thread, written by one.
 *
 * The KDC's log is not made for threads (a SIGHUP reopens its files at any
 * moment), so what a thread has to say waits until the loop's thread writes
 * it.
 */
#ifndef CM_JOURNAL_H
#define CM_JOURNAL_H

#include "log.h"

enum { CM_JOURNAL_MAX_WAITING = 256 /* lines; more are counted only */ };

struct cm_journal;

/* out is copied; it is called on the process's main thread only.  NULL: no
 * memory. */
struct cm_journal *cm_journal_new(const struct cm_log *out);
/* Writes what waits.  No other thread may use it any more. */
void cm_journal_free(struct cm_journal *journal);

/* Where to write, from any thread; borrowed. */
const struct cm_log *cm_journal_log(struct cm_journal *journal);

/* Writes what waits; on the main thread. */
void cm_journal_flush(struct cm_journal *journal);

#endif
