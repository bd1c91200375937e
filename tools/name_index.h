/*
 * Items found by their name, in a table that grows.
 */
#ifndef CM_NAME_INDEX_H
#define CM_NAME_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first member of every item. */
struct cm_named {
    char *name;
};

/* Items stay the caller's.  Zeroed: empty. */
struct cm_name_index {
    struct cm_named **slots;
    size_t capacity; /* a power of two; at most half of it is in use */
    size_t count;
    uint64_t seed; /* names in a log may be chosen to collide */
};

/* NULL: there is none. */
struct cm_named *cm_name_index_find(const struct cm_name_index *index,
                                    const char *name, size_t len);

/* Adds an item whose name is not there yet.  False: no memory. */
bool cm_name_index_add(struct cm_name_index *index, struct cm_named *item);

/* The next item in no order, from *at = 0 on; NULL: that was all. */
struct cm_named *cm_name_index_next(const struct cm_name_index *index,
                                    size_t *at);

/* Frees the table, not the items. */
void cm_name_index_clear(struct cm_name_index *index);

#endif
