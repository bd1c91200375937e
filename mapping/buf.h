/*
 * A growing text buffer with a sticky failure: append freely, test once.
 *
 *     struct cm_buf buf = CM_BUF_INIT;
 *     cm_buf_add_text(&buf, "X509:<SKI>");
 *     cm_buf_add_hex(&buf, ski, ski_len);
 *     value = cm_buf_take(&buf);      // NULL: out of memory or over the limit
 */
#ifndef CM_BUF_H
#define CM_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CM_BUF_MAX = 1024 * 1024 }; /* bytes; more is a failure */

struct cm_buf {
    char *data; /* NUL-terminated once anything was added; else NULL */
    size_t len;
    size_t capacity;
    bool failed;
};

#define CM_BUF_INIT                                                           \
    {                                                                         \
        NULL, 0, 0, false                                                     \
    }

void cm_buf_add(struct cm_buf *buf, const void *data, size_t len);
void cm_buf_add_text(struct cm_buf *buf, const char *text);
void cm_buf_add_char(struct cm_buf *buf, char c);
void cm_buf_addf(struct cm_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Lower-case hexadecimal, two digits a byte. */
void cm_buf_add_hex(struct cm_buf *buf, const uint8_t *bytes, size_t len);

/*
 * Hands over the text (never NULL on success: "" when nothing was added) and
 * empties the buffer.  NULL if anything failed.  The caller frees it.
 */
char *cm_buf_take(struct cm_buf *buf);

/* Frees what the buffer holds; it may be used again. */
void cm_buf_clear(struct cm_buf *buf);

#endif
