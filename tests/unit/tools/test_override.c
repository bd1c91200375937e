/* certmap override: what it takes, what it writes, when it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"
#include "store.h"
#include "timetext.h"

#define STORE "override --store store"

enum { HOUR = 3600, DAY = 24 * HOUR };

static const struct row {
    const char *options;
    const char *err;
} rows[] = {
    {"--revocation soft", "needs --revocation soft, --until and --reason"},
    {"--revocation soft --until 1h", "needs --revocation"},
    {"--until 1h --reason x", "needs --revocation"},
    {"--revocation off --until 1h --reason x", "allowed is soft"},
    {"--revocation soft --until soon --reason x", "neither a time to come"},
    {"--revocation soft --until 0 --reason x", "neither a time to come"},
    {"--revocation soft --until 2020-01-01T00:00:00Z --reason x",
     "neither a time to come"},
    {"--revocation soft --until 86401s --reason x", "more than 24 hours"},
    {"--revocation soft --until 2d --reason x", "more than 24 hours"},
    {"--revocation soft --until 2999-01-01T00:00:00Z --reason x",
     "more than 24 hours"},
    {"--revocation soft --until 1h --reason \001", "one line of text"},
    {"--revocation soft --until 1h --reason x --clear", "stands alone"},
    {"--revocation soft --until 1h --reason x --at 2024-01-01T00:00:00Z",
     "--at only shows"},
    {"--clear --at 2024-01-01T00:00:00Z", "--at only shows"},
    {"--revocation soft --revocation soft", "may be given once"},
    {"--reason=", "--reason needs a value"},
    {"now", "usage: certmap override"},
};

/* What is not understood writes nothing. */
static void
test_usage(void **state)
{
    char line[256];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(line, sizeof(line), STORE " %s", rows[i].options);
        run_says(line, CM_EXIT_USAGE, "", rows[i].err);
        assert_int_not_equal(access("store", F_OK), 0);
    }
}

static void
test_setting(void **state)
{
    (void)state;
    run_says(STORE, CM_EXIT_NO, "No override is in force.\n", "");
    run_says(STORE " --json", CM_EXIT_NO, "\"revocation\": null", "");
    run_says(STORE " --revocation soft --until 24h --reason outage",
             CM_EXIT_YES, "revocation is soft until ", "");
    run_says(STORE, CM_EXIT_YES, ": outage\n", "");
    run_says(STORE " --json", CM_EXIT_YES, "\"reason\": \"outage\"", "");
    /* The latest word counts. */
    run_says(STORE " --revocation soft --until 1h --reason again", CM_EXIT_YES,
             ": again\n", "");
    run_says(STORE " --clear", CM_EXIT_YES, "No override is in force.\n", "");
    run_says(STORE, CM_EXIT_NO, "No override is in force.\n", "");
    run_says(STORE " --clear", CM_EXIT_YES, "No override is in force.\n", "");
}

/* It ends by itself, at the time it was given. */
static void
test_end(void **state)
{
    const int64_t now = time(NULL);
    const struct {
        int64_t at;
        enum cm_exit code;
    } ends[] = {
        {now + HOUR / 2, CM_EXIT_YES},
        {now + HOUR + 60, CM_EXIT_NO},
        {now - 60, CM_EXIT_NO}, /* before it was set */
    };
    char line[128], when[CM_TIME_TEXT];

    (void)state;
    run_says(STORE " --revocation soft --until 1h --reason x", CM_EXIT_YES, "",
             "");
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        cm_time_text(ends[i].at, when);
        snprintf(line, sizeof(line), STORE " --at %s", when);
        run_says(line, ends[i].code, "", "");
    }
}

/* A file that gives itself a longer life has none of it. */
static void
test_longer_than_a_day(void **state)
{
    const int64_t now = time(NULL);
    char text[256], set_at[CM_TIME_TEXT];

    (void)state;
    assert_int_equal(mkdir("store", 0755), 0);
    for (int old = 0; old < 2; old++) {
        cm_time_text(now - (old ? DAY : DAY - HOUR), set_at);
        snprintf(text, sizeof(text), "soft %s 2999-01-01T00:00:00Z x\n",
                 set_at);
        folder_write("store/override", text, strlen(text));
        run_says(STORE, old ? CM_EXIT_NO : CM_EXIT_YES, "", "");
    }
}

static void
test_store_not_to_be_written(void **state)
{
    (void)state;
    assert_int_equal(mkdir("store", 0755), 0);
    assert_int_equal(chmod("store", 0777), 0);
    run_says(STORE " --revocation soft --until 1h --reason x",
             CM_EXIT_UNAVAILABLE, "", "the store store cannot be used");
    run_says(STORE " --clear", CM_EXIT_UNAVAILABLE, "", "may write to it");
    run_says("override --store none/store --clear", CM_EXIT_UNAVAILABLE, "",
             "cannot be made");
    run_says("override -c nowhere.conf", CM_EXIT_USAGE, "", "nowhere.conf");
}

/* A folder of its own for each test. */
static int
set_up(void **state)
{
    char name[] = "testXXXXXX";

    (void)state;
    return mkdtemp(name) == NULL || chdir(name) != 0;
}

static int
tear_down(void **state)
{
    (void)state;
    return chdir("..");
}

#define TEST(function)                                                        \
    cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_usage),
        TEST(test_setting),
        TEST(test_end),
        TEST(test_longer_than_a_day),
        TEST(test_store_not_to_be_written),
    };

    return cmocka_run_group_tests(tests, folder_set_up, folder_tear_down);
}
