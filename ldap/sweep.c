#include "sweep.h"

#include <string.h>

#include "ldap_search.h"

struct cm_sweep_state {
    struct cm_sweep *sweep;
    struct cm_ldap_connection *connection;
    bool stopped;
};

static enum cm_ldap_search_end
take_entry(struct cm_ldap_search *search, const struct cm_entry *entry,
           struct cm_detail *detail)
{
    struct cm_sweep_state *state = search->sweep;

    (void)detail;
    /* A limit on one entry, not on what a server without pages sends. */
    state->connection->wire.allowance = CM_LDAP_MAX_ANSWER;
    state->sweep->seen++;
    if (state->sweep->visit(state->sweep->context, entry))
        return CM_LDAP_SEARCH_DONE;
    state->stopped = true;
    return CM_LDAP_SEARCH_REFUSED;
}

/* Are there more entries behind this result? */
static bool
is_limit(int code)
{
    return code == LDAP_SIZELIMIT_EXCEEDED ||
           code == LDAP_TIMELIMIT_EXCEEDED || code == LDAP_ADMINLIMIT_EXCEEDED;
}

static enum cm_sweep_end
judge_page(const struct cm_sweep_state *state, enum cm_ldap_search_end end,
           int code, struct cm_detail *detail)
{
    struct cm_detail words;

    if (state->stopped)
        return CM_SWEEP_STOPPED;
    if (end == CM_LDAP_SEARCH_DONE && is_limit(code)) {
        words = *detail;
        cm_detail_set(detail,
                      "%.300s: the server gives this bind name %zu entries "
                      "and no more; raise its limits",
                      words.text, state->sweep->seen);
        return CM_SWEEP_TRUNCATED;
    }
    return end == CM_LDAP_SEARCH_DONE && code == LDAP_SUCCESS
               ? CM_SWEEP_WHOLE
               : CM_SWEEP_FAILED;
}

static enum cm_sweep_end
run_pages(struct cm_ldap_search *search, struct cm_ldap_request *request,
          struct cm_ldap_connection *connection, struct cm_detail *detail)
{
    struct cm_sweep *sweep = search->sweep->sweep;
    int page_ms = sweep->page_ms > 0 ? sweep->page_ms : CM_SWEEP_PAGE_MS;
    struct berval cookie = {0, NULL};
    enum cm_ldap_search_end end;
    enum cm_sweep_end result;
    size_t before, empty = 0;
    int code;

    do {
        before = sweep->seen;
        code = LDAP_OTHER;
        end = cm_ldap_run_page(search, connection, request, take_entry,
                               cm_backend_now_ms() + page_ms, &cookie, &code,
                               detail);
        result = judge_page(search->sweep, end, code, detail);
        empty = sweep->seen > before ? 0 : empty + 1;
        if (result == CM_SWEEP_WHOLE && empty > CM_SWEEP_MAX_EMPTY) {
            cm_detail_set(detail, "the server sends empty pages without end");
            result = CM_SWEEP_FAILED;
        }
    } while (result == CM_SWEEP_WHOLE && cookie.bv_len > 0);
    ber_memfree(cookie.bv_val);
    return result;
}

/* RFC 4511 section 4.5.1.8: asks for no attribute at all. */
static const char *const no_attributes[] = {LDAP_NO_ATTRS, NULL};

static bool
is_too_many(const char *const *attributes)
{
    size_t count = 0;

    while (attributes != NULL && attributes[count] != NULL)
        count++;
    return count > CM_SWEEP_MAX_ATTRIBUTES;
}

enum cm_sweep_end
cm_sweep(const struct cm_directory_config *config, struct cm_sweep *sweep,
         struct cm_detail *detail)
{
    struct cm_ldap_connection connection;
    struct cm_sweep_state state = {.sweep = sweep, .connection = &connection};
    struct cm_ldap_search search = {.config = config, .sweep = &state};
    struct cm_ldap_request request = {
        .base = sweep->base != NULL ? sweep->base : config->base,
        .scope = sweep->base_only ? LDAP_SCOPE_BASE : LDAP_SCOPE_SUBTREE,
        .filter = sweep->filter != NULL ? sweep->filter : "(objectClass=*)",
        .attributes = sweep->attributes != NULL && sweep->attributes[0] != NULL
                          ? sweep->attributes
                          : no_attributes};
    enum cm_sweep_end end;

    sweep->seen = 0;
    if (is_too_many(sweep->attributes)) {
        cm_detail_set(detail, "more attributes than a sweep asks for");
        return CM_SWEEP_FAILED;
    }
    if (!cm_ldap_open_first(&connection, config, CM_SWEEP_PAGE_MS, detail))
        return CM_SWEEP_FAILED;
    end = run_pages(&search, &request, &connection, detail);
    cm_ldap_close(&connection);
    return end;
}
