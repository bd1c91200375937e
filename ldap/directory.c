#include "directory.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend.h"
#include "text.h"
#include "who_parts.h"

struct cm_directory {
    const struct cm_directory_config *config;
    struct cm_ldap *ldap; /* the one that config->kind names, or none */
    struct cm_ldif *ldif;
};

int64_t
cm_backend_now_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* always there on Linux */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum cm_reason
cm_accounts_collect(const struct cm_schema *schema,
                    const struct cm_lookup *lookup,
                    const struct cm_entry *entry, struct cm_accounts *out,
                    struct cm_detail *detail)
{
    struct cm_account account, *list;
    bool relevant;
    enum cm_reason reason =
        cm_schema_account(schema, lookup, entry, &account, &relevant, detail);

    if (reason != CM_OK || !relevant)
        return reason;
    if (out->count == CM_DIRECTORY_MAX_ENTRIES) {
        cm_detail_set(detail, "more than %d accounts match",
                      CM_DIRECTORY_MAX_ENTRIES);
        reason = CM_ACCOUNT_AMBIGUOUS;
    } else {
        list = reallocarray(out->list, out->count + 1, sizeof(*list));
        if (list == NULL) {
            reason = CM_NO_MEMORY;
        } else {
            out->list = list;
            list[out->count++] = account;
            return CM_OK;
        }
    }
    cm_account_clear(&account);
    return reason;
}

const char *
cm_attribute_wanted(const char *const *wanted, const char *name, size_t len)
{
    for (; *wanted != NULL; wanted++) {
        if (strlen(*wanted) == len && cm_text_equal_fold_n(*wanted, name, len))
            return *wanted;
    }
    return NULL;
}

bool
cm_walk_visit(struct cm_walk *walk, const struct cm_entry *entry)
{
    if (walk->seen == walk->limit) {
        walk->truncated = true;
        return false;
    }
    walk->seen++;
    walk->stopped = !walk->visit(walk->context, entry);
    return !walk->stopped;
}

struct cm_directory *
cm_directory_new(const struct cm_directory_config *config,
                 const struct cm_log *log)
{
    struct cm_directory *directory = calloc(1, sizeof(*directory));
    bool ok = false;

    if (directory == NULL)
        return NULL;
    directory->config = config;
    switch (config->kind) {
    case CM_DIRECTORY_KDB:
        ok = true;
        break;
    case CM_DIRECTORY_LDAP:
        directory->ldap = cm_ldap_new(config, log);
        ok = directory->ldap != NULL;
        break;
    case CM_DIRECTORY_LDIF:
        directory->ldif = cm_ldif_new(config, log);
        ok = directory->ldif != NULL;
        break;
    }
    if (ok)
        return directory;
    free(directory);
    return NULL;
}

void
cm_directory_free(struct cm_directory *directory)
{
    if (directory == NULL)
        return;
    cm_ldap_free(directory->ldap);
    cm_ldif_free(directory->ldif);
    free(directory);
}

void
cm_directory_share_health(struct cm_directory *directory,
                          struct cm_directory_health *health)
{
    if (directory->ldap != NULL)
        cm_ldap_share_health(directory->ldap, health);
}

static enum cm_reason
find(struct cm_directory *directory, const struct cm_directory_query *query,
     struct cm_accounts *out, struct cm_detail *detail)
{
    switch (directory->config->kind) {
    case CM_DIRECTORY_KDB:
        return cm_kdb_find(query, out, detail);
    case CM_DIRECTORY_LDAP:
        return cm_ldap_find(directory->ldap, query, out, detail);
    case CM_DIRECTORY_LDIF:
        return cm_ldif_find(directory->ldif, query, out, detail);
    }
    return CM_INTERNAL;
}

enum cm_reason
cm_directory_find(struct cm_directory *directory,
                  const struct cm_directory_query *query,
                  struct cm_accounts *out, struct cm_detail *detail)
{
    const struct cm_directory_config *config = directory->config;
    enum cm_reason reason;

    memset(out, 0, sizeof(*out));
    if (config->kind != CM_DIRECTORY_KDB &&
        !cm_schema_knows_principal(&config->schema, query->lookup.principal)) {
        cm_detail_set(detail, "schema %s knows no principals like %s",
                      cm_schema_preset_token(config->schema.preset),
                      query->lookup.principal->text);
        return CM_OK;
    }
    reason = find(directory, query, out, detail);
    if (reason != CM_OK)
        cm_accounts_clear(out);
    return reason;
}

enum cm_reason
cm_directory_ask_who(struct cm_directory *directory, struct cm_who *who,
                     struct cm_detail *detail)
{
    switch (directory->config->kind) {
    case CM_DIRECTORY_KDB:
        cm_detail_set(detail, "directory = kdb finds accounts by their "
                              "principal only");
        return CM_OK;
    case CM_DIRECTORY_LDAP:
        return cm_ldap_who(directory->ldap, who, detail);
    case CM_DIRECTORY_LDIF:
        return cm_ldif_who(directory->ldif, who, detail);
    }
    return CM_INTERNAL;
}

enum cm_reason
cm_directory_probe(struct cm_directory *directory, int timeout_ms,
                   struct cm_detail *detail)
{
    switch (directory->config->kind) {
    case CM_DIRECTORY_KDB:
        return CM_OK;
    case CM_DIRECTORY_LDAP:
        return cm_ldap_probe(directory->ldap, timeout_ms, detail);
    case CM_DIRECTORY_LDIF:
        return cm_ldif_probe(directory->ldif, detail);
    }
    return CM_INTERNAL;
}

enum cm_reason
cm_directory_each_mapped(
    struct cm_directory *directory, size_t limit, int timeout_ms,
    bool (*visit)(void *context, const struct cm_entry *entry), void *context,
    bool *truncated, struct cm_detail *detail)
{
    struct cm_walk walk = {.limit = limit,
                           .timeout_ms = timeout_ms,
                           .visit = visit,
                           .context = context};
    enum cm_reason reason = CM_INTERNAL;

    switch (directory->config->kind) {
    case CM_DIRECTORY_KDB:
        reason = CM_OK;
        break;
    case CM_DIRECTORY_LDAP:
        reason = cm_ldap_walk(directory->ldap, &walk, detail);
        break;
    case CM_DIRECTORY_LDIF:
        reason = cm_ldif_walk(directory->ldif, &walk, detail);
        break;
    }
    *truncated = walk.truncated;
    return reason;
}
