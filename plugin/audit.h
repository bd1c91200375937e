/*
 * The audit line: one for each certificate that reaches us.
 */
#ifndef CM_AUDIT_H
#define CM_AUDIT_H

#include "authorize.h"

enum {
    CM_AUDIT_MAX_FIELD = 200, /* bytes of one escaped value */
    CM_AUDIT_MAX_LINE = 1900  /* krb5kdc cuts a log message at 2048 bytes */
};

/*
 * "certmap: authorized reason=ok realm=... principal=\"...\" ..." or
 * "certmap: refused reason=...".  Fields are key=value; values from outside
 * are quoted and escaped; every line fits CM_AUDIT_MAX_LINE.  The fields and
 * their order are in certmap.5.
 *
 * requested is the name that the client typed (NULL: not known).  settings
 * may be NULL (no configuration).  The caller frees the line; NULL: no
 * memory.
 */
char *cm_audit_line(const struct cm_settings *settings,
                    const struct cm_login *login, const char *requested,
                    const struct cm_outcome *outcome);

/*
 * The same where the KDC's own PKINIT refused and we were not asked:
 * "certmap: refused reason=pkinit code=70 realm=...".  code is its answer: the
 * number of RFC 4120 or RFC 4556, where it is one.
 */
char *cm_audit_stock_line(const struct cm_settings *settings,
                          const struct cm_login *login, const char *requested,
                          const struct cm_outcome *outcome, long code);

#endif
