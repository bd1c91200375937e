#include "derasm.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 128 * 1024, MAX_HEAD = 5 };

static void
fail(const char *where)
{
    fprintf(stderr, "derasm: cannot read \"%.40s\"\n", where);
    abort();
}

/* Appends one element to out, whose value may lie there already; returns its
 * length. */
static size_t
wrap(uint8_t *out, uint8_t tag, const uint8_t *value, size_t len)
{
    uint8_t head[MAX_HEAD];
    size_t n = 0, octets = 0;

    head[n++] = tag;
    for (size_t rest = len; rest > 0; rest >>= 8)
        octets++;
    if (len >= 0x80)
        head[n++] = (uint8_t)(0x80 | octets);
    else
        octets = 1;
    while (octets-- > 0)
        head[n++] = (uint8_t)(len >> (8 * octets));
    memmove(out + n, value, len);
    memcpy(out, head, n);
    return n + len;
}

static const char *
skip_blanks(const char *p)
{
    while (isspace((unsigned char)*p))
        p++;
    return p;
}

/* Reads pairs of hex digits. */
static const char *
read_hex(const char *p, uint8_t *out, size_t *len)
{
    unsigned value;

    *len = 0;
    while (isxdigit((unsigned char)p[0]) && isxdigit((unsigned char)p[1])) {
        sscanf(p, "%2x", &value);
        out[(*len)++] = (uint8_t)value;
        p += 2;
    }
    return p;
}

static const char *read_elements(const char *p, uint8_t *out, size_t *len);

/* Reads the content of an element, up to what follows it. */
static const char *
read_content(const char *p, uint8_t *out, size_t *len)
{
    const char *end;

    if (*p == ':')
        return read_hex(p + 1, out, len);
    if (*p == '(') {
        p = skip_blanks(read_elements(p + 1, out, len));
        if (*p != ')')
            fail(p);
        return p + 1;
    }
    end = *p == '\'' ? strchr(p + 1, '\'') : NULL;
    if (end == NULL) {
        fail(p);
        return p;
    }
    *len = (size_t)(end - p - 1);
    memcpy(out, p + 1, *len);
    return end + 1;
}

static const char *
read_element(const char *p, uint8_t *out, size_t *len)
{
    uint8_t tag[2];
    size_t n;

    if (*p == '#')
        return read_hex(p + 1, out, len);
    if (!isxdigit((unsigned char)p[0]) || !isxdigit((unsigned char)p[1]) ||
        isxdigit((unsigned char)p[2]))
        fail(p);
    p = read_content(read_hex(p, tag, &n), out, len);
    *len = wrap(out, tag[0], out, *len);
    return p;
}

static const char *
read_elements(const char *p, uint8_t *out, size_t *len)
{
    size_t n;

    *len = 0;
    for (p = skip_blanks(p); *p != '\0' && *p != ')'; p = skip_blanks(p)) {
        p = read_element(p, out + *len, &n);
        *len += n;
    }
    return p;
}

uint8_t *
da_bytes(const char *text, size_t *len)
{
    /* No element is longer than its text, but for its head. */
    size_t room = 3 * strlen(text) + MAX_HEAD;
    uint8_t *bytes = malloc(room);
    const char *end;

    if (bytes == NULL || room > MAX_BYTES)
        fail(text);
    end = read_elements(text, bytes, len);
    if (*end != '\0')
        fail(end);
    return bytes;
}

char *
da_hex(const char *text)
{
    size_t len;
    uint8_t *bytes = da_bytes(text, &len);
    char *hex = malloc(2 * len + 1);

    if (hex == NULL)
        fail(text);
    for (size_t i = 0; i < len; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    hex[2 * len] = '\0';
    free(bytes);
    return hex;
}
