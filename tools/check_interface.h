/*
 * One pluggable interface of [plugins]: its relations, and the files that its
 * modules are loaded from.
 */
#ifndef CM_CHECK_INTERFACE_H
#define CM_CHECK_INTERFACE_H

#include <stdbool.h>

#include "check.h"

struct cm_check_interface {
    const char *name; /* "certauth" */
    struct cm_text_list modules;
    struct cm_text_list enable_only;
    struct cm_text_list disable;
};

void cm_check_interface_read(struct cm_check *check, const char *name,
                             struct cm_check_interface *out);
void cm_check_interface_clear(struct cm_check_interface *interface);

/* The path of "MODULE:PATH" among its modules; borrowed.  NULL: not listed. */
const char *cm_check_interface_path(const struct cm_check_interface *interface,
                                    const char *module);

/* Do enable_only and disable leave this module on? */
bool cm_check_interface_allows(const struct cm_check_interface *interface,
                               const char *module);

/* Can the KDC load the module from there, and is its entry point in it? */
void cm_check_interface_file(struct cm_check *check, const char *interface,
                             const char *module, const char *path);

/* Are both there, and not one file?  The KDC would load it twice. */
bool cm_check_interface_differ(struct cm_check *check, const char *path,
                               const char *other);

#endif
