#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "kdcpreauth_answer.h"
#include "kdcpreauth_evidence.h"
#include "kdcpreauth_parts.h"

void
cm_kdc_free_modreq(struct cm_kdc_login *login, krb5_kdcpreauth_modreq modreq)
{
    struct cm_generation *generation = login->generation;

    if (modreq != NULL && generation->vt.free_modreq != NULL)
        generation->vt.free_modreq(login->context, generation->moddata,
                                   modreq);
}

/* krb5.h does not declare libkrb5's own. */
void
cm_kdc_free_pa_data(krb5_pa_data **list)
{
    for (krb5_pa_data **p = list; p != NULL && *p != NULL; p++) {
        free((*p)->contents);
        free(*p);
    }
    free(list);
}

void
cm_kdc_login_free(struct cm_kdc_login *login)
{
    cm_kdc_free_modreq(login, login->modreq);
    cm_kdc_free_pa_data(login->e_data);
    krb5_free_authdata(login->context, login->authz);
    if (login->generation != NULL)
        cm_generation_release(login->generation);
    cm_outcome_clear(&login->outcome);
    cm_evidence_clear(&login->subject);
    cm_record_clear(&login->record);
    free(login);
}

void
cm_kdc_bury(krb5_kdcpreauth_moddata module)
{
    struct cm_kdc_login *login;

    while ((login = module->dead) != NULL) {
        module->dead = login->next;
        cm_kdc_login_free(login);
    }
}

/* The evidence that certauth left, or else at least who it is about. */
static const struct cm_login_evidence *
evidence_of(const struct cm_kdc_login *login)
{
    const struct cm_login_evidence *left = &login->record.evidence;

    return left->principal.text != NULL ? left : &login->subject;
}

const struct cm_settings *
cm_kdc_settings(const struct cm_kdc_login *login)
{
    return cm_evidence_settings(&login->subject);
}

/* ---- The answer ---- */

static struct krb5_kdcpreauth_modreq_st *
wrap(struct cm_kdc_login *login)
{
    struct krb5_kdcpreauth_modreq_st *modreq = calloc(1, sizeof(*modreq));

    if (modreq == NULL)
        return NULL;
    modreq->generation = cm_generation_hold(login->generation);
    modreq->stock = login->modreq;
    login->modreq = NULL;
    return modreq;
}

static void
unwrap(struct cm_kdc_login *login, struct krb5_kdcpreauth_modreq_st *modreq)
{
    if (modreq == NULL)
        return;
    login->modreq = modreq->stock;
    cm_generation_release(modreq->generation);
    free(modreq);
}

/* What is not handed on after all stays the login's. */
static void
take_back(struct cm_kdc_login *login, krb5_kdcpreauth_modreq modreq,
          krb5_pa_data **e_data, krb5_authdata **authz)
{
    unwrap(login, modreq);
    if (e_data != NULL)
        login->e_data = e_data;
    if (authz != NULL)
        login->authz = authz;
}

/* The one place where the KDC is answered; the login is gone after it.  One
 * that stock may still answer is kept for that, among the dead. */
static void
reply(struct cm_kdc_login *login, krb5_error_code code,
      krb5_kdcpreauth_modreq modreq, krb5_pa_data **e_data,
      krb5_authdata **authz)
{
    krb5_kdcpreauth_verify_respond_fn respond = login->respond;
    krb5_kdcpreauth_moddata module = login->module;
    char before[CM_REFERENCE_SIZE];
    void *arg = login->arg;

    if (!cm_record_answer(&login->record)) {
        take_back(login, modreq, e_data, authz); /* never twice */
        return;
    }
    memcpy(before, module->telling, sizeof(before));
    memcpy(module->telling, login->outcome.reference, sizeof(before));
    if (login->record.entered && !login->record.responded) {
        login->next = module->dead;
        module->dead = login;
    } else {
        cm_kdc_login_free(login);
    }
    respond(arg, code, modreq, e_data, authz);
    memcpy(module->telling, before, sizeof(before));
}

void
cm_kdc_refuse(struct cm_kdc_login *login, enum cm_reason reason)
{
    krb5_error_code code =
        cm_refusal(login->context, cm_kdc_settings(login), reason);

    cm_record_refuse(&login->record);
    reply(login, code, NULL, cm_kdc_add_reference(login, code, NULL), NULL);
}

void
cm_kdc_discard(struct cm_kdc_login *login)
{
    cm_record_refuse(&login->record);
    krb5_set_error_message(login->context, KRB5KDC_ERR_DISCARD, "certmap: %s",
                           login->outcome.detail.text);
    reply(login, KRB5KDC_ERR_DISCARD, NULL, NULL, NULL);
}

/* Stock's own refusal, as it gave it. */
void
cm_kdc_keep_message(struct cm_kdc_login *login, krb5_error_code code)
{
    const char *message = krb5_get_error_message(login->context, code);

    cm_detail_set(&login->said, "%s", message);
    krb5_free_error_message(login->context, message);
}

void
cm_kdc_pass_refusal(struct cm_kdc_login *login)
{
    krb5_pa_data **e_data =
        cm_kdc_add_reference(login, login->code, login->e_data);

    login->e_data = NULL;
    cm_record_refuse(&login->record);
    /* The KDC's own lines say it. */
    krb5_set_error_message(login->context, login->code, "%s",
                           login->said.text);
    reply(login, login->code, NULL, e_data, NULL);
}

static bool
assert_all(struct cm_kdc_login *login, const struct cm_text_list *indicators)
{
    for (size_t i = 0; i < indicators->count; i++) {
        if (login->kdc->add_auth_indicator(login->context, login->rock,
                                           indicators->items[i]) != 0)
            return false;
    }
    return true;
}

/* Stock's yes reaches the KDC: the flags that it set, of which hw-authent
 * only if hardware says so, its indicators and ours (NULL: none). */
static void
give(struct cm_kdc_login *login, bool hardware,
     const struct cm_text_list *ours)
{
    krb5_flags set = login->scratch.flags & ~login->ticket->flags;
    krb5_pa_data **e_data = login->e_data;
    krb5_authdata **authz = login->authz;
    struct krb5_kdcpreauth_modreq_st *modreq;

    if (!cm_record_decide(&login->record, true)) {
        cm_kdc_refuse(login, CM_INTERNAL);
        return;
    }
    modreq = wrap(login);
    if (modreq == NULL || !assert_all(login, &login->record.indicators) ||
        (ours != NULL && !assert_all(login, ours))) {
        unwrap(login, modreq);
        cm_kdc_refuse(login, CM_NO_MEMORY);
        return;
    }
    set &= ~TKT_FLG_HW_AUTH;
    login->ticket->flags |= set | (hardware ? TKT_FLG_HW_AUTH : 0);
    login->authz = NULL;
    login->e_data = NULL;
    reply(login, 0, modreq, e_data, authz);
}

void
cm_kdc_pass_yes(struct cm_kdc_login *login)
{
    give(login, (login->scratch.flags & TKT_FLG_HW_AUTH) != 0, NULL);
}

void
cm_kdc_accept(struct cm_kdc_login *login)
{
    give(login, login->outcome.hw_authent, &login->outcome.indicators);
}

/* ---- The line ---- */

/* A line about a card names it, judged or not. */
static void
describe(struct cm_kdc_login *login)
{
    const struct cm_login_evidence *evidence = evidence_of(login);
    struct cm_certificate *certificate = &login->outcome.certificate;

    if (certificate->x509 == NULL && evidence->certificate != NULL)
        (void)cm_certificate_decode(evidence->certificate,
                                    evidence->certificate_len, certificate,
                                    NULL);
}

bool
cm_kdc_write_line(struct cm_kdc_login *login)
{
    const struct cm_login_evidence *evidence = evidence_of(login);
    struct cm_login values;

    describe(login);
    cm_evidence_login(evidence, &values);
    if (cm_write_audit(cm_audit_line(cm_kdc_settings(login), &values,
                                     evidence->requested, &login->outcome)))
        return true;
    login->outcome.reference[0] = '\0'; /* no line has it */
    return false;
}

/* krb5's own codes are numbers of RFC 4120 and RFC 4556 with a base added. */
static long
protocol_code(krb5_error_code code)
{
    enum { PROTOCOL_CODES = 128 };

    if (code >= ERROR_TABLE_BASE_krb5 &&
        code < ERROR_TABLE_BASE_krb5 + PROTOCOL_CODES)
        return code - ERROR_TABLE_BASE_krb5;
    return code;
}

void
cm_kdc_write_stock_line(struct cm_kdc_login *login)
{
    const struct cm_login_evidence *evidence = evidence_of(login);
    struct cm_login values;

    describe(login);
    cm_evidence_login(evidence, &values);
    login->outcome.detail = login->said;
    cm_kdc_draw_reference(login, login->code);
    if (!cm_write_audit(cm_audit_stock_line(
            cm_kdc_settings(login), &values, evidence->requested,
            &login->outcome, protocol_code(login->code))))
        login->outcome.reference[0] = '\0';
}
