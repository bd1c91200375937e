#include "bench_clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static double
cpu_us(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) != 0)
        abort();
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

void
bench_round(struct bench_series *series, size_t repeat,
            void (*work)(void *context), void *context)
{
    double start = cpu_us();
    size_t i;

    for (i = 0; i < repeat; i++)
        work(context);
    if (series->count == BENCH_MAX_ROUNDS)
        abort();
    series->us[series->count++] = (cpu_us() - start) / (double)repeat;
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double
bench_minimum(const struct bench_series *series)
{
    double least = series->us[0];
    size_t i;

    for (i = 1; i < series->count; i++)
        if (series->us[i] < least)
            least = series->us[i];
    return least;
}

double
bench_median(const struct bench_series *series)
{
    struct bench_series sorted = *series;
    size_t half = sorted.count / 2;

    qsort(sorted.us, sorted.count, sizeof(sorted.us[0]), compare);
    if (sorted.count % 2 == 1)
        return sorted.us[half];
    return (sorted.us[half - 1] + sorted.us[half]) / 2;
}
