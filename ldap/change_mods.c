#include "change_mods.h"

#include <stdlib.h>

/* Everything that the list needs, behind the list itself. */
struct block {
    LDAPMod *list[2 * CM_CHANGE_MAX_PARTS + 1];
    LDAPMod mods[2 * CM_CHANGE_MAX_PARTS];
    struct berval values[];
};

struct filler {
    struct block *block;
    size_t mods;
    size_t values;
};

static size_t
count_values(const struct cm_change *change)
{
    size_t count = 0;

    for (size_t i = 0; i < change->count; i++)
        count += change->parts[i].remove_count + change->parts[i].add_count;
    return count;
}

static void
add_mod(struct filler *filler, struct berval **pointers, int operation,
        char *attribute, const struct cm_value *values, size_t count)
{
    struct block *block = filler->block;
    LDAPMod *mod = &block->mods[filler->mods];
    struct berval **own = pointers + filler->values + filler->mods;

    if (count == 0)
        return;
    *mod = (LDAPMod){.mod_op = operation | LDAP_MOD_BVALUES,
                     .mod_type = attribute};
    mod->mod_bvalues = own;
    for (size_t i = 0; i < count; i++) {
        block->values[filler->values].bv_val = values[i].data;
        block->values[filler->values].bv_len = values[i].len;
        own[i] = &block->values[filler->values++];
    }
    own[count] = NULL;
    block->list[filler->mods++] = mod;
}

LDAPMod **
cm_change_mods(const struct cm_change *change)
{
    size_t values = count_values(change);
    size_t size = sizeof(struct block) + values * sizeof(struct berval);
    struct berval **pointers;
    struct filler filler = {0};

    /* One pointer a value, and one at the end of each list. */
    filler.block =
        calloc(1, size + (values + (size_t)2 * CM_CHANGE_MAX_PARTS) *
                             sizeof(struct berval *));
    if (filler.block == NULL)
        return NULL;
    pointers = (struct berval **)(void *)(filler.block->values + values);
    for (size_t i = 0; i < change->count; i++) {
        const struct cm_change_part *part = &change->parts[i];

        add_mod(&filler, pointers, LDAP_MOD_DELETE, part->attribute,
                part->remove, part->remove_count);
        add_mod(&filler, pointers, LDAP_MOD_ADD, part->attribute, part->add,
                part->add_count);
    }
    return filler.block->list;
}
