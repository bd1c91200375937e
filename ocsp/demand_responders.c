/*
 * Responders that fail are left alone for a while, by all threads.
 */
#include "demand_parts.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "fetch_url.h"

static const struct cm_breaker_rules rules = {.failures = CM_DEMAND_FAILURES,
                                              .rest_ms = CM_DEMAND_REST_MS};

bool
cm_responders_init(struct cm_responders *responders, const struct cm_log *log)
{
    memset(responders, 0, sizeof(*responders));
    responders->log = log;
    return pthread_mutex_init(&responders->mutex, NULL) == 0;
}

void
cm_responders_clear(struct cm_responders *responders)
{
    for (size_t i = 0; i < responders->count; i++)
        free(responders->list[i].origin);
    pthread_mutex_destroy(&responders->mutex);
}

/* NULL: not a URL, or no memory. */
static char *
origin_of(const char *text)
{
    struct cm_buf buf = CM_BUF_INIT;
    struct cm_fetch_url url = {0};
    struct cm_detail ignored;

    if (cm_fetch_url_parse(text, &url, &ignored) != CM_FETCHED)
        return NULL;
    cm_buf_addf(&buf, "%s://%s:%u", url.scheme, url.host, url.port);
    cm_fetch_url_clear(&url);
    return cm_buf_take(&buf);
}

/* Where a new one goes: at the end, or in place of the least recently asked
 * for. */
static struct cm_responder *
make_room(struct cm_responders *responders)
{
    struct cm_responder *oldest = &responders->list[0];

    if (responders->count < CM_DEMAND_MAX_RESPONDERS)
        return &responders->list[responders->count++];
    for (size_t i = 1; i < responders->count; i++) {
        if (responders->list[i].used < oldest->used)
            oldest = &responders->list[i];
    }
    free(oldest->origin);
    return oldest;
}

/* The responder of the URL, locked; NULL: unlocked, there is none. */
static struct cm_responder *
enter(struct cm_responders *responders, const char *url)
{
    char *origin = origin_of(url);
    struct cm_responder *found = NULL;

    if (origin == NULL)
        return NULL;
    pthread_mutex_lock(&responders->mutex);
    for (size_t i = 0; i < responders->count && found == NULL; i++) {
        if (strcmp(responders->list[i].origin, origin) == 0)
            found = &responders->list[i];
    }
    if (found == NULL) {
        found = make_room(responders);
        memset(found, 0, sizeof(*found));
        found->origin = origin;
        origin = NULL;
    }
    free(origin);
    found->used = ++responders->uses;
    return found;
}

/* Says that it changed. */
static void
leave(struct cm_responders *responders, const struct cm_responder *responder,
      bool changed, const char *why)
{
    struct cm_buf origin = CM_BUF_INIT, reason = CM_BUF_INIT;
    char *name = NULL, *text = NULL;

    if (changed) {
        cm_text_escape(&origin, responder->origin, strlen(responder->origin),
                       CM_DETAIL_SIZE);
        cm_text_escape(&reason, why, strlen(why), CM_DETAIL_SIZE);
    }
    pthread_mutex_unlock(&responders->mutex);
    name = cm_buf_take(&origin);
    text = cm_buf_take(&reason);
    if (changed && name != NULL && text != NULL && *text != '\0')
        cm_log_write(responders->log, CM_LOG_ERROR,
                     "OCSP responder %s is left alone for %d s: %s", name,
                     CM_DEMAND_REST_MS / 1000, text);
    else if (changed && name != NULL)
        cm_log_write(responders->log, CM_LOG_INFO,
                     "OCSP responder %s answers again", name);
    free(name);
    free(text);
}

bool
cm_responders_allow(struct cm_responders *responders, const char *url,
                    int64_t now_ms)
{
    struct cm_responder *responder = enter(responders, url);
    bool allowed;

    if (responder == NULL)
        return true;
    allowed = cm_breaker_allows(&responder->breaker, &rules, now_ms);
    leave(responders, responder, false, "");
    return allowed;
}

void
cm_responders_worked(struct cm_responders *responders, const char *url)
{
    struct cm_responder *responder = enter(responders, url);

    if (responder != NULL)
        leave(responders, responder, cm_breaker_worked(&responder->breaker),
              "");
}

void
cm_responders_failed(struct cm_responders *responders, const char *url,
                     int64_t now_ms, const char *why)
{
    struct cm_responder *responder = enter(responders, url);

    if (responder != NULL)
        leave(responders, responder,
              cm_breaker_failed(&responder->breaker, &rules, now_ms),
              *why != '\0' ? why : "no answer");
}
