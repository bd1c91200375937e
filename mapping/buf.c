#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST = 128 };

/* Makes room for more bytes and the terminating NUL. */
static bool
reserve(struct cm_buf *buf, size_t more)
{
    size_t need, capacity = buf->capacity;
    char *data;

    if (buf->failed)
        return false;
    if (more > CM_BUF_MAX || buf->len > CM_BUF_MAX - more) {
        buf->failed = true;
        return false;
    }
    need = buf->len + more + 1;
    if (need <= capacity)
        return true;
    if (capacity == 0)
        capacity = BUF_FIRST;
    while (capacity < need)
        capacity *= 2;
    data = realloc(buf->data, capacity);
    if (data == NULL) {
        buf->failed = true;
        return false;
    }
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

void
cm_buf_add(struct cm_buf *buf, const void *data, size_t len)
{
    if (!reserve(buf, len))
        return;
    if (len > 0)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void
cm_buf_add_text(struct cm_buf *buf, const char *text)
{
    cm_buf_add(buf, text, strlen(text));
}

void
cm_buf_add_char(struct cm_buf *buf, char c)
{
    cm_buf_add(buf, &c, 1);
}

void
cm_buf_addf(struct cm_buf *buf, const char *format, ...)
{
    va_list ap;
    int len;

    va_start(ap, format);
    len = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (len < 0) {
        buf->failed = true;
        return;
    }
    if (!reserve(buf, (size_t)len))
        return;
    va_start(ap, format);
    vsnprintf(buf->data + buf->len, (size_t)len + 1, format, ap);
    va_end(ap);
    buf->len += (size_t)len;
}

void
cm_buf_add_hex(struct cm_buf *buf, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        cm_buf_add_char(buf, digits[bytes[i] >> 4]);
        cm_buf_add_char(buf, digits[bytes[i] & 0x0f]);
    }
}

char *
cm_buf_take(struct cm_buf *buf)
{
    char *data;

    if (!buf->failed)
        cm_buf_add(buf, "", 0);
    data = buf->failed ? NULL : buf->data;
    if (data != NULL)
        buf->data = NULL;
    cm_buf_clear(buf);
    return data;
}

void
cm_buf_clear(struct cm_buf *buf)
{
    free(buf->data);
    memset(buf, 0, sizeof(*buf));
}
