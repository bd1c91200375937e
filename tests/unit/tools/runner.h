/*
 * Runs the certmap command within the test's own process.
 */
#ifndef RUNNER_H
#define RUNNER_H

#include <stddef.h>

#include <openssl/x509.h>

#include "tool.h"

struct run {
    enum cm_exit code;
    char *out; /* what it printed */
    char *err;
};

/*
 * Runs "certmap LINE", words separated by single blanks, with input as its
 * standard input (NULL: empty).  Cleared by run_clear().
 */
struct run run_line(const char *line, const void *input, size_t input_len);
void run_clear(struct run *run);

/* A line, and what comes of it. */
struct run_row {
    const char *line;
    enum cm_exit code;
    const char *out; /* words in what it prints; NULL: it prints nothing */
    const char *err;
};

/* These fail the test, with all that was printed, where it is not so.
 * run_expect() judges a run of the row's line, and clears it. */
void run_expect(struct run *run, const struct run_row *row);
void run_says(const char *line, enum cm_exit code, const char *out,
              const char *err);
void run_rows(const struct run_row *rows, size_t count);

/* Makes a temporary folder the working directory; and removes it. */
void folder_enter(void);
void folder_leave(void);
/* The same for cmocka's groups. */
int folder_set_up(void **state);
int folder_tear_down(void **state);

/* Files in it. */
void folder_write(const char *name, const void *bytes, size_t len);
void folder_write_pem(const char *name, X509 *const *certs, size_t count);
void folder_write_der(const char *name, const X509 *cert);

#endif
