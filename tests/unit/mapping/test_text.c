#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "text.h"

/* A literal with its length, NULs inside counted. */
#define BYTES(literal) literal, sizeof(literal) - 1

static const struct {
    const char *bytes;
    size_t len;
    bool clean;
} texts[] = {
    {BYTES(""), true},
    {BYTES("plain ~text!"), true},
    {BYTES("\xc2\xa0"), true}, /* U+00A0, the first after C1 */
    {BYTES("m\xc3\xbc"
           "ller"),
     true},
    {BYTES("\xe2\x82\xac"), true},     /* three octets */
    {BYTES("\xf0\x9f\x94\x91"), true}, /* four octets */
    {BYTES("\xf4\x8f\xbf\xbf"), true}, /* U+10FFFF */
    {BYTES("\xed\x9f\xbf"), true},     /* before the surrogates */
    {BYTES("\xee\x80\x80"), true},     /* after them */
    {BYTES("\xe2\x80\xae"), true},     /* deceptive is not unclean */

    {BYTES("\0"), false},
    {BYTES("a\0b"), false},
    {BYTES("a\n"), false},
    {BYTES("\x1f"), false},
    {BYTES("\x7f"), false},
    {BYTES("\xc2\x80"), false}, /* C1 */
    {BYTES("\xc2\x9f"), false},
    {BYTES("\x80"), false}, /* lone continuation */
    {BYTES("\xbf"), false},
    {BYTES("a\xff"), false},
    {BYTES("\xfe"), false},
    {BYTES("\xc3"), false}, /* cut */
    {BYTES("\xe2\x82"), false},
    {BYTES("\xf0\x9f\x94"), false},
    {BYTES("\xc3"
           "a"),
     false}, /* broken */
    {BYTES("\xe2\x82"
           "a"),
     false},
    {BYTES("\xc0\x80"), false}, /* overlong NUL */
    {BYTES("\xc1\xbf"), false},
    {BYTES("\xe0\x9f\xbf"), false}, /* overlong */
    {BYTES("\xf0\x8f\xbf\xbf"), false},
    {BYTES("\xed\xa0\x80"), false}, /* surrogates */
    {BYTES("\xed\xbf\xbf"), false},
    {BYTES("\xf4\x90\x80\x80"), false}, /* above U+10FFFF */
    {BYTES("\xf5\x80\x80\x80"), false},
};

static void
clean_text(void **state)
{
    char *copy;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const uint8_t *bytes = (const uint8_t *)texts[i].bytes;

        if (cm_text_is_clean(bytes, texts[i].len) != texts[i].clean)
            fail_msg("row %zu", i);
        copy = cm_text_dup_clean(bytes, texts[i].len);
        if (texts[i].clean)
            assert_string_equal(copy, texts[i].bytes);
        else
            assert_null(copy);
        free(copy);
    }
}

/* The length ends the text, not a NUL that happens to follow. */
static void
clean_text_is_counted(void **state)
{
    char *copy = cm_text_dup_clean((const uint8_t *)"abc\xff", 3);

    (void)state;
    assert_string_equal(copy, "abc");
    free(copy);
    assert_false(cm_text_is_clean((const uint8_t *)"\xc3\xbc", 1));
}

static void
folding_is_ascii(void **state)
{
    (void)state;
    assert_true(cm_text_equal_fold("", ""));
    assert_true(cm_text_equal_fold("Alice@EXAMPLE.com", "aLICE@example.COM"));
    assert_true(cm_text_equal_fold("\xc3\xbc", "\xc3\xbc"));
    assert_false(cm_text_equal_fold("\xc3\xbc", "\xc3\x9c")); /* u umlaut */
    assert_false(cm_text_equal_fold("a", ""));
    assert_false(cm_text_equal_fold("a", "aa"));
    assert_false(cm_text_equal_fold("aa", "a"));
    assert_false(cm_text_equal_fold("@", "`")); /* 0x40 and 0x60 */
    assert_false(cm_text_equal_fold("[", "{"));
    assert_false(cm_text_equal_fold("k", "\xe2\x84\xaa")); /* kelvin sign */
    assert_true(cm_text_equal_fold_n("ABx", "aby", 2));
    assert_false(cm_text_equal_fold_n("ABx", "aby", 3));
    assert_true(cm_text_equal_fold_n("x", "y", 0));
}

static const struct {
    const char *bytes;
    size_t len;
    size_t max;
    const char *escaped;
} escapes[] = {
    {BYTES(""), 10, ""},
    {BYTES("plain text"), 100, "plain text"},
    {BYTES("m\xc3\xbc"
           "ller"),
     100,
     "m\xc3\xbc"
     "ller"},
    {BYTES("a\"b"), 100, "a\\x22b"},
    {BYTES("a\\b"), 100, "a\\x5cb"},
    {BYTES("a\nb"), 100, "a\\x0ab"},
    {BYTES("a\0b"), 100, "a\\x00b"},
    {BYTES("\x1b[31m"), 100, "\\x1b[31m"},
    {BYTES("\x7f"), 100, "\\x7f"},
    {BYTES("\xc2\x85"), 100, "\\xc2\\x85"},
    {BYTES("\xff"
           "a"),
     100, "\\xffa"},
    {BYTES("\xc3"), 100, "\\xc3"},
    {BYTES("\xe2\x82"
           "a"),
     100, "\\xe2\\x82a"},
    {BYTES("\xc0\xaf"), 100, "\\xc0\\xaf"},
    {BYTES("a\xe2\x80\xae"
           "b"),
     100, "a\\xe2\\x80\\xaeb"},                      /* override */
    {BYTES("\xe2\x80\x8b"), 100, "\\xe2\\x80\\x8b"}, /* zero width */
    {BYTES("\xe2\x80\xa8"), 100, "\\xe2\\x80\\xa8"}, /* line separator */
    {BYTES("\xe2\x81\xa6"), 100, "\\xe2\\x81\\xa6"}, /* isolate */
    {BYTES("\xef\xbb\xbf"), 100, "\\xef\\xbb\\xbf"}, /* byte order mark */
    {BYTES("\xf3\xa0\x81\x81"), 100, "\\xf3\\xa0\\x81\\x81"}, /* tag */
    {BYTES("\xc2\xad"), 100, "\\xc2\\xad"},                   /* soft hyphen */

    {BYTES("abcdef"), 6, "abcdef"},
    {BYTES("abcdef"), 5, "abcde..."},
    {BYTES("abcdef"), 0, "..."},
    {BYTES(""), 0, ""},
    {BYTES("ab\n"), 5, "ab..."},
    {BYTES("ab\n"), 6, "ab\\x0a"},
    {BYTES("a\xc3\xbc"
           "b"),
     2, "a..."}, /* no half characters */
    {BYTES("a\xe2\x80\xae"), 12, "a..."},
};

static void
escaped_text(void **state)
{
    struct cm_buf buf = CM_BUF_INIT;
    char *text;

    (void)state;
    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
        cm_text_escape(&buf, escapes[i].bytes, escapes[i].len, escapes[i].max);
        text = cm_buf_take(&buf);
        assert_string_equal(text, escapes[i].escaped);
        assert_true(cm_text_is_clean((const uint8_t *)text, strlen(text)));
        free(text);
    }
}

static const struct {
    const char *text;
    size_t max;
    const char *bytes; /* NULL: refused */
    size_t len;
} hexes[] = {
    {"00", 8, BYTES("\0")},
    {"0aF9", 8, BYTES("\x0a\xf9")},
    {"ABCDEFabcdef", 6, BYTES("\xab\xcd\xef\xab\xcd\xef")},
    {"", 8, NULL, 0},
    {"0", 8, NULL, 0},
    {"000", 8, NULL, 0},
    {"0g", 8, NULL, 0},
    {"g0", 8, NULL, 0},
    {" 0", 8, NULL, 0},
    {"0x00", 8, NULL, 0},
    {"+1", 8, NULL, 0},
    {"00:11", 8, NULL, 0},
    {"0011", 1, NULL, 0},
    {"0011", 2, BYTES("\x00\x11")},
    {"@@", 8, NULL, 0},
    {"``", 8, NULL, 0},
    {"//", 8, NULL, 0},
    {"::", 8, NULL, 0},
};

static void
hex_text(void **state)
{
    uint8_t out[8];
    size_t len;
    bool ok;

    (void)state;
    for (size_t i = 0; i < sizeof(hexes) / sizeof(hexes[0]); i++) {
        len = 99;
        ok = cm_hex_decode(hexes[i].text, strlen(hexes[i].text), out,
                           hexes[i].max, &len);
        if (ok != (hexes[i].bytes != NULL))
            fail_msg("%s", hexes[i].text);
        if (!ok) {
            assert_int_equal(len, 99);
            continue;
        }
        assert_int_equal(len, hexes[i].len);
        assert_memory_equal(out, hexes[i].bytes, len);
    }
    assert_false(cm_hex_decode("0\0"
                               "0",
                               3, out, sizeof(out), &len));
    assert_false(cm_hex_decode("\0\0", 2, out, sizeof(out), &len));
}

static void
lists(void **state)
{
    struct cm_text_list list = {NULL, 0};
    char text[] = "one";

    (void)state;
    assert_false(cm_text_list_has(&list, "one"));
    assert_true(cm_text_list_add(&list, text));
    text[0] = 'x'; /* the list has its own copy */
    assert_true(cm_text_list_add(&list, "two"));
    assert_true(cm_text_list_add(&list, ""));
    assert_int_equal(list.count, 3);
    assert_true(cm_text_list_has(&list, "one"));
    assert_true(cm_text_list_has(&list, ""));
    assert_false(cm_text_list_has(&list, "ONE"));
    assert_false(cm_text_list_has(&list, "on"));
    assert_false(cm_text_list_has(&list, "one "));
    cm_text_list_clear(&list);
    assert_int_equal(list.count, 0);
    assert_null(list.items);
    cm_text_list_clear(&list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean_text),
        cmocka_unit_test(clean_text_is_counted),
        cmocka_unit_test(folding_is_ascii),
        cmocka_unit_test(escaped_text),
        cmocka_unit_test(hex_text),
        cmocka_unit_test(lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
