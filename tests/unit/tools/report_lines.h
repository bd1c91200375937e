/*
 * Audit lines for the tests of `certmap report`.
 */
#ifndef REPORT_LINES_H
#define REPORT_LINES_H

#include "runner.h"

#define A64 "aaaaaaaaaaaaaaaa"
#define CARD_A "sha256=" A64 A64 A64 A64
#define B64 "bbbbbbbbbbbbbbbb"
#define CARD_B "sha256=" B64 B64 B64 B64
#define AT " --at 2024-06-01T00:00:00Z"

/* One audit line. */
struct audit {
    const char *when; /* "Feb 01 12:00:00", or NULL: a bare line */
    const char *who;
    const char *reason;
    const char *mode;
    const char *mapping, *strength, *choices, *warnings;
    const char *card;
    const char *until;
    const char *ref; /* NULL: a line of a version that had none */
};

/* The lines; the caller frees them. */
char *lines_of(const struct audit *lines, int count);

/* Runs "certmap LINE" with text as its standard input, and frees that. */
struct run report_on(const char *line, char *text);

/* The same: it ends with code, and prints these words. */
void check_run(const char *line, char *text, enum cm_exit code,
               const char *out, const char *err);

#endif
