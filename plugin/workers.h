/*
 * Threads that wait, so that the KDC's loop does not.
 *
 * The loop hands over a job; a thread runs it; the loop is told over an
 * eventfd and ends it.  Jobs never queue up: an accepted job has a thread, and
 * one that finds CM_WORKERS_MAX under way is refused as busy, and so is one
 * too many about one certificate, in whichever process forked from the one
 * that made the workers (flights.h).  Threads start when they are first
 * needed, in the process that needs them, with all signals blocked, and end
 * after CM_WORKERS_IDLE_MS without work; the one that worked last is taken
 * first, so that few are kept.  What runs on a thread touches no krb5 object,
 * not the KDC's log, and not the loop.
 */
#ifndef CM_WORKERS_H
#define CM_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reason.h"

struct cm_seat;
struct verto_ctx;

enum {
    CM_WORKERS_MAX = 32, /* jobs under way in one process: the KDC has 45
                            TCP connections */
    CM_WORKERS_IDLE_MS = 60000,
    CM_WORKERS_STACK = 512 * 1024 /* bytes; a login by LDAPS uses 20 KiB, the
                                     rest is for name services and TLS */
};

struct cm_job {
    uint8_t certificate[32]; /* SHA-256: what it is about */
    uint8_t request[32];     /* SHA-256 of what the client sent */
    /* On a thread: does the work, keeping what it finds in the job. */
    void (*run)(struct cm_job *job, struct cm_seat *seat);
    /* On the loop, once, after run.  The job is the callee's again; another
     * may be submitted from here, but the workers not freed. */
    void (*done)(struct cm_job *job);
    /* Instead of done where the workers end first: nobody is to be told.  run
     * may not have been called. */
    void (*drop)(struct cm_job *job);

    struct cm_job *next; /* private to crew.c */
    size_t flight;       /* private to workers.c */
    bool is_repeated;    /* the same request is under way in another process;
                            set with CM_BUSY */
};

struct cm_workers;

/* Starts and opens nothing, so it may be called before a fork, and is where
 * the processes are to count together.  NULL: no memory. */
struct cm_workers *cm_workers_new(void);

/*
 * Waits for what is running (a login's budget at most), drops every job that
 * was not ended, ends the threads.  The loop may be gone already, as it is
 * when the KDC ends its modules, or still there.  In a process that inherited
 * the handle by a fork only the memory is given back.
 */
void cm_workers_free(struct cm_workers *workers);

/*
 * Hands a job over.  CM_OK: done or drop will be called.  CM_BUSY: too many
 * under way, or too many about this certificate, or job->is_repeated.
 * CM_INTERNAL, CM_NO_MEMORY: no thread, or no way back to the loop.  Unless
 * CM_OK the job stays the caller's.
 *
 * Called on the loop's thread only, with the one loop of the process.  After a
 * fork the child's first job starts threads of its own; the parent's jobs are
 * the parent's.
 */
enum cm_reason cm_workers_submit(struct cm_workers *workers,
                                 struct verto_ctx *loop, struct cm_job *job);

/* How many jobs of this process are under way: handed over and not yet done.
 * On the loop's thread. */
size_t cm_workers_count(const struct cm_workers *workers);

#endif
