#include "ntauth_object.h"

#include <stdlib.h>
#include <string.h>

#include "ntauth_parts.h"
#include "text.h"

/* OpenLDAP gives certificates with the option ";binary" (RFC 4523), Active
 * Directory without. */
static const char *const value_names[] = {CM_NTAUTH_PLAIN, CM_NTAUTH_BINARY,
                                          NULL};
const char *const cm_ntauth_context_names[] = {"configurationNamingContext",
                                               NULL};

/* ---- One base object ---- */

enum cm_ldap_search_end
cm_ntauth_keep_entry(struct cm_ldap_search *search,
                     const struct cm_entry *entry, struct cm_detail *detail)
{
    struct cm_entry *kept = search->probed;

    if (kept->dn != NULL) {
        cm_detail_set(detail, "more than one entry where one was asked for");
        return CM_LDAP_SEARCH_FAILED;
    }
    kept->dn = strdup(entry->dn);
    if (kept->dn == NULL)
        return CM_LDAP_SEARCH_FAILED;
    for (size_t i = 0; i < entry->count; i++) {
        const struct cm_attribute *one = &entry->attributes[i];

        for (size_t j = 0; j < one->count; j++) {
            if (!cm_entry_add(kept, one->name, one->values[j].data,
                              one->values[j].len)) {
                cm_detail_set(detail, "out of memory");
                return CM_LDAP_SEARCH_FAILED;
            }
        }
    }
    return CM_LDAP_SEARCH_DONE;
}

static enum cm_ldap_search_end
read_base(struct cm_ldap_search *search, struct cm_ldap_connection *connection,
          const char *base, const char *const *attributes, int64_t deadline,
          struct cm_detail *detail)
{
    const struct cm_ldap_request request = {.base = base,
                                            .scope = LDAP_SCOPE_BASE,
                                            .filter = "(objectClass=*)",
                                            .attributes = attributes,
                                            .size_limit = 1};
    enum cm_ldap_search_end end;
    LDAPMessage *final;

    cm_entry_clear(search->probed);
    end = cm_ldap_run_search(search, connection, &request,
                             cm_ntauth_keep_entry, deadline, &final, detail);
    if (end != CM_LDAP_SEARCH_DONE)
        return end;
    if (cm_ldap_result_code(connection, final, "search", detail) !=
        LDAP_SUCCESS)
        return CM_LDAP_SEARCH_FAILED;
    if (search->probed->dn != NULL)
        return CM_LDAP_SEARCH_DONE;
    cm_detail_set(detail, "there is no such object, or it may not be read");
    return CM_LDAP_SEARCH_FAILED;
}

/* ---- Its name ---- */

static char *
join(const char *rdns, const char *base)
{
    struct cm_buf buf = CM_BUF_INIT;

    cm_buf_add_text(&buf, rdns);
    cm_buf_add_char(&buf, ',');
    cm_buf_add_text(&buf, base);
    return cm_buf_take(&buf);
}

/* Below the forest's configuration, which need not be below the base. */
static char *
name_below_context(const struct cm_entry *root)
{
    const struct cm_attribute *context =
        cm_entry_get(root, cm_ntauth_context_names[0]);
    char *text, *name;

    if (context == NULL || context->count != 1)
        return NULL;
    text = cm_text_dup_clean((const uint8_t *)context->values[0].data,
                             context->values[0].len);
    if (text == NULL)
        return NULL;
    name = join(CM_NTAUTH_CONTAINER, text);
    free(text);
    return name;
}

char *
cm_ntauth_name(const struct cm_directory_config *config,
               const struct cm_entry *root)
{
    char *name = NULL;

    if (config->ntauth_dn != NULL)
        return strdup(config->ntauth_dn);
    name = name_below_context(root);
    return name != NULL ? name : join(CM_NTAUTH_RDNS, config->base);
}

/* NULL: no memory, or the server is gone (*end). */
static char *
object_name(struct cm_ldap_search *search,
            struct cm_ldap_connection *connection, int64_t deadline,
            enum cm_ldap_search_end *end, struct cm_detail *detail)
{
    *end = CM_LDAP_SEARCH_DONE;
    if (search->config->ntauth_dn == NULL)
        *end = read_base(search, connection, "", cm_ntauth_context_names,
                         deadline, detail);
    if (*end == CM_LDAP_SEARCH_LOST)
        return NULL;
    /* A server that hides its root is asked below the base. */
    if (*end != CM_LDAP_SEARCH_DONE)
        cm_entry_clear(search->probed);
    *end = CM_LDAP_SEARCH_DONE;
    return cm_ntauth_name(search->config, search->probed);
}

/* ---- The search ---- */

static bool
holds(const struct cm_ntauth_object *object, const struct cm_value *value)
{
    for (size_t i = 0; i < object->count; i++) {
        if (object->values[i].len == value->len &&
            memcmp(object->values[i].bytes, value->data, value->len) == 0)
            return true;
    }
    return false;
}

/*
 * Asked for both names, 389-DS gives every value by each of them.  More than
 * the limit is only counted, not compared: it is refused.
 */
static bool
add_values(struct cm_ntauth_object *object, const struct cm_attribute *from)
{
    bool few = from->count <= CM_NTAUTH_MAX_VALUES;
    bool ok = true;

    for (size_t i = 0; ok && i < from->count; i++) {
        if (object->count > CM_NTAUTH_MAX_VALUES)
            return true;
        ok = (few && holds(object, &from->values[i])) ||
             cm_ntauth_object_add(object, from->values[i].data,
                                  from->values[i].len);
    }
    return ok;
}

static bool
take_values(const struct cm_entry *entry, struct cm_ntauth_object *out)
{
    struct cm_ntauth_object object = {0};
    const struct cm_attribute *one;
    bool ok;

    object.dn = strdup(entry->dn);
    ok = object.dn != NULL;
    for (size_t i = 0; value_names[i] != NULL; i++) {
        one = cm_entry_get(entry, value_names[i]);
        ok = ok && (one == NULL || add_values(&object, one));
    }
    if (ok)
        *out = object;
    else
        cm_ntauth_object_clear(&object);
    return ok;
}

static enum cm_ldap_search_end
search_object(struct cm_ldap_search *search,
              struct cm_ldap_connection *connection, int64_t deadline,
              struct cm_detail *detail)
{
    enum cm_ldap_search_end end;
    struct cm_entry entry = {0};
    struct cm_detail why = {""};
    char *name;

    search->probed = &entry;
    name = object_name(search, connection, deadline, &end, &why);
    if (name != NULL) {
        end = read_base(search, connection, name, value_names, deadline, &why);
        cm_detail_set(detail, "%s: %s", name, why.text);
    } else if (end == CM_LDAP_SEARCH_DONE) {
        end = CM_LDAP_SEARCH_FAILED;
        cm_detail_set(detail, "out of memory");
    } else {
        *detail = why;
    }
    free(name);
    cm_ntauth_object_clear(search->object);
    if (end == CM_LDAP_SEARCH_DONE && !take_values(&entry, search->object)) {
        search->reason = CM_NO_MEMORY;
        end = CM_LDAP_SEARCH_REFUSED;
    }
    cm_entry_clear(&entry);
    search->probed = NULL;
    return end;
}

enum cm_reason
cm_ntauth_object_read(const struct cm_directory_config *config, int timeout_ms,
                      struct cm_ntauth_object *out, struct cm_detail *detail)
{
    struct cm_ldap_search search = {
        .run = search_object, .config = config, .object = out};
    struct cm_ldap *ldap = cm_ldap_new(config, NULL);
    enum cm_reason reason;

    memset(out, 0, sizeof(*out));
    if (ldap == NULL)
        return CM_NO_MEMORY;
    reason = cm_ldap_ask(ldap, &search, timeout_ms, detail);
    cm_ldap_free(ldap);
    if (reason == CM_OK && out->count > CM_NTAUTH_MAX_VALUES) {
        cm_detail_set(detail, "%s: more than %d values", out->dn,
                      CM_NTAUTH_MAX_VALUES);
        reason = CM_DIRECTORY_UNAVAILABLE;
    }
    if (reason != CM_OK)
        cm_ntauth_object_clear(out);
    return reason;
}
