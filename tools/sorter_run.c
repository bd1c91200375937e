#include "sorter_run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sorter.h"

struct cm_run_head
cm_run_head_of(const uint8_t *record)
{
    struct cm_run_head head;

    memcpy(&head, record, sizeof(head));
    return head;
}

size_t
cm_run_record_size(const uint8_t *record)
{
    struct cm_run_head head = cm_run_head_of(record);

    return sizeof(head) + head.key_len + head.len;
}

/* The current record moves to the front of a window that has the room. */
static bool
make_room(struct cm_run *run, size_t want)
{
    uint8_t *window;

    memmove(run->window, run->window + run->next, run->used - run->next);
    run->used -= run->next;
    run->next = 0;
    if (want <= run->capacity)
        return true;
    window = realloc(run->window, want);
    if (window == NULL)
        return false;
    run->window = window;
    run->capacity = want;
    return true;
}

/* Reads until the window holds want bytes from the current record on. */
static bool
fill(struct cm_run *run, int fd, size_t want)
{
    size_t room;
    ssize_t n;

    if (!make_room(run, want))
        return false;
    while (run->used < want) {
        room = run->capacity - run->used;
        if ((off_t)room > run->end - run->at)
            room = (size_t)(run->end - run->at);
        n = room == 0 ? 0 : pread(fd, run->window + run->used, room, run->at);
        if (n <= 0)
            return false;
        run->used += (size_t)n;
        run->at += n;
    }
    return true;
}

bool
cm_run_load(struct cm_run *run, int fd)
{
    size_t left = run->used - run->next, want = sizeof(struct cm_run_head);

    if (left == 0 && run->at == run->end) {
        run->done = true;
        return true;
    }
    if (left < want && !fill(run, fd, want))
        return false;
    want = cm_run_record_size(run->window + run->next);
    return run->used - run->next >= want || fill(run, fd, want);
}

bool
cm_run_start(struct cm_run *run, int fd)
{
    uint8_t *window = calloc(1, CM_SORTER_WINDOW);

    if (window == NULL)
        return false;
    run->window = window;
    run->capacity = CM_SORTER_WINDOW;
    return cm_run_load(run, fd);
}

void
cm_run_clear(struct cm_run *run)
{
    free(run->window);
    run->window = NULL;
}
