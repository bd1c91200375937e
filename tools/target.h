/*
 * The directory that a command reads or writes as an administrator: that of
 * the realm's configuration, with another server or another name to bind by.
 *
 *     -H, --uri URI            instead of ldap { uri }
 *     -D, --bind-dn DN         instead of ldap { bind_dn }
 *     -y, --password-file FILE instead of ldap { password_file }; with -D and
 *                              without it the password is asked on the
 *                              terminal
 *     -Y, --sasl-mech NAME     EXTERNAL or GSSAPI, instead of a simple bind
 */
#ifndef CM_TARGET_H
#define CM_TARGET_H

#include <stdbool.h>

#include "config_host.h"
#include "options.h"
#include "settings.h"

#define CM_TARGET_SHORT "H:D:y:Y:"

/* Stands in a verb's table of long options, before CM_COMMON_OPTIONS. */
/* clang-format off */
#define CM_TARGET_OPTIONS                                                     \
    {"uri", required_argument, NULL, 'H'},                                    \
    {"bind-dn", required_argument, NULL, 'D'},                                \
    {"password-file", required_argument, NULL, 'y'},                          \
    {"sasl-mech", required_argument, NULL, 'Y'}
/* clang-format on */

/* Their lines in a verb's help. */
#define CM_TARGET_HELP                                                        \
    "  -H, --uri URI             the server, instead of the realm's\n"        \
    "  -D, --bind-dn DN          bind as DN\n"                                \
    "  -y, --password-file FILE  its password; asked for without it\n"        \
    "  -Y, --sasl-mech NAME      bind by EXTERNAL or GSSAPI instead\n"

struct cm_target_flags {
    const char *uri;
    const char *bind_dn;
    const char *password_file;
    const char *sasl_mech;
};

enum cm_target_option {
    CM_TARGET_TAKEN,
    CM_TARGET_OTHER, /* the option is the verb's own */
    CM_TARGET_ERROR  /* the error was printed */
};

/* Keeps the value if the code is one of these options. */
enum cm_target_option cm_target_take(struct cm_target_flags *flags,
                                     struct cm_options *options, int code,
                                     const char *value);

struct cm_target {
    struct cm_host *host;
    char *realm;
    struct cm_settings settings;
    /* settings.directory as the options change it; borrowed from settings,
     * which the options were applied to. */
    struct cm_directory_config *directory;
};

/* The realm is that of -r, or the default realm.  CM_EXIT_YES, or the error
 * was printed and out is zeroed.  out must stay where it is. */
enum cm_exit cm_target_open(struct cm_options *options,
                            const struct cm_target_flags *flags,
                            struct cm_target *out);
void cm_target_close(struct cm_target *target);

#endif
