/*
 * The OCSP response that a client staples to its request (RFC 4557).
 */
#ifndef CM_KDCPREAUTH_STAPLE_H
#define CM_KDCPREAUTH_STAPLE_H

#include <krb5.h>

#include "authorize.h"

/* The response about the client's own certificate, DER, pointing into the
 * request; empty where there is none that can be used. */
struct cm_blob cm_staple_find(const krb5_kdc_req *request);

#endif
