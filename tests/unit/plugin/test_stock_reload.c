/*
 * A thousand generations, one after the other: nothing of them stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <malloc.h>
#include <sys/stat.h>

#include "stock_fixture.h"

enum {
    RELOADS = 1000,
    FEWER = 250,        /* of what is done in nearly the same way */
    WARM = 100,         /* after so many, everything is what it stays */
    MARGIN = 4096,      /* bytes of heap for all that follow */
    REQUESTS_ALIVE = 7, /* generations held at once */
};

static const char *const realms[] = {"EXAMPLE.COM", NULL};
static const char *const two_realms[] = {"EXAMPLE.COM", "NO.PKINIT", NULL};

static struct stock_fixture fixture;
static int64_t now;

static int
set_up(void **state)
{
    (void)state;
    stock_fixture_make(&fixture);
    /* Something of every kind that a generation holds. */
    assert_int_equal(mkdir(scratch_path(&fixture.scratch, "pool"), 0700), 0);
    stock_fixture_certificate(&fixture, "pool/one.pem", 2);
    stock_fixture_certificate(&fixture, "pool/two.pem", 3);
    stock_fixture_conf(&fixture, "[kdcdefaults]\n"
                                 "pkinit_identity = FILE:@/kdc.pem,@/kdc.key\n"
                                 "pkinit_anchors = FILE:@/roots.pem\n"
                                 "pkinit_pool = DIR:@/pool\n"
                                 "pkinit_indicator = card\n");
    now = 1000;
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    stock_fixture_remove(&fixture);
    return 0;
}

static size_t
descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

/* What is mapped of shared objects. */
static size_t
mappings(void)
{
    FILE *file = fopen("/proc/self/maps", "re");
    size_t count = 0, size = 0;
    char *line = NULL;

    assert_non_null(file);
    while (getline(&line, &size, file) > 0)
        count += strstr(line, ".so") != NULL;
    free(line);
    fclose(file);
    return count;
}

/* The generation after this one; held for the caller. */
static struct cm_generation *
next(struct cm_stock *stock, unsigned long number)
{
    struct cm_generation *generation;
    struct cm_detail detail;

    stock_fixture_certificate(&fixture, "roots.pem", (unsigned)(number % 3));
    for (int i = 0; i < 2; i++) {
        now += CM_STOCK_LOOK_MS;
        generation = cm_stock_current(stock, now, &detail);
        assert_non_null(generation);
        if (generation->number == number)
            return generation;
        cm_generation_release(generation);
    }
    fail_msg("there is no generation %lu", number);
    return NULL;
}

/* What a process has: to be the same in the end as when it was warm. */
struct census {
    size_t heap; /* a sanitizer's allocator says nothing here */
    size_t descriptors;
    size_t mappings;
};

static struct census
take_census(void)
{
    struct census census;

    cm_text_list_clear(&fixture.lines);
    census.heap = mallinfo2().uordblks;
    census.descriptors = descriptors();
    census.mappings = mappings();
    return census;
}

static void
compare(const struct census *end, const struct census *warm)
{
#ifdef __SANITIZE_ADDRESS__
    /* Its allocator tells nothing here; what it finds, it says at the end. */
    (void)warm->heap;
#else
    assert_in_range(end->heap, 0, warm->heap + MARGIN);
#endif
    assert_int_equal(end->descriptors, warm->descriptors);
    assert_int_equal(end->mappings, warm->mappings);
}

/* Each generation is held by a request that ends a few reloads later. */
static void
reload(struct cm_stock *stock, unsigned long times)
{
    struct cm_generation *alive[REQUESTS_ALIVE] = {NULL}, *made;
    struct census warm = {0, 0, 0}, end;

    for (unsigned long i = 2; i <= times + 1; i++) {
        made = next(stock, i);
        cm_generation_release(alive[i % REQUESTS_ALIVE]);
        alive[i % REQUESTS_ALIVE] = made;
        if (i == WARM)
            warm = take_census();
    }
    end = take_census();
    for (size_t i = 0; i < REQUESTS_ALIVE; i++)
        cm_generation_release(alive[i]);
    compare(&end, &warm);
}

static void
test_reloads(void **state)
{
    struct cm_stock *stock = cm_stock_new(NULL, realms, &fixture.log);

    (void)state;
    assert_non_null(stock);
    reload(stock, RELOADS);
    cm_stock_free(stock);
}

/* The same where each realm is tried by itself, and one never serves. */
static void
test_reloads_of_two_realms(void **state)
{
    struct cm_stock *stock = cm_stock_new(NULL, two_realms, &fixture.log);

    (void)state;
    assert_non_null(stock);
    reload(stock, FEWER);
    cm_stock_free(stock);
}

/* A load that fails leaves nothing either. */
static void
test_failures(void **state)
{
    struct cm_stock *stock = cm_stock_new(NULL, realms, &fixture.log);
    struct census warm = {0, 0, 0}, end;
    struct cm_generation *generation;
    struct cm_detail detail;

    (void)state;
    assert_non_null(stock);
    scratch_write(&fixture.scratch, "kdc.pem", "broken\n");
    for (int i = 0; i < FEWER; i++) {
        now += CM_STOCK_RETRY_MS;
        generation = cm_stock_current(stock, now, &detail);
        assert_non_null(generation);
        assert_int_equal(generation->number, 1);
        cm_generation_release(generation);
        if (i == WARM)
            warm = take_census();
    }
    end = take_census();
    compare(&end, &warm);
    cm_stock_free(stock);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_reloads),
        TEST(test_reloads_of_two_realms),
        TEST(test_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
