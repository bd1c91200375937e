#include "login_fault.h"

#include <string.h>

static bool
is_unreachable(krb5_error_code code)
{
    return code == KRB5_KDC_UNREACH || code == KRB5_REALM_CANT_RESOLVE ||
           code == KRB5_REALM_UNKNOWN || code == KRB5KDC_ERR_SVC_UNAVAILABLE;
}

/* Did the KDC's error end it, or what came of it on this side?  Of a loop the
 * KDC's error is the cause. */
static bool
is_refused(const struct cm_login_facts *facts)
{
    return facts->error != 0 && !facts->watch->astray &&
           (facts->code == facts->error + ERROR_TABLE_BASE_krb5 ||
            facts->code == KRB5_GET_IN_TKT_LOOP);
}

/* After a ticket came. */
static enum cm_login_fault
judge_reply(const struct cm_login_facts *facts)
{
    const struct cm_login_watch *watch = facts->watch;

    if (watch->reply.code == KRB5KDC_ERR_KDC_NAME_MISMATCH)
        return CM_LOGIN_FAULT_KDC_NAME;
    if (watch->reply.code != 0)
        return CM_LOGIN_FAULT_KDC_CERTIFICATE;
    if (facts->asker->password_wanted)
        return watch->errors ? CM_LOGIN_FAULT_KDC_CERTIFICATE
                             : CM_LOGIN_FAULT_NO_PREAUTH;
    if (facts->code == KRB5_KDCREP_SKEW)
        return CM_LOGIN_FAULT_CLOCK;
    if (facts->code == KRB5_KDCREP_MODIFIED)
        return CM_LOGIN_FAULT_REPLY;
    return CM_LOGIN_FAULT_OTHER;
}

/*
 * After the KDC asked for preauthentication.  PKINIT has one number for all
 * that can go wrong then: its words (never translated, as certmap sets no
 * locale) say which.  Words of another version make it the identity's fault.
 */
static enum cm_login_fault
judge_request(const struct cm_login_facts *facts)
{
    const struct cm_login_watch *watch = facts->watch;
    const char *said = watch->request.said.text;

    if (watch->demands == 0)
        return CM_LOGIN_FAULT_OTHER;
    if (!facts->module)
        return CM_LOGIN_FAULT_MODULE;
    if (!watch->traced)
        return CM_LOGIN_FAULT_OTHER;
    if (!watch->request.called)
        return CM_LOGIN_FAULT_NOT_OFFERED;
    if (strstr(said, "verify own certificate") != NULL)
        return strstr(said, "expired") || strstr(said, "not yet valid")
                   ? CM_LOGIN_FAULT_VALIDITY
                   : CM_LOGIN_FAULT_PATH;
    if ((watch->loading && !watch->making) || strstr(said, "pkinit_anchors"))
        return CM_LOGIN_FAULT_ANCHORS;
    return CM_LOGIN_FAULT_IDENTITY;
}

static enum cm_login_fault
judge_fault(const struct cm_login_facts *facts)
{
    if (facts->asker->locked)
        return CM_LOGIN_FAULT_LOCKED;
    if (facts->watch->astray)
        return CM_LOGIN_FAULT_REALM;
    if (facts->watch->replied)
        return judge_reply(facts);
    if (facts->watch->errors)
        return judge_request(facts);
    if (!facts->watch->asked && facts->armored)
        return CM_LOGIN_FAULT_ARMOR;
    return CM_LOGIN_FAULT_OTHER;
}

void
cm_login_judge(const struct cm_login_facts *facts,
               struct cm_login_result *result)
{
    result->fault = CM_LOGIN_FAULT_NONE;
    result->number = 0;
    if (facts->asker->gave_up) {
        result->end = CM_LOGIN_GIVEN_UP;
    } else if (is_unreachable(facts->code)) {
        result->end = CM_LOGIN_UNREACHABLE;
    } else if (is_refused(facts)) {
        result->end = CM_LOGIN_REFUSED;
        result->number = facts->error;
    } else {
        result->end = CM_LOGIN_CLIENT;
        result->fault = judge_fault(facts);
    }
}
