/*
 * The certauth module: the KDC hands over a certificate and a database entry,
 * and is told yes or no.
 *
 * What makes this file careful (each of these was seen to let a stranger in):
 *
 * - A module whose init fails is dropped in silence and the built-in
 *   pkinit_san decides alone.  So init never fails; without its data, or with
 *   a configuration that does not hold, every certificate is refused.
 * - "No opinion" (KRB5_PLUGIN_NO_HANDLE) hands the decision to the built-in
 *   modules.  So only `mode = off` and `mode = observe` answer it.  A realm
 *   without our subsection is refused: it may be a misspelt one.
 * - The name that the client typed may be an alias.  So the canonical
 *   principal of the database entry governs; the typed one is only logged.
 * - Indicators returned with an error are leaked, and ones returned with "no
 *   opinion" are asserted.  So they are set on acceptance only, last.
 * - The KDC forks its workers after init.  So init opens nothing.
 * - Inside our kdcpreauth module nothing is decided here: evidence is left in
 *   the record and the answer is a plain yes, which that module does not take
 *   for one.  Never a hardware login, never an indicator: stock PKINIT would
 *   assert them before the verdict is known.
 */
#include <stdlib.h>
#include <string.h>

#include <krb5.h>
#include <krb5/certauth_plugin.h>

#include "audit.h"
#include "kdcpreauth_answer.h"
#include "kdcpreauth_evidence.h"
#include "record.h"

struct krb5_certauth_moddata_st {
    struct cm_realms *realms;
};

/* The login itself.  Whatever prevents it is the outcome. */
static void
run(struct cm_realms *realms, const struct cm_login_evidence *evidence,
    struct cm_login *login, struct cm_outcome *outcome)
{
    const struct cm_settings *settings = cm_evidence_settings(evidence);
    struct cm_services services;

    if (settings == NULL)
        return; /* the outcome stays `internal` */
    login->may_wait_for_directory = settings->certauth_wait != CM_WAIT_NONE;
    services = cm_realms_services(realms, evidence->realm);
    cm_authorize(settings, &services, login, outcome);
    cm_note_seen(&services, outcome);
}

static void
free_indicators(krb5_context context, krb5_certauth_moddata moddata,
                char **indicators)
{
    (void)context;
    (void)moddata;
    if (indicators == NULL)
        return;
    for (char **p = indicators; *p != NULL; p++)
        free(*p);
    free(indicators);
}

/* Ends the list with NULL, as the KDC reads it.  False: no memory. */
static bool
terminate(struct cm_text_list *list)
{
    char **items = reallocarray(list->items, list->count + 1, sizeof(*items));

    if (items == NULL)
        return false;
    items[list->count] = NULL;
    list->items = items;
    return true;
}

/* Hands over a list that ends with NULL; NULL if it is empty. */
static char **
take_indicators(struct cm_text_list *list)
{
    char **items = list->items;

    if (list->count == 0)
        return NULL;
    memset(list, 0, sizeof(*list));
    return items;
}

/* Logs the outcome and turns it into the module's answer. */
static krb5_error_code
answer(krb5_context context, const struct cm_login_evidence *evidence,
       const struct cm_login *login, struct cm_outcome *outcome,
       char ***authinds_out)
{
    const struct cm_settings *settings = cm_evidence_settings(evidence);

    if (outcome->reason == CM_OK && !terminate(&outcome->indicators))
        outcome->reason = CM_NO_MEMORY;
    if (!cm_write_audit(
            cm_audit_line(settings, login, evidence->requested, outcome)))
        outcome->reason = CM_NO_MEMORY;
    if (cm_evidence_observes(evidence))
        return KRB5_PLUGIN_NO_HANDLE;
    if (outcome->reason != CM_OK)
        return cm_refusal(context, settings, outcome->reason);
    *authinds_out = take_indicators(&outcome->indicators);
    return outcome->hw_authent ? KRB5_CERTAUTH_HWAUTH : 0;
}

/* The whole login in this call. */
static krb5_error_code
decide_alone(krb5_context context, struct cm_realms *realms,
             const struct cm_login_evidence *evidence, char ***authinds_out)
{
    struct cm_outcome outcome = {.reason = evidence->reason};
    struct cm_login login;
    krb5_error_code ret;

    if (evidence->reason == CM_OK && cm_evidence_is_off(evidence))
        return KRB5_PLUGIN_NO_HANDLE;
    cm_evidence_login(evidence, &login);
    outcome.detail = evidence->detail;
    if (evidence->reason == CM_OK) {
        outcome.reason = CM_INTERNAL;
        run(realms, evidence, &login, &outcome);
    }
    ret = answer(context, evidence, &login, &outcome, authinds_out);
    cm_outcome_clear(&outcome);
    return ret;
}

/* What the record holds is judged once stock PKINIT has said yes. */
static krb5_error_code
defer(krb5_context context, const struct cm_login_evidence *evidence)
{
    if (cm_evidence_observes(evidence))
        return KRB5_PLUGIN_NO_HANDLE;
    if (evidence->reason != CM_OK)
        return cm_refusal(context, cm_evidence_settings(evidence),
                          evidence->reason);
    return cm_evidence_is_off(evidence) ? KRB5_PLUGIN_NO_HANDLE : 0;
}

static krb5_error_code
authorize(krb5_context context, krb5_certauth_moddata moddata,
          const uint8_t *cert, size_t cert_len, krb5_const_principal princ,
          const void *opts, const struct _krb5_db_entry_new *db_entry,
          char ***authinds_out)
{
    struct cm_record *record = cm_record_current();
    struct cm_realms *realms = moddata != NULL ? moddata->realms : NULL;
    struct cm_login_evidence evidence;
    krb5_error_code ret;

    (void)opts;
    *authinds_out = NULL;
    if (record != NULL) {
        if (!cm_record_keep(record))
            return cm_refusal(context, NULL, CM_INTERNAL);
        cm_evidence_gather(context, record->realms, princ, cert, cert_len,
                           db_entry, &record->evidence);
        return defer(context, &record->evidence);
    }
    cm_evidence_gather(context, realms, princ, cert, cert_len, db_entry,
                       &evidence);
    ret = decide_alone(context, realms, &evidence, authinds_out);
    cm_evidence_clear(&evidence);
    return ret;
}

static krb5_error_code
init(krb5_context context, krb5_certauth_moddata *moddata_out)
{
    krb5_certauth_moddata moddata = calloc(1, sizeof(*moddata));

    (void)context;
    if (moddata != NULL) {
        moddata->realms = cm_realms_new(&cm_kdc_log);
        if (moddata->realms == NULL) {
            free(moddata);
            moddata = NULL;
        }
    }
    *moddata_out = moddata;
    return 0;
}

static void
fini(krb5_context context, krb5_certauth_moddata moddata)
{
    (void)context;
    if (moddata == NULL)
        return;
    cm_realms_free(moddata->realms);
    free(moddata);
}

krb5_error_code certauth_certmap_initvt(krb5_context context, int maj_ver,
                                        int min_ver,
                                        krb5_plugin_vtable vtable);

__attribute__((visibility("default"))) krb5_error_code
certauth_certmap_initvt(krb5_context context, int maj_ver, int min_ver,
                        krb5_plugin_vtable vtable)
{
    krb5_certauth_vtable vt = (krb5_certauth_vtable)vtable;

    (void)context;
    (void)min_ver;
    if (maj_ver != 1)
        return KRB5_PLUGIN_VER_NOTSUPP;
    vt->name = "certmap";
    vt->init = init;
    vt->fini = fini;
    vt->authorize = authorize;
    vt->free_ind = free_indicators;
    return 0;
}
