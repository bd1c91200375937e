/*
 * Clients by other names than their principals: a UPN as an enterprise name,
 * or a strong mapping as an X.500 name.
 *
 * For AS requests only.  kadmin and its like never set KRB5_KDB_FLAG_CLIENT,
 * and a TGS request never sets KRB5_KDB_FLAG_REFERRAL_OK beside it: S4U2Self
 * by such a name would put the name, and not the account's, into the ticket.
 * An AS request sets it for every enterprise name, and for others where the
 * client asks for its canonical name, which here it must.
 *
 * What is found here is found by a name that anybody can send.  It decides
 * nothing: the client still proves itself, and certauth judges by the
 * canonical principal of the entry whether the certificate is its.
 */
#include "kdb_module_parts.h"

#include <string.h>

#include <kdb.h>

#include "text.h"

enum {
    NEEDED_FLAGS = KRB5_KDB_FLAG_CLIENT | KRB5_KDB_FLAG_REFERRAL_OK,
    OTHER_FLAGS = KRB5_KDB_FLAG_MAP_PRINCIPALS | KRB5_KDB_FLAGS_S4U |
                  KRB5_KDB_FLAG_CROSS_REALM
};

krb5_error_code
cm_kdb_inner_entry(krb5_context context, const struct cm_principal *principal,
                   unsigned int flags, krb5_db_entry **out)
{
    krb5_principal name = NULL;
    krb5_error_code code = krb5_parse_name(context, principal->text, &name);

    if (code != 0)
        return code;
    code = cm_kdb_module_inner()->get_principal(context, name, flags, out);
    krb5_free_principal(context, name);
    return code;
}

/* libkrb5 asks another KDC after the one number, and waits for one where there
 * is none; after the other it gives up. */
static krb5_error_code
unavailable(krb5_context context, const struct cm_settings *settings)
{
    krb5_error_code code = settings->unavailable_discards
                               ? KRB5KDC_ERR_SVC_UNAVAILABLE
                               : KRB5KRB_ERR_GENERIC;

    krb5_set_error_message(context, code,
                           "certmap: the directory did not answer");
    return code;
}

/* An entry that is found or made, or none. */
static krb5_error_code
hand_over(krb5_context context, krb5_error_code code, krb5_db_entry *entry,
          krb5_db_entry **out)
{
    if (code == 0)
        *out = entry;
    else if (entry != NULL)
        krb5_db_free_principal(context, entry);
    return code;
}

/* The entry of a principal of one component. */
static krb5_error_code
inner_single(krb5_context context, const struct cm_settings *settings,
             const char *component, size_t len, unsigned int flags,
             krb5_db_entry **out)
{
    struct cm_principal principal;
    krb5_error_code code = KRB5_KDB_NOENTRY;

    if (!cm_principal_build(&component, &len, 1, settings->realm,
                            strlen(settings->realm), &principal))
        return code;
    code = cm_kdb_inner_entry(context, &principal, flags, out);
    cm_principal_clear(&principal);
    return code;
}

/*
 * directory = kdb has no index of UPNs.  There "name@dns_domain" is the
 * principal `name`, as it is written or in lower case; where both are there
 * it is neither.
 */
static krb5_error_code
find_implicit(krb5_context context, const struct cm_settings *settings,
              const struct cm_client_name *name, unsigned int flags,
              krb5_db_entry **out)
{
    size_t len = (size_t)(strchr(name->text, '@') - name->text);
    char lower[CM_CLIENT_NAME_MAX];
    krb5_db_entry *other = NULL;
    krb5_error_code code;

    if (!cm_text_equal_fold(name->text + len + 1, settings->policy.dns_domain))
        return KRB5_KDB_NOENTRY;
    for (size_t i = 0; i < len; i++) {
        char c = name->text[i];

        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    code = inner_single(context, settings, name->text, len, flags, out);
    if (memcmp(lower, name->text, len) == 0 ||
        (code != 0 && code != KRB5_KDB_NOENTRY))
        return code;
    if (code == KRB5_KDB_NOENTRY)
        return inner_single(context, settings, lower, len, flags, out);
    if (inner_single(context, settings, lower, len, flags, &other) != 0)
        return code;
    krb5_db_free_principal(context, other);
    krb5_db_free_principal(context, *out);
    *out = NULL;
    return KRB5_KDB_NOENTRY;
}

/* As the directory says.  KRB5_KDB_NOENTRY: nobody is meant. */
static krb5_error_code
find(krb5_context context, const struct cm_kdb_module_realm *realm,
     const struct cm_client_name *name, unsigned int flags,
     krb5_db_entry **out)
{
    const struct cm_settings *settings = &realm->realm->settings;
    struct cm_principal principal;
    krb5_error_code code;
    enum cm_reason reason;

    if (settings->directory.kind == CM_DIRECTORY_KDB)
        return find_implicit(context, settings, name, flags, out);
    reason = cm_kdb_lookup_name(
        realm->lookup, realm->realm->services.directory, name, &principal);
    if (reason == CM_ACCOUNT_NOT_FOUND || reason == CM_ACCOUNT_AMBIGUOUS)
        return KRB5_KDB_NOENTRY;
    if (reason != CM_OK)
        return unavailable(context, settings);
    code = cm_kdb_inner_entry(context, &principal, flags, out);
    cm_principal_clear(&principal);
    return code;
}

static krb5_error_code
find_upn(krb5_context context, const struct cm_kdb_module_realm *realm,
         const struct cm_client_name *name, unsigned int flags,
         krb5_db_entry **out)
{
    krb5_db_entry *entry = NULL;
    krb5_error_code code = find(context, realm, name, flags, &entry);

    if (code == 0)
        code = cm_kdb_mark(entry, CM_KDB_MARK_FOUND);
    return hand_over(context, code, entry, out);
}

/* An account that a card may prove; else KRB5_KDB_NOENTRY. */
static krb5_error_code
find_usable(krb5_context context, const struct cm_kdb_module_realm *realm,
            const struct cm_client_name *name, unsigned int flags,
            krb5_db_entry **out)
{
    krb5_timestamp now = 0;
    krb5_error_code code = krb5_timeofday(context, &now);

    if (code == 0)
        code = find(context, realm, name, flags, out);
    if (code != 0 || !cm_kdb_is_told_early(*out, now))
        return code;
    cm_kdb_log_nobodys(context, realm->realm->log, *out,
                       "is disabled, expired or has to change its password");
    krb5_db_free_principal(context, *out);
    *out = NULL;
    return KRB5_KDB_NOENTRY;
}

/* Known or not, the client is told the same: ask again with a card. */
static krb5_error_code
find_mapping(krb5_context context, const struct cm_kdb_module_realm *realm,
             const krb5_data *realm_name, const struct cm_client_name *name,
             unsigned int flags, krb5_db_entry **out)
{
    krb5_db_entry *entry = NULL;
    krb5_error_code code;

    /* What cannot be looked up at all is unknown, and all of it alike. */
    if (realm->realm->settings.directory.kind == CM_DIRECTORY_KDB)
        return KRB5_KDB_NOENTRY;
    code = find_usable(context, realm, name, flags, &entry);
    if (code == KRB5_KDB_NOENTRY)
        return cm_kdb_nobody(context, realm_name, out);
    if (code == 0)
        code = cm_kdb_card_only(context, entry);
    if (code == 0)
        code = cm_kdb_mark(entry, CM_KDB_MARK_CARD);
    return hand_over(context, code, entry, out);
}

/* A client's other name, well formed.  The caller clears it. */
static bool
read_name(krb5_const_principal name, unsigned int flags,
          struct cm_client_name *out)
{
    if ((flags & NEEDED_FLAGS) != NEEDED_FLAGS || (flags & OTHER_FLAGS) != 0 ||
        name->length != 1)
        return false;
    if (name->type == KRB5_NT_ENTERPRISE_PRINCIPAL)
        return cm_client_name_upn(name->data[0].data, name->data[0].length,
                                  out);
    if (name->type == KRB5_NT_X500_PRINCIPAL)
        return cm_client_name_mapping(name->data[0].data, name->data[0].length,
                                      out);
    return false;
}

static krb5_error_code
find_other(krb5_context context, krb5_const_principal name,
           const struct cm_client_name *other, unsigned int flags,
           krb5_db_entry **out)
{
    struct cm_kdb_module_realm realm;

    switch (cm_kdb_module_realm(context, &name->realm, &realm)) {
    case CM_KDB_MODULE_OURS:
        break;
    case CM_KDB_MODULE_NOT:
    case CM_KDB_MODULE_BROKEN:
        return KRB5_KDB_NOENTRY;
    }
    switch (other->kind) {
    case CM_CLIENT_NAME_UPN:
        return find_upn(context, &realm, other, flags, out);
    case CM_CLIENT_NAME_MAPPING:
        return find_mapping(context, &realm, &name->realm, other, flags, out);
    }
    return KRB5_KDB_NOENTRY;
}

krb5_error_code
cm_kdb_get_principal(krb5_context context, krb5_const_principal name,
                     unsigned int flags, krb5_db_entry **out)
{
    struct cm_client_name other;
    krb5_error_code code =
        cm_kdb_module_inner()->get_principal(context, name, flags, out);

    if (code != KRB5_KDB_NOENTRY || !read_name(name, flags, &other))
        return code;
    cm_kdb_module_lock();
    code = find_other(context, name, &other, flags, out);
    cm_kdb_module_unlock();
    cm_client_name_clear(&other);
    return code;
}
