/*
 * From an entry to an account, compared again with what was asked.
 */
#include <stdlib.h>
#include <string.h>

#include "field.h"
#include "schema_rules.h"
#include "text.h"

static bool
value_is(const struct cm_value *value, const char *text)
{
    return value->len == strlen(text) &&
           memcmp(value->data, text, value->len) == 0;
}

static bool
value_is_folded(const struct cm_value *value, const char *text)
{
    return value->len == strlen(text) &&
           cm_text_equal_fold_n(value->data, text, value->len);
}

static bool
has_value(const struct cm_attribute *attribute, const char *text)
{
    for (size_t i = 0; attribute != NULL && i < attribute->count; i++) {
        if (value_is(&attribute->values[i], text))
            return true;
    }
    return false;
}

/*
 * An entry's krbPrincipalName may hold aliases.  Where it says which one is
 * canonical, the KDC's canonical principal must be that.
 */
static bool
is_canonical(const struct cm_schema *schema, const struct cm_entry *entry,
             const char *principal)
{
    const struct cm_attribute *canonical;

    if (!cm_text_equal_fold(schema->principal, CM_ATTR_KRB_PRINCIPAL))
        return true;
    canonical = cm_entry_get(entry, CM_ATTR_KRB_CANONICAL);
    return canonical == NULL || (canonical->count == 1 &&
                                 value_is(&canonical->values[0], principal));
}

/* Is the entry the account of the principal? */
static bool
is_named(const struct cm_schema *schema, const struct cm_entry *entry,
         const struct cm_principal *principal)
{
    const struct cm_attribute *attribute =
        cm_entry_get(entry, schema->principal);

    if (attribute == NULL || !cm_schema_knows_principal(schema, principal))
        return false;
    switch (schema->preset) {
    case CM_SCHEMA_AD:
        return attribute->count == 1 &&
               value_is_folded(&attribute->values[0],
                               principal->components[0]);
    case CM_SCHEMA_MIT:
    case CM_SCHEMA_IPA:
        return has_value(attribute, principal->text) &&
               is_canonical(schema, entry, principal->text);
    case CM_SCHEMA_POSIX:
        return has_value(attribute, principal->components[0]);
    }
    return false;
}

/* Text of a value that names the account, NULL for one that is not clean. */
static bool
copy_name(const struct cm_value *value, char **out)
{
    if (value->len == 0 ||
        !cm_text_is_clean((const uint8_t *)value->data, value->len))
        return true;
    *out = strdup(value->data);
    return *out != NULL;
}

/*
 * The account name among several values: the principal's for the named
 * account, else the one that the UPN means.
 */
static bool
choose_name(const struct cm_attribute *names, const struct cm_lookup *lookup,
            bool named, char **out)
{
    const struct cm_principal *principal = lookup->principal;
    size_t len;
    const char *left = cm_lookup_implicit_name(lookup, &len);
    const struct cm_value *value;

    if (names->count == 1)
        return copy_name(&names->values[0], out);
    for (size_t i = 0; i < names->count; i++) {
        value = &names->values[i];
        if (named ? principal->component_count == 1 &&
                        value_is(value, principal->components[0])
                  : left != NULL && value->len == len &&
                        cm_text_equal_fold_n(value->data, left, len))
            return copy_name(value, out);
    }
    return true;
}

/* Is the value a principal of one component in the realm, meant by `left`? */
static bool
principal_value_is(const struct cm_value *value, const char *realm,
                   const char *left, size_t len, char **out)
{
    struct cm_principal parsed;
    bool equal;

    if (memchr(value->data, '\0', value->len) != NULL ||
        !cm_principal_parse(value->data, NULL, &parsed))
        return false;
    equal = parsed.component_count == 1 && strcmp(parsed.realm, realm) == 0 &&
            strlen(parsed.components[0]) == len &&
            cm_text_equal_fold_n(parsed.components[0], left, len);
    if (equal) {
        *out = parsed.components[0];
        parsed.components[0] = NULL;
    }
    cm_principal_clear(&parsed);
    return equal;
}

/* The same where principals are the only names: `mit`. */
static bool
choose_principal_name(const struct cm_attribute *principals,
                      const struct cm_lookup *lookup, bool named, char **out)
{
    const struct cm_principal *principal = lookup->principal;
    const char *left;
    size_t len;

    if (named) {
        if (principal->component_count == 1)
            *out = strdup(principal->components[0]);
        return principal->component_count != 1 || *out != NULL;
    }
    left = cm_lookup_implicit_name(lookup, &len);
    for (size_t i = 0; left != NULL && i < principals->count; i++) {
        if (principal_value_is(&principals->values[i], principal->realm, left,
                               len, out))
            break;
    }
    return true;
}

static bool
read_account_name(const struct cm_schema *schema,
                  const struct cm_lookup *lookup, const struct cm_entry *entry,
                  struct cm_account *out)
{
    bool own = schema->account_name != NULL;
    const struct cm_attribute *names =
        cm_entry_get(entry, own ? schema->account_name : schema->principal);

    if (names == NULL)
        return true;
    return own ? choose_name(names, lookup, out->named, &out->account_name)
               : choose_principal_name(names, lookup, out->named,
                                       &out->account_name);
}

/* The names alone, so that an entry of no interest costs little. */
static bool
read_names(const struct cm_schema *schema, const struct cm_lookup *lookup,
           const struct cm_entry *entry, struct cm_account *out)
{
    out->named = is_named(schema, entry, lookup->principal);
    return read_account_name(schema, lookup, entry, out) &&
           (schema->upn == NULL ||
            cm_field_text(entry, schema->upn, &out->upn_state, &out->upn));
}

/* A faulty UPN that may be the one asked for makes the entry relevant. */
static bool
might_hold_upn(const struct cm_schema *schema, const struct cm_entry *entry,
               const struct cm_account *account, const char *upn)
{
    const struct cm_attribute *values;

    if (account->upn_state != CM_FAULTY)
        return false;
    values = cm_entry_get(entry, schema->upn);
    for (size_t i = 0; values != NULL && i < values->count; i++) {
        if (value_is_folded(&values->values[i], upn))
            return true;
    }
    return false;
}

static bool
is_relevant(const struct cm_schema *schema, const struct cm_lookup *lookup,
            const struct cm_entry *entry, const struct cm_account *account)
{
    if (account->named)
        return true;
    if (lookup->upn == NULL)
        return false;
    return cm_account_has_upn(account, lookup->upn, lookup->dns_domain) ||
           might_hold_upn(schema, entry, account, lookup->upn);
}

static bool
read_sid(const struct cm_schema *schema, const struct cm_entry *entry,
         struct cm_account *out)
{
    if (schema->sid == NULL)
        return true;
    /* FreeIPA has SIDs only where trusts were set up. */
    out->has_sid_attribute = schema->preset != CM_SCHEMA_IPA ||
                             cm_entry_get(entry, schema->sid) != NULL;
    return cm_field_sid(entry, schema->sid, &out->sid_state, &out->sid);
}

enum cm_reason
cm_account_read_mappings(const struct cm_entry *entry, const char *name,
                         struct cm_account *out, struct cm_detail *detail)
{
    const struct cm_attribute *from = cm_entry_get(entry, name);

    if (from == NULL || from->count == 0)
        return CM_OK;
    if (from->count > CM_ACCOUNT_MAX_MAPPINGS) {
        cm_detail_set(detail, "%s has more than %d values of %s", out->id,
                      CM_ACCOUNT_MAX_MAPPINGS, name);
        return CM_DIRECTORY_UNAVAILABLE;
    }
    out->mappings = calloc(from->count, sizeof(*out->mappings));
    if (out->mappings == NULL)
        return CM_NO_MEMORY;
    for (size_t i = 0; i < from->count; i++) {
        const struct cm_value *value = &from->values[i];
        char *copy = malloc(value->len + 1);

        if (copy == NULL)
            return CM_NO_MEMORY;
        memcpy(copy, value->data, value->len + 1);
        out->mappings[i].data = copy;
        out->mappings[i].len = value->len;
        out->mapping_count = i + 1;
    }
    return CM_OK;
}

static enum cm_reason
read_rest(const struct cm_schema *schema, const struct cm_lookup *lookup,
          const struct cm_entry *entry, struct cm_account *out,
          struct cm_detail *detail)
{
    const char *dn = entry->dn != NULL ? entry->dn : "";

    if (!cm_text_is_clean((const uint8_t *)dn, strlen(dn))) {
        cm_detail_set(detail, "an entry's name is not clean text");
        return CM_DIRECTORY_UNAVAILABLE;
    }
    out->id = strdup(dn);
    if (out->id == NULL || !read_sid(schema, entry, out) ||
        !cm_account_read_state(schema->preset, entry, lookup->now, out))
        return CM_NO_MEMORY;
    if (schema->created != NULL)
        out->created_state =
            cm_field_time(entry, schema->created, &out->created);
    return cm_account_read_mappings(entry, schema->mappings, out, detail);
}

enum cm_reason
cm_schema_account(const struct cm_schema *schema,
                  const struct cm_lookup *lookup, const struct cm_entry *entry,
                  struct cm_account *out, bool *relevant,
                  struct cm_detail *detail)
{
    enum cm_reason reason = CM_NO_MEMORY;

    memset(out, 0, sizeof(*out));
    *relevant = false;
    if (read_names(schema, lookup, entry, out)) {
        if (is_relevant(schema, lookup, entry, out)) {
            reason = read_rest(schema, lookup, entry, out, detail);
            *relevant = reason == CM_OK;
        } else {
            reason = CM_OK;
        }
    }
    if (!*relevant)
        cm_account_clear(out);
    return reason;
}
