/*
 * What the files of `certmap audit` share.
 *
 * The accounts are read once, one at a time, and judged as they come
 * (audit_account.c, audit_value.c).  What only shows between accounts, values
 * and UPNs that several of them have, becomes records of 16 bytes of digest
 * with account and value, sorted outside of memory (sorter.h); equal ones
 * then lie side by side (audit_collisions.c).  Findings are sorted likewise.
 * So memory does not grow with the accounts, at the price of some 250 bytes
 * of disk a value; what is kept in memory are counts and what is known of
 * certificates that logged in lately (audit_known.h).
 */
#ifndef CM_AUDIT_COMMAND_H
#define CM_AUDIT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "account.h"
#include "audit_findings.h"
#include "audit_known.h"
#include "meter.h"
#include "options.h"
#include "schema.h"
#include "sorter.h"
#include "target.h"

enum {
    CM_AUDIT_MAX_ISSUERS = 1024, /* counted each; more are counted together */
    CM_AUDIT_MONTHS = 12,        /* of the expiry chart */
    CM_AUDIT_MAX_NAMES = 64,     /* account names of one account */
    CM_AUDIT_LIMIT_TEXT = 20,    /* findings of a kind that are listed */
    CM_AUDIT_LIMIT_HTML = 200
};

enum cm_audit_ca { CM_AUDIT_CA_NONE, CM_AUDIT_CA_KNOWN, CM_AUDIT_CA_NTAUTH };
/* "unknown", "known", "ntauth". */
const char *cm_audit_ca_token(enum cm_audit_ca ca);

/* A name that values name as issuer, or that a CA of the realm has. */
struct cm_audit_issuer {
    char *name; /* owned; as values write it */
    size_t len;
    uint64_t hash;
    enum cm_audit_ca ca;
    uint64_t strong, weak; /* values */
};

struct cm_audit_counts {
    uint64_t accounts;           /* read */
    uint64_t strong, weak, none; /* of those that could log in or hold a
                                    value: the best mapping they have */
    uint64_t disabled;           /* of those that hold a value */
    uint64_t values;             /* altSecurityIdentities for certificates */
    uint64_t foreign;            /* for something else, such as Kerberos: */
    uint64_t forms[CM_FORM_SID + 1];
    uint64_t certificates;            /* mapped, and known */
    uint64_t expired;                 /* of those */
    uint64_t months[CM_AUDIT_MONTHS]; /* end in this month, the next, ... */
    uint64_t later;
};

struct cm_audit_flags {
    struct cm_target_flags target;
    const char *html;
    const char *severity;
    const char *limit;
};

struct cm_audit {
    struct cm_options options;
    struct cm_audit_flags flags;
    enum cm_audit_severity severity; /* that counts for the exit code */
    bool has_limit;
    uint64_t limit;
    struct cm_target target;
    const struct cm_schema *schema;
    int64_t now;

    struct cm_audit_world world;
    struct cm_audit_certificates seen; /* of the store */
    struct cm_audit_certificates own;  /* of the account at hand */
    struct cm_audit_issuer *issuers;
    size_t issuer_count;
    struct cm_audit_issuer others; /* beyond CM_AUDIT_MAX_ISSUERS */

    struct cm_audit_findings findings;
    struct cm_sorter *shared; /* values and UPNs, by digest */
    struct cm_audit_counts counts;
    struct cm_meter meter;

    bool whole;           /* every account was read */
    struct cm_detail why; /* of what ended the run, or cut the reading short */
};

/* An account as it was read; all lent. */
struct cm_audit_account {
    const char *id; /* DN or principal */
    const struct cm_value *values;
    size_t value_count;
    enum cm_presence upn_state;
    const char *upn;
    /* Names that make implicit UPNs. */
    const char *names[CM_AUDIT_MAX_NAMES];
    size_t name_count;
    bool person; /* could log in */
    bool disabled;
    const char *disabled_why;
    size_t certificate_count; /* in audit->own */
};

/* Each returns false where the run is to end; audit->why says why. */

/* audit_scan.c: reads and judges every account.  audit->whole is false where
 * there are more. */
bool cm_audit_scan(struct cm_audit *audit);
/* Whose account would this entry be?  For tests. */
bool cm_audit_entry(struct cm_audit *audit, const struct cm_entry *entry);

/* audit_account.c */
bool cm_audit_judge(struct cm_audit *audit,
                    const struct cm_audit_account *account);
bool cm_audit_add(struct cm_audit *audit, enum cm_audit_kind kind,
                  const struct cm_audit_account *account,
                  const struct cm_value *value, const char *detail,
                  const char *meant);

/* audit_value.c: one value for itself. */
struct cm_audit_judged {
    bool x509;                     /* it is about a certificate */
    bool formed;                   /* well-formed */
    enum cm_strength strength;     /* that it has in this realm */
    struct cm_audit_digest digest; /* for comparing it with others */
};
bool cm_audit_judge_value(struct cm_audit *audit,
                          const struct cm_audit_account *account,
                          const struct cm_value *value,
                          struct cm_audit_judged *out);

/* audit_meant.c: what a value that matches nothing known was probably meant to
 * be.  *kind: CM_AUDIT_REVERSED or CM_AUDIT_SPELLING; *meant: owned by the
 * caller; NULL: nothing better is known. */
bool cm_audit_meant(struct cm_audit *audit, const struct cm_altsecid *parsed,
                    enum cm_audit_kind *kind, char **meant);

/* audit_issuers.c */
/* The realm's CAs. */
bool cm_audit_issuers_load(struct cm_audit *audit);
void cm_audit_issuers_clear(struct cm_audit *audit);
/* The row of a name.  NULL: there is none (`add`: no memory). */
struct cm_audit_issuer *cm_audit_issuer(struct cm_audit *audit,
                                        const char *name, size_t len,
                                        bool add);

/* audit_collisions.c */
bool cm_audit_note_value(struct cm_audit *audit, const char *id,
                         const struct cm_audit_digest *digest,
                         const struct cm_value *value);
bool cm_audit_note_upn(struct cm_audit *audit, const char *id, const char *upn,
                       bool implicit);
bool cm_audit_collide(struct cm_audit *audit);

/* audit_months.c: how many months after `now` is `when`?  Calendar months of
 * UTC; below 0: before this one. */
int cm_audit_month(int64_t now, int64_t when);
/* "2026-11", that many months after now. */
enum { CM_AUDIT_MONTH_TEXT = 16 };
void cm_audit_month_text(int64_t now, int months,
                         char out[CM_AUDIT_MONTH_TEXT]);

/* audit_output.c: everything, for people or as JSON, and the page. */
bool cm_audit_tell(struct cm_audit *audit);

/* audit_html.c: the page, in parts. */
void cm_audit_html_begin(const struct cm_audit *audit, FILE *page);
/* first: of its kind. */
void cm_audit_html_finding(const struct cm_audit *audit, FILE *page,
                           const struct cm_audit_finding *one, bool first);
/* Ends a kind; more: findings that are not listed. */
void cm_audit_html_more(FILE *page, uint64_t more);
void cm_audit_html_end(FILE *page);

/* audit_chart.c */
/* Text that came from outside, for HTML. */
void cm_audit_html_text(FILE *page, const char *text);
void cm_audit_charts(const struct cm_audit *audit, FILE *page);

#endif
