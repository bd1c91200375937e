/*
 * CPU time of repeated work, in rounds.
 */
#ifndef CM_BENCH_CLOCK_H
#define CM_BENCH_CLOCK_H

#include <stddef.h>

enum { BENCH_MAX_ROUNDS = 1000 };

/* Microseconds of CPU for one repetition, round by round. */
struct bench_series {
    double us[BENCH_MAX_ROUNDS];
    size_t count;
};

/* Runs work(context) `repeat` times and adds one round to the series. */
void bench_round(struct bench_series *series, size_t repeat,
                 void (*work)(void *context), void *context);

double bench_minimum(const struct bench_series *series);
double bench_median(const struct bench_series *series);

#endif
