/* What an NTAuth object holds, as a list that grows. */
#include "ntauth_object.h"

#include <stdlib.h>
#include <string.h>

void
cm_ntauth_object_clear(struct cm_ntauth_object *object)
{
    for (size_t i = 0; i < object->count; i++)
        free(object->values[i].bytes);
    free(object->values);
    free(object->dn);
    memset(object, 0, sizeof(*object));
}

bool
cm_ntauth_object_add(struct cm_ntauth_object *object, const void *bytes,
                     size_t len)
{
    struct cm_ntauth_value *list;
    uint8_t *copy = malloc(len > 0 ? len : 1);

    if (copy == NULL)
        return false;
    list = reallocarray(object->values, object->count + 1, sizeof(*list));
    if (list == NULL) {
        free(copy);
        return false;
    }
    if (len > 0)
        memcpy(copy, bytes, len);
    list[object->count].bytes = copy;
    list[object->count++].len = len;
    object->values = list;
    return true;
}
