/*
 * Jobs on threads, ended on a real libverto loop.
 */
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "flights.h"
#include "worker_job.h"
#include "workers_parts.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Fails as often as it is told; linked with --wrap. */
static int threads_refused;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                      void *(*start)(void *), void *argument)
{
    if (threads_refused > 0) {
        threads_refused--;
        return EAGAIN;
    }
    return __real_pthread_create(thread, attributes, start, argument);
}

struct world {
    verto_ctx *loop;
    struct cm_workers *workers;
    struct gate gate; /* closed */
};

static int
set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->loop = loop_new();
    world->workers = cm_workers_new();
    assert_non_null(world->workers);
    gate_init(&world->gate, false);
    *state = world;
    return 0;
}

static int
tear_down(void **state)
{
    struct world *world = *state;

    gate_open(&world->gate);
    cm_workers_free(world->workers);
    verto_free(world->loop);
    free(world);
    return 0;
}

static enum cm_reason
submit(struct world *world, struct errand *errand)
{
    return cm_workers_submit(world->workers, world->loop, &errand->job);
}

static void
test_new_opens_nothing(void **state)
{
    const struct world *world = *state;

    assert_int_equal(cm_workers_count(world->workers), 0);
    assert_int_equal(cm_workers_threads(world->workers), 0);
    cm_workers_free(NULL);
}

static void
test_done_once_on_the_loop(void **state)
{
    struct world *world = *state;
    struct errand errands[8];

    for (unsigned i = 0; i < COUNT(errands); i++) {
        errand_init(&errands[i], i, NULL);
        assert_int_equal(submit(world, &errands[i]), CM_OK);
    }
    assert_int_equal(cm_workers_count(world->workers), COUNT(errands));
    run_until_done(world->loop, errands, COUNT(errands));
    assert_int_equal(cm_workers_count(world->workers), 0);
    for (size_t i = 0; i < COUNT(errands); i++) {
        assert_int_equal(errands[i].ran, 1);
        assert_int_equal(errands[i].done, 1);
        assert_int_equal(errands[i].dropped, 0);
        assert_true(pthread_equal(errands[i].ender, pthread_self()));
        assert_false(pthread_equal(errands[i].runner, pthread_self()));
    }
}

static void
test_busy_past_the_most(void **state)
{
    struct world *world = *state;
    struct errand errands[CM_WORKERS_MAX], late;

    for (unsigned i = 0; i < COUNT(errands); i++) {
        errand_init(&errands[i], i, &world->gate);
        assert_int_equal(submit(world, &errands[i]), CM_OK);
    }
    errand_init(&late, 1000, NULL);
    assert_int_equal(submit(world, &late), CM_BUSY);
    assert_int_equal(cm_workers_count(world->workers), CM_WORKERS_MAX);
    assert_int_equal(cm_workers_threads(world->workers), CM_WORKERS_MAX);
    gate_open(&world->gate);
    run_until_done(world->loop, errands, COUNT(errands));
    assert_int_equal(late.ran + late.done + late.dropped, 0);

    assert_int_equal(submit(world, &late), CM_OK);
    run_until_done(world->loop, &late, 1);
    assert_int_equal(cm_workers_threads(world->workers), CM_WORKERS_MAX);
}

static void
test_two_about_one_certificate(void **state)
{
    struct world *world = *state;
    struct errand errands[CM_FLIGHTS_SAME], third, other;

    for (size_t i = 0; i < COUNT(errands); i++) {
        errand_init(&errands[i], 7, &world->gate);
        assert_int_equal(submit(world, &errands[i]), CM_OK);
    }
    errand_init(&third, 7, NULL);
    errand_init(&other, 8, NULL);
    other.job.certificate[31] = 1;
    assert_int_equal(submit(world, &third), CM_BUSY);
    assert_int_equal(submit(world, &other), CM_OK);
    run_until_done(world->loop, &other, 1);
    assert_int_equal(submit(world, &third), CM_BUSY);
    gate_open(&world->gate);
    run_until_done(world->loop, errands, COUNT(errands));
    assert_int_equal(submit(world, &third), CM_OK);
    run_until_done(world->loop, &third, 1);
}

static void
test_one_request_twice(void **state)
{
    struct world *world = *state;
    struct errand first, again, other;

    errand_init(&first, 7, &world->gate);
    errand_init(&again, 7, NULL);
    errand_init(&other, 7, NULL);
    memcpy(again.job.request, first.job.request, sizeof(again.job.request));
    assert_int_equal(submit(world, &first), CM_OK);
    assert_int_equal(submit(world, &again), CM_BUSY);
    assert_true(again.job.is_repeated);
    assert_int_equal(submit(world, &other), CM_OK);
    assert_false(other.job.is_repeated);
    run_until_done(world->loop, &other, 1);
    gate_open(&world->gate);
    run_until_done(world->loop, &first, 1);
    assert_int_equal(submit(world, &again), CM_OK);
    run_until_done(world->loop, &again, 1);
}

/* A finished job that the loop has not ended yet is under way: who waits for
 * it still holds a connection. */
static void
test_counts_until_done(void **state)
{
    struct world *world = *state;
    struct errand errands[3];

    for (size_t i = 0; i < COUNT(errands); i++)
        errand_init(&errands[i], 7, NULL);
    assert_int_equal(submit(world, &errands[0]), CM_OK);
    assert_int_equal(submit(world, &errands[1]), CM_OK);
    wait_for(&errands[0].ran, 1);
    wait_for(&errands[1].ran, 1);
    assert_int_equal(submit(world, &errands[2]), CM_BUSY);
    run_until_done(world->loop, errands, 2);
    assert_int_equal(submit(world, &errands[2]), CM_OK);
    run_until_done(world->loop, &errands[2], 1);
}

static void
submit_next(struct errand *errand)
{
    struct world *world = errand->context;

    errand->after = NULL;
    errand->done = 0;
    assert_int_equal(submit(world, errand), CM_OK);
}

static void
test_done_may_submit(void **state)
{
    struct world *world = *state;
    struct errand errand;

    errand_init(&errand, 7, NULL);
    errand.after = submit_next;
    errand.context = world;
    assert_int_equal(submit(world, &errand), CM_OK);
    run_until_done(world->loop, &errand, 1);
    assert_int_equal(errand.ran, 2);
}

static void
test_last_used_first(void **state)
{
    struct world *world = *state;
    struct errand pair[2], errand;

    for (unsigned i = 0; i < COUNT(pair); i++) {
        errand_init(&pair[i], i, &world->gate);
        assert_int_equal(submit(world, &pair[i]), CM_OK);
    }
    gate_open(&world->gate);
    run_until_done(world->loop, pair, COUNT(pair));
    errand_init(&errand, 5, NULL);
    assert_int_equal(submit(world, &errand), CM_OK);
    run_until_done(world->loop, &errand, 1);
    for (unsigned i = 0; i < 20; i++) {
        pthread_t before = errand.runner;

        errand_init(&errand, i, NULL);
        assert_int_equal(submit(world, &errand), CM_OK);
        run_until_done(world->loop, &errand, 1);
        assert_true(pthread_equal(errand.runner, before));
    }
    assert_int_equal(cm_workers_threads(world->workers), 2);
}

static bool
no_thread_is_left(void *context)
{
    return cm_workers_threads(context) == 0;
}

static void
test_idle_threads_end(void **state)
{
    struct world *world = *state;
    struct errand errands[4];

    cm_workers_set_idle_ms(world->workers, 10);
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < COUNT(errands); i++) {
            errand_init(&errands[i], i, NULL);
            assert_int_equal(submit(world, &errands[i]), CM_OK);
        }
        run_until_done(world->loop, errands, COUNT(errands));
        run_until(world->loop, no_thread_is_left, world->workers);
    }
}

/* Every signal but SIGKILL and SIGSTOP, and two that are the C library's. */
static void
check_status(const char *task)
{
    char path[64], line[256];
    unsigned long long blocked = 0;
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/self/task/%.20s/status", task);
    file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "SigBlk:", 7) == 0)
            blocked = strtoull(line + 7, NULL, 16);
    }
    (void)fclose(file);
    for (int number = 1; number <= SIGRTMAX; number++) {
        if (number == SIGKILL || number == SIGSTOP ||
            (number > 31 && number < SIGRTMIN))
            continue;
        assert_true((blocked >> (number - 1)) & 1);
    }
}

static void
test_signals_are_blocked(void **state)
{
    struct world *world = *state;
    struct errand errands[3];
    struct dirent *entry;
    size_t seen = 0;
    sigset_t mine;
    DIR *tasks;

    for (unsigned i = 0; i < COUNT(errands); i++) {
        errand_init(&errands[i], i, &world->gate);
        assert_int_equal(submit(world, &errands[i]), CM_OK);
    }
    tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    while ((entry = readdir(tasks)) != NULL) {
        if (entry->d_name[0] == '.' || atoi(entry->d_name) == (int)getpid())
            continue;
        check_status(entry->d_name);
        seen++;
    }
    (void)closedir(tasks);
    assert_true(seen >= COUNT(errands));
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mine), 0);
    assert_false(sigismember(&mine, SIGTERM));
    gate_open(&world->gate);
    run_until_done(world->loop, errands, COUNT(errands));
}

static void
measure_stack(struct errand *errand)
{
    pthread_attr_t attributes;
    size_t size = 0;

    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return;
    (void)pthread_attr_getstacksize(&attributes, &size);
    (void)pthread_attr_destroy(&attributes);
    *(size_t *)errand->context = size;
}

static void
test_small_stack(void **state)
{
    struct world *world = *state;
    struct errand errand;
    size_t size = 0;

    errand_init(&errand, 1, NULL);
    errand.extra = measure_stack;
    errand.context = &size;
    assert_int_equal(submit(world, &errand), CM_OK);
    run_until_done(world->loop, &errand, 1);
    assert_in_range(size, CM_WORKERS_STACK / 2, CM_WORKERS_STACK * 2);
}

static void
test_no_thread(void **state)
{
    struct world *world = *state;
    struct errand errand;

    errand_init(&errand, 1, NULL);
    threads_refused = 2;
    assert_int_equal(submit(world, &errand), CM_INTERNAL);
    assert_int_equal(submit(world, &errand), CM_INTERNAL);
    assert_int_equal(cm_workers_count(world->workers), 0);
    assert_int_equal(cm_workers_threads(world->workers), 0);
    assert_int_equal(submit(world, &errand), CM_OK);
    run_until_done(world->loop, &errand, 1);
    assert_int_equal(errand.ran, 1);
}

static void
test_no_descriptor(void **state)
{
    struct world *world = *state;
    struct rlimit before, none;
    struct errand errand;

    errand_init(&errand, 1, NULL);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(submit(world, &errand), CM_INTERNAL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(submit(world, &errand), CM_OK);
    run_until_done(world->loop, &errand, 1);
}

static void
test_one_loop(void **state)
{
    struct world *world = *state;
    verto_ctx *other = loop_new();
    struct errand errand, second;

    errand_init(&errand, 1, NULL);
    errand_init(&second, 2, NULL);
    assert_int_equal(submit(world, &errand), CM_OK);
    assert_int_equal(cm_workers_submit(world->workers, other, &second.job),
                     CM_INTERNAL);
    run_until_done(world->loop, &errand, 1);
    assert_int_equal(second.ran, 0);
    verto_free(other);
}

static size_t
count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

/* Hands all over, and over again, as fast as they are taken. */
static void
run_many(struct world *world, size_t wanted)
{
    static struct errand errands[CM_WORKERS_MAX];

    for (size_t finished = 0; finished < wanted; finished += COUNT(errands)) {
        for (unsigned i = 0; i < COUNT(errands); i++) {
            errand_init(&errands[i], i, NULL);
            assert_int_equal(submit(world, &errands[i]), CM_OK);
        }
        run_until_done(world->loop, errands, COUNT(errands));
        for (size_t i = 0; i < COUNT(errands); i++) {
            assert_int_equal(errands[i].ran, 1);
            assert_int_equal(errands[i].done, 1);
        }
    }
}

static void
test_many_without_growth(void **state)
{
    struct world *world = *state;
    struct mallinfo2 before, after;
    size_t descriptors;

    run_many(world, 1000);
    before = mallinfo2();
    descriptors = count_descriptors();
    run_many(world, 10000);
    after = mallinfo2();
    assert_true(after.uordblks <= before.uordblks + 4096);
    assert_int_equal(count_descriptors(), descriptors);
    assert_true(cm_workers_threads(world->workers) <= CM_WORKERS_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new_opens_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_done_once_on_the_loop, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_busy_past_the_most, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_two_about_one_certificate, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_one_request_twice, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_counts_until_done, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_done_may_submit, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_last_used_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_idle_threads_end, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_signals_are_blocked, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_small_stack, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_thread, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_descriptor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_without_growth, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
