/*
 * DER written down readably, for tests.
 *
 *     30(a0(06:2b060104018237140203 a0(0c'alice@example.com')))
 *
 * An element is its identifier octet in hex and then "(elements)",
 * "'text'" or ":hex"; lengths are computed.  "#hex" stands for raw bytes, to
 * be as wrong as a test needs.  Blanks separate.
 */
#ifndef DERASM_H
#define DERASM_H

#include <stddef.h>
#include <stdint.h>

/* The bytes; the caller frees them.  Aborts if the text is not well formed. */
uint8_t *da_bytes(const char *text, size_t *len);

/* The same as hex text, as tc_extension wants it. */
char *da_hex(const char *text);

#endif
