#include "login_name.h"

#include <string.h>

#include "kdb_names.h"

static krb5_error_code
make_component(krb5_context context, const char *text, krb5_int32 type,
               krb5_principal *out)
{
    krb5_principal made = NULL;
    krb5_error_code ret;
    char *realm = NULL;

    ret = krb5_get_default_realm(context, &realm);
    if (ret == 0)
        ret = krb5_build_principal(context, &made, (unsigned)strlen(realm),
                                   realm, text, (char *)NULL);
    krb5_free_default_realm(context, realm);
    if (ret != 0)
        return ret;
    made->type = type;
    *out = made;
    return 0;
}

krb5_error_code
cm_login_name_make(krb5_context context, const struct cm_login_name *name,
                   krb5_principal *out)
{
    size_t len = strnlen(name->text, CM_LOGIN_NAME_MAX + 1);

    *out = NULL;
    if (len == 0 || len > CM_LOGIN_NAME_MAX) {
        krb5_set_error_message(context, KRB5_PARSE_MALFORMED,
                               len == 0 ? "The name is empty"
                                        : "The name is longer than %d bytes",
                               CM_LOGIN_NAME_MAX);
        return KRB5_PARSE_MALFORMED;
    }
    switch (name->kind) {
    case CM_LOGIN_PRINCIPAL:
        return krb5_parse_name(context, name->text, out);
    case CM_LOGIN_ENTERPRISE:
        return make_component(context, name->text,
                              KRB5_NT_ENTERPRISE_PRINCIPAL, out);
    case CM_LOGIN_X500:
        return make_component(context, name->text, KRB5_NT_X500_PRINCIPAL,
                              out);
    }
    return KRB5_PARSE_MALFORMED;
}

static bool
is_well_known(krb5_const_principal principal)
{
    const krb5_data *first = &principal->data[0];

    return principal->type == KRB5_NT_WELLKNOWN ||
           (first->length == strlen(CM_NOBODY_FIRST) &&
            memcmp(first->data, CM_NOBODY_FIRST, first->length) == 0);
}

bool
cm_login_name_is_ordinary(krb5_context context, krb5_const_principal asked,
                          krb5_const_principal got)
{
    return got->length > 0 && krb5_realm_compare(context, asked, got) &&
           got->type != KRB5_NT_ENTERPRISE_PRINCIPAL &&
           got->type != KRB5_NT_X500_PRINCIPAL && !is_well_known(got);
}
