/*
 * A strict, bounded cursor over DER (X.690 section 10).
 *
 * libcrypto decodes BER: indefinite and padded lengths, split strings, bytes
 * after the end.  What passes here is DER and nothing but DER.
 */
#ifndef CM_DER_H
#define CM_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CM_DER_MAX_DEPTH = 16,       /* constructed elements inside each other */
    CM_DER_MAX_LENGTH_OCTETS = 4 /* of one length field */
};

/* Identifier octets. */
enum {
    CM_DER_BOOLEAN = 0x01,
    CM_DER_INTEGER = 0x02,
    CM_DER_BIT_STRING = 0x03,
    CM_DER_OCTET_STRING = 0x04,
    CM_DER_NULL = 0x05,
    CM_DER_OID = 0x06,
    CM_DER_ENUMERATED = 0x0a,
    CM_DER_UTF8_STRING = 0x0c,
    CM_DER_SEQUENCE = 0x30,
    CM_DER_SET = 0x31,
    CM_DER_CONTEXT = 0x80,            /* [0] IMPLICIT, primitive */
    CM_DER_CONTEXT_CONSTRUCTED = 0xa0 /* [0] EXPLICIT */
};

/* What is left to read; borrowed. */
struct cm_der {
    const uint8_t *bytes;
    size_t len;
};

/* One element; value points into the input. */
struct cm_der_element {
    uint8_t tag;
    struct cm_der value;
};

/*
 * Reads the next element.  False at the end, and for what is not DER:
 * indefinite or padded lengths, tag numbers above 30, cut elements.
 */
bool cm_der_read(struct cm_der *der, struct cm_der_element *out);

/* Reads identifier and length only: the content need not be there yet. */
bool cm_der_read_header(struct cm_der *der, uint8_t *tag, size_t *len);

/* As cm_der_read(); the element must have this identifier octet. */
bool cm_der_read_tag(struct cm_der *der, uint8_t tag, struct cm_der *value);

/* True if the content octets are exactly these. */
bool cm_der_equals(const struct cm_der *value, const uint8_t *bytes,
                   size_t len);

/*
 * True if the bytes are exactly one element, and it and everything inside it
 * is DER: forms, lengths, depth, and the content of BOOLEAN, INTEGER, BIT
 * STRING, NULL, OBJECT IDENTIFIER and ENUMERATED.
 */
bool cm_der_is_strict(const uint8_t *bytes, size_t len);

#endif
