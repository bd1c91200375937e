/*
 * certmap check: what is wrong with the set-up, and what to do about it.
 */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "options.h"

static const struct option check_options[] = {CM_COMMON_OPTIONS};

static enum cm_exit run_check(struct cm_tool *tool, int argc, char **argv);

const struct cm_verb cm_verb_check = {
    "check",
    "",
    "what is wrong with configuration, wiring, trust and directory",
    "",
    check_options,
    run_check,
    NULL,
};

static bool
keep_realm(struct cm_check_realms *realms, const char *name,
           const struct cm_settings *settings)
{
    struct cm_check_realm *list;
    char *copy = strdup(name);

    if (copy == NULL)
        return false;
    list = reallocarray(realms->list, realms->count + 1, sizeof(*list));
    if (list == NULL) {
        free(copy);
        return false;
    }
    list[realms->count].name = copy;
    list[realms->count++].settings = *settings;
    realms->list = list;
    return true;
}

static void
clear_realms(struct cm_check_realms *realms)
{
    for (size_t i = 0; i < realms->count; i++) {
        free(realms->list[i].name);
        cm_settings_clear(&realms->list[i].settings);
    }
    free(realms->list);
}

/* Reads one realm; false: it has no certmap subsection. */
static bool
read_realm(struct cm_check *check, const char *name,
           struct cm_check_realms *realms)
{
    struct cm_text_list errors = {0};
    struct cm_settings settings;

    switch (cm_host_settings(check->host, name, &settings, &errors)) {
    case CM_HOST_ABSENT:
        return false;
    case CM_HOST_FOUND:
        if (!keep_realm(realms, name, &settings)) {
            cm_settings_clear(&settings);
            check->findings.failed = true;
        }
        break;
    case CM_HOST_BROKEN:
        realms->broken = true;
        for (size_t i = 0; i < errors.count; i++)
            cm_findings_add(&check->findings, CM_FINDING_CONFIG, name, "%s",
                            errors.items[i]);
        break;
    }
    cm_text_list_clear(&errors);
    return true;
}

/* Realms that the KDC serves and that say nothing about certmap. */
static void
find_undecided(struct cm_check *check, const struct cm_text_list *absent)
{
    struct cm_text_list served = {0};

    if (!cm_host_realms(check->host, CM_HOST_KDC_CONF, &served))
        check->findings.failed = true;
    for (size_t i = 0; i < absent->count; i++) {
        if (cm_text_list_has(&served, absent->items[i]))
            cm_findings_add(&check->findings, CM_FINDING_REALM_UNDECIDED,
                            absent->items[i],
                            "the realm has no certmap subsection: its "
                            "certificate logins are refused");
    }
    cm_text_list_clear(&served);
}

/* Every realm of the profile. */
static void
read_all_realms(struct cm_check *check, struct cm_check_realms *realms)
{
    struct cm_text_list names = {0}, absent = {0};
    bool ok = cm_host_realms(check->host, CM_HOST_MERGED, &names);

    for (size_t i = 0; ok && i < names.count; i++) {
        if (!read_realm(check, names.items[i], realms))
            ok = cm_text_list_add(&absent, names.items[i]);
    }
    if (!ok)
        check->findings.failed = true;
    if (absent.count == names.count)
        cm_findings_add(&check->findings, CM_FINDING_REALM_ABSENT, NULL,
                        "no realm has a certmap subsection");
    else
        find_undecided(check, &absent);
    cm_text_list_clear(&absent);
    cm_text_list_clear(&names);
}

static void
check_realm(struct cm_check *check, const struct cm_check_realm *realm)
{
    cm_check_choices(check, realm);
    cm_check_database(check, realm);
    if (realm->settings.mode == CM_MODE_OFF)
        return;
    cm_check_leftovers(check, realm);
    cm_check_kdc(check, realm);
    cm_check_trust(check, realm);
    cm_check_revocation(check, realm);
    cm_check_accounts(check, realm);
}

static void
check_host(struct cm_check *check, const char *realm)
{
    struct cm_check_realms realms = {0};

    if (realm == NULL)
        read_all_realms(check, &realms);
    else if (!read_realm(check, realm, &realms))
        cm_findings_add(&check->findings, CM_FINDING_REALM_ABSENT, realm,
                        "the realm has no certmap subsection: its "
                        "certificate logins are refused");
    for (size_t i = 0; i < realms.count; i++)
        check_realm(check, &realms.list[i]);
    cm_check_plugins(check, &realms);
    cm_check_restart(check);
    clear_realms(&realms);
}

/* Prints what was found; code is the status unless something is wrong. */
static enum cm_exit
finish(struct cm_options *options, struct cm_check *check, enum cm_exit code)
{
    bool whole =
        cm_findings_print(&check->findings, options->json, options->tool->out);

    if (code == CM_EXIT_YES && cm_findings_matter(&check->findings))
        code = CM_EXIT_NO;
    cm_findings_clear(&check->findings);
    if (whole)
        return code;
    cm_tool_error(options->tool, "out of memory: the list is not whole");
    return CM_EXIT_UNAVAILABLE;
}

static enum cm_exit
run_check(struct cm_tool *tool, int argc, char **argv)
{
    struct cm_options options;
    struct cm_check check = {0};
    struct cm_detail detail = {""};
    enum cm_next next;
    enum cm_exit code = CM_EXIT_YES;

    cm_options_init(&options, tool, &cm_verb_check, argc, argv);
    next = cm_options_all(&options);
    if (next != CM_NEXT_END)
        return next == CM_NEXT_HELP ? CM_EXIT_YES : CM_EXIT_USAGE;
    if (!cm_options_operands(&options, 0))
        return CM_EXIT_USAGE;
    check.now = cm_options_now(&options);
    check.host = cm_host_open(options.kdc_conf, &detail);
    if (check.host == NULL) {
        cm_findings_add(&check.findings, CM_FINDING_PROFILE_UNREADABLE, NULL,
                        "%s", detail.text);
        code = CM_EXIT_USAGE;
    } else {
        check_host(&check, options.realm);
    }
    cm_host_close(check.host);
    return finish(&options, &check, code);
}
