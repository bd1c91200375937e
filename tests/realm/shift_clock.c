/*
 * Preloaded into a program: its clock is off by as many seconds as the
 * variable SHIFT_CLOCK says.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))

static time_t
shift(void)
{
    const char *seconds = getenv("SHIFT_CLOCK");

    return seconds == NULL ? 0 : (time_t)atol(seconds);
}

EXPORT int
clock_gettime(clockid_t clock, struct timespec *out)
{
    static int (*real)(clockid_t, struct timespec *);
    int ret;

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    ret = real(clock, out);
    if (ret == 0 && clock == CLOCK_REALTIME)
        out->tv_sec += shift();
    return ret;
}

EXPORT int
gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return -1;
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}

EXPORT time_t
time(time_t *out)
{
    struct timespec now;

    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return (time_t)-1;
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}
