/*
 * certmap login, in its steps: what is asked for, with what, how it ended.
 */
#ifndef CM_LOGIN_COMMAND_H
#define CM_LOGIN_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "login_exchange.h"
#include "login_identity.h"
#include "login_words.h"
#include "options.h"

struct cm_login_order {
    struct cm_options options;
    const char *identity; /* --identity; NULL: the cards */
    const char *sha256;   /* its first digits; NULL: not given */
    const char *typed;    /* NAME; NULL: not given */
    const char *armor, *cache;
    const char *anchors; /* X509_anchors; NULL: not given */
    int32_t lifetime, renewable;
    bool forwardable;
    bool list;
};

/* How it ended, before or with what the KDC said. */
struct cm_login_answer {
    enum cm_exit code;
    struct cm_login_words words;
    struct cm_detail said; /* beside the words, for who looks into it */
    /* Which one it was; NULL: none was chosen.  Not owned. */
    const struct cm_login_identity *identity;
    bool show;                     /* the candidates belong to the answer */
    bool has_usable;               /* of them only those that can be used */
    struct cm_login_result result; /* zeroed: no KDC was asked */
};

/* Ends that are none of the KDC's or of a PIN's. */
enum cm_login_own {
    CM_LOGIN_NO_CARD,
    CM_LOGIN_NO_CERTIFICATE,
    CM_LOGIN_NO_FILE,
    CM_LOGIN_NOT_USABLE,
    CM_LOGIN_EXPIRED,
    CM_LOGIN_NOT_FOUND,
    CM_LOGIN_SEVERAL,
    CM_LOGIN_NOT_CHOSEN,
    CM_LOGIN_NO_NAME,
    CM_LOGIN_NO_PIN,
    CM_LOGIN_NO_TERMINAL,
    CM_LOGIN_NO_PIN_FILE,
    CM_LOGIN_LAST_TRY,
    CM_LOGIN_CARD_KEY,
    CM_LOGIN_NO_MEMORY
};
void cm_login_answer_own(struct cm_login_answer *answer,
                         enum cm_login_own end);
/* A secret was asked for, and nobody typed one, or nobody could. */
void cm_login_answer_unasked(struct cm_login_answer *answer);

/* The login with one certificate: its PIN, its names, the KDC. */
void cm_login_go(const struct cm_login_order *order,
                 const struct cm_login_identity *identity,
                 struct cm_login_answer *answer);

/* The answer, for people on both streams or as one JSON object. */
enum cm_exit cm_login_print(const struct cm_login_order *order,
                            const struct cm_login_identities *identities,
                            const struct cm_login_answer *answer);

/* --list. */
enum cm_exit cm_login_list(const struct cm_login_order *order,
                           const struct cm_login_identities *identities);

#endif
