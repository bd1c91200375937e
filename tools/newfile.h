/*
 * Files of an administrator's, written whole or not at all.
 */
#ifndef CM_NEWFILE_H
#define CM_NEWFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "detail.h"

/*
 * Writes a file beside path, syncs it and renames it to path, then syncs the
 * folder.  A file that is there keeps its owner and its mode; a new one gets
 * `mode`.  Symbolic links are followed.  False: path is as it was; detail says
 * why.
 */
bool cm_newfile_write(const char *path, const void *bytes, size_t len,
                      mode_t mode, struct cm_detail *detail);

/* Removes it, and syncs the folder.  True also if there is none. */
bool cm_newfile_remove(const char *path, struct cm_detail *detail);

#endif
