/*
 * Values one behind the other, for records that a program writes and reads
 * again itself: numbers, and bytes with their length.
 */
#ifndef CM_PACK_H
#define CM_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "buf.h"
#include "change.h"

void cm_pack_number(struct cm_buf *out, uint32_t number);
void cm_pack_bytes(struct cm_buf *out, const void *data, size_t len);
void cm_pack_text(struct cm_buf *out, const char *text);

struct cm_unpack {
    const uint8_t *at;
    const uint8_t *end;
};

/* False: there is no such thing. */
bool cm_unpack_number(struct cm_unpack *in, uint32_t *out);
/* *out points into the record. */
bool cm_unpack_bytes(struct cm_unpack *in, const char **out, size_t *len);
/* A NUL-terminated copy, the caller's; NULL: none, or no memory. */
char *cm_unpack_text(struct cm_unpack *in);

/* A change of one attribute; its name is not part of the record. */
void cm_pack_change(struct cm_buf *out, const struct cm_change *change);
/* False: not one, or no memory; *out is empty. */
bool cm_unpack_change(struct cm_unpack *in, const char *attribute,
                      struct cm_change *out);

/* A record of a file, with its length before it.  False: the disk is full. */
bool cm_record_write(FILE *file, const struct cm_buf *record);
/* False: the end, or *failed.  The caller clears *out in the end. */
bool cm_record_read(FILE *file, struct cm_buf *out, bool *failed);

#endif
