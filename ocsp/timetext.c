#include "timetext.h"

#include <stdio.h>
#include <time.h>

enum {
    MINUTE = 60,
    HOUR = 60 * MINUTE,
    LATEST_YEAR = 9999,
    EARLIEST_YEAR = 1583, /* the Gregorian calendar's first whole year */
    EARLIEST_SHOWN = 1000 /* the first one of four digits */
};

/* Reads exactly `digits` decimal digits and moves on; -1: there are fewer. */
static int
read_number(const char **p, int digits)
{
    int value = 0;

    for (int i = 0; i < digits; i++, (*p)++) {
        if (**p < '0' || **p > '9')
            return -1;
        value = value * 10 + (**p - '0');
    }
    return value;
}

/* Numbers of fixed width, each followed by its separator ('\0': none). */
static bool
read_fields(const char **p, const char *separators, const int *digits,
            int *values, int count)
{
    for (int i = 0; i < count; i++) {
        values[i] = read_number(p, digits[i]);
        if (values[i] < 0)
            return false;
        if (separators[i] == '\0')
            continue;
        if (**p != separators[i] &&
            !(separators[i] == 'T' && (**p == 't' || **p == ' ')))
            return false;
        (*p)++;
    }
    return true;
}

/* ".5" and the like: read and dropped. */
static bool
skip_fraction(const char **p)
{
    if (**p != '.')
        return true;
    (*p)++;
    if (**p < '0' || **p > '9')
        return false;
    while (**p >= '0' && **p <= '9')
        (*p)++;
    return true;
}

/* "Z" or "+02:00", and the end of the text. */
static bool
read_offset(const char **p, int64_t *seconds)
{
    static const int digits[] = {2, 2};
    int values[2];
    char sign = **p;

    *seconds = 0;
    if (sign == '\0')
        return false;
    (*p)++;
    if (sign == 'Z' || sign == 'z')
        return **p == '\0';
    if ((sign != '+' && sign != '-') ||
        !read_fields(p, ":", digits, values, 2) || **p != '\0' ||
        values[0] > 23 || values[1] > 59)
        return false;
    *seconds = (int64_t)values[0] * HOUR + (int64_t)values[1] * MINUTE;
    if (sign == '-')
        *seconds = -*seconds;
    return true;
}

bool
cm_time_parse(const char *text, int64_t *out)
{
    static const int digits[] = {4, 2, 2, 2, 2, 2};
    const char *p = text;
    struct tm tm = {0};
    int64_t offset;
    time_t when;
    int v[6];

    if (!read_fields(&p, "--T::", digits, v, 6) || !skip_fraction(&p) ||
        !read_offset(&p, &offset))
        return false;
    if (v[0] < EARLIEST_YEAR || v[1] < 1 || v[1] > 12 || v[3] > 23 ||
        v[4] > 59 || v[5] > 59)
        return false;
    tm.tm_year = v[0] - 1900;
    tm.tm_mon = v[1] - 1;
    tm.tm_mday = v[2];
    tm.tm_hour = v[3];
    tm.tm_min = v[4];
    tm.tm_sec = v[5];
    when = timegm(&tm);
    /* The 30th of February became the 1st of March. */
    if (tm.tm_mday != v[2] || tm.tm_mon != v[1] - 1)
        return false;
    when -= (time_t)offset;
    /* Its own text in UTC must be one that is understood. */
    if (gmtime_r(&when, &tm) == NULL || tm.tm_year + 1900 < EARLIEST_YEAR ||
        tm.tm_year + 1900 > LATEST_YEAR)
        return false;
    *out = (int64_t)when;
    return true;
}

void
cm_time_text(int64_t when, char out[CM_TIME_TEXT])
{
    time_t seconds = (time_t)when;
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL ||
        tm.tm_year + 1900 < EARLIEST_SHOWN ||
        tm.tm_year + 1900 > LATEST_YEAR ||
        strftime(out, CM_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf(out, CM_TIME_TEXT, "-");
}
