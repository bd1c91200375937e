/*
 * Do the KDC's certificate and key belong together?
 *
 * Stock PKINIT does not ask.  Whoever renews both writes one after the other;
 * what was loaded between the two would sign with a key that no client
 * believes.
 */
#ifndef CM_STOCK_IDENTITY_H
#define CM_STOCK_IDENTITY_H

#include <stdbool.h>

#include <krb5.h>

#include "detail.h"

/*
 * The pkinit_identity of the realm, or that of [kdcdefaults], where it names
 * PEM files.  False: both can be read and are not of one key pair; detail
 * says so.  Of all else (PKCS11, PKCS12, DIR, files that cannot be read, a
 * key with a passphrase) stock PKINIT is the judge.
 */
bool cm_stock_identity_fits(krb5_context context, const char *realm,
                            struct cm_detail *detail);

#endif
