/*
 * One principal of the KDC's database, as `certmap check` looks at it.
 */
#ifndef CM_KDB_ROW_H
#define CM_KDB_ROW_H

#include <stdbool.h>

#include "schema.h"

struct cm_kdb_row {
    const char *principal; /* text */
    bool requires_preauth;
    bool disabled;       /* no tickets for it: -allow_tix */
    bool has_mapping;    /* an altSecurityIdentities string */
    bool has_cert_match; /* a pkinit_cert_match string, for stock PKINIT */
    /* The strings that make an account (kdb_entry.h), lent for the call; empty
     * where they cannot be read. */
    const struct cm_entry *strings;
};

#endif
