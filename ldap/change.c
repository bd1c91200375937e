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

/* The count alone says the capacity: the next power of two. */
static bool
append(struct cm_value **values, size_t *count, const void *value, size_t len)
{
    struct cm_value *grown = *values;
    char *copy;

    if (*count >= CM_CHANGE_MAX_VALUES || len > CM_CHANGE_MAX_VALUE)
        return false;
    if ((*count & (*count - 1)) == 0) {
        grown = reallocarray(*values, *count == 0 ? 1 : 2 * *count,
                             sizeof(*grown));
        if (grown == NULL)
            return false;
        *values = grown;
    }
    copy = malloc(len + 1);
    if (copy == NULL)
        return false;
    if (len > 0)
        memcpy(copy, value, len);
    copy[len] = '\0';
    grown[*count] = (struct cm_value){copy, len};
    (*count)++;
    return true;
}

bool
cm_change_add(struct cm_change *change, const char *attribute,
              const void *value, size_t len)
{
    struct cm_change_part *part = part_of(change, attribute);

    return part != NULL && append(&part->add, &part->add_count, value, len);
}

bool
cm_change_remove(struct cm_change *change, const char *attribute,
                 const void *value, size_t len)
{
    struct cm_change_part *part = part_of(change, attribute);

    return part != NULL &&
           append(&part->remove, &part->remove_count, value, len);
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

static bool
invert_part(const struct cm_change_part *part, struct cm_change *out)
{
    for (size_t i = 0; i < part->add_count; i++) {
        if (!cm_change_remove(out, part->attribute, part->add[i].data,
                              part->add[i].len))
            return false;
    }
    for (size_t i = 0; i < part->remove_count; i++) {
        if (!cm_change_add(out, part->attribute, part->remove[i].data,
                           part->remove[i].len))
            return false;
    }
    return true;
}

bool
cm_change_invert(const struct cm_change *change, struct cm_change *out)
{
    struct cm_change inverse;
    bool ok;

    memset(out, 0, sizeof(*out));
    ok = cm_change_begin(&inverse, change->dn);
    for (size_t i = 0; ok && i < change->count; i++)
        ok = invert_part(&change->parts[i], &inverse);
    if (ok)
        *out = inverse;
    else
        cm_change_clear(&inverse);
    return ok;
}
