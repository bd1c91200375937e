/*
 * ldap: a list of servers, one kept connection, one query a login.
 *
 * Servers are tried in the order of the configuration.  Each gets its share
 * of the time that is left, so that one that hangs leaves time for the next;
 * one that failed is left alone for a while, unless all did.
 */
#include "backend.h"

#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "ldap_connection.h"
#include "ldap_search.h"
#include "text.h"

struct server {
    const char *uri;
    int64_t skip_until; /* cm_backend_now_ms(); 0: it works, as far as known */
    bool tried;         /* in this call */
    struct cm_resolve *pending;
};

struct cm_ldap {
    const struct cm_directory_config *config;
    const struct cm_log *log;
    pid_t pid;
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
    return ldap;
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

static void
note_failure(struct cm_ldap *ldap, struct server *server,
             const struct cm_detail *why)
{
    cm_ldap_close(&ldap->connection);
    server->skip_until = cm_backend_now_ms() + CM_LDAP_SKIP_MS;
    report(ldap, CM_LOG_WARNING, server->uri, why->text);
}

static void
note_success(struct cm_ldap *ldap, struct server *server)
{
    if (server->skip_until != 0)
        report(ldap, CM_LOG_INFO, server->uri, "answers again");
    server->skip_until = 0;
}

static bool
is_skipped(const struct server *server, int64_t now)
{
    return server->skip_until > now;
}

/*
 * Which servers this call may try: those that are not skipped, or all where
 * all are.  The others count as tried.
 */
static void
choose_servers(struct cm_ldap *ldap)
{
    int64_t now = cm_backend_now_ms();
    bool all = true;

    for (size_t i = 0; i < ldap->count; i++)
        all = all && is_skipped(&ldap->servers[i], now);
    for (size_t i = 0; i < ldap->count; i++)
        ldap->servers[i].tried = !all && is_skipped(&ldap->servers[i], now);
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
        note_success(ldap, server);
        break;
    case CM_LDAP_SEARCH_REFUSED:
        /* The server may still be talking. */
        cm_ldap_close(&ldap->connection);
        break;
    case CM_LDAP_SEARCH_LOST:
    case CM_LDAP_SEARCH_FAILED:
        note_failure(ldap, server, detail);
        break;
    }
    return end;
}

enum cm_reason
cm_ldap_ask(struct cm_ldap *ldap, struct cm_ldap_search *search,
            int timeout_ms, struct cm_detail *detail)
{
    int64_t deadline = cm_backend_now_ms() + timeout_ms;
    struct cm_detail why = {"no server could be asked"};
    enum cm_ldap_search_end end;
    const char *uri = "";
    size_t i;

    notice_fork(ldap);
    choose_servers(ldap);
    while ((i = next_server(ldap)) < ldap->count &&
           cm_backend_now_ms() < deadline) {
        uri = ldap->servers[i].uri;
        search->reason = CM_DIRECTORY_UNAVAILABLE;
        end = try_server(ldap, i, share_of(ldap, deadline), search, &why);
        ldap->servers[i].tried = true;
        if (end == CM_LDAP_SEARCH_DONE)
            return CM_OK;
        if (end == CM_LDAP_SEARCH_REFUSED) {
            cm_detail_set(detail, "%s: %s", uri, why.text);
            return search->reason;
        }
    }
    cm_detail_set(detail, "%s%s%s", uri, *uri != '\0' ? ": " : "", why.text);
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
