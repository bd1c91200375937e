#include "staple.h"

#include <stdlib.h>
#include <string.h>

#include "der.h"

enum { MAX_HEADER = 2 + CM_DER_MAX_LENGTH_OCTETS };

enum cm_staple
cm_staple_read(struct cm_blob value, struct cm_blob *first)
{
    struct cm_der whole = {value.data, value.len}, list, response;
    struct cm_blob found = {NULL, 0};
    size_t count = 0;

    if (value.data == NULL || value.len > CM_STAPLE_MAX_VALUE ||
        !cm_der_read_tag(&whole, CM_DER_SEQUENCE, &list) || whole.len != 0)
        return CM_STAPLE_REFUSED;
    while (list.len > 0) {
        if (count == CM_STAPLE_MAX_RESPONSES ||
            !cm_der_read_tag(&list, CM_DER_OCTET_STRING, &response) ||
            response.len == 0 || response.len > CM_OCSP_MAX_RESPONSE)
            return CM_STAPLE_REFUSED;
        if (count++ == 0)
            found = (struct cm_blob){response.bytes, response.len};
    }
    if (count == 0)
        return CM_STAPLE_REQUEST;
    *first = found;
    return CM_STAPLE_RESPONSE;
}

/* Identifier and length, in as few octets as DER has them; returns how
 * many. */
static size_t
put_header(uint8_t out[MAX_HEADER], uint8_t tag, size_t len)
{
    size_t octets = 0, at = 0;

    for (size_t rest = len; len > 0x7f && rest > 0; rest >>= 8)
        octets++;
    out[at++] = tag;
    out[at++] = octets == 0 ? (uint8_t)len : (uint8_t)(0x80 | octets);
    while (octets-- > 0)
        out[at++] = (uint8_t)(len >> (8 * octets));
    return at;
}

uint8_t *
cm_staple_write(struct cm_blob response, size_t *len)
{
    uint8_t outer[MAX_HEADER], inner[MAX_HEADER], *value;
    size_t outer_len, inner_len;

    if (response.len == 0 || response.len > CM_OCSP_MAX_RESPONSE)
        return NULL;
    inner_len = put_header(inner, CM_DER_OCTET_STRING, response.len);
    outer_len = put_header(outer, CM_DER_SEQUENCE, inner_len + response.len);
    value = malloc(outer_len + inner_len + response.len);
    if (value == NULL)
        return NULL;
    memcpy(value, outer, outer_len);
    memcpy(value + outer_len, inner, inner_len);
    memcpy(value + outer_len + inner_len, response.data, response.len);
    *len = outer_len + inner_len + response.len;
    return value;
}
