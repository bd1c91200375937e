#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sid.h"
#include "testcert.h"

#define SUB15 "-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15"

static const struct {
    const char *text;
    bool canonical;
} texts[] = {
    {"S-1-5-21-11-22-33-1101", true},
    {"S-1-5-21-294026126-3378245018-1203103949-1001", true},
    {"S-1-0-0", true},
    {"S-1-1-0", true},
    {"S-1-5-4294967295", true},
    {"S-1-4294967295-1", true},
    {"S-1-0x000100000000-1", true},
    {"S-1-0xffffffffffff-4294967295", true},
    {"S-1-5" SUB15, true},

    {"", false},
    {"S", false},
    {"S-1", false},
    {"S-1-", false},
    {"S-1-5", false},
    {"S-1-5-", false},
    {"S-1-5--1", false},
    {"s-1-5-21-1", false},
    {" S-1-5-21-1", false},
    {"S-1-5-21-1 ", false},
    {"S-1-5-21 -1", false},
    {"S-1-5-21-1\n", false},
    {"S-2-5-21-1", false},
    {"S-01-5-21-1", false},
    {"S-1-05-21-1", false},
    {"S-1-5-021-1", false},
    {"S-1-5-00", false},
    {"S-1-5-21-+1", false},
    {"S-1-5-21-0x10", false},
    {"S-1-5-4294967296", false},
    {"S-1-5-99999999999999999999999999", false},
    {"S-1-4294967296-1", false},      /* decimal, but above 2^32 */
    {"S-1-0x000000000005-21", false}, /* hexadecimal, but below */
    {"S-1-0x0000ffffffff-21", false},
    {"S-1-0xFFFFFFFFFFFF-1", false},  /* upper case */
    {"S-1-0x10000000000-1", false},   /* eleven digits */
    {"S-1-0x0001000000000-1", false}, /* thirteen */
    {"S-1-0X000100000000-1", false},
    {"S-1-0x-1", false},
    {"S-1-5" SUB15 "-16", false},
    {"S-1-5-21-1-", false},
    {"S-1-5-21-1,2", false},
    {"tag:S-1-5-21-1", false},
};

static void
text_is_canonical(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (cm_sid_text_is_canonical(texts[i].text, strlen(texts[i].text)) !=
            texts[i].canonical)
            fail_msg("%s", texts[i].text);
    }
}

/* The length counts, not a NUL. */
static void
text_is_counted(void **state)
{
    static const char with_nul[] = "S-1-5-21-1\0";

    (void)state;
    assert_true(cm_sid_text_is_canonical("S-1-5-21-1xyz", 10));
    assert_false(cm_sid_text_is_canonical("S-1-5-21-1xyz", 11));
    assert_false(cm_sid_text_is_canonical(with_nul, sizeof(with_nul) - 1));
}

static const struct {
    const char *hex;
    const char *text; /* NULL: malformed */
} binaries[] = {
    {"010100000000000100000000", "S-1-1-0"},
    {"01020000000000052000000020020000", "S-1-5-32-544"},
    {"0105000000000005150000000b00000016000000210000004d040000",
     "S-1-5-21-11-22-33-1101"},
    {"0101"
     "0000ffffffff"
     "ffffffff",
     "S-1-4294967295-4294967295"},
    {"0101"
     "000100000000"
     "01000000",
     "S-1-0x000100000000-1"},
    {"0101"
     "ffffffffffff"
     "01000000",
     "S-1-0xffffffffffff-1"},

    {"", NULL},
    {"01", NULL},
    {"0100000000000001", NULL},                 /* no subauthority */
    {"000100000000000100000000", NULL},         /* revision 0 */
    {"020100000000000100000000", NULL},         /* revision 2 */
    {"0101000000000001000000", NULL},           /* cut */
    {"01010000000000010000000000", NULL},       /* a byte too many */
    {"010200000000000100000000", NULL},         /* count above content */
    {"01010000000000010000000000000000", NULL}, /* count below content */
    {"0110000000000001"
     "0000000000000000000000000000000000000000000000000000000000000000"
     "0000000000000000000000000000000000000000000000000000000000000000",
     NULL}, /* sixteen subauthorities */
};

static void
bytes_become_text(void **state)
{
    uint8_t *bytes;
    char *text;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(binaries) / sizeof(binaries[0]); i++) {
        bytes = tc_hex(binaries[i].hex, &len);
        text = cm_sid_text_from_bytes(bytes, len);
        if (binaries[i].text == NULL) {
            assert_null(text);
        } else {
            assert_string_equal(text, binaries[i].text);
            assert_true(cm_sid_text_is_canonical(text, strlen(text)));
        }
        free(text);
        free(bytes);
    }
}

/* The longest of all stays within the limit and is canonical. */
static void
longest_sid_fits(void **state)
{
    uint8_t bytes[CM_SID_MAX_BYTES];
    char *text;

    (void)state;
    memset(bytes, 0xff, sizeof(bytes));
    bytes[0] = 1;
    bytes[1] = CM_SID_MAX_SUBAUTHORITIES;
    text = cm_sid_text_from_bytes(bytes, sizeof(bytes));
    assert_non_null(text);
    assert_true(strlen(text) <= CM_SID_MAX_TEXT);
    assert_true(cm_sid_text_is_canonical(text, strlen(text)));
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_canonical),
        cmocka_unit_test(text_is_counted),
        cmocka_unit_test(bytes_become_text),
        cmocka_unit_test(longest_sid_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
