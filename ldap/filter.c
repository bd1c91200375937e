#include "schema_rules.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

void
cm_filter_escape(struct cm_buf *out, const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = value[i];

        if (c < 0x20 || c > 0x7e || strchr("*()\\", c) != NULL) {
            cm_buf_add_char(out, '\\');
            cm_buf_add_hex(out, (const uint8_t *)&c, 1);
        } else {
            cm_buf_add_char(out, c);
        }
    }
}

void
cm_filter_add_equality(struct cm_buf *out, const char *attribute,
                       const char *value, size_t len)
{
    cm_buf_add_char(out, '(');
    cm_buf_add_text(out, attribute);
    cm_buf_add_char(out, '=');
    cm_filter_escape(out, value, len);
    cm_buf_add_char(out, ')');
}

const char *
cm_lookup_implicit_name(const struct cm_lookup *lookup, size_t *len)
{
    const char *at;

    if (lookup->upn == NULL || lookup->dns_domain == NULL)
        return NULL;
    at = strrchr(lookup->upn, '@');
    if (at == NULL || at == lookup->upn ||
        !cm_text_equal_fold(at + 1, lookup->dns_domain))
        return NULL;
    *len = (size_t)(at - lookup->upn);
    return lookup->upn;
}

/* (attribute=left@REALM), as krb5 writes a principal of one component. */
static bool
add_principal_of(struct cm_buf *out, const char *attribute, const char *left,
                 size_t len, const char *realm)
{
    struct cm_principal principal;

    if (!cm_principal_build(&left, &len, 1, realm, strlen(realm), &principal))
        return false;
    cm_filter_add_equality(out, attribute, principal.text,
                           strlen(principal.text));
    cm_principal_clear(&principal);
    return true;
}

/*
 * krbPrincipalName compares with case and UPNs compare without: the name is
 * asked for as the certificate writes it and in lower case.
 */
static bool
add_implicit_principal(struct cm_buf *out, const struct cm_schema *schema,
                       const struct cm_lookup *lookup, const char *left,
                       size_t len)
{
    const char *realm = lookup->principal->realm;
    char *lower = strndup(left, len);
    bool ok;

    if (lower == NULL)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] - 'A' + 'a');
    }
    ok = add_principal_of(out, schema->principal, left, len, realm);
    if (ok && memcmp(lower, left, len) != 0)
        ok = add_principal_of(out, schema->principal, lower, len, realm);
    free(lower);
    return ok;
}

bool
cm_filter_add_upn(struct cm_buf *out, const struct cm_schema *schema,
                  const struct cm_lookup *lookup)
{
    const char *left;
    size_t len;

    if (schema->upn != NULL)
        cm_filter_add_equality(out, schema->upn, lookup->upn,
                               strlen(lookup->upn));
    left = cm_lookup_implicit_name(lookup, &len);
    if (left == NULL)
        return true;
    if (schema->account_name == NULL)
        return add_implicit_principal(out, schema, lookup, left, len);
    cm_filter_add_equality(out, schema->account_name, left, len);
    return true;
}

/* The alternatives: the named account, and whom the UPN names. */
static bool
add_alternatives(struct cm_buf *out, const struct cm_schema *schema,
                 const struct cm_lookup *lookup)
{
    const struct cm_principal *principal = lookup->principal;
    const char *named = cm_schema_names_whole_principal(schema)
                            ? principal->text
                            : principal->components[0];

    cm_filter_add_equality(out, schema->principal, named, strlen(named));
    return lookup->upn == NULL || cm_filter_add_upn(out, schema, lookup);
}

bool
cm_schema_filter(const struct cm_schema *schema,
                 const struct cm_lookup *lookup, struct cm_buf *out)
{
    bool within = schema->object_filter != NULL;

    if (!cm_schema_knows_principal(schema, lookup->principal))
        return false;
    if (within) {
        cm_buf_add_text(out, "(&");
        cm_buf_add_text(out, schema->object_filter);
    }
    cm_buf_add_text(out, "(|");
    if (!add_alternatives(out, schema, lookup))
        return false;
    cm_buf_add_text(out, within ? "))" : ")");
    return !out->failed;
}
