/*
 * A clock that nobody sets, for waiting; never for judging anything's age.
 */
#ifndef CM_MONOTONIC_H
#define CM_MONOTONIC_H

#include <stdint.h>

int64_t cm_monotonic_ms(void);

/* Milliseconds until the deadline; 0: it has passed. */
int cm_monotonic_left(int64_t deadline_ms);

#endif
