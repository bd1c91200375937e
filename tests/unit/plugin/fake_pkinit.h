/*
 * A stand-in for stock PKINIT that does what the preauthentication data says,
 * letter by letter.  Where certauth refuses, it answers with that, as stock
 * does, unless it has answered.
 *
 *     A  asks our certauth module about the certificate
 *     I  asserts the indicator "fake"
 *     P  sets pre-authent, H hw-authent
 *     R  is called again while it runs (fake->again)
 *     Y  answers yes, N no (KRB5KRB_AP_ERR_SKEW)
 *     E  answers no as where a certificate is not trusted, with the e-data
 *        that stock sends then
 */
#ifndef FAKE_PKINIT_H
#define FAKE_PKINIT_H

#include <stddef.h>
#include <stdint.h>

#include <krb5.h>
#include <krb5/certauth_plugin.h>
#include <krb5/kdcpreauth_plugin.h>

enum { FAKE_PKINIT_E_DATA = 104 }; /* TD-TRUSTED-CERTIFIERS */
#define FAKE_PKINIT_VALUE "trusted"

struct fake_pkinit {
    const struct krb5_certauth_vtable_st *certauth;
    const uint8_t *certificate;
    size_t certificate_len;
    void (*again)(void);
    int live; /* request states not freed yet */
    /* Of the last request: for an answer that comes later. */
    krb5_kdcpreauth_verify_respond_fn respond;
    void *arg;
};

/* The object exports fake_pkinit, of this type, and this function: a yes
 * now. */
typedef void (*fake_pkinit_late_fn)(void);

#endif
