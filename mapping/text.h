/*
 * Text that came from a certificate, a directory or a person.
 */
#ifndef CM_TEXT_H
#define CM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* An owned list of NUL-terminated strings. */
struct cm_text_list {
    char **items;
    size_t count;
};

/* Appends a copy.  False: out of memory, the list is unchanged. */
bool cm_text_list_add(struct cm_text_list *list, const char *text);
void cm_text_list_clear(struct cm_text_list *list);

/* True if some item equals text byte for byte. */
bool cm_text_list_has(const struct cm_text_list *list, const char *text);

/*
 * True if the bytes are valid UTF-8 (RFC 3629: shortest form, no surrogates)
 * without NUL and without control characters (C0, DEL, C1).  Only such bytes
 * may become a C string.
 */
bool cm_text_is_clean(const uint8_t *bytes, size_t len);

/* A NUL-terminated copy of clean bytes.  NULL: not clean, or no memory. */
char *cm_text_dup_clean(const uint8_t *bytes, size_t len);

/* Equality that folds ASCII letters only; never by locale or Unicode. */
bool cm_text_equal_fold(const char *a, const char *b);
bool cm_text_equal_fold_n(const char *a, const char *b, size_t len);

/*
 * Appends text safe for a log line or a terminal: printable characters as
 * they are; quotation mark, backslash, control, bidirectional and zero-width
 * characters, line separators and bytes that are not UTF-8 as \xHH.  After
 * max_bytes bytes of output the rest is replaced by "...".
 */
void cm_text_escape(struct cm_buf *out, const char *text, size_t len,
                    size_t max_bytes);

/*
 * Decodes an even number of hexadecimal digits of either case.  False: odd,
 * empty, a foreign character, or more than max bytes.
 */
bool cm_hex_decode(const char *text, size_t len, uint8_t *out, size_t max,
                   size_t *len_out);

#endif
