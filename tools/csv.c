#include "csv.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* What ended a field. */
enum mark { MARK_COMMA, MARK_LINE, MARK_FILE, MARK_BAD, MARK_FAILED };

bool
cm_csv_init(struct cm_csv *csv, FILE *in)
{
    memset(csv, 0, sizeof(*csv));
    csv->in = in;
    csv->next = 1;
    csv->text = malloc(CM_CSV_MAX_RECORD + 1);
    return csv->text != NULL;
}

void
cm_csv_clear(struct cm_csv *csv)
{
    free(csv->text);
    memset(csv, 0, sizeof(*csv));
}

static int
take(struct cm_csv *csv)
{
    int c = getc_unlocked(csv->in);

    if (c == '\n')
        csv->next++;
    return c;
}

/* Keeps one byte.  False: the record is too long. */
static bool
keep(struct cm_csv *csv, int c)
{
    if (csv->used >= CM_CSV_MAX_RECORD)
        return false;
    csv->text[csv->used++] = (char)c;
    return true;
}

/* A byte that may end a field; MARK_BAD: it does not. */
static enum mark
mark_of(struct cm_csv *csv, int c)
{
    int next;

    if (c == ',')
        return MARK_COMMA;
    if (c == '\n')
        return MARK_LINE;
    if (c == EOF)
        return MARK_FILE;
    if (c != '\r')
        return MARK_BAD;
    next = take(csv);
    if (next == '\n')
        return MARK_LINE;
    if (next != EOF)
        (void)ungetc(next, csv->in);
    return MARK_BAD;
}

static enum mark
bad(struct cm_detail *detail, const char *why)
{
    cm_detail_set(detail, "%s", why);
    return MARK_BAD;
}

/* After the opening quotation mark. */
static enum mark
read_quoted(struct cm_csv *csv, struct cm_detail *detail)
{
    enum mark mark;
    int c;

    for (;;) {
        c = take(csv);
        if (c == EOF) {
            cm_detail_set(detail, "a quoted field has no end");
            return MARK_FAILED;
        }
        if (c == '"') {
            c = take(csv);
            if (c != '"')
                break;
        }
        if (!keep(csv, c)) {
            cm_detail_set(detail, "a quoted field is too long, or has no end");
            return MARK_FAILED;
        }
    }
    mark = mark_of(csv, c);
    return mark == MARK_BAD
               ? bad(detail, "text after the end of a quoted field")
               : mark;
}

static enum mark
read_plain(struct cm_csv *csv, int c, struct cm_detail *detail)
{
    enum mark mark;

    for (;; c = take(csv)) {
        if (c == '"')
            return bad(detail, "a quotation mark within a field");
        mark = mark_of(csv, c);
        if (mark != MARK_BAD)
            return mark;
        if (c == '\r')
            return bad(detail, "a carriage return within a field");
        if (!keep(csv, c))
            return bad(detail, "a line is too long");
    }
}

static enum mark
read_field(struct cm_csv *csv, struct cm_detail *detail)
{
    size_t start = csv->used;
    int c = take(csv);
    enum mark mark;

    if (csv->count == CM_CSV_MAX_FIELDS)
        mark = bad(detail, "too many fields");
    else if (c == '"')
        mark = read_quoted(csv, detail);
    else
        mark = read_plain(csv, c, detail);
    if (mark == MARK_BAD || mark == MARK_FAILED)
        return mark;
    csv->at_end = mark != MARK_COMMA;
    if (memchr(csv->text + start, '\0', csv->used - start) != NULL)
        return bad(detail, "NUL");
    if (!keep(csv, '\0'))
        return bad(detail, "a line is too long");
    csv->fields[csv->count++] = csv->text + start;
    return mark;
}

/* Goes on to the next line after a damaged record. */
static void
skip_line(struct cm_csv *csv)
{
    int c;

    while ((c = take(csv)) != EOF && c != '\n')
        continue;
}

static void
skip_byte_order_mark(struct cm_csv *csv)
{
    static const char mark[] = "\xEF\xBB\xBF";
    int c = getc_unlocked(csv->in);

    if (c != (uint8_t)mark[0]) {
        if (c != EOF)
            (void)ungetc(c, csv->in);
        return;
    }
    (void)getc_unlocked(csv->in);
    (void)getc_unlocked(csv->in);
}

static bool
is_utf8(const char *text)
{
    size_t len = strlen(text);
    bool clean = true;

    /* Line breaks and tabs are allowed, so only what is left is looked at. */
    for (size_t at = 0, span; clean && at < len; at += span + 1) {
        span = strcspn(text + at, "\r\n\t");
        clean = cm_text_is_clean((const uint8_t *)text + at, span);
    }
    return clean;
}

static enum cm_csv_step
judge(struct cm_csv *csv, struct cm_detail *detail)
{
    if (csv->columns == 0)
        csv->columns = csv->count;
    if (csv->count != csv->columns) {
        cm_detail_set(detail, "%zu fields where the header has %zu",
                      csv->count, csv->columns);
        return CM_CSV_BAD;
    }
    for (size_t i = 0; i < csv->count; i++) {
        if (!is_utf8(csv->fields[i])) {
            cm_detail_set(
                detail, "field %zu is not UTF-8, or holds control characters",
                i + 1);
            return CM_CSV_BAD;
        }
    }
    return CM_CSV_RECORD;
}

enum cm_csv_step
cm_csv_next(struct cm_csv *csv, struct cm_detail *detail)
{
    enum mark mark = MARK_COMMA;
    int c;

    if (csv->next == 1 && csv->columns == 0)
        skip_byte_order_mark(csv);
    csv->line = csv->next;
    csv->used = csv->count = 0;
    csv->at_end = false;
    c = getc_unlocked(csv->in);
    if (c == EOF && !ferror(csv->in))
        return CM_CSV_END;
    if (c != EOF)
        (void)ungetc(c, csv->in);
    while (mark == MARK_COMMA)
        mark = read_field(csv, detail);
    if (ferror(csv->in)) {
        cm_detail_set(detail, "cannot be read: %s", strerror(errno));
        return CM_CSV_FAILED;
    }
    if (mark == MARK_FAILED)
        return CM_CSV_FAILED;
    if (mark == MARK_BAD && !csv->at_end)
        skip_line(csv);
    return mark == MARK_BAD ? CM_CSV_BAD : judge(csv, detail);
}
