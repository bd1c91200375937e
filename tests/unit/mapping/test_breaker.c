/*
 * The circuit breaker: every transition, as a table.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "breaker.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What is done at a moment, and what is answered. */
enum verb { END, MAY, MAY_NOT, WORKED, FAILED, DUE, NOT_DUE };

struct event {
    enum verb verb;
    int64_t at;
    bool changed; /* what WORKED and FAILED answer */
};

static struct row {
    const char *what;
    struct cm_breaker_rules rules;
    struct event events[12];
} rows[] = {
    {"breaker: a new one is closed, for everyone",
     {1, 100},
     {{MAY, 0, false}, {MAY, 0, false}, {DUE, 0, false}}},
    {"breaker: success of a closed one changes nothing",
     {1, 100},
     {{WORKED, 5, false}, {MAY, 5, false}}},
    {"breaker: one failure opens it, for its rest",
     {1, 100},
     {{FAILED, 10, true},
      {MAY_NOT, 10, false},
      {NOT_DUE, 109, false},
      {MAY_NOT, 109, false},
      {DUE, 110, false},
      {MAY, 110, false}}},
    {"breaker: fewer failures than the limit leave it closed",
     {3, 100},
     {{FAILED, 0, false}, {FAILED, 1, false}, {MAY, 2, false}}},
    {"breaker: the limit opens it",
     {3, 100},
     {{FAILED, 0, false},
      {FAILED, 1, false},
      {FAILED, 2, true},
      {MAY_NOT, 101, false},
      {MAY, 102, false}}},
    {"breaker: failures count in a row",
     {2, 100},
     {{FAILED, 0, false},
      {WORKED, 1, false},
      {FAILED, 2, false},
      {MAY, 3, false},
      {FAILED, 4, true}}},
    {"breaker: after the rest one tries, the others not",
     {1, 100},
     {{FAILED, 0, true},
      {MAY, 100, false},
      {MAY_NOT, 100, false},
      {MAY_NOT, 150, false}}},
    {"breaker: asking whether it is due takes no probe",
     {1, 100},
     {{FAILED, 0, true},
      {DUE, 100, false},
      {DUE, 100, false},
      {MAY, 100, false},
      {NOT_DUE, 100, false}}},
    {"breaker: a probe that works closes it for everyone",
     {1, 100},
     {{FAILED, 0, true},
      {MAY, 100, false},
      {WORKED, 101, true},
      {MAY, 101, false},
      {MAY, 101, false}}},
    {"breaker: a probe that fails gives it another rest",
     {2, 100},
     {{FAILED, 0, false},
      {FAILED, 0, true},
      {MAY, 100, false},
      {FAILED, 130, false},
      {MAY_NOT, 229, false},
      {MAY, 230, false}}},
    {"breaker: a probe that is never told of ends with a rest",
     {1, 100},
     {{FAILED, 0, true},
      {MAY, 100, false},
      {MAY_NOT, 199, false},
      {MAY, 200, false},
      {MAY_NOT, 200, false}}},
    {"breaker: tries begun before it opened lengthen the rest",
     {1, 100},
     {{FAILED, 0, true},
      {FAILED, 50, false},
      {MAY_NOT, 149, false},
      {MAY, 150, false}}},
    {"breaker: or close it",
     {1, 100},
     {{FAILED, 0, true}, {WORKED, 50, true}, {MAY, 50, false}}},
    {"breaker: opens anew after it closed",
     {1, 100},
     {{FAILED, 0, true},
      {WORKED, 1, true},
      {FAILED, 2, true},
      {MAY_NOT, 3, false}}},
    {"breaker: a clock that starts before nought",
     {1, 100},
     {{FAILED, -200, true}, {MAY_NOT, -101, false}, {MAY, -100, false}}},
};

static void
play(struct cm_breaker *breaker, const struct cm_breaker_rules *rules,
     const struct event *event)
{
    switch (event->verb) {
    case END:
        break;
    case MAY:
        assert_true(cm_breaker_allows(breaker, rules, event->at));
        break;
    case MAY_NOT:
        assert_false(cm_breaker_allows(breaker, rules, event->at));
        break;
    case WORKED:
        assert_int_equal(cm_breaker_worked(breaker), event->changed);
        break;
    case FAILED:
        assert_int_equal(cm_breaker_failed(breaker, rules, event->at),
                         event->changed);
        break;
    case DUE:
        assert_true(cm_breaker_is_due(breaker, event->at));
        break;
    case NOT_DUE:
        assert_false(cm_breaker_is_due(breaker, event->at));
        break;
    }
}

static void
test_row(void **state)
{
    const struct row *row = *state;
    struct cm_breaker breaker = {0};

    for (size_t i = 0; row->events[i].verb != END; i++)
        play(&breaker, &row->rules, &row->events[i]);
}

/* A count at its end does not start again as if nothing had failed. */
static void
test_count_stays(void **state)
{
    static const struct cm_breaker_rules rules = {5, 100};
    struct cm_breaker breaker = {UINT_MAX, true, 0};

    (void)state;
    assert_false(cm_breaker_failed(&breaker, &rules, 10));
    assert_int_equal(breaker.failures, UINT_MAX);
    assert_false(cm_breaker_allows(&breaker, &rules, 11));
}

int
main(void)
{
    struct CMUnitTest tests[COUNT(rows) + 1] = {{0}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        tests[i] = (struct CMUnitTest){.name = rows[i].what,
                                       .test_func = test_row,
                                       .initial_state = &rows[i]};
    }
    tests[COUNT(rows)] = (struct CMUnitTest)cmocka_unit_test(test_count_stays);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
