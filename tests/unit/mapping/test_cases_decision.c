/*
 * Every row of the case tables as a test of its own name, and the two cases
 * that are about what a relation may say.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "cases.h"
#include "detail.h"
#include "policy.h"

#define THUMB "19fea49c19fea49c19fea49c19fea49c19fea49c"

static const struct case_table *const tables[] = {
    &cases_explicit, &cases_names,  &cases_sid,      &cases_backdating,
    &cases_tuples,   &cases_schema, &cases_accounts, &cases_settings,
};

static void
test_b06_durations_have_a_unit(void **state)
{
    static const char *const bad[] = {"10",   "600", "",     " 10m", "10 m",
                                      "10M",  "-1m", "1.5h", "m",    "10mm",
                                      "0x1s", "+1m", "10m "};
    struct cm_detail detail;
    int64_t seconds;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        seconds = -7;
        memset(&detail, 0, sizeof(detail));
        if (cm_policy_parse_duration(bad[i], &seconds, &detail))
            fail_msg("taken as a duration: \"%s\"", bad[i]);
        assert_int_equal(seconds, -7);
        assert_true(detail.text[0] != '\0');
    }
    assert_true(cm_policy_parse_duration("10m", &seconds, &detail));
    assert_int_equal(seconds, 600);
    assert_true(cm_policy_parse_duration("157680000s", &seconds, &detail));
    assert_int_equal(seconds, 0x9660180);
    assert_true(cm_policy_parse_duration("0", &seconds, &detail));
    assert_int_equal(seconds, 0);
}

static void
test_t10_malformed_tuples_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        THUMB,
        THUMB ";1.2.3",
        THUMB ";1.2.3;",
        THUMB ";;IssuerSubject",
        ";1.2.3;IssuerSubject",
        THUMB ";1.2.3;SubjectOnly",
        THUMB ";1.2.3;UPNSuffix=",
        THUMB ";1.2.3;UPNSuffix",
        THUMB ";1.2.3;IssuerSubject,",
        THUMB ";1.2.3;IssuerSubject;more",
        THUMB ";1.2.3,;IssuerSubject",
        THUMB ";1.2.x;IssuerSubject",
        THUMB ";1.02.3;IssuerSubject",
        THUMB ";3.2.3;IssuerSubject",
        THUMB ";1;IssuerSubject",
        THUMB "0;1.2.3;IssuerSubject",
        THUMB "00;1.2.3;IssuerSubject",
        "19fea49c;1.2.3;IssuerSubject",
        "CN=CA1;1.2.3;IssuerSubject",
    };
    struct cm_name_strong tuple;
    struct cm_detail detail;
    size_t i;

    (void)state;
    memset(&tuple, 0, sizeof(tuple));
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        memset(&detail, 0, sizeof(detail));
        if (cm_policy_parse_name_strong(bad[i], &tuple, &detail))
            fail_msg("taken as a tuple: \"%s\"", bad[i]);
        assert_true(detail.text[0] != '\0');
        assert_int_equal(tuple.issuer.len, 0);
        assert_null(tuple.oids.items);
        assert_null(tuple.upn_suffixes.items);
    }
    assert_true(cm_policy_parse_name_strong(THUMB ";1.2.3;IssuerSubject",
                                            &tuple, &detail));
    cm_name_strong_clear(&tuple);
}

/* Two rows of one name would hide each other in a report. */
static void
test_names_are_unique(void **state)
{
    const struct CMUnitTest *tests = *state;
    size_t i, j;

    for (i = 0; i < CASE_MAX_ROWS && tests[i].name != NULL; i++)
        for (j = 0; j < i; j++)
            if (strcmp(tests[i].name, tests[j].name) == 0)
                fail_msg("two rows are called \"%s\"", tests[i].name);
}

int
main(void)
{
    static struct CMUnitTest tests[CASE_MAX_ROWS] = {
        {"B06 a duration has a unit", test_b06_durations_have_a_unit, NULL,
         NULL, NULL},
        {"T10 a malformed tuple is refused",
         test_t10_malformed_tuples_are_refused, NULL, NULL, NULL},
        {"every row has a name of its own", test_names_are_unique, NULL, NULL,
         tests},
    };
    static const struct case_row *rows[CASE_MAX_ROWS];
    size_t i, j, count = 3;

    for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        for (j = 0; j < tables[i]->count; j++) {
            if (count == CASE_MAX_ROWS)
                abort();
            rows[count] = &tables[i]->rows[j];
            tests[count].name = rows[count]->name;
            tests[count].test_func = case_run;
            tests[count].initial_state = &rows[count];
            count++;
        }
    }
    return cmocka_run_group_tests_name("decision cases", tests, NULL,
                                       case_teardown);
}
