/*
 * One verify call of the kdcpreauth module, from the stock module's answer to
 * the KDC's.
 *
 * What the KDC hands over (request, rock, the ticket's part) stays valid until
 * it is answered.  A KDC that ends does not wait for that: then the login is
 * dropped, without an answer, and touches nothing of the KDC's.
 */
#ifndef CM_KDCPREAUTH_LOGIN_H
#define CM_KDCPREAUTH_LOGIN_H

#include <krb5.h>
#include <krb5/kdcpreauth_plugin.h>

#include "journal.h"
#include "realm.h"
#include "reference.h"
#include "stock.h"
#include "workers.h"

enum {
    CM_PA_PK_AS_REP_OLD = 14, /* of a draft before RFC 4556; both directions */
    CM_PA_PK_AS_REQ_OLD = 15,
    CM_PA_PK_AS_REQ = 16,
    CM_PA_PKINIT_KX = 147,
    CM_CALLBACKS = 6 /* the callbacks of krb5 1.20 */
};

struct cm_kdc_login;

/* What the module keeps.  Anything but the dead may be NULL: no memory. */
struct krb5_kdcpreauth_moddata_st {
    struct cm_journal *journal;
    struct cm_realms *realms;
    struct cm_stock *stock;
    struct cm_workers *workers;
    struct cm_kdc_login *dead; /* logins that stock has not answered yet */
    /* Of the refusal that the KDC is being told; "" otherwise. */
    char telling[CM_REFERENCE_SIZE];
};

/* What the KDC keeps between verify and return_padata: the stock module's
 * own, with the generation that made it and must end it. */
struct krb5_kdcpreauth_modreq_st {
    struct cm_generation *generation; /* held */
    krb5_kdcpreauth_modreq stock;
};

/* The verify method. */
void cm_kdc_verify(krb5_context context, krb5_data *req_pkt,
                   krb5_kdc_req *request, krb5_enc_tkt_part *enc_tkt_reply,
                   krb5_pa_data *data, krb5_kdcpreauth_callbacks cb,
                   krb5_kdcpreauth_rock rock, krb5_kdcpreauth_moddata module,
                   krb5_kdcpreauth_verify_respond_fn respond, void *arg);

/* The edata method for CM_REFERENCE_TYPE: a hint while a refusal with a
 * reference is being told, and none otherwise.  module may be NULL. */
void cm_kdc_hint(krb5_kdcpreauth_moddata module,
                 krb5_kdcpreauth_edata_respond_fn respond, void *arg);

/* Frees the dead ones, at the module's end. */
void cm_kdc_bury(krb5_kdcpreauth_moddata module);

#endif
