#include "crew.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include <sys/eventfd.h>
#include <unistd.h>

#include "seat.h"

/* Threads that are leaving still have their place. */
enum { PLACES = 2 * CM_WORKERS_MAX };

enum place {
    FREE,
    IDLE,
    BUSY,
    LEAVING, /* takes no job any more */
    GONE     /* is to be joined */
};

struct worker {
    struct cm_crew *crew;
    struct cm_seat *seat; /* the thread's own */
    pthread_t thread;
    pthread_cond_t wake;
    int idle_ms;
    /* Guarded by the crew's lock: */
    enum place place;
    uint64_t turn; /* when it became idle */
    struct cm_job *job;
};

struct cm_crew {
    int fd; /* wakes the loop */
    pthread_mutex_t lock;
    /* Guarded by the lock: */
    bool stop;
    uint64_t turns;
    size_t gone;             /* threads that are to be joined */
    struct cm_job *finished; /* the first first */
    struct cm_job **finished_end;
    struct worker workers[PLACES];
};

static void
lock(struct cm_crew *crew)
{
    (void)pthread_mutex_lock(&crew->lock);
}

static void
unlock(struct cm_crew *crew)
{
    (void)pthread_mutex_unlock(&crew->lock);
}

/* ---- on a thread ---- */

/* It cannot fail but where the loop is awake already (the count is full). */
static void
wake_loop(struct cm_crew *crew)
{
    const uint64_t one = 1;

    while (write(crew->fd, &one, sizeof(one)) < 0 && errno == EINTR)
        continue;
}

static struct timespec
idle_end(const struct worker *worker)
{
    struct timespec end = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &end); /* always there on Linux */
    end.tv_sec += worker->idle_ms / 1000;
    end.tv_nsec += (long)(worker->idle_ms % 1000) * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_nsec -= 1000000000;
        end.tv_sec++;
    }
    return end;
}

/* Under the lock.  False: there will be none. */
static bool
await_job(struct worker *worker)
{
    const struct timespec end = idle_end(worker);
    int code = 0;

    while (worker->job == NULL && !worker->crew->stop && code == 0)
        code =
            pthread_cond_timedwait(&worker->wake, &worker->crew->lock, &end);
    return worker->job != NULL && !worker->crew->stop;
}

/* Under the lock, but for the work itself and for waking the loop, which asks
 * for the lock at once.  It is awake, or will be, where another job waits for
 * it already. */
static void
run_job(struct worker *worker)
{
    struct cm_crew *crew = worker->crew;
    struct cm_job *job = worker->job;
    bool first;

    unlock(crew);
    job->run(job, worker->seat);
    lock(crew);
    worker->job = NULL;
    worker->place = IDLE;
    worker->turn = ++crew->turns;
    job->next = NULL;
    first = crew->finished == NULL;
    *crew->finished_end = job;
    crew->finished_end = &job->next;
    unlock(crew);
    if (first)
        wake_loop(crew);
    lock(crew);
}

static void *
work(void *argument)
{
    struct worker *worker = argument;
    struct cm_crew *crew = worker->crew;

    (void)pthread_setname_np(pthread_self(), "certmap");
    lock(crew);
    while (await_job(worker))
        run_job(worker);
    worker->place = LEAVING;
    unlock(crew);

    cm_seat_free(worker->seat);

    lock(crew);
    worker->seat = NULL;
    worker->place = GONE;
    crew->gone++;
    wake_loop(crew);
    unlock(crew);
    return NULL;
}

/* ---- on the loop's thread ---- */

/* The process's signals are not for this thread. */
static bool
create_thread(struct worker *worker)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    bool ok;

    (void)sigfillset(&all);
    if (pthread_attr_init(&attributes) != 0)
        return false;
    ok = pthread_attr_setstacksize(&attributes, CM_WORKERS_STACK) == 0 &&
         pthread_sigmask(SIG_SETMASK, &all, &before) == 0;
    if (ok) {
        ok = pthread_create(&worker->thread, &attributes, work, worker) == 0;
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    (void)pthread_attr_destroy(&attributes);
    return ok;
}

/* A thread that has ended, past its last lock; NULL: there is none. */
static struct worker *
take_gone(struct cm_crew *crew)
{
    struct worker *found = NULL;

    lock(crew);
    for (size_t i = 0; crew->gone > 0 && found == NULL; i++) {
        if (crew->workers[i].place == GONE)
            found = &crew->workers[i];
    }
    if (found != NULL) {
        found->place = LEAVING;
        crew->gone--;
    }
    unlock(crew);
    return found;
}

/* Gives back the threads that have ended. */
static void
reap(struct cm_crew *crew)
{
    struct worker *worker;

    while ((worker = take_gone(crew)) != NULL) {
        (void)pthread_join(worker->thread, NULL);
        lock(crew);
        worker->place = FREE;
        unlock(crew);
    }
}

/* Under the lock: the idle one that worked last, or NULL. */
static struct worker *
find_idle(struct cm_crew *crew)
{
    struct worker *found = NULL;

    for (size_t i = 0; i < PLACES; i++) {
        if (crew->workers[i].place == IDLE &&
            (found == NULL || crew->workers[i].turn > found->turn))
            found = &crew->workers[i];
    }
    return found;
}

/* Hands the job to an idle thread.  False: there is none. */
static bool
wake_one(struct cm_crew *crew, struct cm_job *job)
{
    struct worker *worker;

    lock(crew);
    worker = find_idle(crew);
    if (worker != NULL) {
        worker->job = job;
        worker->place = BUSY;
    }
    unlock(crew);
    /* Now, as it asks for the lock at once. */
    if (worker != NULL)
        (void)pthread_cond_signal(&worker->wake);
    return worker != NULL;
}

/* Takes a free place for the job.  NULL: there is none. */
static struct worker *
take_place(struct cm_crew *crew, struct cm_job *job)
{
    struct worker *found = NULL;

    lock(crew);
    for (size_t i = 0; i < PLACES && found == NULL; i++) {
        if (crew->workers[i].place == FREE)
            found = &crew->workers[i];
    }
    if (found != NULL) {
        found->place = BUSY;
        found->job = job;
    }
    unlock(crew);
    return found;
}

static void
leave_place(struct worker *worker)
{
    cm_seat_free(worker->seat);
    worker->seat = NULL;
    lock(worker->crew);
    worker->job = NULL;
    worker->place = FREE;
    unlock(worker->crew);
}

static enum cm_reason
start_one(struct cm_crew *crew, int idle_ms, struct cm_job *job)
{
    struct worker *worker;
    enum cm_reason reason = CM_INTERNAL;

    reap(crew);
    worker = take_place(crew, job);
    if (worker == NULL)
        return CM_BUSY; /* many are leaving just now */
    worker->idle_ms = idle_ms;
    worker->seat = cm_seat_new();
    if (worker->seat == NULL)
        reason = CM_NO_MEMORY;
    else if (create_thread(worker))
        return CM_OK;
    leave_place(worker);
    return reason;
}

enum cm_reason
cm_crew_give(struct cm_crew *crew, int idle_ms, struct cm_job *job)
{
    job->next = NULL;
    return wake_one(crew, job) ? CM_OK : start_one(crew, idle_ms, job);
}

struct cm_job *
cm_crew_take_finished(struct cm_crew *crew)
{
    struct cm_job *job;
    bool more = false;
    uint64_t count;

    /* What it counts does not matter, and nothing to read is no harm. */
    while (read(crew->fd, &count, sizeof(count)) < 0 && errno == EINTR)
        continue;
    lock(crew);
    job = crew->finished;
    if (job != NULL) {
        crew->finished = job->next;
        more = crew->finished != NULL;
    }
    if (!more)
        crew->finished_end = &crew->finished;
    unlock(crew);
    if (more)
        wake_loop(crew);
    reap(crew);
    return job;
}

int
cm_crew_fd(const struct cm_crew *crew)
{
    return crew->fd;
}

size_t
cm_crew_threads(struct cm_crew *crew)
{
    size_t count = 0;

    lock(crew);
    for (size_t i = 0; i < PLACES; i++)
        count += crew->workers[i].place != FREE ? 1 : 0;
    unlock(crew);
    return count;
}

static bool
init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    bool ok;

    if (pthread_condattr_init(&attributes) != 0)
        return false;
    ok = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
         pthread_cond_init(condition, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    return ok;
}

static void
destroy_locks(struct cm_crew *crew, size_t conditions)
{
    while (conditions > 0)
        (void)pthread_cond_destroy(&crew->workers[--conditions].wake);
    (void)pthread_mutex_destroy(&crew->lock);
}

static bool
init_locks(struct cm_crew *crew)
{
    if (pthread_mutex_init(&crew->lock, NULL) != 0)
        return false;
    for (size_t i = 0; i < PLACES; i++) {
        crew->workers[i].crew = crew;
        if (!init_condition(&crew->workers[i].wake)) {
            destroy_locks(crew, i);
            return false;
        }
    }
    return true;
}

enum cm_reason
cm_crew_new(struct cm_crew **out)
{
    struct cm_crew *crew = calloc(1, sizeof(*crew));

    if (crew == NULL)
        return CM_NO_MEMORY;
    crew->finished_end = &crew->finished;
    crew->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (crew->fd >= 0 && init_locks(crew)) {
        *out = crew;
        return CM_OK;
    }
    if (crew->fd >= 0)
        (void)close(crew->fd);
    free(crew);
    return CM_INTERNAL;
}

static void
end_threads(struct cm_crew *crew)
{
    struct worker *worker;

    lock(crew);
    crew->stop = true;
    for (size_t i = 0; i < PLACES; i++)
        (void)pthread_cond_signal(&crew->workers[i].wake);
    unlock(crew);
    for (size_t i = 0; i < PLACES; i++) {
        worker = &crew->workers[i];
        /* Only this thread makes a place FREE, or a free one something else.
         */
        lock(crew);
        if (worker->place == FREE) {
            unlock(crew);
            continue;
        }
        unlock(crew);
        (void)pthread_join(worker->thread, NULL);
        worker->place = FREE;
    }
}

void
cm_crew_free(struct cm_crew *crew)
{
    if (crew == NULL)
        return;
    end_threads(crew);
    (void)close(crew->fd);
    destroy_locks(crew, PLACES);
    free(crew);
}

void
cm_crew_forget(struct cm_crew *crew)
{
    free(crew);
}
