#include "ldap_resolve.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend.h"

struct cm_resolve {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    unsigned references; /* the asker's and the thread's */
    bool done;
    int code; /* of getaddrinfo(3) */
    struct addrinfo *addresses;
    char *host;
    char *service;
};

static void
destroy(struct cm_resolve *question)
{
    if (question->addresses != NULL)
        freeaddrinfo(question->addresses);
    free(question->host);
    free(question->service);
    (void)pthread_cond_destroy(&question->answered);
    (void)pthread_mutex_destroy(&question->lock);
    free(question);
}

/* Whoever lets go last cleans up. */
static void
release(struct cm_resolve *question)
{
    bool last;

    (void)pthread_mutex_lock(&question->lock);
    last = --question->references == 0;
    (void)pthread_mutex_unlock(&question->lock);
    if (last)
        destroy(question);
}

void
cm_resolve_forget(struct cm_resolve *pending)
{
    if (pending != NULL)
        release(pending);
}

static int
look_up(const char *host, const char *service, int flags,
        struct addrinfo **out)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICSERV | flags};

    return getaddrinfo(host, service, &hints, out);
}

static void *
run(void *argument)
{
    struct cm_resolve *question = argument;
    struct addrinfo *addresses = NULL;
    int code =
        look_up(question->host, question->service, AI_ADDRCONFIG, &addresses);

    (void)pthread_mutex_lock(&question->lock);
    question->code = code;
    question->addresses = code == 0 ? addresses : NULL;
    question->done = true;
    (void)pthread_cond_signal(&question->answered);
    (void)pthread_mutex_unlock(&question->lock);
    release(question);
    return NULL;
}

/* The process's signals are not for this thread. */
static bool
start_thread(struct cm_resolve *question)
{
    sigset_t all, before;
    pthread_t thread;
    bool ok;

    (void)sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return false;
    ok = pthread_create(&thread, NULL, run, question) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ok)
        (void)pthread_detach(thread);
    return ok;
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

static struct cm_resolve *
ask(const char *host, const char *service)
{
    struct cm_resolve *question = calloc(1, sizeof(*question));

    if (question == NULL || pthread_mutex_init(&question->lock, NULL) != 0) {
        free(question);
        return NULL;
    }
    if (!init_condition(&question->answered)) {
        (void)pthread_mutex_destroy(&question->lock);
        free(question);
        return NULL;
    }
    question->references = 2;
    question->host = strdup(host);
    question->service = strdup(service);
    if (question->host != NULL && question->service != NULL &&
        start_thread(question))
        return question;
    destroy(question);
    return NULL;
}

/* False: the deadline has passed. */
static bool
wait_for(struct cm_resolve *question, int64_t deadline)
{
    const struct timespec until = {
        .tv_sec = (time_t)(deadline / 1000),
        .tv_nsec = (long)(deadline % 1000) * 1000000,
    };
    int code = 0;
    bool done;

    (void)pthread_mutex_lock(&question->lock);
    while (!question->done && code == 0)
        code = pthread_cond_timedwait(&question->answered, &question->lock,
                                      &until);
    done = question->done;
    (void)pthread_mutex_unlock(&question->lock);
    return done;
}

bool
cm_resolve(struct cm_resolve **pending, const char *host, const char *service,
           int64_t deadline, struct addrinfo **out, struct cm_detail *detail)
{
    struct cm_resolve *question;
    int code;

    /* An address needs nobody's help. */
    if (look_up(host, service, AI_NUMERICHOST, out) == 0)
        return true;
    if (*pending == NULL)
        *pending = ask(host, service);
    question = *pending;
    if (question == NULL) {
        cm_detail_set(detail, "%s cannot be looked up: no thread", host);
        return false;
    }
    if (!wait_for(question, deadline)) {
        cm_detail_set(detail, "%s was not looked up in time", host);
        return false;
    }
    *pending = NULL;
    code = question->code;
    *out = question->addresses;
    question->addresses = NULL;
    release(question);
    if (code != 0)
        cm_detail_set(detail, "%s: %s", host, gai_strerror(code));
    return code == 0;
}
