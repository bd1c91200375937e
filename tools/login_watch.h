/*
 * What goes on during a login, as far as libkrb5 does not say in the end:
 * which answers came, and what its PKINIT made of them.
 */
#ifndef CM_LOGIN_WATCH_H
#define CM_LOGIN_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <krb5.h>

#include "detail.h"

enum {
    /* How often a KDC may ask for preauthentication in one exchange: once at
     * first, and once more.  libkrb5 itself signs with the card 16 times for
     * a KDC that is not content with what it gets. */
    CM_LOGIN_MAX_DEMANDS = 2
};

/* What libkrb5's PKINIT returned: its first failure, if it had one. */
struct cm_login_step {
    bool called;
    krb5_error_code code;
    struct cm_detail said;
};

struct cm_login_watch {
    krb5_const_principal client; /* borrowed; whose realm alone is asked */
    bool traced;                 /* false: the steps are unknown */
    bool asked;                  /* an AS-REQ was sent */
    bool errors;                 /* a KRB-ERROR came */
    int error;                   /* the last message's number; 0: none */
    unsigned demands;            /* of those: KDC_ERR_PREAUTH_REQUIRED */
    bool replied;                /* an AS-REP came */
    bool astray;  /* libkrb5 was sent to another realm, and stopped */
    bool loading; /* PKINIT began to read CA certificates */
    bool making;  /* PKINIT had them, and the key, and began its message */
    struct cm_detail token;       /* what a PKCS#11 module refused last */
    struct cm_login_step request; /* making PA-PK-AS-REQ */
    struct cm_login_step reply;   /* reading PA-PK-AS-REP */
};

/*
 * From now on, for as long as both live.  The steps come from libkrb5's trace
 * messages, which nothing else tells: where the user has them written
 * elsewhere (KRB5_TRACE), they stay there and the steps stay unknown.
 */
void cm_login_watch_start(krb5_context context, struct cm_login_watch *watch);

/* Forgets what one name's exchange was like, before another's. */
void cm_login_watch_next(struct cm_login_watch *watch,
                         krb5_const_principal client);

/* For cm_login_watch_start() and tests: a message of the KDC's, and a trace
 * message. */
void cm_login_watch_reply(struct cm_login_watch *watch, const uint8_t *message,
                          size_t len);
void cm_login_watch_trace(struct cm_login_watch *watch, const char *message);

#endif
