/*
 * Asking for a password on a terminal.
 */
#ifndef CM_PASSWORD_H
#define CM_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "detail.h"

/*
 * Writes prompt, escaped, to the terminal and reads one line from it without
 * echo, into size bytes that the caller wipes; the terminal is then as it was
 * before.  False: interrupted, empty, too long, with control characters, or
 * not a terminal; out is wiped.
 */
bool cm_password_read(int terminal, const char *prompt, char *out, size_t size,
                      struct cm_detail *detail);

/* The same on the process's controlling terminal. */
bool cm_password_ask(const char *prompt, char *out, size_t size,
                     struct cm_detail *detail);

#endif
