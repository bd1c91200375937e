/*
 * The kdcpreauth module certmap_ocsp: the reply to a client that asks carries
 * the OCSP response about the KDC's own certificate (RFC 4557).
 *
 * It has no verify method: what a client staples is read where its PKINIT
 * request is judged.  A second verify could say yes to a request whose PKINIT
 * was refused.
 *
 * Without it, or where anything fails in it, replies go out as they are: a
 * client that insists on a response says so itself.
 */
#include <stdlib.h>
#include <string.h>

#include <krb5.h>
#include <krb5/kdcpreauth_plugin.h>

#include "kdcpreauth_login.h"
#include "realm.h"
#include "staple.h"
#include "stock_staple.h"

static krb5_preauthtype types[] = {CM_PA_PK_OCSP_RESPONSE, 0};

struct place {
    const struct cm_realm *realm;
    struct cm_stock_staple *staple;
};

struct ocsp_module {
    struct cm_realms *realms;
    struct place places[CM_REALMS_MAX];
    size_t count;
};

/* Not listed among what a client may try: there is nothing to try. */
static int
flags(krb5_context context, krb5_preauthtype type)
{
    (void)context;
    (void)type;
    return PA_PSEUDO;
}

static const krb5_pa_data *
find_padata(const krb5_kdc_req *request, krb5_preauthtype type)
{
    for (krb5_pa_data **pa = request->padata; pa != NULL && *pa != NULL;
         pa++) {
        if ((*pa)->pa_type == type)
            return *pa;
    }
    return NULL;
}

/* The realm's; NULL: it has no settings in force, or no memory. */
static const struct place *
find_place(struct ocsp_module *module, krb5_context context, const char *name)
{
    const struct cm_realm *realm =
        cm_realms_get(module->realms, context, name);
    struct place *place;

    if (realm == NULL || realm->state != CM_REALM_READY)
        return NULL;
    for (size_t i = 0; i < module->count; i++) {
        if (module->places[i].realm == realm)
            return &module->places[i];
    }
    place = &module->places[module->count];
    place->realm = realm;
    place->staple = cm_stock_staple_new(context, name);
    if (place->staple == NULL)
        return NULL;
    module->count++;
    return place;
}

static krb5_pa_data *
make_padata(struct cm_blob value)
{
    krb5_pa_data *pa = calloc(1, sizeof(*pa));
    uint8_t *copy = malloc(value.len);

    if (pa == NULL || copy == NULL) {
        free(pa);
        free(copy);
        return NULL;
    }
    memcpy(copy, value.data, value.len);
    pa->magic = KV5M_PA_DATA;
    pa->pa_type = CM_PA_PK_OCSP_RESPONSE;
    pa->length = (unsigned int)value.len;
    pa->contents = copy;
    return pa;
}

/* Whatever the client staples asks for ours, however often it says so. */
static krb5_error_code
return_padata(krb5_context context, krb5_pa_data *padata, krb5_data *req_pkt,
              krb5_kdc_req *request, krb5_kdc_rep *reply,
              krb5_keyblock *encrypting_key, krb5_pa_data **send_pa_out,
              krb5_kdcpreauth_callbacks cb, krb5_kdcpreauth_rock rock,
              krb5_kdcpreauth_moddata moddata, krb5_kdcpreauth_modreq modreq)
{
    struct ocsp_module *module = (struct ocsp_module *)moddata;
    const struct place *place = NULL;
    struct cm_blob value = {NULL, 0};
    char *name;

    (void)padata, (void)req_pkt, (void)reply, (void)encrypting_key;
    (void)cb, (void)rock, (void)modreq;
    *send_pa_out = NULL;
    if (module == NULL || request->server == NULL ||
        find_padata(request, CM_PA_PK_OCSP_RESPONSE) == NULL ||
        find_padata(request, CM_PA_PK_AS_REQ) == NULL)
        return 0;
    name = strndup(request->server->realm.data, request->server->realm.length);
    if (name != NULL)
        place = find_place(module, context, name);
    if (place != NULL)
        value = cm_stock_staple_current(place->staple, place->realm);
    if (value.len > 0)
        *send_pa_out = make_padata(value);
    free(name);
    return 0;
}

/* Whatever is wrong with a realm's settings is in the log already: the module
 * certmap reads them too. */
static krb5_error_code
init(krb5_context context, krb5_kdcpreauth_moddata *moddata_out,
     const char **realm_names)
{
    struct ocsp_module *module = calloc(1, sizeof(*module));

    (void)context;
    (void)realm_names;
    *moddata_out = NULL;
    if (module == NULL)
        return 0;
    module->realms = cm_realms_new(NULL);
    if (module->realms == NULL)
        free(module);
    else
        *moddata_out = (krb5_kdcpreauth_moddata)module;
    return 0;
}

static void
fini(krb5_context context, krb5_kdcpreauth_moddata moddata)
{
    struct ocsp_module *module = (struct ocsp_module *)moddata;

    (void)context;
    if (module == NULL)
        return;
    for (size_t i = 0; i < module->count; i++)
        cm_stock_staple_free(module->places[i].staple);
    cm_realms_free(module->realms);
    free(module);
}

krb5_error_code kdcpreauth_certmap_ocsp_initvt(krb5_context context,
                                               int maj_ver, int min_ver,
                                               krb5_plugin_vtable vtable);

__attribute__((visibility("default"))) krb5_error_code
kdcpreauth_certmap_ocsp_initvt(krb5_context context, int maj_ver, int min_ver,
                               krb5_plugin_vtable vtable)
{
    krb5_kdcpreauth_vtable vt = (krb5_kdcpreauth_vtable)vtable;

    (void)context;
    (void)min_ver;
    if (maj_ver != 1)
        return KRB5_PLUGIN_VER_NOTSUPP;
    vt->name = "certmap_ocsp";
    vt->pa_type_list = types;
    vt->init = init;
    vt->fini = fini;
    vt->flags = flags;
    vt->return_padata = return_padata;
    return 0;
}
