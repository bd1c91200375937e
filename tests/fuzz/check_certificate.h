#ifndef CM_CHECK_CERTIFICATE_H
#define CM_CHECK_CERTIFICATE_H

#include <stddef.h>
#include <stdint.h>

/* Decodes the bytes and aborts if what came out breaks its contract. */
void check_certificate(const uint8_t *der, size_t len);

#endif
