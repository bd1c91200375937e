#include "verify_status.h"

#include <stdlib.h>
#include <string.h>

#include "name.h"
#include "output.h"
#include "timetext.h"

void
cm_verify_statuses_clear(struct cm_verify_statuses *statuses)
{
    for (size_t i = 0; i < statuses->count; i++)
        free(statuses->subjects[i]);
    memset(statuses, 0, sizeof(*statuses));
}

static enum cm_reason
reason_of(enum cm_status_state state)
{
    switch (state) {
    case CM_STATUS_GOOD:
        return CM_OK;
    case CM_STATUS_REVOKED:
        return CM_REVOKED;
    case CM_STATUS_UNKNOWN:
    case CM_STATUS_STALE:
        break;
    }
    return CM_REVOCATION_UNKNOWN;
}

/* Asks about every certificate below the anchor; a revocation anywhere says
 * more than that nothing is known.  False: no memory. */
static bool
ask_all(const struct cm_verify_judge *judge, const struct cm_path *path,
        struct cm_verify_statuses *out, struct cm_detail *detail)
{
    struct cm_status_question question = judge->question;
    struct cm_status *status;
    enum cm_reason reason;

    question.path = path;
    out->reason = CM_OK;
    for (size_t i = 0; i + 1 < path->count; i++) {
        status = &out->status[i];
        question.position = i;
        cm_status_find(&question, status);
        out->subjects[i] =
            cm_name_rfc4514(X509_get_subject_name(path->certs[i]));
        if (out->subjects[i] == NULL)
            return false;
        out->count++;
        reason = reason_of(status->state);
        if (reason == CM_OK || out->reason == CM_REVOKED)
            continue;
        if (out->reason == CM_OK || reason == CM_REVOKED)
            *detail = status->detail;
        out->reason = reason;
    }
    return true;
}

enum cm_reason
cm_verify_judge_path(void *context, const struct cm_path *path,
                     struct cm_detail *detail)
{
    struct cm_verify_judge *judge = context;
    struct cm_verify_statuses statuses = {.count = 0};
    enum cm_reason reason;

    if (!ask_all(judge, path, &statuses, detail)) {
        cm_verify_statuses_clear(&statuses);
        return CM_NO_MEMORY;
    }
    reason = statuses.reason;
    /* The search reports an accepted path, else the first of those with the
     * earliest reason: so does this. */
    if (judge->found.count == 0 || reason < judge->found.reason) {
        cm_verify_statuses_clear(&judge->found);
        judge->found = statuses;
    } else {
        cm_verify_statuses_clear(&statuses);
    }
    return reason;
}

json_t *
cm_verify_status_json(const char *subject, const struct cm_status *status)
{
    bool answered = cm_status_has_time(status);
    bool revoked = answered && status->state == CM_STATUS_REVOKED;
    json_t *o = json_object();

    cm_json_set(&o, "subject", cm_json_text(subject));
    cm_json_set(&o, "state", cm_json_text(cm_status_token(status->state)));
    cm_json_set(&o, "source",
                cm_json_text(cm_status_source_token(status->source)));
    cm_json_set(
        &o, "reason",
        cm_json_text(revoked ? cm_crl_reason_token(status->reason) : NULL));
    cm_json_set(&o, "this_update",
                answered ? cm_json_time(status->this_update) : json_null());
    cm_json_set(&o, "next_update",
                answered && status->has_next_update
                    ? cm_json_time(status->next_update)
                    : json_null());
    return o;
}

json_t *
cm_verify_statuses_json(const struct cm_verify_statuses *statuses)
{
    json_t *array = json_array();

    for (size_t i = 0; i < statuses->count; i++)
        cm_json_append(&array, cm_verify_status_json(statuses->subjects[i],
                                                     &statuses->status[i]));
    return array;
}

static enum cm_tone
tone_of(enum cm_status_state state)
{
    switch (state) {
    case CM_STATUS_GOOD:
        return CM_TONE_GOOD;
    case CM_STATUS_STALE:
    case CM_STATUS_UNKNOWN:
        return CM_TONE_CAUTION;
    case CM_STATUS_REVOKED:
        break;
    }
    return CM_TONE_BAD;
}

bool
cm_verify_statuses_print(const struct cm_verify_statuses *statuses, FILE *out)
{
    char since[CM_TIME_TEXT], until[CM_TIME_TEXT], times[2 * CM_TIME_TEXT + 8];
    const struct cm_status *status;
    struct cm_table table;

    cm_table_init(&table, 4);
    for (size_t i = 0; i < statuses->count; i++) {
        status = &statuses->status[i];
        cm_time_text(status->this_update, since);
        cm_time_text(status->next_update, until);
        if (status->source == CM_SOURCE_NONE)
            times[0] = '\0';
        else
            snprintf(times, sizeof(times), "%s to %s", since,
                     status->has_next_update ? until : "-");
        cm_table_row(
            &table, tone_of(status->state),
            (const char *const[]){cm_status_token(status->state),
                                  cm_status_source_token(status->source),
                                  times, statuses->subjects[i]});
    }
    return cm_table_print(&table, out, "  ");
}
