#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "instant.h"

enum { UTC = V_ASN1_UTCTIME, GENERALIZED = V_ASN1_GENERALIZEDTIME };

static const struct {
    int type;
    const char *text;
    int64_t seconds;
} accepted[] = {
    {UTC, "700101000000Z", 0},
    {UTC, "691231235959Z", -1},
    {UTC, "500101000000Z", -631152000},
    {UTC, "491231235959Z", 2524607999},
    {UTC, "000229120000Z", 951825600},
    {UTC, "240229000000Z", 1709164800},
    {UTC, "240301000000Z", 1709251200},
    {GENERALIZED, "19700101000000Z", 0},
    {GENERALIZED, "20500101000000Z", 2524608000},
    {GENERALIZED, "21000228235959Z", 4107542399},
    {GENERALIZED, "21000301000000Z", 4107542400},
    {GENERALIZED, "00000101000000Z", -62167219200},
    {GENERALIZED, "99991231235959Z", 253402300799},
};

static const struct {
    int type;
    const char *text;
} refused[] = {
    {UTC, ""},
    {UTC, "7001010000Z"},       /* no seconds */
    {UTC, "700101000000"},      /* no zone */
    {UTC, "700101000000+0000"}, /* another zone */
    {UTC, "7001010000+0000"},   /* as long as GeneralizedTime */
    {UTC, "19700101000000Z"},   /* the other type's form */
    {UTC, "701301000000Z"},     /* month 13 */
    {UTC, "700100000000Z"},     /* day 0 */
    {UTC, "230229000000Z"},     /* no leap year */
    {UTC, "700101240000Z"},     /* hour 24 */
    {UTC, "700101006000Z"},     /* minute 60 */
    {UTC, "70010100000xZ"},
    {GENERALIZED, "700101000000Z"},
    {GENERALIZED, "197001010000Z"},
    {GENERALIZED, "19700101000000"},
    {GENERALIZED, "19700101000000.5Z"},
    {GENERALIZED, "1970010100.00Z0"},
    {GENERALIZED, "21000229000000Z"}, /* no leap year */
    {V_ASN1_OCTET_STRING, "700101000000Z"},
};

/* As a parser would leave it: libcrypto's own setters refuse too much. */
static ASN1_TIME *
make(int type, const char *text)
{
    ASN1_TIME *time = ASN1_STRING_type_new(type);

    assert_non_null(time);
    assert_int_equal(ASN1_STRING_set(time, text, (int)strlen(text)), 1);
    return time;
}

static void
test_accepted(void **state)
{
    ASN1_TIME *time;
    int64_t seconds;

    (void)state;
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        time = make(accepted[i].type, accepted[i].text);
        if (!cm_instant_read(time, &seconds) || seconds != accepted[i].seconds)
            fail_msg("%s", accepted[i].text);
        ASN1_TIME_free(time);
    }
}

static void
test_refused(void **state)
{
    ASN1_TIME *time;
    int64_t seconds = 4711;

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        time = make(refused[i].type, refused[i].text);
        if (cm_instant_read(time, &seconds))
            fail_msg("%s", refused[i].text);
        ASN1_TIME_free(time);
    }
    assert_false(cm_instant_read(NULL, &seconds));
    assert_int_equal(seconds, 4711);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
