#include "account_store.h"

#include <stdlib.h>
#include <string.h>

#include "directory.h"
#include "kdb_row.h"
#include "progress.h"

/* An administrator waits longer than a login. */
enum { FIND_TIMEOUT_MS = 15000 };

static const char kdb_attribute[] = "altSecurityIdentities";

static bool
is_kdb(const struct cm_account_store *store)
{
    return store->target->directory->kind == CM_DIRECTORY_KDB;
}

const char *
cm_account_store_attribute(const struct cm_account_store *store)
{
    return is_kdb(store) ? kdb_attribute
                         : store->target->directory->schema.mappings;
}

/* ---- Reading ---- */

/* The strings of the KDC's entry under the names that a directory has. */
static bool
entry_of_strings(const struct cm_kdb_account *kdb, struct cm_entry *out)
{
    const char *key, *value, *name;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < kdb->count; i++) {
        key = kdb->strings[i].key;
        value = kdb->strings[i].value;
        name = cm_kdb_is_mapping(key) ? kdb_attribute : key;
        if (!cm_entry_add(out, name, value, strlen(value))) {
            cm_entry_clear(out);
            return false;
        }
    }
    return true;
}

static enum cm_exit
read_kdb(struct cm_account_store *store, struct cm_entry *out)
{
    struct cm_detail detail = {""};

    if (store->writer == NULL)
        store->writer = cm_kdb_writer_open(store->target->realm, &detail);
    if (store->writer == NULL) {
        cm_tool_error(store->tool, "%s", detail.text);
        return CM_EXIT_UNAVAILABLE;
    }
    cm_kdb_account_clear(&store->kdb);
    switch (cm_kdb_writer_read(store->writer, store->principal, &store->kdb,
                               &detail)) {
    case CM_KDB_DONE:
        if (entry_of_strings(&store->kdb, out))
            return CM_EXIT_YES;
        return cm_tool_no_memory(store->tool);
    case CM_KDB_ABSENT:
        cm_tool_error(store->tool, "%s; kadmin.local addprinc makes one",
                      detail.text);
        return CM_EXIT_NO;
    case CM_KDB_CONFLICT:
    case CM_KDB_TOO_LARGE:
    case CM_KDB_UNAVAILABLE:
        break;
    }
    cm_tool_error(store->tool, "%s", detail.text);
    return CM_EXIT_UNAVAILABLE;
}

/* The one account of all, or NULL. */
static struct cm_account *
only_named(struct cm_accounts *accounts, size_t *count)
{
    struct cm_account *named = NULL;

    *count = 0;
    for (size_t i = 0; i < accounts->count; i++) {
        if (accounts->list[i].named) {
            named = &accounts->list[i];
            (*count)++;
        }
    }
    return *count == 1 ? named : NULL;
}

static void
say_several(struct cm_account_store *store, const struct cm_accounts *accounts)
{
    cm_tool_error(store->tool,
                  "%s has more than one entry, so that nobody can log in as "
                  "it; leave one of them:",
                  store->principal->text);
    for (size_t i = 0; i < accounts->count; i++)
        cm_tool_error(store->tool, "  %s", accounts->list[i].id);
}

static enum cm_exit
take_account(struct cm_account_store *store, struct cm_accounts *accounts)
{
    struct cm_account *named;
    size_t count;

    named = only_named(accounts, &count);
    if (named != NULL) {
        cm_account_clear(&store->account);
        store->account = *named;
        memset(named, 0, sizeof(*named));
        return CM_EXIT_YES;
    }
    if (count > 1)
        say_several(store, accounts);
    else
        cm_tool_error(store->tool,
                      "the directory has no account for %s below %s",
                      store->principal->text,
                      store->target->directory->base != NULL
                          ? store->target->directory->base
                          : "its base");
    return CM_EXIT_NO;
}

static void
write_log(void *context, enum cm_severity severity, const char *text)
{
    if (severity == CM_LOG_ERROR)
        cm_tool_error(context, "%s", text);
}

static enum cm_exit
find_account(struct cm_account_store *store, const struct cm_entry *kdb_entry)
{
    const struct cm_settings *settings = &store->target->settings;
    struct cm_directory_query query = {
        .lookup = {.principal = store->principal,
                   .dns_domain = settings->policy.dns_domain,
                   .now = store->now},
        .kdb_entry = kdb_entry,
        .timeout_ms = FIND_TIMEOUT_MS,
        .may_wait = true};
    struct cm_log log = {write_log, store->tool};
    struct cm_directory *directory =
        cm_directory_new(store->target->directory, &log);
    struct cm_accounts accounts = {0};
    struct cm_detail detail = {"out of memory"};
    enum cm_reason reason = CM_NO_MEMORY;
    enum cm_exit code;

    if (directory != NULL)
        reason = cm_directory_find(directory, &query, &accounts, &detail);
    if (reason == CM_OK) {
        code = take_account(store, &accounts);
    } else {
        cm_tool_error(store->tool, "%s: %s", cm_reason_token(reason),
                      detail.text);
        code =
            reason == CM_ACCOUNT_AMBIGUOUS ? CM_EXIT_NO : CM_EXIT_UNAVAILABLE;
    }
    cm_accounts_clear(&accounts);
    cm_directory_free(directory);
    return code;
}

/* Principals of several components are beyond some schemas. */
static bool
is_possible(struct cm_account_store *store)
{
    const struct cm_schema *schema = &store->target->directory->schema;

    if (is_kdb(store) || cm_schema_knows_principal(schema, store->principal))
        return true;
    cm_tool_error(store->tool,
                  "%s cannot be an account of the schema %s, which knows "
                  "names of one component",
                  store->principal->text,
                  cm_schema_preset_token(schema->preset));
    return false;
}

enum cm_exit
cm_account_store_reread(struct cm_account_store *store)
{
    struct cm_entry entry = {0};
    enum cm_exit code = CM_EXIT_YES;

    if (!is_possible(store))
        return CM_EXIT_NO;
    if (is_kdb(store))
        code = read_kdb(store, &entry);
    if (code == CM_EXIT_YES)
        code = find_account(store, is_kdb(store) ? &entry : NULL);
    cm_entry_clear(&entry);
    return code;
}

enum cm_exit
cm_account_store_open(struct cm_tool *tool, struct cm_target *target,
                      const struct cm_principal *principal, int64_t now,
                      struct cm_account_store *out)
{
    enum cm_exit code;

    memset(out, 0, sizeof(*out));
    out->tool = tool;
    out->target = target;
    out->principal = principal;
    out->now = now;
    code = cm_account_store_reread(out);
    if (code != CM_EXIT_YES)
        cm_account_store_close(out);
    return code;
}

void
cm_account_store_close(struct cm_account_store *store)
{
    cm_account_clear(&store->account);
    cm_kdb_account_clear(&store->kdb);
    cm_kdb_writer_close(store->writer);
    memset(store, 0, sizeof(*store));
}

/* ---- Others ---- */

struct row_search {
    struct cm_account_store *store;
    const struct cm_candidate *candidate;
    struct cm_edit_holders found;
    struct cm_progress progress;
    bool failed;
};

static bool
visit_row(void *context, const struct cm_kdb_row *row)
{
    struct row_search *search = context;
    struct cm_edit_holders *found = &search->found;

    cm_progress_step(&search->progress);
    if (!cm_edit_entry_holds(row->strings, kdb_attribute, search->candidate) ||
        strcmp(row->principal, search->store->principal->text) == 0)
        return true;
    if (found->names.count == CM_EDIT_MAX_HOLDERS) {
        found->more = true;
        return false;
    }
    search->failed = !cm_text_list_add(&found->names, row->principal);
    return !search->failed;
}

static bool
kdb_holders(struct cm_account_store *store,
            const struct cm_candidate *candidate, struct cm_edit_holders *out,
            struct cm_detail *detail)
{
    struct row_search search = {.store = store, .candidate = candidate};
    bool ok;

    cm_progress_begin(&search.progress, store->tool->err,
                      "principals looked at");
    ok = cm_host_each_principal(store->target->host, store->target->realm,
                                visit_row, &search, detail) &&
         !search.failed;
    cm_progress_end(&search.progress);
    if (ok)
        *out = search.found;
    else
        cm_edit_holders_clear(&search.found);
    return ok;
}

bool
cm_account_store_holders(struct cm_account_store *store,
                         const struct cm_candidate *candidate,
                         struct cm_edit_holders *out)
{
    struct cm_detail detail = {"out of memory"};
    bool ok;

    memset(out, 0, sizeof(*out));
    ok = is_kdb(store)
             ? kdb_holders(store, candidate, out, &detail)
             : cm_edit_find_holders(store->target->directory, candidate,
                                    store->account.id, out, &detail);
    if (!ok)
        cm_tool_error(store->tool, "who else holds the value is not known: %s",
                      detail.text);
    return ok;
}

/* ---- PRINCIPAL ---- */

bool
cm_account_principal(struct cm_options *options, const char *text,
                     struct cm_principal *out)
{
    struct cm_detail detail = {""};
    char *fallback = NULL;
    struct cm_host *host;
    bool ok = cm_principal_parse(text, options->realm, out);

    if (!ok && options->realm == NULL) {
        host = cm_host_open(options->kdc_conf, &detail);
        if (host != NULL)
            fallback = cm_host_default_realm(host);
        cm_host_close(host);
        ok = fallback != NULL && cm_principal_parse(text, fallback, out);
        free(fallback);
    }
    if (!ok) {
        cm_tool_error(options->tool,
                      "\"%s\" is not a principal: write NAME@REALM, or give "
                      "the realm with -r",
                      text);
        return false;
    }
    if (options->realm == NULL || strcmp(options->realm, out->realm) == 0) {
        options->realm = out->realm;
        return true;
    }
    cm_tool_error(options->tool, "%s is not of the realm %s given with -r",
                  out->text, options->realm);
    cm_principal_clear(out);
    return false;
}
