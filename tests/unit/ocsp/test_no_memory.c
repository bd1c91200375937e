/*
 * Allocations fail, ours and OpenSSL's, one in each run: nothing is accepted
 * that would not be accepted otherwise, and nothing leaks or crashes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "no_memory.h"
#include "path.h"
#include "trust.h"
#include "world.h"

/* OpenSSL allocates thousands of times to decode a key. */
enum { STRIDE_IN_OPENSSL = 41 };

static const struct {
    const char *leaf;
    const char *intermediates;
    const char *ntauth;
    enum cm_reason reason;
    const char *path;
} rows[] = {
    {"leaf", "ca", "ca", CM_OK, "leaf ca root"},
    {"leaf-without-aki", "ca ca-rekeyed", "ca", CM_OK,
     "leaf-without-aki ca root"},
    {"leaf-forged", "ca", "ca", CM_PATH_UNTRUSTED, ""},
    {"leaf-odd", "ca", "ca", CM_PATH_UNTRUSTED, ""},
    {"leaf-nc-bad", "ca-nc", "ca-nc", CM_PATH_UNTRUSTED, ""},
    {"leaf", "ca", "ca-rekeyed", CM_NTAUTH_ABSENT, ""},
    {"leaf-past", "ca", "ca", CM_CERT_VALIDITY, ""},
    {"leaf-sha1", "ca", "ca", CM_CERT_WEAK_CRYPTO, ""},
};

/* What else may be the answer where memory was short. */
static bool
is_cautious(enum cm_reason reason)
{
    return reason == CM_NO_MEMORY || reason == CM_PATH_UNTRUSTED ||
           reason == CM_CERT_WEAK_CRYPTO || reason == CM_NTAUTH_ABSENT;
}

/* Fails allocation number n.  False: there were not so many. */
static bool
fail_once(size_t row, long *left, long n)
{
    struct cm_path_rules rules = world_rules();
    struct cm_snapshot *snapshot;
    struct cm_detail detail;
    enum cm_reason reason;
    struct cm_path path;
    bool failed;

    rules.require_ntauth = true;
    snapshot = world_snapshot("root", rows[row].intermediates,
                              rows[row].ntauth, WORLD_FORWARD);
    *left = n;
    reason = cm_path_find(snapshot, world_get(rows[row].leaf), &rules, NULL,
                          NULL, &path, &detail);
    failed = *left < 0;
    *left = -1;
    if (reason != rows[row].reason && !(failed && is_cautious(reason)))
        fail_msg("%s, allocation %ld: %s", rows[row].leaf, n,
                 cm_reason_token(reason));
    assert_string_equal(world_path(&path),
                        reason == CM_OK ? rows[row].path : "");
    cm_path_clear(&path);
    cm_snapshot_release(snapshot);
    return failed;
}

static void
test_path(void **state)
{
    long n;

    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(*rows); row++) {
        for (n = 0; fail_once(row, &no_memory_ours, n); n++)
            ;
        assert_true(n > 1);
        for (n = 0; fail_once(row, &no_memory_openssl, n); n++)
            ;
        assert_true(n > 10);
    }
}

/* One look with allocation number n failing, then looks without. */
static bool
fail_one_look(const struct cm_trust_config *config, long *left, long n)
{
    struct cm_trust *trust = cm_trust_new(config, NULL);
    struct cm_snapshot *snapshot;
    struct cm_detail detail;
    enum cm_reason reason;
    bool failed;

    assert_non_null(trust);
    *left = n;
    reason = cm_trust_current(trust, 0, &snapshot, &detail);
    failed = *left < 0;
    *left = -1;
    if (reason != CM_OK)
        assert_null(snapshot);
    assert_true(failed || reason == CM_OK);
    cm_snapshot_release(snapshot);
    /* Whatever failed is made good by later looks. */
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(
            cm_trust_current(trust, i * CM_TRUST_LOOK_MS, &snapshot, &detail),
            CM_OK);
        assert_int_equal(snapshot->anchors.count, 1);
        assert_int_equal(snapshot->intermediates.count, 2);
        assert_int_equal(snapshot->ntauth.count, 1);
        cm_snapshot_release(snapshot);
    }
    cm_trust_free(trust);
    return failed;
}

static void
test_trust(void **state)
{
    char roots[256], folder[256];
    struct cm_trust_config config = {
        .anchors = {CM_LOCATION_FILE, roots},
        .intermediates = {CM_LOCATION_DIR, folder},
        .ntauth = {CM_LOCATION_FILE, roots},
    };
    long n;

    (void)state;
    files_make();
    files_put_one("roots.pem", world_get("root"));
    files_make_folder("inter");
    files_put_one("inter/1.pem", world_get("ca"));
    files_put_one("inter/2.pem", world_get("ca-cross"));
    strcpy(roots, files_path("roots.pem"));
    strcpy(folder, files_path("inter"));
    for (n = 0; fail_one_look(&config, &no_memory_ours, n); n++)
        ;
    assert_true(n > 20);
    for (n = 0; fail_one_look(&config, &no_memory_openssl, n);
         n += STRIDE_IN_OPENSSL)
        ;
    assert_true(n > 1000);
    files_remove();
}

static int
set_up(void **state)
{
    world_set_up(state);
    /* OpenSSL's own tables are made at first use and kept. */
    for (size_t row = 0; row < sizeof(rows) / sizeof(*rows); row++)
        assert_false(fail_once(row, &no_memory_ours, 1000000));
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_trust),
    };

    if (!no_memory_prepare())
        return 1;
    return cmocka_run_group_tests(tests, set_up, world_tear_down);
}
