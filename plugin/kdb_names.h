/*
 * Names that a client may send instead of its principal, taken apart
 * strictly: anybody can send one, and nothing has been verified by then.
 */
#ifndef CM_KDB_NAMES_H
#define CM_KDB_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "altsecid.h"
#include "principal.h"

enum { CM_CLIENT_NAME_MAX = 1024 }; /* bytes */

enum cm_client_name_kind {
    CM_CLIENT_NAME_UPN,    /* an enterprise name (RFC 6806 section 5) */
    CM_CLIENT_NAME_MAPPING /* an X.500 name (RFC 4120 section 6.2) */
};

struct cm_client_name {
    enum cm_client_name_kind kind;
    enum cm_form form; /* of a mapping: issuer-serial or SKI */
    char *text;        /* clean text; owned */
    size_t len;
};

/* "left@right", with one "@" and something on each side.  False: it is none,
 * or no memory; out is zeroed. */
bool cm_client_name_upn(const char *bytes, size_t len,
                        struct cm_client_name *out);

/*
 * A value of altSecurityIdentities that names one certificate strongly, as
 * cm_candidates_build() writes it: "X509:<I>issuer<SR>serial" or
 * "X509:<SKI>identifier", without blanks after the colon, hexadecimal digits
 * in lower case.  False: it is none, or no memory; out is zeroed.
 */
bool cm_client_name_mapping(const char *bytes, size_t len,
                            struct cm_client_name *out);

void cm_client_name_clear(struct cm_client_name *name);

/*
 * Whose entry a client is given whose name stands for nobody, so that it
 * looks like one whose name stands for somebody.  Nobody logs in as this.
 */
#define CM_NOBODY_FIRST "WELLKNOWN"
#define CM_NOBODY_SECOND "CERTMAP-NOBODY"
bool cm_principal_is_nobody(const struct cm_principal *principal);

#endif
