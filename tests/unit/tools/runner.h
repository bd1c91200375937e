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

/* Makes a temporary folder the working directory; and removes it. */
void folder_enter(void);
void folder_leave(void);

/* Files in it. */
void folder_write(const char *name, const void *bytes, size_t len);
void folder_write_pem(const char *name, X509 *const *certs, size_t count);
void folder_write_der(const char *name, const X509 *cert);

#endif
