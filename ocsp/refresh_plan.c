#include "refresh_plan.h"

/* The times are those of certificates: no sum of them overflows. */
int64_t
cm_refresh_end(const struct cm_refresh_window *window)
{
    return window->has_next_update ? window->next_update
                                   : window->this_update + CM_REFRESH_MAX_AGE;
}

/* Never below 0, even where the times make no sense. */
static int64_t
validity_of(const struct cm_refresh_window *window)
{
    int64_t validity = cm_refresh_end(window) - window->this_update;

    return validity > 0 ? validity : 0;
}

/* The last moment that leaves the margin. */
static int64_t
latest_of(const struct cm_refresh_window *window)
{
    int64_t validity = validity_of(window);
    int64_t margin = validity / CM_REFRESH_MARGIN_PART;

    if (margin < CM_REFRESH_MARGIN)
        margin = CM_REFRESH_MARGIN;
    /* A short validity has its margin behind its half. */
    if (margin > validity / 2)
        margin = validity / 2;
    return cm_refresh_end(window) - margin;
}

/* A moment of [from, to]. */
static int64_t
moment_between(int64_t from, int64_t to, uint32_t dice)
{
    uint64_t span = (uint64_t)(to - from);

    /* Spans of 136 years and more lose their lowest bits, no more. */
    if (span > UINT32_MAX)
        return from + (int64_t)((span >> 32) * dice);
    return from + (int64_t)((span * dice) >> 32);
}

int64_t
cm_refresh_moment(const struct cm_refresh_window *window, uint32_t dice)
{
    return moment_between(window->this_update + validity_of(window) / 2,
                          latest_of(window), dice);
}

int64_t
cm_refresh_late(const struct cm_refresh_window *window, int64_t now)
{
    int64_t wait = validity_of(window) / CM_REFRESH_LATE_PART;
    int64_t most =
        now < cm_refresh_end(window) ? CM_REFRESH_MOST : CM_REFRESH_MARGIN;

    if (wait < CM_REFRESH_LEAST)
        return CM_REFRESH_LEAST;
    return wait < most ? wait : most;
}

int64_t
cm_refresh_after_success(const struct cm_refresh_window *window, int64_t now,
                         uint32_t dice, int64_t poll)
{
    int64_t soonest = now + CM_REFRESH_LEAST, from, latest, due;

    if (!window->known)
        return now + CM_REFRESH_MOST;
    from = window->this_update + validity_of(window) / 2;
    if (from < soonest)
        from = soonest;
    latest = latest_of(window);
    if (latest > from)
        due = moment_between(from, latest, dice);
    else if (latest > soonest) /* half of a short validity */
        due = latest;
    else
        due = now + cm_refresh_late(window, now);
    if (poll > 0 && due > now + poll)
        due = now + poll;
    return due > soonest ? due : soonest;
}

int64_t
cm_refresh_after_failure(int64_t now, unsigned failures)
{
    int64_t wait = CM_REFRESH_LEAST;

    for (unsigned i = 1; i < failures && wait < CM_REFRESH_MOST; i++)
        wait *= 2;
    return now + (wait < CM_REFRESH_MOST ? wait : CM_REFRESH_MOST);
}

const char *
cm_refresh_health_token(enum cm_refresh_health health)
{
    switch (health) {
    case CM_REFRESH_FRESH:
        return "fresh";
    case CM_REFRESH_ENDING:
        return "ending";
    case CM_REFRESH_ENDED:
        return "ended";
    case CM_REFRESH_MISSING:
        return "missing";
    }
    return "missing";
}

enum cm_refresh_health
cm_refresh_judge(const struct cm_refresh_window *window, int64_t now,
                 unsigned failures)
{
    int64_t left;

    if (!window->known)
        return CM_REFRESH_MISSING;
    left = cm_refresh_end(window) - now;
    if (left <= 0)
        return CM_REFRESH_ENDED;
    if (failures > 0 && left < validity_of(window) / CM_REFRESH_ALARM_PART)
        return CM_REFRESH_ENDING;
    return CM_REFRESH_FRESH;
}
