#include "login_exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <krb5.h>

#include "login_cache.h"
#include "login_fault.h"
#include "login_name.h"
#include "login_secret.h"
#include "login_watch.h"

#define IDENTITY "X509_user_identity"
#define ANCHORS "X509_anchors"

struct session {
    const struct cm_login_request *request;
    krb5_context context;
    krb5_get_init_creds_opt *options;
    struct cm_login_asker asker;
    struct cm_login_watch watch;
};

/* The exchange about one name. */
struct attempt {
    krb5_principal client;
    krb5_ccache pinned;
    krb5_ccache kept; /* what libkrb5 writes tickets to */
    krb5_init_creds_context exchange;
    krb5_creds creds;
};

/* ---- What is the same for all names ---- */

static void
set_flags(const struct session *session)
{
    const struct cm_login_request *request = session->request;

    if (request->lifetime > 0)
        krb5_get_init_creds_opt_set_tkt_life(session->options,
                                             request->lifetime);
    if (request->renewable > 0)
        krb5_get_init_creds_opt_set_renew_life(session->options,
                                               request->renewable);
    if (request->forwardable)
        krb5_get_init_creds_opt_set_forwardable(session->options, 1);
    if (request->proxiable)
        krb5_get_init_creds_opt_set_proxiable(session->options, 1);
}

static krb5_error_code
set_armor(const struct session *session)
{
    krb5_error_code ret;

    if (session->request->armor == NULL)
        return 0;
    ret = krb5_get_init_creds_opt_set_fast_ccache_name(
        session->context, session->options, session->request->armor);
    if (ret == 0)
        ret = krb5_get_init_creds_opt_set_fast_flags(
            session->context, session->options, KRB5_FAST_REQUIRED);
    return ret;
}

static krb5_error_code
set_options(struct session *session)
{
    krb5_context context = session->context;
    krb5_error_code ret;

    ret = krb5_get_init_creds_opt_alloc(context, &session->options);
    if (ret != 0)
        return ret;
    set_flags(session);
    ret = krb5_get_init_creds_opt_set_pa(context, session->options, IDENTITY,
                                         session->request->identity);
    if (ret == 0 && session->request->anchors != NULL)
        ret = krb5_get_init_creds_opt_set_pa(
            context, session->options, ANCHORS, session->request->anchors);
    if (ret == 0)
        ret = krb5_get_init_creds_opt_set_responder(
            context, session->options, cm_login_respond, &session->asker);
    if (ret == 0)
        ret = set_armor(session);
    return ret;
}

static krb5_error_code
open_session(const struct cm_login_request *request, struct session *session)
{
    krb5_error_code ret;

    session->request = request;
    session->asker.secret = request->secret;
    session->asker.arg = request->secret_arg;
    if (request->name_count == 0 || request->name_count > CM_LOGIN_MAX_NAMES)
        return EINVAL;
    ret = krb5_init_context(&session->context);
    if (ret != 0)
        return ret;
    if (request->realm != NULL)
        ret = krb5_set_default_realm(session->context, request->realm);
    if (ret == 0)
        ret = set_options(session);
    cm_login_watch_start(session->context, &session->watch);
    return ret;
}

static void
close_session(struct session *session)
{
    if (session->context == NULL)
        return;
    krb5_get_init_creds_opt_free(session->context, session->options);
    krb5_free_context(session->context);
}

/* libkrb5 passes identities on to whoever wants them: PKINIT takes one and no
 * second one. */
static bool
has_pkinit(const struct session *session)
{
    return krb5_get_init_creds_opt_set_pa(session->context, session->options,
                                          IDENTITY,
                                          session->request->identity) != 0;
}

/* ---- One name ---- */

static krb5_error_code
open_attempt(struct session *session, const struct cm_login_name *name,
             struct attempt *attempt)
{
    krb5_context context = session->context;
    krb5_get_init_creds_opt *options = session->options;
    krb5_error_code ret;

    cm_login_watch_next(&session->watch, attempt->client);
    krb5_get_init_creds_opt_set_canonicalize(options,
                                             name->kind != CM_LOGIN_PRINCIPAL);
    ret = cm_login_cache_pin(context, attempt->client, &attempt->pinned);
    if (ret == 0)
        ret = krb5_cc_new_unique(context, "MEMORY", NULL, &attempt->kept);
    if (ret == 0)
        ret = krb5_get_init_creds_opt_set_in_ccache(context, options,
                                                    attempt->pinned);
    if (ret == 0)
        ret = krb5_get_init_creds_opt_set_out_ccache(context, options,
                                                     attempt->kept);
    if (ret == 0)
        ret = krb5_init_creds_init(context, attempt->client, cm_login_prompt,
                                   &session->asker, 0, options,
                                   &attempt->exchange);
    return ret;
}

static void
close_attempt(const struct session *session, struct attempt *attempt)
{
    krb5_context context = session->context;

    if (attempt->exchange != NULL)
        krb5_init_creds_free(context, attempt->exchange);
    krb5_free_cred_contents(context, &attempt->creds);
    if (attempt->pinned != NULL)
        (void)krb5_cc_destroy(context, attempt->pinned);
    if (attempt->kept != NULL)
        (void)krb5_cc_destroy(context, attempt->kept);
    krb5_free_principal(context, attempt->client);
}

static void
say(const struct session *session, krb5_error_code code,
    struct cm_login_result *out)
{
    const char *text = krb5_get_error_message(session->context, code);

    cm_detail_set(&out->said, "%s", text);
    krb5_free_error_message(session->context, text);
}

static void
fail(const struct session *session, krb5_error_code code,
     enum cm_login_fault fault, struct cm_login_result *out)
{
    out->end = CM_LOGIN_CLIENT;
    out->fault = fault;
    say(session, code, out);
}

/* Returns the number of the KRB-ERROR that came last, or 0.  Where libkrb5
 * began anew after it, it has forgotten the error. */
static int
read_error(const struct session *session, const struct attempt *attempt,
           struct cm_login_result *out)
{
    krb5_error *error = NULL;
    int number;

    if (attempt->exchange == NULL ||
        krb5_init_creds_get_error(session->context, attempt->exchange,
                                  &error) != 0 ||
        error == NULL)
        return session->watch.error;
    number = (int)error->error;
    (void)cm_reference_find((const uint8_t *)error->e_data.data,
                            error->e_data.length, out->reference);
    krb5_free_error(session->context, error);
    return number;
}

/* Where libkrb5's last words are not about what happened. */
static void
say_more(const struct cm_login_watch *watch, struct cm_login_result *out)
{
    struct cm_detail said = out->said;

    if (watch->reply.code != 0)
        out->said = watch->reply.said;
    else if (watch->token.text[0] != '\0')
        cm_detail_set(&out->said, "%s (%s)", said.text, watch->token.text);
}

static void
refuse(const struct session *session, const struct attempt *attempt,
       krb5_error_code code, struct cm_login_result *out)
{
    struct cm_login_facts facts = {
        .code = code,
        .armored = session->request->armor != NULL,
        .asker = &session->asker,
        .watch = &session->watch,
    };

    say(session, code, out);
    facts.error = read_error(session, attempt, out);
    facts.module = has_pkinit(session);
    cm_login_judge(&facts, out);
    if (out->end != CM_LOGIN_REFUSED)
        out->reference[0] = '\0';
    if (out->end == CM_LOGIN_CLIENT)
        say_more(&session->watch, out);
}

static void
keep(const struct session *session, struct attempt *attempt,
     struct cm_login_result *out)
{
    krb5_context context = session->context;
    char *principal = NULL, *cache = NULL;
    krb5_error_code ret;

    ret = krb5_unparse_name(context, attempt->creds.client, &principal);
    if (ret == 0)
        ret =
            cm_login_cache_store(context, attempt->kept, attempt->creds.client,
                                 session->request->cache, &cache);
    if (ret != 0) {
        krb5_free_unparsed_name(context, principal);
        fail(session, ret, CM_LOGIN_FAULT_CACHE, out);
        return;
    }
    attempt->kept = NULL;
    out->principal = principal;
    out->cache = cache;
    out->ends = (uint32_t)attempt->creds.times.endtime;
    if ((attempt->creds.ticket_flags & TKT_FLG_RENEWABLE) != 0)
        out->renew_until = (uint32_t)attempt->creds.times.renew_till;
    out->end = CM_LOGIN_DONE;
    out->fault = CM_LOGIN_FAULT_NONE;
}

/* False: the KDC does not know the name, and no secret was used on it. */
static bool
try_client(struct session *session, const struct cm_login_name *name,
           struct attempt *attempt, struct cm_login_result *out)
{
    krb5_context context = session->context;
    krb5_error_code ret;

    ret = open_attempt(session, name, attempt);
    if (ret == 0)
        ret = krb5_init_creds_get(context, attempt->exchange);
    if (ret == 0)
        ret = krb5_init_creds_get_creds(context, attempt->exchange,
                                        &attempt->creds);
    if (ret != 0)
        refuse(session, attempt, ret, out);
    else if (!cm_login_name_is_ordinary(context, attempt->client,
                                        attempt->creds.client))
        fail(session, KRB5_KDCREP_MODIFIED, CM_LOGIN_FAULT_REPLY, out);
    else
        keep(session, attempt, out);
    return out->end != CM_LOGIN_REFUSED ||
           ret != KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN || session->asker.asked;
}

static bool
try_name(struct session *session, const struct cm_login_name *name,
         struct cm_login_result *out)
{
    struct attempt attempt = {0};
    krb5_error_code ret;
    bool last = true;

    ret = cm_login_name_make(session->context, name, &attempt.client);
    if (ret != 0)
        fail(session, ret, CM_LOGIN_FAULT_NAME, out);
    else
        last = try_client(session, name, &attempt, out);
    close_attempt(session, &attempt);
    return last;
}

static void
try_names(struct session *session, struct cm_login_result *out)
{
    size_t i;

    for (i = 0; i < session->request->name_count; i++) {
        *out = (struct cm_login_result){
            .end = CM_LOGIN_CLIENT, .fault = CM_LOGIN_FAULT_OTHER, .name = i};
        if (try_name(session, &session->request->names[i], out))
            return;
    }
}

void
cm_login_exchange(const struct cm_login_request *request,
                  struct cm_login_result *out)
{
    struct session session = {0};
    krb5_error_code ret;

    *out = (struct cm_login_result){.end = CM_LOGIN_CLIENT,
                                    .fault = CM_LOGIN_FAULT_OTHER};
    ret = open_session(request, &session);
    if (ret != 0)
        fail(&session, ret, CM_LOGIN_FAULT_OTHER, out);
    else
        try_names(&session, out);
    close_session(&session);
}

void
cm_login_result_clear(struct cm_login_result *result)
{
    free(result->principal);
    free(result->cache);
    *result = (struct cm_login_result){0};
}
