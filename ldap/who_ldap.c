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
    begin(search->who);
    return cm_ldap_run_bounded(search, connection, take, "accounts are meant",
                               deadline, detail);
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
