#include "workers.h"

#include <stdlib.h>

#include <unistd.h>

#include <verto.h>

#include "crew.h"
#include "flights.h"
#include "workers_parts.h"

/* Between the loop's event and the workers: each may go first. */
struct tie {
    struct verto_ctx *loop;
    verto_ev *event;
    struct cm_workers *workers; /* NULL: they are gone */
};

/* All of it belongs to the loop's thread. */
struct cm_workers {
    int idle_ms;
    struct cm_flights *flights; /* shared with all that fork from here */
    pid_t pid;                  /* of the process whose all below is */
    struct cm_crew *crew;
    struct tie *tie; /* NULL: the loop does not know of us */
    struct cm_job *under_way[CM_WORKERS_MAX];
    size_t count;
};

struct cm_workers *
cm_workers_new(void)
{
    struct cm_workers *workers = calloc(1, sizeof(*workers));

    if (workers == NULL)
        return NULL;
    workers->flights = cm_flights_new();
    if (workers->flights == NULL) {
        free(workers);
        return NULL;
    }
    workers->idle_ms = CM_WORKERS_IDLE_MS;
    workers->pid = getpid();
    return workers;
}

void
cm_workers_set_idle_ms(struct cm_workers *workers, int idle_ms)
{
    workers->idle_ms = idle_ms;
}

/* What a parent left in our memory is not ours: its loop's event, its jobs and
 * its threads. */
static void
forget_parent(struct cm_workers *workers)
{
    if (workers->pid == getpid())
        return;
    if (workers->tie != NULL)
        workers->tie->workers = NULL;
    workers->tie = NULL;
    cm_crew_forget(workers->crew);
    workers->crew = NULL;
    workers->count = 0;
    workers->pid = getpid();
}

void
cm_workers_free(struct cm_workers *workers)
{
    if (workers == NULL)
        return;
    forget_parent(workers);
    if (workers->tie != NULL)
        verto_del(workers->tie->event); /* the loop is still there */
    cm_crew_free(workers->crew);
    for (size_t i = 0; i < workers->count; i++) {
        cm_flights_leave(workers->flights, workers->under_way[i]->flight);
        workers->under_way[i]->drop(workers->under_way[i]);
    }
    cm_flights_free(workers->flights);
    free(workers);
}

/* ---- the loop ---- */

static void
end_job(struct cm_workers *workers, struct cm_job *job)
{
    for (size_t i = 0; i < workers->count; i++) {
        if (workers->under_way[i] == job) {
            workers->under_way[i] = workers->under_way[--workers->count];
            break;
        }
    }
    cm_flights_leave(workers->flights, job->flight);
    job->done(job);
}

/* Jobs are finished, or threads have ended.  One at a time: the answer to a
 * card costs the KDC milliseconds, and others wait to be read as well. */
static void
on_ready(verto_ctx *loop, verto_ev *event)
{
    const struct tie *tie = verto_get_private(event);
    struct cm_workers *workers = tie->workers;
    struct cm_job *job;

    (void)loop;
    if (workers == NULL || workers->pid != getpid())
        return;
    job = cm_crew_take_finished(workers->crew);
    if (job != NULL)
        end_job(workers, job);
}

/* The event is being deleted, by us or with its loop. */
static void
on_event_free(verto_ctx *loop, verto_ev *event)
{
    struct tie *tie = verto_get_private(event);

    (void)loop;
    if (tie->workers != NULL)
        tie->workers->tie = NULL;
    free(tie);
}

static enum cm_reason
tie_to_loop(struct cm_workers *workers, struct verto_ctx *loop)
{
    struct tie *tie;

    if (workers->tie != NULL)
        return workers->tie->loop == loop ? CM_OK : CM_INTERNAL;
    tie = calloc(1, sizeof(*tie));
    if (tie == NULL)
        return CM_NO_MEMORY;
    tie->event =
        verto_add_io(loop, VERTO_EV_FLAG_PERSIST | VERTO_EV_FLAG_IO_READ,
                     on_ready, cm_crew_fd(workers->crew));
    if (tie->event == NULL) {
        free(tie);
        return CM_INTERNAL;
    }
    tie->loop = loop;
    tie->workers = workers;
    verto_set_private(tie->event, tie, on_event_free);
    workers->tie = tie;
    return CM_OK;
}

/* ---- handing over ---- */

/* The crew, and the loop's ear for it. */
static enum cm_reason
make_ready(struct cm_workers *workers, struct verto_ctx *loop)
{
    enum cm_reason reason = CM_OK;

    if (workers->crew == NULL)
        reason = cm_crew_new(&workers->crew);
    if (reason == CM_OK)
        reason = tie_to_loop(workers, loop);
    return reason;
}

static bool
enter_flight(struct cm_workers *workers, struct cm_job *job)
{
    job->is_repeated = false;
    if (workers->count == CM_WORKERS_MAX)
        return false;
    switch (cm_flights_enter(workers->flights, job->certificate, job->request,
                             &job->flight)) {
    case CM_FLIGHT_BUSY:
        break;
    case CM_FLIGHT_REPEATED:
        job->is_repeated = true;
        break;
    case CM_FLIGHT_ENTERED:
        return true;
    }
    return false;
}

enum cm_reason
cm_workers_submit(struct cm_workers *workers, struct verto_ctx *loop,
                  struct cm_job *job)
{
    enum cm_reason reason;

    forget_parent(workers);
    if (!enter_flight(workers, job))
        return CM_BUSY;
    reason = make_ready(workers, loop);
    if (reason == CM_OK)
        reason = cm_crew_give(workers->crew, workers->idle_ms, job);
    if (reason == CM_OK)
        workers->under_way[workers->count++] = job;
    else
        cm_flights_leave(workers->flights, job->flight);
    return reason;
}

size_t
cm_workers_count(const struct cm_workers *workers)
{
    return workers->pid == getpid() ? workers->count : 0;
}

size_t
cm_workers_threads(const struct cm_workers *workers)
{
    if (workers->crew == NULL || workers->pid != getpid())
        return 0;
    return cm_crew_threads(workers->crew);
}
