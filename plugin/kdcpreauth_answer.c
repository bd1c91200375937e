#include "kdcpreauth_answer.h"

#include <stdlib.h>

#include <com_err.h>

/* com_err()'s first argument does not appear in the KDC's log. */
static void
log_line(void *context, enum cm_severity severity, const char *text)
{
    (void)context;
    (void)severity;
    com_err("", 0, "%s", text);
}

const struct cm_log cm_kdc_log = {log_line, NULL};

krb5_error_code
cm_refusal_code(const struct cm_settings *settings, enum cm_reason reason)
{
    bool elsewhere = reason == CM_DIRECTORY_UNAVAILABLE ||
                     reason == CM_REVOCATION_UNAVAILABLE || reason == CM_BUSY;

    if (settings != NULL && settings->unavailable_discards && elsewhere)
        return KRB5KDC_ERR_DISCARD;
    return ERROR_TABLE_BASE_krb5 + (krb5_error_code)cm_reason_number(reason);
}

krb5_error_code
cm_refusal(krb5_context context, const struct cm_settings *settings,
           enum cm_reason reason)
{
    krb5_error_code code = cm_refusal_code(settings, reason);

    krb5_set_error_message(context, code, "certmap: %s: %s",
                           cm_reason_token(reason), cm_reason_text(reason));
    return code;
}

void
cm_note_seen(const struct cm_services *services,
             const struct cm_outcome *outcome)
{
    if (outcome->reason == CM_OK || outcome->reason == CM_REVOCATION_UNKNOWN ||
        outcome->reason == CM_REVOCATION_UNAVAILABLE)
        cm_store_note_seen(services->store, outcome->certificate.x509,
                           outcome->now);
}

bool
cm_write_audit(char *line)
{
    bool written = line != NULL;

    log_line(NULL, CM_LOG_INFO,
             written ? line : "certmap: refused reason=no-memory");
    free(line);
    return written;
}
