/*
 * Calendar months of UTC.
 */
#include <time.h>

#include "audit_command.h"

/* Months since the year 1900; negative before. */
static long
months_of(int64_t when)
{
    time_t seconds = (time_t)when;
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL)
        return 0;
    return tm.tm_year * 12L + tm.tm_mon;
}

int
cm_audit_month(int64_t now, int64_t when)
{
    long months = months_of(when) - months_of(now);

    if (months > 12000)
        return 12000;
    return months < -12000 ? -12000 : (int)months;
}

void
cm_audit_month_text(int64_t now, int months, char out[CM_AUDIT_MONTH_TEXT])
{
    long month = months_of(now) + months;

    (void)snprintf(out, CM_AUDIT_MONTH_TEXT, "%04ld-%02ld",
                   (1900 + month / 12) % 10000, month % 12 + 1);
}
