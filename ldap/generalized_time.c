#include "field.h"

enum { SECONDS_OF_DAY = 86400 };

/* What is left of the text. */
struct reader {
    const char *text;
    size_t len;
};

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads exactly `digits` digits, not above max. */
static bool
read_number(struct reader *in, size_t digits, int max, int *out)
{
    int value = 0;

    if (in->len < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (!is_digit(in->text[i]))
            return false;
        value = 10 * value + (in->text[i] - '0');
    }
    in->text += digits;
    in->len -= digits;
    *out = value;
    return value <= max;
}

static bool
is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar. */
static int64_t
days_since_epoch(int year, int month, int day)
{
    /* Leap days of the years before `year`; year 0 is one. */
    int64_t leaps =
        year == 0 ? 0
                  : 1 + (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    int64_t days = 365 * (int64_t)year + leaps - 719528;

    for (int m = 1; m < month; m++)
        days += days_in_month(year, m);
    return days + day - 1;
}

static bool
read_date(struct reader *in, int64_t *days)
{
    int year, month, day;

    if (!read_number(in, 4, 9999, &year) || !read_number(in, 2, 12, &month) ||
        month == 0 || !read_number(in, 2, days_in_month(year, month), &day) ||
        day == 0)
        return false;
    *days = days_since_epoch(year, month, day);
    return true;
}

/* A comma or full stop and digits, or nothing. */
static bool
skip_fraction(struct reader *in)
{
    size_t n = 1;

    if (in->len == 0 || (in->text[0] != '.' && in->text[0] != ','))
        return true;
    while (n < in->len && is_digit(in->text[n]))
        n++;
    in->text += n;
    in->len -= n;
    return n > 1;
}

static bool
read_zone(struct reader *in, int64_t *offset)
{
    int hours, minutes = 0;
    char sign;

    if (in->len == 0)
        return false;
    sign = in->text[0];
    in->text++;
    in->len--;
    *offset = 0;
    if (sign == 'Z')
        return in->len == 0;
    if ((sign != '+' && sign != '-') || !read_number(in, 2, 23, &hours))
        return false;
    if (in->len > 0 && !read_number(in, 2, 59, &minutes))
        return false;
    *offset = (sign == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
    return in->len == 0;
}

bool
cm_generalized_time_parse(const char *text, size_t len, int64_t *out)
{
    struct reader in = {text, len};
    int64_t days, offset;
    int hour, minute, second;

    if (!read_date(&in, &days) || !read_number(&in, 2, 23, &hour) ||
        !read_number(&in, 2, 59, &minute) ||
        !read_number(&in, 2, 59, &second) || !skip_fraction(&in) ||
        !read_zone(&in, &offset))
        return false;
    *out = days * SECONDS_OF_DAY + hour * 3600 + minute * 60 + second - offset;
    return true;
}
