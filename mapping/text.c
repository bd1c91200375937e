#include "text.h"

#include <stdlib.h>
#include <string.h>

bool
cm_text_list_add(struct cm_text_list *list, const char *text)
{
    char **items, *copy = strdup(text);

    if (copy == NULL)
        return false;
    items = reallocarray(list->items, list->count + 1, sizeof(*items));
    if (items == NULL) {
        free(copy);
        return false;
    }
    items[list->count++] = copy;
    list->items = items;
    return true;
}

void
cm_text_list_clear(struct cm_text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    memset(list, 0, sizeof(*list));
}

bool
cm_text_list_has(const struct cm_text_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], text) == 0)
            return true;
    }
    return false;
}

/*
 * Reads one UTF-8 sequence (RFC 3629 section 3).  Returns its length and the
 * code point, or 0 if the bytes do not start one.
 */
static size_t
read_utf8(const uint8_t *p, size_t len, uint32_t *point)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t need;
    uint32_t value;

    if (p[0] < 0x80) {
        *point = p[0];
        return 1;
    }
    need = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || need > len)
        return 0;
    value = p[0] & (0x7fU >> need);
    for (size_t i = 1; i < need; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (p[i] & 0x3fU);
    }
    if (value < smallest[need] || value > 0x10ffff ||
        (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *point = value;
    return need;
}

static bool
is_control(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point <= 0x9f);
}

/* Changes how the text around it is shown, or is not shown at all. */
static bool
is_deceptive(uint32_t point)
{
    return point == 0xad || (point >= 0x200b && point <= 0x200f) ||
           (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2060 && point <= 0x206f) || point == 0x061c ||
           point == 0xfeff || (point >= 0xfff0 && point <= 0xfffb) ||
           (point >= 0xe0000 && point <= 0xe0fff);
}

bool
cm_text_is_clean(const uint8_t *bytes, size_t len)
{
    uint32_t point;
    size_t n;

    for (size_t i = 0; i < len; i += n) {
        n = read_utf8(bytes + i, len - i, &point);
        if (n == 0 || is_control(point))
            return false;
    }
    return true;
}

char *
cm_text_dup_clean(const uint8_t *bytes, size_t len)
{
    char *copy;

    if (!cm_text_is_clean(bytes, len))
        return NULL;
    copy = malloc(len + 1);
    if (copy == NULL)
        return NULL;
    if (len > 0)
        memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}

static char
fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
cm_text_equal_fold_n(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (fold(a[i]) != fold(b[i]))
            return false;
    }
    return true;
}

bool
cm_text_equal_fold(const char *a, const char *b)
{
    size_t len = strlen(a);

    return strlen(b) == len && cm_text_equal_fold_n(a, b, len);
}

/* Appends one character of len bytes as it is, or its bytes as \xHH. */
static void
escape_character(struct cm_buf *out, const char *bytes, size_t len,
                 bool verbatim)
{
    if (verbatim) {
        cm_buf_add(out, bytes, len);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        cm_buf_add_text(out, "\\x");
        cm_buf_add_hex(out, (const uint8_t *)bytes + i, 1);
    }
}

void
cm_text_escape(struct cm_buf *out, const char *text, size_t len,
               size_t max_bytes)
{
    size_t n, cost, used = 0;
    uint32_t point = 0;
    bool verbatim;

    for (size_t i = 0; i < len; i += n) {
        n = read_utf8((const uint8_t *)text + i, len - i, &point);
        verbatim = n != 0 && !is_control(point) && !is_deceptive(point) &&
                   point != '"' && point != '\\';
        if (n == 0)
            n = 1;
        cost = verbatim ? n : 4 * n;
        if (cost > max_bytes - used) {
            cm_buf_add_text(out, "...");
            return;
        }
        escape_character(out, text + i, n, verbatim);
        used += cost;
    }
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool
cm_hex_decode(const char *text, size_t len, uint8_t *out, size_t max,
              size_t *len_out)
{
    int high, low;

    if (len == 0 || len % 2 != 0 || len / 2 > max)
        return false;
    for (size_t i = 0; i < len; i += 2) {
        high = hex_digit(text[i]);
        low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    *len_out = len / 2;
    return true;
}
