/*
 * certmap explain CERT PRINCIPAL: the real login, step by step.
 */
#include "explain.h"

#include <stdlib.h>
#include <string.h>

#include "account_store.h"
#include "certfile.h"
#include "config_host.h"
#include "options.h"
#include "output.h"

enum { EXPLAIN_DIRECTORY = CM_OPTION_OWN, EXPLAIN_FETCH };

static const struct option explain_options[] = {
    {"directory", required_argument, NULL, EXPLAIN_DIRECTORY},
    {"fetch", no_argument, NULL, EXPLAIN_FETCH},
    CM_COMMON_OPTIONS};

static enum cm_exit run_explain(struct cm_tool *tool, int argc, char **argv);

const struct cm_verb cm_verb_explain = {
    "explain",
    "CERT PRINCIPAL",
    "the login of a certificate as a principal, step by step",
    "      --directory SPEC    accounts from kdb, ldap or ldif:FILE instead "
    "of the\n"
    "                          configured directory\n"
    "      --fetch             ask OCSP responders for what the store lacks\n",
    explain_options,
    run_explain,
    NULL,
};

struct explain {
    struct cm_options options;
    const char *directory; /* --directory */
    bool fetches;          /* --fetch */
    uint8_t *der;
    size_t len;
    struct cm_host *host;
    struct cm_principal principal;
    struct cm_settings settings;
    struct cm_entry kdb_entry;
    enum cm_host_entry kdb_state; /* directory = kdb only */
};

static bool
read_options(struct explain *explain, enum cm_exit *code)
{
    const char *value;
    enum cm_next next;
    int own;

    *code = CM_EXIT_USAGE;
    while ((next = cm_options_next(&explain->options, &own, &value)) ==
           CM_NEXT_OWN) {
        if (own == EXPLAIN_FETCH)
            explain->fetches = true;
        else if (!cm_options_once(&explain->options, &explain->directory,
                                  "--directory", value))
            return false;
    }
    if (next == CM_NEXT_HELP)
        *code = CM_EXIT_YES;
    return next == CM_NEXT_END && cm_options_operands(&explain->options, 2);
}

/* A broken configuration refuses the login: the answer says so too. */
static void
report_broken(struct explain *explain, const struct cm_text_list *errors)
{
    struct cm_tool *tool = explain->options.tool;
    struct cm_outcome outcome;

    for (size_t i = 0; i < errors->count; i++)
        cm_tool_error(tool, "%s", errors->items[i]);
    if (!explain->options.json)
        return;
    memset(&outcome, 0, sizeof(outcome));
    outcome.reason = CM_CONFIG;
    cm_explain_json(&explain->principal, &outcome, tool->out);
}

static bool
load_settings(struct explain *explain)
{
    struct cm_tool *tool = explain->options.tool;
    const char *realm = explain->principal.realm;
    struct cm_text_list errors = {0};
    bool ok = false;

    switch (
        cm_host_settings(explain->host, realm, &explain->settings, &errors)) {
    case CM_HOST_FOUND:
        ok = explain->settings.mode != CM_MODE_OFF;
        if (!ok)
            cm_tool_error(tool,
                          "realm %s has mode = off: certmap does not decide "
                          "its logins",
                          realm);
        break;
    case CM_HOST_ABSENT:
        cm_tool_error(tool,
                      "realm %s has no certmap subsection in kdc.conf: every "
                      "login is refused; see certmap(5), or name the file "
                      "with -c",
                      realm);
        report_broken(explain, &errors);
        break;
    case CM_HOST_BROKEN:
        report_broken(explain, &errors);
        break;
    }
    cm_text_list_clear(&errors);
    return ok;
}

/* A realm of the KDC's database has no schema: mit then. */
static bool
use_ldif(struct cm_directory_config *config, const char *path)
{
    char *copy = strdup(path);

    if (copy == NULL)
        return false;
    if (config->schema.principal == NULL &&
        !cm_schema_init(&config->schema, CM_SCHEMA_MIT)) {
        free(copy);
        return false;
    }
    free(config->ldif_path);
    config->ldif_path = copy;
    config->kind = CM_DIRECTORY_LDIF;
    return true;
}

/* --directory SPEC in place of the configured directory. */
static bool
override_directory(struct explain *explain)
{
    struct cm_directory_config *config = &explain->settings.directory;
    struct cm_tool *tool = explain->options.tool;
    const char *spec = explain->directory;
    struct cm_detail detail = {""};
    bool ok = true;

    if (spec == NULL)
        return true;
    if (strcmp(spec, "kdb") == 0) {
        config->kind = CM_DIRECTORY_KDB;
    } else if (strcmp(spec, "ldap") == 0) {
        config->kind = CM_DIRECTORY_LDAP;
    } else if (strncmp(spec, "ldif:", 5) == 0 && spec[5] != '\0') {
        ok = use_ldif(config, spec + 5);
    } else {
        cm_tool_error(tool, "--directory %s: allowed are kdb, ldap, ldif:FILE",
                      spec);
        return false;
    }
    if (ok && config->kind == CM_DIRECTORY_LDAP && config->uri_count == 0) {
        cm_tool_error(tool, "--directory ldap needs the realm's ldap "
                            "subsection in kdc.conf");
        return false;
    }
    ok = ok && cm_directory_config_check(config, &detail);
    if (!ok)
        cm_tool_error(tool, "--directory %s: %s", spec, detail.text);
    return ok;
}

/* directory = kdb answers from the principal's own entry.  Without it the
 * login still runs as far as it gets. */
static void
read_kdb_entry(struct explain *explain)
{
    struct cm_detail detail = {""};

    explain->kdb_state = CM_HOST_ENTRY_UNAVAILABLE;
    if (explain->settings.directory.kind != CM_DIRECTORY_KDB)
        return;
    explain->kdb_state = cm_host_entry(explain->host, &explain->principal,
                                       &explain->kdb_entry, &detail);
    if (explain->kdb_state != CM_HOST_ENTRY_FOUND)
        cm_tool_error(explain->options.tool, "%s", detail.text);
}

/* Without an entry the KDC would not have asked us: the account is what is
 * missing, not the directory. */
static void
say_absent(const struct explain *explain, struct cm_outcome *outcome)
{
    if (explain->settings.directory.kind != CM_DIRECTORY_KDB ||
        explain->kdb_state != CM_HOST_ENTRY_ABSENT ||
        outcome->reason != CM_DIRECTORY_UNAVAILABLE)
        return;
    outcome->reason = CM_ACCOUNT_NOT_FOUND;
    outcome->steps[outcome->step_count - 1].outcome = CM_ACCOUNT_NOT_FOUND;
    cm_detail_set(&outcome->steps[outcome->step_count - 1].detail,
                  "the KDC's database has no such principal");
}

static int64_t
given_now(void *context)
{
    return *(const int64_t *)context;
}

static int64_t
system_monotonic(void *context)
{
    (void)context;
    return cm_system_clock.monotonic_ms(cm_system_clock.context);
}

static enum cm_exit
exit_of(enum cm_reason reason)
{
    if (reason == CM_OK)
        return CM_EXIT_YES;
    if (reason == CM_CONFIG)
        return CM_EXIT_USAGE;
    if (reason == CM_DIRECTORY_UNAVAILABLE ||
        reason == CM_REVOCATION_UNAVAILABLE || reason == CM_NO_MEMORY)
        return CM_EXIT_UNAVAILABLE;
    return CM_EXIT_NO;
}

static enum cm_exit
show_outcome(struct explain *explain, const struct cm_outcome *outcome)
{
    FILE *out = explain->options.tool->out;
    bool printed;

    printed = explain->options.json
                  ? cm_explain_json(&explain->principal, outcome, out)
                  : cm_explain_text(&explain->settings, &explain->principal,
                                    outcome, out);
    if (printed)
        return exit_of(outcome->reason);
    return cm_tool_no_memory(explain->options.tool);
}

static void
write_log(void *context, enum cm_severity severity, const char *text)
{
    /* What is logged as information is how things should be. */
    if (severity != CM_LOG_INFO)
        cm_tool_error(context, "%s", text);
}

static enum cm_exit
run_login(struct explain *explain)
{
    const struct cm_settings *settings = &explain->settings;
    struct cm_log log = {write_log, explain->options.tool};
    struct cm_services services = {.clock = cm_system_clock};
    struct cm_login login = {
        .certificate = explain->der,
        .certificate_len = explain->len,
        .principal = &explain->principal,
        .kdb_entry = explain->kdb_state == CM_HOST_ENTRY_FOUND
                         ? &explain->kdb_entry
                         : NULL,
        .may_wait_for_directory = settings->certauth_wait != CM_WAIT_NONE};
    struct cm_outcome outcome;
    enum cm_exit code = CM_EXIT_UNAVAILABLE;

    if (explain->options.has_at)
        services.clock = (struct cm_clock){given_now, system_monotonic,
                                           &explain->options.at};
    services.trust = cm_trust_new(&settings->trust, &log);
    services.directory = cm_directory_new(&settings->directory, &log);
    services.store =
        cm_store_new(settings->store, settings->store_given, &log);
    if (explain->fetches) {
        services.demand = cm_demand_new(settings->store, services.store,
                                        &settings->http, &log);
        services.fetcher = cm_fetcher_new();
    }
    if (services.trust != NULL && services.directory != NULL &&
        services.store != NULL &&
        explain->fetches ==
            (services.demand != NULL && services.fetcher != NULL)) {
        cm_authorize(settings, &services, &login, &outcome);
        say_absent(explain, &outcome);
        code = show_outcome(explain, &outcome);
        cm_outcome_clear(&outcome);
    } else {
        cm_tool_error(explain->options.tool, "out of memory");
    }
    cm_fetcher_free(services.fetcher);
    cm_demand_free(services.demand);
    cm_store_free(services.store);
    cm_directory_free(services.directory);
    cm_trust_free(services.trust);
    return code;
}

/* Everything that the login needs; false: an error was printed. */
static bool
prepare(struct explain *explain)
{
    struct cm_tool *tool = explain->options.tool;
    struct cm_detail detail = {""};

    if (!cm_certfile_read(tool->in, explain->options.operands[0],
                          &explain->der, &explain->len, &detail)) {
        cm_tool_error(tool, "%s", detail.text);
        return false;
    }
    explain->host = cm_host_open(explain->options.kdc_conf, &detail);
    if (explain->host == NULL) {
        cm_tool_error(tool, "%s", detail.text);
        return false;
    }
    if (!cm_account_principal(&explain->options, explain->options.operands[1],
                              &explain->principal) ||
        !load_settings(explain) || !override_directory(explain))
        return false;
    read_kdb_entry(explain);
    return true;
}

static enum cm_exit
run_explain(struct cm_tool *tool, int argc, char **argv)
{
    struct explain explain;
    enum cm_exit code;

    memset(&explain, 0, sizeof(explain));
    cm_options_init(&explain.options, tool, &cm_verb_explain, argc, argv);
    if (read_options(&explain, &code)) {
        code = CM_EXIT_USAGE;
        if (prepare(&explain))
            code = run_login(&explain);
    }
    cm_entry_clear(&explain.kdb_entry);
    cm_settings_clear(&explain.settings);
    cm_principal_clear(&explain.principal);
    cm_host_close(explain.host);
    free(explain.der);
    return code;
}
