#include "fake_pkinit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct krb5_kdcpreauth_modreq_st {
    int unused;
};

extern struct fake_pkinit fake_pkinit;
void fake_pkinit_late(void);
krb5_error_code kdcpreauth_pkinit_initvt(krb5_context context, int maj_ver,
                                         int min_ver,
                                         krb5_plugin_vtable vtable);

EXPORT struct fake_pkinit fake_pkinit;

static void
answer_yes(krb5_kdcpreauth_verify_respond_fn respond, void *arg)
{
    krb5_kdcpreauth_modreq modreq = calloc(1, sizeof(*modreq));

    fake_pkinit.live++;
    respond(arg, 0, modreq, NULL, NULL);
}

EXPORT void
fake_pkinit_late(void)
{
    answer_yes(fake_pkinit.respond, fake_pkinit.arg);
}

static void
answer_no_with_data(krb5_kdcpreauth_verify_respond_fn respond, void *arg)
{
    krb5_pa_data **list = calloc(2, sizeof(*list));
    krb5_pa_data *element = calloc(1, sizeof(*element));

    if (list == NULL || element == NULL)
        abort();
    element->pa_type = FAKE_PKINIT_E_DATA;
    element->length = sizeof(FAKE_PKINIT_VALUE) - 1;
    element->contents = (krb5_octet *)strdup(FAKE_PKINIT_VALUE);
    list[0] = element;
    respond(arg, KRB5KDC_ERR_CANT_VERIFY_CERTIFICATE, NULL, list, NULL);
}

static krb5_error_code
ask_certauth(krb5_context context, krb5_kdc_req *request, void *entry)
{
    char **indicators = NULL;
    krb5_error_code code = fake_pkinit.certauth->authorize(
        context, NULL, fake_pkinit.certificate, fake_pkinit.certificate_len,
        request->client, NULL, entry, &indicators);

    if (indicators != NULL)
        abort(); /* never inside a record */
    return code == KRB5_PLUGIN_NO_HANDLE ? 0 : code;
}

static void
verify(krb5_context context, krb5_data *req_pkt, krb5_kdc_req *request,
       krb5_enc_tkt_part *ticket, krb5_pa_data *data,
       krb5_kdcpreauth_callbacks cb, krb5_kdcpreauth_rock rock,
       krb5_kdcpreauth_moddata moddata,
       krb5_kdcpreauth_verify_respond_fn respond, void *arg)
{
    krb5_error_code code = 0;
    bool answered = false;

    (void)req_pkt;
    (void)moddata;
    fake_pkinit.respond = respond;
    fake_pkinit.arg = arg;
    for (unsigned i = 0; code == 0 && i < data->length; i++) {
        switch (data->contents[i]) {
        case 'A':
            code = ask_certauth(context, request,
                                cb->client_entry(context, rock));
            break;
        case 'I':
            code = cb->add_auth_indicator(context, rock, "fake");
            break;
        case 'P':
            ticket->flags |= TKT_FLG_PRE_AUTH;
            break;
        case 'H':
            ticket->flags |= TKT_FLG_HW_AUTH;
            break;
        case 'R':
            fake_pkinit.again();
            break;
        case 'Y':
            answer_yes(respond, arg);
            answered = true;
            break;
        case 'E':
            answer_no_with_data(respond, arg);
            answered = true;
            break;
        case 'N':
            code = KRB5KRB_AP_ERR_SKEW;
            break;
        default:
            abort();
        }
    }
    if (code != 0 && !answered)
        respond(arg, code, NULL, NULL, NULL);
}

static int
flags(krb5_context context, krb5_preauthtype type)
{
    (void)context;
    (void)type;
    return PA_SUFFICIENT;
}

static void
edata(krb5_context context, krb5_kdc_req *request,
      krb5_kdcpreauth_callbacks cb, krb5_kdcpreauth_rock rock,
      krb5_kdcpreauth_moddata moddata, krb5_preauthtype type,
      krb5_kdcpreauth_edata_respond_fn respond, void *arg)
{
    (void)context;
    (void)request;
    (void)cb;
    (void)rock;
    (void)moddata;
    (void)type;
    respond(arg, 0, NULL);
}

static krb5_error_code
init(krb5_context context, krb5_kdcpreauth_moddata *moddata,
     const char **realms)
{
    (void)context;
    (void)realms;
    *moddata = NULL;
    return 0;
}

static void
fini(krb5_context context, krb5_kdcpreauth_moddata moddata)
{
    (void)context;
    (void)moddata;
}

static krb5_error_code
return_padata(krb5_context context, krb5_pa_data *padata, krb5_data *req_pkt,
              krb5_kdc_req *request, krb5_kdc_rep *reply, krb5_keyblock *key,
              krb5_pa_data **out, krb5_kdcpreauth_callbacks cb,
              krb5_kdcpreauth_rock rock, krb5_kdcpreauth_moddata moddata,
              krb5_kdcpreauth_modreq modreq)
{
    (void)context;
    (void)padata;
    (void)req_pkt;
    (void)request;
    (void)reply;
    (void)key;
    (void)out;
    (void)cb;
    (void)rock;
    (void)moddata;
    return modreq != NULL ? 0 : ENOENT;
}

static void
free_modreq(krb5_context context, krb5_kdcpreauth_moddata moddata,
            krb5_kdcpreauth_modreq modreq)
{
    (void)context;
    (void)moddata;
    if (modreq != NULL)
        fake_pkinit.live--;
    free(modreq);
}

EXPORT krb5_error_code
kdcpreauth_pkinit_initvt(krb5_context context, int maj_ver, int min_ver,
                         krb5_plugin_vtable vtable)
{
    static krb5_preauthtype types[] = {KRB5_PADATA_PK_AS_REQ, 0};
    krb5_kdcpreauth_vtable vt = (krb5_kdcpreauth_vtable)vtable;

    (void)context;
    (void)maj_ver;
    (void)min_ver;
    vt->name = "pkinit";
    vt->pa_type_list = types;
    vt->init = init;
    vt->fini = fini;
    vt->flags = flags;
    vt->edata = edata;
    vt->verify = verify;
    vt->return_padata = return_padata;
    vt->free_modreq = free_modreq;
    return 0;
}
