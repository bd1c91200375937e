/*
 * Records sorted by key, outside of memory: runs of CM_SORTER_RUN bytes are
 * sorted and written to an unlinked file in $TMPDIR (else /var/tmp), and
 * merged when they are read.  Memory does not grow with their number.
 *
 * Keys compare as bytes, and records of one key by their data, so that the
 * order depends on nothing but the records.
 */
#ifndef CM_SORTER_H
#define CM_SORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "detail.h"

enum {
    CM_SORTER_RUN = 2 * 1024 * 1024,    /* bytes sorted in memory */
    CM_SORTER_MAX_RECORD = 1024 * 1024, /* bytes of one record */
    CM_SORTER_MAX_RUNS = 2048,
    CM_SORTER_WINDOW = 8 * 1024 /* bytes of a run that are read ahead */
};

/* An unlinked file, for reading and writing.  NULL: detail says why. */
FILE *cm_scratch_open(struct cm_detail *detail);

struct cm_sorter;

struct cm_sorter *cm_sorter_new(struct cm_detail *detail);
void cm_sorter_free(struct cm_sorter *sorter);

/* False: no room on the disk, or over a limit; detail says why. */
bool cm_sorter_add(struct cm_sorter *sorter, const void *key, size_t key_len,
                   const void *data, size_t len, struct cm_detail *detail);

/* After the last record, before the first cm_sorter_next(). */
bool cm_sorter_finish(struct cm_sorter *sorter, struct cm_detail *detail);

struct cm_sorted {
    const uint8_t *key;
    size_t key_len;
    const uint8_t *data;
    size_t len;
};

/* How two keys compare. */
int cm_sorter_compare(const uint8_t *a, size_t a_len, const uint8_t *b,
                      size_t b_len);

enum cm_sorter_step { CM_SORTER_RECORD, CM_SORTER_END, CM_SORTER_FAILED };

/* The next record; it is the sorter's until the next call. */
enum cm_sorter_step cm_sorter_next(struct cm_sorter *sorter,
                                   struct cm_sorted *out,
                                   struct cm_detail *detail);

#endif
