/*
 * The revocation status of the certificates of a path, for `certmap verify`.
 */
#ifndef CM_VERIFY_STATUS_H
#define CM_VERIFY_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include "path.h"
#include "status.h"

/* What was found about one path, leaf first; the anchor is not asked about. */
struct cm_verify_statuses {
    struct cm_status status[CM_PATH_MAX_LENGTH];
    char *subjects[CM_PATH_MAX_LENGTH]; /* owned */
    size_t count;
    enum cm_reason reason;
};

void cm_verify_statuses_clear(struct cm_verify_statuses *statuses);

struct cm_verify_judge {
    struct cm_status_question question; /* but for path and position */
    struct cm_verify_statuses found;    /* about the path that gave the reason;
                                         * the caller clears it */
};

/*
 * A cm_path_judge: CM_OK if every certificate is good, CM_REVOKED,
 * CM_REVOCATION_UNKNOWN or CM_NO_MEMORY.  context is a cm_verify_judge.
 */
enum cm_reason cm_verify_judge_path(void *context, const struct cm_path *path,
                                    struct cm_detail *detail);

/* An object with subject, state, source, reason, this_update and next_update.
 * NULL: no memory. */
json_t *cm_verify_status_json(const char *subject,
                              const struct cm_status *status);

/* A list of objects with subject, state, source, reason, this_update and
 * next_update.  NULL: no memory. */
json_t *cm_verify_statuses_json(const struct cm_verify_statuses *statuses);

/* False: no memory. */
bool cm_verify_statuses_print(const struct cm_verify_statuses *statuses,
                              FILE *out);

#endif
