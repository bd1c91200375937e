/*
 * Files named on the command line: one, or all of a folder.
 */
#ifndef CM_FILELIST_H
#define CM_FILELIST_H

#include <stdbool.h>

#include "detail.h"

enum { CM_FILELIST_MAX = 4096 /* files in one folder */ };

/*
 * Calls visit for the file, or in the order of their names for every file of
 * the folder that does not begin with "."; subfolders are passed over.  False:
 * nothing is there, or too much (detail says so), or visit said false.
 */
bool cm_filelist_each(const char *path,
                      bool (*visit)(void *context, const char *path,
                                    struct cm_detail *detail),
                      void *context, struct cm_detail *detail);

#endif
