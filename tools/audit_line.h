/*
 * The audit line, read back: what cm_audit_line() of plugin/audit.h writes.
 *
 * Values from outside stay as they are in the line, escaped: there they are
 * printable, hold no quotation mark and are safe to compare and to show.
 */
#ifndef CM_AUDIT_LINE_H
#define CM_AUDIT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed from the line.  NULL: the line says "-". */
struct cm_span {
    const char *text;
    size_t len;
};

struct cm_audit_fields {
    bool authorized; /* or refused */
    struct cm_span reason, realm, mode, principal, account, mapping, strength,
        choices, warnings, serial, issuer, detail;
    struct cm_span ref; /* older lines have none */
    bool has_certificate;
    uint8_t sha256[32]; /* valid if has_certificate */
    int64_t not_after;
};

enum cm_audit_kind {
    CM_AUDIT_OTHER, /* not an audit line at all */
    CM_AUDIT_DAMAGED /* begins as one, but is cut or does not follow */,
    CM_AUDIT_WHOLE
};

/*
 * message is what the KDC logged, without the log's own prefix.  Strict: each
 * field once, in the grammar of certmap.5; fields that we do not know are
 * passed over, those that we need (all but ref) must be there, the last
 * (detail) too, so that a cut line is noticed.  Only CM_AUDIT_WHOLE fills out.
 */
enum cm_audit_kind cm_audit_parse(const char *message, size_t len,
                                  struct cm_audit_fields *out);

bool cm_span_is(struct cm_span span, const char *text);

/* The next item of a list joined by commas, cut off its front.  False: there
 * is none. */
bool cm_span_next(struct cm_span *list, struct cm_span *item);

/* Is the item in a list joined by commas? */
bool cm_span_lists(struct cm_span list, const char *item);

/* The value as it was before it was escaped.  The caller frees it.  NULL: no
 * memory, or it is no clean text (text.h). */
char *cm_audit_unescape(const char *escaped);

#endif
