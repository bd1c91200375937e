/*
 * S4U2Self by certificate: a service that holds a ticket asks for one for the
 * owner of a certificate, such as that of a TLS client.
 *
 * In a TGS request the certificate is judged as in a login, by the same
 * function, and the answer is the entry of the account.  An AS request before
 * it, which anybody can send, only asks which realm is responsible: the
 * certificate in it is not looked at, and the client is nobody.
 */
#include "kdb_module_parts.h"

#include <string.h>

#include <kdb.h>

#include "audit.h"
#include "kdb_entry.h"
#include "kdcpreauth_answer.h"

/* One request. */
struct request {
    krb5_context context;
    const struct cm_kdb_module_realm *realm;
    unsigned int flags;
    krb5_db_entry *entry; /* of the account, once it is known */
    struct cm_principal principal;
    struct cm_entry strings;
};

static void
request_clear(struct request *request)
{
    if (request->entry != NULL)
        krb5_db_free_principal(request->context, request->entry);
    cm_principal_clear(&request->principal);
    cm_entry_clear(&request->strings);
}

/* The entry's canonical principal governs, as in a login. */
static enum cm_reason
identify(struct request *request, struct cm_detail *detail)
{
    const struct cm_settings *settings = &request->realm->realm->settings;

    if (!cm_kdb_principal(request->context, request->entry,
                          &request->principal) ||
        strcmp(request->principal.realm, settings->realm) != 0) {
        cm_detail_set(detail, "the database entry has no usable principal");
        return CM_INTERNAL;
    }
    if (settings->directory.kind == CM_DIRECTORY_KDB &&
        !cm_kdb_strings(request->context, request->entry, &request->strings)) {
        cm_detail_set(detail, "the entry's string attributes cannot be read");
        return CM_DIRECTORY_UNAVAILABLE;
    }
    return CM_OK;
}

static enum cm_reason
take_entry(struct request *request, krb5_error_code code,
           struct cm_detail *detail)
{
    if (code == 0)
        return identify(request, detail);
    request->entry = NULL;
    cm_detail_set(detail, "the KDC's database has no entry for the account");
    return code == KRB5_KDB_NOENTRY ? CM_ACCOUNT_NOT_FOUND
                                    : CM_DIRECTORY_UNAVAILABLE;
}

/* The directory says whom the certificate means. */
static enum cm_reason
find(void *context, const struct cm_certificate *cert,
     const struct cm_policy *policy, int timeout_ms, struct cm_named *out,
     struct cm_detail *detail)
{
    struct request *request = context;
    const struct cm_realm *realm = request->realm->realm;
    struct cm_principal principal;
    krb5_error_code code;
    enum cm_reason reason;

    if (realm->settings.certauth_wait == CM_WAIT_NONE &&
        realm->settings.directory.kind == CM_DIRECTORY_LDAP) {
        cm_detail_set(detail, "certauth_wait does not allow to wait for the "
                              "directory");
        return CM_DIRECTORY_UNAVAILABLE;
    }
    reason = cm_kdb_lookup_certificate(request->realm->lookup,
                                       realm->services.directory, cert, policy,
                                       timeout_ms, &principal, detail);
    if (reason != CM_OK)
        return reason;
    code = cm_kdb_inner_entry(request->context, &principal, request->flags,
                              &request->entry);
    cm_principal_clear(&principal);
    reason = take_entry(request, code, detail);
    *out = (struct cm_named){&request->principal, &request->strings};
    return reason;
}

/* The service named the account: it must be that one. */
static enum cm_reason
find_named(struct request *request, krb5_const_principal name,
           struct cm_detail *detail)
{
    krb5_error_code code = cm_kdb_module_inner()->get_principal(
        request->context, name, request->flags, &request->entry);

    return take_entry(request, code, detail);
}

/* By the same function as a login. */
static void
authorize(struct request *request, const struct cm_login *login,
          struct cm_outcome *outcome)
{
    const struct cm_realm *realm = request->realm->realm;
    struct cm_services services =
        cm_realms_services(request->realm->realms, realm);

    cm_authorize(&realm->settings, &services, login, outcome);
    cm_note_seen(&services, outcome);
}

/* A login without a reply; exactly one audit line. */
static enum cm_reason
judge(struct request *request, krb5_const_principal name,
      const krb5_data *certificate)
{
    const struct cm_settings *settings = &request->realm->realm->settings;
    const struct cm_finder finder = {find, request};
    struct cm_outcome outcome = {.reason = CM_INTERNAL};
    struct cm_login login = {.certificate = (const uint8_t *)certificate->data,
                             .certificate_len = certificate->length,
                             .finder = &finder,
                             .may_wait_for_directory =
                                 settings->certauth_wait != CM_WAIT_NONE};
    enum cm_reason reason = CM_OK;

    if (name->length > 0) {
        reason = find_named(request, name, &outcome.detail);
        login.principal = &request->principal;
        login.kdb_entry = &request->strings;
    }
    if (reason == CM_OK)
        authorize(request, &login, &outcome);
    else
        outcome.reason = reason;
    login.principal =
        request->principal.text != NULL ? &request->principal : NULL;
    reason = outcome.reason;
    if (!cm_write_audit(cm_audit_line(settings, &login, "S4U2Self", &outcome)))
        reason = CM_NO_MEMORY;
    cm_outcome_clear(&outcome);
    return reason;
}

static krb5_error_code
decide(krb5_context context, const struct cm_kdb_module_realm *realm,
       const krb5_data *certificate, krb5_const_principal name,
       unsigned int flags, krb5_db_entry **out)
{
    struct request request = {
        .context = context, .realm = realm, .flags = flags};
    enum cm_reason reason = judge(&request, name, certificate);

    if (reason == CM_OK && request.entry != NULL) {
        *out = request.entry;
        request.entry = NULL;
        request_clear(&request);
        return 0;
    }
    request_clear(&request);
    return cm_refusal(context, &realm->realm->settings,
                      reason != CM_OK ? reason : CM_INTERNAL);
}

/* What the module below says, if it knows certificates at all. */
static krb5_error_code
ask_inner(krb5_context context, const krb5_data *certificate,
          krb5_const_principal name, unsigned int flags, krb5_db_entry **out)
{
    const kdb_vftabl *inner = cm_kdb_module_inner();

    if (inner->get_s4u_x509_principal == NULL)
        return KRB5_PLUGIN_OP_NOTSUPP;
    return inner->get_s4u_x509_principal(context, certificate, name, flags,
                                         out);
}

krb5_error_code
cm_kdb_get_s4u(krb5_context context, const krb5_data *certificate,
               krb5_const_principal name, unsigned int flags,
               krb5_db_entry **out)
{
    struct cm_kdb_module_realm realm;
    krb5_error_code code = KRB5KDC_ERR_PREAUTH_FAILED;

    cm_kdb_module_lock();
    switch (cm_kdb_module_realm(context, &name->realm, &realm)) {
    case CM_KDB_MODULE_OURS:
        if ((flags & KRB5_KDB_FLAG_REFERRAL_OK) != 0)
            code = cm_kdb_nobody(context, &name->realm, out);
        else
            code = decide(context, &realm, certificate, name, flags, out);
        break;
    case CM_KDB_MODULE_NOT:
        code = ask_inner(context, certificate, name, flags, out);
        break;
    case CM_KDB_MODULE_BROKEN:
        break; /* refused */
    }
    cm_kdb_module_unlock();
    return code;
}
