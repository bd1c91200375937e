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
 * Makes room for one more item.  The count alone says the capacity: it is the
 * next power of two, so that many values do not cost quadratic time.
 */
static void *
grow(void *items, size_t count, size_t item_size)
{
    if ((count & (count - 1)) != 0)
        return items;
    return reallocarray(items, count == 0 ? 1 : 2 * count, item_size);
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

static struct cm_attribute *
add_attribute(struct cm_entry *entry, const char *name)
{
    struct cm_attribute *attributes, *added;
    char *copy;

    attributes = grow(entry->attributes, entry->count, sizeof(*attributes));
    if (attributes == NULL)
        return NULL;
    entry->attributes = attributes;
    copy = strdup(name);
    if (copy == NULL)
        return NULL;
    added = &attributes[entry->count++];
    memset(added, 0, sizeof(*added));
    added->name = copy;
    return added;
}

bool
cm_entry_add(struct cm_entry *entry, const char *name, const void *value,
             size_t len)
{
    struct cm_attribute *attribute = find_attribute(entry, name);
    struct cm_value *values;
    char *copy;

    if (attribute == NULL)
        attribute = add_attribute(entry, name);
    if (attribute == NULL)
        return false;
    values = grow(attribute->values, attribute->count, sizeof(*values));
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
