/*
 * certmap ntauth list|add|remove|publish: which CAs may issue logon
 * certificates, in files or in the directory.
 */
#include <string.h>

#include "ntauth_command.h"

enum {
    NTAUTH_DIRECTORY = CM_OPTION_OWN,
    NTAUTH_LIST,
    NTAUTH_FINGERPRINT,
    NTAUTH_ALL,
    NTAUTH_ANYWAY,
    NTAUTH_YES,
    NTAUTH_PRUNE
};

static const struct option ntauth_options[] = {
    {"directory", no_argument, NULL, NTAUTH_DIRECTORY},
    {"list", required_argument, NULL, NTAUTH_LIST},
    {"fingerprint", required_argument, NULL, NTAUTH_FINGERPRINT},
    {"all", no_argument, NULL, NTAUTH_ALL},
    {"anyway", no_argument, NULL, NTAUTH_ANYWAY},
    {"yes", no_argument, NULL, NTAUTH_YES},
    {"prune", no_argument, NULL, NTAUTH_PRUNE},
    {"dry-run", no_argument, NULL, 'n'},
    CM_TARGET_OPTIONS,
    CM_COMMON_OPTIONS};

static enum cm_exit run_ntauth(struct cm_tool *tool, int argc, char **argv);

const struct cm_verb cm_verb_ntauth = {
    "ntauth",
    "list|add|remove|publish",
    "the CAs that may issue logon certificates",
    "  -n, --dry-run             show what would be changed\n"
    "      --directory           the directory's list, not the realm's files\n"
    "      --list PATH           this file or folder, not the realm's\n"
    "      --fingerprint HEX     of several certificates this one: SHA-256\n"
    "                            or SHA-512, or SHA-256 of the CA's key\n"
    "      --all                 all of several certificates\n"
    "      --anyway              add one that has expired, too\n"
    "      --yes                 remove the last one, too\n"
    "      --prune               publish: remove what the files do not "
    "have\n" CM_TARGET_HELP,
    ntauth_options,
    run_ntauth,
    "n" CM_TARGET_SHORT,
};

/* ---- Doing ---- */

static void
print_warnings(struct cm_ntauth *ntauth)
{
    for (size_t i = 0; i < ntauth->plan.warnings.count; i++)
        cm_tool_error(ntauth->options.tool, "warning: %s",
                      ntauth->plan.warnings.items[i]);
}

static enum cm_exit
list(struct cm_ntauth *ntauth)
{
    print_warnings(ntauth);
    ntauth->plan.keep = ntauth->held;
    memset(&ntauth->held, 0, sizeof(ntauth->held));
    if (!cm_ntauth_print_list(&ntauth->plan, ntauth->options.json, ntauth->now,
                              ntauth->options.tool->out))
        return cm_tool_no_memory(ntauth->options.tool);
    return cm_ntauth_items_distinct(&ntauth->plan.keep) > 0 ? CM_EXIT_YES
                                                            : CM_EXIT_NO;
}

/* Shows the plan in any case: what failed is said beside it. */
static enum cm_exit
carry_out(struct cm_ntauth *ntauth)
{
    struct cm_ntauth_plan *plan = &ntauth->plan;
    enum cm_exit code = CM_EXIT_YES;

    print_warnings(ntauth);
    plan->dry = ntauth->dry;
    if (!plan->dry && plan->add.count + plan->remove.count > 0) {
        code = cm_ntauth_apply(ntauth);
        plan->applied = code == CM_EXIT_YES;
    }
    if (!cm_ntauth_print_plan(plan, ntauth->options.json, ntauth->now,
                              ntauth->options.tool->out))
        return cm_tool_no_memory(ntauth->options.tool);
    return code;
}

static enum cm_exit
act(struct cm_ntauth *ntauth)
{
    const char *action = ntauth->plan.action;
    bool lists = strcmp(action, "list") == 0;
    enum cm_exit code;

    code = cm_ntauth_open(ntauth, strcmp(action, "publish") == 0,
                          !lists && !ntauth->dry);
    if (code == CM_EXIT_YES && lists)
        return list(ntauth);
    if (code == CM_EXIT_YES)
        code = cm_ntauth_make_plan(ntauth);
    return code == CM_EXIT_YES ? carry_out(ntauth) : code;
}

/* ---- The command line ---- */

static bool
set_own(struct cm_ntauth *ntauth, int code, const char *value)
{
    struct cm_options *options = &ntauth->options;

    switch (code) {
    case NTAUTH_LIST:
        return cm_options_once(options, &ntauth->list, "--list", value);
    case NTAUTH_FINGERPRINT:
        return cm_options_once(options, &ntauth->fingerprint, "--fingerprint",
                               value);
    case NTAUTH_DIRECTORY:
        ntauth->directory = true;
        return true;
    case NTAUTH_ALL:
        ntauth->all = true;
        return true;
    case NTAUTH_ANYWAY:
        ntauth->anyway = true;
        return true;
    case NTAUTH_YES:
        ntauth->yes = true;
        return true;
    case NTAUTH_PRUNE:
        ntauth->prune = true;
        return true;
    default:
        ntauth->dry = true;
        return true;
    }
}

static bool
read_options(struct cm_ntauth *ntauth, enum cm_exit *code)
{
    const char *value;
    enum cm_next next;
    int own;

    *code = CM_EXIT_USAGE;
    while ((next = cm_options_next(&ntauth->options, &own, &value)) ==
           CM_NEXT_OWN) {
        switch (cm_target_take(&ntauth->flags, &ntauth->options, own, value)) {
        case CM_TARGET_TAKEN:
            break;
        case CM_TARGET_OTHER:
            if (!set_own(ntauth, own, value))
                return false;
            break;
        case CM_TARGET_ERROR:
            return false;
        }
    }
    if (next == CM_NEXT_HELP)
        *code = CM_EXIT_YES;
    return next == CM_NEXT_END;
}

/* What the words ask for; false: the error was printed. */
static bool
understand(struct cm_ntauth *ntauth)
{
    static const char *const actions[] = {"list", "publish", "remove", "add"};
    const char *word =
        ntauth->options.operand_count > 0 ? ntauth->options.operands[0] : "";
    int more = ntauth->options.operand_count - 1;

    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(word, actions[i]) == 0)
            ntauth->plan.action = actions[i];
    }
    if (ntauth->plan.action == NULL ||
        (more > 0 && (word[0] == 'l' || word[0] == 'p')) ||
        (more == 0 && word[0] == 'a') ||
        (more == 0 && word[0] == 'r' && ntauth->fingerprint == NULL)) {
        cm_tool_error(ntauth->options.tool,
                      "usage: certmap ntauth list|publish, ntauth add CERT "
                      "..., ntauth remove CERT ... or --fingerprint HEX");
        return false;
    }
    if (ntauth->options.has_at && word[0] != 'l' && !ntauth->dry) {
        cm_tool_error(ntauth->options.tool, "--at goes with list and -n only");
        return false;
    }
    return true;
}

static enum cm_exit
run_ntauth(struct cm_tool *tool, int argc, char **argv)
{
    struct cm_ntauth ntauth;
    enum cm_exit code;

    memset(&ntauth, 0, sizeof(ntauth));
    ntauth.lock = -1;
    cm_options_init(&ntauth.options, tool, &cm_verb_ntauth, argc, argv);
    if (read_options(&ntauth, &code)) {
        ntauth.now = cm_options_now(&ntauth.options);
        code = understand(&ntauth) ? act(&ntauth) : CM_EXIT_USAGE;
    }
    cm_ntauth_close(&ntauth);
    return code;
}
