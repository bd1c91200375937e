/*
 * Which attributes say what, and how an entry becomes an account.
 */
#ifndef CM_SCHEMA_H
#define CM_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account.h"
#include "buf.h"
#include "detail.h"
#include "principal.h"
#include "reason.h"

/* An entry as a directory gives it.  Names compare without case; an option
 * such as ";binary" is part of the name. */
struct cm_attribute {
    char *name;
    struct cm_value *values;
    size_t count;
};

struct cm_entry {
    char *dn;
    struct cm_attribute *attributes;
    size_t count;
};

void cm_entry_clear(struct cm_entry *entry);
/* Appends a copy of one value.  False: no memory. */
bool cm_entry_add(struct cm_entry *entry, const char *name, const void *value,
                  size_t len);
const struct cm_attribute *cm_entry_get(const struct cm_entry *entry,
                                        const char *name);

enum cm_schema_preset {
    CM_SCHEMA_AD,
    CM_SCHEMA_MIT,
    CM_SCHEMA_IPA,
    CM_SCHEMA_POSIX
};

/* Attribute names; NULL: the schema has none.  All owned. */
struct cm_schema {
    enum cm_schema_preset preset;
    char *principal;    /* compared with the principal (mit, ipa: its text;
                           ad, posix: its single component) */
    char *account_name; /* for implicit UPNs */
    char *upn;
    char *mappings;
    char *sid;
    char *created;
    char *object_filter; /* an LDAP filter that accounts fulfil, or NULL */
};

/* False: no memory. */
bool cm_schema_init(struct cm_schema *schema, enum cm_schema_preset preset);
void cm_schema_clear(struct cm_schema *schema);
/* "ad", "mit", "ipa", "posix". */
bool cm_schema_preset_parse(const char *text, enum cm_schema_preset *out);
const char *cm_schema_preset_token(enum cm_schema_preset preset);

/*
 * Replaces one attribute name.  relation is one of principal_attribute,
 * account_name_attribute, upn_attribute, mapping_attribute, sid_attribute,
 * created_attribute (the names of the relations in `ldap { }`).  False:
 * unknown relation, or not an attribute description (RFC 4512 section 2.5).
 */
bool cm_schema_override(struct cm_schema *schema, const char *relation,
                        const char *attribute, struct cm_detail *detail);

/* The attributes to ask for, NULL-terminated, borrowed from the schema. */
enum { CM_SCHEMA_MAX_ATTRIBUTES = 24 };
void cm_schema_attributes(const struct cm_schema *schema,
                          const char *out[CM_SCHEMA_MAX_ATTRIBUTES]);

/* What one login asks a directory. */
struct cm_lookup {
    const struct cm_principal *principal; /* canonical */
    const char *upn;        /* the certificate's; NULL: it is not consulted */
    const char *dns_domain; /* of the realm */
    int64_t now;            /* for expiry of accounts */
};

/*
 * Can the principal be an account of this schema at all?  (ad and posix know
 * principals of one component only.)
 */
bool cm_schema_knows_principal(const struct cm_schema *schema,
                               const struct cm_principal *principal);

/*
 * The one LDAP filter of a login: the named account, or any account that the
 * UPN names explicitly or implicitly.  Assertion values are escaped per
 * RFC 4515.  False: no memory, or principal unknown to the schema.
 */
bool cm_schema_filter(const struct cm_schema *schema,
                      const struct cm_lookup *lookup, struct cm_buf *out);

/* Appends value with every octet that RFC 4515 section 3 asks escaped. */
void cm_filter_escape(struct cm_buf *out, const char *value, size_t len);

/*
 * Makes an account of an entry and compares it again, locally, with what was
 * asked.  *relevant is false where the entry is neither the named account nor
 * one that the UPN names (a server may return more than was asked for).
 *
 * CM_OK, CM_NO_MEMORY, or CM_DIRECTORY_UNAVAILABLE for an entry that cannot
 * be one (over the limits of account.h).  Values that do not decode make the
 * field CM_FAULTY.
 */
enum cm_reason cm_schema_account(const struct cm_schema *schema,
                                 const struct cm_lookup *lookup,
                                 const struct cm_entry *entry,
                                 struct cm_account *out, bool *relevant,
                                 struct cm_detail *detail);

#endif
