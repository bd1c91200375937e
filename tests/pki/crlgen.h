/*
 * CRLs made at test time: any size, by streaming, and as wrong as a test
 * needs.  Everything aborts the test program on failure.
 *
 * Parts are given as derasm.h writes DER down.  The entry of serial number 5,
 * superseded, is
 *
 *     30( 02:05 17'260101000000Z' 30( 30( 06:551d15 04( 0a:04 ) ) ) )
 */
#ifndef CRLGEN_H
#define CRLGEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

enum {
    CRLGEN_MAX_ENTRY = 512, /* bytes of an entry that a function makes */
    CRLGEN_SERIAL = 32      /* octets of a serial number, at most */
};

struct crlgen_spec {
    EVP_PKEY *key;
    const EVP_MD *digest; /* NULL: SHA-256; Ed25519 has none */
    bool pss;             /* RSASSA-PSS */

    const char *version;   /* NULL: 02:01; "": absent */
    const char *algorithm; /* inner; NULL: the right one */
    const X509_NAME *issuer;
    const char *issuer_der;  /* instead of issuer */
    const char *this_update; /* NULL: 17'260101000000Z' */
    const char *next_update; /* NULL: 17'360101000000Z'; "": absent */

    /* The entries, one after the other; with neither, the list is absent. */
    const char *entries;
    size_t count;
    /* Writes entry number i, the same each time, and returns its length. */
    size_t (*entry)(const void *context, size_t i,
                    uint8_t out[CRLGEN_MAX_ENTRY]);
    const void *context;

    const char *extensions; /* Extension after Extension; NULL: none */
    const char *before_end; /* raw, at the end of the tbsCertList */

    const char *outer_algorithm; /* NULL: the inner one */
    const char *signature;       /* the last element; NULL: the right one */
    const char *after_end;       /* raw, after the CRL */
};

/* Writes the CRL in DER. */
void crlgen_write(const struct crlgen_spec *spec, FILE *out);

/* The same in memory; the caller frees it. */
uint8_t *crlgen_make(const struct crlgen_spec *spec, size_t *len);

/* The same in an unlinked file; the caller closes it. */
int crlgen_file(const struct crlgen_spec *spec);

/* An unlinked file of these bytes; the caller closes it. */
int crlgen_bytes_file(const uint8_t *bytes, size_t len);

/* An entry in DER; reason below 0: none.  Returns its length. */
size_t crlgen_entry(const uint8_t *serial, size_t len, int reason,
                    uint8_t out[CRLGEN_MAX_ENTRY]);

/* For spec.entry: positive serials of `len` octets in no order, none twice
 * (from 9 octets on). */
struct crlgen_series {
    size_t len;
    int reason; /* of each; below 0: none */
    bool mixed; /* reasons 1 to 6 instead, in no order */
};
size_t crlgen_series_entry(const void *context, size_t i,
                           uint8_t out[CRLGEN_MAX_ENTRY]);
void crlgen_serial(size_t i, size_t len, uint8_t out[CRLGEN_SERIAL]);

#endif
