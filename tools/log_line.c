#include "log_line.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "timetext.h"

enum {
    DATE_LENGTH = 15,   /* Mmm dd HH:MM:SS */
    SLACK = 24 * 3600,  /* clocks and time zones */
    MAX_YEARS_BACK = 9, /* 29 February: of 1896 the next was 1904 */
    MAX_DIGITS = 12
};

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char bare[] = "certmap: ";
static const char program[] = "krb5kdc";

/* Two digits, the first may be a blank; -1: something else. */
static int
two_digits(const char *p)
{
    bool tens = p[0] >= '0' && p[0] <= '9';

    if ((!tens && p[0] != ' ') || p[1] < '0' || p[1] > '9')
        return -1;
    return (tens ? (p[0] - '0') * 10 : 0) + p[1] - '0';
}

/* The hour in the latest year that fits.  Local time, as the KDC's. */
static bool
find_hour(struct cm_log_clock *clock)
{
    time_t latest = (time_t)(clock->latest + SLACK), at;
    struct tm now, tm;

    if (localtime_r(&latest, &now) == NULL)
        return false;
    for (int back = 0; back < MAX_YEARS_BACK; back++) {
        tm = (struct tm){.tm_year = now.tm_year - back,
                         .tm_mon = clock->month,
                         .tm_mday = clock->day,
                         .tm_hour = clock->hour,
                         .tm_isdst = -1};
        at = mktime(&tm);
        if (at != (time_t)-1 && at <= latest && tm.tm_mday == clock->day) {
            clock->base = (int64_t)at;
            return true;
        }
    }
    return false;
}

static int
month_of(const char *p)
{
    for (int i = 0; i < 12; i++) {
        if (memcmp(months + 3 * i, p, 3) == 0)
            return i;
    }
    return -1;
}

/* "Feb 01 12:00:00 " */
static bool
take_date(struct cm_log_clock *clock, struct cm_span *rest, int64_t *when)
{
    const char *p = rest->text;
    int month, day, hour, minute, second;

    if (rest->len <= DATE_LENGTH || p[3] != ' ' || p[6] != ' ' ||
        p[9] != ':' || p[12] != ':' || p[DATE_LENGTH] != ' ')
        return false;
    month = month_of(p);
    day = two_digits(p + 4);
    hour = two_digits(p + 7);
    minute = two_digits(p + 10);
    second = two_digits(p + 13);
    if (month < 0 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    if (!clock->known || clock->month != month || clock->day != day ||
        clock->hour != hour) {
        clock->month = month;
        clock->day = day;
        clock->hour = hour;
        clock->known = find_hour(clock);
    }
    *when = clock->known ? clock->base + 60 * minute + second : CM_LOG_NO_TIME;
    rest->text += DATE_LENGTH + 1;
    rest->len -= DATE_LENGTH + 1;
    return true;
}

/* The text up to a blank, which is taken too. */
static bool
take_word(struct cm_span *rest, struct cm_span *word)
{
    const char *blank = memchr(rest->text, ' ', rest->len);

    if (blank == NULL || blank == rest->text)
        return false;
    *word = (struct cm_span){rest->text, (size_t)(blank - rest->text)};
    rest->text += word->len + 1;
    rest->len -= word->len + 1;
    return true;
}

/* "1706788800.123456" */
static bool
read_seconds(struct cm_span word, int64_t *when)
{
    int64_t seconds = 0;
    size_t i;

    for (i = 0; i < word.len && word.text[i] != '.'; i++) {
        if (word.text[i] < '0' || word.text[i] > '9' || i >= MAX_DIGITS)
            return false;
        seconds = seconds * 10 + word.text[i] - '0';
    }
    if (i == 0 || i == word.len)
        return false;
    *when = seconds;
    return true;
}

/* As RFC 3339 has it; journalctl leaves out the offset's colon. */
static bool
read_instant(struct cm_span word, int64_t *when)
{
    char text[48];
    size_t len = word.len;

    if (len < 6 || len + 2 > sizeof(text))
        return false;
    memcpy(text, word.text, len);
    if (strchr("+-", text[len - 5]) != NULL) {
        memmove(text + len - 1, text + len - 2, 2);
        text[len - 2] = ':';
        len++;
    }
    text[len] = '\0';
    return cm_time_parse(text, when);
}

/* "krb5kdc[17](info): " */
static bool
take_program(struct cm_span *rest)
{
    struct cm_span word;
    char after;

    if (!take_word(rest, &word) || word.len <= strlen(program) ||
        memcmp(word.text, program, strlen(program)) != 0)
        return false;
    after = word.text[strlen(program)];
    return (after == '[' || after == '(' || after == ':') &&
           word.text[word.len - 1] == ':';
}

bool
cm_log_line(struct cm_log_clock *clock, const char *line, size_t len,
            struct cm_span *message, int64_t *when)
{
    struct cm_span rest = {line, len}, word;

    *when = CM_LOG_NO_TIME;
    *message = rest;
    if (len >= strlen(bare) && memcmp(line, bare, strlen(bare)) == 0)
        return true;
    if (!take_date(clock, &rest, when) &&
        !(take_word(&rest, &word) &&
          (read_seconds(word, when) || read_instant(word, when))))
        return false;
    if (!take_word(&rest, &word) || !take_program(&rest))
        return false;
    *message = rest;
    return true;
}
