/*
 * What people and programs read: tables, escaped text, JSON.
 */
#ifndef CM_OUTPUT_H
#define CM_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "text.h"

enum {
    CM_TABLE_MAX_COLUMNS = 4,
    CM_TABLE_MAX_ROWS = 4096,
    CM_OUTPUT_MAX_TEXT = 32 * 1024 /* bytes of one value on a terminal */
};

enum cm_tone { CM_TONE_PLAIN, CM_TONE_GOOD, CM_TONE_CAUTION, CM_TONE_BAD };

/* True for a terminal, unless NO_COLOR is set or the terminal is dumb. */
bool cm_output_colour(FILE *out);

/* Text in its tone where out shows colours. */
void cm_output_toned(FILE *out, enum cm_tone tone, const char *text);

/* Escaped as cm_text_escape() does, but for quotation marks and backslashes,
 * which are part of what an administrator copies. */
void cm_output_text(FILE *out, const char *text);

/* Rows whose columns line up.  Cells are copied and escaped. */
struct cm_table {
    char **cells; /* columns to a row */
    enum cm_tone *tones;
    size_t columns;
    size_t rows;
    bool failed; /* out of memory, or too many rows */
};

void cm_table_init(struct cm_table *table, size_t columns);
/* The tone colours the first cell. */
void cm_table_row(struct cm_table *table, enum cm_tone tone,
                  const char *const *cells);
/* Prints and empties it.  False: it is not whole, nothing was printed. */
bool cm_table_print(struct cm_table *table, FILE *out, const char *indent);

/*
 * JSON.  Values built here may be NULL after a lack of memory: cm_json_set()
 * and cm_json_append() then spoil the whole, and cm_json_print() says so.
 */
json_t *cm_json_text(const char *text); /* NULL: null */
json_t *cm_json_list(const struct cm_text_list *list);
json_t *cm_json_hex(const uint8_t *bytes, size_t len);
json_t *cm_json_time(int64_t when);
void cm_json_set(json_t **object, const char *key, json_t *value);
void cm_json_append(json_t **array, json_t *value);
/* Frees the value.  False: it was NULL or could not be written. */
bool cm_json_print(json_t *value, FILE *out);

#endif
