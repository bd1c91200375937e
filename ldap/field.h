/*
 * Single values of an entry, decoded strictly.
 *
 * Each reader sets *state: CM_ABSENT without the attribute, CM_PRESENT with
 * one value that decodes, CM_FAULTY otherwise (two values are never one).
 * The value is written with CM_PRESENT only.  False: no memory.
 */
#ifndef CM_FIELD_H
#define CM_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema.h"

/* Clean text (text.h), not empty.  The caller frees *out. */
bool cm_field_text(const struct cm_entry *entry, const char *name,
                   enum cm_presence *state, char **out);

/* A SID, binary or canonical text; *out is canonical text. */
bool cm_field_sid(const struct cm_entry *entry, const char *name,
                  enum cm_presence *state, char **out);

/* A decimal integer (RFC 4517 section 3.3.16) of 64 bits. */
enum cm_presence cm_field_integer(const struct cm_entry *entry,
                                  const char *name, int64_t *out);

/* TRUE or FALSE, folding case. */
enum cm_presence cm_field_boolean(const struct cm_entry *entry,
                                  const char *name, bool *out);

/* A GeneralizedTime in seconds since 1970. */
enum cm_presence cm_field_time(const struct cm_entry *entry, const char *name,
                               int64_t *out);

/*
 * GeneralizedTime with minutes and seconds (RFC 4517 section 3.3.13):
 * YYYYMMDDHHMMSS, a fraction that is cut off, and Z or an offset of hours or
 * of hours and minutes.
 */
bool cm_generalized_time_parse(const char *text, size_t len, int64_t *out);

#endif
