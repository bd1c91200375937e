/*
 * The decision's cases as data: what the certificate says, what the account
 * holds, what the administrator chose, and what must come of it.
 *
 * A row states only how it differs from the fixture below.  Everything a row
 * leaves out is the fixture's.
 *
 *   realm   EXAMPLE.COM, DNS name example.com, accounts of schema ad
 *   domain  SID S-1-5-21-11-22-33; every account made 2024-01-01T00:00:00Z
 *   alice   userPrincipalName alice@example.com     RID 1101
 *   bob     no userPrincipalName                    RID 1102
 *   carol   userPrincipalName carol@alt.example     RID 1103
 *   boss, admin   no userPrincipalName              RIDs 1104, 1105
 *   WS1$, WS2$, DC1$   computers                    RIDs 1201, 1202, 1000
 *
 *   cert A  issued by CA1 (DC=com,DC=example,CN=CA1) on 2024-02-01 to
 *           DC=com,DC=example,OU=Users,CN=Alice, with the UPN
 *           alice@example.com and a key identifier that the CA made up
 */
#ifndef CM_CASES_H
#define CM_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "altsecid.h"
#include "decide.h"
#include "policy.h"
#include "reason.h"

enum {
    CASE_MAX_MAPS = 4,
    CASE_MAX_ACCOUNTS = 3,
    CASE_MAX_TUPLES = 2,
    CASE_MAX_SUFFIXES = 2,
    CASE_MAX_ROWS = 400
};

/* For a text member: the fixture's value is taken away, or spoilt. */
#define CASE_ABSENT ""
#define CASE_FAULTY "?"

/*
 * Mapping values.  In braces stands what the fixture computes from the
 * row's own certificate, with OpenSSL alone:
 * {sha1} {sha256} thumbprints, {ski} the extension, {spki-sha1} SHA-1 of
 * SubjectPublicKeyInfo, {key-sha1} SHA-1 of the key bits (RFC 5280 method 1),
 * {nul} a NUL byte, {64k} 65,536 times "<", {ca1} {ca1-sha256} thumbprints of
 * the first CA named CA1.
 */
#define MAP_CA1 "DC=com,DC=example,CN=CA1"
#define MAP_CA2 "O=Other,CN=CA2"
#define MAP_ALICE_DN "DC=com,DC=example,OU=Users,CN=Alice"
#define MAP_ISR "X509:<I>" MAP_CA1 "<SR>1200000000AC11000000002B"
#define MAP_ISR_OTHER "X509:<I>" MAP_CA1 "<SR>1300000000AC11000000002B"
#define MAP_IS "X509:<I>" MAP_CA1 "<S>" MAP_ALICE_DN
#define MAP_SO "X509:<S>" MAP_ALICE_DN
#define MAP_SKI "X509:<SKI>{ski}"
#define MAP_SHA1 "X509:<SHA1-PUKEY>{sha1}"
#define MAP_MAIL(mail) "X509:<RFC822>" mail

/* Subject alternative names, in OpenSSL's configuration syntax. */
#define SAN_UPN(upn) "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:" upn
#define SAN_MAIL(mail) "email:" mail
#define SAN_DNS(name) "DNS:" name

/* SIDs of the fixture's domain, by RID. */
#define SID_OF(rid) "S-1-5-21-11-22-33-" rid

enum case_issuer { CASE_CA1, CASE_CA2, CASE_CA1_NAMESAKE };

/* How the certificate differs from certificate A. */
struct case_cert {
    const char *san;     /* CASE_ABSENT: no names at all */
    const char *san_hex; /* the extension's content, instead of san */
    const char *sid;     /* text in the SID extension; NULL: none */
    const char *sid_hex; /* the extension's content, instead of sid */
    bool sid_critical;
    const char *ski; /* "hash", hex, or CASE_ABSENT */
    const char *serial;
    const char *subject;
    const char *not_before; /* "20240201000000Z" */
    const char *policies;
    enum case_issuer issuer;
};

/* How an account differs from the fixture's, or a further account. */
struct case_account {
    const char *who;
    const char *maps[CASE_MAX_MAPS];
    size_t filler; /* values of other certificates before them */
    const char *upn;
    const char *sid;
    const char *created; /* decimal seconds since 1970 */
    bool computer;
    bool no_sids; /* the schema has no objectSid */
    bool disabled;
    bool named; /* found for the principal, whatever its name */
};

#define HOLDS(name, ...)                                                      \
    {                                                                         \
        .who = (name), .maps = { __VA_ARGS__ }                                \
    }

struct case_settings {
    enum cm_enforcement mode;
    bool any_mode;    /* the row holds in all three */
    unsigned accept;  /* CM_ACCEPT bits beside the default */
    unsigned without; /* CM_ACCEPT bits of the default left out */
    bool no_san;      /* use_subject_alt_name = false */
    bool sid_refuse;  /* sid_mismatch = refuse */
    bool ski_trust;   /* ski_trust_extension = true */
    int64_t backdating;
    const char *tuples[CASE_MAX_TUPLES]; /* name_strong */
    const char *upn_suffixes[CASE_MAX_SUFFIXES];
};

#define FULL CM_ENFORCE_FULL
#define COMPAT CM_ENFORCE_COMPATIBILITY
#define DISABLED CM_ENFORCE_DISABLED

/* What must come of it.  A row without one fails. */
struct case_expect {
    bool given;
    enum cm_reason reason;
    int number; /* what the client receives */

    /* Where accepted. */
    enum cm_form form; /* CM_FORM_NONE: several of one strength match */
    enum cm_strength strength;
    unsigned warnings;
};

#define ACCEPTED(by, as, warn)                                                \
    {                                                                         \
        .given = true, .reason = CM_OK, .form = (by), .strength = (as),       \
        .warnings = (warn)                                                    \
    }
#define STRONG_BY(by) ACCEPTED(by, CM_STRENGTH_STRONG, 0)
#define STRONG_WARN(by, warn) ACCEPTED(by, CM_STRENGTH_STRONG, warn)
#define WEAK_BY(by) ACCEPTED(by, CM_STRENGTH_WEAK, CM_WARN_WEAK)
#define WEAK_WARN(by, warn)                                                   \
    ACCEPTED(by, CM_STRENGTH_WEAK, CM_WARN_WEAK | (warn))
#define REFUSED(client_sees, why)                                             \
    {                                                                         \
        .given = true, .reason = (why), .number = (client_sees)               \
    }

struct case_row {
    const char *name; /* "E01 strong by issuer and serial" */
    struct case_cert cert;
    struct case_account accounts[CASE_MAX_ACCOUNTS];
    struct case_settings set;
    const char *cname; /* the principal; NULL: alice */
    struct case_expect expect;
};

struct case_table {
    const struct case_row *rows;
    size_t count;
};

extern const struct case_table cases_explicit;
extern const struct case_table cases_names;
extern const struct case_table cases_sid;
extern const struct case_table cases_backdating;
extern const struct case_table cases_tuples;
extern const struct case_table cases_schema;
extern const struct case_table cases_accounts;
extern const struct case_table cases_settings;

/* A cmocka test: decodes and decides the row behind *state, which is the
 * address of a pointer to it, with the values and the accounts in both
 * orders. */
void case_run(void **state);

/* Frees what case_run() keeps between rows. */
int case_teardown(void **state);

#endif
