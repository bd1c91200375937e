#include "crl_index_parts.h"

#include <stdlib.h>
#include <string.h>

enum {
    RUN_RECORDS = 16 * 1024 * 1024 / CM_CRL_RECORD,
    MAX_RUNS = CM_CRL_MAX_ENTRIES / RUN_RECORDS + 1,
    SMALL = 24, /* records that are sorted by insertion */
    BYTE_VALUES = 256
};

static int
compare(const struct cm_crl_record *a, const struct cm_crl_record *b)
{
    return memcmp(a->octets, b->octets, sizeof(a->octets));
}

static void
sort_small(struct cm_crl_record *records, size_t count)
{
    struct cm_crl_record moving;
    size_t at;

    for (size_t i = 1; i < count; i++) {
        moving = records[i];
        for (at = i; at > 0 && compare(&moving, &records[at - 1]) < 0; at--)
            records[at] = records[at - 1];
        records[at] = moving;
    }
}

/* Records that are all alike in the bytes before this one. */
static unsigned
first_difference(const struct cm_crl_record *records, size_t count)
{
    uint8_t differs[CM_CRL_RECORD] = {0};
    unsigned byte = 0;

    for (size_t i = 1; i < count; i++) {
        for (unsigned j = 0; j < CM_CRL_RECORD; j++)
            differs[j] |= records[0].octets[j] ^ records[i].octets[j];
    }
    while (byte < CM_CRL_RECORD && differs[byte] == 0)
        byte++;
    return byte;
}

/* Moves every record into the bucket of its byte, in place: a record is taken
 * out, put where it belongs, and what lay there is next. */
static void
distribute(struct cm_crl_record *records, unsigned byte,
           size_t next[BYTE_VALUES], const size_t end[BYTE_VALUES])
{
    struct cm_crl_record moving, other;
    unsigned value;

    for (unsigned bucket = 0; bucket < BYTE_VALUES; bucket++) {
        while (next[bucket] < end[bucket]) {
            moving = records[next[bucket]];
            while ((value = moving.octets[byte]) != bucket) {
                other = records[next[value]];
                records[next[value]++] = moving;
                moving = other;
            }
            records[next[bucket]++] = moving;
        }
    }
}

/* Counts the buckets of a byte.  False: all records are in one. */
static bool
count_buckets(const struct cm_crl_record *records, size_t count, unsigned byte,
              size_t next[BYTE_VALUES], size_t end[BYTE_VALUES])
{
    size_t counts[BYTE_VALUES] = {0}, start = 0;

    for (size_t i = 0; i < count; i++)
        counts[records[i].octets[byte]]++;
    if (counts[records[0].octets[byte]] == count)
        return false;
    for (unsigned bucket = 0; bucket < BYTE_VALUES; bucket++) {
        next[bucket] = start;
        start += counts[bucket];
        end[bucket] = start;
    }
    return true;
}

/* Radix sort from the most significant byte: as deep as a record is long, and
 * linear whatever the serials are. */
static void
sort_from(struct cm_crl_record *records, size_t count, unsigned byte)
{
    size_t next[BYTE_VALUES], end[BYTE_VALUES], start = 0;

    if (count <= SMALL) {
        sort_small(records, count);
        return;
    }
    while (byte < CM_CRL_RECORD &&
           !count_buckets(records, count, byte, next, end))
        byte++;
    if (byte == CM_CRL_RECORD)
        return;
    distribute(records, byte, next, end);
    for (unsigned bucket = 0; bucket < BYTE_VALUES; bucket++) {
        if (end[bucket] - start > 1)
            sort_from(records + start, end[bucket] - start, byte + 1);
        start = end[bucket];
    }
}

static void
sort(struct cm_crl_record *records, size_t count)
{
    sort_from(records, count, first_difference(records, count));
}

bool
cm_crl_sorter_start(struct cm_crl_sorter *sorter, int fd, uint64_t offset)
{
    memset(sorter, 0, sizeof(*sorter));
    sorter->fd = fd;
    sorter->offset = offset;
    sorter->buffer = malloc(RUN_RECORDS * sizeof(*sorter->buffer));
    sorter->runs = malloc(MAX_RUNS * sizeof(*sorter->runs));
    return sorter->buffer != NULL && sorter->runs != NULL;
}

void
cm_crl_sorter_clear(struct cm_crl_sorter *sorter)
{
    free(sorter->buffer);
    free(sorter->runs);
    memset(sorter, 0, sizeof(*sorter));
}

/* Sorts the full buffer and puts it aside. */
static bool
put_aside(struct cm_crl_sorter *sorter)
{
    size_t len = sorter->used * sizeof(*sorter->buffer);
    struct cm_crl_run *run = &sorter->runs[sorter->run_count];

    if (sorter->run_count == MAX_RUNS)
        return false;
    sort(sorter->buffer, sorter->used);
    if (!cm_crl_write_at(sorter->fd, sorter->buffer, len, sorter->offset))
        return false;
    run->offset = sorter->offset;
    run->count = sorter->used;
    sorter->run_count++;
    sorter->offset += len;
    sorter->used = 0;
    return true;
}

bool
cm_crl_sorter_add(struct cm_crl_sorter *sorter,
                  const struct cm_crl_record *record)
{
    if (sorter->used == RUN_RECORDS && !put_aside(sorter))
        return false;
    sorter->buffer[sorter->used++] = *record;
    return true;
}

/* One run while it is merged: a piece of it is in memory. */
struct cursor {
    struct cm_crl_run left; /* not read yet */
    struct cm_crl_record *piece;
    size_t at, filled;
};

struct merge {
    int fd;
    size_t piece_records;
    struct cursor *cursors;
    struct cursor **heap; /* the smallest record first */
    size_t heap_count;
};

/* Reads the next piece.  False: it cannot be read. */
static bool
fill(const struct merge *merge, struct cursor *cursor)
{
    size_t count = cursor->left.count, len;

    if (count > merge->piece_records)
        count = merge->piece_records;
    len = count * sizeof(*cursor->piece);
    if (!cm_crl_read_at(merge->fd, cursor->piece, len, cursor->left.offset))
        return false;
    cursor->left.offset += len;
    cursor->left.count -= count;
    cursor->at = 0;
    cursor->filled = count;
    return true;
}

static bool
is_before(const struct cursor *a, const struct cursor *b)
{
    return compare(&a->piece[a->at], &b->piece[b->at]) < 0;
}

/* Lets the cursor at `at` sink to its place. */
static void
sink(struct merge *merge, size_t at)
{
    struct cursor *moving = merge->heap[at];
    size_t child;

    while ((child = 2 * at + 1) < merge->heap_count) {
        if (child + 1 < merge->heap_count &&
            is_before(merge->heap[child + 1], merge->heap[child]))
            child++;
        if (!is_before(merge->heap[child], moving))
            break;
        merge->heap[at] = merge->heap[child];
        at = child;
    }
    merge->heap[at] = moving;
}

/* Passes to the next record of the first cursor. */
static bool
advance(struct merge *merge)
{
    struct cursor *first = merge->heap[0];

    first->at++;
    if (first->at == first->filled) {
        if (first->left.count == 0)
            merge->heap[0] = merge->heap[--merge->heap_count];
        else if (!fill(merge, first))
            return false;
    }
    if (merge->heap_count > 0)
        sink(merge, 0);
    return true;
}

/* The runs share the memory that they were sorted in. */
static bool
open_runs(struct merge *merge, const struct cm_crl_sorter *sorter)
{
    merge->fd = sorter->fd;
    merge->piece_records = RUN_RECORDS / sorter->run_count;
    for (size_t i = 0; i < sorter->run_count; i++) {
        merge->cursors[i].left = sorter->runs[i];
        merge->cursors[i].piece = sorter->buffer + i * merge->piece_records;
        if (!fill(merge, &merge->cursors[i]))
            return false;
        merge->heap[i] = &merge->cursors[i];
    }
    merge->heap_count = sorter->run_count;
    for (size_t i = sorter->run_count; i-- > 0;)
        sink(merge, i);
    return true;
}

static enum cm_reason
merge_runs(struct cm_crl_sorter *sorter,
           bool (*take)(void *context, const struct cm_crl_record *record),
           void *context)
{
    struct merge merge = {0};
    bool ok;

    merge.cursors = calloc(sorter->run_count, sizeof(*merge.cursors));
    merge.heap = calloc(sorter->run_count, sizeof(struct cursor *));
    if (merge.cursors == NULL || merge.heap == NULL) {
        free(merge.cursors);
        free(merge.heap);
        return CM_NO_MEMORY;
    }
    ok = open_runs(&merge, sorter);
    while (ok && merge.heap_count > 0) {
        struct cursor *first = merge.heap[0];

        ok = take(context, &first->piece[first->at]) && advance(&merge);
    }
    free(merge.cursors);
    free(merge.heap);
    return ok ? CM_OK : CM_REVOCATION_UNAVAILABLE;
}

enum cm_reason
cm_crl_sorter_merge(struct cm_crl_sorter *sorter,
                    bool (*take)(void *context,
                                 const struct cm_crl_record *record),
                    void *context)
{
    /* Few enough never leave memory. */
    if (sorter->run_count == 0) {
        sort(sorter->buffer, sorter->used);
        for (size_t i = 0; i < sorter->used; i++) {
            if (!take(context, &sorter->buffer[i]))
                return CM_REVOCATION_UNAVAILABLE;
        }
        return CM_OK;
    }
    if (sorter->used > 0 && !put_aside(sorter))
        return CM_REVOCATION_UNAVAILABLE;
    return merge_runs(sorter, take, context);
}
