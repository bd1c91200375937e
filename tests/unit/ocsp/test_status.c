/*
 * How the words of several sources become one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "status.h"

#define UNKNOWN CM_STATUS_UNKNOWN
#define GOOD CM_STATUS_GOOD
#define STALE CM_STATUS_STALE
#define REVOKED CM_STATUS_REVOKED
#define CRL CM_SOURCE_CRL
#define OCSP CM_SOURCE_OCSP

static struct cm_status
make(enum cm_status_state state, enum cm_status_source source, int64_t at)
{
    struct cm_status status;

    memset(&status, 0, sizeof(status));
    status.state = state;
    status.source = state == UNKNOWN ? CM_SOURCE_NONE : source;
    status.this_update = at;
    cm_detail_set(&status.detail, "%s", source == CRL ? "a CRL" : "OCSP");
    return status;
}

static const struct {
    enum cm_status_state crl, ocsp, state;
    enum cm_status_source source;
} pairs[] = {
    {UNKNOWN, UNKNOWN, UNKNOWN, CM_SOURCE_NONE},
    {UNKNOWN, GOOD, GOOD, OCSP},
    {UNKNOWN, STALE, STALE, OCSP},
    {UNKNOWN, REVOKED, REVOKED, OCSP},
    {GOOD, UNKNOWN, GOOD, CRL},
    {GOOD, GOOD, GOOD, CRL},
    {GOOD, STALE, GOOD, CRL},
    {GOOD, REVOKED, REVOKED, OCSP},
    {STALE, UNKNOWN, STALE, CRL},
    {STALE, GOOD, GOOD, OCSP},
    {STALE, STALE, STALE, CRL},
    {STALE, REVOKED, REVOKED, OCSP},
    {REVOKED, UNKNOWN, REVOKED, CRL},
    {REVOKED, GOOD, REVOKED, CRL},
    {REVOKED, STALE, REVOKED, CRL},
    {REVOKED, REVOKED, REVOKED, CRL},
};

/* Neither the times of the two nor which speaks first matters. */
static void
test_combine(void **state)
{
    struct cm_status crl, ocsp;

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        for (int64_t at = -1; at <= 1; at++) {
            crl = make(pairs[i].crl, CRL, 100);
            ocsp = make(pairs[i].ocsp, OCSP, 100 + at);
            cm_status_combine(&crl, &ocsp);
            assert_int_equal(crl.state, pairs[i].state);
            if (pairs[i].crl != pairs[i].ocsp)
                assert_int_equal(crl.source, pairs[i].source);

            crl = make(pairs[i].crl, CRL, 100);
            cm_status_combine(&ocsp, &crl);
            assert_int_equal(ocsp.state, pairs[i].state);
        }
    }
}

/* Of two that say the same, the one that lasts. */
static void
test_same(void **state)
{
    struct cm_status older = make(GOOD, CRL, 1), newer = make(GOOD, OCSP, 2);
    struct cm_status status = older;

    (void)state;
    cm_status_combine(&status, &newer);
    assert_int_equal(status.this_update, 2);
    cm_status_combine(&status, &older);
    assert_int_equal(status.this_update, 2);

    older = make(STALE, CRL, 1);
    older.has_next_update = true;
    older.next_update = 9;
    newer = make(STALE, OCSP, 2);
    status = newer;
    cm_status_combine(&status, &older);
    assert_int_equal(status.next_update, 9);
    cm_status_combine(&status, &newer);
    assert_int_equal(status.next_update, 9);
}

enum { ANSWERS = 3 };

static const struct {
    const char *name;
    struct {
        enum cm_status_state state;
        int64_t at;
    } answers[ANSWERS];
    enum cm_status_state state;
    int64_t at;
} sets[] = {
    {"none", {{UNKNOWN, 0}, {UNKNOWN, 0}, {UNKNOWN, 0}}, UNKNOWN, 0},
    {"one", {{GOOD, 5}, {UNKNOWN, 0}, {UNKNOWN, 0}}, GOOD, 5},
    {"unknown is no answer", {{GOOD, 5}, {UNKNOWN, 9}, {UNKNOWN, 1}}, GOOD, 5},
    {"newest", {{GOOD, 1}, {REVOKED, 2}, {GOOD, 3}}, GOOD, 3},
    {"newest revoked", {{GOOD, 1}, {REVOKED, 3}, {GOOD, 2}}, REVOKED, 3},
    {"lifted since", {{REVOKED, 1}, {GOOD, 2}, {UNKNOWN, 3}}, GOOD, 2},
    {"equal, revoked", {{GOOD, 2}, {REVOKED, 2}, {STALE, 2}}, REVOKED, 2},
    {"equal, stale", {{GOOD, 2}, {STALE, 2}, {GOOD, 1}}, STALE, 2},
    {"newest stale", {{GOOD, 1}, {STALE, 2}, {REVOKED, 1}}, STALE, 2},
    {"before 1970", {{GOOD, -5}, {REVOKED, -9}, {UNKNOWN, 0}}, GOOD, -5},
};

/* Every order of the answers gives the same. */
static void
test_newest(void **state)
{
    static const size_t orders[][ANSWERS] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                             {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct cm_status best, answer;
    unsigned differences = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        for (size_t o = 0; o < sizeof(orders) / sizeof(orders[0]); o++) {
            memset(&best, 0, sizeof(best));
            for (size_t n = 0; n < ANSWERS; n++) {
                answer = make(sets[i].answers[orders[o][n]].state, OCSP,
                              sets[i].answers[orders[o][n]].at);
                cm_status_newest(&best, &answer);
            }
            if (best.state == sets[i].state &&
                (best.state == UNKNOWN || best.this_update == sets[i].at))
                continue;
            print_error("%s, order %zu: state %d of %ld\n", sets[i].name, o,
                        (int)best.state, (long)best.this_update);
            differences++;
        }
    }
    assert_int_equal(differences, 0);
}

/* Where nothing is known, the reasons are. */
static void
test_detail(void **state)
{
    struct cm_status status = make(UNKNOWN, CRL, 0), nothing;
    struct cm_status ocsp = make(UNKNOWN, OCSP, 0);

    (void)state;
    memset(&nothing, 0, sizeof(nothing));
    cm_status_combine(&status, &nothing);
    assert_string_equal(status.detail.text, "a CRL");
    cm_status_combine(&nothing, &ocsp);
    assert_string_equal(nothing.detail.text, "OCSP");
    cm_status_combine(&status, &ocsp);
    assert_string_equal(status.detail.text, "a CRL; OCSP");
    for (int i = 0; i < 500; i++)
        cm_status_combine(&status, &ocsp);
    assert_true(strlen(status.detail.text) < CM_DETAIL_SIZE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_combine),
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_newest),
        cmocka_unit_test(test_detail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
