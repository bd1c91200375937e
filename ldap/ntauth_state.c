#include "ntauth_edit.h"

#include <stdlib.h>
#include <string.h>

#include "ntauth_parts.h"
#include "text.h"

static const char *const no_attributes[] = {LDAP_NO_ATTRS, NULL};
static const char *const plain_names[] = {CM_NTAUTH_PLAIN, NULL};
static const char *const both_names[] = {CM_NTAUTH_PLAIN, CM_NTAUTH_BINARY,
                                         NULL};

void
cm_ntauth_state_clear(struct cm_ntauth_state *state)
{
    cm_ntauth_object_clear(&state->plain);
    cm_ntauth_object_clear(&state->binary);
    cm_text_list_clear(&state->missing);
    free(state->dn);
    memset(state, 0, sizeof(*state));
}

struct cm_ntauth_session *
cm_ntauth_session_open(const struct cm_directory_config *config,
                       int timeout_ms, struct cm_detail *detail)
{
    struct cm_ntauth_session *session = calloc(1, sizeof(*session));

    if (session == NULL) {
        cm_detail_set(detail, "out of memory");
        return NULL;
    }
    session->config = config;
    session->timeout_ms = timeout_ms;
    if (cm_ldap_open_first(&session->connection, config, timeout_ms, detail))
        return session;
    free(session);
    return NULL;
}

void
cm_ntauth_session_close(struct cm_ntauth_session *session)
{
    if (session == NULL)
        return;
    cm_ldap_close(&session->connection);
    free(session);
}

static enum cm_ntauth_end
no_memory(struct cm_detail *detail)
{
    cm_detail_set(detail, "out of memory");
    return CM_NTAUTH_REFUSED;
}

/* Reads one entry; *found: there is one, and *out is the caller's. */
static enum cm_ntauth_end
look(struct cm_ntauth_session *session, const char *dn,
     const char *const *attributes, struct cm_entry *out, bool *found,
     struct cm_detail *detail)
{
    const struct cm_ldap_request request = {.base = dn,
                                            .scope = LDAP_SCOPE_BASE,
                                            .filter = "(objectClass=*)",
                                            .attributes = attributes,
                                            .size_limit = 1};
    struct cm_ldap_search search = {.config = session->config, .probed = out};
    struct cm_detail why = {""};
    LDAPMessage *final;
    int code;

    memset(out, 0, sizeof(*out));
    *found = false;
    if (cm_ldap_run_search(&search, &session->connection, &request,
                           cm_ntauth_keep_entry,
                           cm_backend_now_ms() + session->timeout_ms, &final,
                           &why) != CM_LDAP_SEARCH_DONE) {
        cm_detail_set(detail, "%s: %s", dn, why.text);
        return CM_NTAUTH_LOST;
    }
    code = cm_ldap_result_code(&session->connection, final, "search", &why);
    *found = code == LDAP_SUCCESS && out->dn != NULL;
    if (*found || code == LDAP_NO_SUCH_OBJECT)
        return CM_NTAUTH_DONE;
    cm_detail_set(detail, "%s: %s", dn,
                  code == LDAP_SUCCESS
                      ? "this bind name may not read it; bind as "
                        "someone who may (--bind-dn)"
                      : why.text);
    return CM_NTAUTH_REFUSED;
}

static bool
take_values(const struct cm_entry *entry, const char *name,
            struct cm_ntauth_object *out)
{
    const struct cm_attribute *one = cm_entry_get(entry, name);
    bool ok = true;

    for (size_t i = 0; ok && one != NULL && i < one->count; i++)
        ok =
            cm_ntauth_object_add(out, one->values[i].data, one->values[i].len);
    return ok;
}

static bool
is_type(const LDAPAVA *name, const char *type)
{
    return name->la_attr.bv_len == strlen(type) &&
           cm_text_equal_fold_n(name->la_attr.bv_val, type, strlen(type));
}

/* What can be created is named by one value: the object by its cn, what is
 * above it by cn or ou. */
static bool
is_ours(LDAPRDN rdn, bool object)
{
    return rdn != NULL && rdn[0] != NULL && rdn[1] == NULL &&
           (is_type(rdn[0], "cn") || (!object && is_type(rdn[0], "ou")));
}

/* Puts a name before those that are there. */
static bool
put_first(struct cm_text_list *list, const char *text)
{
    char *last;

    if (!cm_text_list_add(list, text))
        return false;
    last = list->items[list->count - 1];
    memmove(list->items + 1, list->items,
            (list->count - 1) * sizeof(*list->items));
    list->items[0] = last;
    return true;
}

/* From the object upwards, until something exists. */
static enum cm_ntauth_end
find_missing(struct cm_ntauth_session *session, LDAPDN dn,
             struct cm_ntauth_state *out, struct cm_detail *detail)
{
    enum cm_ntauth_end end = CM_NTAUTH_DONE;
    bool found = false;

    for (size_t i = 0; end == CM_NTAUTH_DONE && !found; i++) {
        struct cm_entry entry;
        char *name = NULL;

        if (dn == NULL || dn[i] == NULL ||
            ldap_dn2str(dn + i, &name, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
            return no_memory(detail);
        end = i == 0
                  ? CM_NTAUTH_DONE
                  : look(session, name, no_attributes, &entry, &found, detail);
        if (i > 0)
            cm_entry_clear(&entry);
        if (end == CM_NTAUTH_DONE && !found &&
            (i == CM_NTAUTH_MAX_MISSING || !is_ours(dn[i], i == 0) ||
             dn[i + 1] == NULL)) {
            cm_detail_set(detail,
                          "%s: there is no such entry; create it first", name);
            end = CM_NTAUTH_REFUSED;
        }
        if (end == CM_NTAUTH_DONE && !found && !put_first(&out->missing, name))
            end = no_memory(detail);
        ldap_memfree(name);
    }
    return end;
}

static enum cm_ntauth_end
read_object(struct cm_ntauth_session *session, struct cm_ntauth_state *out,
            struct cm_detail *detail)
{
    enum cm_ntauth_end end;
    struct cm_entry entry;
    LDAPDN dn = NULL;

    end = look(session, out->dn, out->windows ? plain_names : both_names,
               &entry, &out->exists, detail);
    if (end == CM_NTAUTH_DONE && out->exists) {
        if (!take_values(&entry, CM_NTAUTH_PLAIN, &out->plain) ||
            !take_values(&entry, CM_NTAUTH_BINARY, &out->binary))
            end = no_memory(detail);
    } else if (end == CM_NTAUTH_DONE) {
        if (ldap_str2dn(out->dn, &dn, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
            dn = NULL;
        end = find_missing(session, dn, out, detail);
        ldap_dnfree(dn);
    }
    cm_entry_clear(&entry);
    return end;
}

enum cm_ntauth_end
cm_ntauth_session_read(struct cm_ntauth_session *session,
                       struct cm_ntauth_state *out, struct cm_detail *detail)
{
    struct cm_ntauth_state state = {0};
    struct cm_detail ignored;
    enum cm_ntauth_end end;
    struct cm_entry root;
    bool found;

    memset(out, 0, sizeof(*out));
    /* A server that hides its root is no Active Directory. */
    end = look(session, "", cm_ntauth_context_names, &root, &found, &ignored);
    if (end == CM_NTAUTH_LOST) {
        *detail = ignored;
        cm_entry_clear(&root);
        return end;
    }
    state.windows = cm_entry_get(&root, cm_ntauth_context_names[0]) != NULL;
    state.dn = cm_ntauth_name(session->config, &root);
    cm_entry_clear(&root);
    end = state.dn == NULL ? no_memory(detail)
                           : read_object(session, &state, detail);
    if (end == CM_NTAUTH_DONE)
        *out = state;
    else
        cm_ntauth_state_clear(&state);
    return end;
}
