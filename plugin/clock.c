#include "authorize.h"

#include <time.h>

static int64_t
system_now(void *context)
{
    struct timespec now;

    (void)context;
    /* A clock that cannot be read must not look like any date at which a
     * certificate is valid. */
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return INT64_MIN;
    return now.tv_sec;
}

static int64_t
system_monotonic_ms(void *context)
{
    struct timespec now;

    (void)context;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return INT64_MAX / 2;
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const struct cm_clock cm_system_clock = {system_now, system_monotonic_ms,
                                         NULL};
