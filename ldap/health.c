#include "health.h"

#include <pthread.h>
#include <stdlib.h>

#include "breaker.h"
#include "directory.h"

static const struct cm_breaker_rules rules = {.failures = 1,
                                              .rest_ms = CM_LDAP_SKIP_MS};

struct cm_directory_health {
    pthread_mutex_t lock; /* guards all below */
    size_t count;
    struct cm_breaker servers[CM_DIRECTORY_MAX_URIS];
    int64_t all_out_until; /* where all are open */
};

struct cm_directory_health *
cm_directory_health_new(size_t count)
{
    struct cm_directory_health *health = calloc(1, sizeof(*health));

    if (health == NULL)
        return NULL;
    if (count > CM_DIRECTORY_MAX_URIS ||
        pthread_mutex_init(&health->lock, NULL) != 0) {
        free(health);
        return NULL;
    }
    health->count = count;
    health->all_out_until = INT64_MIN;
    return health;
}

void
cm_directory_health_free(struct cm_directory_health *health)
{
    if (health == NULL)
        return;
    (void)pthread_mutex_destroy(&health->lock);
    free(health);
}

bool
cm_health_is_due(struct cm_directory_health *health, size_t server,
                 int64_t now_ms)
{
    bool due;

    (void)pthread_mutex_lock(&health->lock);
    due = cm_breaker_is_due(&health->servers[server], now_ms);
    (void)pthread_mutex_unlock(&health->lock);
    return due;
}

bool
cm_health_may_try(struct cm_directory_health *health, size_t server,
                  int64_t now_ms)
{
    bool may;

    (void)pthread_mutex_lock(&health->lock);
    may = cm_breaker_allows(&health->servers[server], &rules, now_ms);
    (void)pthread_mutex_unlock(&health->lock);
    return may;
}

bool
cm_health_may_try_all(struct cm_directory_health *health, int64_t now_ms)
{
    bool may;

    (void)pthread_mutex_lock(&health->lock);
    may = now_ms >= health->all_out_until;
    /* One at a time; who never tells how it went holds it for one rest. */
    if (may)
        health->all_out_until = now_ms + CM_LDAP_SKIP_MS;
    (void)pthread_mutex_unlock(&health->lock);
    return may;
}

bool
cm_health_worked(struct cm_directory_health *health, size_t server)
{
    bool news;

    (void)pthread_mutex_lock(&health->lock);
    news = cm_breaker_worked(&health->servers[server]);
    /* Nor is all out any more; when it is again, that is another outage. */
    health->all_out_until = INT64_MIN;
    (void)pthread_mutex_unlock(&health->lock);
    return news;
}

bool
cm_health_failed(struct cm_directory_health *health, size_t server,
                 int64_t now_ms)
{
    bool news;

    (void)pthread_mutex_lock(&health->lock);
    news = cm_breaker_failed(&health->servers[server], &rules, now_ms);
    (void)pthread_mutex_unlock(&health->lock);
    return news;
}

void
cm_health_none_worked(struct cm_directory_health *health, int64_t now_ms,
                      int64_t spent_ms)
{
    int64_t rest = CM_LDAP_SKIP_MS;
    bool all_out = true;

    if (spent_ms < CM_LDAP_SKIP_MS / CM_HEALTH_REST_FACTOR)
        rest = spent_ms * CM_HEALTH_REST_FACTOR;
    (void)pthread_mutex_lock(&health->lock);
    for (size_t i = 0; i < health->count; i++)
        all_out = all_out && health->servers[i].open;
    if (all_out)
        health->all_out_until = now_ms + rest;
    (void)pthread_mutex_unlock(&health->lock);
}
