/*
 * Evidence is copied, bounded, and given once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "evidence.h"

static struct cm_blob
blob(const char *text)
{
    return (struct cm_blob){(const uint8_t *)text, strlen(text)};
}

static void
expect_blob(struct cm_blob found, const char *text)
{
    assert_int_equal(found.len, strlen(text));
    if (found.len > 0)
        assert_memory_equal(found.data, text, found.len);
}

static void
test_certificate(void **state)
{
    struct cm_login_evidence evidence;
    uint8_t der[] = {1, 2, 3};
    struct cm_login login;

    (void)state;
    cm_evidence_init(&evidence);
    assert_int_equal(evidence.reason, CM_INTERNAL);
    assert_false(cm_evidence_set_certificate(&evidence, der, 0));
    assert_false(cm_evidence_set_certificate(&evidence, NULL, 3));
    assert_true(cm_evidence_set_certificate(&evidence, der, sizeof(der)));
    assert_false(cm_evidence_set_certificate(&evidence, der, sizeof(der)));
    der[0] = 9; /* not ours */
    cm_evidence_login(&evidence, &login);
    expect_blob((struct cm_blob){login.certificate, login.certificate_len},
                "\1\2\3");
    assert_null(login.principal);
    assert_null(login.kdb_entry);
    assert_false(login.may_wait_for_directory);
    cm_evidence_clear(&evidence);
    assert_null(evidence.certificate);
    assert_int_equal(evidence.reason, CM_INTERNAL);
}

static void
test_beside(void **state)
{
    struct cm_blob sent[] = {blob("one"), blob(""), blob("three")};
    struct cm_login_evidence evidence;
    struct cm_login login;

    (void)state;
    cm_evidence_init(&evidence);
    assert_true(cm_evidence_add_beside(&evidence, sent, 3, blob("staple")));
    assert_false(cm_evidence_add_beside(&evidence, sent, 3, blob("")));
    cm_evidence_login(&evidence, &login);
    assert_int_equal(login.intermediate_count, 3);
    expect_blob(login.intermediates[0], "one");
    expect_blob(login.intermediates[1], "");
    expect_blob(login.intermediates[2], "three");
    expect_blob(login.staple, "staple");
    assert_ptr_not_equal(login.intermediates[0].data, sent[0].data);
    cm_evidence_clear(&evidence);
}

static void
test_nothing_or_too_much_beside(void **state)
{
    struct cm_blob sent[CM_PATH_MAX_EXTRA + 1];
    struct cm_login_evidence evidence;

    (void)state;
    for (size_t i = 0; i <= CM_PATH_MAX_EXTRA; i++)
        sent[i] = blob("x");
    cm_evidence_init(&evidence);
    assert_true(cm_evidence_add_beside(&evidence, NULL, 0, blob("")));
    assert_int_equal(evidence.intermediate_count, 0);
    assert_int_equal(evidence.staple.len, 0);
    assert_false(cm_evidence_add_beside(&evidence, sent, CM_PATH_MAX_EXTRA + 1,
                                        blob("")));
    assert_true(
        cm_evidence_add_beside(&evidence, sent, CM_PATH_MAX_EXTRA, blob("")));
    assert_int_equal(evidence.intermediate_count, CM_PATH_MAX_EXTRA);
    cm_evidence_clear(&evidence);
    assert_int_equal(evidence.intermediate_count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificate),
        cmocka_unit_test(test_beside),
        cmocka_unit_test(test_nothing_or_too_much_beside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
