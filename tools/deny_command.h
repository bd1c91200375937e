/*
 * The parts of `certmap deny`.
 */
#ifndef CM_DENY_COMMAND_H
#define CM_DENY_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "deny.h"
#include "options.h"
#include "place.h"

/* What the command line says; NULL: not given. */
struct cm_deny_words {
    const char *cert, *serial, *issuer, *ski, *fingerprint;
    const char *expires, *reason;
    const char *store;
};

/*
 * Kind and value of the entry that --cert, --serial with --issuer, --ski or
 * --fingerprint name; of these there must be exactly one.  False: the error
 * was printed; entry is zeroed.
 */
bool cm_deny_select(struct cm_options *options,
                    const struct cm_deny_words *words,
                    const struct cm_place *place, struct cm_deny_entry *entry);

/* --expires and --reason, at `now`.  False: the error was printed. */
bool cm_deny_describe(struct cm_options *options,
                      const struct cm_deny_words *words, int64_t now,
                      struct cm_deny_entry *entry);

/* "2024-02-01T12:00:00Z", or "8h" from now on.  False: neither. */
bool cm_deny_parse_end(const char *text, int64_t now, int64_t *out);

/* The object of certmap.1; number is its place in the list. */
json_t *cm_deny_json(const struct cm_deny_entry *entry, size_t number,
                     int64_t now);

/* The whole list.  False: no memory. */
bool cm_deny_print(const struct cm_deny_list *list, bool json, int64_t now,
                   FILE *out);

#endif
