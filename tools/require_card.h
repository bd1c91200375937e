/*
 * What the parts of `certmap require-card` share.
 */
#ifndef CM_REQUIRE_CARD_H
#define CM_REQUIRE_CARD_H

#include <stdbool.h>
#include <stddef.h>

#include "account_store.h"
#include "kdb_write.h"
#include "options.h"
#include "target.h"

enum { CM_CARDONLY_MARKER = 64, CM_CARDONLY_MAX_WARNINGS = 2 };

enum cm_cardonly_method {
    CM_CARDONLY_HWAUTH, /* +requires_hwauth */
    CM_CARDONLY_RANDKEY /* keys that no password yields */
};

enum cm_cardonly_state { CM_CARDONLY_CHANGE, CM_CARDONLY_NOTHING_TO_DO };

struct cm_cardonly_warning {
    const char *token; /* static */
    const char *text;  /* static */
};

struct cm_cardonly {
    struct cm_options options;
    struct cm_target_flags flags;
    const char *method_word; /* --method */
    bool undo;
    bool anyway;
    bool dry_run;

    struct cm_principal principal;
    struct cm_target target;
    struct cm_account_store store; /* not with --undo */
    struct cm_kdb_writer *writer;
    struct cm_kdb_account kdb; /* before the change */
    enum cm_cardonly_method method;
    enum cm_cardonly_state state;
    bool keys_are_random; /* --undo: a password is to be set */

    struct cm_cardonly_warning warnings[CM_CARDONLY_MAX_WARNINGS];
    size_t warning_count;
};

void cm_cardonly_warn(struct cm_cardonly *card, const char *token,
                      const char *text);

/* Says what was done, or would be, and what the user will see. */
enum cm_exit cm_cardonly_print(const struct cm_cardonly *card,
                               const struct cm_kdb_change *change);

#endif
