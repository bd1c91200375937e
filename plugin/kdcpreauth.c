/*
 * The kdcpreauth module: stock PKINIT, with our verdict after its own, and
 * without the KDC waiting for it.
 *
 * It is registered with `disable = pkinit`, and loads the stock module itself.
 *
 * What becomes of a failure, with that line: a module that cannot be loaded,
 * or whose init fails, leaves the KDC without PKINIT; nobody logs in with a
 * card.  Without the line the stock module is there as well; then it asks our
 * certauth module, which decides by itself.  Neither lets anyone in whom we
 * would refuse.  But a KDC that offers no PKINIT says so to nobody.  So init
 * does not fail: what is missing then (memory, a key of the KDC's, the stock
 * module itself) refuses each login and says why in the log, and is looked at
 * again, so that a repaired file needs no restart.
 *
 * Not handed through: a `loop` method (no version of the stock module has
 * one).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <krb5.h>
#include <krb5/kdcpreauth_plugin.h>

#include "kdcpreauth_answer.h"
#include "kdcpreauth_login.h"

/* Of the stock module.  It has not always had the names. */
enum { PA_INFO_FLAG = 0x02 };

/* The last is only a hint to those who are refused. */
static krb5_preauthtype types[] = {CM_PA_PK_AS_REQ, CM_PA_PKINIT_KX,
                                   CM_REFERENCE_TYPE, 0};

/* Called without module data, so these are the stock module's as they have
 * been since krb5 1.12.  Where hardware is required, the KDC leaves out the
 * hints of what is none. */
static int
flags(krb5_context context, krb5_preauthtype type)
{
    (void)context;
    if (type == CM_PA_PKINIT_KX)
        return PA_INFO_FLAG;
    if (type == CM_REFERENCE_TYPE)
        return PA_INFO_FLAG | PA_HARDWARE;
    return PA_SUFFICIENT | PA_REPLACES_KEY | PA_TYPED_E_DATA | PA_HARDWARE;
}

static struct cm_generation *
current(krb5_kdcpreauth_moddata module)
{
    struct cm_detail why;

    if (module == NULL || module->stock == NULL)
        return NULL;
    return cm_stock_current(module->stock, cm_system_clock.monotonic_ms(NULL),
                            &why);
}

static void
edata(krb5_context context, krb5_kdc_req *request,
      krb5_kdcpreauth_callbacks cb, krb5_kdcpreauth_rock rock,
      krb5_kdcpreauth_moddata module, krb5_preauthtype type,
      krb5_kdcpreauth_edata_respond_fn respond, void *arg)
{
    struct cm_generation *generation;

    if (type == CM_REFERENCE_TYPE) {
        cm_kdc_hint(module, respond, arg);
        return;
    }
    generation = current(module);
    if (generation == NULL) {
        respond(arg, EINVAL, NULL); /* PKINIT is not offered */
        return;
    }
    if (generation->vt.edata != NULL)
        generation->vt.edata(context, request, cb, rock, generation->moddata,
                             type, respond, arg);
    else
        respond(arg, 0, NULL);
    cm_generation_release(generation);
}

static bool
asks_pkinit(const krb5_kdc_req *request)
{
    for (krb5_pa_data **pa = request->padata; pa != NULL && *pa != NULL;
         pa++) {
        if ((*pa)->pa_type == CM_PA_PK_AS_REQ)
            return true;
    }
    return false;
}

/*
 * A reply to a request that stock did not accept.  The KDC asks every module,
 * with made-up data where the client sent none.  One that tried PKINIT and was
 * refused gets no ticket, whatever else it sent; a password login is none of
 * our business; PKINIT_KX is stock's, which answers anonymous clients only.
 */
static krb5_error_code
return_without_modreq(krb5_context context, krb5_pa_data *padata,
                      krb5_data *req_pkt, krb5_kdc_req *request,
                      krb5_kdc_rep *reply, krb5_keyblock *encrypting_key,
                      krb5_pa_data **send_pa_out, krb5_kdcpreauth_callbacks cb,
                      krb5_kdcpreauth_rock rock,
                      krb5_kdcpreauth_moddata module)
{
    struct cm_generation *generation;
    krb5_error_code code;

    if (padata != NULL && padata->pa_type == CM_REFERENCE_TYPE)
        return 0;
    if (padata == NULL || padata->pa_type != CM_PA_PKINIT_KX)
        return asks_pkinit(request) ? EINVAL : 0;
    if (!krb5_principal_compare(context, request->client,
                                krb5_anonymous_principal()))
        return 0;
    generation = current(module);
    if (generation == NULL)
        return EINVAL;
    code = cm_generation_return_padata(generation, context, padata, req_pkt,
                                       request, reply, encrypting_key,
                                       send_pa_out, cb, rock, NULL);
    cm_generation_release(generation);
    return code;
}

static krb5_error_code
return_padata(krb5_context context, krb5_pa_data *padata, krb5_data *req_pkt,
              krb5_kdc_req *request, krb5_kdc_rep *reply,
              krb5_keyblock *encrypting_key, krb5_pa_data **send_pa_out,
              krb5_kdcpreauth_callbacks cb, krb5_kdcpreauth_rock rock,
              krb5_kdcpreauth_moddata module, krb5_kdcpreauth_modreq modreq)
{
    *send_pa_out = NULL;
    if (modreq == NULL)
        return return_without_modreq(context, padata, req_pkt, request, reply,
                                     encrypting_key, send_pa_out, cb, rock,
                                     module);
    return cm_generation_return_padata(modreq->generation, context, padata,
                                       req_pkt, request, reply, encrypting_key,
                                       send_pa_out, cb, rock, modreq->stock);
}

static void
free_modreq(krb5_context context, krb5_kdcpreauth_moddata module,
            krb5_kdcpreauth_modreq modreq)
{
    struct cm_generation *generation;

    (void)module;
    if (modreq == NULL)
        return;
    generation = modreq->generation;
    if (modreq->stock != NULL && generation->vt.free_modreq != NULL)
        generation->vt.free_modreq(context, generation->moddata,
                                   modreq->stock);
    cm_generation_release(generation);
    free(modreq);
}

/* The KDC's log does not say which module a line is from. */
static void
name_line(void *context, enum cm_severity severity, const char *text)
{
    cm_log_write(cm_journal_log(context), severity, "certmap: %s", text);
}

/* Opens nothing that a fork would share: the KDC's workers start later. */
static krb5_error_code
init(krb5_context context, krb5_kdcpreauth_moddata *moddata_out,
     const char **realm_names)
{
    krb5_kdcpreauth_moddata module = calloc(1, sizeof(*module));
    struct cm_log named;

    (void)context;
    *moddata_out = NULL;
    if (module == NULL)
        return 0;
    module->journal = cm_journal_new(&cm_kdc_log);
    if (module->journal == NULL) {
        free(module);
        return 0;
    }
    *moddata_out = module;
    named = (struct cm_log){name_line, module->journal};
    module->realms = cm_realms_new(cm_journal_log(module->journal));
    module->workers = cm_workers_new();
    module->stock =
        cm_stock_new(NULL, (const char *const *)realm_names, &named);
    return 0;
}

/* Threads first: what they use goes after them. */
static void
fini(krb5_context context, krb5_kdcpreauth_moddata module)
{
    (void)context;
    if (module == NULL)
        return;
    cm_workers_free(module->workers);
    cm_kdc_bury(module);
    cm_stock_free(module->stock);
    cm_realms_free(module->realms);
    cm_journal_free(module->journal);
    free(module);
}

krb5_error_code kdcpreauth_certmap_initvt(krb5_context context, int maj_ver,
                                          int min_ver,
                                          krb5_plugin_vtable vtable);

__attribute__((visibility("default"))) krb5_error_code
kdcpreauth_certmap_initvt(krb5_context context, int maj_ver, int min_ver,
                          krb5_plugin_vtable vtable)
{
    krb5_kdcpreauth_vtable vt = (krb5_kdcpreauth_vtable)vtable;

    (void)context;
    (void)min_ver;
    if (maj_ver != 1)
        return KRB5_PLUGIN_VER_NOTSUPP;
    vt->name = "certmap";
    vt->pa_type_list = types;
    vt->init = init;
    vt->fini = fini;
    vt->flags = flags;
    vt->edata = edata;
    vt->verify = cm_kdc_verify;
    vt->return_padata = return_padata;
    vt->free_modreq = free_modreq;
    return 0;
}
