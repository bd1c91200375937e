/*
 * What RFC 4556 asks of a KDC's own certificate.
 */
#ifndef CM_KDC_CERT_H
#define CM_KDC_CERT_H

#include <stdbool.h>

#include <openssl/x509.h>

/* The extended key usage id-pkinit-KPKdc (section 3.2.4). */
bool cm_kdc_cert_has_eku(const X509 *cert);

/* An id-pkinit-san that names krbtgt/REALM@REALM (section 3.2.2). */
bool cm_kdc_cert_names(const X509 *cert, const char *realm);

#endif
