/*
 * Places for logins, shared by processes that come, go and are killed.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "flights.h"

enum { PROCESSES = 4, ROUNDS = 20000, WANTED = 500 };

struct certificate {
    uint8_t digest[32];
};

static struct certificate
number(size_t n)
{
    struct certificate certificate = {{0xc0}};

    memcpy(certificate.digest + 8, &n, sizeof(n));
    return certificate;
}

static enum cm_flight
enter_with(struct cm_flights *flights, size_t n, size_t request, size_t *place)
{
    struct certificate certificate = number(n), sent = number(request);

    return cm_flights_enter(flights, certificate.digest, sent.digest, place);
}

/* With a request that was not there before. */
static bool
enter(struct cm_flights *flights, size_t n, size_t *place)
{
    static size_t requests;
    size_t request = ((size_t)getpid() << 32) + ++requests;

    return enter_with(flights, n, request, place) == CM_FLIGHT_ENTERED;
}

static int
set_up(void **state)
{
    *state = cm_flights_new();
    return *state != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
    cm_flights_free(*state);
    return 0;
}

static void
test_so_many_and_no_more(void **state)
{
    struct cm_flights *flights = *state;
    size_t places[CM_FLIGHTS_SAME], other, third = 12345;

    for (size_t i = 0; i < CM_FLIGHTS_SAME; i++)
        assert_true(enter(flights, 1, &places[i]));
    assert_int_not_equal(places[0], places[1]);
    assert_false(enter(flights, 1, &third));
    assert_int_equal(third, 12345);
    assert_true(enter(flights, 2, &other));
    cm_flights_leave(flights, places[0]);
    assert_true(enter(flights, 1, &third));
    assert_false(enter(flights, 1, &places[0]));
}

/* Any byte of the digest tells two certificates apart. */
static void
test_every_byte_counts(void **state)
{
    struct cm_flights *flights = *state;
    struct certificate first = number(7), other;
    size_t place;

    for (size_t i = 0; i < CM_FLIGHTS_SAME; i++)
        assert_true(enter(flights, 7, &place));
    for (size_t i = 0; i < sizeof(first.digest); i++) {
        other = first;
        other.digest[i] ^= 0x80;
        assert_int_equal(
            cm_flights_enter(flights, other.digest, first.digest, &place),
            CM_FLIGHT_ENTERED);
    }
    assert_false(enter(flights, 7, &place));
}

/* The same request is under way once; of another certificate it is another. */
static void
test_repeated(void **state)
{
    struct cm_flights *flights = *state;
    size_t place, second, third = 12345;

    assert_int_equal(enter_with(flights, 1, 5, &place), CM_FLIGHT_ENTERED);
    assert_int_equal(enter_with(flights, 1, 5, &third), CM_FLIGHT_REPEATED);
    assert_int_equal(enter_with(flights, 2, 5, &second), CM_FLIGHT_ENTERED);
    assert_int_equal(enter_with(flights, 1, 6, &second), CM_FLIGHT_ENTERED);
    assert_int_equal(enter_with(flights, 1, 6, &third), CM_FLIGHT_REPEATED);
    assert_int_equal(enter_with(flights, 1, 7, &third), CM_FLIGHT_BUSY);
    assert_int_equal(third, 12345);
    cm_flights_leave(flights, place);
    assert_int_equal(enter_with(flights, 1, 5, &place), CM_FLIGHT_ENTERED);
}

static void
test_full(void **state)
{
    struct cm_flights *flights = *state;
    size_t places[CM_FLIGHTS_MAX], place;

    for (size_t i = 0; i < CM_FLIGHTS_MAX; i++)
        assert_true(enter(flights, i, &places[i]));
    assert_false(enter(flights, CM_FLIGHTS_MAX, &place));
    cm_flights_leave(flights, places[CM_FLIGHTS_MAX / 2]);
    assert_true(enter(flights, CM_FLIGHTS_MAX, &place));
    assert_false(enter(flights, CM_FLIGHTS_MAX + 1, &place));
}

static void
test_leaving_what_is_not_there(void **state)
{
    struct cm_flights *flights = *state;
    size_t place;

    cm_flights_leave(flights, CM_FLIGHTS_MAX);
    cm_flights_leave(flights, SIZE_MAX);
    cm_flights_leave(flights, 3);
    for (size_t i = 0; i < CM_FLIGHTS_SAME; i++)
        assert_true(enter(flights, 1, &place));
    assert_false(enter(flights, 1, &place));
    cm_flights_free(NULL);
}

static void
wait_for_child(pid_t child, int signal_number)
{
    int status = -1;

    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (signal_number != 0) {
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), signal_number);
    } else {
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

/* What one process has under way counts for the other, and is its own. */
static void
test_counted_together(void **state)
{
    struct cm_flights *flights = *state;
    size_t places[CM_FLIGHTS_SAME], place;
    pid_t child;

    for (size_t i = 0; i < CM_FLIGHTS_SAME; i++)
        assert_true(enter(flights, 1, &places[i]));
    child = fork();
    if (child == 0) {
        if (enter(flights, 1, &place) || !enter(flights, 2, &place))
            _exit(1);
        cm_flights_leave(flights, place);
        cm_flights_leave(flights, places[0]); /* not this process's */
        cm_flights_free(flights);
        _exit(0);
    }
    wait_for_child(child, 0);
    assert_false(enter(flights, 1, &place));
    cm_flights_leave(flights, places[0]);
    assert_true(enter(flights, 1, &place));
}

/* A child that enters all it may, says so, and stays. */
static pid_t
start_holder(struct cm_flights *flights)
{
    int ready[2];
    size_t place;
    char byte = 0;
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        for (size_t i = 0; i < CM_FLIGHTS_SAME; i++)
            byte = (char)(byte + (enter(flights, 1, &place) ? 1 : 0));
        if (write(ready[1], &byte, 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, CM_FLIGHTS_SAME);
    (void)close(ready[0]);
    (void)close(ready[1]);
    return child;
}

static void
test_killed_process_frees(void **state)
{
    struct cm_flights *flights = *state;
    pid_t child = start_holder(flights);
    size_t place;

    assert_false(enter(flights, 1, &place));
    assert_int_equal(kill(child, SIGKILL), 0);
    wait_for_child(child, SIGKILL);
    for (size_t i = 0; i < CM_FLIGHTS_SAME; i++)
        assert_true(enter(flights, 1, &place));
    assert_false(enter(flights, 1, &place));
}

static void
test_full_of_the_dead(void **state)
{
    struct cm_flights *flights = *state;
    size_t place;
    pid_t child = fork();

    if (child == 0) {
        for (size_t i = 0; i < CM_FLIGHTS_MAX; i++) {
            if (!enter(flights, i, &place))
                _exit(1);
        }
        _exit(0);
    }
    wait_for_child(child, 0);
    for (size_t i = 0; i < CM_FLIGHTS_MAX; i++)
        assert_true(enter(flights, i, &place));
    assert_false(enter(flights, CM_FLIGHTS_MAX, &place));
}

/* What the processes of a race have in common. */
struct race {
    atomic_int inside;
    atomic_int most;
    atomic_int entered;
};

static void
run_race(struct cm_flights *flights, struct race *race)
{
    size_t place;
    int inside;

    for (int i = 0; i < ROUNDS; i++) {
        if (!enter(flights, 1, &place))
            continue;
        inside = atomic_fetch_add(&race->inside, 1) + 1;
        if (inside > atomic_load(&race->most))
            atomic_store(&race->most, inside);
        atomic_fetch_add(&race->entered, 1);
        atomic_fetch_sub(&race->inside, 1);
        cm_flights_leave(flights, place);
    }
    _exit(0);
}

/* Never more than so many, however they run; and somebody always goes on. */
static void
test_race(void **state)
{
    struct cm_flights *flights = *state;
    struct race *race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t children[PROCESSES];
    size_t place;

    assert_true(race != MAP_FAILED);
    for (size_t i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0)
            run_race(flights, race);
    }
    for (size_t i = 0; i < PROCESSES; i++)
        wait_for_child(children[i], 0);
    assert_in_range(race->most, 1, CM_FLIGHTS_SAME);
    assert_true(race->entered >= WANTED);
    for (size_t i = 0; i < CM_FLIGHTS_SAME; i++)
        assert_true(enter(flights, 1, &place));
    (void)munmap(race, sizeof(*race));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_so_many_and_no_more, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_every_byte_counts, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_repeated, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_leaving_what_is_not_there, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_counted_together, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_killed_process_frees, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_full_of_the_dead, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_race, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
