/*
 * How far a long run is: a bar with rate and time left on a terminal, a line
 * every CM_METER_LINE_MS elsewhere.
 */
#ifndef CM_METER_H
#define CM_METER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
    CM_METER_BAR_MS = 200,
    CM_METER_LINE_MS = 10000,
    CM_METER_AFTER_MS = 1000 /* what is quicker needs none */
};

struct cm_meter {
    FILE *out;
    bool terminal;
    bool shown; /* a bar stands on the terminal */
    const char *what;
    uint64_t total; /* 0: nobody knows */
    int64_t started_ms;
    int64_t next_ms;
};

/* what is a static text: "certificates read". */
void cm_meter_start(struct cm_meter *meter, FILE *out, const char *what,
                    uint64_t total);
/* Cheap: call it for each. */
void cm_meter_step(struct cm_meter *meter, uint64_t done);
/* Wipes the bar. */
void cm_meter_end(struct cm_meter *meter);

/* The text that is shown, for tests: "writing  12% [##        ] 1200 of 10000,
 * 600/s, 15 s left". */
enum { CM_METER_TEXT = 160 };
void cm_meter_text(const struct cm_meter *meter, uint64_t done, int64_t now_ms,
                   char out[CM_METER_TEXT]);

#endif
