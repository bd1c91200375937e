/*
 * What schema.c, filter.c and account_of_entry.c share about the presets.
 */
#ifndef CM_SCHEMA_RULES_H
#define CM_SCHEMA_RULES_H

#include "schema.h"

#define CM_ATTR_KRB_PRINCIPAL "krbPrincipalName"
#define CM_ATTR_KRB_CANONICAL "krbCanonicalName"

/* mit and ipa: the principal attribute holds "a/b@REALM"; ad and posix: the
 * single component. */
bool cm_schema_names_whole_principal(const struct cm_schema *schema);

/* Attributes that say whether an account is disabled or a computer's, and
 * which principal is canonical; NULL-terminated. */
const char *const *cm_schema_state_attributes(enum cm_schema_preset preset);

/*
 * The left part of the lookup's UPN where its suffix is the realm's DNS name,
 * so that it may be an implicit one; else NULL.  Borrowed; *len is its length.
 */
const char *cm_lookup_implicit_name(const struct cm_lookup *lookup,
                                    size_t *len);

/* Appends (attribute=value), escaped per RFC 4515. */
void cm_filter_add_equality(struct cm_buf *out, const char *attribute,
                            const char *value, size_t len);

/* Appends one filter for each way in which an entry can have the lookup's
 * UPN, which is not NULL.  False: no memory. */
bool cm_filter_add_upn(struct cm_buf *out, const struct cm_schema *schema,
                       const struct cm_lookup *lookup);

/*
 * Judges whether the account is disabled, locked or expired at `now`, and
 * whether it is a computer's.  What cannot be read counts as disabled.
 * False: no memory.
 */
bool cm_account_read_state(enum cm_schema_preset preset,
                           const struct cm_entry *entry, int64_t now,
                           struct cm_account *out);

/* Copies the values of an attribute.  CM_OK, CM_DIRECTORY_UNAVAILABLE above
 * CM_ACCOUNT_MAX_MAPPINGS, or CM_NO_MEMORY; out->id is set already. */
enum cm_reason cm_account_read_mappings(const struct cm_entry *entry,
                                        const char *name,
                                        struct cm_account *out,
                                        struct cm_detail *detail);

#endif
