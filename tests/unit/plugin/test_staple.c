/*
 * PKOcspData as clients may send it, and as we write it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "derasm.h"
#include "staple.h"

enum { LONGEST = CM_OCSP_MAX_RESPONSE };

static const struct {
    const char *name;
    const char *value;
    enum cm_staple expected;
    const char *first;
} cases[] = {
    {"a request", "30()", CM_STAPLE_REQUEST, NULL},
    {"one", "30(04'one')", CM_STAPLE_RESPONSE, "one"},
    {"the first of two", "30(04'one' 04'two')", CM_STAPLE_RESPONSE, "one"},
    {"nothing", "", CM_STAPLE_REFUSED, NULL},
    {"an empty response", "30(04())", CM_STAPLE_REFUSED, NULL},
    {"an empty one behind", "30(04'one' 04())", CM_STAPLE_REFUSED, NULL},
    {"bytes after it", "30(04'one') #00", CM_STAPLE_REFUSED, NULL},
    {"a second sequence", "30(04'one') 30()", CM_STAPLE_REFUSED, NULL},
    {"bytes after a request", "30() #00", CM_STAPLE_REFUSED, NULL},
    {"not octets behind", "30(04'one' 0c'two')", CM_STAPLE_REFUSED, NULL},
    {"not octets", "30(30(04'one'))", CM_STAPLE_REFUSED, NULL},
    {"constructed octets", "30(24(04'one'))", CM_STAPLE_REFUSED, NULL},
    {"a set", "31(04'one')", CM_STAPLE_REFUSED, NULL},
    {"a bare response", "04'one'", CM_STAPLE_REFUSED, NULL},
    {"indefinite", "#3080 04'one' #0000", CM_STAPLE_REFUSED, NULL},
    {"indefinite inside", "30(#2480 04'one' #0000)", CM_STAPLE_REFUSED, NULL},
    {"padded length", "#308105 04'one'", CM_STAPLE_REFUSED, NULL},
    {"padded inside", "30(#048103 #6f6e65)", CM_STAPLE_REFUSED, NULL},
    {"cut", "#3006 04'one'", CM_STAPLE_REFUSED, NULL},
    {"cut inside", "30(#04046f6e65)", CM_STAPLE_REFUSED, NULL},
    {"endless inside", "30(#0484ffffffff)", CM_STAPLE_REFUSED, NULL},
    {"a length of nine octets", "#30890100000000000000ff", CM_STAPLE_REFUSED,
     NULL},
};

/* *first stays what it was unless there is a response. */
static const struct cm_blob untouched = {(const uint8_t *)"untouched", 9};

static void
test_cases(void **state)
{
    struct cm_blob first;
    enum cm_staple found;
    uint8_t *bytes;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        bytes = da_bytes(cases[i].value, &len);
        first = untouched;
        found = cm_staple_read((struct cm_blob){bytes, len}, &first);
        if (found != cases[i].expected)
            print_error("%s: %d\n", cases[i].name, found);
        assert_int_equal(found, cases[i].expected);
        if (cases[i].first == NULL) {
            assert_ptr_equal(first.data, untouched.data);
        } else {
            assert_int_equal(first.len, strlen(cases[i].first));
            assert_memory_equal(first.data, cases[i].first, first.len);
        }
        free(bytes);
    }
}

/* A header of five octets. */
static uint8_t *
put_header(uint8_t *at, uint8_t tag, size_t len)
{
    *at++ = tag;
    *at++ = 0x83;
    for (int shift = 16; shift >= 0; shift -= 8)
        *at++ = (uint8_t)(len >> shift);
    return at;
}

/* So many responses of so many bytes each; size has three octets. */
static enum cm_staple
read_many(size_t many, size_t size)
{
    size_t one = 5 + size;
    uint8_t *bytes = calloc(1, 5 + many * one), *at;
    struct cm_blob first;
    enum cm_staple found;

    assert_non_null(bytes);
    at = put_header(bytes, 0x30, many * one);
    for (size_t i = 0; i < many; i++)
        at = put_header(at, 0x04, size) + size;
    found =
        cm_staple_read((struct cm_blob){bytes, (size_t)(at - bytes)}, &first);
    free(bytes);
    return found;
}

static void
test_bounds(void **state)
{
    char text[4096] = "30(";
    struct cm_blob first;
    uint8_t *bytes;
    size_t len;

    (void)state;
    for (size_t i = 0; i <= CM_STAPLE_MAX_RESPONSES; i++) {
        strcat(text, "04'a' ");
        strcat(text, ")");
        bytes = da_bytes(text, &len);
        assert_int_equal(cm_staple_read((struct cm_blob){bytes, len}, &first),
                         i < CM_STAPLE_MAX_RESPONSES ? CM_STAPLE_RESPONSE
                                                     : CM_STAPLE_REFUSED);
        free(bytes);
        text[strlen(text) - 1] = '\0';
    }
    assert_int_equal(read_many(1, LONGEST), CM_STAPLE_RESPONSE);
    assert_int_equal(read_many(1, LONGEST + 1), CM_STAPLE_REFUSED);
    assert_int_equal(read_many(2, LONGEST), CM_STAPLE_REFUSED); /* in all */
}

static void
require_inside(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    struct cm_blob first = {NULL, 0};

    assert_non_null(copy);
    memcpy(copy, bytes, len);
    if (cm_staple_read((struct cm_blob){copy, len}, &first) ==
        CM_STAPLE_RESPONSE) {
        assert_true(first.data > copy);
        assert_true(first.data + first.len <= copy + len);
    }
    free(copy);
}

/* Every cut is refused, and nothing is found outside the input. */
static void
test_damage(void **state)
{
    struct cm_blob first;
    size_t len;
    uint8_t *bytes = da_bytes("30(04'one' 04'two')", &len), was;

    (void)state;
    for (size_t i = 0; i < len; i++) {
        require_inside(bytes, i);
        assert_int_equal(cm_staple_read((struct cm_blob){bytes, i}, &first),
                         CM_STAPLE_REFUSED);
        was = bytes[i];
        for (int value = 0; value < 256; value++) {
            bytes[i] = (uint8_t)value;
            require_inside(bytes, len);
        }
        bytes[i] = was;
    }
    free(bytes);
    assert_int_equal(cm_staple_read((struct cm_blob){NULL, 0}, &first),
                     CM_STAPLE_REFUSED);
}

/* What we write we read, at every width of a length. */
static void
test_write(void **state)
{
    static const size_t sizes[] = {1,   2,   127,   128,   129,    250,
                                   255, 256, 65530, 65535, LONGEST};
    struct cm_blob first = {NULL, 0};
    uint8_t *value, *response = calloc(1, LONGEST + 1);
    size_t len;

    (void)state;
    assert_non_null(response);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        memset(response, (int)i, sizes[i]);
        value = cm_staple_write((struct cm_blob){response, sizes[i]}, &len);
        assert_non_null(value);
        assert_int_equal(cm_staple_read((struct cm_blob){value, len}, &first),
                         CM_STAPLE_RESPONSE);
        assert_int_equal(first.len, sizes[i]);
        assert_memory_equal(first.data, response, sizes[i]);
        free(value);
    }
    assert_null(cm_staple_write((struct cm_blob){response, 0}, &len));
    assert_null(
        cm_staple_write((struct cm_blob){response, LONGEST + 1}, &len));
    free(response);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
