/*
 * Writing the plan.
 */
#include <signal.h>
#include <string.h>

#include "populate.h"
#include "writer.h"

struct apply {
    struct cm_populate *populate;
    struct cm_writer *writer;
    sigset_t watched;
    uint64_t answered;
    bool note_failed;
};

static void
take_result(void *context, const struct cm_change *change, uint64_t id,
            enum cm_write_result result, const char *words)
{
    struct apply *apply = context;
    struct cm_populate *populate = apply->populate;
    enum cm_problem problem = CM_PROBLEM_UNKNOWN;

    (void)id;
    apply->answered++;
    cm_meter_step(&populate->meter, apply->answered);
    switch (result) {
    case CM_WRITE_DONE:
        populate->written++;
        return;
    case CM_WRITE_CONFLICT:
        problem = CM_PROBLEM_CONFLICT;
        break;
    case CM_WRITE_REFUSED:
        problem = CM_PROBLEM_REFUSED;
        break;
    case CM_WRITE_UNKNOWN:
        break;
    }
    if (!cm_populate_note(populate, problem, change->dn, change->dn, words))
        apply->note_failed = true;
}

/* Has someone pressed Ctrl-C?  The signals are blocked, so that they cannot
 * interrupt an answer half read. */
static bool
is_interrupted(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && (sigismember(&pending, SIGINT) == 1 ||
                                         sigismember(&pending, SIGTERM) == 1);
}

static bool
put_change(struct cm_populate *populate, struct cm_change *change,
           void *context)
{
    struct apply *apply = context;

    if (is_interrupted()) {
        populate->interrupted = true;
        cm_detail_set(&populate->why, "interrupted");
        return false;
    }
    if (!cm_writer_put(apply->writer, change, populate->tried, &populate->why))
        return false;
    populate->tried++;
    return !apply->note_failed;
}

/* The server is gone: the first question is what to do now. */
static void
say_how_to_go_on(struct cm_populate *populate)
{
    struct cm_detail why = populate->why;

    cm_detail_set(&populate->why,
                  "%.200s. When the server runs again, the same command "
                  "writes what is left%s; %.100s takes back what was written",
                  why.text,
                  populate->transactions
                      ? " (with --no-transactions, if one made it crash)"
                      : "",
                  populate->undo);
}

static bool
write_plan(struct cm_populate *populate, struct apply *apply)
{
    struct cm_writer_settings settings = {.config = populate->target.directory,
                                          .no_transactions =
                                              populate->flags.no_transactions,
                                          .report = take_result,
                                          .context = apply};
    struct cm_detail why = {""};
    bool ok, flushed;

    apply->writer = cm_writer_open(&settings, &populate->why);
    if (apply->writer == NULL)
        return false;
    populate->transactions = cm_writer_has_transactions(apply->writer);
    cm_meter_start(&populate->meter, populate->options.tool->err, "writing",
                   populate->planned);
    ok = cm_populate_each_change(populate, populate->plan, put_change, apply);
    flushed = cm_writer_flush(apply->writer, &why);
    if (ok && !flushed)
        populate->why = why;
    if (!flushed)
        say_how_to_go_on(populate);
    cm_writer_free(apply->writer);
    cm_meter_end(&populate->meter);
    return ok && flushed && !apply->note_failed;
}

bool
cm_populate_apply(struct cm_populate *populate)
{
    struct apply apply = {.populate = populate};
    struct timespec none = {0, 0};
    sigset_t before;
    bool ok;

    if (populate->planned == 0)
        return true;
    sigemptyset(&apply.watched);
    sigaddset(&apply.watched, SIGINT);
    sigaddset(&apply.watched, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &apply.watched, &before) != 0) {
        cm_detail_set(&populate->why, "signals cannot be held back");
        return false;
    }
    ok = cm_populate_write_undo(populate) && write_plan(populate, &apply);
    /* What was asked for has been done: stopped. */
    if (populate->interrupted)
        (void)sigtimedwait(&apply.watched, NULL, &none);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return ok;
}
