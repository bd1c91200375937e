#include "ldap_search.h"

#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "text.h"

static enum cm_ldap_search_end
send_search(struct cm_ldap_connection *connection,
            const struct cm_ldap_request *request, int64_t deadline,
            int *message_id, struct cm_detail *detail)
{
    int64_t left = deadline - cm_backend_now_ms();
    struct timeval limit = {.tv_sec = (time_t)(left / 1000 + 1)};
    char *attributes[CM_SCHEMA_MAX_ATTRIBUTES];
    int code;
    size_t i;

    if (left <= 0) {
        cm_detail_set(detail, "no time left");
        return CM_LDAP_SEARCH_FAILED;
    }
    /* libldap takes the list without const, and leaves it alone. */
    for (i = 0; request->attributes[i] != NULL; i++) {
        union {
            const char *in;
            char *out;
        } name = {request->attributes[i]};

        attributes[i] = name.out;
    }
    attributes[i] = NULL;
    cm_ldap_begin(connection, deadline);
    code = ldap_search_ext(connection->handle, request->base, request->scope,
                           request->filter, attributes, 0, request->controls,
                           NULL, &limit, request->size_limit, message_id);
    if (code == LDAP_SUCCESS)
        return CM_LDAP_SEARCH_DONE;
    cm_detail_set(detail, "search: %s", ldap_err2string(code));
    return code == LDAP_SERVER_DOWN ? CM_LDAP_SEARCH_LOST
                                    : CM_LDAP_SEARCH_FAILED;
}

/*
 * Active Directory gives more than 1500 values in ranges ("name;range=0-1499")
 * and the first range alone would look like another attribute.
 */
static bool
is_range_of(const char *const *wanted, const struct berval *name)
{
    static const char option[] = ";range=";
    const char *semicolon = memchr(name->bv_val, ';', name->bv_len);
    size_t len;

    if (semicolon == NULL)
        return false;
    len = (size_t)(semicolon - name->bv_val);
    return name->bv_len - len >= strlen(option) &&
           cm_text_equal_fold_n(semicolon, option, strlen(option)) &&
           cm_attribute_wanted(wanted, name->bv_val, len) != NULL;
}

/*
 * Asked for userCertificate and userCertificate;binary, 389-DS gives the
 * second twice: as itself, and as a subtype of the first (RFC 4512 section
 * 2.5.2).  The same values in the same order are no more values.
 */
static bool
is_repeated(const struct cm_attribute *before, const struct berval *values)
{
    size_t i = 0;

    if (before == NULL || values == NULL)
        return false;
    for (; i < before->count && values[i].bv_val != NULL; i++) {
        if (values[i].bv_len != before->values[i].len ||
            memcmp(values[i].bv_val, before->values[i].data,
                   values[i].bv_len) != 0)
            return false;
    }
    return i == before->count && values[i].bv_val == NULL;
}

static enum cm_ldap_search_end
copy_values(const char *const *wanted, const struct berval *name,
            const struct berval *values, struct cm_entry *out,
            struct cm_detail *detail)
{
    const char *own = cm_attribute_wanted(wanted, name->bv_val, name->bv_len);

    if (is_range_of(wanted, name)) {
        cm_detail_set(detail,
                      "%s: the server gives some of %.*s only; let it give "
                      "all values at once",
                      out->dn, (int)name->bv_len, name->bv_val);
        return CM_LDAP_SEARCH_USELESS;
    }
    if (own != NULL && is_repeated(cm_entry_get(out, own), values))
        return CM_LDAP_SEARCH_DONE;
    for (; own != NULL && values != NULL && values->bv_val != NULL; values++) {
        if (!cm_entry_add(out, own, values->bv_val, values->bv_len)) {
            cm_detail_set(detail, "out of memory");
            return CM_LDAP_SEARCH_USELESS;
        }
    }
    return CM_LDAP_SEARCH_DONE;
}

/* Reads the attributes that follow the name. */
static enum cm_ldap_search_end
read_attributes(LDAP *handle, LDAPMessage *message, BerElement *ber,
                const char *const *wanted, struct cm_entry *out,
                struct cm_detail *detail)
{
    enum cm_ldap_search_end end = CM_LDAP_SEARCH_DONE;
    struct berval name, *values;

    while (end == CM_LDAP_SEARCH_DONE) {
        values = NULL;
        if (ldap_get_attribute_ber(handle, message, ber, &name, &values) !=
            LDAP_SUCCESS) {
            cm_detail_set(detail, "an entry cannot be decoded");
            end = CM_LDAP_SEARCH_USELESS;
        } else if (name.bv_val == NULL) {
            return end; /* that was the last one */
        } else {
            end = copy_values(wanted, &name, values, out, detail);
        }
        ber_memfree(values); /* what it points to is the message's */
    }
    return end;
}

static enum cm_ldap_search_end
read_entry(LDAP *handle, LDAPMessage *message, const char *const *wanted,
           struct cm_entry *out, struct cm_detail *detail)
{
    enum cm_ldap_search_end end = CM_LDAP_SEARCH_USELESS;
    BerElement *ber = NULL;
    struct berval dn;

    memset(out, 0, sizeof(*out));
    if (ldap_get_dn_ber(handle, message, &ber, &dn) != LDAP_SUCCESS ||
        dn.bv_val == NULL || memchr(dn.bv_val, '\0', dn.bv_len) != NULL) {
        cm_detail_set(detail, "an entry cannot be decoded");
    } else {
        out->dn = strndup(dn.bv_val, dn.bv_len);
        if (out->dn == NULL)
            cm_detail_set(detail, "out of memory");
        else
            end = read_attributes(handle, message, ber, wanted, out, detail);
    }
    if (ber != NULL)
        ber_free(ber, 0);
    return end;
}

static enum cm_ldap_search_end
take_message(struct cm_ldap_search *search,
             struct cm_ldap_connection *connection, LDAPMessage *message,
             const char *const *wanted, cm_ldap_take_entry *take,
             struct cm_detail *detail)
{
    struct cm_entry entry;
    enum cm_ldap_search_end end;

    /* References to other servers, and what RFC 4511 calls intermediate. */
    if (ldap_msgtype(message) != LDAP_RES_SEARCH_ENTRY)
        return CM_LDAP_SEARCH_DONE;
    end = read_entry(connection->handle, message, wanted, &entry, detail);
    if (end == CM_LDAP_SEARCH_DONE)
        end = take(search, &entry, detail);
    cm_entry_clear(&entry);
    return end;
}

/* A server that says too much about one account is no sick server. */
static enum cm_ldap_search_end
without_answer(const struct cm_ldap_connection *connection,
               enum cm_ldap_wait wait, struct cm_detail *detail)
{
    if (connection->wire.allowance == 0) {
        cm_detail_set(detail, "the answer is larger than %d bytes",
                      CM_LDAP_MAX_ANSWER);
        return CM_LDAP_SEARCH_USELESS;
    }
    return wait == CM_LDAP_LOST ? CM_LDAP_SEARCH_LOST : CM_LDAP_SEARCH_FAILED;
}

enum cm_ldap_search_end
cm_ldap_run_search(struct cm_ldap_search *search,
                   struct cm_ldap_connection *connection,
                   const struct cm_ldap_request *request,
                   cm_ldap_take_entry *take, int64_t deadline,
                   LDAPMessage **final, struct cm_detail *detail)
{
    LDAPMessage *message;
    int message_id = -1;
    enum cm_ldap_wait wait;
    enum cm_ldap_search_end end =
        send_search(connection, request, deadline, &message_id, detail);

    *final = NULL;
    if (end != CM_LDAP_SEARCH_DONE)
        return end;
    while (end == CM_LDAP_SEARCH_DONE) {
        wait =
            cm_ldap_next(connection, message_id, deadline, &message, detail);
        if (wait != CM_LDAP_ANSWERED) {
            end = without_answer(connection, wait, detail);
            break;
        }
        if (ldap_msgtype(message) == LDAP_RES_SEARCH_RESULT) {
            *final = message;
            return CM_LDAP_SEARCH_DONE;
        }
        end = take_message(search, connection, message, request->attributes,
                           take, detail);
        ldap_msgfree(message);
    }
    if (end != CM_LDAP_SEARCH_LOST)
        (void)ldap_abandon_ext(connection->handle, message_id, NULL, NULL);
    return end;
}

/* How the final message of a bounded search says that it ends. */
static enum cm_ldap_search_end
judge(struct cm_ldap_search *search, struct cm_ldap_connection *connection,
      LDAPMessage *final, const char *too_many, struct cm_detail *detail)
{
    int code = cm_ldap_result_code(connection, final, "search", detail);

    if (code == LDAP_SUCCESS)
        return CM_LDAP_SEARCH_DONE;
    if (code != LDAP_SIZELIMIT_EXCEEDED)
        return CM_LDAP_SEARCH_FAILED;
    if (too_many != NULL)
        cm_detail_set(detail, "more than %d %s", CM_DIRECTORY_MAX_ENTRIES,
                      too_many);
    search->reason = CM_ACCOUNT_AMBIGUOUS;
    return CM_LDAP_SEARCH_REFUSED;
}

enum cm_ldap_search_end
cm_ldap_run_bounded(struct cm_ldap_search *search,
                    struct cm_ldap_connection *connection,
                    cm_ldap_take_entry *take, const char *too_many,
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

    cm_schema_attributes(&search->config->schema, attributes);
    end = cm_ldap_run_search(search, connection, &request, take, deadline,
                             &final, detail);
    return end == CM_LDAP_SEARCH_DONE
               ? judge(search, connection, final, too_many, detail)
               : end;
}

static enum cm_ldap_search_end
take_account(struct cm_ldap_search *search, const struct cm_entry *entry,
             struct cm_detail *detail)
{
    search->reason =
        cm_accounts_collect(&search->config->schema, search->lookup, entry,
                            search->accounts, detail);
    return search->reason == CM_OK ? CM_LDAP_SEARCH_DONE
                                   : CM_LDAP_SEARCH_REFUSED;
}

enum cm_ldap_search_end
cm_ldap_search_accounts(struct cm_ldap_search *search,
                        struct cm_ldap_connection *connection,
                        int64_t deadline, struct cm_detail *detail)
{
    cm_accounts_clear(search->accounts);
    return cm_ldap_run_bounded(search, connection, take_account, NULL,
                               deadline, detail);
}
