/*
 * A sorted run of sorter.h in its file, read through a window: for sorter.c
 * alone.
 */
#ifndef CM_SORTER_RUN_H
#define CM_SORTER_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A record: both lengths, key, data. */
struct cm_run_head {
    uint32_t key_len;
    uint32_t len;
};

/* Of a record that begins there, and whose head is there whole. */
struct cm_run_head cm_run_head_of(const uint8_t *record);

/* The bytes of a record, with its head. */
size_t cm_run_record_size(const uint8_t *record);

/* Zeroed but for at and end: not started. */
struct cm_run {
    off_t at; /* of the next byte to read */
    off_t end;
    uint8_t *window; /* owned */
    size_t capacity;
    size_t used; /* bytes in the window */
    size_t next; /* where the current record begins */
    bool done;
};

/* Reads the first record.  False: no memory, or the file ends too early. */
bool cm_run_start(struct cm_run *run, int fd);

/* Makes the record at run->next whole, or sets done where the run is at its
 * end.  False: as above. */
bool cm_run_load(struct cm_run *run, int fd);

/* Frees the window. */
void cm_run_clear(struct cm_run *run);

#endif
