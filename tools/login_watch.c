#include "login_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "der.h"

enum {
    AS_REQ = 0x6a, /* [APPLICATION 10] (RFC 4120 section 5.4.1) */
    AS_REP = 0x6b,
    KRB_ERROR = 0x7e,
    ERROR_CODE = 6, /* the field's tag (section 5.9.1) */
    PREAUTH_REQUIRED = 25,
    PA_PK_AS_REQ = 16, /* RFC 4556 section 3.1.3 */
    PA_PK_AS_REP = 17
};

/* 0: not a KRB-ERROR, or of a number that no KDC sends. */
static int
read_error_code(const uint8_t *message, size_t len)
{
    struct cm_der rest = {message, len}, outer, fields;
    struct cm_der_element field;
    struct cm_der number;

    if (!cm_der_read_tag(&rest, KRB_ERROR, &outer) ||
        !cm_der_read_tag(&outer, CM_DER_SEQUENCE, &fields))
        return 0;
    while (cm_der_read(&fields, &field)) {
        if (field.tag != (CM_DER_CONTEXT_CONSTRUCTED | ERROR_CODE))
            continue;
        if (!cm_der_read_tag(&field.value, CM_DER_INTEGER, &number) ||
            number.len != 1 || number.bytes[0] > INT8_MAX)
            return 0;
        return number.bytes[0];
    }
    return 0;
}

static bool
begins_with(const krb5_data *message, unsigned char tag)
{
    return message != NULL && message->length > 0 &&
           (unsigned char)message->data[0] == tag;
}

static bool
is_realm_of(const krb5_data *realm, krb5_const_principal client)
{
    return realm != NULL && realm->length == client->realm.length &&
           memcmp(realm->data, client->realm.data, realm->length) == 0;
}

/*
 * A KRB-ERROR is not authenticated: whoever sends one could have the next
 * request, signed by the card, sent to a realm of his.
 */
static krb5_error_code
before_sending(krb5_context context, void *data, const krb5_data *realm,
               const krb5_data *message, krb5_data **new_message,
               krb5_data **new_reply)
{
    struct cm_login_watch *watch = data;

    *new_message = NULL;
    *new_reply = NULL;
    if (!begins_with(message, AS_REQ))
        return 0;
    if (watch->demands > CM_LOGIN_MAX_DEMANDS)
        return KRB5_GET_IN_TKT_LOOP;
    if (is_realm_of(realm, watch->client)) {
        watch->asked = true;
        return 0;
    }
    watch->astray = true;
    krb5_set_error_message(context, KRB5KDC_ERR_WRONG_REALM,
                           "The KDC says that the account is of realm %.*s",
                           realm == NULL ? 0 : (int)realm->length,
                           realm == NULL ? "" : realm->data);
    return KRB5KDC_ERR_WRONG_REALM;
}

void
cm_login_watch_reply(struct cm_login_watch *watch, const uint8_t *message,
                     size_t len)
{
    if (len == 0)
        return;
    watch->replied = watch->replied || message[0] == AS_REP;
    watch->errors = watch->errors || message[0] == KRB_ERROR;
    watch->error = read_error_code(message, len);
    if (watch->error == PREAUTH_REQUIRED)
        watch->demands++;
}

static krb5_error_code
after_receiving(krb5_context context, void *data, krb5_error_code code,
                const krb5_data *realm, const krb5_data *message,
                const krb5_data *reply, krb5_data **new_reply)
{
    (void)context;
    (void)realm;
    *new_reply = NULL;
    if (code == 0 && begins_with(message, AS_REQ) && reply != NULL)
        cm_login_watch_reply(data, (const uint8_t *)reply->data,
                             reply->length);
    return code;
}

static void
note_step(struct cm_login_step *step, const char *returned)
{
    krb5_error_code code;
    char *end = NULL;

    errno = 0;
    code = (krb5_error_code)strtol(returned, &end, 10);
    if (errno != 0 || end == returned)
        return;
    step->called = true;
    if (code == 0 || step->code != 0)
        return;
    step->code = code;
    end += *end == '/';
    cm_detail_set(&step->said, "%.*s", (int)strcspn(end, "\n"), end);
}

static const char *
find_after(const char *text, const char *words)
{
    const char *at = strstr(text, words);

    return at == NULL ? NULL : at + strlen(words);
}

/* "[1234] 1.5: PKINIT PKCS11 C_Login failed: pin incorrect" */
static void
note_progress(struct cm_login_watch *watch, const char *words)
{
    static const char TOKEN[] = "PKCS11 ";

    if (strncmp(words, TOKEN, strlen(TOKEN)) == 0)
        cm_detail_set(&watch->token, "%.*s", (int)strcspn(words, "\n"), words);
    watch->loading = watch->loading || strstr(words, "loading CA certs");
    watch->making = watch->making || strstr(words, "client making");
}

/* "[1234] 1.5: Preauth module pkinit (16) (real) returned: -17653.../words" */
void
cm_login_watch_trace(struct cm_login_watch *watch, const char *message)
{
    static const char RETURNED[] = ") (real) returned: ";
    const char *at = find_after(message, ": PKINIT ");
    char *end = NULL;
    long type;

    if (at != NULL)
        note_progress(watch, at);
    at = find_after(message, ": Preauth module pkinit (");
    if (at == NULL)
        return;
    type = strtol(at, &end, 10);
    if (strncmp(end, RETURNED, strlen(RETURNED)) != 0)
        return;
    end += strlen(RETURNED);
    if (type == PA_PK_AS_REQ)
        note_step(&watch->request, end);
    else if (type == PA_PK_AS_REP)
        note_step(&watch->reply, end);
}

static void
trace(krb5_context context, const krb5_trace_info *info, void *data)
{
    (void)context;
    if (info != NULL && info->message != NULL)
        cm_login_watch_trace(data, info->message);
}

void
cm_login_watch_start(krb5_context context, struct cm_login_watch *watch)
{
    *watch = (struct cm_login_watch){0};
    krb5_set_kdc_send_hook(context, before_sending, watch);
    krb5_set_kdc_recv_hook(context, after_receiving, watch);
    watch->traced = secure_getenv("KRB5_TRACE") == NULL &&
                    krb5_set_trace_callback(context, trace, watch) == 0;
}

void
cm_login_watch_next(struct cm_login_watch *watch, krb5_const_principal client)
{
    bool traced = watch->traced;

    *watch = (struct cm_login_watch){.client = client, .traced = traced};
}
