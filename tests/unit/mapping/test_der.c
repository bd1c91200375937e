#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "der.h"
#include "derasm.h"

static const struct {
    const char *name;
    const char *der; /* as derasm.h has it */
    bool strict;
} cases[] = {
    {"empty sequence", "30()", true},
    {"nested", "30(31(30(02:01)) 04'x' a0(30()) 81'y')", true},
    {"primitive", "04'abc'", true},
    {"128 octets",
     "04'aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddd"
     "ddddddddeeeeeeeeeeeeeeeeffffffffffffffffgggggggggggggggghhhh"
     "hhhhhhhhhhhh'",
     true},
    {"private, application", "c1'x'", true},
    {"application, constructed", "61(02:01)", true},
    {"opaque octets", "04:3080", true},

    {"nothing", "", false},
    {"only a tag", "#30", false},
    {"two elements", "30() 30()", false},
    {"a byte after", "30() #00", false},
    {"cut content", "#300302", false},
    {"cut inside", "#3003020201", false},
    {"cut length", "#3082", false},
    {"cut long length", "#308201", false},
    {"indefinite", "#30800000", false},
    {"indefinite inside", "30(#30800000)", false},
    {"padded length", "#308100", false},
    {"padded length of 127", "#04817f", false},
    {"padded long length", "#3082000100", false},
    {"reserved length", "#30ff00", false},
    {"length of five octets", "#30850000000000", false},
    {"length beyond memory", "#3084ffffffff", false},
    {"end of contents", "30(#0000)", false},
    {"high tag number", "#1f810100", false},
    {"high tag number inside", "30(#bf814800)", false},
    {"primitive sequence", "10'x'", false},
    {"primitive set", "30(11'')", false},
    {"constructed string", "24(04'a')", false},
    {"constructed UTF8String", "30(2c(0c'a'))", false},
    {"constructed integer", "22(02:01)", false},

    {"false", "01:00", true},
    {"true", "01:ff", true},
    {"another true", "01:01", false},
    {"empty boolean", "01:", false},
    {"long boolean", "01:ffff", false},

    {"zero", "02:00", true},
    {"negative", "02:80", true},
    {"128", "02:0080", true},
    {"-129", "02:ff7f", true},
    {"empty integer", "02:", false},
    {"padded integer", "02:0001", false},
    {"padded zero", "02:0000", false},
    {"padded negative", "02:ff80", false},
    {"enumerated", "0a:01", true},
    {"padded enumerated", "0a:0001", false},

    {"seven unused bits", "03:0780", true},
    {"empty bits", "03:00", true},
    {"no bits octet", "03:", false},
    {"unused bits of nothing", "03:01", false},
    {"eight unused bits", "03:0800", false},
    {"unused bits set", "03:0781", false},

    {"null", "05:", true},
    {"long null", "05:00", false},

    {"OID", "06:2a0304", true},
    {"long subidentifier", "06:2a8648", true},
    {"empty OID", "06:", false},
    {"cut OID", "06:2a86", false},
    {"padded OID", "06:2a8001", false},
    {"padded first", "06:8001", false},
};

static void
strictness(void **state)
{
    uint8_t *bytes;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bytes = da_bytes(cases[i].der, &len);
        if (cm_der_is_strict(bytes, len) != cases[i].strict)
            fail_msg("%s", cases[i].name);
        free(bytes);
    }
}

/* Elements inside each other: the limit, and one more. */
static void
depth_is_bounded(void **state)
{
    uint8_t bytes[2 * (CM_DER_MAX_DEPTH + 1)];

    (void)state;
    for (size_t depth = 1; depth <= CM_DER_MAX_DEPTH + 1; depth++) {
        for (size_t i = 0; i < depth; i++) {
            bytes[2 * i] = CM_DER_SEQUENCE;
            bytes[2 * i + 1] = (uint8_t)(2 * (depth - i - 1));
        }
        assert_int_equal(cm_der_is_strict(bytes, 2 * depth),
                         depth <= CM_DER_MAX_DEPTH);
    }
}

static void
cursor_walks(void **state)
{
    struct cm_der_element element;
    struct cm_der der, value;
    uint8_t *bytes;

    (void)state;
    bytes = da_bytes("02:05 0c'abc' 30()", &der.len);
    der.bytes = bytes;
    assert_false(cm_der_read_tag(&der, CM_DER_OID, &value));
    assert_true(cm_der_read_tag(&der, CM_DER_INTEGER, &value));
    assert_true(cm_der_equals(&value, (const uint8_t *)"\5", 1));
    assert_false(cm_der_equals(&value, (const uint8_t *)"\5\5", 2));
    assert_true(cm_der_read(&der, &element));
    assert_int_equal(element.tag, CM_DER_UTF8_STRING);
    assert_true(cm_der_equals(&element.value, (const uint8_t *)"abc", 3));
    assert_false(cm_der_equals(&element.value, (const uint8_t *)"abd", 3));
    assert_true(cm_der_read_tag(&der, CM_DER_SEQUENCE, &value));
    assert_int_equal(value.len, 0);
    assert_int_equal(der.len, 0);
    assert_false(cm_der_read(&der, &element));
    free(bytes);
}

/* What cannot be read leaves the cursor where it was. */
static void
cursor_stays(void **state)
{
    const uint8_t cut[] = {0x04, 0x05, 'a'};
    struct cm_der der = {cut, sizeof(cut)};
    struct cm_der_element element;

    (void)state;
    assert_false(cm_der_read(&der, &element));
    assert_ptr_equal(der.bytes, cut);
    assert_int_equal(der.len, sizeof(cut));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strictness),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(cursor_walks),
        cmocka_unit_test(cursor_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
