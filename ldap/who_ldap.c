/*
 * The question of who.h, asked of an LDAP server.
 */
#include "backend.h"
#include "ldap_search.h"
#include "who_parts.h"

static enum cm_ldap_search_end
take(struct cm_ldap_search *search, const struct cm_entry *entry,
     struct cm_detail *detail)
{
    search->reason =
        cm_who_take(search->who, &search->config->schema, entry, detail);
    return search->reason == CM_OK ? CM_LDAP_SEARCH_DONE
                                   : CM_LDAP_SEARCH_REFUSED;
}

/* Begins anew with each server that is asked. */
static void
begin(struct cm_who *who)
{
    const struct cm_who_question *question = who->question;

    cm_who_clear(who);
    who->question = question;
}

static enum cm_ldap_search_end
run(struct cm_ldap_search *search, struct cm_ldap_connection *connection,
    int64_t deadline, struct cm_detail *detail)
{
    const char *attributes[CM_SCHEMA_MAX_ATTRIBUTES];
    const struct cm_ldap_request request = {.base = search->config->base,
                                            .scope = LDAP_SCOPE_SUBTREE,
                                            .filter = search->filter,
                                            .attributes = attributes,
                                            .size_limit =
                                                CM_DIRECTORY_MAX_ENTRIES};
    enum cm_ldap_search_end end;
    LDAPMessage *final;
    int code;

    begin(search->who);
    cm_schema_attributes(&search->config->schema, attributes);
    end = cm_ldap_run_search(search, connection, &request, take, deadline,
                             &final, detail);
    if (end != CM_LDAP_SEARCH_DONE)
        return end;
    code = cm_ldap_result_code(connection, final, "search", detail);
    if (code == LDAP_SUCCESS)
        return CM_LDAP_SEARCH_DONE;
    if (code != LDAP_SIZELIMIT_EXCEEDED)
        return CM_LDAP_SEARCH_FAILED;
    cm_detail_set(detail, "more than %d accounts are meant",
                  CM_DIRECTORY_MAX_ENTRIES);
    search->reason = CM_ACCOUNT_AMBIGUOUS;
    return CM_LDAP_SEARCH_REFUSED;
}

enum cm_reason
cm_ldap_who(struct cm_ldap *ldap, struct cm_who *who, struct cm_detail *detail)
{
    const struct cm_directory_config *config = cm_ldap_config(ldap);
    struct cm_ldap_search search = {.run = run, .config = config, .who = who};
    struct cm_buf filter = CM_BUF_INIT;
    enum cm_reason reason = CM_NO_MEMORY;

    if (cm_who_filter(&config->schema, who->question, &filter)) {
        search.filter = filter.data;
        reason = cm_ldap_ask(ldap, &search, who->question->timeout_ms, detail);
    }
    cm_buf_clear(&filter);
    return reason;
}
