/*
 * Whose fault an end is: the one place that judges what libkrb5 returned and
 * what was seen meanwhile.
 */
#ifndef CM_LOGIN_FAULT_H
#define CM_LOGIN_FAULT_H

#include <stdbool.h>

#include <krb5.h>

#include "login_exchange.h"
#include "login_secret.h"
#include "login_watch.h"

struct cm_login_facts {
    krb5_error_code code; /* libkrb5's; not 0 */
    int error;            /* number of the last KRB-ERROR; 0: none */
    bool armored;         /* the request named a cache to armor with */
    bool module;          /* libkrb5 has PKINIT */
    const struct cm_login_asker *asker;
    const struct cm_login_watch *watch;
};

/* Writes end, fault and number. */
void cm_login_judge(const struct cm_login_facts *facts,
                    struct cm_login_result *result);

#endif
