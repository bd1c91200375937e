#include "ldap_search.h"

#include <string.h>

/* The cookie of the next page, and the result.  Frees the message. */
static enum cm_ldap_search_end
end_of_page(struct cm_ldap_connection *connection, LDAPMessage *final,
            struct berval *cookie, int *code, struct cm_detail *detail)
{
    LDAPControl **controls = NULL, *page;
    ber_int_t estimate;
    int parsed = LDAP_SUCCESS;

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
        parsed = ldap_parse_pageresponse_control(connection->handle, page,
                                                 &estimate, cookie);
    ldap_controls_free(controls);
    if (parsed != LDAP_SUCCESS) {
        ldap_msgfree(final);
        cm_detail_set(detail, "search: the page control cannot be decoded");
        return CM_LDAP_SEARCH_FAILED;
    }
    *code = cm_ldap_result_code(connection, final, "search", detail);
    return *code < 0 ? CM_LDAP_SEARCH_FAILED : CM_LDAP_SEARCH_DONE;
}

enum cm_ldap_search_end
cm_ldap_run_page(struct cm_ldap_search *search,
                 struct cm_ldap_connection *connection,
                 struct cm_ldap_request *request, cm_ldap_take_entry *take,
                 int64_t deadline, struct berval *cookie, int *code,
                 struct cm_detail *detail)
{
    LDAPControl *controls[2] = {NULL, NULL};
    enum cm_ldap_search_end end;
    LDAPMessage *final;

    if (ldap_create_page_control(connection->handle, CM_LDAP_PAGE, cookie, 0,
                                 &controls[0]) != LDAP_SUCCESS) {
        cm_detail_set(detail, "out of memory");
        return CM_LDAP_SEARCH_FAILED;
    }
    request->controls = controls;
    end = cm_ldap_run_search(search, connection, request, take, deadline,
                             &final, detail);
    request->controls = NULL;
    ldap_control_free(controls[0]);
    return end == CM_LDAP_SEARCH_DONE
               ? end_of_page(connection, final, cookie, code, detail)
               : end;
}
