/*
 * The parts of `certmap check`, one file each.  All of them only add
 * findings.
 */
#ifndef CM_CHECK_H
#define CM_CHECK_H

#include <stdint.h>

#include "config_host.h"
#include "findings.h"

enum {
    CM_CHECK_MAX_ACCOUNTS = 100000, /* of a directory that are looked at */
    CM_CHECK_MAX_NAMED = 20,        /* accounts named for one trouble */
    CM_CHECK_DEFAULT_BACKLOG = 5,   /* of krb5kdc */
    CM_CHECK_MIN_BACKLOG = 32       /* as many as are judged at once */
};

struct cm_check {
    struct cm_host *host;
    struct cm_findings findings;
    int64_t now; /* seconds since 1970 */
};

/* A realm whose subsection could be read. */
struct cm_check_realm {
    char *name;
    struct cm_settings settings;
};

struct cm_check_realms {
    struct cm_check_realm *list;
    size_t count;
    bool broken; /* there is a realm whose subsection could not be read */
};

/* Modes and choices that weaken the defaults. */
void cm_check_choices(struct cm_check *check,
                      const struct cm_check_realm *realm);

/* [dbmodules], where the realm's database is behind our KDB module. */
void cm_check_database(struct cm_check *check,
                       const struct cm_check_realm *realm);

/* [plugins], for all realms together. */
void cm_check_plugins(struct cm_check *check,
                      const struct cm_check_realms *realms);

/* Relations of stock PKINIT that mislead beside certmap. */
void cm_check_leftovers(struct cm_check *check,
                        const struct cm_check_realm *realm);

/* The KDC's own certificate. */
void cm_check_kdc(struct cm_check *check, const struct cm_check_realm *realm);

/* Anchors, intermediates, NTAuth list. */
void cm_check_trust(struct cm_check *check,
                    const struct cm_check_realm *realm);

/* The store, its deny list, an override, the mirrored NTAuth list. */
void cm_check_revocation(struct cm_check *check,
                         const struct cm_check_realm *realm);

/* The directory, and the principals of mapped accounts. */
void cm_check_accounts(struct cm_check *check,
                       const struct cm_check_realm *realm);

/* KDCs that run with an older configuration. */
void cm_check_restart(struct cm_check *check);

/*
 * The values of a relation of stock PKINIT, in the realm or else in
 * [kdcdefaults], as the KDC looks for them.
 */
void cm_check_pkinit_values(struct cm_check *check, enum cm_host_scope scope,
                            const char *realm, const char *relation,
                            struct cm_text_list *out);

#endif
