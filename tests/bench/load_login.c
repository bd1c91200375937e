/*
 * Real logins: krb5_get_init_creds, whose messages go over our own wire, so
 * that they reach loopback alone and can be captured.
 */
#include "load.h"

#include <string.h>

#include <krb5.h>

struct session {
    const struct load *load;
    struct wire *wire;
    long preauth; /* what the request of interest carries */
    struct am_request *request;
    struct load_outcome last;
};

static bool
carries_preauth(const struct session *session, const krb5_data *message)
{
    const uint8_t *data = (const uint8_t *)message->data;

    return am_request_has(data, message->length, session->preauth);
}

static krb5_error_code
copy_out(krb5_context context, const uint8_t *data, size_t len,
         krb5_data **out)
{
    krb5_data reply = {.length = (unsigned)len};
    char buffer[AM_MAX_MESSAGE];

    memcpy(buffer, data, len);
    reply.data = buffer;
    return krb5_copy_data(context, &reply, out);
}

static krb5_error_code
carry(krb5_context context, void *data, const krb5_data *realm,
      const krb5_data *message, krb5_data **new_message, krb5_data **new_reply)
{
    struct session *session = data;
    const uint8_t *sent = (const uint8_t *)message->data, *answer = NULL;
    size_t len = 0;
    long padata = 0;

    (void)realm;
    *new_message = NULL;
    if (carries_preauth(session, message)) {
        padata = session->preauth == AM_PA_PK_AS_REQ ? AM_PA_PK_AS_REP : 0;
        if (session->request != NULL) {
            am_request_clear(session->request);
            am_request_prepare(sent, message->length, session->request);
        }
    }
    session->last.answered =
        wire_exchange(session->wire, &session->load->kdc, sent,
                      message->length, &answer, &len);
    if (!session->last.answered)
        return KRB5_KDC_UNREACH;
    session->last.answer =
        am_answer(answer, len, padata, &session->last.error);
    return copy_out(context, answer, len, new_reply);
}

static krb5_error_code
get_credentials(krb5_context context, const struct load *load,
                const struct load_login *login)
{
    krb5_get_init_creds_opt *options = NULL;
    krb5_principal principal = NULL;
    krb5_creds creds;
    krb5_error_code ret;

    memset(&creds, 0, sizeof(creds));
    ret = krb5_parse_name(context, login->principal, &principal);
    if (!ret)
        ret = krb5_get_init_creds_opt_alloc(context, &options);
    if (!ret && login->identity != NULL)
        ret = krb5_get_init_creds_opt_set_pa(
            context, options, "X509_user_identity", login->identity);
    if (!ret)
        ret = krb5_get_init_creds_password(
            context, &creds, principal,
            login->identity != NULL ? NULL : load->password, NULL, NULL, 0,
            NULL, options);
    krb5_free_cred_contents(context, &creds);
    krb5_get_init_creds_opt_free(context, options);
    krb5_free_principal(context, principal);
    return ret;
}

struct load_outcome
load_real_login(const struct load *load, const struct load_login *login,
                struct wire *wire, struct am_request *request)
{
    struct session session = {.load = load,
                              .wire = wire,
                              .preauth = login->identity != NULL
                                             ? AM_PA_PK_AS_REQ
                                             : AM_PA_ENC_TIMESTAMP,
                              .request = request};
    krb5_context context;
    krb5_error_code ret;

    if (krb5_init_context(&context) != 0)
        load_fail("no krb5 context");
    krb5_set_kdc_send_hook(context, carry, &session);
    ret = get_credentials(context, load, login);
    krb5_free_context(context);
    if (ret != 0 && session.last.answer == AM_AS_REP)
        session.last.answer = AM_NEITHER; /* libkrb5 does not believe it */
    return session.last;
}
