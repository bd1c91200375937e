/*
 * A circuit breaker: a source that fails is left alone for a while, then
 * tried again by one caller before all others.
 *
 * A plain value; who shares it between threads locks it.
 */
#ifndef CM_BREAKER_H
#define CM_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

struct cm_breaker_rules {
    unsigned failures; /* in a row, before it opens; at least 1 */
    int64_t rest_ms;   /* how long it then stays open */
};

/* Zeroed: closed, as if the source worked. */
struct cm_breaker {
    unsigned failures;  /* in a row */
    bool open;          /* it is not known to work */
    int64_t open_until; /* where open: then someone may try */
};

/* Would a try be allowed now?  Promises nothing to whoever asks. */
bool cm_breaker_is_due(const struct cm_breaker *breaker, int64_t now_ms);

/* May the source be tried now?  While it is open nobody may; afterwards one
 * caller at a time, who must tell how it went.  A caller who never does holds
 * the probe for one more rest only. */
bool cm_breaker_allows(struct cm_breaker *breaker,
                       const struct cm_breaker_rules *rules, int64_t now_ms);

/* How a try went.  True: that changed whether it is open (to be logged). */
bool cm_breaker_worked(struct cm_breaker *breaker);
bool cm_breaker_failed(struct cm_breaker *breaker,
                       const struct cm_breaker_rules *rules, int64_t now_ms);

#endif
