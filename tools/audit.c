/*
 * certmap audit: what is wrong with the mappings of all accounts.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit_command.h"

enum { AUDIT_HTML = CM_OPTION_OWN, AUDIT_SEVERITY, AUDIT_LIMIT };

static const struct option audit_options[] = {
    {"html", required_argument, NULL, AUDIT_HTML},
    {"severity", required_argument, NULL, AUDIT_SEVERITY},
    {"limit", required_argument, NULL, AUDIT_LIMIT},
    CM_TARGET_OPTIONS,
    CM_COMMON_OPTIONS};

static enum cm_exit run_audit(struct cm_tool *tool, int argc, char **argv);

const struct cm_verb cm_verb_audit = {
    .name = "audit",
    .operands = "",
    .summary = "what is wrong with the mappings of all accounts",
    .help = "      --html FILE         write a page with charts, too\n"
            "      --severity LEVEL    findings that matter for the exit "
            "status:\n"
            "                          error, warning (default) or note\n"
            "      --limit N           list at most N findings of each kind; "
            "0: all\n" CM_TARGET_HELP,
    .options = audit_options,
    .run = run_audit,
    .letters = CM_TARGET_SHORT,
};

/* ---- Options ---- */

static bool
take_own(struct cm_audit *audit, int code, const char *value)
{
    struct cm_audit_flags *flags = &audit->flags;
    struct cm_options *options = &audit->options;

    switch (code) {
    case AUDIT_HTML:
        return cm_options_once(options, &flags->html, "--html", value);
    case AUDIT_SEVERITY:
        return cm_options_once(options, &flags->severity, "--severity", value);
    case AUDIT_LIMIT:
        return cm_options_once(options, &flags->limit, "--limit", value);
    default:
        return cm_target_take(&flags->target, options, code, value) ==
               CM_TARGET_TAKEN;
    }
}

/* False: an error was printed. */
static bool
parse_values(struct cm_audit *audit)
{
    const char *limit = audit->flags.limit;
    char *end;

    audit->severity = CM_AUDIT_IS_WARNING;
    if (audit->flags.severity != NULL &&
        !cm_audit_severity_parse(audit->flags.severity, &audit->severity)) {
        cm_tool_error(audit->options.tool,
                      "--severity: \"%s\": allowed are error, warning, note",
                      audit->flags.severity);
        return false;
    }
    if (limit == NULL)
        return true;
    errno = 0;
    audit->limit = strtoull(limit, &end, 10);
    audit->has_limit = true;
    if (limit[0] >= '0' && limit[0] <= '9' && *end == '\0' && errno == 0)
        return true;
    cm_tool_error(audit->options.tool, "--limit: \"%s\" is not a number",
                  limit);
    return false;
}

static enum cm_next
read_options(struct cm_audit *audit)
{
    const char *value;
    enum cm_next next;
    int code;

    while ((next = cm_options_next(&audit->options, &code, &value)) ==
           CM_NEXT_OWN) {
        if (!take_own(audit, code, value))
            return CM_NEXT_ERROR;
    }
    if (next == CM_NEXT_END &&
        (!cm_options_operands(&audit->options, 0) || !parse_values(audit)))
        return CM_NEXT_ERROR;
    return next;
}

/* ---- The run ---- */

static enum cm_exit
fail(struct cm_audit *audit, enum cm_exit code)
{
    cm_tool_error(audit->options.tool, "%s", audit->why.text);
    return code;
}

/* The CAs, and what the store knows.  CM_EXIT_YES, or the error was printed.
 */
static enum cm_exit
open_world(struct cm_audit *audit)
{
    enum cm_reason reason = cm_audit_world_open(
        &audit->world, &audit->target.settings, audit->now, &audit->why);

    if (reason == CM_NO_MEMORY)
        cm_detail_set(&audit->why, "out of memory");
    if (reason != CM_OK)
        return fail(audit, reason == CM_NO_MEMORY ? CM_EXIT_UNAVAILABLE
                                                  : CM_EXIT_USAGE);
    if (!cm_audit_issuers_load(audit))
        return fail(audit, CM_EXIT_UNAVAILABLE);
    if (cm_audit_certificates_add_seen(&audit->seen, &audit->world))
        return CM_EXIT_YES;
    cm_detail_set(&audit->why, "out of memory");
    return fail(audit, CM_EXIT_UNAVAILABLE);
}

/* What was read, and no more, is no clean bill. */
static enum cm_exit
judge(struct cm_audit *audit)
{
    struct cm_tool *tool = audit->options.tool;

    if (!audit->whole) {
        cm_tool_error(tool, "not all accounts could be read, after %llu: %s",
                      (unsigned long long)audit->counts.accounts,
                      audit->why.text);
        return CM_EXIT_UNAVAILABLE;
    }
    if (audit->world.unbelieved > 0) {
        cm_tool_error(tool,
                      "%llu certificates: it cannot be told whether they are "
                      "revoked: %s",
                      (unsigned long long)audit->world.unbelieved,
                      audit->world.unbelieved_why.text);
        return CM_EXIT_UNAVAILABLE;
    }
    return cm_audit_findings_count(&audit->findings, audit->severity) > 0
               ? CM_EXIT_NO
               : CM_EXIT_YES;
}

static enum cm_exit
run(struct cm_audit *audit)
{
    enum cm_exit code;

    if (!cm_audit_findings_open(&audit->findings, &audit->why) ||
        (audit->shared = cm_sorter_new(&audit->why)) == NULL)
        return fail(audit, CM_EXIT_UNAVAILABLE);
    code = open_world(audit);
    if (code != CM_EXIT_YES)
        return code;
    if (!cm_audit_scan(audit) || !cm_audit_collide(audit) ||
        !cm_audit_tell(audit))
        return fail(audit, CM_EXIT_UNAVAILABLE);
    return judge(audit);
}

static void
clear(struct cm_audit *audit)
{
    cm_audit_issuers_clear(audit);
    cm_audit_certificates_clear(&audit->seen);
    cm_audit_certificates_clear(&audit->own);
    cm_audit_world_close(&audit->world);
    cm_audit_findings_close(&audit->findings);
    cm_sorter_free(audit->shared);
    cm_target_close(&audit->target);
}

static enum cm_exit
run_audit(struct cm_tool *tool, int argc, char **argv)
{
    struct cm_audit audit;
    enum cm_next next;
    enum cm_exit code;

    memset(&audit, 0, sizeof(audit));
    cm_options_init(&audit.options, tool, &cm_verb_audit, argc, argv);
    next = read_options(&audit);
    if (next != CM_NEXT_END)
        return next == CM_NEXT_HELP ? CM_EXIT_YES : CM_EXIT_USAGE;
    code = cm_target_open(&audit.options, &audit.flags.target, &audit.target);
    if (code != CM_EXIT_YES)
        return code;
    if (audit.target.settings.mode == CM_MODE_OFF) {
        cm_tool_error(tool, "realm %s has mode = off: certmap does not decide",
                      audit.target.realm);
        cm_target_close(&audit.target);
        return CM_EXIT_USAGE;
    }
    audit.schema = &audit.target.settings.directory.schema;
    audit.now = cm_options_now(&audit.options);
    code = run(&audit);
    clear(&audit);
    return code;
}
