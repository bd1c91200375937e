/*
 * Decoding what testcert made.
 */
#ifndef TEST_DECODE_H
#define TEST_DECODE_H

#include "certificate.h"
#include "testcert.h"

/* Decoding without the key must say the same as decoding with it did. */
void expect_keyless(const uint8_t *der, size_t len, enum cm_reason reason,
                    const struct cm_certificate *whole);

/* Both ways, that have to agree. */
enum cm_reason decode_x509(const X509 *x509, struct cm_certificate *out,
                           struct cm_detail *detail);

enum cm_reason decode_spec(const struct tc_spec *spec,
                           struct cm_certificate *out,
                           struct cm_detail *detail);

/* A certificate with one extension, its content as derasm.h has it. */
enum cm_reason decode_extension(const char *oid, int critical,
                                const char *content,
                                struct cm_certificate *out,
                                struct cm_detail *detail);

#endif
