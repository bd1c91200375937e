/*
 * Whether a certificate is revoked, as far as the store knows.
 */
#ifndef CM_AUDIT_WORLD_H
#define CM_AUDIT_WORLD_H

#include <stdbool.h>

#include <openssl/x509.h>

struct cm_audit_world;

/*
 * Does the store, or the deny list, say that it is?  False too where none of
 * the realm's CAs has issued it, or where that cannot be found out (counted
 * in the world then).  verified: its issuer has been verified already.
 */
bool cm_audit_is_revoked(struct cm_audit_world *world, X509 *cert,
                         bool verified);

#endif
