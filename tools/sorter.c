#include "sorter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sorter_run.h"

struct cm_sorter {
    FILE *file;
    uint8_t *buffer; /* CM_SORTER_RUN bytes */
    size_t used;
    uint8_t **index; /* the records in it */
    size_t count;
    size_t capacity;
    off_t end; /* of the file */
    struct cm_run *runs;
    size_t run_count;
    size_t *heap; /* runs, the least record first */
    size_t heap_count;
    bool started; /* the top of the heap was handed out */
};

FILE *
cm_scratch_open(struct cm_detail *detail)
{
    const char *folder = getenv("TMPDIR");
    FILE *file = NULL;
    int fd;

    /* Not /tmp, which may be memory. */
    if (folder == NULL || *folder == '\0')
        folder = "/var/tmp";
    fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        file = fdopen(fd, "w+");
    if (file == NULL) {
        cm_detail_set(detail, "cannot make a temporary file in %s: %s", folder,
                      strerror(errno));
        if (fd >= 0)
            (void)close(fd);
    }
    return file;
}

struct cm_sorter *
cm_sorter_new(struct cm_detail *detail)
{
    struct cm_sorter *sorter = calloc(1, sizeof(*sorter));

    if (sorter != NULL)
        sorter->buffer = malloc(CM_SORTER_RUN);
    if (sorter == NULL || sorter->buffer == NULL) {
        cm_detail_set(detail, "out of memory");
        cm_sorter_free(sorter);
        return NULL;
    }
    sorter->file = cm_scratch_open(detail);
    if (sorter->file != NULL)
        return sorter;
    cm_sorter_free(sorter);
    return NULL;
}

void
cm_sorter_free(struct cm_sorter *sorter)
{
    if (sorter == NULL)
        return;
    if (sorter->file != NULL)
        (void)fclose(sorter->file);
    for (size_t i = 0; i < sorter->run_count; i++)
        cm_run_clear(&sorter->runs[i]);
    free(sorter->runs);
    free(sorter->heap);
    free(sorter->index);
    free(sorter->buffer);
    free(sorter);
}

int
cm_sorter_compare(const uint8_t *a, size_t a_len, const uint8_t *b,
                  size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

    if (order != 0)
        return order;
    return a_len < b_len ? -1 : a_len > b_len;
}

static int
compare_records(const uint8_t *a, const uint8_t *b)
{
    struct cm_run_head one = cm_run_head_of(a), other = cm_run_head_of(b);
    int order;

    a += sizeof(one);
    b += sizeof(other);
    order = cm_sorter_compare(a, one.key_len, b, other.key_len);
    if (order != 0)
        return order;
    return cm_sorter_compare(a + one.key_len, one.len, b + other.key_len,
                             other.len);
}

static int
compare_indexed(const void *a, const void *b)
{
    return compare_records(*(uint8_t *const *)a, *(uint8_t *const *)b);
}

static bool
fail_on_disk(struct cm_detail *detail)
{
    cm_detail_set(detail,
                  "a temporary file cannot be written: %s (TMPDIR names "
                  "another folder)",
                  strerror(errno));
    return false;
}

static bool
write_index(struct cm_sorter *sorter, struct cm_detail *detail)
{
    for (size_t i = 0; i < sorter->count; i++) {
        size_t size = cm_run_record_size(sorter->index[i]);

        if (fwrite(sorter->index[i], 1, size, sorter->file) != size)
            return fail_on_disk(detail);
    }
    return true;
}

/* Sorts what is in memory and writes it. */
static bool
write_run(struct cm_sorter *sorter, struct cm_detail *detail)
{
    struct cm_run run = {.at = sorter->end}, *runs;

    if (sorter->count == 0)
        return true;
    if (sorter->run_count == CM_SORTER_MAX_RUNS) {
        cm_detail_set(detail, "too much to sort");
        return false;
    }
    qsort(sorter->index, sorter->count, sizeof(sorter->index[0]),
          compare_indexed);
    if (!write_index(sorter, detail))
        return false;
    sorter->end += (off_t)sorter->used;
    run.end = sorter->end;
    runs = reallocarray(sorter->runs, sorter->run_count + 1, sizeof(*runs));
    if (runs == NULL) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    runs[sorter->run_count] = run;
    sorter->runs = runs;
    sorter->run_count++;
    sorter->used = 0;
    sorter->count = 0;
    return true;
}

static bool
index_record(struct cm_sorter *sorter, uint8_t *record)
{
    size_t capacity = sorter->capacity == 0 ? 1024 : 2 * sorter->capacity;
    uint8_t **index = sorter->index;

    if (sorter->count == sorter->capacity) {
        index = reallocarray(sorter->index, capacity, sizeof(*index));
        if (index == NULL)
            return false;
        sorter->index = index;
        sorter->capacity = capacity;
    }
    index[sorter->count++] = record;
    return true;
}

bool
cm_sorter_add(struct cm_sorter *sorter, const void *key, size_t key_len,
              const void *data, size_t len, struct cm_detail *detail)
{
    struct cm_run_head head = {(uint32_t)key_len, (uint32_t)len};
    size_t size = sizeof(head) + key_len + len;
    uint8_t *record;

    if (key_len > CM_SORTER_MAX_RECORD || len > CM_SORTER_MAX_RECORD ||
        size > CM_SORTER_MAX_RECORD) {
        cm_detail_set(detail, "too large to sort");
        return false;
    }
    if (sorter->used + size > CM_SORTER_RUN && !write_run(sorter, detail))
        return false;
    record = sorter->buffer + sorter->used;
    memcpy(record, &head, sizeof(head));
    if (key_len > 0)
        memcpy(record + sizeof(head), key, key_len);
    if (len > 0)
        memcpy(record + sizeof(head) + key_len, data, len);
    if (!index_record(sorter, record)) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    sorter->used += size;
    return true;
}

/* ---- Merging ---- */

static bool
before(const struct cm_sorter *sorter, size_t a, size_t b)
{
    const struct cm_run *one = &sorter->runs[sorter->heap[a]];
    const struct cm_run *other = &sorter->runs[sorter->heap[b]];

    return compare_records(one->window + one->next,
                           other->window + other->next) < 0;
}

static void
sink(struct cm_sorter *sorter, size_t at)
{
    size_t child, swap;

    while ((child = 2 * at + 1) < sorter->heap_count) {
        if (child + 1 < sorter->heap_count && before(sorter, child + 1, child))
            child++;
        if (!before(sorter, child, at))
            return;
        swap = sorter->heap[at];
        sorter->heap[at] = sorter->heap[child];
        sorter->heap[child] = swap;
        at = child;
    }
}

static bool
fail_to_read(struct cm_detail *detail)
{
    cm_detail_set(detail, "a temporary file cannot be read");
    return false;
}

bool
cm_sorter_finish(struct cm_sorter *sorter, struct cm_detail *detail)
{
    if (!write_run(sorter, detail))
        return false;
    if (fflush(sorter->file) != 0)
        return fail_on_disk(detail);
    free(sorter->buffer);
    free(sorter->index);
    sorter->buffer = NULL;
    sorter->index = NULL;
    sorter->heap = calloc(sorter->run_count + 1, sizeof(*sorter->heap));
    if (sorter->heap == NULL)
        return fail_to_read(detail);
    for (size_t i = 0; i < sorter->run_count; i++) {
        if (!cm_run_start(&sorter->runs[i], fileno(sorter->file)))
            return fail_to_read(detail);
        sorter->heap[sorter->heap_count++] = i;
    }
    for (size_t i = sorter->heap_count; i > 0; i--)
        sink(sorter, i - 1);
    return true;
}

/* Goes past the record that was handed out. */
static bool
advance(struct cm_sorter *sorter)
{
    struct cm_run *run = &sorter->runs[sorter->heap[0]];

    run->next += cm_run_record_size(run->window + run->next);
    if (!cm_run_load(run, fileno(sorter->file)))
        return false;
    if (run->done)
        sorter->heap[0] = sorter->heap[--sorter->heap_count];
    sink(sorter, 0);
    return true;
}

enum cm_sorter_step
cm_sorter_next(struct cm_sorter *sorter, struct cm_sorted *out,
               struct cm_detail *detail)
{
    const struct cm_run *run;
    const uint8_t *record;
    struct cm_run_head head;

    if (sorter->started && sorter->heap_count > 0 && !advance(sorter)) {
        (void)fail_to_read(detail);
        return CM_SORTER_FAILED;
    }
    sorter->started = true;
    if (sorter->heap_count == 0)
        return CM_SORTER_END;
    run = &sorter->runs[sorter->heap[0]];
    record = run->window + run->next;
    head = cm_run_head_of(record);
    *out = (struct cm_sorted){record + sizeof(head), head.key_len,
                              record + sizeof(head) + head.key_len, head.len};
    return CM_SORTER_RECORD;
}
