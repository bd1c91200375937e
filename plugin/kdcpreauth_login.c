/*
 * One verify call.  Read it from the end: cm_kdc_verify() asks the stock
 * module and then takes one of four courses.
 *
 * Why stock runs on a scratch ticket part and on a copy of the callbacks:
 * before it answers it has set flags and asserted indicators, and after a
 * refusal the KDC goes on to the next preauthentication data of the same
 * request.  What a refused card left behind would ride on a password.
 */
#include "kdcpreauth_login.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "cms_certificates.h"
#include "kdcpreauth_answer.h"
#include "kdcpreauth_evidence.h"
#include "kdcpreauth_parts.h"
#include "kdcpreauth_staple.h"
#include "seat.h"

static struct cm_kdc_login *
login_of(struct cm_job *job)
{
    return (struct cm_kdc_login *)job;
}

/* ---- The four courses ---- */

/* The outcome is known: it is written down, and the KDC told. */
static void
end_judged(struct cm_kdc_login *login)
{
    struct cm_outcome *outcome = &login->outcome;
    enum cm_record_state state = login->record.state;
    bool observed =
        state == CM_RECORD_STOCK_OK && cm_evidence_observes(&login->subject);

    if (state == CM_RECORD_DECIDED)
        cm_kdc_draw_reference(login, login->code);
    else if (!observed && outcome->reason != CM_OK)
        cm_kdc_draw_reference(
            login, cm_refusal_code(cm_kdc_settings(login), outcome->reason));
    if (!cm_kdc_write_line(login))
        outcome->reason = CM_NO_MEMORY;
    if (state == CM_RECORD_DECIDED) /* by stock, which refused */
        cm_kdc_pass_refusal(login);
    else if (observed)
        cm_kdc_pass_yes(login);
    else if (outcome->reason == CM_OK)
        cm_kdc_accept(login);
    else
        cm_kdc_refuse(login, outcome->reason);
}

static void
end_with(struct cm_kdc_login *login, enum cm_reason reason, const char *detail)
{
    login->outcome.reason = reason;
    cm_detail_set(&login->outcome.detail, "%s", detail);
    end_judged(login);
}

/* On a thread: nothing of krb5, nothing of the loop's. */
static void
run(struct cm_job *job, struct cm_seat *seat)
{
    struct cm_kdc_login *login = login_of(job);
    const struct cm_realm *realm = login->record.evidence.realm;
    struct cm_services services;
    struct cm_login values;

    if (!cm_seat_services(seat, realm, &services)) {
        login->outcome.reason = CM_NO_MEMORY;
        return;
    }
    cm_evidence_login(&login->record.evidence, &values);
    values.may_wait_for_directory = true;
    cm_authorize(&realm->settings, &services, &values, &login->outcome);
    cm_note_seen(&services, &login->outcome);
}

static void
done(struct cm_job *job)
{
    struct cm_kdc_login *login = login_of(job);

    cm_journal_flush(login->module->journal);
    cm_staple_note(login->staple_trouble, &login->outcome.detail);
    end_judged(login);
}

static void
drop(struct cm_job *job)
{
    cm_kdc_login_free(login_of(job));
}

/* The KDC drops what a client sends again, but each of its processes knows
 * only what it was sent itself.  The first one answers. */
static void
end_repeated(struct cm_kdc_login *login)
{
    login->outcome.reason = CM_BUSY;
    cm_detail_set(&login->outcome.detail,
                  "sent again; another process judges this request");
    (void)cm_kdc_write_line(login);
    cm_kdc_discard(login);
}

static bool
digest(const void *data, size_t len, uint8_t out[32])
{
    return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1;
}

static void
submit(struct cm_kdc_login *login)
{
    const struct cm_login_evidence *evidence = &login->record.evidence;
    struct verto_ctx *loop =
        login->kdc->event_context(login->context, login->rock);
    enum cm_reason reason = CM_INTERNAL;

    login->job.run = run;
    login->job.done = done;
    login->job.drop = drop;
    if (digest(evidence->certificate, evidence->certificate_len,
               login->job.certificate) &&
        digest(login->request->data, login->request->length,
               login->job.request))
        reason = cm_workers_submit(login->module->workers, loop, &login->job);
    if (reason == CM_BUSY && login->job.is_repeated)
        end_repeated(login);
    else if (reason != CM_OK)
        end_with(login, reason, "");
}

/* ---- After stock's yes ---- */

/* No certificate has come by: stock verified no signature, or our certauth
 * module is not the one that it asked. */
static void
end_without_evidence(struct cm_kdc_login *login, const krb5_kdc_req *request)
{
    const struct cm_settings *settings = cm_kdc_settings(login);
    bool anonymous = krb5_principal_compare_any_realm(
        login->context, request->client, krb5_anonymous_principal());

    if (!anonymous)
        end_with(login, CM_CONFIG,
                 "the certauth module certmap was not asked: is it in "
                 "[plugins], from the same file?");
    else if (settings == NULL)
        end_with(login, login->subject.reason, login->subject.detail.text);
    else if (settings->anonymous_refused)
        end_with(login, CM_NO_MAPPING, "anonymous = refuse");
    else
        cm_kdc_pass_yes(login);
}

static bool
take_beside(struct cm_kdc_login *login, const krb5_kdc_req *request,
            const krb5_pa_data *data)
{
    struct cm_login_evidence *evidence = &login->record.evidence;
    struct cm_blob leaf = {evidence->certificate, evidence->certificate_len};
    struct cm_blob value = {data->contents, data->length};
    struct cm_blob intermediates[CM_PATH_MAX_EXTRA];
    size_t count = cm_cms_certificates(value, leaf, intermediates);

    struct cm_blob staple = cm_staple_find(request, &login->staple_trouble);

    return cm_evidence_add_beside(evidence, intermediates, count, staple);
}

/* Certauth left evidence: now the login itself. */
static void
judge(struct cm_kdc_login *login, const krb5_kdc_req *request,
      const krb5_pa_data *data)
{
    const struct cm_login_evidence *evidence = &login->record.evidence;
    const struct cm_login_evidence *subject = &login->subject;

    if (evidence->reason != CM_OK)
        end_with(login, evidence->reason, evidence->detail.text);
    else if (evidence->certificate == NULL ||
             evidence->realm != subject->realm ||
             strcmp(evidence->principal.text, subject->principal.text) != 0)
        end_with(login, CM_INTERNAL, "evidence about somebody else");
    else if (!take_beside(login, request, data))
        end_with(login, CM_NO_MEMORY, "");
    else
        submit(login);
}

/* Stock said no.  A realm that observes wants to know what we would have said
 * about the card all the same. */
static void
end_refused(struct cm_kdc_login *login, const krb5_kdc_req *request,
            const krb5_pa_data *data)
{
    const struct cm_login_evidence *left = &login->record.evidence;

    if (cm_evidence_is_off(&login->subject) || login->is_aside) {
        cm_kdc_pass_refusal(login);
    } else if (left->certificate == NULL) {
        cm_kdc_write_stock_line(login);
        cm_kdc_pass_refusal(login);
    } else if (left->reason != CM_OK || cm_evidence_observes(left)) {
        judge(login, request, data);
    } else {
        cm_kdc_write_stock_line(login);
        cm_kdc_pass_refusal(login);
    }
}

/* ---- Asking stock ---- */

static krb5_error_code
collect_indicator(krb5_context context, krb5_kdcpreauth_rock rock,
                  const char *indicator)
{
    struct cm_record *record = cm_record_current();

    (void)context;
    (void)rock;
    return record != NULL && cm_record_indicate(record, indicator) ? 0
                                                                   : ENOMEM;
}

/* Stock answers, inside its call; what comes later or twice is thrown away. */
static void
on_stock(void *arg, krb5_error_code code, krb5_kdcpreauth_modreq modreq,
         krb5_pa_data **e_data, krb5_authdata **authz)
{
    struct cm_kdc_login *login = arg;

    if (!cm_record_stock(&login->record, code == 0)) {
        cm_kdc_free_modreq(login, modreq);
        cm_kdc_free_pa_data(e_data);
        krb5_free_authdata(login->context, authz);
        return;
    }
    if (code != 0)
        cm_kdc_keep_message(login, code);
    login->code = code;
    login->modreq = modreq;
    login->e_data = e_data;
    login->authz = authz;
}

static void
ask_stock(struct cm_kdc_login *login, krb5_data *req_pkt,
          krb5_kdc_req *request, krb5_pa_data *data)
{
    login->callbacks = *login->kdc;
    login->callbacks.vers = CM_CALLBACKS;
    login->callbacks.add_auth_indicator = collect_indicator;
    login->scratch = *login->ticket;
    if (!cm_record_enter(&login->record))
        return; /* the record stays new, and is refused */
    cm_generation_verify(login->generation, login->context, req_pkt, request,
                         &login->scratch, data, &login->callbacks, login->rock,
                         on_stock, login);
    cm_record_leave(&login->record);
}

/* One signed request, and one only: certauth is told about a certificate, not
 * about which of several requests it is from. */
static bool
is_ambiguous(const krb5_kdc_req *request)
{
    size_t ours = 0, old = 0;

    for (krb5_pa_data **pa = request->padata; pa != NULL && *pa != NULL;
         pa++) {
        if ((*pa)->pa_type == CM_PA_PK_AS_REQ)
            ours++;
        else if ((*pa)->pa_type == CM_PA_PK_AS_REP_OLD ||
                 (*pa)->pa_type == CM_PA_PK_AS_REQ_OLD)
            old++;
    }
    return ours > 1 || (ours == 1 && old > 0);
}

/* May stock be asked at all?  If not, the login is at its end. */
static bool
may_ask(struct cm_kdc_login *login, const krb5_kdc_req *request)
{
    krb5_kdcpreauth_moddata module = login->module;
    int64_t now_ms = cm_system_clock.monotonic_ms(NULL);
    struct cm_detail why = {""};

    if (module->stock == NULL || module->workers == NULL ||
        module->realms == NULL) {
        end_with(login, CM_NO_MEMORY, "");
        return false;
    }
    if (login->kdc->vers < CM_CALLBACKS) {
        end_with(login, CM_CONFIG, "this krb5kdc is older than krb5 1.20");
        return false;
    }
    if (!cm_evidence_is_off(&login->subject) && is_ambiguous(request)) {
        end_with(login, CM_CERT_MALFORMED,
                 "the request holds more than one PKINIT request");
        return false;
    }
    login->generation = cm_stock_current(module->stock, now_ms, &why);
    if (login->generation == NULL) {
        end_with(login, CM_CONFIG, why.text);
        return false;
    }
    return true;
}

static struct cm_kdc_login *
login_new(krb5_kdcpreauth_moddata module)
{
    struct cm_kdc_login *login =
        module != NULL ? calloc(1, sizeof(*login)) : NULL;

    if (login == NULL)
        return NULL;
    login->module = module;
    login->outcome.reason = CM_INTERNAL;
    cm_record_init(&login->record, module->realms);
    return login;
}

/* Where the login goes from what stock did. */
static void
go_on(struct cm_kdc_login *login, const krb5_kdc_req *request,
      const krb5_pa_data *data)
{
    switch (login->record.state) {
    case CM_RECORD_DECIDED:
        end_refused(login, request, data);
        return;
    case CM_RECORD_STOCK_OK:
        if (cm_evidence_is_off(&login->subject))
            cm_kdc_pass_yes(login);
        else if (login->record.evidence.reason == CM_INTERNAL &&
                 login->record.evidence.certificate == NULL)
            end_without_evidence(login, request);
        else
            judge(login, request, data);
        return;
    case CM_RECORD_NEW:
        end_with(login, CM_INTERNAL, "a call inside a call");
        return;
    case CM_RECORD_SPOILT:
        end_with(login, CM_INTERNAL, "something came twice");
        return;
    case CM_RECORD_DEAD:
        end_with(login, CM_INTERNAL, "stock PKINIT has not answered");
        return;
    case CM_RECORD_EVIDENCE:
    case CM_RECORD_ANSWERED:
        end_with(login, CM_INTERNAL, "");
        return;
    }
}

void
cm_kdc_verify(krb5_context context, krb5_data *req_pkt, krb5_kdc_req *request,
              krb5_enc_tkt_part *enc_tkt_reply, krb5_pa_data *data,
              krb5_kdcpreauth_callbacks cb, krb5_kdcpreauth_rock rock,
              krb5_kdcpreauth_moddata module,
              krb5_kdcpreauth_verify_respond_fn respond, void *arg)
{
    struct cm_kdc_login *login;

    /* Ours to send, not a client's. */
    if (data->pa_type == CM_REFERENCE_TYPE) {
        respond(arg, KRB5KDC_ERR_PREAUTH_FAILED, NULL, NULL, NULL);
        return;
    }
    login = login_new(module);
    if (login == NULL) {
        cm_write_audit(NULL);
        respond(arg, cm_refusal(context, NULL, CM_NO_MEMORY), NULL, NULL,
                NULL);
        return;
    }
    login->context = context;
    login->request = req_pkt;
    login->ticket = enc_tkt_reply;
    login->kdc = cb;
    login->rock = rock;
    login->respond = respond;
    login->arg = arg;
    login->is_aside = data->pa_type != CM_PA_PK_AS_REQ;
    cm_journal_flush(module->journal);
    cm_evidence_identify(context, module->realms, request->client,
                         cb->client_entry(context, rock), &login->subject);
    if (!may_ask(login, request))
        return;
    ask_stock(login, req_pkt, request, data);
    go_on(login, request, data);
}
