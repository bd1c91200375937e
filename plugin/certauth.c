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
 */
#include <stdlib.h>
#include <string.h>

#include <krb5.h>
#include <krb5/certauth_plugin.h>
#include <com_err.h>

#include "audit.h"
#include "authorize.h"
#include "kdb_entry.h"
#include "realm.h"

struct krb5_certauth_moddata_st {
    struct cm_realms *realms;
};

/* One call of authorize(). */
struct request {
    char *requested; /* the name that the client typed; NULL: unprintable */
    struct cm_principal principal;
    const struct cm_realm *realm; /* NULL until it is known */
    struct cm_entry kdb_entry;
    struct cm_login login;
};

/* com_err() is the one way into the KDC's log that is open to modules; its
 * first argument does not appear there. */
static void
log_line(void *context, enum cm_severity severity, const char *text)
{
    (void)context;
    (void)severity;
    com_err("", 0, "%s", text);
}

static const struct cm_settings *
settings_of(const struct request *request)
{
    if (request->realm == NULL || request->realm->state != CM_REALM_READY)
        return NULL;
    return &request->realm->settings;
}

/* Who is this about, and which realm's rules hold? */
static enum cm_reason
identify(krb5_context context, krb5_certauth_moddata moddata,
         const struct _krb5_db_entry_new *db_entry, struct request *request,
         struct cm_detail *detail)
{
    if (moddata == NULL)
        return CM_NO_MEMORY;
    if (db_entry == NULL ||
        !cm_kdb_principal(context, db_entry, &request->principal)) {
        cm_detail_set(detail, "the database entry has no usable principal");
        return CM_INTERNAL;
    }
    request->login.principal = &request->principal;
    request->realm =
        cm_realms_get(moddata->realms, context, request->principal.realm);
    if (request->realm == NULL)
        return CM_NO_MEMORY;
    switch (request->realm->state) {
    case CM_REALM_READY:
    case CM_REALM_OFF:
        return CM_OK;
    case CM_REALM_BROKEN:
    case CM_REALM_ABSENT:
        *detail = request->realm->why;
        return CM_CONFIG;
    }
    return CM_INTERNAL;
}

/* The refresher keeps fresh what is known about cards that logged in; and a
 * new card, about which nothing is known yet, would never log in if nobody
 * asked about it.  Either leads to a CA of the NTAuth list. */
static bool
is_worth_asking(const struct cm_outcome *outcome)
{
    return outcome->reason == CM_OK ||
           outcome->reason == CM_REVOCATION_UNKNOWN;
}

/* The login itself.  Whatever prevents it is the outcome. */
static void
run(krb5_context context, const struct _krb5_db_entry_new *db_entry,
    struct request *request, struct cm_outcome *outcome)
{
    const struct cm_services *services = &request->realm->services;
    const struct cm_settings *settings = settings_of(request);

    if (settings == NULL)
        return; /* the outcome stays `internal` */
    if (settings->directory.kind == CM_DIRECTORY_KDB) {
        if (!cm_kdb_strings(context, db_entry, &request->kdb_entry)) {
            cm_detail_set(&outcome->detail,
                          "the entry's string attributes cannot be read");
            outcome->reason = CM_DIRECTORY_UNAVAILABLE;
            return;
        }
        request->login.kdb_entry = &request->kdb_entry;
    }
    request->login.may_wait_for_directory =
        settings->certauth_wait != CM_WAIT_NONE;
    cm_authorize(settings, services, &request->login, outcome);
    if (is_worth_asking(outcome))
        cm_store_note_seen(services->store, outcome->certificate.x509,
                           outcome->now);
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

/* Exactly one line for each certificate.  False: it could not be written, and
 * a login that leaves no trace is not let through. */
static bool
write_audit(const struct request *request, const struct cm_outcome *outcome)
{
    char *line = cm_audit_line(settings_of(request), &request->login,
                               request->requested, outcome);

    log_line(NULL, CM_LOG_INFO,
             line != NULL ? line : "certmap: refused reason=no-memory");
    free(line);
    return line != NULL;
}

/* What the KDC is told about a refusal.  Only codes that it passes on stand in
 * reason.h; the text reaches its log, never the client. */
static krb5_error_code
refusal(krb5_context context, const struct cm_settings *settings,
        enum cm_reason reason)
{
    krb5_error_code code =
        ERROR_TABLE_BASE_krb5 + (krb5_error_code)cm_reason_number(reason);
    bool elsewhere = reason == CM_DIRECTORY_UNAVAILABLE ||
                     reason == CM_REVOCATION_UNAVAILABLE || reason == CM_BUSY;

    if (settings != NULL && settings->unavailable_discards && elsewhere)
        code = KRB5KDC_ERR_DISCARD;
    krb5_set_error_message(context, code, "certmap: %s: %s",
                           cm_reason_token(reason), cm_reason_text(reason));
    return code;
}

/* Logs the outcome and turns it into the module's answer. */
static krb5_error_code
answer(krb5_context context, const struct request *request,
       struct cm_outcome *outcome, char ***authinds_out)
{
    const struct cm_settings *settings = settings_of(request);

    if (outcome->reason == CM_OK && !terminate(&outcome->indicators))
        outcome->reason = CM_NO_MEMORY;
    if (!write_audit(request, outcome))
        outcome->reason = CM_NO_MEMORY;
    if (settings != NULL && settings->mode == CM_MODE_OBSERVE)
        return KRB5_PLUGIN_NO_HANDLE;
    if (outcome->reason != CM_OK)
        return refusal(context, settings, outcome->reason);
    *authinds_out = take_indicators(&outcome->indicators);
    return outcome->hw_authent ? KRB5_CERTAUTH_HWAUTH : 0;
}

static krb5_error_code
authorize(krb5_context context, krb5_certauth_moddata moddata,
          const uint8_t *cert, size_t cert_len, krb5_const_principal princ,
          const void *opts, const struct _krb5_db_entry_new *db_entry,
          char ***authinds_out)
{
    struct request request = {
        .login = {.certificate = cert, .certificate_len = cert_len}};
    struct cm_outcome outcome = {.reason = CM_INTERNAL};
    krb5_error_code ret;
    enum cm_reason reason;

    (void)opts;
    *authinds_out = NULL;
    if (krb5_unparse_name(context, princ, &request.requested) != 0)
        request.requested = NULL;

    reason = identify(context, moddata, db_entry, &request, &outcome.detail);
    if (reason == CM_OK && request.realm->state == CM_REALM_OFF) {
        ret = KRB5_PLUGIN_NO_HANDLE;
    } else {
        if (reason == CM_OK)
            run(context, db_entry, &request, &outcome);
        else
            outcome.reason = reason;
        ret = answer(context, &request, &outcome, authinds_out);
    }

    cm_outcome_clear(&outcome);
    cm_entry_clear(&request.kdb_entry);
    cm_principal_clear(&request.principal);
    krb5_free_unparsed_name(context, request.requested);
    return ret;
}

static krb5_error_code
init(krb5_context context, krb5_certauth_moddata *moddata_out)
{
    static const struct cm_log log = {log_line, NULL};
    krb5_certauth_moddata moddata = calloc(1, sizeof(*moddata));

    (void)context;
    if (moddata != NULL) {
        moddata->realms = cm_realms_new(&log);
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
