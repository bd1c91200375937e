/*
 * The names that a certificate's holder may be known by to a KDC.
 */
#ifndef CM_LOGIN_NAMES_H
#define CM_LOGIN_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "certificate.h"
#include "login_exchange.h"

struct cm_login_names {
    struct cm_login_name list[CM_LOGIN_MAX_NAMES];
    char *texts[CM_LOGIN_MAX_NAMES]; /* theirs; owned */
    size_t count;
};

/*
 * What is typed stands alone: it is the user's choice.  Without it (NULL): the
 * UPN, where the certificate has one that is sound; then what maps it
 * strongly, issuer and serial before the SKI, each where it has one that a KDC
 * takes as a name (kdb_names.h).
 *
 * Count 0: the certificate says nothing that a KDC could know it by.  False:
 * no memory; out is zeroed.
 */
bool cm_login_names_build(const struct cm_certificate *cert, const char *typed,
                          struct cm_login_names *out);
void cm_login_names_clear(struct cm_login_names *names);

#endif
