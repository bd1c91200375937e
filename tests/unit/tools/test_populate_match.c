/*
 * Keys: which rule finds what, and what it refuses to guess.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "meter.h"
#include "populate.h"

static const struct {
    const char *text;
    bool good;
    enum cm_match kind;
    const char *attribute;
    enum cm_match_field field;
} rules[] = {
    {"upn", true, CM_MATCH_UPN, NULL, CM_FIELD_UPN},
    {"mail", true, CM_MATCH_MAIL, "mail", CM_FIELD_MAIL},
    {"uid=cn", true, CM_MATCH_ATTRIBUTE, "uid", CM_FIELD_CN},
    {"employee-Number=serial-number", true, CM_MATCH_ATTRIBUTE,
     "employee-Number", CM_FIELD_SERIAL_NUMBER},
    {"uid=upn-name", true, CM_MATCH_ATTRIBUTE, "uid", CM_FIELD_UPN_NAME},
    {"mail=mail", true, CM_MATCH_ATTRIBUTE, "mail", CM_FIELD_MAIL},
    {"x=uid", true, CM_MATCH_ATTRIBUTE, "x", CM_FIELD_UID},
    {"", false, CM_MATCH_NONE, NULL, CM_FIELD_UPN},
    {"UPN", false, CM_MATCH_NONE, NULL, CM_FIELD_UPN},
    {"uid", false, CM_MATCH_NONE, NULL, CM_FIELD_UPN},
    {"uid=", false, CM_MATCH_NONE, NULL, CM_FIELD_UPN},
    {"=cn", false, CM_MATCH_NONE, NULL, CM_FIELD_UPN},
    {"uid=subject", false, CM_MATCH_NONE, NULL, CM_FIELD_UPN},
    {"uid=cn=cn", false, CM_MATCH_NONE, NULL, CM_FIELD_UPN},
    {"u)(id=cn", false, CM_MATCH_NONE, NULL, CM_FIELD_UPN},
    {"1id=cn", false, CM_MATCH_NONE, NULL, CM_FIELD_UPN},
    {"uid;x=cn", false, CM_MATCH_NONE, NULL, CM_FIELD_UPN},
};

static void
test_rules(void **state)
{
    struct cm_match_rule rule;
    struct cm_detail detail;

    (void)state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        detail.text[0] = '\0';
        assert_int_equal(cm_match_parse(rules[i].text, &rule, &detail),
                         rules[i].good);
        assert_int_equal(rule.kind, rules[i].kind);
        if (rules[i].good)
            assert_int_equal(rule.field, rules[i].field);
        else
            assert_non_null(strstr(detail.text, "allowed are"));
        if (rules[i].attribute != NULL)
            assert_string_equal(rule.attribute, rules[i].attribute);
        cm_match_clear(&rule);
    }
}

static const struct {
    const char *dn;
    bool good;
} names[] = {
    {"uid=a,dc=b", true},     {"UID = A , DC=B", true},
    {"uid=a\\,b,dc=c", true}, {"uid=a\\2Cb,dc=c", true},
    {"no name", false},       {"uid", false},
};

static void
test_names(void **state)
{
    char *key;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        key = cm_key_dn(names[i].dn);
        if (!names[i].good) {
            assert_null(key);
        } else {
            char *again;

            assert_non_null(key);
            again = cm_key_dn(key); /* a key is its own key */
            assert_string_equal(again, key);
            free(again);
        }
        free(key);
    }
}

static void
test_two_writings_of_a_name(void **state)
{
    static const char *const pairs[][2] = {
        {"uid=a\\,b,dc=c", "UID=A\\2CB, DC=c"},
        {"uid=a+cn=b,dc=c", "CN=b+uid=A,dc=c"},
        {"c=a+cn=b+ou=d,dc=c", "ou=d+cn=b+c=a,dc=c"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char *one = cm_key_dn(pairs[i][0]), *other = cm_key_dn(pairs[i][1]);

        assert_non_null(one);
        assert_string_equal(one, other);
        free(one);
        free(other);
    }
}

static void
test_meter(void **state)
{
    struct cm_meter meter = {.what = "writing", .total = 1000};
    char text[CM_METER_TEXT];

    (void)state;
    cm_meter_text(&meter, 250, 500, text);
    assert_string_equal(text, "writing:  25% [#####               ] 250 of "
                              "1000, 500/s, 2 s left");
    cm_meter_text(&meter, 2000, 1000, text);
    assert_non_null(strstr(text, "100% [####################] 1000 of 1000"));
    cm_meter_text(&meter, 0, 0, text);
    assert_null(strstr(text, "left"));
    meter.total = 0;
    cm_meter_text(&meter, 30, 1000, text);
    assert_string_equal(text, "writing: 30, 30/s");
    meter.total = 1000000;
    cm_meter_text(&meter, 1000, 1000, text);
    assert_non_null(strstr(text, "17 min left"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_two_writings_of_a_name),
        cmocka_unit_test(test_meter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
