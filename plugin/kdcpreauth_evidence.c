#include "kdcpreauth_evidence.h"

#include <stdlib.h>
#include <string.h>

#include "kdb_entry.h"
#include "kdb_names.h"

static enum cm_reason
find_realm(krb5_context context, struct cm_realms *realms,
           struct cm_login_evidence *out)
{
    out->realm = cm_realms_get(realms, context, out->principal.realm);
    if (out->realm == NULL)
        return CM_NO_MEMORY;
    switch (out->realm->state) {
    case CM_REALM_READY:
    case CM_REALM_OFF:
        return CM_OK;
    case CM_REALM_BROKEN:
    case CM_REALM_ABSENT:
        out->detail = out->realm->why;
        return CM_CONFIG;
    }
    return CM_INTERNAL;
}

void
cm_evidence_identify(krb5_context context, struct cm_realms *realms,
                     krb5_const_principal requested,
                     const struct _krb5_db_entry_new *entry,
                     struct cm_login_evidence *out)
{
    char *text = NULL;

    cm_evidence_init(out);
    if (requested != NULL && krb5_unparse_name(context, requested, &text) == 0)
        out->requested = strdup(text);
    krb5_free_unparsed_name(context, text);
    if (realms == NULL) {
        out->reason = CM_NO_MEMORY;
        return;
    }
    if (entry == NULL || !cm_kdb_principal(context, entry, &out->principal)) {
        cm_detail_set(&out->detail,
                      "the database entry has no usable principal");
        return;
    }
    out->reason = find_realm(context, realms, out);
    if (out->reason == CM_OK && cm_principal_is_nobody(&out->principal)) {
        cm_detail_set(&out->detail,
                      "the name that the client sent stands for nobody");
        out->reason = CM_ACCOUNT_NOT_FOUND;
    }
}

void
cm_evidence_gather(krb5_context context, struct cm_realms *realms,
                   krb5_const_principal requested, const uint8_t *cert,
                   size_t cert_len, const struct _krb5_db_entry_new *entry,
                   struct cm_login_evidence *out)
{
    const struct cm_settings *settings;

    cm_evidence_identify(context, realms, requested, entry, out);
    if (cert_len > 0 && !cm_evidence_set_certificate(out, cert, cert_len) &&
        out->reason == CM_OK)
        out->reason = CM_NO_MEMORY;
    settings = cm_evidence_settings(out);
    if (out->reason != CM_OK || settings == NULL ||
        settings->directory.kind != CM_DIRECTORY_KDB)
        return;
    out->has_kdb_entry = cm_kdb_strings(context, entry, &out->kdb_entry);
    if (out->has_kdb_entry)
        return;
    cm_detail_set(&out->detail,
                  "the entry's string attributes cannot be read");
    out->reason = CM_DIRECTORY_UNAVAILABLE;
}

const struct cm_settings *
cm_evidence_settings(const struct cm_login_evidence *evidence)
{
    if (evidence->realm == NULL || evidence->realm->state != CM_REALM_READY)
        return NULL;
    return &evidence->realm->settings;
}

bool
cm_evidence_observes(const struct cm_login_evidence *evidence)
{
    const struct cm_settings *settings = cm_evidence_settings(evidence);

    return settings != NULL && settings->mode == CM_MODE_OBSERVE;
}

bool
cm_evidence_is_off(const struct cm_login_evidence *evidence)
{
    return evidence->realm != NULL && evidence->realm->state == CM_REALM_OFF;
}
