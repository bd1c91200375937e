#include "instant.h"

#include <time.h>

enum {
    SECONDS_PER_DAY = 24 * 60 * 60,
    /* Year 0 of struct tm, and one cycle of the calendar more: January of the
     * year 0 is then no negative number of years. */
    TM_YEAR = 1900 + 400,
    DAYS_TO_1970 = 719468 + 146097 /* since 1 March of year -400 */
};

static bool
has_right_length(const ASN1_TIME *time)
{
    int len = ASN1_STRING_length(time);

    switch (ASN1_STRING_type(time)) {
    case V_ASN1_UTCTIME:
        return len == CM_INSTANT_UTC_LENGTH;
    case V_ASN1_GENERALIZEDTIME:
        return len == CM_INSTANT_GENERALIZED_LENGTH;
    default:
        return false;
    }
}

/* Days from 1970-01-01 to a date of the Gregorian calendar.  The year is
 * counted from March, so that its leap day is its last. */
static int64_t
days_since_1970(const struct tm *tm)
{
    int64_t month = (tm->tm_mon + 10) % 12;
    int64_t year = (int64_t)tm->tm_year + TM_YEAR - (month >= 10 ? 1 : 0);

    return year * 365 + year / 4 - year / 100 + year / 400 +
           (month * 306 + 5) / 10 + tm->tm_mday - 1 - DAYS_TO_1970;
}

bool
cm_instant_read(const ASN1_TIME *time, int64_t *out)
{
    struct tm tm;

    if (time == NULL || !has_right_length(time) ||
        ASN1_TIME_to_tm(time, &tm) != 1)
        return false;
    *out = days_since_1970(&tm) * SECONDS_PER_DAY +
           (int64_t)tm.tm_hour * 3600 + (int64_t)tm.tm_min * 60 + tm.tm_sec;
    return true;
}
