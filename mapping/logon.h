/*
 * Step 2 of a login: may this certificate be used to log on at all,
 * whoever issued it and whomever it names?
 */
#ifndef CM_LOGON_H
#define CM_LOGON_H

#include <stdbool.h>
#include <stdint.h>

#include "certificate.h"

/* Extended key purposes that allow logon; any one suffices. */
enum cm_key_purpose {
    CM_PURPOSE_CLIENT_AUTH = 1 << 0,     /* 1.3.6.1.5.5.7.3.2 */
    CM_PURPOSE_SMARTCARD_LOGON = 1 << 1, /* 1.3.6.1.4.1.311.20.2.2 */
    CM_PURPOSE_PKINIT_CLIENT = 1 << 2    /* 1.3.6.1.5.2.3.4 */
};

struct cm_logon_rules {
    unsigned key_purposes;    /* bits of enum cm_key_purpose; not 0 */
    bool require_key_purpose; /* refuse a certificate without EKU */
    int min_rsa_bits;
};

/*
 * Checks, in this order: validity at `now`, CA certificate, key usage (if
 * present: digitalSignature), extended key usage (anyExtendedKeyUsage does
 * not count), key and signature strength.
 *
 * CM_OK, CM_CERT_VALIDITY, CM_CERT_KEY_PURPOSE or CM_CERT_WEAK_CRYPTO.
 */
enum cm_reason cm_logon_check(const struct cm_certificate *cert,
                              const struct cm_logon_rules *rules, int64_t now,
                              struct cm_detail *detail);

#endif
