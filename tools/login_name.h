/*
 * The names of a login as principals, and whether a reply's is one that
 * somebody logs in as.
 */
#ifndef CM_LOGIN_NAME_H
#define CM_LOGIN_NAME_H

#include <stdbool.h>

#include <krb5.h>

#include "login_exchange.h"

enum { CM_LOGIN_NAME_MAX = 1024 }; /* bytes */

/*
 * A UPN and an X.500 name are one component of the default realm, whatever
 * characters they hold; what was typed is parsed as kinit(1) does.  The caller
 * frees *out with krb5_free_principal().
 */
krb5_error_code cm_login_name_make(krb5_context context,
                                   const struct cm_login_name *name,
                                   krb5_principal *out);

/*
 * May tickets for this principal be kept?  Not for another realm's, not for a
 * well-known name (RFC 6111), the stand-in's among them, and not for a UPN or
 * an X.500 name that a KDC gave back instead of a principal's.
 */
bool cm_login_name_is_ordinary(krb5_context context,
                               krb5_const_principal asked,
                               krb5_const_principal got);

#endif
