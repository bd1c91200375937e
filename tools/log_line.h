/*
 * Lines of the KDC's log: what stands before the message, and when it was.
 *
 * Understood are
 *
 *     Feb 01 12:00:00 kdc1 krb5kdc[17](info): MESSAGE     a FILE: of [logging]
 *     Feb  1 12:00:00 kdc1 krb5kdc[17]: MESSAGE           syslog
 *     2024-02-01T12:00:00.1+01:00 kdc1 krb5kdc[17]: MESSAGE
 *     1706788800.123456 kdc1 krb5kdc[17]: MESSAGE         journalctl
 *     MESSAGE                                             journalctl -o cat
 *
 * The message begins there and nowhere else: names that clients choose stand
 * in other messages of the same log.
 */
#ifndef CM_LOG_LINE_H
#define CM_LOG_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "audit_line.h"

#define CM_LOG_NO_TIME INT64_MIN

/*
 * Dates without a year: the line is of the latest year in which it is not
 * later than `latest` and a day.  Start with {.latest = ...}; the rest
 * remembers the last hour that was looked up.
 */
struct cm_log_clock {
    int64_t latest;
    int month, day, hour;
    bool known;
    int64_t base; /* of that hour */
};

/* False: the line is no message of krb5kdc.  *when is CM_LOG_NO_TIME where
 * the line says nothing.  *message is borrowed from the line. */
bool cm_log_line(struct cm_log_clock *clock, const char *line, size_t len,
                 struct cm_span *message, int64_t *when);

#endif
