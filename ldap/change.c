#include "change.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

void
cm_change_clear(struct cm_change *change)
{
    for (size_t i = 0; i < change->count; i++) {
        struct cm_change_part *part = &change->parts[i];

        for (size_t j = 0; j < part->remove_count; j++)
            free(part->remove[j].data);
        for (size_t j = 0; j < part->add_count; j++)
            free(part->add[j].data);
        free(part->remove);
        free(part->add);
        free(part->attribute);
    }
    free(change->dn);
    memset(change, 0, sizeof(*change));
}

bool
cm_change_begin(struct cm_change *change, const char *dn)
{
    memset(change, 0, sizeof(*change));
    change->dn = strdup(dn);
    return change->dn != NULL;
}

static struct cm_change_part *
find_part(struct cm_change *change, const char *attribute)
{
    for (size_t i = 0; i < change->count; i++) {
        if (cm_text_equal_fold(change->parts[i].attribute, attribute))
            return &change->parts[i];
    }
    return NULL;
}

static struct cm_change_part *
part_of(struct cm_change *change, const char *attribute)
{
    struct cm_change_part *part = find_part(change, attribute);
    char *copy;

    if (part != NULL)
        return part;
    if (change->count == CM_CHANGE_MAX_PARTS)
        return NULL;
    copy = strdup(attribute);
    if (copy == NULL)
        return NULL;
    part = &change->parts[change->count];
    *part = (struct cm_change_part){.attribute = copy};
    change->count++;
    return part;
}

static char *
copy_of(const void *value, size_t len)
{
    char *copy = len > CM_CHANGE_MAX_VALUE ? NULL : malloc(len + 1);

    if (copy == NULL)
        return NULL;
    if (len > 0)
        memcpy(copy, value, len);
    copy[len] = '\0';
    return copy;
}

/* Room for one more.  The count alone says the capacity: the next power of
 * two. */
static struct cm_value *
grow(struct cm_value *values, size_t count)
{
    if (count >= CM_CHANGE_MAX_VALUES)
        return NULL;
    if ((count & (count - 1)) != 0)
        return values;
    return reallocarray(values, count == 0 ? 1 : 2 * count, sizeof(*values));
}

bool
cm_change_add(struct cm_change *change, const char *attribute,
              const void *value, size_t len)
{
    struct cm_change_part *part = part_of(change, attribute);
    char *copy = copy_of(value, len);
    struct cm_value *grown =
        part == NULL || copy == NULL ? NULL : grow(part->add, part->add_count);

    if (grown == NULL) {
        free(copy);
        return false;
    }
    grown[part->add_count] = (struct cm_value){copy, len};
    part->add = grown;
    part->add_count++;
    return true;
}

bool
cm_change_remove(struct cm_change *change, const char *attribute,
                 const void *value, size_t len)
{
    struct cm_change_part *part = part_of(change, attribute);
    char *copy = copy_of(value, len);
    struct cm_value *grown = part == NULL || copy == NULL
                                 ? NULL
                                 : grow(part->remove, part->remove_count);

    if (grown == NULL) {
        free(copy);
        return false;
    }
    grown[part->remove_count] = (struct cm_value){copy, len};
    part->remove = grown;
    part->remove_count++;
    return true;
}

bool
cm_change_is_empty(const struct cm_change *change)
{
    for (size_t i = 0; i < change->count; i++) {
        if (change->parts[i].remove_count > 0 ||
            change->parts[i].add_count > 0)
            return false;
    }
    return true;
}
