/*
 * What reading and writing the NTAuth object share.
 */
#ifndef CM_NTAUTH_PARTS_H
#define CM_NTAUTH_PARTS_H

#include "ldap_search.h"
#include "ntauth_edit.h"

#define CM_NTAUTH_PLAIN "cACertificate"
#define CM_NTAUTH_BINARY "cACertificate;binary"

struct cm_ntauth_session {
    const struct cm_directory_config *config;
    int timeout_ms; /* for each operation */
    struct cm_ldap_connection connection;
};

/* Keeps the one entry of a search whose scope is its base, in probed. */
cm_ldap_take_entry cm_ntauth_keep_entry;

/*
 * The object's name: config->ntauth_dn, else below the context that the
 * server's root names as its configuration (root may be empty), else before
 * the base.  The caller frees it.  NULL: no memory.
 */
char *cm_ntauth_name(const struct cm_directory_config *config,
                     const struct cm_entry *root);

/* Asked of the server's root; NULL-terminated. */
extern const char *const cm_ntauth_context_names[];

#endif
