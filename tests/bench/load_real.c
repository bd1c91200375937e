/*
 * Real logins, one after the other in each of several threads.
 */
#include "load.h"

#include <pthread.h>
#include <stdlib.h>

struct real {
    const struct load *load;
    struct load_result *result;
    pthread_mutex_t lock; /* over the result and the count */
    size_t begun;
    double started;
};

static const struct load_login *
next_login(struct real *real)
{
    const struct load *load = real->load;
    const struct load_login *login = NULL;

    pthread_mutex_lock(&real->lock);
    if (real->begun < load->count &&
        wire_now() < real->started + load->seconds)
        login = &load->logins[real->begun++ % load->login_count];
    pthread_mutex_unlock(&real->lock);
    return login;
}

static void *
log_in(void *data)
{
    struct real *real = data;
    struct wire *wire = malloc(sizeof(*wire));
    const struct load_login *login;
    struct load_outcome outcome;
    double begun;

    if (wire == NULL)
        load_fail("out of memory");
    wire_init(wire);
    while ((login = next_login(real)) != NULL) {
        begun = wire_now();
        outcome = load_real_login(real->load, login, wire, NULL);
        pthread_mutex_lock(&real->lock);
        load_result_add(real->result, &outcome, wire_now() - begun);
        pthread_mutex_unlock(&real->lock);
    }
    free(wire);
    return NULL;
}

void
load_real(const struct load *load, struct load_result *result)
{
    struct real real = {.load = load,
                        .result = result,
                        .lock = PTHREAD_MUTEX_INITIALIZER,
                        .started = wire_now()};
    pthread_t threads[LOAD_MAX_IN_FLIGHT];
    size_t i;

    for (i = 0; i < load->in_flight; i++)
        if (pthread_create(&threads[i], NULL, log_in, &real) != 0)
            load_fail("no thread");
    for (i = 0; i < load->in_flight; i++)
        pthread_join(threads[i], NULL);
    result->elapsed = wire_now() - real.started;
}
