/*
 * The KDB module that ours stands on.
 *
 *     [dbmodules]
 *         EXAMPLE.COM = {
 *             db_library = certmap
 *             certmap_inner = db2
 *         }
 *
 * libkdb5 loads a library once for all realms of a process and copies its
 * table before any realm is named, so that all must stand on the same one.
 */
#ifndef CM_KDB_INNER_H
#define CM_KDB_INNER_H

#include <stdbool.h>

#include <profile.h>

#include "detail.h"
#include "text.h"

#define CM_KDB_OUTER_NAME "certmap"
enum { CM_KDB_INNER_MAX_NAME = 64 }; /* bytes */

/* Letters, digits, "-" and "_", and not our own name: it becomes part of a
 * path. */
bool cm_kdb_inner_name_is_valid(const char *name);

/*
 * The one name that every subsection of [dbmodules] with our db_library
 * gives; the caller frees it.  NULL: detail says which relation to mend.
 */
char *cm_kdb_inner_name(profile_t profile, struct cm_detail *detail);

/*
 * Loads a KDB module from the folders in which libkdb5 looks, and returns its
 * kdb_function_table.  It is never unloaded.  NULL: detail says why, beginning
 * with the relation that names it.
 */
const void *cm_kdb_module_load(profile_t profile, const char *name,
                               struct cm_detail *detail);

/* The same for the one that cm_kdb_inner_name() finds.  own, which is ours
 * and may be NULL, is never returned. */
const void *cm_kdb_inner_find(profile_t profile, const void *own,
                              struct cm_detail *detail);

/* The same, with the KDC's profile. */
const void *cm_kdb_inner_load(const void *own, struct cm_detail *detail);

#endif
