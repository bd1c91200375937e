/*
 * A certauth module for tests: it answers what the string attribute
 * "send_error" of the client's entry says, a number of RFC 4120 section 7.5.9
 * or "discard".  So a test learns which answers the KDC passes on.
 */
#include <stdlib.h>
#include <string.h>

#include <krb5.h>
#include <kdb.h>
#include <krb5/certauth_plugin.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT krb5_error_code certauth_send_error_initvt(krb5_context context,
                                                  int maj_ver, int min_ver,
                                                  krb5_plugin_vtable vtable);

static krb5_error_code
answer(const char *text)
{
    if (strcmp(text, "discard") == 0)
        return KRB5KDC_ERR_DISCARD;
    if (strcmp(text, "0") == 0)
        return 0;
    return KRB5KDC_ERR_NONE + (krb5_error_code)strtol(text, NULL, 10);
}

static krb5_error_code
authorize(krb5_context context, krb5_certauth_moddata moddata,
          const uint8_t *cert, size_t cert_len, krb5_const_principal princ,
          const void *opts, const struct _krb5_db_entry_new *db_entry,
          char ***authinds_out)
{
    krb5_db_entry *entry = (krb5_db_entry *)(uintptr_t)db_entry;
    krb5_error_code ret;
    char *text = NULL;

    (void)moddata;
    (void)cert;
    (void)cert_len;
    (void)princ;
    (void)opts;
    *authinds_out = NULL;
    ret = krb5_dbe_get_string(context, entry, "send_error", &text);
    if (ret || text == NULL)
        return KRB5KDC_ERR_CLIENT_NOT_TRUSTED;
    ret = answer(text);
    krb5_dbe_free_string(context, text);
    return ret;
}

krb5_error_code
certauth_send_error_initvt(krb5_context context, int maj_ver, int min_ver,
                           krb5_plugin_vtable vtable)
{
    krb5_certauth_vtable vt = (krb5_certauth_vtable)vtable;

    (void)context;
    (void)min_ver;
    if (maj_ver != 1)
        return KRB5_PLUGIN_VER_NOTSUPP;
    vt->name = "send_error";
    vt->authorize = authorize;
    return 0;
}
