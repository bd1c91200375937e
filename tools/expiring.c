/*
 * certmap expiring: what runs out soon, and who is told.
 */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expiring_command.h"
#include "newfile.h"

enum {
    EXPIRING_DAYS = CM_OPTION_OWN,
    EXPIRING_ALL,
    EXPIRING_USERS,
    EXPIRING_REPEAT,
    EXPIRING_STATE,
    EXPIRING_RUN
};

enum { DEFAULT_DAYS = 30, MAX_DAYS = 36500, STATE_MODE = 0600 };

static const struct option expiring_options[] = {
    {"days", required_argument, NULL, EXPIRING_DAYS},
    {"all", no_argument, NULL, EXPIRING_ALL},
    {"users", no_argument, NULL, EXPIRING_USERS},
    {"repeat", required_argument, NULL, EXPIRING_REPEAT},
    {"state", required_argument, NULL, EXPIRING_STATE},
    {"run", required_argument, NULL, EXPIRING_RUN},
    CM_COMMON_OPTIONS};

static enum cm_exit run_expiring(struct cm_tool *tool, int argc, char **argv);

const struct cm_verb cm_verb_expiring = {
    "expiring",
    "",
    "certificates and CRLs that run out soon",
    "      --days N              within N days (default 30)\n"
    "      --all                 later ones, too\n"
    "      --users               certificates of users, too\n"
    "      --state FILE          what was told before is in FILE, and is\n"
    "      --repeat DAYS         told again only after DAYS days\n"
    "      --run COMMAND         give the answer to this command, if there\n"
    "                            is something to tell\n",
    expiring_options,
    run_expiring,
    NULL,
};

struct expiring {
    struct cm_options options;
    const char *days_text, *repeat_text, *state, *run;
    bool all, users;
    long days, repeat;
    int64_t now;
    struct cm_expiries found;
    char *told; /* what the state is to be; NULL: there is none */
};

/* ---- Telling ---- */

/* The answer as a file that only this process has.  NULL: no memory. */
static FILE *
write_answer(struct expiring *expiring)
{
    int fd = memfd_create("answer", MFD_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w+e");

    if (file == NULL && fd >= 0)
        (void)close(fd);
    if (file == NULL)
        return NULL;
    if (cm_expiring_print(&expiring->found, expiring->options.json,
                          expiring->now, file) &&
        fflush(file) == 0) {
        rewind(file);
        return file;
    }
    fclose(file);
    return NULL;
}

/* Runs the command with the file as its standard input.  Its status as
 * waitpid(2) has it; -1: it was not run. */
static int
run_command(const char *command, int fd)
{
    char shell[] = "/bin/sh", name[] = "sh", flag[] = "-c";
    char *text = strdup(command);
    char *argv[] = {name, flag, text, NULL};
    posix_spawn_file_actions_t actions;
    int status = -1;
    pid_t child;

    if (text == NULL || posix_spawn_file_actions_init(&actions) != 0) {
        free(text);
        return -1;
    }
    if (posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO) == 0 &&
        posix_spawn(&child, shell, &actions, NULL, argv, environ) == 0) {
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    posix_spawn_file_actions_destroy(&actions);
    free(text);
    return status;
}

/* The command reads the answer as its standard input, if it likes. */
static enum cm_exit
tell_command(struct expiring *expiring)
{
    FILE *answer = write_answer(expiring);
    int status;

    if (answer == NULL)
        return cm_tool_no_memory(expiring->options.tool);
    status = run_command(expiring->run, fileno(answer));
    fclose(answer);
    if (status == 0)
        return CM_EXIT_YES;
    cm_tool_error(expiring->options.tool,
                  "--run %s: it %s, so that nobody was told", expiring->run,
                  status == -1 ? "could not be run" : "failed");
    return CM_EXIT_UNAVAILABLE;
}

static enum cm_exit
tell(struct expiring *expiring)
{
    if (expiring->run != NULL)
        return expiring->found.count > 0 ? tell_command(expiring)
                                         : CM_EXIT_YES;
    return cm_expiring_print(&expiring->found, expiring->options.json,
                             expiring->now, expiring->options.tool->out)
               ? CM_EXIT_YES
               : cm_tool_no_memory(expiring->options.tool);
}

/* What was told is written down after it was told: rather twice than never.
 */
static enum cm_exit
remember(struct expiring *expiring)
{
    struct cm_detail why = {""};

    if (expiring->told == NULL)
        return CM_EXIT_YES;
    if (fflush(expiring->options.tool->out) != 0)
        return CM_EXIT_UNAVAILABLE; /* cm_tool_run() says so */
    return cm_newfile_write(expiring->state, expiring->told,
                            strlen(expiring->told), STATE_MODE, &why)
               ? CM_EXIT_YES
               : cm_tool_fail(expiring->options.tool, CM_EXIT_UNAVAILABLE,
                              why.text);
}

static bool
runs_out(const struct cm_expiries *found)
{
    for (size_t i = 0; i < found->count; i++) {
        if (cm_expiry_counts(found, &found->list[i]))
            return true;
    }
    return false;
}

static enum cm_exit
report(struct expiring *expiring)
{
    struct cm_expiries *found = &expiring->found;
    struct cm_detail why = {""};
    enum cm_exit code;

    if (found->failed)
        return cm_tool_no_memory(expiring->options.tool);
    if (expiring->state != NULL &&
        !cm_expiring_untold(found, expiring->state,
                            (int64_t)expiring->repeat * CM_DAY, expiring->now,
                            &expiring->told, &why))
        return cm_tool_fail(expiring->options.tool, CM_EXIT_UNAVAILABLE,
                            why.text);
    code = tell(expiring);
    if (code == CM_EXIT_YES)
        code = remember(expiring);
    for (size_t i = 0; i < found->problems.count; i++)
        cm_tool_error(expiring->options.tool, "%s", found->problems.items[i]);
    if (code == CM_EXIT_YES && found->problems.count > 0)
        code = CM_EXIT_UNAVAILABLE;
    if (code == CM_EXIT_YES && runs_out(found))
        code = CM_EXIT_NO;
    return code;
}

static enum cm_exit
look(struct expiring *expiring)
{
    struct cm_options *options = &expiring->options;
    struct cm_keeper keeper;
    enum cm_exit code;

    code = cm_keeper_open(&keeper, options->tool, options->kdc_conf,
                          options->realm);
    if (code == CM_EXIT_YES) {
        expiring->found.all = expiring->all;
        expiring->found.limit =
            expiring->now + (int64_t)expiring->days * CM_DAY;
        cm_expiring_gather(&keeper, expiring->now, &expiring->found);
        if (expiring->users)
            cm_expiring_users(&keeper, expiring->now, &expiring->found);
        code = report(expiring);
        if (keeper.unsettled && code != CM_EXIT_UNAVAILABLE)
            code = CM_EXIT_USAGE;
    }
    cm_keeper_close(&keeper);
    return code;
}

/* ---- The command line ---- */

/* A number of days; false: the error was printed. */
static bool
parse_days(struct expiring *expiring, const char *name, const char *text,
           long *out)
{
    char *end;

    errno = 0;
    *out = strtol(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 &&
        *out <= MAX_DAYS)
        return true;
    cm_tool_error(expiring->options.tool, "%s %s: a number of days, 0 to %d",
                  name, text, (int)MAX_DAYS);
    return false;
}

static bool
set_own(struct expiring *expiring, int code, const char *value)
{
    struct cm_options *options = &expiring->options;

    switch (code) {
    case EXPIRING_DAYS:
        return cm_options_once(options, &expiring->days_text, "--days",
                               value) &&
               parse_days(expiring, "--days", value, &expiring->days);
    case EXPIRING_REPEAT:
        return cm_options_once(options, &expiring->repeat_text, "--repeat",
                               value) &&
               parse_days(expiring, "--repeat", value, &expiring->repeat);
    case EXPIRING_STATE:
        return cm_options_once(options, &expiring->state, "--state", value);
    case EXPIRING_RUN:
        return cm_options_once(options, &expiring->run, "--run", value);
    case EXPIRING_ALL:
        expiring->all = true;
        return true;
    default:
        expiring->users = true;
        return true;
    }
}

static bool
read_options(struct expiring *expiring, enum cm_exit *code)
{
    const char *value;
    enum cm_next next;
    int own;

    *code = CM_EXIT_USAGE;
    while ((next = cm_options_next(&expiring->options, &own, &value)) ==
           CM_NEXT_OWN) {
        if (!set_own(expiring, own, value))
            return false;
    }
    if (next == CM_NEXT_HELP)
        *code = CM_EXIT_YES;
    if (next != CM_NEXT_END || !cm_options_operands(&expiring->options, 0))
        return false;
    if ((expiring->state == NULL) != (expiring->repeat_text == NULL)) {
        cm_tool_error(expiring->options.tool,
                      "--state and --repeat need each other");
        return false;
    }
    if (expiring->all && (expiring->state != NULL || expiring->run != NULL)) {
        cm_tool_error(expiring->options.tool,
                      "--all shows; it goes without --state and --run");
        return false;
    }
    return true;
}

static enum cm_exit
run_expiring(struct cm_tool *tool, int argc, char **argv)
{
    struct expiring expiring;
    enum cm_exit code;

    memset(&expiring, 0, sizeof(expiring));
    expiring.days = DEFAULT_DAYS;
    cm_options_init(&expiring.options, tool, &cm_verb_expiring, argc, argv);
    if (read_options(&expiring, &code)) {
        expiring.now = cm_options_now(&expiring.options);
        code = look(&expiring);
    }
    free(expiring.told);
    cm_expiries_clear(&expiring.found);
    return code;
}
