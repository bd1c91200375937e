/*
 * The rows G of the mapping cases: grammar, parser and candidate builder,
 * without a KDC.  Three tables: what a certificate yields, what it matches,
 * and what a directory value is.
 *
 * Certificates of real products are made again with the same fields.  Not in
 * a table: G03, G04, G47 and G48, which are tests of their own; G49, escaping
 * in LDAP filters, which belongs to ldap/.  That a malformed value does not
 * hide a good one beside it (G36) is row E21.
 */
#ifndef CASES_GRAMMAR_H
#define CASES_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>

#include "altsecid.h"

/* Fields of the fixture's certificate A; a row says where it differs. */
#define CA1 "DC=com,DC=example,CN=CA1"
#define ALICE "DC=com,DC=example,OU=Users,CN=Alice"
#define SERIAL "2B0000000011AC0000000012"
#define ALICE_SKI "0102030405060708090a0b0c0d0e0f1011121314"

struct fields {
    const char *issuer, *subject, *serial, *ski, *san; /* NULL: as in A */
};

/* The fixture's own. */
#define CERT_A .issuer = CA1
/* Microsoft's published certificate. */
#define CONTOSO                                                               \
    .issuer = "CN=Contoso",                                                   \
    .subject = "DC=com,DC=contoso,DC=corp,OU=UserAccounts,CN=Contoso User",   \
    .serial = "1E8C974144BF86964423FA6464082D8A",                             \
    .ski = "C6F4E96CAAD84640361F9FB5F74F6308247CB8B4",                        \
    .san = "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:contoso@microsoft.com"

/* What a certificate yields. */
struct yield_row {
    const char *id;
    struct fields cert;
    enum cm_form form;
    const char *value; /* NULL: nothing of that form */
};

/* Whether any of what it yields is the directory's value. */
struct match_row {
    const char *id;
    struct fields cert;
    const char *value;
    bool matches;
};

/* What a directory value is. */
enum kind { FOREIGN, MALFORMED, FORM };

struct value_row {
    const char *id, *value;
    enum kind kind;
    enum cm_form form;
};

/* Each ends with a row whose id is NULL. */
extern struct yield_row yield_rows[];
extern struct match_row match_rows[];
extern struct value_row value_rows[];

#endif
