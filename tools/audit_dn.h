/*
 * Names in mapping values that a person wrote: whatever order, quoting and
 * attribute types were used, the text that a KDC compares.
 */
#ifndef CM_AUDIT_DN_H
#define CM_AUDIT_DN_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

enum { CM_AUDIT_MAX_RDNS = 64 };

/*
 * Appends the name as Windows writes it (mapping/name.h): no blanks about
 * commas, quoted only where it must be, ST as S, emailAddress as E, and so
 * on; with `reverse` the last RDN first.  False: it is not a list of
 * TYPE=value, has more than CM_AUDIT_MAX_RDNS, or no memory; *out is then
 * unspecified.
 */
bool cm_audit_dn_rewrite(const char *text, size_t len, bool reverse,
                         struct cm_buf *out);

/* Might rewriting without `reverse` change it?  Cheap, and never wrongly
 * false but for attribute types. */
bool cm_audit_dn_is_unusual(const char *text, size_t len);

#endif
