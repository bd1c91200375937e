/*
 * What certmap login says about an end: what happened, and what the user can
 * do next.  The words say no more than the KDC did: it does not tell a client
 * whether an account exists.
 */
#ifndef CM_LOGIN_WORDS_H
#define CM_LOGIN_WORDS_H

#include "card_list.h"
#include "login_exchange.h"

struct cm_login_words {
    const char *token; /* stable, for --json: "not-trusted", "card-locked" */
    const char *text;  /* one sentence, with a full stop */
    const char *next;  /* what to do; one sentence, or "" */
};

/* Static; never NULL.  given: the user typed a name (then "no account" means
 * something else).  Of CM_LOGIN_DONE: "ok". */
struct cm_login_words cm_login_words(const struct cm_login_result *result,
                                     bool given);

/* Of a PIN that did not open the card, with what the token says of the tries
 * that are left. */
struct cm_login_words cm_login_pin_words(enum cm_pin_answer answer,
                                         unsigned state);

/* Said before the PIN is asked for; "" where there is nothing to say. */
const char *cm_login_pin_warning(unsigned state);

#endif
