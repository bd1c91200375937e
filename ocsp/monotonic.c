#include "monotonic.h"

#include <limits.h>
#include <time.h>

enum { MS_A_SECOND = 1000, NS_A_MS = 1000000 };

int64_t
cm_monotonic_ms(void)
{
    struct timespec now;

    /* It cannot fail; if it did, every deadline would have passed. */
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return INT64_MAX;
    return (int64_t)now.tv_sec * MS_A_SECOND + now.tv_nsec / NS_A_MS;
}

int
cm_monotonic_left(int64_t deadline_ms)
{
    int64_t now = cm_monotonic_ms();

    if (now >= deadline_ms)
        return 0;
    return deadline_ms - now > INT_MAX ? INT_MAX : (int)(deadline_ms - now);
}
