#include "schema.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

static void
clear_attribute(struct cm_attribute *attribute)
{
    for (size_t i = 0; i < attribute->count; i++)
        free(attribute->values[i].data);
    free(attribute->values);
    free(attribute->name);
}

void
cm_entry_clear(struct cm_entry *entry)
{
    for (size_t i = 0; i < entry->count; i++)
        clear_attribute(&entry->attributes[i]);
    free(entry->attributes);
    free(entry->dn);
    memset(entry, 0, sizeof(*entry));
}

/*
 * Makes room for one more value.  The count alone says the capacity: it is
 * the next power of two, so that many values do not cost quadratic time.
 */
static struct cm_value *
grow(struct cm_value *values, size_t count)
{
    if ((count & (count - 1)) != 0)
        return values;
    return reallocarray(values, count == 0 ? 1 : 2 * count, sizeof(*values));
}

static struct cm_attribute *
find_attribute(const struct cm_entry *entry, const char *name)
{
    /* Values of one attribute come together: the last one is the likely. */
    for (size_t i = entry->count; i > 0; i--) {
        if (cm_text_equal_fold(entry->attributes[i - 1].name, name))
            return &entry->attributes[i - 1];
    }
    return NULL;
}

static bool
add_attribute(struct cm_entry *entry, const char *name)
{
    char *copy = strdup(name);
    struct cm_attribute *attributes;

    if (copy == NULL)
        return false;
    attributes =
        reallocarray(entry->attributes, entry->count + 1, sizeof(*attributes));
    if (attributes == NULL) {
        free(copy);
        return false;
    }
    attributes[entry->count] = (struct cm_attribute){.name = copy};
    entry->attributes = attributes;
    entry->count++;
    return true;
}

bool
cm_entry_add(struct cm_entry *entry, const char *name, const void *value,
             size_t len)
{
    struct cm_attribute *attribute = find_attribute(entry, name);
    struct cm_value *values;
    char *copy;

    if (attribute == NULL) {
        if (!add_attribute(entry, name))
            return false;
        attribute = &entry->attributes[entry->count - 1];
    }
    values = grow(attribute->values, attribute->count);
    if (values == NULL)
        return false;
    attribute->values = values;
    copy = malloc(len + 1);
    if (copy == NULL)
        return false;
    if (len > 0)
        memcpy(copy, value, len);
    copy[len] = '\0';
    values[attribute->count].data = copy;
    values[attribute->count++].len = len;
    return true;
}

const struct cm_attribute *
cm_entry_get(const struct cm_entry *entry, const char *name)
{
    return find_attribute(entry, name);
}
