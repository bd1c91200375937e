#include "worker_job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { TICK_MS = 5, PATIENCE_S = 30 };

void
gate_init(struct gate *gate, bool open)
{
    assert_int_equal(pthread_mutex_init(&gate->lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&gate->opened, NULL), 0);
    gate->open = open;
}

void
gate_open(struct gate *gate)
{
    (void)pthread_mutex_lock(&gate->lock);
    gate->open = true;
    (void)pthread_cond_broadcast(&gate->opened);
    (void)pthread_mutex_unlock(&gate->lock);
}

static void
pass(struct gate *gate)
{
    if (gate == NULL)
        return;
    (void)pthread_mutex_lock(&gate->lock);
    while (!gate->open)
        (void)pthread_cond_wait(&gate->opened, &gate->lock);
    (void)pthread_mutex_unlock(&gate->lock);
}

static void
run(struct cm_job *job, struct cm_seat *seat)
{
    struct errand *errand = (struct errand *)job;

    errand->runner = pthread_self();
    pass(errand->gate);
    if (errand->extra != NULL)
        errand->extra(errand);
    atomic_fetch_add(&errand->ran, seat != NULL ? 1 : 1000);
}

static void
done(struct cm_job *job)
{
    struct errand *errand = (struct errand *)job;

    errand->ender = pthread_self();
    atomic_fetch_add(&errand->done, 1);
    if (errand->after != NULL)
        errand->after(errand);
}

static void
drop(struct cm_job *job)
{
    atomic_fetch_add(&((struct errand *)job)->dropped, 1);
}

void
errand_init(struct errand *errand, unsigned certificate, struct gate *gate)
{
    static atomic_uint requests;
    unsigned request = ++requests;

    memset(errand, 0, sizeof(*errand));
    memcpy(errand->job.certificate, &certificate, sizeof(certificate));
    memcpy(errand->job.request, &request, sizeof(request));
    errand->job.run = run;
    errand->job.done = done;
    errand->job.drop = drop;
    errand->gate = gate;
}

static void
tick(verto_ctx *loop, verto_ev *event)
{
    (void)loop;
    (void)event;
}

verto_ctx *
loop_new(void)
{
    verto_ctx *loop =
        verto_new(NULL, VERTO_EV_TYPE_IO | VERTO_EV_TYPE_TIMEOUT);

    assert_non_null(loop);
    assert_non_null(
        verto_add_timeout(loop, VERTO_EV_FLAG_PERSIST, tick, TICK_MS));
    return loop;
}

void
run_until(verto_ctx *loop, bool (*holds)(void *context), void *context)
{
    time_t end = time(NULL) + PATIENCE_S;

    while (!holds(context)) {
        assert_true(time(NULL) < end);
        verto_run_once(loop);
    }
}

struct errands {
    struct errand *list;
    size_t count;
};

static bool
are_done(void *context)
{
    const struct errands *errands = context;

    for (size_t i = 0; i < errands->count; i++) {
        if (atomic_load(&errands->list[i].done) == 0)
            return false;
    }
    return true;
}

void
run_until_done(verto_ctx *loop, struct errand *errands, size_t count)
{
    struct errands all = {errands, count};

    run_until(loop, are_done, &all);
}

void
wait_for(const atomic_int *value, int wanted)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    time_t end = time(NULL) + PATIENCE_S;

    while (atomic_load(value) != wanted) {
        assert_true(time(NULL) < end);
        (void)nanosleep(&moment, NULL);
    }
}
