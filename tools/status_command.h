/*
 * The parts of `certmap status`, one file each.
 */
#ifndef CM_STATUS_COMMAND_H
#define CM_STATUS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keeper.h"
#include "output.h"
#include "refresh_view.h"

/* A realm's NTAuth list from the directory. */
struct cm_status_mirror {
    const struct cm_keeper_realm *realm;
    bool there;
    int64_t written;
    struct cm_refresh_state state;
};

/* What is known about one store. */
struct cm_status_report {
    const char *store;    /* borrowed */
    enum cm_reason state; /* CM_OK, or why it cannot be believed */
    struct cm_detail why;
    struct cm_view view;
    size_t denied; /* entries in force */
    bool deny_readable;
    struct cm_override override;
    struct cm_status_mirror *mirrors;
    size_t mirror_count;
};

void cm_status_report_clear(struct cm_status_report *report);

/* Looks at report->store; all else begins zeroed.  cm_keeper_look() came
 * before.  The caller clears it in any case.  False: no memory. */
bool cm_status_look(struct cm_status_report *report,
                    const struct cm_keeper *keeper, int64_t now);

/* ---- status_output.c ---- */

/* False: no memory. */
bool cm_status_print(const struct cm_status_report *report, int64_t now,
                     FILE *out);
json_t *cm_status_json(const struct cm_status_report *report, int64_t now);

#endif
