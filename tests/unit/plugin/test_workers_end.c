/*
 * How workers end: with jobs under way, before and after their loop, and in a
 * process that has them from its parent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker_job.h"
#include "workers_parts.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct end {
    struct cm_workers *workers;
    verto_ctx *loop;
    struct gate gate;
    struct errand finished, running;
};

/* One job that is finished but not done, and one that is running. */
static void
begin(struct end *end)
{
    end->loop = loop_new();
    end->workers = cm_workers_new();
    assert_non_null(end->workers);
    gate_init(&end->gate, false);
    errand_init(&end->finished, 1, NULL);
    errand_init(&end->running, 2, &end->gate);
    assert_int_equal(
        cm_workers_submit(end->workers, end->loop, &end->finished.job), CM_OK);
    assert_int_equal(
        cm_workers_submit(end->workers, end->loop, &end->running.job), CM_OK);
    wait_for(&end->finished.ran, 1);
}

static void *
open_gate(void *gate)
{
    gate_open(gate);
    return NULL;
}

/* The running job is let on by someone else, before or while free waits. */
static void
free_workers(struct end *end)
{
    pthread_t opener;

    assert_int_equal(pthread_create(&opener, NULL, open_gate, &end->gate), 0);
    cm_workers_free(end->workers);
    assert_int_equal(pthread_join(opener, NULL), 0);
    assert_int_equal(end->finished.done + end->running.done, 0);
    assert_int_equal(end->finished.dropped, 1);
    assert_int_equal(end->running.dropped, 1);
}

static void
test_free_while_the_loop_lives(void **state)
{
    struct end end;

    (void)state;
    begin(&end);
    free_workers(&end);
    verto_run_once(end.loop); /* nothing of ours is called any more */
    verto_free(end.loop);
    assert_int_equal(end.finished.done + end.running.done, 0);
}

static void
test_free_after_the_loop(void **state)
{
    struct end end;

    (void)state;
    begin(&end);
    verto_free(end.loop);
    free_workers(&end);
}

static void
test_new_loop_after_the_old(void **state)
{
    struct errand errand;
    struct end end;

    (void)state;
    begin(&end);
    verto_free(end.loop);
    end.loop = loop_new();
    errand_init(&errand, 3, NULL);
    assert_int_equal(cm_workers_submit(end.workers, end.loop, &errand.job),
                     CM_OK);
    gate_open(&end.gate);
    run_until_done(end.loop, &errand, 1);
    run_until_done(end.loop, &end.finished, 1);
    run_until_done(end.loop, &end.running, 1);
    cm_workers_free(end.workers);
    verto_free(end.loop);
}

static void
wait_for_child(pid_t child)
{
    int status = -1;

    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void
finish_parent(struct end *end)
{
    gate_open(&end->gate);
    run_until_done(end->loop, &end->finished, 1);
    run_until_done(end->loop, &end->running, 1);
    assert_int_equal(end->finished.done + end->running.done, 2);
    cm_workers_free(end->workers);
    verto_free(end->loop);
    assert_int_equal(end->finished.dropped + end->running.dropped, 0);
}

/* A failed assertion in a child ends it with another status than 0. */
static void
use_in_child(struct end *end, bool reinitialize)
{
    struct errand errands[CM_WORKERS_MAX];
    verto_ctx *loop = end->loop;

    if (reinitialize)
        assert_true(verto_reinitialize(loop));
    else
        loop = loop_new();
    assert_int_equal(cm_workers_count(end->workers), 0);
    assert_int_equal(cm_workers_threads(end->workers), 0);
    for (unsigned i = 0; i < COUNT(errands); i++) {
        errand_init(&errands[i], i, NULL);
        assert_int_equal(
            cm_workers_submit(end->workers, loop, &errands[i].job), CM_OK);
    }
    while (cm_workers_count(end->workers) > 0)
        verto_run_once(loop);
    for (size_t i = 0; i < COUNT(errands); i++)
        assert_int_equal(errands[i].done, 1);
    cm_workers_free(end->workers);
    verto_free(loop);
    assert_int_equal(end->finished.done + end->finished.dropped, 0);
    assert_int_equal(end->running.done + end->running.dropped, 0);
    _exit(0);
}

static void
test_child_uses_them(void **state)
{
    struct end end;
    pid_t child;

    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* it knows no threads in the child of a process with threads */
#endif
    begin(&end);
    for (int i = 0; i < 2; i++) {
        child = fork();
        if (child == 0)
            use_in_child(&end, i == 0);
        wait_for_child(child);
    }
    finish_parent(&end);
}

/* Both processes count together what is about one certificate. */
static void
test_child_finds_it_busy(void **state)
{
    struct errand second, errand;
    struct end end;
    verto_ctx *loop;
    pid_t child;

    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* it knows no threads in the child of a process with threads */
#endif
    begin(&end);
    errand_init(&second, 2, &end.gate);
    assert_int_equal(cm_workers_submit(end.workers, end.loop, &second.job),
                     CM_OK);
    child = fork();
    if (child == 0) {
        loop = loop_new();
        errand_init(&errand, 2, NULL);
        assert_int_equal(cm_workers_submit(end.workers, loop, &errand.job),
                         CM_BUSY);
        errand_init(&errand, 3, NULL);
        assert_int_equal(cm_workers_submit(end.workers, loop, &errand.job),
                         CM_OK);
        run_until_done(loop, &errand, 1);
        _exit(0);
    }
    wait_for_child(child);
    gate_open(&end.gate);
    run_until_done(end.loop, &second, 1);
    errand_init(&second, 2, NULL);
    assert_int_equal(cm_workers_submit(end.workers, end.loop, &second.job),
                     CM_OK);
    run_until_done(end.loop, &second, 1);
    finish_parent(&end);
}

static void
test_child_frees_them(void **state)
{
    struct end end;
    pid_t child;

    (void)state;
    begin(&end);
    child = fork();
    if (child == 0) {
        cm_workers_free(end.workers);
        assert_int_equal(end.finished.dropped + end.running.dropped, 0);
        verto_free(end.loop);
        _exit(0);
    }
    wait_for_child(child);
    finish_parent(&end);
}

static void
test_made_before_the_fork(void **state)
{
    struct cm_workers *workers = cm_workers_new();
    struct end end = {.workers = workers};
    pid_t child;

    (void)state;
    assert_non_null(workers);
    for (int i = 0; i < 2; i++) {
        child = fork();
        if (child == 0)
            use_in_child(&end, false);
        wait_for_child(child);
    }
    cm_workers_free(workers);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_free_while_the_loop_lives),
        cmocka_unit_test(test_free_after_the_loop),
        cmocka_unit_test(test_new_loop_after_the_old),
        cmocka_unit_test(test_child_uses_them),
        cmocka_unit_test(test_child_finds_it_busy),
        cmocka_unit_test(test_child_frees_them),
        cmocka_unit_test(test_made_before_the_fork),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
