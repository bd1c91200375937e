/*
 * The OCSP response that a client staples to its request (RFC 4557).
 */
#ifndef CM_KDCPREAUTH_STAPLE_H
#define CM_KDCPREAUTH_STAPLE_H

#include <krb5.h>

#include "staple.h"

/*
 * The response about the client's own certificate, DER, pointing into the
 * request; empty where there is none that can be used.  *trouble: why one
 * that was sent is ignored (static), else NULL.
 *
 * A type 18 that stands there twice, or is not strictly what it should be, is
 * refused for itself: the login is judged as if nothing were stapled.  It is
 * not signed by the client, so whoever stands in between could add one; and
 * what it spares a login can be had without it.
 */
struct cm_blob cm_staple_find(const krb5_kdc_req *request,
                              const char **trouble);

/* Puts the trouble before what the detail says; NULL: nothing happens. */
void cm_staple_note(const char *trouble, struct cm_detail *detail);

#endif
