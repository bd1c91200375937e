/*
 * The KDC's certificate and key, as stock PKINIT is given them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stock_fixture.h"
#include "testcert.h"

static struct stock_fixture fixture;

static int
set_up(void **state)
{
    (void)state;
    stock_fixture_make(&fixture);
    return 0;
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

/* Renewed one after the other: nothing is loaded between the two. */
static void
test_renewal(void **state)
{
    struct cm_stock *stock = stock_fixture_open(&fixture, NULL);

    (void)state;
    assert_int_equal(number(stock), 1);
    stock_fixture_certificate(&fixture, "kdc.pem", 5);
    assert_int_equal(number_settled(stock), 1);
    assert_int_equal(stock_fixture_lines(&fixture, "do not belong together"),
                     1);
    stock_fixture_key(&fixture, "kdc.key", 5);
    assert_int_equal(number_settled(stock), 2);
    /* The key alone, of another kind this time. */
    stock_fixture_write_key(&fixture, "kdc.key", tc_key(TC_RSA_2048, 0));
    assert_int_equal(number_settled(stock), 2);
    assert_int_equal(stock_fixture_lines(&fixture, "do not belong together"),
                     1);
    cm_stock_free(stock);
}

/* Every way to name the pair is asked; a first generation is, too. */
static void
test_pairs(void **state)
{
    static const struct {
        const char *identity;
        bool fits;
    } cases[] = {
        {"FILE:@/kdc.pem,@/kdc.key", true},
        {"FILE:@/kdc.pem,@/other.key", false},
        {"@/kdc.pem,@/other.key", false},
        {"ENV:CERTMAP_TEST_WRONG", false},
        {"ENV:CERTMAP_TEST_RIGHT", true},
        {"FILE:@/both.pem", true},
        {"DIR:@/", true},
    };
    char text[SCRATCH_PATH * 4];
    struct cm_stock *stock;

    (void)state;
    stock_fixture_key(&fixture, "other.key", 6);
    stock_fixture_pair(&fixture, "both.pem", 0);
    /* A DIR holds pairs by name. */
    stock_fixture_certificate(&fixture, "kdc.crt", 0);
    snprintf(text, sizeof(text), "FILE:%s/kdc.pem,%s/other.key",
             fixture.scratch.folder, fixture.scratch.folder);
    setenv("CERTMAP_TEST_WRONG", text, 1);
    snprintf(text, sizeof(text), "%s/kdc.pem,%s/kdc.key",
             fixture.scratch.folder, fixture.scratch.folder);
    setenv("CERTMAP_TEST_RIGHT", text, 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        snprintf(text, sizeof(text),
                 "[kdcdefaults]\npkinit_identity = %s\n"
                 "pkinit_anchors = FILE:@/roots.pem\n",
                 cases[i].identity);
        stock_fixture_conf(&fixture, text);
        if (strncmp(cases[i].identity, "DIR:", 4) == 0)
            assert_int_equal(
                remove(scratch_path(&fixture.scratch, "other.key")), 0);
        stock = stock_fixture_open(&fixture, NULL);
        assert_int_equal(number(stock), cases[i].fits);
        assert_int_equal(
            stock_fixture_lines(&fixture, "do not belong together"),
            !cases[i].fits);
        cm_stock_free(stock);
    }
    unsetenv("CERTMAP_TEST_WRONG");
    unsetenv("CERTMAP_TEST_RIGHT");
}

/* One realm's pair is nothing to another. */
static void
test_pair_of_one_realm(void **state)
{
    static const char *const realms[] = {"ONE.COM", "TWO.COM", NULL};
    struct cm_stock *stock;

    (void)state;
    stock_fixture_certificate(&fixture, "two.pem", 3);
    stock_fixture_conf(&fixture, "[kdcdefaults]\n"
                                 "pkinit_anchors = FILE:@/roots.pem\n"
                                 "pkinit_identity = FILE:@/kdc.pem,@/kdc.key\n"
                                 "[realms]\nTWO.COM = {\n"
                                 "pkinit_identity = FILE:@/two.pem,@/two.key\n"
                                 "}\n");
    stock_fixture_key(&fixture, "two.key", 4);
    stock = stock_fixture_open(&fixture, realms);
    assert_int_equal(number(stock), 1);
    assert_int_equal(
        stock_fixture_lines(&fixture, "a realm: TWO.COM: certificate and key"),
        1);
    stock_fixture_key(&fixture, "two.key", 3);
    assert_int_equal(number_settled(stock), 2);
    stock_fixture_certificate(&fixture, "two.pem", 4);
    assert_int_equal(number_settled(stock), 2);
    assert_int_equal(
        stock_fixture_lines(&fixture, "had: TWO.COM: certificate and key"), 1);
    cm_stock_free(stock);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_renewal),
        TEST(test_pairs),
        TEST(test_pair_of_one_realm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
