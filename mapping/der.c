#include "der.h"

#include <string.h>

enum {
    TAG_CLASS = 0xc0,
    TAG_CONSTRUCTED = 0x20,
    TAG_NUMBER = 0x1f,
    LENGTH_LONG = 0x80
};

/* Reads a definite, minimal length field. */
static bool
read_length(struct cm_der *der, size_t *out)
{
    size_t octets, value = 0;

    if (der->len == 0)
        return false;
    octets = der->bytes[0];
    der->bytes++;
    der->len--;
    if (octets < LENGTH_LONG) {
        *out = octets;
        return true;
    }
    octets -= LENGTH_LONG;
    if (octets == 0 || octets > CM_DER_MAX_LENGTH_OCTETS || octets > der->len)
        return false;
    for (size_t i = 0; i < octets; i++)
        value = value << 8 | der->bytes[i];
    if (der->bytes[0] == 0 || value < LENGTH_LONG)
        return false;
    der->bytes += octets;
    der->len -= octets;
    *out = value;
    return true;
}

bool
cm_der_read_header(struct cm_der *der, uint8_t *tag, size_t *len)
{
    struct cm_der rest = *der;

    if (rest.len == 0)
        return false;
    *tag = rest.bytes[0];
    rest.bytes++;
    rest.len--;
    if ((*tag & TAG_NUMBER) == TAG_NUMBER || !read_length(&rest, len))
        return false;
    *der = rest;
    return true;
}

bool
cm_der_read(struct cm_der *der, struct cm_der_element *out)
{
    struct cm_der rest = *der;
    size_t len;

    if (!cm_der_read_header(&rest, &out->tag, &len) || len > rest.len)
        return false;
    out->value.bytes = rest.bytes;
    out->value.len = len;
    der->bytes = rest.bytes + len;
    der->len = rest.len - len;
    return true;
}

bool
cm_der_read_tag(struct cm_der *der, uint8_t tag, struct cm_der *value)
{
    struct cm_der rest = *der;
    struct cm_der_element element;

    if (!cm_der_read(&rest, &element) || element.tag != tag)
        return false;
    *der = rest;
    *value = element.value;
    return true;
}

bool
cm_der_equals(const struct cm_der *value, const uint8_t *bytes, size_t len)
{
    return value->len == len && memcmp(value->bytes, bytes, len) == 0;
}

/* X.690 sections 8.2 and 11.1. */
static bool
is_boolean(const struct cm_der *value)
{
    return value->len == 1 &&
           (value->bytes[0] == 0x00 || value->bytes[0] == 0xff);
}

/* X.690 section 8.3: the first nine bits are not all alike. */
static bool
is_integer(const struct cm_der *value)
{
    const uint8_t *p = value->bytes;

    if (value->len == 0)
        return false;
    if (value->len == 1)
        return true;
    return !(p[0] == 0x00 && p[1] < 0x80) && !(p[0] == 0xff && p[1] >= 0x80);
}

/* X.690 sections 8.6 and 11.2: unused bits are few and zero. */
static bool
is_bit_string(const struct cm_der *value)
{
    unsigned unused;

    if (value->len == 0)
        return false;
    unused = value->bytes[0];
    if (value->len == 1)
        return unused == 0;
    return unused < 8 &&
           (value->bytes[value->len - 1] & ((1U << unused) - 1)) == 0;
}

/* X.690 section 8.19: whole subidentifiers without padding. */
static bool
is_oid(const struct cm_der *value)
{
    bool first = true;

    if (value->len == 0 || value->bytes[value->len - 1] >= 0x80)
        return false;
    for (size_t i = 0; i < value->len; i++) {
        if (first && value->bytes[i] == 0x80)
            return false;
        first = value->bytes[i] < 0x80;
    }
    return true;
}

/* The content of a universal type; strings and times are their reader's. */
static bool
is_universal(const struct cm_der_element *element)
{
    switch (element->tag) {
    case 0:
        return false; /* end of contents */
    case CM_DER_BOOLEAN:
        return is_boolean(&element->value);
    case CM_DER_INTEGER:
    case CM_DER_ENUMERATED:
        return is_integer(&element->value);
    case CM_DER_BIT_STRING:
        return is_bit_string(&element->value);
    case CM_DER_NULL:
        return element->value.len == 0;
    case CM_DER_OID:
        return is_oid(&element->value);
    case CM_DER_SEQUENCE:
    case CM_DER_SET:
        return true;
    default:
        /* Everything else is primitive in DER; a sequence must not be. */
        return (element->tag & TAG_CONSTRUCTED) == 0 &&
               element->tag != (CM_DER_SEQUENCE & TAG_NUMBER) &&
               element->tag != (CM_DER_SET & TAG_NUMBER);
    }
}

static bool
is_strict_element(const struct cm_der_element *element, unsigned depth)
{
    struct cm_der inside = element->value;
    struct cm_der_element child;

    if ((element->tag & TAG_CLASS) == 0 && !is_universal(element))
        return false;
    if ((element->tag & TAG_CONSTRUCTED) == 0)
        return true;
    if (depth > CM_DER_MAX_DEPTH)
        return false;
    while (inside.len > 0) {
        if (!cm_der_read(&inside, &child) ||
            !is_strict_element(&child, depth + 1))
            return false;
    }
    return true;
}

bool
cm_der_is_strict(const uint8_t *bytes, size_t len)
{
    struct cm_der der = {bytes, len};
    struct cm_der_element element;

    return cm_der_read(&der, &element) && der.len == 0 &&
           is_strict_element(&element, 1);
}
