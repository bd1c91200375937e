/* certmap expiring: the order of what runs out, what is told again, and the
 * command on a KDC's configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expiring_command.h"
#include "host.h"
#include "runner.h"
#include "timetext.h"

/* ---- The list ---- */

static void
add(struct cm_expiries *list, enum cm_expiry_kind kind, int64_t until,
    const char *where, unsigned number)
{
    uint8_t id[32] = {0};

    memcpy(id, &number, sizeof(number));
    cm_expiries_add(list, kind, until, "name", where, id);
}

static void
test_order(void **state)
{
    struct cm_expiries list = {.limit = 100};

    (void)state;
    add(&list, CM_EXPIRY_CRL, 50, "a", 1);
    add(&list, CM_EXPIRY_NTAUTH, 50, "a", 2);
    add(&list, CM_EXPIRY_NTAUTH, 10, "a", 3);
    add(&list, CM_EXPIRY_NTAUTH, 100, "a", 4);
    add(&list, CM_EXPIRY_NTAUTH, 101, "a", 5); /* too late */
    add(&list, CM_EXPIRY_NTAUTH, 10, "b", 3);  /* the same elsewhere */
    add(&list, CM_EXPIRY_NTAUTH, 10, "a", 3);  /* the same */
    assert_int_equal(list.count, 4);
    assert_int_equal(list.list[0].until, 10);
    assert_string_equal(list.list[0].where, "a, b");
    assert_int_equal(list.list[1].kind, CM_EXPIRY_NTAUTH);
    assert_int_equal(list.list[2].kind, CM_EXPIRY_CRL);
    assert_int_equal(list.list[3].until, 100);
    assert_false(list.failed);
    cm_expiries_clear(&list);
}

/* Of too many the soonest are kept, in whatever order they come. */
static void
test_bound(void **state)
{
    struct cm_expiries list = {.all = true};
    enum { MORE = 100 };

    (void)state;
    for (unsigned i = 0; i < CM_EXPIRING_MAX + MORE; i++)
        add(&list, CM_EXPIRY_USER, (int64_t)(i * 7919 % 100003), "x", i);
    assert_int_equal(list.count, CM_EXPIRING_MAX);
    assert_int_equal(list.left_out, MORE);
    for (size_t i = 1; i < list.count; i++)
        assert_true(list.list[i - 1].until <= list.list[i].until);
    cm_expiries_clear(&list);
    /* Places of one row are bounded, too. */
    for (unsigned i = 0; i < 1000; i++) {
        char where[16];

        snprintf(where, sizeof(where), "cn=%u", i);
        list.all = true;
        add(&list, CM_EXPIRY_USER, 1, where, 1);
    }
    assert_int_equal(list.count, 1);
    assert_true(strlen(list.list[0].where) <= CM_EXPIRING_MAX_WHERE + 8);
    cm_expiries_clear(&list);
}

/* What is renewed counts in the last quarter of its time only. */
static void
test_renewed(void **state)
{
    static const struct {
        int64_t since, until, now;
        size_t count;
    } moments[] = {
        {0, 100, 74, 0},  {0, 100, 75, 1},
        {0, 100, 101, 1}, {0, 500, 499, 0}, /* past the limit */
        {50, 40, 0, 1},                     /* it makes no sense: told */
    };
    const uint8_t id[32] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
        struct cm_expiries list = {.limit = 200}, all = {.all = true};

        cm_expiries_add_renewed(&list, CM_EXPIRY_CRL, moments[i].since,
                                moments[i].until, moments[i].now, "x", "y",
                                id);
        cm_expiries_add_renewed(&all, CM_EXPIRY_CRL, moments[i].since,
                                moments[i].until, moments[i].now, "x", "y",
                                id);
        assert_int_equal(list.count, moments[i].count);
        assert_int_equal(all.count, 1);
        cm_expiries_clear(&list);
        cm_expiries_clear(&all);
    }
}

/* ---- What is told again ---- */

/* Runs in days, in this order, with a repeat of 7 days: is what ends on `end`
 * told? */
static const struct step {
    int day, end;
    bool told;
} steps[] = {
    {0, 20, true},   {1, 20, false},
    {6, 20, false},  {7, 20, true},
    {8, 20, false},  {9, 25, true}, /* it ends at another time */
    {10, 25, false}, {16, 25, true},
    {22, 25, false}, {26, 25, true}, /* it has expired */
    {27, 25, false}, {33, 25, true},
    {5, 25, true}, /* the clock went back: rather twice than never */
};

static void
test_repeat(void **state)
{
    enum { FIRST = 20000 };
    struct cm_detail detail;
    char *told;

    (void)state;
    (void)unlink("told");
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct cm_expiries list = {.all = true};

        add(&list, CM_EXPIRY_KDC, (FIRST + steps[i].end) * CM_DAY, "x", 1);
        assert_true(cm_expiring_untold(&list, "told", 7 * CM_DAY,
                                       (FIRST + steps[i].day) * CM_DAY, &told,
                                       &detail));
        if ((list.count == 1) != steps[i].told)
            fail_msg("step %zu: %zu", i, list.count);
        folder_write("told", told, strlen(told));
        free(told);
        cm_expiries_clear(&list);
    }
    /* What is gone is forgotten. */
    {
        struct cm_expiries none = {.all = true};

        assert_true(cm_expiring_untold(&none, "told", 1, 1, &told, &detail));
        assert_string_equal(told, "");
        free(told);
    }
}

static const char *const damaged[] = {
    "x\n",
    "kdc 00 2024-01-01T00:00:00Z 2024-01-01T00:00:00Z\n",
    "kdc zz 2024-01-01T00:00:00Z 2024-01-01T00:00:00Z\n",
    "# a file of somebody else's\n",
};

/* A file that is not ours is neither believed nor overwritten. */
static void
test_damaged_state(void **state)
{
    struct cm_expiries list = {.all = true};
    struct cm_detail detail;
    char *told;

    (void)state;
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        folder_write("told", damaged[i], strlen(damaged[i]));
        assert_false(cm_expiring_untold(&list, "told", 1, 1, &told, &detail));
        assert_null(told);
        assert_non_null(strstr(detail.text, "told: not a file of certmap"));
    }
    assert_int_equal(unlink("told"), 0);
    assert_int_equal(mkdir("told", 0700), 0);
    assert_false(cm_expiring_untold(&list, "told", 1, 1, &told, &detail));
    assert_int_equal(rmdir("told"), 0);
}

/* ---- The command ---- */

/* The certificates of the configuration end with 2039. */
#define SOON " --at 2039-12-15T00:00:00Z"
#define EARLY " --at 2039-11-15T00:00:00Z"
#define LATE " --at 2040-02-01T00:00:00Z"

static const struct row {
    const char *options;
    enum cm_exit code;
    const char *out, *err;
} rows[] = {
    {EARLY, CM_EXIT_YES, "Nothing expires.\n", ""},
    {EARLY " --all", CM_EXIT_YES, "2040-01-01T00:00:00Z in 47 days", ""},
    {EARLY " --days 60", CM_EXIT_NO, "anchor", ""},
    {SOON, CM_EXIT_NO, "2040-01-01T00:00:00Z in 17 days  anchor", ""},
    {SOON, CM_EXIT_NO, "ntauth", ""},
    {SOON, CM_EXIT_NO, "kdc", ""},
    {SOON " --days 16", CM_EXIT_YES, "Nothing expires.\n", ""},
    {SOON " --days 17", CM_EXIT_NO, "anchor", ""},
    {LATE, CM_EXIT_NO, "2040-01-01T00:00:00Z expired", ""},
    {LATE " --days 0 --json", CM_EXIT_NO, "\"state\": \"expired\"", ""},
    {LATE " --json", CM_EXIT_NO, "\"days\": -31", ""},
    {SOON " --users --json", CM_EXIT_NO, "\"left_out\": 0", ""},
    {" --days x", CM_EXIT_USAGE, "", "--days x: a number of days"},
    {" --days -1", CM_EXIT_USAGE, "", "a number of days"},
    {" --days 99999999", CM_EXIT_USAGE, "", "a number of days"},
    {" --days 1 --days 2", CM_EXIT_USAGE, "", "given once"},
    {" --state told", CM_EXIT_USAGE, "", "need each other"},
    {" --repeat 7", CM_EXIT_USAGE, "", "need each other"},
    {" --all --run true", CM_EXIT_USAGE, "", "--all shows"},
    {" now", CM_EXIT_USAGE, "", "usage: certmap expiring"},
    {" -r OTHER.TEST", CM_EXIT_USAGE, "", "OTHER.TEST"},
    {SOON " --run true", CM_EXIT_NO, "", ""},
    {SOON " --run false", CM_EXIT_UNAVAILABLE, "", "nobody was told"},
    {EARLY " --run false", CM_EXIT_YES, "", ""},
};

static void
test_command(void **state)
{
    char line[256];

    (void)state;
    host_configure(&(struct host){.certmap = HOST_CERTMAP});
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(line, sizeof(line), "expiring%s", rows[i].options);
        run_says(line, rows[i].code, rows[i].out, rows[i].err);
    }
}

/* A command that fails has told nobody: the state stays as it was. */
static void
test_state_of_the_command(void **state)
{
#define STATE "expiring --state told --repeat 7"

    (void)state;
    host_configure(&(struct host){.certmap = HOST_CERTMAP});
    (void)unlink("told");
    run_says(STATE SOON " --run false", CM_EXIT_UNAVAILABLE, "", "");
    assert_int_not_equal(access("told", F_OK), 0);
    run_says(STATE SOON " --run cat>mail", CM_EXIT_NO, "", "");
    assert_int_equal(access("told", F_OK), 0);
    run_says(STATE " --at 2039-12-16T00:00:00Z", CM_EXIT_YES,
             "Nothing expires.\n", "");
    run_says(STATE " --at 2039-12-22T00:00:00Z", CM_EXIT_NO, "in 10 days", "");
    folder_write("told", "junk", 4);
    run_says(STATE SOON, CM_EXIT_UNAVAILABLE, "", "not a file of certmap");
}

/* What cannot be looked at is said, beside the rest. */
static void
test_problems(void **state)
{
    (void)state;
    host_configure(&(struct host){
        .certmap = HOST_CERTMAP,
        .realm = "pkinit_identity = FILE:missing.pem,kdc.key\n"});
    run_says("expiring" SOON, CM_EXIT_UNAVAILABLE, "anchor", "missing.pem");
    host_configure(
        &(struct host){.certmap = HOST_CERTMAP,
                       .realm = "pkinit_identity = PKCS11:module.so\n"});
    run_says("expiring" SOON, CM_EXIT_UNAVAILABLE, "anchor",
             "was not looked into");
    host_configure(&(struct host){.certmap = "mode = maybe\n"});
    run_says("expiring" SOON, CM_EXIT_USAGE, "", "mode");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_renewed),
        cmocka_unit_test(test_repeat),
        cmocka_unit_test(test_damaged_state),
        cmocka_unit_test(test_command),
        cmocka_unit_test(test_state_of_the_command),
        cmocka_unit_test(test_problems),
    };

    return cmocka_run_group_tests(tests, host_set_up, folder_tear_down);
}
