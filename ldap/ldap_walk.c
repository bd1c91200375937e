#include "ldap_search.h"

#include <string.h>

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

/* The cookie of the next page; empty: there is none.  Frees the message. */
static enum cm_ldap_search_end
end_of_page(struct cm_ldap_connection *connection, LDAPMessage *final,
            struct berval *cookie, struct cm_detail *detail)
{
    LDAPControl **controls = NULL, *page;
    ber_int_t estimate;
    int code = LDAP_SUCCESS;

    ber_memfree(cookie->bv_val);
    memset(cookie, 0, sizeof(*cookie));
    if (ldap_parse_result(connection->handle, final, NULL, NULL, NULL, NULL,
                          &controls, 0) != LDAP_SUCCESS) {
        ldap_msgfree(final);
        cm_detail_set(detail, "search: the answer cannot be decoded");
        return CM_LDAP_SEARCH_FAILED;
    }
    page = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
    if (page != NULL)
        code = ldap_parse_pageresponse_control(connection->handle, page,
                                               &estimate, cookie);
    ldap_controls_free(controls);
    if (code != LDAP_SUCCESS) {
        ldap_msgfree(final);
        cm_detail_set(detail, "search: the page control cannot be decoded");
        return CM_LDAP_SEARCH_FAILED;
    }
    return cm_ldap_result_code(connection, final, "search", detail) ==
                   LDAP_SUCCESS
               ? CM_LDAP_SEARCH_DONE
               : CM_LDAP_SEARCH_FAILED;
}

static enum cm_ldap_search_end
run_page(struct cm_ldap_search *search, struct cm_ldap_connection *connection,
         const char *filter, struct berval *cookie, int64_t deadline,
         struct cm_detail *detail)
{
    const char *attributes[CM_SCHEMA_MAX_ATTRIBUTES];
    LDAPControl *controls[2] = {NULL, NULL};
    const struct cm_ldap_request request = {.base = search->config->base,
                                            .scope = LDAP_SCOPE_SUBTREE,
                                            .filter = filter,
                                            .attributes = attributes,
                                            .controls = controls};
    enum cm_ldap_search_end end;
    LDAPMessage *final;

    cm_schema_attributes(&search->config->schema, attributes);
    /* Not critical: a server without pages sends everything at once. */
    if (ldap_create_page_control(connection->handle, CM_LDAP_PAGE, cookie, 0,
                                 &controls[0]) != LDAP_SUCCESS) {
        cm_detail_set(detail, "out of memory");
        return CM_LDAP_SEARCH_FAILED;
    }
    end = cm_ldap_run_search(search, connection, &request, take_mapped,
                             deadline, &final, detail);
    ldap_control_free(controls[0]);
    return end == CM_LDAP_SEARCH_DONE
               ? end_of_page(connection, final, cookie, detail)
               : end;
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
