/*
 * Allocations fail while the store is asked, ours and OpenSSL's, one in each
 * run: what is revoked or denied is never let through, in any mode.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "no_memory.h"
#include "revocation.h"
#include "store_fixture.h"

enum { HOUR = 3600 };

#define END " 17'270101000000Z' "

static void
put_crl(const X509 *issuer, EVP_PKEY *key, const uint8_t spki[32],
        const char *entries)
{
    struct crlgen_spec spec =
        crl_of(issuer, key, NUMBER("01"), entries, " 17'251231000000Z' ");

    spec.next_update = END;
    assert_int_equal(publish(&spec, spki, false), CM_PUBLISHED);
}

static void
put_response(const char *status)
{
    size_t len;
    uint8_t *bytes = response_about(leaf, ca, ca_key(), status, STORE_NOW,
                                    STORE_NOW + HOUR, &len);

    assert_int_equal(publish_response(leaf, ca, bytes, len, STORE_NOW),
                     CM_PUBLISHED);
    free(bytes);
}

static void
put_deny(void)
{
    files_write_text("store/deny", "serial 0a7b:\"O=Acme\\, Inc,CN=CA 1\" "
                                   "never 2025-01-01T00:00:00Z lost\n");
    assert_int_equal(chmod(store_path("deny"), 0644), 0);
}

/* One check with a fresh handle; allocation number n fails.  False: there
 * were not so many. */
static bool
fail_once(enum cm_revocation_mode mode, enum cm_reason expected, long *left,
          long n)
{
    static struct cm_revocation_result result;
    struct cm_path_rules rules = store_rules(STORE_NOW);
    struct cm_revocation_policy policy = {.mode = mode};
    struct cm_path path = {.certs = {leaf, ca, root}, .count = 3};
    struct cm_snapshot *snapshot = cm_snapshot_build(&root, 1, &ca, 1, &ca, 1);
    struct cm_revocation_question question;
    enum cm_reason reason;
    bool failed;

    assert_non_null(snapshot);
    restart(false);
    *left = n;
    question = (struct cm_revocation_question){store,  &path,   snapshot,
                                               &rules, &policy, NULL};
    reason = cm_revocation_check(&question, 0, &result, &why);
    failed = *left < 0;
    *left = -1;
    cm_snapshot_release(snapshot);
    if (reason != expected && (!failed || reason == CM_OK))
        fail_msg("mode %d, allocation %ld: %s, %s", (int)mode, n,
                 cm_reason_token(reason), why.text);
    return failed;
}

static void
fail_each(enum cm_revocation_mode mode, enum cm_reason expected)
{
    long n;

    for (n = 0; fail_once(mode, expected, &no_memory_ours, n); n++)
        ;
    assert_true(n > 1);
    for (n = 0; fail_once(mode, expected, &no_memory_openssl, n); n++)
        ;
}

static void
test_good(void **state)
{
    (void)state;
    put_crl(ca, ca_key(), ca_spki, REVOKE("0102"));
    put_crl(root, root_key(), root_spki, REVOKE("0102"));
    put_response(TO_GOOD);
    fail_each(CM_REVOCATION_REQUIRE, CM_OK);
}

static void
test_revoked_by_crl(void **state)
{
    (void)state;
    put_crl(ca, ca_key(), ca_spki, REVOKE("0a7b"));
    put_crl(root, root_key(), root_spki, REVOKE("0102"));
    put_response(TO_GOOD);
    fail_each(CM_REVOCATION_REQUIRE, CM_REVOKED);
    fail_each(CM_REVOCATION_SOFT, CM_REVOKED);
}

static void
test_revoked_by_response(void **state)
{
    (void)state;
    put_crl(ca, ca_key(), ca_spki, REVOKE("0102"));
    put_crl(root, root_key(), root_spki, REVOKE("0102"));
    put_response(TO_REVOKED);
    fail_each(CM_REVOCATION_REQUIRE, CM_REVOKED);
    fail_each(CM_REVOCATION_SOFT, CM_REVOKED);
}

static void
test_denied(void **state)
{
    (void)state;
    files_make_folder("store");
    put_deny();
    fail_each(CM_REVOCATION_SOFT, CM_REVOKED);
    fail_each(CM_REVOCATION_OFF, CM_REVOKED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_good),
        STORE_TEST(test_revoked_by_crl),
        STORE_TEST(test_revoked_by_response),
        STORE_TEST(test_denied),
    };

    if (!no_memory_prepare())
        return 1;
    return cmocka_run_group_tests(tests, store_make_certificates,
                                  store_free_certificates);
}
