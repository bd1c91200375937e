/*
 * What both entry points tell the KDC, and write down.
 */
#ifndef CM_KDCPREAUTH_ANSWER_H
#define CM_KDCPREAUTH_ANSWER_H

#include <krb5.h>

#include "evidence.h"
#include "log.h"

/* com_err() is the one way into the KDC's log that is open to modules.  On
 * the main thread only. */
extern const struct cm_log cm_kdc_log;

/* The code of a refusal. */
krb5_error_code cm_refusal_code(const struct cm_settings *settings,
                                enum cm_reason reason);

/*
 * The code of a refusal, with its text set in the context.  Only codes that
 * the KDC passes on stand in reason.h; the text reaches its log, never the
 * client.  settings may be NULL.
 */
krb5_error_code cm_refusal(krb5_context context,
                           const struct cm_settings *settings,
                           enum cm_reason reason);

/* The refresher keeps fresh what is known about cards that logged in; and a
 * new card, about which nothing is known yet, would never log in if nobody
 * asked about it.  Either leads to a CA of the NTAuth list.  On any thread. */
void cm_note_seen(const struct cm_services *services,
                  const struct cm_outcome *outcome);

/* Writes a finished audit line and frees it.  False: it is NULL (no memory):
 * a login that leaves no trace is not let through. */
bool cm_write_audit(char *line);

#endif
