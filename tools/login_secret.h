/*
 * What libkrb5 asks during a login: the PIN or the key's password is passed
 * on, and nothing else is answered.
 */
#ifndef CM_LOGIN_SECRET_H
#define CM_LOGIN_SECRET_H

#include <stdbool.h>

#include <krb5.h>

#include "login_exchange.h"

enum {
    CM_LOGIN_MAX_QUESTIONS = 16, /* keys of one identity that need a secret */
    CM_LOGIN_MAX_PROMPT = 256    /* bytes with the NUL */
};

struct cm_login_asker {
    cm_login_secret_fn *secret;
    void *arg;
    /* What came of it. */
    bool asked;           /* a secret was asked for */
    bool gave_up;         /* the user wants no more */
    bool locked;          /* the token says that its PIN is locked */
    bool password_wanted; /* libkrb5 wanted the account's password */
};

/* krb5_responder_fn; data is a struct cm_login_asker. */
krb5_error_code cm_login_respond(krb5_context context, void *data,
                                 krb5_responder_context questions);

/* krb5_prompter_fct: refuses whatever it is asked. */
krb5_error_code cm_login_prompt(krb5_context context, void *data,
                                const char *name, const char *banner,
                                int count, krb5_prompt prompts[]);

/* What to ask for, such as "PIN of Corp Card", from libkrb5's name of the
 * identity ("PKCS11:...:token=Corp Card"). */
void cm_login_question(const char *identity, char out[CM_LOGIN_MAX_PROMPT]);

#endif
