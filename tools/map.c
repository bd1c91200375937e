/*
 * certmap map list|add|remove PRINCIPAL [CERT]: the mapping values of one
 * account.
 */
#include "map_command.h"

#include <stdlib.h>
#include <string.h>

#include "certfile.h"

enum { MAP_FORM = CM_OPTION_OWN, MAP_SHARED, MAP_VALUE, MAP_ALL_WEAK };

static const struct option map_options[] = {
    {"form", required_argument, NULL, MAP_FORM},
    {"shared", no_argument, NULL, MAP_SHARED},
    {"value", required_argument, NULL, MAP_VALUE},
    {"all-weak", no_argument, NULL, MAP_ALL_WEAK},
    {"dry-run", no_argument, NULL, 'n'},
    CM_TARGET_OPTIONS,
    CM_COMMON_OPTIONS};

static enum cm_exit run_map(struct cm_tool *tool, int argc, char **argv);

const struct cm_verb cm_verb_map = {
    "map",
    "list|add|remove PRINCIPAL [CERT]",
    "the mappings of one account: show, write, take away",
    "      --form FORM         write this form (issuer-serial, ski, "
    "sha1-pukey,\n"
    "                          issuer-sid; weak: issuer-subject, subject, "
    "rfc822)\n"
    "      --shared            even if another account holds the value\n"
    "      --value TEXT        remove this value\n"
    "      --all-weak          remove every weak value\n"
    "  -n, --dry-run           print the change and write "
    "nothing\n" CM_TARGET_HELP,
    map_options,
    run_map,
    "n" CM_TARGET_SHORT,
};

void
cm_map_warn(struct cm_map *map, const char *token, const char *text)
{
    if (map->warning_count < CM_MAP_MAX_WARNINGS)
        map->warnings[map->warning_count++] =
            (struct cm_map_warning){token, text};
}

/* ---- Options ---- */

static bool
take_flag(bool *flag)
{
    *flag = true;
    return true;
}

static bool
take_own(struct cm_map *map, int code, const char *value)
{
    switch (cm_target_take(&map->flags, &map->options, code, value)) {
    case CM_TARGET_TAKEN:
        return true;
    case CM_TARGET_ERROR:
        return false;
    case CM_TARGET_OTHER:
        break;
    }
    switch (code) {
    case 'n':
        return take_flag(&map->dry_run);
    case MAP_SHARED:
        return take_flag(&map->shared);
    case MAP_ALL_WEAK:
        return take_flag(&map->all_weak);
    case MAP_FORM:
        return cm_options_once(&map->options, &map->form, "--form", value);
    default:
        return cm_options_once(&map->options, &map->value, "--value", value);
    }
}

static enum cm_next
read_options(struct cm_map *map)
{
    const char *value;
    enum cm_next next;
    int code;

    while ((next = cm_options_next(&map->options, &code, &value)) ==
           CM_NEXT_OWN) {
        if (!take_own(map, code, value))
            return CM_NEXT_ERROR;
    }
    return next;
}

enum action { MAP_LIST, MAP_ADD, MAP_REMOVE, MAP_NO_ACTION };

static enum action
action_of(const struct cm_map *map)
{
    static const char *const words[] = {"list", "add", "remove"};

    for (int i = 0; i < MAP_NO_ACTION && map->options.operand_count > 0; i++) {
        if (strcmp(map->options.operands[0], words[i]) == 0)
            return (enum action)i;
    }
    return MAP_NO_ACTION;
}

/* Which options go with which action; NULL: they fit. */
static const char *
misfit(const struct cm_map *map, enum action action)
{
    int certs = map->options.operand_count - 2;
    int ways = certs + (map->value != NULL) + map->all_weak;

    if (action != MAP_ADD && (map->form != NULL || map->shared))
        return "--form and --shared go with add";
    if (action != MAP_REMOVE && (map->value != NULL || map->all_weak))
        return "--value and --all-weak go with remove";
    if (action == MAP_LIST && map->dry_run)
        return "-n goes with add and remove";
    if (action == MAP_ADD && certs != 1)
        return "add needs a certificate: certmap map add PRINCIPAL CERT";
    if (action == MAP_REMOVE && ways != 1)
        return "remove needs one of CERT, --value and --all-weak";
    return NULL;
}

static bool
check_options(struct cm_map *map, enum action *action)
{
    int count = map->options.operand_count;
    const char *problem;

    *action = action_of(map);
    if (*action == MAP_NO_ACTION || count < 2 || count > 3) {
        (void)cm_options_operands(&map->options, -1);
        return false;
    }
    problem = misfit(map, *action);
    if (problem != NULL)
        cm_tool_error(map->options.tool, "%s", problem);
    return problem == NULL;
}

/* ---- What the actions need ---- */

/* As the realm's logins would write them; removing finds also what an SKI
 * that is no hash of the key once yielded. */
static enum cm_exit
build_candidates(struct cm_map *map, enum action action)
{
    bool any_ski = map->target.settings.policy.ski_trust_extension ||
                   action == MAP_REMOVE;

    if (!map->has_cert ||
        cm_candidates_build(&map->cert, any_ski, &map->candidates))
        return CM_EXIT_YES;
    return cm_tool_no_memory(map->options.tool);
}

static enum cm_exit
prepare(struct cm_map *map, enum action action)
{
    struct cm_options *options = &map->options;
    enum cm_exit code = CM_EXIT_YES;

    if (options->operand_count == 3)
        code = cm_certfile_decode(options->tool, options->operands[2],
                                  &map->cert);
    map->has_cert = options->operand_count == 3 && code == CM_EXIT_YES;
    if (code == CM_EXIT_YES &&
        !cm_account_principal(options, options->operands[1], &map->principal))
        code = CM_EXIT_USAGE;
    if (code == CM_EXIT_YES)
        code = cm_target_open(options, &map->flags, &map->target);
    if (code == CM_EXIT_YES)
        code = build_candidates(map, action);
    if (code == CM_EXIT_YES)
        code =
            cm_account_store_open(options->tool, &map->target, &map->principal,
                                  cm_options_now(options), &map->store);
    return code;
}

static enum cm_exit
run_action(struct cm_map *map, enum action action)
{
    switch (action) {
    case MAP_LIST:
        return cm_map_list(map);
    case MAP_ADD:
        return cm_map_add(map);
    case MAP_REMOVE:
        return cm_map_remove(map);
    case MAP_NO_ACTION:
        break;
    }
    return CM_EXIT_USAGE;
}

static void
clear(struct cm_map *map)
{
    cm_account_store_close(&map->store);
    cm_candidates_clear(&map->candidates);
    cm_target_close(&map->target);
    cm_principal_clear(&map->principal);
    if (map->has_cert)
        cm_certificate_clear(&map->cert);
}

static enum cm_exit
run_map(struct cm_tool *tool, int argc, char **argv)
{
    struct cm_map map;
    enum action action;
    enum cm_next next;
    enum cm_exit code;

    memset(&map, 0, sizeof(map));
    cm_options_init(&map.options, tool, &cm_verb_map, argc, argv);
    next = read_options(&map);
    if (next != CM_NEXT_END)
        return next == CM_NEXT_HELP ? CM_EXIT_YES : CM_EXIT_USAGE;
    if (!check_options(&map, &action))
        return CM_EXIT_USAGE;
    code = prepare(&map, action);
    if (code == CM_EXIT_YES)
        code = run_action(&map, action);
    clear(&map);
    return code;
}
