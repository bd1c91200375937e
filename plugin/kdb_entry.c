#include "kdb_entry.h"

#include <string.h>

#include <kdb.h>

#include "text.h"

/* What a schema with these names reads from an entry (schema.h). */
static const char mappings_name[] = "altSecurityIdentities";
static const char sid_name[] = "objectSid";
static const char upn_name[] = "userPrincipalName";

bool
cm_kdb_principal(krb5_context context, const krb5_db_entry *entry,
                 struct cm_principal *out)
{
    const char *components[CM_PRINCIPAL_MAX_COMPONENTS];
    size_t lengths[CM_PRINCIPAL_MAX_COMPONENTS];
    krb5_const_principal princ = entry->princ;
    int count;

    (void)context;
    memset(out, 0, sizeof(*out));
    if (princ == NULL)
        return false;
    count = princ->length;
    if (count < 1 || count > CM_PRINCIPAL_MAX_COMPONENTS)
        return false;
    for (int i = 0; i < count; i++) {
        components[i] = princ->data[i].data;
        lengths[i] = princ->data[i].length;
    }
    return cm_principal_build(components, lengths, (size_t)count,
                              princ->realm.data, princ->realm.length, out);
}

/* "altSecurityIdentities", or it with ".N": one string attribute holds one
 * value, so further values have numbered names. */
static bool
is_mapping_name(const char *name)
{
    size_t len = sizeof(mappings_name) - 1;

    if (strlen(name) < len || !cm_text_equal_fold_n(name, mappings_name, len))
        return false;
    name += len;
    if (*name == '\0')
        return true;
    return *name == '.' && name[1] != '\0' &&
           strspn(name + 1, "0123456789") == strlen(name + 1);
}

/* The attribute that a string of this name belongs to, or NULL. */
static const char *
attribute_of(const char *name)
{
    if (is_mapping_name(name))
        return mappings_name;
    if (cm_text_equal_fold(name, sid_name))
        return sid_name;
    if (cm_text_equal_fold(name, upn_name))
        return upn_name;
    return NULL;
}

/* libkdb5 takes entries that it only reads without const. */
static krb5_db_entry *
unconst(const krb5_db_entry *entry)
{
    union {
        const krb5_db_entry *in;
        krb5_db_entry *out;
    } u = {entry};

    return u.out;
}

bool
cm_kdb_strings(krb5_context context, const krb5_db_entry *entry,
               struct cm_entry *out)
{
    krb5_string_attr *strings = NULL;
    const char *attribute, *value;
    int count = 0;
    bool ok = true;

    memset(out, 0, sizeof(*out));
    if (krb5_dbe_get_strings(context, unconst(entry), &strings, &count) != 0)
        return false;
    for (int i = 0; ok && i < count; i++) {
        attribute = attribute_of(strings[i].key);
        value = strings[i].value;
        if (attribute != NULL)
            ok = cm_entry_add(out, attribute, value, strlen(value));
    }
    krb5_dbe_free_strings(context, strings, count);
    if (!ok)
        cm_entry_clear(out);
    return ok;
}

/*
 * A context of our own with the realm's database open, as krb5kdc opens it
 * but for reading only.
 */
static krb5_error_code
open_database(krb5_context context, const char *realm, krb5_context *out)
{
    krb5_context copy;
    krb5_error_code code = krb5_copy_context(context, &copy);

    if (code != 0)
        return code;
    code = krb5_set_default_realm(copy, realm);
    if (code == 0)
        code =
            krb5_db_open(copy, NULL, KRB5_KDB_OPEN_RO | KRB5_KDB_SRV_TYPE_KDC);
    if (code != 0) {
        krb5_free_context(copy);
        return code;
    }
    *out = copy;
    return 0;
}

static void
close_database(krb5_context context)
{
    krb5_db_fini(context);
    krb5_free_context(context);
}

krb5_error_code
cm_kdb_with_entry(krb5_context context, const char *realm,
                  const struct cm_principal *principal,
                  void (*visit)(void *, krb5_db_entry *), void *visit_context)
{
    krb5_principal princ = NULL;
    krb5_db_entry *entry = NULL;
    krb5_context db;
    krb5_error_code code = open_database(context, realm, &db);

    if (code != 0)
        return code;
    code = krb5_parse_name(db, principal->text, &princ);
    if (code == 0)
        code = krb5_db_get_principal(db, princ, 0, &entry);
    if (code == 0) {
        visit(visit_context, entry);
        krb5_db_free_principal(db, entry);
    }
    krb5_free_principal(db, princ);
    close_database(db);
    return code;
}

struct walk {
    krb5_context context;
    bool (*visit)(void *, const struct cm_kdb_row *);
    void *visit_context;
    bool stopped;
};

/* What stock PKINIT's module dbmatch reads (kadmin(1), set_string). */
static bool
has_cert_match(krb5_context context, const krb5_db_entry *entry)
{
    char *value = NULL;
    bool found;

    found = krb5_dbe_get_string(context, unconst(entry), "pkinit_cert_match",
                                &value) == 0 &&
            value != NULL;
    krb5_dbe_free_string(context, value);
    return found;
}

/* krb5_db_iterate() ends at the first value that is not 0. */
static int
visit_row(krb5_pointer data, krb5_db_entry *entry)
{
    struct walk *walk = data;
    struct cm_kdb_row row;
    struct cm_entry strings;
    char *name = NULL;
    krb5_error_code code =
        krb5_unparse_name(walk->context, entry->princ, &name);

    if (code != 0)
        return (int)code;
    (void)cm_kdb_strings(walk->context, entry, &strings);
    row.principal = name;
    row.strings = &strings;
    row.requires_preauth =
        (entry->attributes & KRB5_KDB_REQUIRES_PRE_AUTH) != 0;
    row.disabled = (entry->attributes & KRB5_KDB_DISALLOW_ALL_TIX) != 0;
    row.has_mapping = cm_entry_get(&strings, mappings_name) != NULL;
    row.has_cert_match = has_cert_match(walk->context, entry);
    walk->stopped = !walk->visit(walk->visit_context, &row);
    krb5_free_unparsed_name(walk->context, name);
    cm_entry_clear(&strings);
    return walk->stopped ? 1 : 0;
}

krb5_error_code
cm_kdb_each(krb5_context context, const char *realm,
            bool (*visit)(void *, const struct cm_kdb_row *),
            void *visit_context)
{
    struct walk walk = {NULL, visit, visit_context, false};
    krb5_error_code code = open_database(context, realm, &walk.context);

    if (code != 0)
        return code;
    code = krb5_db_iterate(walk.context, NULL, visit_row, &walk, 0);
    close_database(walk.context);
    return walk.stopped ? 0 : code;
}
