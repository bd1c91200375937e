/*
 * Where things stand in the profile files.
 *
 * The profile library merges files and blocks and forgets lines; this
 * scanner reads the same files to find what it hides and to name file and
 * line in a message.  It never decides a value.
 */
#ifndef CM_PROFILE_SCAN_H
#define CM_PROFILE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

enum {
    CM_SCAN_MAX_FILE = 4 * 1024 * 1024, /* bytes of one file */
    CM_SCAN_MAX_LINE = 2047, /* the library splits a longer line in two */
    CM_SCAN_MAX_FILES = 1024,
    CM_SCAN_MAX_INCLUDES = 8, /* files within files */
    CM_SCAN_MAX_DEPTH = 16    /* sections within sections */
};

/* One "name = value" or "name = {". */
struct cm_scan_item {
    char *file;
    unsigned line;
    /* The sections around it, outermost first, each followed by a newline:
     * "realms\nEXAMPLE.COM\ncertmap\n".  No name holds one. */
    char *section;
    char *name;
    bool opens; /* a subsection begins */
};

struct cm_scan {
    struct cm_scan_item *list;
    size_t count;
    /* What keeps the scanner from seeing what the library sees, as
     * "FILE:LINE: text". */
    struct cm_text_list problems;
};

/*
 * Scans these files and no others: include directives are not followed
 * (cm_scan_add_file() did that).  A file that cannot be opened is skipped, as
 * the library skips it.  False: no memory; out is zeroed.
 */
bool cm_scan_read(const struct cm_text_list *files, struct cm_scan *out);
void cm_scan_clear(struct cm_scan *scan);

/*
 * Appends file and, after it, what its include and includedir lines name, by
 * the library's rules for file names.  Stops at the limits above.  False: no
 * memory.
 */
bool cm_scan_add_file(const char *file, struct cm_text_list *files);

#endif
