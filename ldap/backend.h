/*
 * The backends behind directory.h.
 */
#ifndef CM_BACKEND_H
#define CM_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory.h"
#include "health.h"

/* Milliseconds of a clock that never jumps. */
int64_t cm_backend_now_ms(void);

/*
 * Appends the account of an entry to *out where it concerns the lookup.
 * CM_OK; CM_ACCOUNT_AMBIGUOUS past CM_DIRECTORY_MAX_ENTRIES; or as
 * cm_schema_account().
 */
enum cm_reason cm_accounts_collect(const struct cm_schema *schema,
                                   const struct cm_lookup *lookup,
                                   const struct cm_entry *entry,
                                   struct cm_accounts *out,
                                   struct cm_detail *detail);

/* The one of the NULL-terminated names that len bytes are, or NULL. */
const char *cm_attribute_wanted(const char *const *wanted, const char *name,
                                size_t len);

/* kdb: the account of the KDC's own entry. */
enum cm_reason cm_kdb_find(const struct cm_directory_query *query,
                           struct cm_accounts *out, struct cm_detail *detail);

/* What cm_directory_each_mapped() was asked for. */
struct cm_walk {
    size_t limit;
    int timeout_ms;
    bool (*visit)(void *context, const struct cm_entry *entry);
    void *context;
    size_t seen;
    bool stopped; /* visit returned false */
    bool truncated;
};

/* Hands one entry over.  False: the walk is at its end. */
bool cm_walk_visit(struct cm_walk *walk, const struct cm_entry *entry);

struct cm_who; /* who_parts.h */

/* ldif: a file, read again whenever it changed. */
struct cm_ldif;
struct cm_ldif *cm_ldif_new(const struct cm_directory_config *config,
                            const struct cm_log *log);
void cm_ldif_free(struct cm_ldif *ldif);
enum cm_reason cm_ldif_find(struct cm_ldif *ldif,
                            const struct cm_directory_query *query,
                            struct cm_accounts *out, struct cm_detail *detail);
enum cm_reason cm_ldif_who(struct cm_ldif *ldif, struct cm_who *who,
                           struct cm_detail *detail);
enum cm_reason cm_ldif_probe(struct cm_ldif *ldif, struct cm_detail *detail);
enum cm_reason cm_ldif_walk(struct cm_ldif *ldif, struct cm_walk *walk,
                            struct cm_detail *detail);

/* ldap: servers in the order of preference. */
struct cm_ldap;
struct cm_ldap *cm_ldap_new(const struct cm_directory_config *config,
                            const struct cm_log *log);
void cm_ldap_free(struct cm_ldap *ldap);
const struct cm_directory_config *cm_ldap_config(const struct cm_ldap *ldap);
void cm_ldap_share_health(struct cm_ldap *ldap,
                          struct cm_directory_health *health);
enum cm_reason cm_ldap_find(struct cm_ldap *ldap,
                            const struct cm_directory_query *query,
                            struct cm_accounts *out, struct cm_detail *detail);
enum cm_reason cm_ldap_who(struct cm_ldap *ldap, struct cm_who *who,
                           struct cm_detail *detail);
enum cm_reason cm_ldap_probe(struct cm_ldap *ldap, int timeout_ms,
                             struct cm_detail *detail);
enum cm_reason cm_ldap_walk(struct cm_ldap *ldap, struct cm_walk *walk,
                            struct cm_detail *detail);

#endif
