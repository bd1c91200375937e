#include "edit.h"

#include <stdlib.h>

#include "backend.h"
#include "change_mods.h"

/* ---- What a result code means ---- */

enum cm_edit_result
cm_edit_judge(int code)
{
    switch (code) {
    case LDAP_SUCCESS:
        return CM_EDIT_WRITTEN;
    case LDAP_TYPE_OR_VALUE_EXISTS:
    case LDAP_NO_SUCH_ATTRIBUTE:
    case LDAP_ASSERTION_FAILED:
        return CM_EDIT_CONFLICT;
    case -1:
        return CM_EDIT_UNKNOWN;
    default:
        return CM_EDIT_REFUSED;
    }
}

const char *
cm_edit_hint(int code)
{
    switch (code) {
    case LDAP_INSUFFICIENT_ACCESS:
    case LDAP_STRONG_AUTH_REQUIRED:
    case LDAP_CONFIDENTIALITY_REQUIRED:
        return "bind as someone who may write this attribute (--bind-dn)";
    case LDAP_OBJECT_CLASS_VIOLATION:
    case LDAP_UNDEFINED_TYPE:
        return "the entry's object classes do not allow the attribute, or "
               "the server's schema does not know it";
    case LDAP_INAPPROPRIATE_MATCHING:
        return "the server's schema has no EQUALITY rule for the attribute";
    case LDAP_CONSTRAINT_VIOLATION:
    case LDAP_INVALID_SYNTAX:
        return "the server's schema does not allow this value";
    case LDAP_REFERRAL:
        return "this server is a copy; name the one that takes changes with "
               "--uri";
    case LDAP_UNWILLING_TO_PERFORM:
        return "the server may be a copy that takes no changes (--uri)";
    case LDAP_NO_SUCH_OBJECT:
        return "the entry is gone, or hidden from this bind name";
    case LDAP_BUSY:
    case LDAP_UNAVAILABLE:
    case LDAP_ADMINLIMIT_EXCEEDED:
        return "try again later";
    default:
        return NULL;
    }
}

void
cm_edit_add_hint(int code, struct cm_detail *detail)
{
    const char *hint = cm_edit_hint(code);
    struct cm_detail words = *detail;

    if (hint != NULL)
        cm_detail_set(detail, "%.300s; %s", words.text, hint);
}

/* ---- Sending ---- */

int
cm_edit_send(struct cm_ldap_connection *connection,
             const struct cm_change *change, LDAPControl **controls,
             int *message_id)
{
    LDAPMod **mods = cm_change_mods(change);
    int code = LDAP_NO_MEMORY;

    if (mods != NULL)
        code = ldap_modify_ext(connection->handle, change->dn, mods, controls,
                               NULL, message_id);
    free(mods);
    return code;
}

/* ---- Waiting ---- */

static enum cm_edit_result
judge_message(struct cm_ldap_connection *connection, LDAPMessage *message,
              struct cm_detail *detail)
{
    int code;

    if (ldap_msgtype(message) != LDAP_RES_MODIFY) {
        ldap_msgfree(message);
        cm_detail_set(detail, "the answer is of another kind");
        return CM_EDIT_UNKNOWN;
    }
    code = cm_ldap_result_code(connection, message, "modify", detail);
    cm_edit_add_hint(code, detail);
    return cm_edit_judge(code);
}

enum cm_edit_result
cm_edit_modify(struct cm_ldap_connection *connection,
               const struct cm_change *change, int64_t deadline,
               struct cm_detail *detail)
{
    LDAPMessage *message;
    int code, message_id = -1;

    cm_ldap_begin(connection, deadline);
    code = cm_edit_send(connection, change, NULL, &message_id);
    if (code != LDAP_SUCCESS) {
        cm_detail_set(detail, "modify: %s", ldap_err2string(code));
        /* Some of it may have gone out. */
        return code == LDAP_SERVER_DOWN ? CM_EDIT_UNKNOWN : CM_EDIT_UNSENT;
    }
    switch (cm_ldap_next(connection, message_id, deadline, &message, detail)) {
    case CM_LDAP_ANSWERED:
        return judge_message(connection, message, detail);
    case CM_LDAP_TIMEOUT:
        return CM_EDIT_TIMEOUT;
    case CM_LDAP_LOST:
        break;
    }
    return CM_EDIT_UNKNOWN;
}

enum cm_edit_result
cm_edit_apply(const struct cm_directory_config *config,
              const struct cm_change *change, int timeout_ms,
              struct cm_detail *detail)
{
    int64_t deadline = cm_backend_now_ms() + timeout_ms;
    struct cm_ldap_connection connection;
    enum cm_edit_result result;

    if (!cm_ldap_open_first(&connection, config, timeout_ms, detail))
        return CM_EDIT_UNSENT;
    result = cm_edit_modify(&connection, change, deadline, detail);
    cm_ldap_close(&connection);
    return result;
}
