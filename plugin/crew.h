/*
 * The threads of one process, for workers.c; see workers.h.
 *
 * Called on one thread only, the loop's, which made it.
 */
#ifndef CM_CREW_H
#define CM_CREW_H

#include <stddef.h>

#include "workers.h"

struct cm_crew;

/* Starts no thread.  CM_OK; CM_NO_MEMORY; CM_INTERNAL: no descriptor. */
enum cm_reason cm_crew_new(struct cm_crew **out);

/* Waits for what is running and ends the threads; jobs that were not taken
 * back are forgotten. */
void cm_crew_free(struct cm_crew *crew);

/*
 * In a process that inherited it by a fork: gives back its memory.  The
 * threads are not here, and one may hold the lock for ever; what they were
 * using (seats) is in no known state.  So nothing else is touched, and the
 * descriptor's number may be another's by now.
 */
void cm_crew_forget(struct cm_crew *crew);

/* Readable when a job is finished or a thread has ended; the crew's. */
int cm_crew_fd(const struct cm_crew *crew);

/* Gives a job to an idle thread, or to a new one, which ends after idle_ms
 * without work.  As cm_workers_submit(). */
enum cm_reason cm_crew_give(struct cm_crew *crew, int idle_ms,
                            struct cm_job *job);

/* Takes back one job that is finished, the first first, or NULL; gives back
 * the threads that have ended.  While there are more, the descriptor stays
 * readable. */
struct cm_job *cm_crew_take_finished(struct cm_crew *crew);

/* Threads that were started and are not yet given back. */
size_t cm_crew_threads(struct cm_crew *crew);

#endif
