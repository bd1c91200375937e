#include "login_secret.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool
begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* The value of a relation between colons: "a=b:token=VALUE:c=d". */
static const char *
find_relation(const char *text, const char *relation, int *len)
{
    const char *at = text;

    while ((at = strchr(at, ':')) != NULL) {
        at++;
        if (begins(at, relation)) {
            at += strlen(relation);
            *len = (int)strcspn(at, ":");
            return at;
        }
    }
    return NULL;
}

void
cm_login_question(const char *identity, char out[CM_LOGIN_MAX_PROMPT])
{
    const char *token, *file;
    int len = 0;

    if (begins(identity, "PKCS11:")) {
        token = find_relation(identity, "token=", &len);
        if (token != NULL && len > 0)
            (void)snprintf(out, CM_LOGIN_MAX_PROMPT, "PIN of %.*s", len,
                           token);
        else
            (void)snprintf(out, CM_LOGIN_MAX_PROMPT, "PIN");
        return;
    }
    /* "FILE:certificate,key" and "PKCS12:file" */
    file = strrchr(identity, ',');
    if (file == NULL)
        file = strchr(identity, ':');
    (void)snprintf(out, CM_LOGIN_MAX_PROMPT, "Password of %s",
                   file == NULL ? identity : file + 1);
}

static krb5_error_code
answer(krb5_context context, struct cm_login_asker *asker,
       krb5_responder_context questions, const char *identity)
{
    char question[CM_LOGIN_MAX_PROMPT], secret[CM_LOGIN_MAX_SECRET] = "";
    krb5_error_code ret = 0;

    cm_login_question(identity, question);
    asker->asked = true;
    if (asker->secret == NULL ||
        !asker->secret(asker->arg, question, secret, sizeof(secret))) {
        asker->gave_up = true;
        ret = KRB5_LIBOS_PWDINTR;
    } else if (memchr(secret, '\0', sizeof(secret)) == NULL) {
        ret = KRB5_LIBOS_CANTREADPWD;
    } else if (secret[0] != '\0') {
        ret = krb5_responder_pkinit_set_answer(context, questions, identity,
                                               secret);
    }
    explicit_bzero(secret, sizeof(secret));
    return ret;
}

krb5_error_code
cm_login_respond(krb5_context context, void *data,
                 krb5_responder_context questions)
{
    struct cm_login_asker *asker = data;
    krb5_responder_pkinit_challenge *challenge = NULL;
    krb5_responder_pkinit_identity *one;
    krb5_error_code ret;
    size_t i;

    ret = krb5_responder_pkinit_get_challenge(context, questions, &challenge);
    if (ret != 0 || challenge == NULL)
        return ret;
    for (i = 0; ret == 0 && challenge->identities[i] != NULL; i++) {
        one = challenge->identities[i];
        if (i == CM_LOGIN_MAX_QUESTIONS)
            ret = E2BIG;
        else if ((one->token_flags &
                  KRB5_RESPONDER_PKINIT_FLAGS_TOKEN_USER_PIN_LOCKED) != 0) {
            asker->locked = true;
            ret = KRB5_LIBOS_PWDINTR;
        } else
            ret = answer(context, asker, questions, one->identity);
    }
    krb5_responder_pkinit_challenge_free(context, questions, challenge);
    return ret;
}

krb5_error_code
cm_login_prompt(krb5_context context, void *data, const char *name,
                const char *banner, int count, krb5_prompt prompts[])
{
    struct cm_login_asker *asker = data;
    krb5_prompt_type *types = krb5_get_prompt_types(context);

    (void)name;
    (void)banner;
    (void)prompts;
    if (count == 0)
        return 0;
    if (types != NULL && types[0] == KRB5_PROMPT_TYPE_PASSWORD)
        asker->password_wanted = true;
    return KRB5_LIBOS_CANTREADPWD;
}
