/*
 * A change as libldap takes it.
 */
#ifndef CM_CHANGE_MODS_H
#define CM_CHANGE_MODS_H

#include <ldap.h>

#include "change.h"

/*
 * Per attribute first what is deleted, then what is added.  The list borrows
 * the change's values and is one block that the caller frees with free().
 * NULL: no memory.
 */
LDAPMod **cm_change_mods(const struct cm_change *change);

#endif
