/*
 * What undoes a change.
 */
#include <string.h>

#include "change.h"

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
