/*
 * The reference as it is drawn, and as a client finds it in e-data.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "derasm.h"
#include "reference.h"

#define REF "0123456789"
#define OTHER "ABCDEFGHJK"
/* CM_REFERENCE_TYPE as an INTEGER. */
#define TYPE "02:e1cd"
/* One element in each form. */
#define TYPED "30(a0(" TYPE ") a1(04'" REF "'))"
#define METHOD "30(a1(" TYPE ") a2(04'" REF "'))"
#define TYPED_OF(type, value) "30(a0(" type ") a1(" value "))"
#define METHOD_OF(type, value) "30(a1(" type ") a2(" value "))"

static const struct {
    const char *name;
    const char *e_data;
    const char *expected; /* NULL: none */
} cases[] = {
    {"typed", "30(" TYPED ")", REF},
    {"method", "30(" METHOD ")", REF},
    {"behind stock's", "30(" TYPED_OF("02:68", "04:3000") TYPED ")", REF},
    {"before a cookie", "30(" TYPED TYPED_OF("02:0085", "04'MIT'") ")", REF},
    {"method, behind", "30(" METHOD_OF("02:0085", "04()") METHOD ")", REF},
    {"others without a value", "30(30(a0(02:01)) " TYPED ")", REF},
    {"the last letters", "30(" TYPED_OF(TYPE, "04'JKMNPQRTVZ'") ")",
     "JKMNPQRTVZ"},

    {"nothing", "", NULL},
    {"no element", "30()", NULL},
    {"no reference", "30(" TYPED_OF("02:68", "04'" REF "'") ")", NULL},
    {"another's type", "30(" TYPED_OF("02:1ecd", "04'" REF "'") ")", NULL},
    {"its positive", "30(" TYPED_OF("02:00e1cd", "04'" REF "'") ")", NULL},
    {"a wide type", "30(" TYPED_OF("02:ffffffffe1cd", "04'" REF "'") ")",
     NULL},
    {"a type of five octets",
     "30(" TYPED_OF("02:0100000000", "04()") TYPED ")", NULL},
    {"a padded type", "30(" TYPED_OF("02:ffe1cd", "04'" REF "'") ")", NULL},
    {"an empty type", "30(" TYPED_OF("02()", "04()") TYPED ")", NULL},
    {"two types", "30(" TYPED_OF(TYPE " " TYPE, "04'" REF "'") ")", NULL},
    {"an enumerated type", "30(" TYPED_OF("0a:e1cd", "04'" REF "'") ")", NULL},
    {"two", "30(" TYPED TYPED ")", NULL},
    {"two, one empty", "30(" TYPED "30(a0(" TYPE ")))", NULL},
    {"two, one malformed", "30(" TYPED_OF(TYPE, "04'x'") TYPED ")", NULL},
    {"two in method", "30(" METHOD METHOD_OF(TYPE, "04'" OTHER "'") ")", NULL},
    {"one of each form", "30(" TYPED METHOD ")", NULL},
    {"forms mixed", "30(" METHOD_OF("02:02", "04()") TYPED ")", NULL},
    {"without a value", "30(30(a0(" TYPE ")))", NULL},
    {"a method without a value", "30(30(a1(02:02)) " METHOD ")", NULL},
    {"an empty value", "30(" TYPED_OF(TYPE, "04()") ")", NULL},
    {"short", "30(" TYPED_OF(TYPE, "04'012345678'") ")", NULL},
    {"long", "30(" TYPED_OF(TYPE, "04'01234567890'") ")", NULL},
    {"small letters", "30(" TYPED_OF(TYPE, "04'abcdefghjk'") ")", NULL},
    {"an I", "30(" TYPED_OF(TYPE, "04'012345678I'") ")", NULL},
    {"an L", "30(" TYPED_OF(TYPE, "04'L123456789'") ")", NULL},
    {"an O", "30(" TYPED_OF(TYPE, "04'01234O6789'") ")", NULL},
    {"a U", "30(" TYPED_OF(TYPE, "04'01234U6789'") ")", NULL},
    {"an escape", "30(" TYPED_OF(TYPE, "04:1b5b324a303132333435") ")", NULL},
    {"a NUL", "30(" TYPED_OF(TYPE, "04:30313233343536373800") ")", NULL},
    {"a UTF8String", "30(" TYPED_OF(TYPE, "0c'" REF "'") ")", NULL},
    {"split octets", "30(" TYPED_OF(TYPE, "24(04'01234' 04'56789')") ")",
     NULL},
    {"two values", "30(" TYPED_OF(TYPE, "04'" REF "' 04()") ")", NULL},
    {"an element more inside", "30(30(a0(" TYPE ") a1(04'" REF "') a2(05())))",
     NULL},
    {"the value first", "30(30(a1(04'" REF "') a0(" TYPE ")))", NULL},
    {"implicit tags", "30(30(80:e1cd 81'" REF "'))", NULL},
    {"a bare element", TYPED, NULL},
    {"a set", "31(" TYPED ")", NULL},
    {"a set inside", "30(31(a0(" TYPE ") a1(04'" REF "')))", NULL},
    {"bytes after it", "30(" TYPED ") #00", NULL},
    {"a second list", "30(" TYPED ") 30()", NULL},
    {"garbage behind", "30(" TYPED "04'x')", NULL},
    {"indefinite", "#3080 " TYPED " #0000", NULL},
    {"a padded length", "30(30(a0(" TYPE ") a1(#04810a30313233343536373839)))",
     NULL},
    {"whole, by hand", "#3016 " TYPED, REF},
    {"cut", "#3017 " TYPED, NULL},
    {"an error of Windows'", "30(a1(02:03) a2(04'" REF "'))", NULL},
};

static void
require(const char *name, const uint8_t *e_data, size_t len,
        const char *expected)
{
    char found[CM_REFERENCE_SIZE] = "untouched";
    bool is_found = cm_reference_find(e_data, len, found);

    if (is_found != (expected != NULL))
        print_error("%s: %d\n", name, is_found);
    assert_int_equal(is_found, expected != NULL);
    assert_string_equal(found, expected != NULL ? expected : "");
}

static void
test_find(void **state)
{
    uint8_t *bytes;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        bytes = da_bytes(cases[i].e_data, &len);
        require(cases[i].name, bytes, len, cases[i].expected);
        free(bytes);
    }
    require("NULL", NULL, 0, NULL);
}

/* So many elements before the reference, the first with a value so long. */
static void
require_bound(size_t before, size_t value, const char *expected)
{
    size_t size = 2 * value + 64 * before + 256, at = 0, len;
    char *text = malloc(size);
    uint8_t *bytes;

    assert_non_null(text);
    at += (size_t)snprintf(text, size, "30(");
    for (size_t i = 0; i < before; i++) {
        at += (size_t)snprintf(text + at, size - at, "30(a0(02:01) a1(04:");
        for (size_t octet = 0; i == 0 && octet < value; octet++)
            at += (size_t)snprintf(text + at, size - at, "00");
        at += (size_t)snprintf(text + at, size - at, "))");
    }
    snprintf(text + at, size - at, "%s)", TYPED);
    bytes = da_bytes(text, &len);
    require("bounds", bytes, len, expected);
    free(bytes);
    free(text);
}

static void
test_bounds(void **state)
{
    enum { HEADERS = 64, LARGEST = CM_REFERENCE_MAX_ERROR_DATA };

    (void)state;
    require_bound(CM_REFERENCE_MAX_ELEMENTS - 1, 0, REF);
    require_bound(CM_REFERENCE_MAX_ELEMENTS, 0, NULL);
    require_bound(1, LARGEST - HEADERS, REF);
    require_bound(1, LARGEST, NULL);
}

/* Damage gives no reference but one of the alphabet, and nothing that is cut
 * gives any. */
static void
test_damage(void **state)
{
    size_t len;
    uint8_t *bytes = da_bytes("30(" TYPED ")", &len), was;
    char found[CM_REFERENCE_SIZE];

    (void)state;
    for (size_t i = 0; i < len; i++) {
        require("cut", bytes, i, NULL);
        was = bytes[i];
        for (int value = 0; value < 256; value++) {
            bytes[i] = (uint8_t)value;
            if (cm_reference_find(bytes, len, found))
                assert_int_equal(strspn(found, CM_REFERENCE_ALPHABET),
                                 CM_REFERENCE_LEN);
            else
                assert_string_equal(found, "");
        }
        bytes[i] = was;
    }
    free(bytes);
}

static void
test_read(void **state)
{
    static const struct {
        const char *text;
        const char *expected; /* NULL: none */
    } rows[] = {
        {"0123456789", "0123456789"},
        {"7K3M9QX2TD", "7K3M9QX2TD"},
        {"7k3m9qx2td", "7K3M9QX2TD"},
        {"oO234iIlL9", "0023411119"},
        {"7K3M9-QX2TD", "7K3M9QX2TD"},
        {" 7K3 M9QX2 TD-", "7K3M9QX2TD"},
        {"", NULL},
        {"----------", NULL},
        {"7K3M9QX2T", NULL},
        {"7K3M9QX2TDX", NULL},
        {"U123456789", NULL},
        {"u123456789", NULL},
        {"012345678\xc3\xa9", NULL},
        {"012345678\n9", NULL},
        {"0123_56789", NULL},
        {"0123456789*", NULL},
    };
    char read[CM_REFERENCE_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        strcpy(read, "untouched");
        if (cm_reference_read(rows[i].text, read) !=
            (rows[i].expected != NULL))
            fail_msg("%s", rows[i].text);
        assert_string_equal(read,
                            rows[i].expected != NULL ? rows[i].expected : "");
    }
}

/* Each character of the alphabet comes, and no reference comes again. */
static void
test_draw(void **state)
{
    enum { DRAWN = 256 };
    char drawn[DRAWN][CM_REFERENCE_SIZE];
    size_t seen[256] = {0};

    (void)state;
    assert_int_equal(strlen(CM_REFERENCE_ALPHABET), 32);
    for (size_t i = 0; i < DRAWN; i++) {
        assert_true(cm_reference_draw(drawn[i]));
        assert_int_equal(strlen(drawn[i]), CM_REFERENCE_LEN);
        assert_int_equal(strspn(drawn[i], CM_REFERENCE_ALPHABET),
                         CM_REFERENCE_LEN);
        for (size_t j = 0; j < CM_REFERENCE_LEN; j++)
            seen[(unsigned char)drawn[i][j]]++;
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(drawn[i], drawn[j]);
    }
    for (const char *c = CM_REFERENCE_ALPHABET; *c != '\0'; c++)
        assert_true(seen[(unsigned char)*c] > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),   cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_damage), cmocka_unit_test(test_read),
        cmocka_unit_test(test_draw),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
