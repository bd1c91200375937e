#include "ntauth_edit.h"

#include <stdlib.h>
#include <string.h>

#include "edit.h"
#include "ntauth_parts.h"
#include "text.h"

static enum cm_ntauth_end
no_memory(struct cm_detail *detail)
{
    cm_detail_set(detail, "out of memory");
    return CM_NTAUTH_REFUSED;
}

enum { MAX_MODS = 6 };

/* What one operation writes; values are borrowed. */
struct order {
    LDAPMod *list[MAX_MODS + 1];
    LDAPMod mods[MAX_MODS];
    size_t count;
    bool failed;
};

static void
clear_order(struct order *order)
{
    for (size_t i = 0; i < order->count; i++) {
        struct berval **values = order->mods[i].mod_bvalues;

        for (size_t j = 0; values != NULL && values[j] != NULL; j++)
            free(values[j]);
        free(values);
    }
}

/* libldap takes names and values without const, and leaves them alone. */
static char *
lend(const void *text)
{
    union {
        const void *in;
        char *out;
    } both = {text};

    return both.out;
}

static struct berval *
make_value(const void *bytes, size_t len)
{
    struct berval *value = malloc(sizeof(*value));

    if (value != NULL) {
        value->bv_val = lend(bytes);
        value->bv_len = len;
    }
    return value;
}

/* Room for `count` values of one attribute; without values there is none. */
static struct berval **
begin_mod(struct order *order, int op, const char *attribute, size_t count)
{
    LDAPMod *mod = &order->mods[order->count];

    if (count == 0 || order->failed)
        return NULL;
    memset(mod, 0, sizeof(*mod));
    mod->mod_op = op | LDAP_MOD_BVALUES;
    mod->mod_type = lend(attribute);
    mod->mod_bvalues = calloc(count + 1, sizeof(struct berval *));
    order->failed = mod->mod_bvalues == NULL;
    if (!order->failed)
        order->list[order->count++] = mod;
    return mod->mod_bvalues;
}

static void
add_one(struct order *order, int op, const char *attribute, const void *bytes,
        size_t len)
{
    struct berval **values = begin_mod(order, op, attribute, 1);

    if (values != NULL)
        values[0] = make_value(bytes, len);
    order->failed = order->failed || values == NULL || values[0] == NULL;
}

static void
add_values(struct order *order, int op, const char *attribute,
           const struct cm_ntauth_object *object)
{
    struct berval **values = begin_mod(order, op, attribute, object->count);

    for (size_t i = 0; values != NULL && i < object->count; i++) {
        values[i] = make_value(object->values[i].bytes, object->values[i].len);
        order->failed = order->failed || values[i] == NULL;
        if (order->failed)
            return;
    }
}

static enum cm_ntauth_end
judge(int code, struct cm_detail *detail)
{
    switch (code) {
    case LDAP_SUCCESS:
        return CM_NTAUTH_DONE;
    case LDAP_NO_SUCH_ATTRIBUTE:
    case LDAP_TYPE_OR_VALUE_EXISTS:
    case LDAP_NO_SUCH_OBJECT:
    case LDAP_ALREADY_EXISTS:
        cm_detail_set(detail, "someone else has edited it meanwhile; look at "
                              "it again");
        return CM_NTAUTH_EDITED;
    default:
        cm_edit_add_hint(code, detail);
        return CM_NTAUTH_REFUSED;
    }
}

/* Sends what the order says, and waits for its result. */
static enum cm_ntauth_end
send_order(struct cm_ntauth_session *session, const char *dn, bool create,
           struct order *order, struct cm_detail *detail)
{
    int64_t deadline = cm_backend_now_ms() + session->timeout_ms;
    LDAP *handle = session->connection.handle;
    LDAPMessage *message;
    int code, id;

    if (order->failed)
        return no_memory(detail);
    cm_ldap_begin(&session->connection, deadline);
    code = create ? ldap_add_ext(handle, dn, order->list, NULL, NULL, &id)
                  : ldap_modify_ext(handle, dn, order->list, NULL, NULL, &id);
    if (code != LDAP_SUCCESS) {
        cm_detail_set(detail, "%s", ldap_err2string(code));
        return code == LDAP_SERVER_DOWN ? CM_NTAUTH_LOST : CM_NTAUTH_REFUSED;
    }
    if (cm_ldap_next(&session->connection, id, deadline, &message, detail) !=
        CM_LDAP_ANSWERED)
        return CM_NTAUTH_LOST;
    code = cm_ldap_result_code(&session->connection, message,
                               create ? "add" : "modify", detail);
    return code < 0 ? CM_NTAUTH_LOST : judge(code, detail);
}

/* ---- What is missing ---- */

static const char nothing[1] = {0};

static void
add_classes(struct order *order, const char *const *classes)
{
    struct berval **values;
    size_t count = 0;

    while (classes[count] != NULL)
        count++;
    values = begin_mod(order, LDAP_MOD_ADD, "objectClass", count);
    for (size_t i = 0; values != NULL && i < count; i++) {
        values[i] = make_value(classes[i], strlen(classes[i]));
        if (values[i] == NULL) {
            order->failed = true;
            return;
        }
    }
}

static void
describe_container(struct order *order, const LDAPAVA *name, bool windows)
{
    static const char *const units[] = {"top", "organizationalUnit", NULL};
    static const char *const processes[] = {"top", "applicationProcess", NULL};
    static const char *const containers[] = {"top", "container", NULL};
    bool unit = (name->la_attr.bv_val[0] | 0x20) == 'o';

    add_classes(order, unit ? units : windows ? containers : processes);
    add_one(order, LDAP_MOD_ADD, unit ? "ou" : "cn", name->la_value.bv_val,
            name->la_value.bv_len);
}

static void
describe_object(struct order *order, const LDAPAVA *name, bool windows,
                const struct cm_ntauth_object *values)
{
    static const char *const authority[] = {"top", "certificationAuthority",
                                            NULL};
    static const char *const process[] = {"top", "applicationProcess", "pkiCA",
                                          NULL};

    add_classes(order, windows ? authority : process);
    add_one(order, LDAP_MOD_ADD, "cn", name->la_value.bv_val,
            name->la_value.bv_len);
    if (windows) {
        add_one(order, LDAP_MOD_ADD, "authorityRevocationList", nothing, 1);
        add_one(order, LDAP_MOD_ADD, "certificateRevocationList", nothing, 1);
    }
    if (windows && values->count == 0)
        add_one(order, LDAP_MOD_ADD, CM_NTAUTH_PLAIN, nothing, 1);
    add_values(order, LDAP_MOD_ADD,
               windows ? CM_NTAUTH_PLAIN : CM_NTAUTH_BINARY, values);
}

/* One entry; values NULL: a container. */
static enum cm_ntauth_end
create_one(struct cm_ntauth_session *session, const char *name, bool windows,
           const struct cm_ntauth_object *values, struct cm_detail *detail)
{
    struct order order = {.count = 0};
    struct cm_detail why = {""};
    enum cm_ntauth_end end;
    LDAPDN dn = NULL;

    if (ldap_str2dn(name, &dn, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS ||
        dn == NULL)
        return no_memory(detail);
    if (values == NULL)
        describe_container(&order, dn[0][0], windows);
    else
        describe_object(&order, dn[0][0], windows, values);
    end = send_order(session, name, true, &order, &why);
    if (end != CM_NTAUTH_DONE)
        cm_detail_set(detail, "%s: %s", name, why.text);
    clear_order(&order);
    ldap_dnfree(dn);
    return end;
}

static enum cm_ntauth_end
create_all(struct cm_ntauth_session *session,
           const struct cm_ntauth_state *state,
           const struct cm_ntauth_object *add, struct cm_text_list *created,
           struct cm_detail *detail)
{
    enum cm_ntauth_end end = CM_NTAUTH_DONE;

    for (size_t i = 0; end == CM_NTAUTH_DONE && i < state->missing.count;
         i++) {
        const char *name = state->missing.items[i];
        bool object = i + 1 == state->missing.count;

        end = create_one(session, name, state->windows, object ? add : NULL,
                         detail);
        /* A container may have appeared meanwhile; the object may not. */
        if (!object && end == CM_NTAUTH_EDITED)
            end = CM_NTAUTH_DONE;
        else if (end == CM_NTAUTH_DONE && !cm_text_list_add(created, name))
            end = no_memory(detail);
    }
    return end;
}

/* ---- What is there ---- */

static bool
holds(const struct cm_ntauth_object *object,
      const struct cm_ntauth_value *value)
{
    for (size_t i = 0; i < object->count; i++) {
        if (object->values[i].len == value->len &&
            memcmp(object->values[i].bytes, value->bytes, value->len) == 0)
            return true;
    }
    return false;
}

/* Those of `wanted` that `held` holds.  False: no memory. */
static bool
choose(const struct cm_ntauth_object *wanted,
       const struct cm_ntauth_object *held, struct cm_ntauth_object *out)
{
    bool ok = true;

    for (size_t i = 0; ok && i < wanted->count; i++) {
        if (holds(held, &wanted->values[i]))
            ok = cm_ntauth_object_add(out, wanted->values[i].bytes,
                                      wanted->values[i].len);
    }
    return ok;
}

/* Windows' stand-in for an empty list comes and goes with the values. */
static void
mind_placeholder(struct order *order, const struct cm_ntauth_state *state,
                 const struct cm_ntauth_object *gone,
                 const struct cm_ntauth_object *add)
{
    uint8_t zero = 0;
    const struct cm_ntauth_value placeholder = {&zero, sizeof(zero)};
    bool stands = holds(&state->plain, &placeholder);

    if (!state->windows)
        return;
    if (stands && add->count > 0 && !holds(gone, &placeholder))
        add_one(order, LDAP_MOD_DELETE, CM_NTAUTH_PLAIN, nothing, 1);
    if (!stands && add->count == 0 && gone->count == state->plain.count)
        add_one(order, LDAP_MOD_ADD, CM_NTAUTH_PLAIN, nothing, 1);
}

static enum cm_ntauth_end
change_object(struct cm_ntauth_session *session,
              const struct cm_ntauth_state *state,
              const struct cm_ntauth_object *remove,
              const struct cm_ntauth_object *add, struct cm_detail *detail)
{
    struct cm_ntauth_object plain = {0}, binary = {0};
    bool as_plain =
        state->windows || (state->plain.count > 0 && state->binary.count == 0);
    struct order order = {.count = 0};
    struct cm_detail why = {""};
    enum cm_ntauth_end end;

    order.failed = !choose(remove, &state->plain, &plain) ||
                   !choose(remove, &state->binary, &binary);
    add_values(&order, LDAP_MOD_DELETE, CM_NTAUTH_PLAIN, &plain);
    add_values(&order, LDAP_MOD_DELETE, CM_NTAUTH_BINARY, &binary);
    mind_placeholder(&order, state, &plain, add);
    add_values(&order, LDAP_MOD_ADD,
               as_plain ? CM_NTAUTH_PLAIN : CM_NTAUTH_BINARY, add);
    end = order.count == 0 && !order.failed
              ? CM_NTAUTH_DONE
              : send_order(session, state->dn, false, &order, &why);
    if (end != CM_NTAUTH_DONE)
        cm_detail_set(detail, "%s: %s", state->dn, why.text);
    clear_order(&order);
    cm_ntauth_object_clear(&plain);
    cm_ntauth_object_clear(&binary);
    return end;
}

enum cm_ntauth_end
cm_ntauth_session_write(struct cm_ntauth_session *session,
                        const struct cm_ntauth_state *state,
                        const struct cm_ntauth_object *remove,
                        const struct cm_ntauth_object *add,
                        struct cm_text_list *created, struct cm_detail *detail)
{
    return state->exists ? change_object(session, state, remove, add, detail)
                         : create_all(session, state, add, created, detail);
}
