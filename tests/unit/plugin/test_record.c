/*
 * Every event in every state, while the record is current and while it is
 * not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "record.h"

enum { STATES = CM_RECORD_DEAD + 1 };

enum event {
    ENTER,
    LEAVE,
    KEEP,
    STOCK_YES,
    STOCK_NO,
    DECIDE_YES,
    DECIDE_NO,
    REFUSE,
    ANSWER,
    EVENTS
};

static const char *const event_names[EVENTS] = {
    "enter",      "leave",     "keep",   "stock yes", "stock no",
    "decide yes", "decide no", "refuse", "answer"};

struct cell {
    bool result; /* leave has none: true where it changes the state */
    enum cm_record_state next;
};

#define N CM_RECORD_NEW
#define E CM_RECORD_EVIDENCE
#define O CM_RECORD_STOCK_OK
#define D CM_RECORD_DECIDED
#define A CM_RECORD_ANSWERED
#define S CM_RECORD_SPOILT
#define X CM_RECORD_DEAD

/* Inside the stock module's call: the record is current. */
static const struct cell inside[EVENTS][STATES] = {
    [ENTER] = {{0, N}, {0, E}, {0, O}, {0, D}, {0, A}, {0, S}, {0, X}},
    [LEAVE] = {{1, X}, {1, X}, {0, O}, {0, D}, {0, A}, {0, S}, {0, X}},
    [KEEP] = {{1, E}, {0, S}, {0, S}, {0, D}, {0, A}, {0, S}, {0, X}},
    [STOCK_YES] = {{1, O}, {1, O}, {0, S}, {0, S}, {0, A}, {0, S}, {0, X}},
    [STOCK_NO] = {{1, D}, {1, D}, {0, S}, {0, S}, {0, A}, {1, S}, {0, X}},
    [DECIDE_YES] = {{0, N}, {0, E}, {0, O}, {0, D}, {0, A}, {0, S}, {0, X}},
    [DECIDE_NO] = {{0, N}, {0, E}, {0, O}, {0, D}, {0, A}, {0, S}, {0, X}},
    [REFUSE] = {{0, N}, {0, E}, {0, O}, {0, D}, {0, A}, {0, S}, {0, X}},
    [ANSWER] = {{0, N}, {0, E}, {0, O}, {0, D}, {0, A}, {0, S}, {0, X}},
};

/* Before it, after it, or inside another record's. */
static const struct cell outside[EVENTS][STATES] = {
    [ENTER] = {{1, N}, {0, E}, {0, O}, {0, D}, {0, A}, {0, S}, {0, X}},
    [LEAVE] = {{0, N}, {0, E}, {0, O}, {0, D}, {0, A}, {0, S}, {0, X}},
    [KEEP] = {{0, N}, {0, E}, {0, O}, {0, D}, {0, A}, {0, S}, {0, X}},
    [STOCK_YES] = {{0, N}, {0, E}, {0, O}, {0, D}, {0, A}, {0, S}, {0, X}},
    [STOCK_NO] = {{0, N}, {0, E}, {0, O}, {0, D}, {0, A}, {0, S}, {0, X}},
    [DECIDE_YES] = {{0, N}, {0, E}, {1, D}, {0, D}, {0, A}, {0, S}, {0, X}},
    [DECIDE_NO] = {{0, N}, {0, E}, {1, D}, {0, D}, {0, A}, {0, S}, {0, X}},
    [REFUSE] = {{1, D}, {1, D}, {1, D}, {1, D}, {0, A}, {1, D}, {1, D}},
    [ANSWER] = {{0, N}, {0, E}, {0, O}, {1, A}, {0, A}, {0, S}, {0, X}},
};

#undef N
#undef E
#undef O
#undef D
#undef A
#undef S
#undef X

static bool
send(struct cm_record *record, enum event event)
{
    enum cm_record_state before = record->state;

    switch (event) {
    case ENTER:
        return cm_record_enter(record);
    case LEAVE:
        cm_record_leave(record);
        return record->state != before;
    case KEEP:
        return cm_record_keep(record);
    case STOCK_YES:
        return cm_record_stock(record, true);
    case STOCK_NO:
        return cm_record_stock(record, false);
    case DECIDE_YES:
        return cm_record_decide(record, true);
    case DECIDE_NO:
        return cm_record_decide(record, false);
    case REFUSE:
        return cm_record_refuse(record);
    case ANSWER:
        return cm_record_answer(record);
    case EVENTS:
        break;
    }
    fail();
    return false;
}

static void
try_one(const struct cell *cell, enum cm_record_state state, enum event event,
        bool current)
{
    struct cm_record record;
    bool result, accepts;

    cm_record_init(&record, NULL);
    if (current)
        assert_true(cm_record_enter(&record));
    record.state = state;
    record.responded = state == CM_RECORD_STOCK_OK;
    result = send(&record, event);
    if (result != cell->result || record.state != cell->next)
        print_error("%s in state %d, %s: %d, state %d\n", event_names[event],
                    (int)state, current ? "inside" : "outside", result,
                    (int)record.state);
    assert_int_equal(result, cell->result);
    assert_int_equal(record.state, cell->next);
    accepts = !current && event == DECIDE_YES && state == CM_RECORD_STOCK_OK;
    assert_int_equal(record.accepted, accepts);
    cm_record_leave(&record);
    assert_null(cm_record_current());
    cm_record_clear(&record);
}

static void
test_every_transition(void **state)
{
    (void)state;
    for (int event = 0; event < EVENTS; event++) {
        for (int from = 0; from < STATES; from++) {
            try_one(&inside[event][from], (enum cm_record_state)from,
                    (enum event)event, true);
            try_one(&outside[event][from], (enum cm_record_state)from,
                    (enum event)event, false);
        }
    }
}

static void
test_a_login(void **state)
{
    struct cm_record record;

    (void)state;
    cm_record_init(&record, NULL);
    assert_int_equal(record.evidence.reason, CM_INTERNAL);
    assert_true(cm_record_enter(&record));
    assert_ptr_equal(cm_record_current(), &record);
    assert_true(cm_record_keep(&record));
    assert_true(cm_record_stock(&record, true));
    assert_false(cm_record_decide(&record, true)); /* not inside */
    cm_record_leave(&record);
    assert_null(cm_record_current());
    assert_true(cm_record_decide(&record, true));
    assert_true(record.accepted);
    assert_true(cm_record_answer(&record));
    assert_false(cm_record_answer(&record));
    cm_record_clear(&record);
}

static void
test_nested_call(void **state)
{
    struct cm_record outer, inner;

    (void)state;
    cm_record_init(&outer, NULL);
    cm_record_init(&inner, NULL);
    assert_true(cm_record_enter(&outer));
    assert_false(cm_record_enter(&inner));
    assert_false(cm_record_keep(&inner));
    cm_record_leave(&inner); /* leaves the outer one alone */
    assert_ptr_equal(cm_record_current(), &outer);
    cm_record_leave(&outer);
    assert_false(cm_record_enter(&outer)); /* once only */
    cm_record_clear(&outer);
    cm_record_clear(&inner);
}

/* What was accepted may still be refused, until the KDC is told. */
static void
test_second_thoughts(void **state)
{
    struct cm_record record;

    (void)state;
    cm_record_init(&record, NULL);
    assert_true(cm_record_enter(&record));
    assert_true(cm_record_stock(&record, true));
    cm_record_leave(&record);
    assert_true(cm_record_decide(&record, true));
    assert_true(cm_record_refuse(&record));
    assert_false(record.accepted);
    assert_false(cm_record_decide(&record, true));
    assert_false(record.accepted);
    assert_true(cm_record_answer(&record));
    assert_false(cm_record_refuse(&record));
    cm_record_clear(&record);
}

/* Stock must not refuse again what it refused once, even where certauth was
 * called twice between. */
static void
test_spoilt_answers(void **state)
{
    struct cm_record record;

    (void)state;
    cm_record_init(&record, NULL);
    assert_true(cm_record_enter(&record));
    assert_true(cm_record_keep(&record));
    assert_false(cm_record_keep(&record));
    assert_true(cm_record_stock(&record, false));
    assert_false(cm_record_stock(&record, false));
    assert_false(cm_record_stock(&record, true));
    cm_record_leave(&record);
    assert_int_equal(record.state, CM_RECORD_SPOILT);
    assert_false(cm_record_decide(&record, true));
    cm_record_clear(&record);
}

static void
test_indicators_are_bounded(void **state)
{
    char name[CM_RECORD_MAX_INDICATOR + 2];
    struct cm_record record;

    (void)state;
    cm_record_init(&record, NULL);
    assert_false(cm_record_indicate(&record, "outside"));
    assert_true(cm_record_enter(&record));
    memset(name, 'x', sizeof(name));
    name[CM_RECORD_MAX_INDICATOR + 1] = '\0';
    assert_false(cm_record_indicate(&record, name));
    name[CM_RECORD_MAX_INDICATOR] = '\0';
    assert_true(cm_record_indicate(&record, name));
    for (int i = 1; i < CM_RECORD_MAX_INDICATORS; i++)
        assert_true(cm_record_indicate(&record, "again"));
    assert_false(cm_record_indicate(&record, "one more"));
    assert_int_equal(record.indicators.count, CM_RECORD_MAX_INDICATORS);
    cm_record_leave(&record);
    assert_false(cm_record_indicate(&record, "late"));
    cm_record_clear(&record);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_transition),
        cmocka_unit_test(test_a_login),
        cmocka_unit_test(test_nested_call),
        cmocka_unit_test(test_second_thoughts),
        cmocka_unit_test(test_spoilt_answers),
        cmocka_unit_test(test_indicators_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
