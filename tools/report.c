/*
 * certmap report: from the KDC's log, who logs in how, and who would be
 * refused once the realm enforces.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log_line.h"
#include "options.h"
#include "report_command.h"
#include "timetext.h"

enum {
    REPORT_JOURNAL = CM_OPTION_OWN,
    REPORT_SINCE,
    REPORT_UNTIL,
    REPORT_DAYS,
    REPORT_LIMIT,
    REPORT_ALL,
    REPORT_REF
};

enum { DEFAULT_DAYS = 30, DEFAULT_LIMIT = 100, MAX_NUMBER = 1000000000 };

static const struct option report_options[] = {
    {"journal", no_argument, NULL, REPORT_JOURNAL},
    {"since", required_argument, NULL, REPORT_SINCE},
    {"until", required_argument, NULL, REPORT_UNTIL},
    {"days", required_argument, NULL, REPORT_DAYS},
    {"limit", required_argument, NULL, REPORT_LIMIT},
    {"all", no_argument, NULL, REPORT_ALL},
    {"ref", required_argument, NULL, REPORT_REF},
    CM_COMMON_OPTIONS};

static enum cm_exit run_report(struct cm_tool *tool, int argc, char **argv);

const struct cm_verb cm_verb_report = {
    "report",
    "LOG...",
    "who logs in how, and who would be refused",
    "      --journal         the systemd journal, in place of files\n"
    "      --since TIME      logins from this time on (RFC 3339)\n"
    "      --until TIME      logins up to this time\n"
    "      --days N          name cards that end within N days (default 30)\n"
    "      --limit N         show N principals (default 100; 0: all)\n"
    "      --all             those who need nothing, too\n"
    "      --ref REFERENCE   in place of all that the refusal whose reference "
    "it is\n",
    report_options,
    run_report,
    NULL,
};

struct command {
    struct cm_options options;
    struct cm_report report;
    const char *since, *until, *days_text, *limit_text, *ref;
    long days, limit;
    bool journal, all;
};

/* ---- The answer ---- */

/* What the numbers leave out; nothing of it may pass for "nobody". */
static bool
is_whole(struct command *command)
{
    const struct cm_report *report = &command->report;
    struct cm_tool *tool = command->options.tool;

    if (report->left_out > 0)
        cm_tool_error(tool,
                      "more than %d principals: %llu lines of others are "
                      "left out; ask for less with -r, --since or --until",
                      (int)CM_REPORT_MAX_PRINCIPALS,
                      (unsigned long long)report->left_out);
    if (report->undated > 0 &&
        (report->since != INT64_MIN || report->until != INT64_MAX))
        cm_tool_error(tool,
                      "%llu lines say no time and were counted whatever "
                      "--since and --until say",
                      (unsigned long long)report->undated);
    return report->left_out == 0 && report->damaged == 0;
}

static enum cm_exit
answer(struct command *command)
{
    struct cm_report *report = &command->report;
    struct cm_report_view view = {
        .json = command->options.json, .all = command->all, .limit = SIZE_MAX};
    struct cm_report_item *items;
    size_t refused, locked_out;
    bool ok;

    if (command->limit > 0)
        view.limit = (size_t)command->limit;
    if (command->limit_text == NULL && view.json)
        view.limit = SIZE_MAX;
    if (report->failed || !cm_report_sort(report, &items))
        return cm_tool_no_memory(command->options.tool);
    refused =
        cm_report_would_refuse(items, report->principals.count, &locked_out);
    ok = cm_report_print(report, items, &view, command->options.tool->out);
    free(items);
    if (!ok)
        return cm_tool_no_memory(command->options.tool);
    if (!is_whole(command) && refused == 0)
        return CM_EXIT_UNAVAILABLE;
    return refused == 0 ? CM_EXIT_YES : CM_EXIT_NO;
}

/* The lines of one refusal. */
static enum cm_exit
answer_found(struct command *command)
{
    struct cm_report *report = &command->report;
    struct cm_tool *tool = command->options.tool;

    if (report->failed ||
        !cm_report_print_found(report, command->options.json, tool->out))
        return cm_tool_no_memory(tool);
    if (report->left_out > 0)
        cm_tool_error(tool, "%llu more lines have it",
                      (unsigned long long)report->left_out);
    if (report->found_count > 0)
        return CM_EXIT_YES;
    cm_tool_error(tool,
                  "no line has the reference %s; is it the log of the KDC "
                  "that refused?",
                  report->reference);
    return report->damaged == 0 ? CM_EXIT_NO : CM_EXIT_UNAVAILABLE;
}

static enum cm_exit
read_all(struct command *command)
{
    struct cm_options *options = &command->options;
    struct cm_report *report = &command->report;
    enum cm_exit code = CM_EXIT_YES;

    if (command->journal)
        code = cm_report_read_journal(report, options->tool);
    for (int i = 0; i < options->operand_count && code == CM_EXIT_YES; i++)
        code =
            cm_report_read_file(report, options->tool, options->operands[i]);
    if (code == CM_EXIT_YES && report->audit_lines == 0 &&
        report->damaged == 0 && !report->failed) {
        cm_tool_error(options->tool,
                      "no audit line is in it; is it the KDC's log ([logging] "
                      "kdc in kdc.conf), and is the module loaded (certmap "
                      "check)?");
        code = CM_EXIT_UNAVAILABLE;
    }
    return code;
}

/* ---- The command line ---- */

/* False: the error was printed. */
static bool
parse_number(struct command *command, const char *name, const char *text,
             long *out)
{
    char *end;

    errno = 0;
    *out = strtol(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 &&
        *out <= MAX_NUMBER)
        return true;
    cm_tool_error(command->options.tool, "%s %s: a number, 0 to %d", name,
                  text, (int)MAX_NUMBER);
    return false;
}

static bool
parse_time(struct command *command, const char *name, const char *text,
           int64_t *out)
{
    if (cm_time_parse(text, out))
        return true;
    cm_tool_error(command->options.tool,
                  "%s %s: a time such as 2024-02-01T12:00:00Z", name, text);
    return false;
}

static bool
parse_reference(struct command *command, const char *text)
{
    if (cm_reference_read(text, command->report.reference))
        return true;
    cm_tool_error(command->options.tool,
                  "--ref %s: ten characters such as 7K3M9QX2TD", text);
    return false;
}

static bool
set_own(struct command *command, int code, const char *value)
{
    struct cm_options *options = &command->options;
    struct cm_report *report = &command->report;

    switch (code) {
    case REPORT_SINCE:
        return cm_options_once(options, &command->since, "--since", value) &&
               parse_time(command, "--since", value, &report->since);
    case REPORT_UNTIL:
        return cm_options_once(options, &command->until, "--until", value) &&
               parse_time(command, "--until", value, &report->until);
    case REPORT_DAYS:
        return cm_options_once(options, &command->days_text, "--days",
                               value) &&
               parse_number(command, "--days", value, &command->days);
    case REPORT_LIMIT:
        return cm_options_once(options, &command->limit_text, "--limit",
                               value) &&
               parse_number(command, "--limit", value, &command->limit);
    case REPORT_REF:
        return cm_options_once(options, &command->ref, "--ref", value) &&
               parse_reference(command, value);
    case REPORT_JOURNAL:
        command->journal = true;
        return true;
    default:
        command->all = true;
        return true;
    }
}

static bool
read_options(struct command *command, enum cm_exit *code)
{
    struct cm_options *options = &command->options;
    const char *value;
    enum cm_next next;
    int own;

    *code = CM_EXIT_USAGE;
    while ((next = cm_options_next(options, &own, &value)) == CM_NEXT_OWN) {
        if (!set_own(command, own, value))
            return false;
    }
    if (next == CM_NEXT_HELP)
        *code = CM_EXIT_YES;
    if (next != CM_NEXT_END)
        return false;
    if (command->ref != NULL && (command->all || command->days_text != NULL ||
                                 command->limit_text != NULL)) {
        cm_tool_error(options->tool,
                      "--ref shows a line: --all, --days and --limit do not "
                      "go with it");
        return false;
    }
    if (command->journal == (options->operand_count > 0)) {
        cm_tool_error(options->tool,
                      "name log files, \"-\" for standard input, or "
                      "--journal");
        return false;
    }
    return true;
}

static enum cm_exit
run_report(struct cm_tool *tool, int argc, char **argv)
{
    struct command command;
    enum cm_exit code;

    memset(&command, 0, sizeof(command));
    command.days = DEFAULT_DAYS;
    command.limit = DEFAULT_LIMIT;
    cm_report_init(&command.report);
    cm_options_init(&command.options, tool, &cm_verb_report, argc, argv);
    if (read_options(&command, &code)) {
        command.report.realm = command.options.realm;
        command.report.now = cm_options_now(&command.options);
        command.report.soon = (int64_t)command.days * CM_REPORT_DAY;
        code = read_all(&command);
        if (code == CM_EXIT_YES)
            code = command.ref != NULL ? answer_found(&command)
                                       : answer(&command);
    }
    cm_report_clear(&command.report);
    return code;
}
