/*
 * The parts of `certmap refresh`, one file each.
 */
#ifndef CM_REFRESH_COMMAND_H
#define CM_REFRESH_COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keeper.h"
#include "mirror.h"
#include "options.h"
#include "output.h"
#include "refresh.h"
#include "refresh_view.h"

enum {
    CM_REFRESH_MAX_ROLLBACK = 64,
    CM_REFRESH_MAX_LINES = 4096, /* of one report */
    CM_REFRESH_OUTCOMES = CM_REFRESH_NO_STORE + 1
};

/* ---- refresh_report.c: what one cycle did to one store ---- */

struct cm_refresh_line {
    enum cm_refresh_kind kind;
    char *url;
    char *subject;       /* of a certificate; or NULL */
    const char *outcome; /* static */
    enum cm_tone tone;
    char *detail; /* or NULL */
    uint64_t bytes;
};

struct cm_refresh_report {
    const char *store; /* borrowed */
    struct cm_refresh_line *lines;
    size_t line_count;
    size_t answers[CM_REFRESH_OUTCOMES]; /* OCSP, by outcome */
    struct cm_refresh_result result;
    struct cm_text_list alarms;
    size_t alarm_count;
    bool failed;      /* something did, for whatever reason */
    bool unavailable; /* the store, or everything that was asked */
    bool no_memory;
};

/* CRLs and troubles become lines; answers that went well are counted. */
void cm_refresh_report_event(struct cm_refresh_report *report,
                             const struct cm_refresh_event *event);
void cm_refresh_report_line(struct cm_refresh_report *report,
                            enum cm_refresh_kind kind, const char *url,
                            const char *outcome, enum cm_tone tone,
                            const char *detail, uint64_t bytes);
void cm_refresh_report_alarm(struct cm_refresh_report *report,
                             const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Takes the alarms of a view. */
void cm_refresh_report_view(struct cm_refresh_report *report,
                            const struct cm_view *view);
/* Is there anything to say? */
bool cm_refresh_report_matters(const struct cm_refresh_report *report);
/* False: no memory. */
bool cm_refresh_report_print(const struct cm_refresh_report *report,
                             FILE *out);
json_t *cm_refresh_report_json(const struct cm_refresh_report *report);
void cm_refresh_report_clear(struct cm_refresh_report *report);

/* "1.2 MB"; out holds 32 bytes. */
void cm_refresh_size_text(uint64_t bytes, char out[32]);

/* ---- refresh.c ---- */

struct cm_refresh_command {
    struct cm_options options;
    struct cm_tool *tool;
    bool watch, due, import;
    int64_t poll;
    const char *poll_text, *user;
    uint8_t rollback[CM_REFRESH_MAX_ROLLBACK][32];
    size_t rollback_count;

    struct cm_keeper keeper;
    struct cm_fetch_child *children[CM_REFRESH_CHILDREN];
    const char *store; /* that the children work for */
    struct cm_refresh_report *report;
    char host[256];
    volatile sig_atomic_t stop;
    /* --watch */
    int signals; /* where they are read */
    bool reload;
    bool (*asked_to_stop)(struct cm_refresh_command *command); /* or NULL */

    /* Progress, on a terminal. */
    bool shows_progress, shown;
    int64_t started_ms; /* monotonic */
    uint64_t bytes;     /* of what has arrived whole */
    size_t arrived;
};

/* ---- refresh_cycle.c ---- */

/* Everything once; prints what was done.  *next_due: when there is something
 * to do again; 0: unknown. */
enum cm_exit cm_refresh_cycle(struct cm_refresh_command *command,
                              int64_t *next_due);

/* The store's folders are made; false: the report says why. */
bool cm_refresh_prepare_store(struct cm_refresh_command *command,
                              struct cm_refresh_report *report);

/* Prints the reports and says what they mean. */
enum cm_exit cm_refresh_finish(struct cm_refresh_command *command,
                               struct cm_refresh_report *reports,
                               size_t count);

/* ---- refresh_import.c ---- */

enum cm_exit cm_refresh_import(struct cm_refresh_command *command);

/* ---- refresh_watch.c ---- */

enum cm_exit cm_refresh_watch(struct cm_refresh_command *command);

/* ---- refresh_progress.c ---- */

void cm_refresh_progress_start(struct cm_refresh_command *command);
void cm_refresh_progress_show(struct cm_refresh_command *command);
void cm_refresh_progress_end(struct cm_refresh_command *command);

int64_t cm_refresh_now_ms(void *context);

#endif
