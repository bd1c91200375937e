#include "name_index.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_CAPACITY = 64 };

/* FNV-1a from a secret start, and mixed once more. */
static uint64_t
hash(uint64_t seed, const char *name, size_t len)
{
    uint64_t value = seed ^ 0xcbf29ce484222325ULL;

    for (size_t i = 0; i < len; i++)
        value = (value ^ (uint8_t)name[i]) * 0x100000001b3ULL;
    value ^= value >> 32;
    return (value * 0x9e3779b97f4a7c15ULL) >> 16;
}

/* The slot of the name, or the free one where it belongs. */
static size_t
slot_of(const struct cm_name_index *index, const char *name, size_t len)
{
    size_t mask = index->capacity - 1;
    size_t at = (size_t)hash(index->seed, name, len) & mask;
    const struct cm_named *item;

    while ((item = index->slots[at]) != NULL) {
        if (strncmp(item->name, name, len) == 0 && item->name[len] == '\0')
            return at;
        at = (at + 1) & mask;
    }
    return at;
}

struct cm_named *
cm_name_index_find(const struct cm_name_index *index, const char *name,
                   size_t len)
{
    if (index->capacity == 0)
        return NULL;
    return index->slots[slot_of(index, name, len)];
}

static bool
grow(struct cm_name_index *index)
{
    struct cm_name_index larger = *index;
    struct cm_named *item;

    larger.capacity =
        index->capacity == 0 ? FIRST_CAPACITY : 2 * index->capacity;
    larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
    if (larger.slots == NULL ||
        (index->capacity == 0 &&
         getentropy(&larger.seed, sizeof(larger.seed)) != 0)) {
        free(larger.slots);
        return false;
    }
    for (size_t i = 0; i < index->capacity; i++) {
        item = index->slots[i];
        if (item != NULL)
            larger.slots[slot_of(&larger, item->name, strlen(item->name))] =
                item;
    }
    free(index->slots);
    *index = larger;
    return true;
}

bool
cm_name_index_add(struct cm_name_index *index, struct cm_named *item)
{
    if (2 * (index->count + 1) > index->capacity && !grow(index))
        return false;
    index->slots[slot_of(index, item->name, strlen(item->name))] = item;
    index->count++;
    return true;
}

struct cm_named *
cm_name_index_next(const struct cm_name_index *index, size_t *at)
{
    while (*at < index->capacity) {
        if (index->slots[(*at)++] != NULL)
            return index->slots[*at - 1];
    }
    return NULL;
}

void
cm_name_index_clear(struct cm_name_index *index)
{
    free(index->slots);
    memset(index, 0, sizeof(*index));
}
