/*
 * The table of NIST PKITS: 249 sub-tests, each with its certificates, CRLs and
 * policy inputs.
 */
#ifndef PKITS_H
#define PKITS_H

#include <stdbool.h>
#include <stddef.h>

#include "conformance.h"
#include "path.h"

enum {
    PKITS_ROWS = 249,
    PKITS_LINE_SIZE = 4096,
    PKITS_AT = 1420070400 /* 2015-01-01T00:00:00Z */
};

enum pkits_column {
    PKITS_TEST,
    PKITS_SUBTEST,
    PKITS_TITLE,
    PKITS_EXPECTED,
    PKITS_CERTS,
    PKITS_CRLS,
    PKITS_POLICIES,
    PKITS_EXPLICIT,
    PKITS_INHIBIT_MAPPING,
    PKITS_INHIBIT_ANY,
    PKITS_VALID_POLICIES,
    PKITS_COLUMNS
};

struct pkits_row {
    char line[PKITS_LINE_SIZE];
    char *columns[PKITS_COLUMNS];
    X509 *certs[CM_PATH_MAX_LENGTH]; /* anchor first, as in the table */
    size_t count;
    struct cm_text_list initial;
    struct cm_path_rules rules;
};

/* Calls check for every row of the table; returns for how many it said
 * false. */
unsigned pkits_each(const char *folder,
                    bool (*check)(const struct pkits_row *row));

/* The row's anchor, and all between it and the leaf. */
struct cm_snapshot *pkits_snapshot(const struct pkits_row *row);

/* The OIDs of NIST's names for its policies, without anyPolicy; takes names
 * apart. */
void pkits_policies(char *names, struct cm_text_list *out);

#endif
