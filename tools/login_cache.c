#include "login_cache.h"

#include <stdbool.h>
#include <string.h>

/* The key of the cache's configuration that krb5's "ccache file format"
 * documentation calls so; krb5.h does not. */
#define PA_TYPE "pa_type"
#define PA_PK_AS_REQ_TEXT "16"

krb5_error_code
cm_login_cache_pin(krb5_context context, krb5_principal client,
                   krb5_ccache *out)
{
    krb5_data type = {.length = strlen(PA_PK_AS_REQ_TEXT),
                      .data = (char[]){PA_PK_AS_REQ_TEXT}};
    krb5_principal server = NULL;
    krb5_ccache cache = NULL;
    krb5_error_code ret;

    *out = NULL;
    ret = krb5_build_principal(context, &server, client->realm.length,
                               client->realm.data, KRB5_TGS_NAME,
                               client->realm.data, (char *)NULL);
    if (ret == 0)
        ret = krb5_cc_new_unique(context, "MEMORY", NULL, &cache);
    if (ret == 0)
        ret = krb5_cc_initialize(context, cache, client);
    if (ret == 0)
        ret = krb5_cc_set_config(context, cache, server, PA_TYPE, &type);
    krb5_free_principal(context, server);
    if (ret == 0)
        *out = cache;
    else if (cache != NULL)
        (void)krb5_cc_destroy(context, cache);
    return ret;
}

static bool
is_empty(krb5_context context, krb5_ccache cache)
{
    krb5_principal principal = NULL;
    bool empty = krb5_cc_get_principal(context, cache, &principal) != 0;

    krb5_free_principal(context, principal);
    return empty;
}

/* Of a collection, where the default cache's type has them: the client's own
 * cache, or a new one beside that of somebody else. */
static krb5_error_code
choose_in_collection(krb5_context context, krb5_ccache standard,
                     krb5_principal client, krb5_ccache *out)
{
    const char *type = krb5_cc_get_type(context, standard);
    krb5_error_code ret;

    if (!krb5_cc_support_switch(context, type))
        return 0;
    ret = krb5_cc_cache_match(context, client, out);
    if (ret != KRB5_CC_NOTFOUND)
        return ret;
    if (is_empty(context, standard))
        return 0;
    return krb5_cc_new_unique(context, type, NULL, out);
}

static krb5_error_code
choose(krb5_context context, krb5_principal client, const char *named,
       krb5_ccache *out, bool *collected)
{
    krb5_ccache standard = NULL, chosen = NULL;
    krb5_error_code ret;

    *collected = false;
    if (named != NULL)
        return krb5_cc_resolve(context, named, out);
    ret = krb5_cc_default(context, &standard);
    if (ret == 0)
        ret = choose_in_collection(context, standard, client, &chosen);
    *collected = chosen != NULL;
    if (ret == 0 && chosen == NULL) {
        chosen = standard;
        standard = NULL;
    }
    if (standard != NULL)
        (void)krb5_cc_close(context, standard);
    if (ret == 0)
        *out = chosen;
    else if (chosen != NULL)
        (void)krb5_cc_close(context, chosen);
    return ret;
}

krb5_error_code
cm_login_cache_store(krb5_context context, krb5_ccache kept,
                     krb5_principal client, const char *named, char **name)
{
    krb5_ccache cache = NULL;
    krb5_error_code ret;
    char *text = NULL;
    bool collected;

    *name = NULL;
    ret = choose(context, client, named, &cache, &collected);
    if (ret != 0)
        return ret;
    ret = krb5_cc_get_full_name(context, cache, &text);
    if (ret == 0)
        ret = krb5_cc_move(context, kept, cache);
    if (ret == 0 && collected)
        /* Kept in its cache all the same, which is named to the user. */
        (void)krb5_cc_switch(context, cache);
    if (ret == 0)
        *name = text;
    else
        krb5_free_string(context, text);
    (void)krb5_cc_close(context, cache);
    return ret;
}
