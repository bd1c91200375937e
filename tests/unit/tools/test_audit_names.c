/* Parts of certmap audit: names that people wrote, and months. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "audit_command.h"
#include "audit_dn.h"

/* ---- Names ---- */

static const struct {
    const char *text;
    bool reverse;
    const char *wanted; /* NULL: refused */
} names[] = {
    {"DC=test,CN=CA 1", false, "DC=test,CN=CA 1"},
    {"CN=CA 1,DC=test", true, "DC=test,CN=CA 1"},
    {"CN=CA 1, DC=test", true, "DC=test,CN=CA 1"},
    {"CN = CA 1 , DC = test", false, "CN=CA 1,DC=test"},
    {"CN=\"CA 1\"", false, "CN=CA 1"},
    {"CN=\"a, b\",O=c", true, "O=c,CN=\"a, b\""},
    {"CN=a\\, b,O=c", true, "O=c,CN=\"a, b\""},
    {"CN=a\\2C b", false, "CN=\"a, b\""},
    {"CN=\"a \"\"b\"\"\"", false, "CN=\"a \"\"b\"\"\""},
    {"CN=a \\\"b\\\"", false, "CN=\"a \"\"b\"\"\""},
    {"ST=x,emailAddress=a@b,UID=u", false,
     "S=x,E=a@b,OID.0.9.2342.19200300.100.1.1=u"},
    {"CN=JANE OID.1.2=3", false, "CN=JANE OID.1.2=3"},
    {"CN=\"", false, NULL},
    {"CN", false, NULL},
    {"=a", false, NULL},
    {"CN=a,", false, NULL},
    {"", false, NULL},
    {",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,",
     false, NULL},
};

static void
names_are_rewritten(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct cm_buf out = CM_BUF_INIT;
        bool ok = cm_audit_dn_rewrite(names[i].text, strlen(names[i].text),
                                      names[i].reverse, &out);

        if (ok != (names[i].wanted != NULL) ||
            (ok && strcmp(out.data, names[i].wanted) != 0))
            fail_msg("name %zu: %s", i, ok ? out.data : "refused");
        cm_buf_clear(&out);
    }
}

/* ---- Months ---- */

static const struct {
    int64_t now, when;
    int months;
} months[] = {
    {INT64_C(1767225599), INT64_C(1767225599), 0}, /* the end of 2025 */
    {INT64_C(1767225599), INT64_C(1767225600), 1},
    {INT64_C(1767225600), INT64_C(1767225599), -1},
    {INT64_C(1767225600), INT64_C(1798761600), 12},
};

static void
months_are_those_of_the_calendar(void **state)
{
    char text[CM_AUDIT_MONTH_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof(months) / sizeof(months[0]); i++)
        assert_int_equal(cm_audit_month(months[i].now, months[i].when),
                         months[i].months);
    cm_audit_month_text(months[0].now, 0, text);
    assert_string_equal(text, "2025-12");
    cm_audit_month_text(months[0].now, 13, text);
    assert_string_equal(text, "2027-01");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_rewritten),
        cmocka_unit_test(months_are_those_of_the_calendar),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
