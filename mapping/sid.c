#include "sid.h"

#include <inttypes.h>

#include "buf.h"

enum {
    SID_REVISION = 1,
    SID_HEADER_BYTES = 8, /* revision, count, authority */
    SID_AUTHORITY_BYTES = 6,
    SID_AUTHORITY_DIGITS = 12 /* of its hexadecimal form */
};

struct cursor {
    const char *text;
    size_t len;
};

static bool
skip_char(struct cursor *in, char c)
{
    if (in->len == 0 || in->text[0] != c)
        return false;
    in->text++;
    in->len--;
    return true;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A decimal number below 2^32, without leading zeros. */
static bool
skip_decimal(struct cursor *in)
{
    uint64_t value = 0;
    size_t digits = 0;

    while (digits < in->len && is_digit(in->text[digits])) {
        value = value * 10 + (uint64_t)(in->text[digits++] - '0');
        if (value > UINT32_MAX)
            return false;
    }
    if (digits == 0 || (digits > 1 && in->text[0] == '0'))
        return false;
    in->text += digits;
    in->len -= digits;
    return true;
}

/* "0x" and twelve digits: only what does not fit the decimal form. */
static bool
skip_hex_authority(struct cursor *in)
{
    uint64_t value = 0;
    char c;

    if (!skip_char(in, '0') || !skip_char(in, 'x') ||
        in->len < SID_AUTHORITY_DIGITS)
        return false;
    for (size_t i = 0; i < SID_AUTHORITY_DIGITS; i++) {
        c = in->text[i];
        if (is_digit(c))
            value = value << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    in->text += SID_AUTHORITY_DIGITS;
    in->len -= SID_AUTHORITY_DIGITS;
    return value > UINT32_MAX;
}

static bool
skip_authority(struct cursor *in)
{
    if (in->len > 1 && in->text[0] == '0' && in->text[1] == 'x')
        return skip_hex_authority(in);
    return skip_decimal(in);
}

bool
cm_sid_text_is_canonical(const char *text, size_t len)
{
    struct cursor in = {text, len};
    unsigned count = 0;

    if (len > CM_SID_MAX_TEXT)
        return false;
    if (!skip_char(&in, 'S') || !skip_char(&in, '-') || !skip_char(&in, '1') ||
        !skip_char(&in, '-') || !skip_authority(&in))
        return false;
    while (in.len > 0) {
        if (++count > CM_SID_MAX_SUBAUTHORITIES || !skip_char(&in, '-') ||
            !skip_decimal(&in))
            return false;
    }
    return count > 0;
}

static uint32_t
read_little_endian(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

char *
cm_sid_text_from_bytes(const uint8_t *bytes, size_t len)
{
    struct cm_buf buf = CM_BUF_INIT;
    uint64_t authority = 0;
    size_t count;

    if (len < SID_HEADER_BYTES || bytes[0] != SID_REVISION)
        return NULL;
    count = bytes[1];
    if (count == 0 || count > CM_SID_MAX_SUBAUTHORITIES ||
        len != SID_HEADER_BYTES + 4 * count)
        return NULL;
    for (size_t i = 0; i < SID_AUTHORITY_BYTES; i++)
        authority = authority << 8 | bytes[2 + i];
    if (authority > UINT32_MAX)
        cm_buf_addf(&buf, "S-1-0x%012" PRIx64, authority);
    else
        cm_buf_addf(&buf, "S-1-%" PRIu64, authority);
    for (size_t i = 0; i < count; i++)
        cm_buf_addf(&buf, "-%" PRIu32,
                    read_little_endian(bytes + SID_HEADER_BYTES + 4 * i));
    return cm_buf_take(&buf);
}
