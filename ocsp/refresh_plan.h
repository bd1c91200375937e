/*
 * When a source is asked again, and when somebody must be told: pure
 * arithmetic on points in time.  What is asked is in refresh_sources.h, the
 * asking in refresh.h.
 *
 * What a source gave is replaced at a random moment between half of its
 * validity and a margin before its end, so that many hosts do not ask at
 * once.  Past that moment, where the source has nothing newer yet, it is
 * asked every twentieth part of the validity.  A source that failed is left
 * alone for 60 s, then 120 s, and so on up to an hour.  Nothing is planned
 * closer than CM_REFRESH_LEAST.
 */
#ifndef CM_REFRESH_PLAN_H
#define CM_REFRESH_PLAN_H

#include <stdbool.h>
#include <stdint.h>

enum {
    CM_REFRESH_LEAST = 60,         /* seconds between two planned tries */
    CM_REFRESH_MOST = 3600,        /* seconds of the longest back-off */
    CM_REFRESH_MARGIN = 300,       /* seconds; the least margin */
    CM_REFRESH_MARGIN_PART = 10,   /* the margin's part of the validity */
    CM_REFRESH_LATE_PART = 20,     /* between tries past the margin */
    CM_REFRESH_ALARM_PART = 4,     /* of the validity: the last quarter */
    CM_REFRESH_MAX_AGE = 24 * 3600 /* validity of what names no end */
};

/* From when to when something is current. */
struct cm_refresh_window {
    bool known; /* false: there is nothing */
    int64_t this_update;
    bool has_next_update;
    int64_t next_update;
};

/* Its end: next_update, or CM_REFRESH_MAX_AGE after this_update. */
int64_t cm_refresh_end(const struct cm_refresh_window *window);

/*
 * When to ask again after the source has answered at `now` with what is
 * current during window.  dice: any number, evenly distributed.  poll: ask at
 * least this often (seconds); 0: as the window says.  An unknown window is
 * asked for again after CM_REFRESH_MOST.
 */
int64_t cm_refresh_after_success(const struct cm_refresh_window *window,
                                 int64_t now, uint32_t dice, int64_t poll);

/*
 * The random moment alone, whatever the time is now: past it the answer is
 * due to be replaced.
 */
int64_t cm_refresh_moment(const struct cm_refresh_window *window,
                          uint32_t dice);

/* How long to wait where a source that is due has nothing newer at `now`;
 * past the end no longer than CM_REFRESH_MARGIN. */
int64_t cm_refresh_late(const struct cm_refresh_window *window, int64_t now);

/* When to ask again after so many failures in a row, the last at `now`. */
int64_t cm_refresh_after_failure(int64_t now, unsigned failures);

enum cm_refresh_health {
    CM_REFRESH_FRESH,
    CM_REFRESH_ENDING, /* in its last quarter, and the last tries failed */
    CM_REFRESH_ENDED,  /* its end has passed */
    CM_REFRESH_MISSING /* there is nothing */
};

/* "fresh", "ending", "ended", "missing". */
const char *cm_refresh_health_token(enum cm_refresh_health health);

enum cm_refresh_health cm_refresh_judge(const struct cm_refresh_window *window,
                                        int64_t now, unsigned failures);

#endif
