/*
 * The files of a location, without reading them.
 */
#ifndef CM_LISTING_H
#define CM_LISTING_H

#include <stdbool.h>

#include "certificates.h"
#include "detail.h"
#include "source.h"
#include "trust.h"

/*
 * Lists a FILE or DIR.  *directory: a descriptor that the caller closes, or
 * AT_FDCWD for a FILE.  CM_READ_NONE: the file is missing, or the folder is
 * missing, unreadable or holds too many files.  CM_READ_BROKEN: the file
 * cannot be looked at.  On failure nothing is given.
 */
enum cm_read cm_listing_make(const struct cm_location *location,
                             struct cm_source_listing *out, int *directory,
                             struct cm_detail *detail);
void cm_listing_clear(struct cm_source_listing *listing);

/* The same files with the same stamps? */
bool cm_listing_equal(const struct cm_source_listing *a,
                      const struct cm_source_listing *b);

/* The file of that name; NULL: there is none. */
const struct cm_source_file *
cm_listing_find(const struct cm_source_listing *listing, const char *name);

#endif
