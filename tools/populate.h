/*
 * What the files of `certmap populate` share.
 *
 * Nothing is held in memory but one account at a time.  The source becomes
 * rows (a key that names an account, and what a certificate yields), and so
 * does the directory, which is swept once (the same key, and what the account
 * holds).  Both are sorted outside of memory and joined key by key: a key of
 * two accounts is ambiguous, a key of none is nobody's.  Every value that is
 * held or to be added becomes a third kind of row; sorted by their digests,
 * equal ones lie side by side, so that a value which another account holds is
 * seen whatever the number of accounts.  What remains is the plan.
 */
#ifndef CM_POPULATE_H
#define CM_POPULATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "altsecid.h"
#include "change.h"
#include "keyless.h"
#include "options.h"
#include "meter.h"
#include "schema.h"
#include "sorter.h"
#include "target.h"

enum {
    CM_POPULATE_FIRST = 10, /* changes and problems that are shown */
    CM_POPULATE_MAX_LDIF_RECORD = 4 * 1024 * 1024,
    CM_POPULATE_MAX_FIELD = 4096 /* bytes of a key */
};

enum cm_populate_source {
    CM_FROM_NONE,
    CM_FROM_FOLDER,
    CM_FROM_CSV,
    CM_FROM_LDIF,
    CM_FROM_DIRECTORY
};

/* What a key is. */
enum cm_match {
    CM_MATCH_NONE,
    CM_MATCH_PRINCIPAL, /* a CSV's */
    CM_MATCH_DN,        /* a CSV's or LDIF's, or the directory's own */
    CM_MATCH_UPN,
    CM_MATCH_MAIL,
    CM_MATCH_ATTRIBUTE
};

/* Of a certificate, for CM_MATCH_ATTRIBUTE. */
enum cm_match_field {
    CM_FIELD_UPN,
    CM_FIELD_UPN_NAME, /* what stands before its "@" */
    CM_FIELD_MAIL,
    CM_FIELD_CN, /* of the subject, as the next two */
    CM_FIELD_UID,
    CM_FIELD_SERIAL_NUMBER
};

struct cm_match_rule {
    enum cm_match kind;
    char *attribute; /* owned; CM_MATCH_ATTRIBUTE, and mail */
    enum cm_match_field field;
};

/* "upn", "mail", or ATTRIBUTE=FIELD.  False: detail says what is allowed. */
bool cm_match_parse(const char *text, struct cm_match_rule *out,
                    struct cm_detail *detail);
void cm_match_clear(struct cm_match_rule *rule);

/*
 * The key of a certificate.  NULL: *why says why there is none, or no memory
 * (*why is NULL).  The caller frees it.
 */
char *cm_match_key(const struct cm_match_rule *rule,
                   const struct cm_certificate *cert, const char **why);

/* A text as keys compare it: ASCII letters in lower case.  NULL: no memory. */
char *cm_key_fold(const char *text, size_t len);
/* A DN as keys compare it.  NULL: not a DN, or no memory. */
char *cm_key_dn(const char *dn);

/* Why something was not written. */
enum cm_problem {
    CM_PROBLEM_UNREADABLE,     /* a file, record or certificate */
    CM_PROBLEM_EXPIRED,        /* the certificate */
    CM_PROBLEM_CA,             /* it is a CA's */
    CM_PROBLEM_UNKNOWN_ISSUER, /* --prune-unknown-issuer */
    CM_PROBLEM_NO_VALUE,       /* of the form that was asked for */
    CM_PROBLEM_NO_KEY,         /* nothing to match it by, or two things */
    CM_PROBLEM_NOBODY,         /* no account has its key */
    CM_PROBLEM_SEVERAL,        /* more than one has */
    CM_PROBLEM_SHARED,         /* another account holds the value */
    CM_PROBLEM_CONFLICT,       /* the entry was changed meanwhile */
    CM_PROBLEM_REFUSED,        /* by the directory */
    CM_PROBLEM_UNKNOWN,        /* the connection was lost */
    CM_PROBLEM_COUNT
};
const char *cm_problem_token(enum cm_problem problem);

struct cm_populate_flags {
    struct cm_target_flags target;
    enum cm_populate_source source;
    const char *path; /* of the source; NULL for the directory */
    const char *match;
    const char *form;
    const char *undo;
    const char *report;
    bool apply;
    bool ldif; /* -n */
    bool replace_weak;
    bool prune_expired;
    bool prune_unknown_issuer;
    bool shared;
    bool no_transactions;
};

struct cm_populate {
    struct cm_options options;
    struct cm_populate_flags flags;
    struct cm_target target;
    const struct cm_schema *schema;
    struct cm_keyless keyless;
    struct cm_match_rule match;
    enum cm_form form;
    int64_t now;
    struct cm_text_list issuers; /* that the realm knows */

    struct cm_sorter *wishes;   /* by key: what certificates yield */
    struct cm_sorter *accounts; /* by key: what accounts hold */
    struct cm_sorter *values;   /* by digest: held, or to be added */
    struct cm_sorter *shared;   /* by number of the change: withheld */
    FILE *draft;                /* changes, as they were joined */
    FILE *plan;                 /* those that are to be written */
    FILE *problems;             /* JSON, one a line */
    struct cm_meter meter;

    uint64_t certificates; /* read */
    uint64_t swept;        /* accounts */
    uint64_t unchanged;    /* accounts that need nothing */
    uint64_t drafted;      /* changes */
    uint64_t planned;      /* of those: not withheld */
    uint64_t added;        /* values, planned */
    uint64_t removed;
    uint64_t tried;   /* changes given to the writer */
    uint64_t written; /* changes */
    uint64_t counts[CM_PROBLEM_COUNT];
    char *undo; /* its path, once it was written */
    bool interrupted;
    bool transactions;

    struct cm_detail why; /* of what ended the run */
};

/* Each returns false where the run is to end; populate->why says why. */

/* populate_report.c: notes what was not written.  account may be NULL. */
bool cm_populate_note(struct cm_populate *populate, enum cm_problem problem,
                      const char *what, const char *account,
                      const char *detail);
uint64_t cm_populate_problems(const struct cm_populate *populate);
/* The plan (or what was done), for people or as JSON. */
bool cm_populate_summary(struct cm_populate *populate);
/* The whole report as JSON, every problem included. */
bool cm_populate_report(struct cm_populate *populate, FILE *out);

/* populate_source.c: rows of the source, but for the directory. */
bool cm_populate_read_source(struct cm_populate *populate);
/* populate_certificate.c: the row of one certificate; key NULL: by
 * populate->match. */
bool cm_populate_certificate(struct cm_populate *populate, const char *what,
                             const uint8_t *der, size_t len, const char *key);
/* Names of the attribute, NULL-terminated: Active Directory knows it without
 * ";binary" only. */
extern const char *const cm_populate_certificate_names[];
/* The rows of an entry's certificates, each once. */
bool cm_populate_entry_certificates(struct cm_populate *populate,
                                    const struct cm_entry *entry,
                                    const char *key);
/* populate_ldif.c: visits the entries of an LDIF file, one by one. */
bool cm_populate_each_record(struct cm_populate *populate, const char *path,
                             const char *const *attributes,
                             bool (*visit)(struct cm_populate *populate,
                                           const struct cm_entry *entry));
/* populate_accounts.c: rows of the directory. */
bool cm_populate_read_accounts(struct cm_populate *populate);
/* Notes that the account holds, or shall hold, a value. */
bool cm_populate_add_value(struct cm_populate *populate, const char *dn,
                           const char *value, size_t len, bool held,
                           uint64_t change);
/* populate_join.c: the draft. */
bool cm_populate_join(struct cm_populate *populate);
/* populate_plan.c: the plan, without what others hold. */
bool cm_populate_plan(struct cm_populate *populate);
/* Visits the changes of a plan. */
bool cm_populate_each_change(struct cm_populate *populate, FILE *plan,
                             bool (*visit)(struct cm_populate *populate,
                                           struct cm_change *change,
                                           void *context),
                             void *context);
/* populate_undo.c: writes and syncs the undo file. */
bool cm_populate_write_undo(struct cm_populate *populate);
/* populate_apply.c */
bool cm_populate_apply(struct cm_populate *populate);

#endif
