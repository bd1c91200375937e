/*
 * Records in order, however many; and what cannot be kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sorter.h"

enum { PADDING = 900 };

/* A number in no order, each once below the power of two. */
static unsigned
shuffled(unsigned i, unsigned count)
{
    return (i * 2654435761U) & (count - 1);
}

static void
check_count(unsigned count)
{
    struct cm_detail detail = {""};
    struct cm_sorter *sorter = cm_sorter_new(&detail);
    char key[16], data[PADDING];
    struct cm_sorted record;

    assert_non_null(sorter);
    memset(data, 'd', sizeof(data));
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(key, sizeof(key), "%08u", shuffled(i, count));
        assert_true(cm_sorter_add(sorter, key, 8, data, i % PADDING, &detail));
    }
    assert_true(cm_sorter_finish(sorter, &detail));
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(key, sizeof(key), "%08u", i);
        assert_int_equal(cm_sorter_next(sorter, &record, &detail),
                         CM_SORTER_RECORD);
        assert_int_equal(record.key_len, 8);
        assert_memory_equal(record.key, key, 8);
        assert_memory_equal(record.data, data, record.len);
    }
    assert_int_equal(cm_sorter_next(sorter, &record, &detail), CM_SORTER_END);
    assert_int_equal(cm_sorter_next(sorter, &record, &detail), CM_SORTER_END);
    cm_sorter_free(sorter);
}

static void
test_counts(void **state)
{
    (void)state;
    check_count(0);
    check_count(1);
    check_count(1024);
    check_count(32768); /* several runs */
}

/* Bytes, not text: a shorter key first, then the data decides. */
static void
test_order(void **state)
{
    static const struct {
        const char *key;
        size_t len;
        const char *data;
    } rows[] = {{"", 0, "z"},   {"\0", 1, "b"}, {"\0\0", 2, "a"},
                {"a", 1, ""},   {"a", 1, "1"},  {"a", 1, "1"},
                {"a", 1, "10"}, {"ab", 2, "0"}, {"\xff", 1, "0"}};
    const size_t count = sizeof(rows) / sizeof(rows[0]);
    struct cm_detail detail = {""};
    struct cm_sorter *sorter = cm_sorter_new(&detail);
    struct cm_sorted record;

    (void)state;
    for (size_t i = count; i > 0; i--)
        assert_true(cm_sorter_add(sorter, rows[i - 1].key, rows[i - 1].len,
                                  rows[i - 1].data, strlen(rows[i - 1].data),
                                  &detail));
    assert_true(cm_sorter_finish(sorter, &detail));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(cm_sorter_next(sorter, &record, &detail),
                         CM_SORTER_RECORD);
        assert_int_equal(record.key_len, rows[i].len);
        assert_memory_equal(record.key, rows[i].key, record.key_len);
        assert_int_equal(record.len, strlen(rows[i].data));
        assert_memory_equal(record.data, rows[i].data, record.len);
    }
    cm_sorter_free(sorter);
}

/* The largest record passes, one byte more does not. */
static void
test_limits(void **state)
{
    const size_t most = CM_SORTER_MAX_RECORD - 2 * sizeof(uint32_t);
    struct cm_detail detail = {""};
    struct cm_sorter *sorter = cm_sorter_new(&detail);
    char *data = calloc(1, CM_SORTER_MAX_RECORD);
    struct cm_sorted record;

    (void)state;
    assert_false(cm_sorter_add(sorter, "", 0, data, most + 1, &detail));
    assert_string_equal(detail.text, "too large to sort");
    for (int i = 0; i < 5; i++)
        assert_true(cm_sorter_add(sorter, "", 0, data, most, &detail));
    assert_true(cm_sorter_finish(sorter, &detail));
    for (int i = 0; i < 5; i++) {
        assert_int_equal(cm_sorter_next(sorter, &record, &detail),
                         CM_SORTER_RECORD);
        assert_int_equal(record.len, most);
    }
    cm_sorter_free(sorter);
    free(data);
}

static void
test_no_folder(void **state)
{
    struct cm_detail detail = {""};

    (void)state;
    assert_int_equal(setenv("TMPDIR", "/nonexistent", 1), 0);
    assert_null(cm_sorter_new(&detail));
    assert_non_null(strstr(detail.text, "/nonexistent"));
    assert_int_equal(unsetenv("TMPDIR"), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_no_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
