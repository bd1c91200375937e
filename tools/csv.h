/*
 * Comma-separated values (RFC 4180), record by record.
 *
 * Strict: the first record is the header, and every record has as many fields
 * as it.  A quotation mark stands at the beginning of a field only, or within
 * a quoted one, doubled.  Lines end with LF or CRLF, the last one too or not.
 * A field holds valid UTF-8 without NUL; a byte order mark at the beginning is
 * passed over.
 */
#ifndef CM_CSV_H
#define CM_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "detail.h"

enum {
    CM_CSV_MAX_FIELDS = 64,
    CM_CSV_MAX_RECORD = 256 * 1024 /* bytes */
};

struct cm_csv {
    FILE *in;
    size_t line;    /* where the record that was read last begins */
    size_t next;    /* the line that is read next */
    size_t columns; /* of the header; 0: not read yet */
    char *text;     /* the fields of the record, each NUL-terminated */
    size_t used;
    char *fields[CM_CSV_MAX_FIELDS];
    size_t count;
    bool at_end; /* the end of the line was read */
};

enum cm_csv_step {
    CM_CSV_RECORD, /* fields and count */
    CM_CSV_END,
    CM_CSV_BAD,   /* this record is damaged; reading may go on with the next */
    CM_CSV_FAILED /* unreadable, or so damaged that no next one is found */
};

/* False: no memory.  in is borrowed. */
bool cm_csv_init(struct cm_csv *csv, FILE *in);
void cm_csv_clear(struct cm_csv *csv);

/* The header is a record like any other, the first one.  With CM_CSV_BAD and
 * CM_CSV_FAILED detail says why. */
enum cm_csv_step cm_csv_next(struct cm_csv *csv, struct cm_detail *detail);

#endif
