/*
 * Generations of the stock PKINIT module, with the real one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stock_fixture.h"

static const char *const realms[] = {"EXAMPLE.COM", NULL};
static const char *const two_realms[] = {"ONE.COM", "TWO.COM", NULL};

#define LOADED "has loaded its files anew"
#define FAILED "does not load"
#define KEPT "goes on with what it had"

static struct stock_fixture fixture;

/* The wall clock stands still where a test began, so that no file lies still
 * by it, however long the machine takes; tests may set it forward. */
static struct timespec wall;

enum { A_WHILE_S = 3600 };

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

int
__wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    if (clock != CLOCK_REALTIME)
        return __real_clock_gettime(clock, now);
    *now = wall;
    return 0;
}

static int
set_up(void **state)
{
    (void)state;
    stock_fixture_make(&fixture);
    return __real_clock_gettime(CLOCK_REALTIME, &wall);
}

static int
tear_down(void **state)
{
    (void)state;
    stock_fixture_remove(&fixture);
    return 0;
}

static unsigned long
number(struct cm_stock *stock)
{
    return stock_fixture_number(&fixture, stock);
}

static unsigned long
number_settled(struct cm_stock *stock)
{
    return stock_fixture_settled(&fixture, stock);
}

static void
test_load(void **state)
{
    struct krb5_kdcpreauth_vtable_st vt;
    struct cm_stock *stock = stock_fixture_open(&fixture, NULL);
    struct cm_generation *generation;

    (void)state;
    assert_true(cm_stock_vtable(stock, &vt, &fixture.detail));
    assert_string_equal(vt.name, "pkinit");
    assert_int_equal(vt.pa_type_list[0], KRB5_PADATA_PK_AS_REQ);
    generation = cm_stock_current(stock, fixture.now, &fixture.detail);
    assert_non_null(generation);
    assert_int_equal(generation->number, 1);
    assert_non_null(generation->moddata);
    assert_ptr_equal(generation->vt.verify, vt.verify);
    cm_generation_release(generation);
    assert_int_equal(fixture.lines.count, 0);
    cm_stock_free(stock);
    cm_stock_free(NULL);
    cm_generation_release(NULL);
}

/* An object that is not there, and one that is not it. */
static void
test_wrong_object(void **state)
{
    static const char *const paths[] = {"/nonexistent/pkinit.so",
                                        CERTMAP_MODULE_PATH};
    struct krb5_kdcpreauth_vtable_st vt;
    struct cm_stock *stock;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        stock = cm_stock_new(paths[i], realms, &fixture.log);
        assert_non_null(stock);
        assert_int_equal(stock_fixture_lines(&fixture, FAILED), 1);
        assert_false(cm_stock_vtable(stock, &vt, &fixture.detail));
        assert_non_null(strstr(fixture.detail.text, "stock PKINIT: "));
        memset(&fixture.detail, 0, sizeof(fixture.detail));
        assert_int_equal(number_settled(stock), 0);
        assert_non_null(strstr(fixture.detail.text, "stock PKINIT: "));
        assert_int_equal(fixture.lines.count, 0);
        cm_stock_free(stock);
    }
}

/* Where krb5.conf says that the plugins are, there we look. */
static void
test_plugin_base_dir(void **state)
{
    struct cm_stock *stock;

    (void)state;
    scratch_write(&fixture.scratch, "krb5.conf",
                  "[libdefaults]\nplugin_base_dir = @/nowhere\n");
    stock = stock_fixture_open(&fixture, NULL);
    assert_int_equal(
        stock_fixture_lines(&fixture, "/nowhere/preauth/pkinit.so"), 1);
    assert_int_equal(number(stock), 0);
    cm_stock_free(stock);
}

static void
test_unchanged(void **state)
{
    struct cm_stock *stock = stock_fixture_open(&fixture, NULL);
    struct cm_generation *first =
        cm_stock_current(stock, fixture.now, &fixture.detail);
    struct cm_generation *again;

    (void)state;
    for (int i = 0; i < 100; i++) {
        fixture.now += CM_STOCK_LOOK_MS;
        again = cm_stock_current(stock, fixture.now, &fixture.detail);
        assert_ptr_equal(again, first);
        cm_generation_release(again);
    }
    cm_generation_release(first);
    cm_stock_free(stock);
    assert_int_equal(fixture.lines.count, 0);
}

/* Every file that the configuration names, by every way of naming one. */
static void
test_each_file(void **state)
{
    static const char *const files[] = {
        "kdc.pem",  "kdc.key",        "roots.pem",      "pool.pem",
        "more.pem", "folder/one.pem", "folder/new.pem", "identities.pem"};
    struct cm_stock *stock;
    unsigned long before;

    (void)state;
    assert_int_equal(mkdir(scratch_path(&fixture.scratch, "folder"), 0700), 0);
    for (size_t i = 3; i < 6; i++)
        stock_fixture_certificate(&fixture, files[i], 1);
    stock_fixture_conf(&fixture,
                       "[kdcdefaults]\n"
                       "pkinit_identity = @/kdc.pem,@/kdc.key\n"
                       "pkinit_anchors = FILE:@/roots.pem\n"
                       "pkinit_anchors = DIR:@/folder\n"
                       "[realms]\nEXAMPLE.COM = {\n"
                       "pkinit_pool = FILE:@/pool.pem\n"
                       "pkinit_anchors = FILE:@/more.pem\n"
                       "pkinit_identities = FILE:@/identities.pem\n}\n");
    stock = stock_fixture_open(&fixture, NULL);
    assert_int_equal(number(stock), 1);
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        before = number_settled(stock);
        if (strstr(files[i], "key") != NULL)
            stock_fixture_key(&fixture, files[i], 0);
        else
            stock_fixture_certificate(&fixture, files[i], 0);
        assert_int_equal(number_settled(stock), before + 1);
    }
    assert_int_equal(stock_fixture_lines(&fixture, LOADED), 8);
    cm_stock_free(stock);
}

/* A look is taken so often and no oftener, and a file that is being written
 * is left alone until it lies still. */
static void
test_settling(void **state)
{
    struct cm_stock *stock = stock_fixture_open(&fixture, NULL);

    (void)state;
    assert_int_equal(number(stock), 1);
    stock_fixture_certificate(&fixture, "roots.pem", 2);
    fixture.now += CM_STOCK_LOOK_MS - 1;
    assert_int_equal(number(stock), 1);
    for (int i = 0; i < 5; i++) {
        fixture.now += CM_STOCK_LOOK_MS;
        stock_fixture_certificate(&fixture, "roots.pem", 3);
        scratch_write(&fixture.scratch, "roots.pem", i % 2 ? "a" : "ab");
        assert_int_equal(number(stock), 1);
    }
    stock_fixture_certificate(&fixture, "roots.pem", 3);
    fixture.now += CM_STOCK_LOOK_MS;
    assert_int_equal(number(stock), 1);
    fixture.now += CM_STOCK_LOOK_MS;
    assert_int_equal(number(stock), 2);
    assert_int_equal(stock_fixture_lines(&fixture, FAILED), 0);
    cm_stock_free(stock);
}

/* Where nobody looked for a while, what has long lain still is loaded at the
 * first look: the login after a CA was removed is not accepted any more. */
static void
test_long_still(void **state)
{
    struct cm_stock *stock = stock_fixture_open(&fixture, NULL);

    (void)state;
    assert_int_equal(number(stock), 1);
    stock_fixture_certificate(&fixture, "roots.pem", 2);
    wall.tv_sec += A_WHILE_S;
    fixture.now += CM_STOCK_LOOK_MS;
    assert_int_equal(number(stock), 2);
    cm_stock_free(stock);
}

static void
test_missing_then_there(void **state)
{
    struct cm_stock *stock;

    (void)state;
    assert_int_equal(remove(scratch_path(&fixture.scratch, "kdc.key")), 0);
    stock = stock_fixture_open(&fixture, NULL);
    assert_int_equal(stock_fixture_lines(&fixture, FAILED), 1);
    assert_int_equal(number_settled(stock), 0);
    assert_true(fixture.detail.text[0] != '\0');
    /* Nothing changed: nothing is said. */
    for (int i = 0; i < 20; i++) {
        fixture.now += CM_STOCK_RETRY_MS;
        assert_int_equal(number(stock), 0);
    }
    assert_int_equal(fixture.lines.count, 0);
    stock_fixture_key(&fixture, "kdc.key", 0);
    assert_int_equal(number_settled(stock), 1);
    assert_int_equal(stock_fixture_lines(&fixture, LOADED), 1);
    cm_stock_free(stock);
}

/* What failed for a reason that no file shows is tried again. */
static void
test_retry(void **state)
{
    struct cm_stock *stock;

    (void)state;
    scratch_write(&fixture.scratch, "kdc.conf", "");
    stock = stock_fixture_open(&fixture, NULL);
    assert_int_equal(stock_fixture_lines(&fixture, FAILED), 1);
    assert_int_equal(number(stock), 0);
    stock_fixture_conf(&fixture, NULL);
    fixture.now += CM_STOCK_RETRY_MS - 1;
    assert_int_equal(number(stock), 0);
    fixture.now += CM_STOCK_RETRY_MS;
    assert_int_equal(number(stock), 1);
    cm_stock_free(stock);
}

static void
test_broken_keeps(void **state)
{
    struct cm_stock *stock = stock_fixture_open(&fixture, NULL);

    (void)state;
    assert_int_equal(number(stock), 1);
    scratch_write(&fixture.scratch, "kdc.pem", "this is no certificate\n");
    assert_int_equal(number_settled(stock), 1);
    assert_int_equal(stock_fixture_lines(&fixture, KEPT), 1);
    assert_int_equal(number_settled(stock), 1);
    fixture.now += CM_STOCK_RETRY_MS;
    assert_int_equal(number_settled(stock), 1);
    assert_int_equal(fixture.lines.count, 0);
    scratch_write(&fixture.scratch, "kdc.pem", "nor is this\n");
    assert_int_equal(number_settled(stock), 1);
    assert_int_equal(stock_fixture_lines(&fixture, KEPT), 1);
    assert_int_equal(remove(scratch_path(&fixture.scratch, "roots.pem")), 0);
    assert_int_equal(number_settled(stock), 1);
    assert_int_equal(stock_fixture_lines(&fixture, KEPT), 1);
    stock_fixture_certificate(&fixture, "kdc.pem", 0);
    stock_fixture_certificate(&fixture, "roots.pem", 1);
    assert_int_equal(number_settled(stock), 2);
    cm_stock_free(stock);
}

/* A realm that nobody configured is passed over; one that was served is not
 * lost to a broken file of its own. */
static void
test_two_realms(void **state)
{
    struct cm_stock *stock;

    (void)state;
    stock_fixture_conf(&fixture, "[realms]\nONE.COM = {\n"
                                 "pkinit_identity = FILE:@/kdc.pem,@/kdc.key\n"
                                 "pkinit_anchors = FILE:@/roots.pem\n}\n"
                                 "TWO.COM = {\n"
                                 "pkinit_identity = FILE:@/two.pem,@/kdc.key\n"
                                 "pkinit_anchors = FILE:@/roots.pem\n}\n");
    stock = stock_fixture_open(&fixture, two_realms);
    assert_int_equal(number(stock), 1);
    assert_int_equal(stock_fixture_lines(&fixture, "a realm: TWO.COM: "), 1);
    stock_fixture_certificate(&fixture, "two.pem", 0);
    assert_int_equal(number_settled(stock), 2);
    assert_int_equal(stock_fixture_lines(&fixture, "TWO.COM"), 0);
    scratch_write(&fixture.scratch, "two.pem", "broken\n");
    assert_int_equal(number_settled(stock), 2);
    assert_int_equal(stock_fixture_lines(&fixture, KEPT ": TWO.COM: "), 1);
    stock_fixture_certificate(&fixture, "two.pem", 0);
    assert_int_equal(number_settled(stock), 3);
    cm_stock_free(stock);
}

/* A request begun with one generation ends with it. */
static void
test_held(void **state)
{
    struct cm_stock *stock = stock_fixture_open(&fixture, NULL);
    struct cm_generation *first =
        cm_stock_current(stock, fixture.now, &fixture.detail);
    struct cm_generation *second;

    (void)state;
    assert_ptr_equal(cm_generation_hold(first), first);
    stock_fixture_certificate(&fixture, "roots.pem", 2);
    assert_int_equal(number_settled(stock), 2);
    second = cm_stock_current(stock, fixture.now, &fixture.detail);
    assert_ptr_not_equal(first, second);
    assert_ptr_not_equal(first->moddata, second->moddata);
    cm_generation_release(first);
    assert_int_equal(first->number, 1);
    cm_stock_free(stock);
    /* The object is still there for both. */
    assert_int_equal(first->vt.flags(first->context, KRB5_PADATA_PK_AS_REQ),
                     second->vt.flags(second->context, KRB5_PADATA_PK_AS_REQ));
    cm_generation_release(second);
    cm_generation_release(first);
}

/* The realms' names need not outlive the call: the KDC frees them. */
static void
test_names_are_copied(void **state)
{
    char name[] = "EXAMPLE.COM";
    const char *names[] = {name, NULL};
    struct cm_stock *stock = stock_fixture_open(&fixture, names);

    (void)state;
    memset(name, 'x', sizeof(name) - 1);
    stock_fixture_certificate(&fixture, "roots.pem", 2);
    assert_int_equal(number_settled(stock), 2);
    cm_stock_free(stock);
}

/* In a worker: what the parent loaded serves, and follows the files. */
static void
test_fork(void **state)
{
    struct cm_stock *stock = stock_fixture_open(&fixture, NULL);
    struct cm_generation *first =
        cm_stock_current(stock, fixture.now, &fixture.detail);
    int status = -1;
    pid_t pid;
    bool ok;

    (void)state;
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        ok = number_settled(stock) == 1;
        stock_fixture_certificate(&fixture, "roots.pem", 2);
        ok = ok && number_settled(stock) == 2;
        cm_generation_release(first);
        cm_stock_free(stock);
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    cm_generation_release(first);
    assert_int_equal(number_settled(stock), 2);
    cm_stock_free(stock);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_load),
        TEST(test_wrong_object),
        TEST(test_plugin_base_dir),
        TEST(test_unchanged),
        TEST(test_each_file),
        TEST(test_settling),
        TEST(test_long_still),
        TEST(test_missing_then_there),
        TEST(test_retry),
        TEST(test_broken_keeps),
        TEST(test_two_realms),
        TEST(test_held),
        TEST(test_names_are_copied),
        TEST(test_fork),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
