#include "ldap_search.h"

static enum cm_ldap_search_end
take_mapped(struct cm_ldap_search *search, const struct cm_entry *entry,
            struct cm_detail *detail)
{
    (void)detail;
    if (cm_entry_get(entry, search->config->schema.mappings) == NULL ||
        cm_walk_visit(search->walk, entry))
        return CM_LDAP_SEARCH_DONE;
    search->reason = CM_OK; /* an end that was asked for */
    return CM_LDAP_SEARCH_REFUSED;
}

static enum cm_ldap_search_end
run_page(struct cm_ldap_search *search, struct cm_ldap_connection *connection,
         const char *filter, struct berval *cookie, int64_t deadline,
         struct cm_detail *detail)
{
    const char *attributes[CM_SCHEMA_MAX_ATTRIBUTES];
    struct cm_ldap_request request = {.base = search->config->base,
                                      .scope = LDAP_SCOPE_SUBTREE,
                                      .filter = filter,
                                      .attributes = attributes};
    enum cm_ldap_search_end end;
    int code = LDAP_OTHER;

    cm_schema_attributes(&search->config->schema, attributes);
    end = cm_ldap_run_page(search, connection, &request, take_mapped, deadline,
                           cookie, &code, detail);
    if (end != CM_LDAP_SEARCH_DONE)
        return end;
    return code == LDAP_SUCCESS ? CM_LDAP_SEARCH_DONE : CM_LDAP_SEARCH_FAILED;
}

enum cm_ldap_search_end
cm_ldap_search_mapped(struct cm_ldap_search *search,
                      struct cm_ldap_connection *connection, int64_t deadline,
                      struct cm_detail *detail)
{
    const struct cm_schema *schema = &search->config->schema;
    enum cm_ldap_search_end end;
    struct cm_buf filter = CM_BUF_INIT;
    struct berval cookie = {0, NULL};

    /* Accounts that were visited must not be visited again. */
    if (search->walk->seen > 0) {
        search->reason = CM_DIRECTORY_UNAVAILABLE;
        return CM_LDAP_SEARCH_REFUSED;
    }
    cm_buf_add_text(&filter, "(&");
    if (schema->object_filter != NULL)
        cm_buf_add_text(&filter, schema->object_filter);
    cm_buf_add_char(&filter, '(');
    cm_buf_add_text(&filter, schema->mappings);
    cm_buf_add_text(&filter, "=*))");
    if (filter.failed) {
        cm_buf_clear(&filter);
        return CM_LDAP_SEARCH_FAILED;
    }
    do {
        end = run_page(search, connection, filter.data, &cookie, deadline,
                       detail);
    } while (end == CM_LDAP_SEARCH_DONE && cookie.bv_len > 0);
    ber_memfree(cookie.bv_val);
    cm_buf_clear(&filter);
    return end;
}
