#include "edit.h"

#include <stdlib.h>
#include <string.h>

#include "backend.h"

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

/* The operations of one change, in the shape that libldap wants. */
struct operations {
    LDAPMod mods[2 * CM_CHANGE_MAX_PARTS];
    LDAPMod *list[2 * CM_CHANGE_MAX_PARTS + 1];
    size_t count;
};

static void
operations_clear(struct operations *operations)
{
    for (size_t i = 0; i < operations->count; i++)
        ber_memfree(operations->mods[i].mod_bvalues);
}

/* Pointers to the values, and behind them what they point to; the values
 * themselves are borrowed. */
static struct berval **
values_of(const struct cm_value *values, size_t count)
{
    struct berval **pointers, *list;

    pointers = ber_memcalloc(1, (count + 1) * sizeof(struct berval *) +
                                    count * sizeof(struct berval));
    if (pointers == NULL)
        return NULL;
    list = (struct berval *)(void *)(pointers + count + 1);
    for (size_t i = 0; i < count; i++) {
        list[i] = (struct berval){values[i].len, values[i].data};
        pointers[i] = &list[i];
    }
    return pointers;
}

static bool
add_operation(struct operations *operations, int kind, char *attribute,
              const struct cm_value *values, size_t count)
{
    LDAPMod mod = {.mod_op = kind | LDAP_MOD_BVALUES, .mod_type = attribute};

    if (count == 0)
        return true;
    mod.mod_bvalues = values_of(values, count);
    if (mod.mod_bvalues == NULL)
        return false;
    operations->mods[operations->count] = mod;
    operations->list[operations->count] = &operations->mods[operations->count];
    operations->count++;
    return true;
}

/* What goes comes first: a value may be replaced by its like. */
static bool
make_operations(const struct cm_change *change, struct operations *out)
{
    const struct cm_change_part *part;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < change->count; i++) {
        part = &change->parts[i];
        if (!add_operation(out, LDAP_MOD_DELETE, part->attribute, part->remove,
                           part->remove_count) ||
            !add_operation(out, LDAP_MOD_ADD, part->attribute, part->add,
                           part->add_count))
            return false;
    }
    return true;
}

int
cm_edit_send(struct cm_ldap_connection *connection,
             const struct cm_change *change, int *message_id)
{
    struct operations operations;
    int code = LDAP_NO_MEMORY;

    if (make_operations(change, &operations))
        code = ldap_modify_ext(connection->handle, change->dn, operations.list,
                               NULL, NULL, message_id);
    operations_clear(&operations);
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
    code = cm_edit_send(connection, change, &message_id);
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
