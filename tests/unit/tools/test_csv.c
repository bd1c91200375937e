/*
 * RFC 4180, strictly: what is a record, and what is damage.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "csv.h"

/* Records are written as "a|b;c|d"; damage as "!", a fatal one as "#". */
static const struct {
    const char *text;
    const char *expected;
} rows[] = {
    {"", ""},
    {"a", "a"},
    {"a\n", "a"},
    {"a,b\n1,2\n", "a|b;1|2"},
    {"a,b\r\n1,2\r\n", "a|b;1|2"},
    {"a,b\n1,2", "a|b;1|2"},
    {"a,b\n,\n", "a|b;|"},
    {"a\n\n", "a;"},
    {"\xEF\xBB\xBF"
     "a,b\n1,2\n",
     "a|b;1|2"},
    {"a,b\n\"1\",\"2\"\n", "a|b;1|2"},
    {"a,b\n\"1,5\",\"x\"\"y\"\n", "a|b;1,5|x\"y"},
    {"a,b\n\"1\n2\",\"x\r\ny\"\n3,4\n", "a|b;1\n2|x\r\ny;3|4"},
    {"a,b\n\"\",\"\"\n", "a|b;|"},
    {"a,b\n 1 , 2 \n", "a|b; 1 | 2 "},
    /* Damage: the next record is found again. */
    {"a,b\n1\n3,4\n", "a|b;!;3|4"},
    {"a,b\n1,2,3\n3,4\n", "a|b;!;3|4"},
    {"a,b\nx\"y,2\n3,4\n", "a|b;!;3|4"},
    {"a,b\n\"x\"y,2\n3,4\n", "a|b;!;3|4"},
    {"a,b\n\"x\" ,2\n3,4\n", "a|b;!;3|4"},
    {"a,b\nx\ry,2\n3,4\n", "a|b;!;3|4"},
    {"a,b\n\"x\"\ry,2\n3,4\n", "a|b;!;3|4"},
    {"a,b\n\n3,4\n", "a|b;!;3|4"},
    {"a,b\n\xff,2\n3,4\n", "a|b;!;3|4"},
    {"a,b\n\xc0\xaf,2\n3,4\n", "a|b;!;3|4"},
    {"a,b\n\x1b[0m,2\n3,4\n", "a|b;!;3|4"},
    {"a,b\n1,\"2", "a|b;#"},
    {"a,b\n\"", "a|b;#"},
};

static void
add(char *out, const char *text)
{
    assert_true(strlen(out) + strlen(text) < 256);
    strcat(out, text);
}

static void
describe(FILE *in, char out[256])
{
    struct cm_detail detail = {""};
    struct cm_csv csv;
    enum cm_csv_step step;

    out[0] = '\0';
    assert_true(cm_csv_init(&csv, in));
    for (bool first = true; (step = cm_csv_next(&csv, &detail)) != CM_CSV_END;
         first = false) {
        add(out, first ? "" : ";");
        if (step == CM_CSV_RECORD) {
            for (size_t i = 0; i < csv.count; i++) {
                add(out, i > 0 ? "|" : "");
                add(out, csv.fields[i]);
            }
        } else {
            assert_string_not_equal(detail.text, "");
            add(out, step == CM_CSV_BAD ? "!" : "#");
        }
        if (step == CM_CSV_FAILED)
            break;
    }
    cm_csv_clear(&csv);
}

static void
test_table(void **state)
{
    char text[256], got[256];
    FILE *in;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)strcpy(text, rows[i].text);
        in = strlen(text) > 0 ? fmemopen(text, strlen(text), "r")
                              : fopen("/dev/null", "re");
        assert_non_null(in);
        describe(in, got);
        assert_string_equal(got, rows[i].expected);
        (void)fclose(in);
    }
}

static void
test_nul_and_lines(void **state)
{
    static char text[] = "a,b\n\"x\n\",2\n1,\0002\n5,6\n";
    struct cm_detail detail = {""};
    FILE *in = fmemopen(text, sizeof(text) - 1, "r");
    struct cm_csv csv;

    (void)state;
    assert_non_null(in);
    assert_true(cm_csv_init(&csv, in));
    assert_int_equal(cm_csv_next(&csv, &detail), CM_CSV_RECORD);
    assert_int_equal(csv.line, 1);
    assert_int_equal(cm_csv_next(&csv, &detail), CM_CSV_RECORD);
    assert_int_equal(csv.line, 2);
    assert_int_equal(cm_csv_next(&csv, &detail), CM_CSV_BAD);
    assert_string_equal(detail.text, "NUL");
    assert_int_equal(csv.line, 4);
    assert_int_equal(cm_csv_next(&csv, &detail), CM_CSV_RECORD);
    assert_string_equal(csv.fields[1], "6");
    assert_int_equal(cm_csv_next(&csv, &detail), CM_CSV_END);
    cm_csv_clear(&csv);
    (void)fclose(in);
}

/* One field over the limit is damage; quoted, no end is ever found. */
static void
test_limits(void **state)
{
    const size_t size = CM_CSV_MAX_RECORD + 100;
    char *text = malloc(size);
    struct cm_detail detail = {""};
    struct cm_csv csv;
    FILE *in;

    (void)state;
    assert_non_null(text);
    for (int quoted = 0; quoted < 2; quoted++) {
        memset(text, 'x', size);
        memcpy(text, "a\n", 2);
        text[2] = quoted ? '"' : 'x';
        memcpy(text + size - 3, "\ny\n", 3);
        in = fmemopen(text, size, "r");
        assert_non_null(in);
        assert_true(cm_csv_init(&csv, in));
        assert_int_equal(cm_csv_next(&csv, &detail), CM_CSV_RECORD);
        assert_int_equal(cm_csv_next(&csv, &detail),
                         quoted ? CM_CSV_FAILED : CM_CSV_BAD);
        if (!quoted) {
            assert_int_equal(cm_csv_next(&csv, &detail), CM_CSV_RECORD);
            assert_string_equal(csv.fields[0], "y");
        }
        cm_csv_clear(&csv);
        (void)fclose(in);
    }
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_nul_and_lines),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
