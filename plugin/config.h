/*
 * kdc.conf, read strictly.
 *
 * Realms are independent: a bad one does not touch a good one.  Everything
 * wrong is reported, not only the first thing.
 */
#ifndef CM_CONFIG_H
#define CM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include <krb5.h>

#include "settings.h"

/* One finding: "kdc.conf:14: [realms] EXAMPLE.COM certmap mode = enforc: ...
 * allowed: enforce, observe, off". */
struct cm_config_errors {
    struct cm_text_list list;
};

enum cm_config_result {
    CM_CONFIG_FOUND,  /* out is filled */
    CM_CONFIG_ABSENT, /* the realm has no certmap subsection */
    CM_CONFIG_BROKEN  /* errors says why; out is zeroed */
};

/*
 * Reads the realm's certmap subsection from the context's profile.  files is
 * the list of profile files behind it (cm_config_files()), looked at for what
 * the profile library hides: a second certmap block, one-line subsections.
 */
enum cm_config_result cm_config_load(krb5_context context,
                                     const struct cm_text_list *files,
                                     const char *realm,
                                     struct cm_settings *out,
                                     struct cm_config_errors *errors);

/*
 * The profile files that this process reads: KRB5_KDC_PROFILE or the built-in
 * kdc.conf first, then those of KRB5_CONFIG or the built-in krb5.conf, with
 * what they include.  False: no memory.
 */
bool cm_config_files(struct cm_text_list *files);

/* Every relation name that §certmap knows, NULL-terminated, as
 * "timeout", "ldap.uri", "issuer.certificate", "indicators". */
const char *const *cm_config_relations(void);

void cm_config_errors_clear(struct cm_config_errors *errors);

#endif
