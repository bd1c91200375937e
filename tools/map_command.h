/*
 * What the parts of `certmap map` share.
 */
#ifndef CM_MAP_COMMAND_H
#define CM_MAP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "account_store.h"
#include "altsecid.h"
#include "certificate.h"
#include "options.h"
#include "target.h"

enum { CM_MAP_MAX_WARNINGS = 8 };

/* What an administrator should know about a mapping that is written. */
struct cm_map_warning {
    const char *token; /* static */
    const char *text;  /* static */
};

struct cm_map {
    struct cm_options options;
    struct cm_target_flags flags;
    bool dry_run;
    bool shared;
    bool all_weak;
    const char *form;  /* --form */
    const char *value; /* --value */

    struct cm_principal principal;
    struct cm_target target;
    struct cm_account_store store;

    bool has_cert;
    struct cm_certificate cert;
    struct cm_candidates candidates; /* that the realm would look for */

    struct cm_map_warning warnings[CM_MAP_MAX_WARNINGS];
    size_t warning_count;
};

void cm_map_warn(struct cm_map *map, const char *token, const char *text);

/* Parts of the verb; options, account and certificate are there. */
enum cm_exit cm_map_list(struct cm_map *map);
enum cm_exit cm_map_add(struct cm_map *map);
enum cm_exit cm_map_remove(struct cm_map *map);

/* ---- map_output.c ---- */

/* The candidate that the account's value matches, or NULL. */
const struct cm_candidate *cm_map_match(const struct cm_candidates *candidates,
                                        const struct cm_value *value);

/* Appends what a value says, for people.  False: no memory. */
bool cm_map_meaning(const struct cm_map *map, const struct cm_value *value,
                    struct cm_buf *out);

/* The account's values as a table; `mark` marks those that the certificate
 * matches.  False: no memory. */
bool cm_map_print_values(const struct cm_map *map, bool mark, FILE *out);

/* A list of {value, form, strength, accepted, fault, matches}. */
json_t *cm_map_json_values(const struct cm_map *map);

/* The values as they are now, as a list of texts. */
json_t *cm_map_json_texts(const struct cm_account *account);

/* What add and remove answer. */
struct cm_map_answer {
    const char *action; /* "added", "present", "would-add", ... */
    const char *words;  /* the same for people */
    const struct cm_change *change;
    const struct cm_edit_holders *holders; /* NULL: not looked for */
    json_t *before;                        /* taken over; NULL: no memory */
};

/* Writes the change unless it is empty or this is a dry run, and prints the
 * answer. */
enum cm_exit cm_map_finish(struct cm_map *map,
                           const struct cm_map_answer *answer);

#endif
