/*
 * A Kerberos principal name without Kerberos types, so that everything but
 * the KDC's entry points stays free of krb5 headers.
 */
#ifndef CM_PRINCIPAL_H
#define CM_PRINCIPAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CM_PRINCIPAL_MAX_COMPONENTS = 8,
    CM_PRINCIPAL_MAX_TEXT = 1024 /* bytes of the text form, without NUL */
};

struct cm_principal {
    char *realm;
    char *components[CM_PRINCIPAL_MAX_COMPONENTS];
    size_t component_count;
    char *text; /* "host/a.example.com@EXAMPLE.COM", escaped as krb5 does */
};

/*
 * Parses the text form ("name", "name@REALM", "a/b@REALM"; backslash escapes
 * as krb5_parse_name(3)).  Without a realm, default_realm is used; where that
 * is NULL too it fails.  Empty names, empty components, an empty realm,
 * control characters and invalid UTF-8 fail.  False: out is zeroed.
 */
bool cm_principal_parse(const char *text, const char *default_realm,
                        struct cm_principal *out);

/*
 * Builds one from its parts (copied), under the same rules.  This is what the
 * KDC's entry points use.
 */
bool cm_principal_build(const char *const *components, const size_t *lengths,
                        size_t count, const char *realm, size_t realm_len,
                        struct cm_principal *out);

void cm_principal_clear(struct cm_principal *principal);

#endif
