/*
 * The KDC's own certificate and what may lead from it to an anchor, as the
 * profile names them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <profile.h>

#include "stock_fixture.h"
#include "stock_own.h"

static struct stock_fixture fixture;

static int
set_up(void **state)
{
    (void)state;
    stock_fixture_make(&fixture);
    stock_fixture_pair(&fixture, "both.pem", 0);
    stock_fixture_certificate(&fixture, "one.pem", 1);
    stock_fixture_certificate(&fixture, "two.pem", 2);
    scratch_write(&fixture.scratch, "rubbish.pem", "rubbish\n");
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    stock_fixture_remove(&fixture);
    return 0;
}

static void
read_files(const char *conf, struct cm_own_files *out)
{
    const char *names[2] = {NULL, NULL};
    profile_t profile;

    scratch_write(&fixture.scratch, "own.conf", conf);
    names[0] = scratch_path(&fixture.scratch, "own.conf");
    assert_int_equal(profile_init(names, &profile), 0);
    assert_true(cm_own_files_read(profile, "R", out));
    profile_release(profile);
}

#define REALM(relations) "[realms]\nR = {\n" relations "}\n"

static const struct {
    const char *name;
    const char *conf;
    enum cm_reason expected;
    size_t anchors, pool;
} cases[] = {
    {"nothing", REALM(""), CM_CONFIG, 0, 0},
    {"a certificate", REALM("pkinit_identity = FILE:@/kdc.pem,@/kdc.key\n"),
     CM_OK, 0, 0},
    {"with its key", REALM("pkinit_identity = FILE:@/both.pem\n"), CM_OK, 0,
     0},
    {"of the defaults",
     "[kdcdefaults]\npkinit_identity = FILE:@/kdc.pem,@/kdc.key\n"
     "pkinit_anchors = FILE:@/roots.pem\n",
     CM_OK, 1, 0},
    {"the realm's alone",
     "[kdcdefaults]\npkinit_anchors = FILE:@/roots.pem\n" REALM(
         "pkinit_identity = FILE:@/kdc.pem,@/kdc.key\n"
         "pkinit_anchors = FILE:@/one.pem\n"
         "pkinit_anchors = FILE:@/two.pem\n"
         "pkinit_pool = FILE:@/two.pem\n"),
     CM_OK, 2, 1},
    {"what cannot be read is left out",
     REALM("pkinit_identity = FILE:@/kdc.pem,@/kdc.key\n"
           "pkinit_anchors = FILE:@/absent.pem\n"
           "pkinit_anchors = FILE:@/rubbish.pem\n"
           "pkinit_anchors = ENV:NOBODY\n"
           "pkinit_anchors = FILE:@/one.pem\n"
           "pkinit_pool = DIR:@/absent\n"),
     CM_OK, 1, 0},
    {"no file", REALM("pkinit_identity = FILE:@/absent.pem,@/kdc.key\n"),
     CM_CONFIG, 0, 0},
    {"no certificate", REALM("pkinit_identity = FILE:@/rubbish.pem\n"),
     CM_CONFIG, 0, 0},
    {"a key", REALM("pkinit_identity = FILE:@/kdc.key,@/kdc.key\n"), CM_CONFIG,
     0, 0},
    {"a card", REALM("pkinit_identity = PKCS11:module_name=x.so\n"), CM_CONFIG,
     0, 0},
};

static void
test_cases(void **state)
{
    struct cm_detail why;
    struct cm_own_files files;
    struct cm_own own;
    enum cm_reason found;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        why.text[0] = '\0';
        read_files(cases[i].conf, &files);
        found = cm_own_load(&files, NULL, &own, &why);
        if (found != cases[i].expected)
            print_error("%s: %s\n", cases[i].name, why.text);
        assert_int_equal(found, cases[i].expected);
        assert_int_equal(found == CM_OK, own.cert != NULL);
        assert_int_equal(found == CM_OK, why.text[0] == '\0');
        if (found == CM_OK) {
            assert_int_equal(own.snapshot->anchors.count, cases[i].anchors);
            assert_int_equal(own.snapshot->intermediates.count, cases[i].pool);
            assert_int_equal(own.snapshot->ntauth.count, 0);
        }
        cm_own_clear(&own);
        cm_own_files_clear(&files);
    }
}

/* What the realm trusts comes to it, but for its NTAuth list. */
static void
test_realm(void **state)
{
    struct cm_own_files files;
    struct cm_own own, whole;
    struct cm_snapshot *realm;
    struct cm_detail why;

    (void)state;
    read_files(REALM("pkinit_identity = FILE:@/one.pem\n"), &files);
    assert_int_equal(cm_own_load(&files, NULL, &own, &why), CM_OK);
    realm = cm_snapshot_build(&own.cert, 1, &own.cert, 1, &own.cert, 1);
    assert_non_null(realm);
    assert_int_equal(cm_own_load(&files, realm, &whole, &why), CM_OK);
    assert_int_equal(whole.snapshot->anchors.count, 1);
    assert_int_equal(whole.snapshot->intermediates.count, 1);
    assert_int_equal(whole.snapshot->ntauth.count, 0);
    cm_own_clear(&whole);
    cm_own_clear(&own);
    cm_snapshot_release(realm);
    cm_own_files_clear(&files);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cases, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_realm, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
