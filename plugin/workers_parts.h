/*
 * What only tests want of workers.h.
 */
#ifndef CM_WORKERS_PARTS_H
#define CM_WORKERS_PARTS_H

#include <stddef.h>

#include "workers.h"

/* Instead of CM_WORKERS_IDLE_MS, for threads that start from now on. */
void cm_workers_set_idle_ms(struct cm_workers *workers, int idle_ms);

/* Threads that were started and are not yet given back. */
size_t cm_workers_threads(const struct cm_workers *workers);

#endif
