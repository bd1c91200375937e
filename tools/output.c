#include "output.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "timetext.h"

bool
cm_output_colour(FILE *out)
{
    const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
    int fd = fileno(out);

    if (no_colour != NULL && no_colour[0] != '\0')
        return false;
    return fd >= 0 && isatty(fd) && term != NULL && strcmp(term, "dumb") != 0;
}

static const char *
tone_start(enum cm_tone tone)
{
    switch (tone) {
    case CM_TONE_PLAIN:
        return "";
    case CM_TONE_GOOD:
        return "\033[32m";
    case CM_TONE_CAUTION:
        return "\033[33m";
    case CM_TONE_BAD:
        return "\033[31m";
    }
    return "";
}

void
cm_output_toned(FILE *out, enum cm_tone tone, const char *text)
{
    bool colour = tone != CM_TONE_PLAIN && cm_output_colour(out);

    if (colour)
        fputs(tone_start(tone), out);
    fputs(text, out);
    if (colour)
        fputs("\033[0m", out);
}

/* Escapes into buf, leaving quotation marks and backslashes as they are. */
static void
escape(struct cm_buf *buf, const char *text)
{
    size_t span;

    while (*text != '\0' && buf->len < CM_OUTPUT_MAX_TEXT) {
        span = strcspn(text, "\"\\");
        cm_text_escape(buf, text, span, CM_OUTPUT_MAX_TEXT);
        text += span;
        if (*text != '\0')
            cm_buf_add_char(buf, *text++);
    }
}

void
cm_output_text(FILE *out, const char *text)
{
    struct cm_buf buf = CM_BUF_INIT;
    char *escaped;

    escape(&buf, text);
    escaped = cm_buf_take(&buf);
    fputs(escaped == NULL ? "?" : escaped, out);
    free(escaped);
}

void
cm_table_init(struct cm_table *table, size_t columns)
{
    memset(table, 0, sizeof(*table));
    table->columns = columns;
    table->failed = columns > CM_TABLE_MAX_COLUMNS;
}

static bool
grow(struct cm_table *table)
{
    size_t rows = table->rows + 1;
    char **cells;
    enum cm_tone *tones;

    if (table->failed || rows > CM_TABLE_MAX_ROWS)
        return false;
    cells = reallocarray(table->cells, rows * table->columns, sizeof(*cells));
    if (cells == NULL)
        return false;
    table->cells = cells;
    tones = reallocarray(table->tones, rows, sizeof(*tones));
    if (tones == NULL)
        return false;
    table->tones = tones;
    return true;
}

void
cm_table_row(struct cm_table *table, enum cm_tone tone,
             const char *const *cells)
{
    struct cm_buf buf = CM_BUF_INIT;
    char **row;

    if (!grow(table)) {
        table->failed = true;
        return;
    }
    row = table->cells + table->rows * table->columns;
    for (size_t i = 0; i < table->columns; i++) {
        if (cells[i] != NULL)
            escape(&buf, cells[i]);
        row[i] = cm_buf_take(&buf);
        if (row[i] == NULL)
            table->failed = true;
    }
    table->tones[table->rows++] = tone;
}

/* Characters, not bytes: continuation bytes of UTF-8 take no room. */
static size_t
width_of(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static size_t
column_width(const struct cm_table *table, size_t column)
{
    size_t width, widest = 0;

    for (size_t i = 0; i < table->rows; i++) {
        width = width_of(table->cells[i * table->columns + column]);
        if (width > widest)
            widest = width;
    }
    return widest;
}

static void
print_row(const struct cm_table *table, size_t row, const size_t *widths,
          FILE *out)
{
    const char *const *cells =
        (const char *const *)table->cells + row * table->columns;
    size_t pad = 0;

    for (size_t i = 0; i < table->columns; i++) {
        /* Blanks only before something, so that no line ends in them. */
        if (cells[i][0] != '\0') {
            fprintf(out, "%*s", (int)pad, "");
            cm_output_toned(out, i == 0 ? table->tones[row] : CM_TONE_PLAIN,
                            cells[i]);
            pad = 0;
        }
        pad += widths[i] - width_of(cells[i]) + 2;
    }
    fputc('\n', out);
}

static void
clear_table(struct cm_table *table)
{
    for (size_t i = 0; i < table->rows * table->columns; i++)
        free(table->cells[i]);
    free(table->cells);
    free(table->tones);
    cm_table_init(table, table->columns);
}

bool
cm_table_print(struct cm_table *table, FILE *out, const char *indent)
{
    size_t widths[CM_TABLE_MAX_COLUMNS];
    bool whole = !table->failed;

    if (whole) {
        for (size_t i = 0; i < table->columns; i++)
            widths[i] = column_width(table, i);
        for (size_t i = 0; i < table->rows; i++) {
            fputs(indent, out);
            print_row(table, i, widths, out);
        }
    }
    clear_table(table);
    return whole;
}

json_t *
cm_json_text(const char *text)
{
    struct cm_buf buf = CM_BUF_INIT;
    json_t *value;
    char *escaped;

    if (text == NULL)
        return json_null();
    if (cm_text_is_clean((const uint8_t *)text, strlen(text)))
        return json_string(text);
    escape(&buf, text);
    escaped = cm_buf_take(&buf);
    value = escaped == NULL ? NULL : json_string(escaped);
    free(escaped);
    return value;
}

json_t *
cm_json_list(const struct cm_text_list *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++)
        cm_json_append(&array, cm_json_text(list->items[i]));
    return array;
}

json_t *
cm_json_hex(const uint8_t *bytes, size_t len)
{
    struct cm_buf buf = CM_BUF_INIT;
    json_t *value;
    char *hex;

    cm_buf_add_hex(&buf, bytes, len);
    hex = cm_buf_take(&buf);
    value = hex == NULL ? NULL : json_string(hex);
    free(hex);
    return value;
}

json_t *
cm_json_time(int64_t when)
{
    char text[CM_TIME_TEXT];

    cm_time_text(when, text);
    return json_string(text);
}

static void
spoil(json_t **whole)
{
    json_decref(*whole);
    *whole = NULL;
}

void
cm_json_set(json_t **object, const char *key, json_t *value)
{
    /* json_object_set_new() releases the value even when it fails. */
    if (json_object_set_new(*object, key, value) != 0)
        spoil(object);
}

void
cm_json_append(json_t **array, json_t *value)
{
    if (json_array_append_new(*array, value) != 0)
        spoil(array);
}

bool
cm_json_print(json_t *value, FILE *out)
{
    bool written =
        value != NULL &&
        json_dumpf(value, out, JSON_INDENT(2) | JSON_ENSURE_ASCII) == 0;

    if (written)
        fputc('\n', out);
    json_decref(value);
    return written;
}
