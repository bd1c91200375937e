/*
 * Certificates named on the command line.
 */
#ifndef CM_CERTFILE_H
#define CM_CERTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <openssl/x509.h>

#include "certificate.h"
#include "detail.h"
#include "tool.h"

enum { CM_CERTFILE_MAX = 1024 * 1024 /* bytes of one input */ };

/*
 * The one certificate of a PEM or DER file, "-" for `in`, or of a PKCS#11 URI
 * (card.h), as DER.  Other PEM
 * blocks, such as a key, are passed over; several certificates are an error:
 * it would not be clear which one is meant.  Whether the DER is well formed
 * is for its user to say.  False: detail says why.  The caller frees *der.
 */
bool cm_certfile_read(FILE *in, const char *path, uint8_t **der, size_t *len,
                      struct cm_detail *detail);

/*
 * The same, decoded.  CM_EXIT_YES: the caller clears out.  Else the error was
 * printed: CM_EXIT_USAGE where there is no such file, CM_EXIT_NO where the
 * certificate does not decode, CM_EXIT_UNAVAILABLE.
 */
enum cm_exit cm_certfile_decode(struct cm_tool *tool, const char *path,
                                struct cm_certificate *out);

/* The path for messages; of a PKCS#11 URI, which may hold a PIN, only that it
 * is one. */
const char *cm_certfile_name(const char *path);

/* The certificates of a PEM file in order, at least one.  On success the
 * caller frees them with cm_certificates_free(). */
bool cm_certfile_read_all(const char *path, X509 ***out, size_t *count,
                          struct cm_detail *detail);

/*
 * Every certificate of what an administrator brings along: PEM, DER or PKCS#7
 * (cm_certificates_read_any()), "-" for `in`.  On success there is at least
 * one, and the caller frees them with cm_certificates_free().
 */
bool cm_certfile_read_any(FILE *in, const char *path, X509 ***out,
                          size_t *count, struct cm_detail *detail);

/*
 * Every certificate of a file, or of every file in a folder that does not
 * begin with ".", appended to *out.  False: a file cannot be read or holds no
 * certificate, or there is none.  The caller frees them in any case, with
 * cm_certificates_free().
 */
bool cm_certfile_collect(const char *path, X509 ***out, size_t *count,
                         struct cm_detail *detail);

#endif
