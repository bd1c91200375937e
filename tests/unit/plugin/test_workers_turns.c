/*
 * What finishes together leaves the loop to others in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <unistd.h>

#include <cmocka.h>

#include "worker_job.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Somebody else's event of the loop, always ready. */
static void
take_turn(verto_ctx *loop, verto_ev *event)
{
    unsigned *turns = verto_get_private(event);

    (void)loop;
    (*turns)++;
}

struct turns {
    unsigned others;  /* turns of other events so far */
    unsigned at_last; /* as it was when the last job ended */
    size_t ended;
};

static void
note_turn(struct errand *errand)
{
    struct turns *turns = errand->context;

    if (turns->ended++ > 0)
        assert_true(turns->others > turns->at_last);
    turns->at_last = turns->others;
}

/* Many that finish together do not keep the loop from others. */
static void
test_others_take_turns(void **state)
{
    struct turns turns = {0, 0, 0};
    struct errand errands[8];
    struct cm_workers *workers = cm_workers_new();
    verto_ctx *loop = loop_new();
    struct gate gate;
    verto_ev *event;
    int ends[2];

    (void)state;
    gate_init(&gate, false);
    assert_non_null(workers);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "", 1), 1);
    for (unsigned i = 0; i < COUNT(errands); i++) {
        errand_init(&errands[i], i, &gate);
        errands[i].after = note_turn;
        errands[i].context = &turns;
        assert_int_equal(cm_workers_submit(workers, loop, &errands[i].job),
                         CM_OK);
    }
    gate_open(&gate);
    for (size_t i = 0; i < COUNT(errands); i++)
        wait_for(&errands[i].ran, 1);
    event = verto_add_io(loop, VERTO_EV_FLAG_PERSIST | VERTO_EV_FLAG_IO_READ,
                         take_turn, ends[0]);
    assert_non_null(event);
    verto_set_private(event, &turns.others, NULL);
    run_until_done(loop, errands, COUNT(errands));
    assert_int_equal(turns.ended, COUNT(errands));
    verto_del(event);
    close(ends[0]);
    close(ends[1]);
    cm_workers_free(workers);
    verto_free(loop);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_others_take_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
