/* Several logins of one process at once, while CRLs are published. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "revocation.h"
#include "store_fixture.h"

enum { THREADS = 4, PUBLICATIONS = 20 };

static atomic_bool done;
static atomic_long clock_ms;

struct worker {
    pthread_t thread;
    struct cm_snapshot *snapshot;
    unsigned checks, good, revoked;
    enum cm_reason odd; /* an answer that must not be; CM_OK: none */
    struct cm_detail detail;
};

static void *
check_often(void *context)
{
    static const struct cm_revocation_policy policy = {
        .mode = CM_REVOCATION_REQUIRE};
    struct worker *worker = context;
    struct cm_path_rules rules = store_rules(STORE_NOW);
    struct cm_path path = {.certs = {leaf, ca, root}, .count = 3};
    struct cm_revocation_question question = {
        store, &path, worker->snapshot, &rules, &policy, NULL};
    struct cm_revocation_result result;
    enum cm_reason reason;

    /* Once more after the last publication. */
    for (bool last = false; !last;) {
        last = atomic_load(&done);
        reason =
            cm_revocation_check(&question, atomic_fetch_add(&clock_ms, 100),
                                &result, &worker->detail);
        worker->checks++;
        worker->good += reason == CM_OK;
        worker->revoked += reason == CM_REVOKED;
        if (reason != CM_OK && reason != CM_REVOKED) {
            worker->odd = reason;
            break;
        }
    }
    return NULL;
}

static void
publish_number(const X509 *issuer, EVP_PKEY *key, const uint8_t spki[32],
               unsigned number, const char *entries)
{
    char extensions[64];
    struct crlgen_spec spec;

    snprintf(extensions, sizeof(extensions), "30( 06:551d14 04( 02:%02x ) ) ",
             number);
    spec = crl_of(issuer, key, extensions, entries, " 17'251231000000Z' ");
    spec.next_update = " 17'270101000000Z' ";
    assert_int_equal(publish(&spec, spki, false), CM_PUBLISHED);
}

/* Every answer is one that was true at some time; the last one is "revoked".
 */
static void
test_threads(void **state)
{
    struct worker workers[THREADS];
    struct cm_snapshot *snapshot = cm_snapshot_build(&root, 1, &ca, 1, &ca, 1);

    (void)state;
    assert_non_null(snapshot);
    memset(workers, 0, sizeof(workers));
    publish_number(root, root_key(), root_spki, 1, REVOKE("0102"));
    publish_number(ca, ca_key(), ca_spki, 1, REVOKE("0102"));
    for (int i = 0; i < THREADS; i++) {
        workers[i].snapshot = snapshot;
        assert_int_equal(
            pthread_create(&workers[i].thread, NULL, check_often, &workers[i]),
            0);
    }
    for (unsigned n = 2; n <= PUBLICATIONS; n++)
        publish_number(ca, ca_key(), ca_spki, n,
                       n % 2 == 0 ? REVOKE("0a7b") : REVOKE("0102"));
    atomic_fetch_add(&clock_ms, CM_STORE_LOOK_MS);
    atomic_store(&done, true);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        if (workers[i].odd != CM_OK)
            fail_msg("%s: %s", cm_reason_token(workers[i].odd),
                     workers[i].detail.text);
        assert_true(workers[i].revoked > 0);
    }
    cm_snapshot_release(snapshot);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {STORE_TEST(test_threads)};

    return cmocka_run_group_tests(tests, store_make_certificates,
                                  store_free_certificates);
}
