/*
 * A directory on a leash: tests/realm/test_directory.py starts servers, and
 * drives this program with a line for each call.
 *
 *     directory_probe relation=value ...
 *
 * The relations are those of `ldap { }`, and ldif=PATH, timeout=MS,
 * dns_domain=NAME.  With shared=true there are two handles that share what
 * they know about servers.  Commands on standard input:
 *
 *     check                  cm_directory_config_check()
 *     find PRINCIPAL [UPN]   cm_directory_find()
 *     nowait PRINCIPAL       the same, without leave to wait
 *     fork PRINCIPAL [UPN]   the same in a child process
 *     other PRINCIPAL        the same by the other handle
 *     probe                  cm_directory_probe()
 *     walk LIMIT             cm_directory_each_mapped()
 *     sweep FILTER [STOP]    cm_sweep(), with altSecurityIdentities; ended
 *                            after STOP entries
 *
 * Each is answered by one line of JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "backend.h"
#include "directory.h"
#include "sweep.h"

enum { MAX_LINE = 8192 };

struct probe {
    struct cm_directory_config config;
    struct cm_directory *directory;
    struct cm_directory_health *health; /* NULL: not shared */
    struct cm_directory *other;         /* shares it */
    bool shared;
    const char *dns_domain;
    int timeout_ms;
    json_t *log; /* lines since the last answer */
};

static void
die(const char *what)
{
    (void)fprintf(stderr, "directory_probe: %s\n", what);
    exit(2);
}

static char *
copy(const char *text)
{
    char *out = strdup(text);

    if (out == NULL)
        die("out of memory");
    return out;
}

/* True if the setting was one of the plain texts. */
static bool
set_text(struct cm_directory_config *config, const char *name,
         const char *value)
{
    const struct {
        const char *name;
        char **place;
    } texts[] = {
        {"base", &config->base},
        {"bind_dn", &config->bind_dn},
        {"password_file", &config->password_file},
        {"ca_file", &config->ca_file},
        {"ciphers", &config->ciphers},
        {"object_filter", &config->schema.object_filter},
        {"ldif", &config->ldif_path},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(texts[i].name, name) == 0) {
            free(*texts[i].place);
            *texts[i].place = copy(value);
            return true;
        }
    }
    return false;
}

static void
set_mechanism(struct cm_directory_config *config, const char *value)
{
    config->bind =
        strcmp(value, "GSSAPI") == 0 ? CM_BIND_GSSAPI : CM_BIND_EXTERNAL;
}

static void
set(struct probe *probe, const char *name, const char *value)
{
    struct cm_directory_config *config = &probe->config;
    struct cm_detail detail = {""};

    if (set_text(config, name, value))
        return;
    if (strcmp(name, "uri") == 0 && config->uri_count < CM_DIRECTORY_MAX_URIS)
        config->uris[config->uri_count++] = copy(value);
    else if (strcmp(name, "starttls") == 0)
        config->starttls = strcmp(value, "true") == 0;
    else if (strcmp(name, "sasl_mech") == 0)
        set_mechanism(config, value);
    else if (strcmp(name, "shared") == 0)
        probe->shared = strcmp(value, "true") == 0;
    else if (strcmp(name, "timeout") == 0)
        probe->timeout_ms = atoi(value);
    else if (strcmp(name, "dns_domain") == 0)
        probe->dns_domain = value;
    else if (!cm_schema_override(&config->schema, name, value, &detail))
        die(detail.text);
}

static void
configure(struct probe *probe, int argc, char **argv)
{
    enum cm_schema_preset preset = CM_SCHEMA_MIT;
    const char *equals;
    char name[64];

    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "schema=", 7) == 0 &&
            !cm_schema_preset_parse(argv[i] + 7, &preset))
            die("schema");
    }
    if (!cm_schema_init(&probe->config.schema, preset))
        die("out of memory");
    for (int i = 1; i < argc; i++) {
        equals = strchr(argv[i], '=');
        if (equals == NULL || (size_t)(equals - argv[i]) >= sizeof(name))
            die(argv[i]);
        memcpy(name, argv[i], (size_t)(equals - argv[i]));
        name[equals - argv[i]] = '\0';
        if (strcmp(name, "schema") != 0)
            set(probe, name, equals + 1);
    }
    probe->config.kind = probe->config.ldif_path != NULL ? CM_DIRECTORY_LDIF
                                                         : CM_DIRECTORY_LDAP;
}

static json_t *
text_or_null(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static json_t *
account_json(const struct cm_account *account)
{
    json_t *mappings = json_array();
    size_t shown = account->mapping_count < 10 ? account->mapping_count : 10;

    for (size_t i = 0; i < shown; i++)
        (void)json_array_append_new(
            mappings, json_stringn_nocheck(account->mappings[i].data,
                                           account->mappings[i].len));
    return json_pack(
        "{s:o, s:b, s:b, s:b, s:o, s:o, s:i, s:o, s:b, s:i, s:o, s:i, s:I, "
        "s:o, s:i}",
        "id", text_or_null(account->id), "named", account->named, "computer",
        account->computer, "disabled", account->disabled, "disabled_why",
        text_or_null(account->disabled_why), "account_name",
        text_or_null(account->account_name), "upn_state",
        (int)account->upn_state, "upn", text_or_null(account->upn),
        "has_sid_attribute", account->has_sid_attribute, "sid_state",
        (int)account->sid_state, "sid", text_or_null(account->sid),
        "created_state", (int)account->created_state, "created",
        (json_int_t)account->created, "mappings", mappings, "mapping_count",
        (int)account->mapping_count);
}

static json_t *
accounts_json(const struct cm_accounts *accounts)
{
    json_t *list = json_array();

    for (size_t i = 0; i < accounts->count; i++)
        (void)json_array_append_new(list, account_json(&accounts->list[i]));
    return list;
}

/* Prints one answer; takes more. */
static void
answer(struct probe *probe, enum cm_reason reason,
       const struct cm_detail *detail, int64_t start, json_t *more)
{
    json_t *object = json_pack("{s:s, s:s, s:I, s:O}", "reason",
                               cm_reason_token(reason), "detail", detail->text,
                               "ms", (json_int_t)(cm_backend_now_ms() - start),
                               "log", probe->log);
    char *line;

    if (object == NULL || (more != NULL && json_object_update(object, more)))
        die("out of memory");
    line = json_dumps(object, JSON_COMPACT);
    if (line == NULL)
        die("text that is not UTF-8");
    (void)puts(line);
    (void)fflush(stdout);
    free(line);
    json_decref(object);
    json_decref(more);
    (void)json_array_clear(probe->log);
}

static void
find(struct probe *probe, const char *name, const char *upn, bool may_wait)
{
    struct cm_principal principal;
    struct cm_accounts accounts;
    struct cm_detail detail = {""};
    struct cm_directory_query query = {
        .lookup = {.principal = &principal,
                   .upn = upn,
                   .dns_domain = probe->dns_domain,
                   .now = time(NULL)},
        .timeout_ms = probe->timeout_ms,
        .may_wait = may_wait,
    };
    int64_t start = cm_backend_now_ms();
    enum cm_reason reason;

    if (!cm_principal_parse(name, NULL, &principal))
        die("principal");
    reason = cm_directory_find(probe->directory, &query, &accounts, &detail);
    answer(probe, reason, &detail, start,
           json_pack("{s:o}", "accounts", accounts_json(&accounts)));
    cm_accounts_clear(&accounts);
    cm_principal_clear(&principal);
}

static void
find_in_child(struct probe *probe, const char *name, const char *upn)
{
    int status = 0;
    pid_t child = fork();

    if (child < 0)
        die("fork");
    if (child == 0) {
        find(probe, name, upn, true);
        cm_directory_free(probe->directory);
        _exit(0);
    }
    if (waitpid(child, &status, 0) != child || status != 0)
        die("the child failed");
}

static void
find_by_other(struct probe *probe, const char *name)
{
    struct cm_directory *directory = probe->directory;

    if (probe->other == NULL)
        die("there is no other handle");
    probe->directory = probe->other;
    find(probe, name, NULL, true);
    probe->directory = directory;
}

static bool
visit(void *context, const struct cm_entry *entry)
{
    (void)json_array_append_new(context, json_string(entry->dn));
    return true;
}

static void
walk(struct probe *probe, size_t limit)
{
    json_t *names = json_array();
    struct cm_detail detail = {""};
    int64_t start = cm_backend_now_ms();
    bool truncated = false;
    enum cm_reason reason =
        cm_directory_each_mapped(probe->directory, limit, probe->timeout_ms,
                                 visit, names, &truncated, &detail);

    answer(probe, reason, &detail, start,
           json_pack("{s:o, s:b}", "names", names, "truncated", truncated));
}

struct swept {
    size_t stop; /* 0: at the end */
    size_t count;
    size_t values;
    json_t *first; /* names of the first ones */
};

static bool
visit_swept(void *context, const struct cm_entry *entry)
{
    struct swept *swept = context;
    const struct cm_attribute *values =
        cm_entry_get(entry, "altSecurityIdentities");

    if (swept->count < 5)
        (void)json_array_append_new(swept->first, json_string(entry->dn));
    swept->values += values != NULL ? values->count : 0;
    return ++swept->count != swept->stop;
}

static void
sweep(struct probe *probe, const char *filter, const char *stop)
{
    static const char *const attributes[] = {"altSecurityIdentities", NULL};
    struct swept swept = {.stop = stop != NULL ? strtoul(stop, NULL, 10) : 0,
                          .first = json_array()};
    struct cm_sweep request = {.filter = filter,
                               .attributes = attributes,
                               .page_ms = probe->timeout_ms,
                               .visit = visit_swept,
                               .context = &swept};
    struct cm_detail detail = {""};
    int64_t start = cm_backend_now_ms();
    enum cm_sweep_end end = cm_sweep(&probe->config, &request, &detail);

    answer(probe, CM_OK, &detail, start,
           json_pack("{s:i, s:i, s:i, s:o}", "end", (int)end, "seen",
                     (int)request.seen, "values", (int)swept.values, "names",
                     swept.first));
}

static void
serve(struct probe *probe, char *line)
{
    const char *command = strtok(line, " \n");
    const char *first = strtok(NULL, " \n");
    const char *second = strtok(NULL, " \n");
    struct cm_detail detail = {""};
    int64_t start = cm_backend_now_ms();
    enum cm_reason reason;

    if (command == NULL)
        die("no command");
    if (strcmp(command, "check") == 0) {
        reason = cm_directory_config_check(&probe->config, &detail)
                     ? CM_OK
                     : CM_CONFIG;
        answer(probe, reason, &detail, start, NULL);
    } else if (strcmp(command, "probe") == 0) {
        reason =
            cm_directory_probe(probe->directory, probe->timeout_ms, &detail);
        answer(probe, reason, &detail, start, NULL);
    } else if (first == NULL) {
        die("no argument");
    } else if (strcmp(command, "find") == 0) {
        find(probe, first, second, true);
    } else if (strcmp(command, "nowait") == 0) {
        find(probe, first, second, false);
    } else if (strcmp(command, "fork") == 0) {
        find_in_child(probe, first, second);
    } else if (strcmp(command, "other") == 0) {
        find_by_other(probe, first);
    } else if (strcmp(command, "walk") == 0) {
        walk(probe, strtoul(first, NULL, 10));
    } else if (strcmp(command, "sweep") == 0) {
        sweep(probe, first, second);
    } else {
        die(command);
    }
}

static void
keep_line(void *context, enum cm_severity severity, const char *text)
{
    (void)severity;
    (void)json_array_append_new(context, json_string(text));
}

static void
open_handles(struct probe *probe, const struct cm_log *log)
{
    probe->directory = cm_directory_new(&probe->config, log);
    if (probe->directory == NULL || probe->log == NULL)
        die("out of memory");
    if (!probe->shared)
        return;
    probe->health = cm_directory_health_new(probe->config.uri_count);
    probe->other = cm_directory_new(&probe->config, log);
    if (probe->health == NULL || probe->other == NULL)
        die("out of memory");
    cm_directory_share_health(probe->directory, probe->health);
    cm_directory_share_health(probe->other, probe->health);
}

int
main(int argc, char **argv)
{
    struct probe probe = {
        .dns_domain = "example.com", .timeout_ms = 1000, .log = json_array()};
    const struct cm_log log = {keep_line, probe.log};
    char line[MAX_LINE];

    configure(&probe, argc, argv);
    open_handles(&probe, &log);
    while (fgets(line, sizeof(line), stdin) != NULL)
        serve(&probe, line);
    cm_directory_free(probe.directory);
    cm_directory_free(probe.other);
    cm_directory_health_free(probe.health);
    cm_directory_config_clear(&probe.config);
    json_decref(probe.log);
    return 0;
}
