/*
 * LDIF content records (RFC 2849) in memory.
 */
#ifndef CM_LDIF_FILE_H
#define CM_LDIF_FILE_H

#include <stddef.h>

#include "detail.h"
#include "reason.h"
#include "schema.h"

struct cm_ldif_content {
    struct cm_entry *entries; /* with the wanted attributes only */
    size_t count;
};

void cm_ldif_content_clear(struct cm_ldif_content *content);

/*
 * Parses a whole file; path is for messages.  Refused are change records,
 * values from URLs (":<") and "include:" (both would read other files), NUL,
 * a last line without its end, and whatever libldap cannot parse.
 *
 * CM_OK; CM_DIRECTORY_UNAVAILABLE with file and line; CM_NO_MEMORY.  Then
 * *out is empty.
 */
enum cm_reason cm_ldif_parse(const char *path, char *text, size_t len,
                             const char *const *wanted,
                             struct cm_ldif_content *out,
                             struct cm_detail *detail);

#endif
