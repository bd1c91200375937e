#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "buf.h"

static void
pieces_join(void **state)
{
    static const uint8_t bytes[] = {0x00, 0x0f, 0xa0, 0xff};
    struct cm_buf buf = CM_BUF_INIT;
    char *text;

    (void)state;
    cm_buf_add_text(&buf, "a");
    cm_buf_add_text(&buf, "");
    cm_buf_add_char(&buf, 'b');
    cm_buf_addf(&buf, "%s-%d", "c", 42);
    cm_buf_addf(&buf, "%s", "");
    cm_buf_add_hex(&buf, bytes, sizeof(bytes));
    cm_buf_add_hex(&buf, bytes, 0);
    cm_buf_add(&buf, "xyz", 2);
    cm_buf_add(&buf, NULL, 0);
    assert_int_equal(buf.len, strlen(buf.data));
    text = cm_buf_take(&buf);
    assert_string_equal(text, "abc-42000fa0ffxy");
    free(text);
}

static void
nothing_is_empty_text(void **state)
{
    struct cm_buf buf = CM_BUF_INIT;
    char *text = cm_buf_take(&buf);

    (void)state;
    assert_string_equal(text, "");
    free(text);
}

/* Across every size at which it grows. */
static void
growing_keeps_content(void **state)
{
    struct cm_buf buf = CM_BUF_INIT;

    (void)state;
    for (size_t i = 0; i < 5000; i++) {
        cm_buf_add_char(&buf, (char)('a' + i % 26));
        assert_int_equal(buf.len, i + 1);
        assert_int_equal(buf.data[buf.len], '\0');
    }
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(buf.data[i], 'a' + i % 26);
    cm_buf_clear(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
}

/* Up to the limit and not a byte more; then it stays failed. */
static void
limit_is_sticky(void **state)
{
    char *much = calloc(1, CM_BUF_MAX);
    struct cm_buf buf = CM_BUF_INIT;
    char *text;

    (void)state;
    assert_non_null(much);
    cm_buf_add(&buf, much, CM_BUF_MAX);
    assert_false(buf.failed);
    cm_buf_add_text(&buf, "");
    assert_false(buf.failed);
    cm_buf_add_char(&buf, 'x');
    assert_true(buf.failed);
    assert_int_equal(buf.len, CM_BUF_MAX);
    cm_buf_add_text(&buf, "");
    assert_true(buf.failed);
    assert_null(cm_buf_take(&buf));

    /* Taken, it is as new. */
    assert_false(buf.failed);
    cm_buf_add_text(&buf, "again");
    text = cm_buf_take(&buf);
    assert_string_equal(text, "again");
    free(text);

    cm_buf_add(&buf, much, CM_BUF_MAX);
    cm_buf_addf(&buf, "%s", "x");
    assert_true(buf.failed);
    cm_buf_clear(&buf);
    cm_buf_add(&buf, much, (size_t)CM_BUF_MAX + 1);
    assert_null(cm_buf_take(&buf));
    free(much);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_join),
        cmocka_unit_test(nothing_is_empty_text),
        cmocka_unit_test(growing_keeps_content),
        cmocka_unit_test(limit_is_sticky),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
