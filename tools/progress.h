/*
 * A count on a terminal while something takes long.
 */
#ifndef CM_PROGRESS_H
#define CM_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct cm_progress {
    FILE *out;
    const char *what; /* "principals looked at" */
    bool shows;       /* out is a terminal */
    bool shown;
    uint64_t count;
    int64_t next_ms;
};

void cm_progress_begin(struct cm_progress *progress, FILE *out,
                       const char *what);
void cm_progress_step(struct cm_progress *progress);
/* Leaves the terminal's line empty. */
void cm_progress_end(struct cm_progress *progress);

#endif
