/*
 * Which of several certificates to log in with.
 */
#ifndef CM_LOGIN_CHOOSE_H
#define CM_LOGIN_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "login_identity.h"

enum {
    CM_LOGIN_MIN_PREFIX = 4, /* digits of --sha256 */
    CM_LOGIN_MAX_ASKED = 3   /* times that a number is asked for */
};

enum cm_login_found {
    CM_LOGIN_FOUND_ONE,
    CM_LOGIN_FOUND_NONE,   /* usable, or of that prefix */
    CM_LOGIN_FOUND_SEVERAL /* so it must be chosen */
};

/* Digits of either case, from CM_LOGIN_MIN_PREFIX to 64. */
bool cm_login_prefix_is_valid(const char *prefix);

/*
 * Among those whose SHA-256 begins with the prefix (NULL: among all) the one
 * that is usable.  *index is set for one.
 */
enum cm_login_found cm_login_find(const struct cm_login_identities *identities,
                                  const char *prefix, size_t *index);

/* A paragraph each: number, holder, expiry, issuer, place; and how to name it
 * on the command line.  usable: those alone; their numbers go without the
 * others. */
void cm_login_show(FILE *out, const struct cm_login_identities *identities,
                   bool usable);

/*
 * Shows the usable ones on the terminal and reads a number from it; *index is
 * that of the list.  False: given up, or no number after all.
 */
bool cm_login_choose(int terminal,
                     const struct cm_login_identities *identities,
                     size_t *index);

/* The process's controlling terminal, which the caller closes; -1: none. */
int cm_login_terminal(void);

#endif
