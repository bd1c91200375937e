/*
 * ldap: a list of servers, one kept connection, one query a login.
 *
 * Servers are tried in the order of the configuration.  Each gets its share
 * of the time that is left, so that one that hangs leaves time for the next;
 * one that failed is left alone for a while, as health.h says.
 */
#include "backend.h"

#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "health.h"
#include "ldap_connection.h"
#include "ldap_search.h"
#include "text.h"

struct server {
    const char *uri;
    bool tried; /* in this call */
    struct cm_resolve *pending;
};

struct cm_ldap {
    const struct cm_directory_config *config;
    const struct cm_log *log;
    pid_t pid;
    struct cm_directory_health *health; /* own_health, or a shared one */
    struct cm_directory_health *own_health;
    bool all_out; /* in this call: every server is known to fail */
    struct server servers[CM_DIRECTORY_MAX_URIS];
    size_t count;
    size_t current; /* whose connection it is */
    struct cm_ldap_connection connection;
};

struct cm_ldap *
cm_ldap_new(const struct cm_directory_config *config, const struct cm_log *log)
{
    struct cm_ldap *ldap = calloc(1, sizeof(*ldap));

    if (ldap == NULL)
        return NULL;
    ldap->config = config;
    ldap->log = log;
    ldap->pid = getpid();
    for (size_t i = 0; i < config->uri_count; i++)
        ldap->servers[ldap->count++].uri = config->uris[i];
    ldap->own_health = cm_directory_health_new(ldap->count);
    ldap->health = ldap->own_health;
    if (ldap->health != NULL)
        return ldap;
    free(ldap);
    return NULL;
}

const struct cm_directory_config *
cm_ldap_config(const struct cm_ldap *ldap)
{
    return ldap->config;
}

void
cm_ldap_share_health(struct cm_ldap *ldap, struct cm_directory_health *health)
{
    ldap->health = health;
}

/*
 * After a fork: the parent's connection is its own, and so are its questions
 * to the resolver, whose thread was not copied (they are left behind).
 */
static void
notice_fork(struct cm_ldap *ldap)
{
    if (ldap->pid == getpid())
        return;
    cm_ldap_close(&ldap->connection);
    for (size_t i = 0; i < ldap->count; i++)
        ldap->servers[i].pending = NULL;
    ldap->pid = getpid();
}

void
cm_ldap_free(struct cm_ldap *ldap)
{
    if (ldap == NULL)
        return;
    notice_fork(ldap);
    cm_ldap_close(&ldap->connection);
    for (size_t i = 0; i < ldap->count; i++)
        cm_resolve_forget(ldap->servers[i].pending);
    cm_directory_health_free(ldap->own_health);
    free(ldap);
}

/* A log line about a server; text of others is escaped. */
static void
report(const struct cm_ldap *ldap, enum cm_severity severity, const char *uri,
       const char *text)
{
    struct cm_buf line = CM_BUF_INIT;

    cm_buf_add_text(&line, "directory ");
    cm_text_escape(&line, uri, strlen(uri), CM_DETAIL_SIZE);
    cm_buf_add_text(&line, ": ");
    cm_text_escape(&line, text, strlen(text), CM_DETAIL_SIZE);
    if (!line.failed)
        cm_log_write(ldap->log, severity, "%s", line.data);
    cm_buf_clear(&line);
}

/* start and deadline are those of the try. */
static void
note_failure(struct cm_ldap *ldap, size_t index, int64_t start,
             int64_t deadline, const struct cm_detail *why)
{
    int64_t now = cm_backend_now_ms();

    cm_ldap_close(&ldap->connection);
    if (now >= deadline && deadline - start < CM_HEALTH_FAIR_MS)
        return;
    if (cm_health_failed(ldap->health, index, now))
        report(ldap, CM_LOG_WARNING, ldap->servers[index].uri, why->text);
}

static void
note_success(struct cm_ldap *ldap, size_t index)
{
    if (cm_health_worked(ldap->health, index))
        report(ldap, CM_LOG_INFO, ldap->servers[index].uri, "answers again");
}

/* It answers, but not this question: another may be answered. */
static void
note_useless(struct cm_ldap *ldap, size_t index, const struct cm_detail *why)
{
    cm_ldap_close(&ldap->connection);
    note_success(ldap, index);
    report(ldap, CM_LOG_WARNING, ldap->servers[index].uri, why->text);
}

/*
 * Which servers this call may try; the others count as tried.  False: all
 * have failed, and nobody is to wait for them now.
 */
static bool
choose_servers(struct cm_ldap *ldap)
{
    int64_t now = cm_backend_now_ms();

    ldap->all_out = true;
    for (size_t i = 0; i < ldap->count; i++) {
        ldap->servers[i].tried = !cm_health_is_due(ldap->health, i, now);
        ldap->all_out = ldap->all_out && ldap->servers[i].tried;
    }
    if (!ldap->all_out)
        return true;
    for (size_t i = 0; i < ldap->count; i++)
        ldap->servers[i].tried = false;
    return ldap->health == ldap->own_health ||
           cm_health_may_try_all(ldap->health, now);
}

/* Another thread may have begun to try it since. */
static bool
may_try(struct cm_ldap *ldap, size_t index)
{
    return ldap->all_out ||
           cm_health_may_try(ldap->health, index, cm_backend_now_ms());
}

/* The next server to try, the connected one first; count: none is left. */
static size_t
next_server(const struct cm_ldap *ldap)
{
    size_t i;

    if (ldap->connection.handle != NULL && !ldap->servers[ldap->current].tried)
        return ldap->current;
    for (i = 0; i < ldap->count && ldap->servers[i].tried; i++)
        continue;
    return i;
}

/* A server's share of the time that is left. */
static int64_t
share_of(const struct cm_ldap *ldap, int64_t deadline)
{
    int64_t now = cm_backend_now_ms(), untried = 0;

    for (size_t i = 0; i < ldap->count; i++)
        untried += ldap->servers[i].tried ? 0 : 1;
    return now + (deadline - now) / (untried > 0 ? untried : 1);
}

static enum cm_ldap_search_end
try_once(struct cm_ldap *ldap, struct server *server, int64_t deadline,
         struct cm_ldap_search *search, struct cm_detail *detail)
{
    if (ldap->connection.handle == NULL &&
        !cm_ldap_open(&ldap->connection, ldap->config, server->uri,
                      &server->pending, deadline, detail))
        return CM_LDAP_SEARCH_FAILED;
    return search->run(search, &ldap->connection, deadline, detail);
}

/*
 * One server.  A kept connection that turns out dead (the server restarted)
 * is replaced once, within the same time.
 */
static enum cm_ldap_search_end
try_server(struct cm_ldap *ldap, size_t index, int64_t deadline,
           struct cm_ldap_search *search, struct cm_detail *detail)
{
    struct server *server = &ldap->servers[index];
    bool kept = ldap->connection.handle != NULL && ldap->current == index;
    int64_t start = cm_backend_now_ms();
    enum cm_ldap_search_end end;

    if (!kept)
        cm_ldap_close(&ldap->connection);
    ldap->current = index;
    end = try_once(ldap, server, deadline, search, detail);
    if (end == CM_LDAP_SEARCH_LOST && kept) {
        cm_ldap_close(&ldap->connection);
        end = try_once(ldap, server, deadline, search, detail);
    }
    switch (end) {
    case CM_LDAP_SEARCH_DONE:
        note_success(ldap, index);
        break;
    case CM_LDAP_SEARCH_REFUSED:
        /* The server may still be talking. */
        cm_ldap_close(&ldap->connection);
        note_success(ldap, index);
        break;
    case CM_LDAP_SEARCH_USELESS:
        note_useless(ldap, index, detail);
        break;
    case CM_LDAP_SEARCH_LOST:
    case CM_LDAP_SEARCH_FAILED:
        note_failure(ldap, index, start, deadline, detail);
        break;
    }
    return end;
}

/*
 * Asks one server after another until one answers.  *uri is the one that was
 * asked last; why, what it said.
 */
static enum cm_ldap_search_end
ask_in_turn(struct cm_ldap *ldap, struct cm_ldap_search *search,
            int64_t deadline, const char **uri, struct cm_detail *why)
{
    enum cm_ldap_search_end end = CM_LDAP_SEARCH_FAILED;
    size_t i;

    while ((i = next_server(ldap)) < ldap->count &&
           cm_backend_now_ms() < deadline) {
        if (may_try(ldap, i)) {
            *uri = ldap->servers[i].uri;
            search->reason = CM_DIRECTORY_UNAVAILABLE;
            end = try_server(ldap, i, share_of(ldap, deadline), search, why);
        }
        ldap->servers[i].tried = true;
        if (end == CM_LDAP_SEARCH_DONE || end == CM_LDAP_SEARCH_REFUSED)
            break;
    }
    return end;
}

enum cm_reason
cm_ldap_ask(struct cm_ldap *ldap, struct cm_ldap_search *search,
            int timeout_ms, struct cm_detail *detail)
{
    int64_t start = cm_backend_now_ms(), now;
    struct cm_detail why = {"no server could be asked"};
    enum cm_ldap_search_end end;
    const char *uri = "";

    notice_fork(ldap);
    if (!choose_servers(ldap)) {
        cm_detail_set(detail, "every server failed lately; none is asked "
                              "again just now");
        return CM_DIRECTORY_UNAVAILABLE;
    }
    end = ask_in_turn(ldap, search, start + timeout_ms, &uri, &why);
    if (end == CM_LDAP_SEARCH_DONE)
        return CM_OK;
    cm_detail_set(detail, "%s%s%s", uri, *uri != '\0' ? ": " : "", why.text);
    if (end == CM_LDAP_SEARCH_REFUSED)
        return search->reason;
    now = cm_backend_now_ms();
    if (*uri != '\0')
        cm_health_none_worked(ldap->health, now, now - start);
    return CM_DIRECTORY_UNAVAILABLE;
}

enum cm_reason
cm_ldap_find(struct cm_ldap *ldap, const struct cm_directory_query *query,
             struct cm_accounts *out, struct cm_detail *detail)
{
    struct cm_ldap_search search = {.run = cm_ldap_search_accounts,
                                    .config = ldap->config,
                                    .lookup = &query->lookup,
                                    .accounts = out};
    struct cm_buf filter = CM_BUF_INIT;
    enum cm_reason reason;

    if (!query->may_wait) {
        cm_detail_set(detail, "certauth_wait does not allow to wait for the "
                              "directory");
        return CM_DIRECTORY_UNAVAILABLE;
    }
    if (!cm_schema_filter(&ldap->config->schema, &query->lookup, &filter)) {
        cm_buf_clear(&filter);
        return CM_NO_MEMORY;
    }
    search.filter = filter.data;
    reason = cm_ldap_ask(ldap, &search, query->timeout_ms, detail);
    cm_buf_clear(&filter);
    return reason;
}

enum cm_reason
cm_ldap_probe(struct cm_ldap *ldap, int timeout_ms, struct cm_detail *detail)
{
    struct cm_ldap_search search = {.run = cm_ldap_search_base,
                                    .config = ldap->config};

    return cm_ldap_ask(ldap, &search, timeout_ms, detail);
}

enum cm_reason
cm_ldap_walk(struct cm_ldap *ldap, struct cm_walk *walk,
             struct cm_detail *detail)
{
    struct cm_ldap_search search = {
        .run = cm_ldap_search_mapped, .config = ldap->config, .walk = walk};

    return cm_ldap_ask(ldap, &search, walk->timeout_ms, detail);
}
