/*
 * What a tool asks of the KDC's host: its profile and its database, without
 * krb5 types.
 */
#ifndef CM_CONFIG_HOST_H
#define CM_CONFIG_HOST_H

#include <stdbool.h>

#include "detail.h"
#include "principal.h"
#include "schema.h"
#include "settings.h"
#include "text.h"

struct cm_host;

/*
 * Opens the profile as krb5kdc does.  kdc_conf replaces the KDC's own
 * configuration file (it is set as KRB5_KDC_PROFILE in this process); NULL:
 * the environment's or the built-in one.  NULL: the profile cannot be read,
 * detail says why.
 */
struct cm_host *cm_host_open(const char *kdc_conf, struct cm_detail *detail);
void cm_host_close(struct cm_host *host);

/* Profile files, kdc.conf first, with what they include. */
const struct cm_text_list *cm_host_files(const struct cm_host *host);

/* Does a process with these values of KRB5_KDC_PROFILE and KRB5_CONFIG (NULL:
 * not set) read the files that this one reads? */
bool cm_host_same_profile(const char *kdc_profile, const char *krb5_config);

/* The default realm; NULL: none.  The caller frees it. */
char *cm_host_default_realm(struct cm_host *host);

/* Which part of the profile to look at. */
enum cm_host_scope {
    CM_HOST_MERGED,  /* what the KDC sees */
    CM_HOST_KDC_CONF /* kdc.conf alone, with what it includes */
};

/*
 * Can libkdb5 load the KDB module of ours, and what that stands on?  What is
 * loaded stays loaded.  False: detail says why not.
 */
bool cm_host_kdb_module(struct cm_host *host, struct cm_detail *detail);
bool cm_host_kdb_inner(struct cm_host *host, struct cm_detail *detail);

/* The realms of [realms], each once.  False: no memory. */
bool cm_host_realms(struct cm_host *host, enum cm_host_scope scope,
                    struct cm_text_list *out);

/*
 * The values of a relation, in the profile's order; names is its way through
 * the sections, NULL-terminated.  None is no failure.  False: no memory.
 */
bool cm_host_values(struct cm_host *host, enum cm_host_scope scope,
                    const char *const *names, struct cm_text_list *out);

struct cm_own_files; /* stock_own.h */

/* What stock PKINIT is told about the realm's KDC.  False: no memory. */
bool cm_host_own_files(struct cm_host *host, const char *realm,
                       struct cm_own_files *out);

enum cm_host_settings {
    CM_HOST_FOUND,  /* out is filled, the caller clears it */
    CM_HOST_ABSENT, /* the realm has no certmap subsection */
    CM_HOST_BROKEN  /* errors says why */
};

/* The realm's settings, as the KDC would read them. */
enum cm_host_settings cm_host_settings(struct cm_host *host, const char *realm,
                                       struct cm_settings *out,
                                       struct cm_text_list *errors);

enum cm_host_entry {
    CM_HOST_ENTRY_FOUND, /* out is filled, the caller clears it */
    CM_HOST_ENTRY_ABSENT,
    CM_HOST_ENTRY_UNAVAILABLE /* the database cannot be read: detail */
};

/* The string attributes of a principal that make an account. */
enum cm_host_entry cm_host_entry(struct cm_host *host,
                                 const struct cm_principal *principal,
                                 struct cm_entry *out,
                                 struct cm_detail *detail);

struct cm_kdb_row; /* kdb_row.h */

/* Calls visit for each principal of the realm's database until it returns
 * false.  False: the database cannot be read. */
bool cm_host_each_principal(struct cm_host *host, const char *realm,
                            bool (*visit)(void *, const struct cm_kdb_row *),
                            void *context, struct cm_detail *detail);

#endif
