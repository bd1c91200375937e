/*
 * For `certmap check`: does the directory answer, and can it find an account
 * by the values that a login asks for?
 */
#include "ldap_search.h"

#include <stdlib.h>
#include <string.h>

#include <ldap_schema.h>

#include "text.h"

/* Keeps a copy of the last entry's values. */
static enum cm_ldap_search_end
keep_entry(struct cm_ldap_search *search, const struct cm_entry *entry,
           struct cm_detail *detail)
{
    const struct cm_attribute *attribute;

    cm_entry_clear(search->probed);
    search->probed->dn = strdup(entry->dn);
    for (size_t i = 0; i < entry->count; i++) {
        attribute = &entry->attributes[i];
        for (size_t j = 0; j < attribute->count; j++) {
            if (!cm_entry_add(search->probed, attribute->name,
                              attribute->values[j].data,
                              attribute->values[j].len)) {
                cm_detail_set(detail, "out of memory");
                return CM_LDAP_SEARCH_FAILED;
            }
        }
    }
    return CM_LDAP_SEARCH_DONE;
}

/* Reads one attribute of one entry into search->probed, empty if there is
 * none. */
static enum cm_ldap_search_end
read_one(struct cm_ldap_search *search, struct cm_ldap_connection *connection,
         const char *dn, const char *filter, const char *attribute,
         int64_t deadline, struct cm_detail *detail)
{
    const char *const attributes[] = {attribute, NULL};
    const struct cm_ldap_request request = {.base = dn,
                                            .scope = LDAP_SCOPE_BASE,
                                            .filter = filter,
                                            .attributes = attributes,
                                            .size_limit = 1};
    enum cm_ldap_search_end end;
    LDAPMessage *final;

    cm_entry_clear(search->probed);
    end = cm_ldap_run_search(search, connection, &request, keep_entry,
                             deadline, &final, detail);
    if (end != CM_LDAP_SEARCH_DONE)
        return end;
    return cm_ldap_result_code(connection, final, dn, detail) == LDAP_SUCCESS
               ? CM_LDAP_SEARCH_DONE
               : CM_LDAP_SEARCH_FAILED;
}

static bool
has_name(const LDAPAttributeType *type, const char *name)
{
    for (size_t i = 0; type->at_names != NULL && type->at_names[i] != NULL;
         i++) {
        if (cm_text_equal_fold(type->at_names[i], name))
            return true;
    }
    return false;
}

/* What a server's schema says about an attribute. */
struct rule {
    const char *name;
    bool known;
    bool equality; /* or a supertype, which may have one */
};

/* Looks at every attribute type.  False: none of all has an equality rule. */
static bool
read_rules(const struct cm_attribute *types, struct rule *rules, size_t count)
{
    LDAPAttributeType *type;
    const char *where;
    bool any = false, equality;
    int code;

    for (size_t i = 0; i < types->count; i++) {
        type = ldap_str2attributetype(types->values[i].data, &code, &where,
                                      LDAP_SCHEMA_ALLOW_ALL);
        if (type == NULL)
            continue;
        any = any || type->at_equality_oid != NULL;
        equality = type->at_equality_oid != NULL || type->at_sup_oid != NULL;
        for (size_t j = 0; j < count; j++) {
            if (rules[j].name != NULL && has_name(type, rules[j].name)) {
                rules[j].known = true;
                rules[j].equality = equality;
            }
        }
        ldap_attributetype_free(type);
    }
    return any;
}

/*
 * An attribute without an equality rule (OpenLDAP ships Active Directory's so)
 * matches nothing: a UPN would silently seem to be nobody's.  Active Directory
 * itself publishes no rules at all, and has them.
 */
static bool
can_be_searched(const struct cm_schema *schema,
                const struct cm_attribute *types, struct cm_detail *detail)
{
    struct rule rules[] = {{.name = schema->principal},
                           {.name = schema->account_name},
                           {.name = schema->upn}};
    size_t count = sizeof(rules) / sizeof(rules[0]);

    if (types == NULL || !read_rules(types, rules, count))
        return true;
    for (size_t i = 0; i < count; i++) {
        if (!rules[i].known || rules[i].equality)
            continue;
        cm_detail_set(detail,
                      "%s: the server's schema has no EQUALITY rule for it, "
                      "so that no account is found by it",
                      rules[i].name);
        return false;
    }
    return true;
}

/* A server that does not show its schema is not to blame. */
static enum cm_ldap_search_end
check_schema(struct cm_ldap_search *search,
             struct cm_ldap_connection *connection, int64_t deadline,
             struct cm_detail *detail)
{
    const struct cm_attribute *subschema =
        cm_entry_get(search->probed, "subschemaSubentry");
    enum cm_ldap_search_end end;
    char *dn;

    if (subschema == NULL || subschema->count != 1)
        return CM_LDAP_SEARCH_DONE;
    dn = strdup(subschema->values[0].data);
    if (dn == NULL)
        return CM_LDAP_SEARCH_FAILED;
    end = read_one(search, connection, dn, "(objectClass=subschema)",
                   "attributeTypes", deadline, detail);
    free(dn);
    if (end != CM_LDAP_SEARCH_DONE)
        return CM_LDAP_SEARCH_DONE;
    return can_be_searched(&search->config->schema,
                           cm_entry_get(search->probed, "attributeTypes"),
                           detail)
               ? CM_LDAP_SEARCH_DONE
               : CM_LDAP_SEARCH_FAILED;
}

enum cm_ldap_search_end
cm_ldap_search_base(struct cm_ldap_search *search,
                    struct cm_ldap_connection *connection, int64_t deadline,
                    struct cm_detail *detail)
{
    struct cm_entry probed = {0};
    enum cm_ldap_search_end end;

    search->probed = &probed;
    end = read_one(search, connection, search->config->base, "(objectClass=*)",
                   "subschemaSubentry", deadline, detail);
    if (end == CM_LDAP_SEARCH_DONE && probed.dn == NULL) {
        cm_detail_set(detail, "base: nothing can be read there");
        end = CM_LDAP_SEARCH_FAILED;
    }
    if (end == CM_LDAP_SEARCH_DONE)
        end = check_schema(search, connection, deadline, detail);
    cm_entry_clear(&probed);
    search->probed = NULL;
    return end;
}
