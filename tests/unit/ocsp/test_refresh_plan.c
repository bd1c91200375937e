/*
 * When a source is asked again: times in, due times out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "refresh_plan.h"

enum { MIN = 60, HOUR = 3600, DAY = 24 * HOUR };
#define FIRST 0U
#define MIDDLE (UINT32_MAX / 2 + 1)
#define LAST UINT32_MAX
#define OPEN_END -1 /* no nextUpdate */

/* All times in seconds after T. */
#define T 1767225600

static struct cm_refresh_window
window_of(int64_t from, int64_t to)
{
    struct cm_refresh_window window = {.known = true, .this_update = T + from};

    window.has_next_update = to != OPEN_END;
    window.next_update = window.has_next_update ? T + to : 0;
    return window;
}

/* ---- After an answer ---- */

static const struct {
    const char *what;
    int64_t from, to, now;
    uint32_t dice;
    int64_t poll, due;
} successes[] = {
    {"a day, the first moment", 0, DAY, 0, FIRST, 0, 12 * HOUR},
    {"a day, the last", 0, DAY, 0, LAST, 0, DAY - DAY / 10 - 1},
    {"a day, the middle", 0, DAY, 0, MIDDLE, 0, 12 * HOUR + 17280},
    {"a week, the first", 0, 7 * DAY, 0, FIRST, 0, 7 * DAY / 2},
    {"a week, the last", 0, 7 * DAY, 0, LAST, 0, 7 * DAY * 9 / 10 - 1},
    {"fetched in its middle: from now on", 0, DAY, 18 * HOUR, FIRST, 0,
     18 * HOUR + MIN},
    {"the same, the last", 0, DAY, 18 * HOUR, LAST, 0, DAY - DAY / 10 - 1},
    {"an hour: the margin is a tenth", 0, HOUR, 0, LAST, 0, 54 * MIN - 1},
    {"40 minutes: the margin is 5 min", 0, 40 * MIN, 0, LAST, 0, 35 * MIN - 1},
    {"8 minutes: the margin is no more than half", 0, 8 * MIN, 0, LAST, 0,
     4 * MIN},
    {"the same, the first", 0, 8 * MIN, 0, FIRST, 0, 4 * MIN},
    {"a minute: no closer than 60 s", 0, MIN, 0, FIRST, 0, MIN},
    {"past the margin: a twentieth", 0, DAY, 23 * HOUR, FIRST, 0,
     23 * HOUR + HOUR},
    {"past the margin of an hour", 0, HOUR, 56 * MIN, FIRST, 0, 59 * MIN},
    {"past the margin of ten minutes", 0, 10 * MIN, 9 * MIN, FIRST, 0,
     10 * MIN},
    {"ended: 5 minutes at most", 0, DAY, 2 * DAY, FIRST, 0, 2 * DAY + 5 * MIN},
    {"ended long ago", 0, DAY, 900 * DAY, LAST, 0, 900 * DAY + 5 * MIN},
    {"from the future", 10 * MIN, DAY, 0, FIRST, 0,
     10 * MIN + (DAY - 10 * MIN) / 2},
    {"ends before it begins", DAY, 0, 0, FIRST, 0, MIN},
    {"no end: a day", 0, OPEN_END, 0, FIRST, 0, 12 * HOUR},
    {"no end, old", 0, OPEN_END, 20 * DAY, FIRST, 0, 20 * DAY + 5 * MIN},
    {"asked at least every hour", 0, DAY, 0, LAST, HOUR, HOUR},
    {"sooner than that anyway", 0, DAY, 20 * HOUR, FIRST, HOUR,
     20 * HOUR + MIN},
    {"a poll below the floor", 0, DAY, 0, LAST, 1, MIN},
    {"a hundred years", 0, INT64_C(36500) * DAY, 0, FIRST, 0,
     INT64_C(18250) * DAY},
};

static void
test_success(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(successes) / sizeof(successes[0]); i++) {
        struct cm_refresh_window window =
            window_of(successes[i].from, successes[i].to);
        int64_t due =
            cm_refresh_after_success(&window, T + successes[i].now,
                                     successes[i].dice, successes[i].poll);

        if (due != T + successes[i].due)
            fail_msg("%s: %lld, not %lld", successes[i].what,
                     (long long)(due - T), (long long)successes[i].due);
    }
}

static void
test_nothing_known(void **state)
{
    const struct cm_refresh_window nothing = {.known = false};

    (void)state;
    assert_int_equal(cm_refresh_after_success(&nothing, T, MIDDLE, 0),
                     T + HOUR);
}

/* Whatever the dice say, it stays between half and margin. */
static void
test_random_moment(void **state)
{
    struct cm_refresh_window window = window_of(0, 7 * DAY);
    uint32_t dice = 1;
    int64_t due, least = INT64_MAX, most = 0;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        dice = dice * 1664525 + 1013904223; /* any sequence will do */
        due = cm_refresh_moment(&window, dice) - T;
        assert_in_range(due, 7 * DAY / 2, 7 * DAY * 9 / 10);
        assert_int_equal(due + T,
                         cm_refresh_after_success(&window, T, dice, 0));
        least = due < least ? due : least;
        most = due > most ? due : most;
    }
    /* And it uses the whole of it. */
    assert_true(least < 7 * DAY / 2 + HOUR);
    assert_true(most > 7 * DAY * 9 / 10 - HOUR);
}

/* ---- After a failure ---- */

static void
test_back_off(void **state)
{
    static const struct {
        unsigned failures;
        int64_t wait;
    } rows[] = {{0, 60},   {1, 60},    {2, 120},          {3, 240},
                {4, 480},  {5, 960},   {6, 1920},         {7, 3600},
                {8, 3600}, {20, 3600}, {UINT32_MAX, 3600}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(cm_refresh_after_failure(T, rows[i].failures),
                         T + rows[i].wait);
}

/* ---- What is about to run out ---- */

static void
test_health(void **state)
{
    static const struct {
        const char *what;
        int64_t to, now;
        unsigned failures;
        enum cm_refresh_health health;
    } rows[] = {
        {"new", DAY, 0, 0, CM_REFRESH_FRESH},
        {"new, and the source fails", DAY, 0, 9, CM_REFRESH_FRESH},
        {"at three quarters, failing", DAY, 18 * HOUR, 1, CM_REFRESH_FRESH},
        {"just past, failing", DAY, 18 * HOUR + 1, 1, CM_REFRESH_ENDING},
        {"just past, not failing", DAY, 18 * HOUR + 1, 0, CM_REFRESH_FRESH},
        {"the last second", DAY, DAY - 1, 3, CM_REFRESH_ENDING},
        {"the last second, well", DAY, DAY - 1, 0, CM_REFRESH_FRESH},
        {"the end", DAY, DAY, 0, CM_REFRESH_ENDED},
        {"the end, failing", DAY, DAY, 5, CM_REFRESH_ENDED},
        {"long past", DAY, 30 * DAY, 0, CM_REFRESH_ENDED},
        {"no end, young", OPEN_END, HOUR, 1, CM_REFRESH_FRESH},
        {"no end, old", OPEN_END, DAY, 0, CM_REFRESH_ENDED},
    };
    const struct cm_refresh_window nothing = {.known = false};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cm_refresh_window window = window_of(0, rows[i].to);
        enum cm_refresh_health health =
            cm_refresh_judge(&window, T + rows[i].now, rows[i].failures);

        if (health != rows[i].health)
            fail_msg("%s: %s", rows[i].what, cm_refresh_health_token(health));
    }
    assert_int_equal(cm_refresh_judge(&nothing, T, 0), CM_REFRESH_MISSING);
}

static void
test_tokens(void **state)
{
    (void)state;
    assert_string_equal(cm_refresh_health_token(CM_REFRESH_FRESH), "fresh");
    assert_string_equal(cm_refresh_health_token(CM_REFRESH_ENDING), "ending");
    assert_string_equal(cm_refresh_health_token(CM_REFRESH_ENDED), "ended");
    assert_string_equal(cm_refresh_health_token(CM_REFRESH_MISSING),
                        "missing");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_success),
        cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_random_moment),
        cmocka_unit_test(test_back_off),
        cmocka_unit_test(test_health),
        cmocka_unit_test(test_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
