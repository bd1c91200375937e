/* Points in time as RFC 3339 writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "timetext.h"

static const struct {
    const char *text;
    int64_t seconds;
} good[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2024-02-01T12:00:00Z", 1706788800},
    {"2024-02-01t12:00:00z", 1706788800},
    {"2024-02-01 12:00:00Z", 1706788800},
    {"2024-02-01T13:00:00+01:00", 1706788800},
    {"2024-02-01T06:30:00-05:30", 1706788800},
    {"2024-02-01T12:00:00.999Z", 1706788800},
    {"2024-02-29T00:00:00Z", 1709164800},
    {"2000-02-29T23:59:59Z", 951868799},
    {"1969-12-31T23:59:59Z", -1},
    {"2038-01-19T03:14:08Z", 2147483648},
    {"9999-12-31T23:59:59Z", 253402300799},
};

static const char *const bad[] = {
    "",
    "now",
    "2024",
    "2024-02-01",
    "2024-02-01T12:00:00",
    "2024-02-01T12:00Z",
    "2024-2-1T12:00:00Z",
    "2024-02-01T12:00:00Zx",
    "2024-02-01T12:00:00 Z",
    "2024-02-01T12:00:00.Z",
    "2024-02-01T12:00:00+1:00",
    "2024-02-01T12:00:00+24:00",
    "2024-02-01T12:00:00+01:60",
    "2024-02-01T12:00:00+01",
    "2023-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2024-13-01T00:00:00Z",
    "2024-00-01T00:00:00Z",
    "2024-04-31T00:00:00Z",
    "2024-02-00T00:00:00Z",
    "2024-02-01T24:00:00Z",
    "2024-02-01T12:60:00Z",
    "2024-02-01T12:00:60Z",
    "-024-02-01T12:00:00Z",
    "+2024-02-01T12:00:00Z",
    "1582-10-10T12:00:00Z",
    "1583-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    " 2024-02-01T12:00:00Z",
    "1706788800",
};

static void
times_are_read(void **state)
{
    int64_t when;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        when = 42;
        if (!cm_time_parse(good[i].text, &when) || when != good[i].seconds)
            fail_msg("%s: %lld", good[i].text, (long long)when);
    }
}

static void
anything_else_is_not(void **state)
{
    int64_t when = 42;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (cm_time_parse(bad[i], &when) || when != 42)
            fail_msg("\"%s\" was read", bad[i]);
    }
}

static void
times_are_written(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1706788800, "2024-02-01T12:00:00Z"},
        {-1, "1969-12-31T23:59:59Z"},
        {253402300799, "9999-12-31T23:59:59Z"},
        {253402300800, "-"},
        {-30610224001, "-"}, /* the last second of the year 999 */
        {INT64_MAX, "-"},
        {INT64_MIN, "-"},
    };
    char text[CM_TIME_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cm_time_text(rows[i].seconds, text);
        assert_string_equal(text, rows[i].text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(anything_else_is_not),
        cmocka_unit_test(times_are_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
