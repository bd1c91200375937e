/*
 * What `certmap audit` can find, and where it is kept.
 *
 * A finding is a record of a sorter (sorter.h), so that memory does not grow
 * with their number; they come back by severity, then kind, then in the order
 * in which they were found.
 */
#ifndef CM_AUDIT_FINDINGS_H
#define CM_AUDIT_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detail.h"
#include "sorter.h"

/* identifier, severity, token, meaning */
#define CM_AUDIT_FINDINGS(X)                                                  \
    X(REVERSED, ERROR, "reversed-order",                                      \
      "a serial number or name stands in the wrong order and never matches")  \
    X(SPELLING, ERROR, "other-spelling",                                      \
      "a name or hash is written otherwise than a KDC compares it")           \
    X(MALFORMED, ERROR, "malformed", "the value can never match")             \
    X(REVOKED, ERROR, "revoked", "every certificate of the value is revoked") \
    X(SKI_NOT_KEY, ERROR, "ski-not-key",                                      \
      "the key identifier is no hash of the certificate's key")               \
    X(UPN_CONFLICT, ERROR, "upn-conflict",                                    \
      "a UPN is one account's own and follows from another's name: refused "  \
      "for both")                                                             \
    X(UPN_DOUBLED, ERROR, "upn-doubled",                                      \
      "a UPN is that of several accounts: refused for all")                   \
    X(UNREADABLE, ERROR, "unreadable", "the account cannot be judged")        \
    X(WEAK_ONLY, WARNING, "weak-only",                                        \
      "no strong mapping: refused under full enforcement")                    \
    X(SHARED, WARNING, "shared", "several accounts hold the value")           \
    X(DUPLICATE, WARNING, "duplicate",                                        \
      "the account holds the value more than once")                           \
    X(EXPIRED, WARNING, "expired",                                            \
      "every certificate of the value has expired")                           \
    X(UNKNOWN_ISSUER, WARNING, "unknown-issuer",                              \
      "the realm knows no CA of that name")                                   \
    X(NOT_NTAUTH, WARNING, "issuer-not-ntauth",                               \
      "the CA may not issue logon certificates")                              \
    X(NOT_ACCEPTED, WARNING, "not-accepted",                                  \
      "the realm's mappings do not accept the form")                          \
    X(UPN_FAULTY, WARNING, "upn-faulty",                                      \
      "the account's own UPN cannot be read, or there are two")               \
    X(NO_MAPPING, NOTE, "no-mapping",                                         \
      "no mapping value: no card, or one that maps by name")                  \
    X(CERTIFICATE_UNKNOWN, NOTE, "certificate-unknown",                       \
      "the value is about none of the account's certificates")                \
    X(DISABLED, NOTE, "disabled", "a disabled account holds mapping values")

#define CM_AUDIT_IDENTIFIER(id, severity, token, meaning) CM_AUDIT_##id,
enum cm_audit_kind { CM_AUDIT_FINDINGS(CM_AUDIT_IDENTIFIER) CM_AUDIT_KINDS };
#undef CM_AUDIT_IDENTIFIER

enum cm_audit_severity {
    CM_AUDIT_IS_ERROR,
    CM_AUDIT_IS_WARNING,
    CM_AUDIT_IS_NOTE
};

enum { CM_AUDIT_MAX_TEXT = 4096 /* bytes of one text of a finding */ };

const char *cm_audit_token(enum cm_audit_kind kind);
const char *cm_audit_meaning(enum cm_audit_kind kind);
enum cm_audit_severity cm_audit_severity(enum cm_audit_kind kind);
/* "error", "warning", "note". */
const char *cm_audit_severity_token(enum cm_audit_severity severity);
bool cm_audit_severity_parse(const char *text, enum cm_audit_severity *out);

/* Texts are clean (text.h) when they come back; those that were not are
 * escaped, and long ones are cut. */
struct cm_audit_finding {
    enum cm_audit_kind kind;
    const char *account; /* DN or principal */
    const char *value;   /* NULL: not about one value */
    size_t value_len;    /* only when it is added */
    const char *detail;  /* NULL: the kind says it all */
    const char *meant;   /* the value that was probably meant, or NULL */
};

struct cm_audit_findings {
    struct cm_sorter *sorter;
    uint64_t counts[CM_AUDIT_KINDS];
    uint64_t number; /* of the next one */
};

/* False: detail says why. */
bool cm_audit_findings_open(struct cm_audit_findings *findings,
                            struct cm_detail *why);
void cm_audit_findings_close(struct cm_audit_findings *findings);

bool cm_audit_findings_add(struct cm_audit_findings *findings,
                           const struct cm_audit_finding *finding,
                           struct cm_detail *why);

/* Findings as severe as that, or more. */
uint64_t cm_audit_findings_count(const struct cm_audit_findings *findings,
                                 enum cm_audit_severity least);

/* Visits them, once; nothing can be added after.  The texts are lent.  False:
 * visit returned false, or detail says why. */
bool cm_audit_findings_each(struct cm_audit_findings *findings,
                            bool (*visit)(void *context,
                                          const struct cm_audit_finding *one),
                            void *context, struct cm_detail *why);

#endif
