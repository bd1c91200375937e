/*
 * ntauth = ldap: from the directory's object to the store's mirror.
 */
#ifndef CM_MIRROR_H
#define CM_MIRROR_H

#include "fetch_child.h"
#include "keeper.h"
#include "refresh_mirror.h"
#include "refresh_state.h"

enum { CM_MIRROR_TIMEOUT_MS = 30 * 1000 };

/* What the network child does with a special request: asks the directory. */
cm_fetch_special cm_mirror_special;

enum cm_mirror_outcome {
    CM_MIRROR_DONE,
    CM_MIRROR_NOT_DUE,
    CM_MIRROR_FAILED,  /* the mirror is as it was, and ages */
    CM_MIRROR_NO_STORE /* it could not be written */
};

/* "mirrored", "not-due", "failed", "store". */
const char *cm_mirror_outcome_token(enum cm_mirror_outcome outcome);

struct cm_mirror_order {
    const struct cm_keeper *keeper;
    const struct cm_keeper_realm *realm;
    struct cm_store *store;
    struct cm_fetch_child *child;
    bool due_only;
    int64_t now_ms; /* since 1970 */
};

/* Which state it has; the caller frees it.  NULL: no memory. */
char *cm_mirror_label(const struct cm_directory_config *config);

/* Is it time for the realm's mirror?  *next_due: when it will be. */
bool cm_mirror_is_due(const struct cm_mirror_order *order, int64_t *next_due);

/* Mirrors the realm's list.  detail says why where it failed. */
enum cm_mirror_outcome cm_mirror_run(const struct cm_mirror_order *order,
                                     struct cm_mirror_result *result,
                                     struct cm_detail *detail);

#endif
