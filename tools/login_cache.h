/*
 * The credential caches of a login: one that pins it to PKINIT, and the one
 * that the tickets end in.
 */
#ifndef CM_LOGIN_CACHE_H
#define CM_LOGIN_CACHE_H

#include <krb5.h>

/*
 * A cache in memory from which libkrb5 learns that this client's tickets are
 * to be had by PKINIT alone (krb5_get_init_creds_opt_set_in_ccache()): what
 * is meant for asking again as before is its one way to say so.  The caller
 * destroys it.
 */
krb5_error_code cm_login_cache_pin(krb5_context context, krb5_principal client,
                                   krb5_ccache *out);

/*
 * Moves the tickets of kept, which is destroyed, to where kinit(1) would put
 * them: the named cache, or, in the default collection, the client's own, the
 * default one if it is empty, or a new one.  It is then the primary one.
 *
 * *name is owned by the caller (krb5_free_string()).  On failure kept stays,
 * and what kinit would have overwritten may be lost.
 */
krb5_error_code cm_login_cache_store(krb5_context context, krb5_ccache kept,
                                     krb5_principal client, const char *named,
                                     char **name);

#endif
