/*
 * The times in certificates, CRLs and OCSP responses.
 */
#ifndef CM_INSTANT_H
#define CM_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/asn1.h>

enum {
    CM_INSTANT_UTC_LENGTH = 13,        /* YYMMDDHHMMSSZ */
    CM_INSTANT_GENERALIZED_LENGTH = 15 /* YYYYMMDDHHMMSSZ */
};

/*
 * Seconds since 1970 of a UTCTime or GeneralizedTime in the one form that
 * RFC 5280 section 4.1.2.5 allows.  False: another form, no such time, or
 * NULL (which libcrypto would read as now).
 */
bool cm_instant_read(const ASN1_TIME *time, int64_t *out);

#endif
