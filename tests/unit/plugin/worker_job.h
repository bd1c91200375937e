/*
 * Jobs and a loop for the tests of workers.h.
 */
#ifndef CM_TEST_WORKER_JOB_H
#define CM_TEST_WORKER_JOB_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <verto.h>

#include "workers.h"

/* Where jobs wait until they are let on. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool open;
};

void gate_init(struct gate *gate, bool open);
void gate_open(struct gate *gate);

struct errand {
    struct cm_job job; /* first */
    struct gate *gate;
    void (*extra)(struct errand *errand); /* on the thread, or NULL */
    void (*after)(struct errand *errand); /* in done, or NULL */
    void *context;
    atomic_int ran, done, dropped;
    pthread_t runner, ender;
};

/* A job about the certificate with this number. */
void errand_init(struct errand *errand, unsigned certificate,
                 struct gate *gate);

/* Ends the loop's blocking now and then; see run_until(). */
verto_ctx *loop_new(void);

/* Runs the loop until the condition holds; fails after half a minute. */
void run_until(verto_ctx *loop, bool (*holds)(void *context), void *context);
void run_until_done(verto_ctx *loop, struct errand *errands, size_t count);

/* Waits without the loop. */
void wait_for(const atomic_int *value, int wanted);

#endif
