/* Tables, escaped text and JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output.h"

static void
text_is_escaped(void **state)
{
    static const struct {
        const char *text;
        const char *shown;
    } rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"J\xc3\xb6rg", "J\xc3\xb6rg"},
        {"O=\"Acme, Inc\"", "O=\"Acme, Inc\""},
        {"CN=Doe\\, Jane", "CN=Doe\\, Jane"},
        {"\"", "\""},
        {"a\nb", "a\\x0ab"},
        {"\033[31mred", "\\x1b[31mred"},
        {"\xe2\x80\xae"
         "evil",
         "\\xe2\\x80\\xaeevil"},
        {"\xff", "\\xff"},
        {"\xc2\x9b"
         "1A",
         "\\xc2\\x9b1A"},
    };
    size_t len;
    char *shown;
    FILE *out;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        out = open_memstream(&shown, &len);
        assert_non_null(out);
        cm_output_text(out, rows[i].text);
        fclose(out);
        assert_string_equal(shown, rows[i].shown);
        free(shown);
    }
}

static void
columns_line_up(void **state)
{
    static const char *const rows[][3] = {
        {"one", "first", "a"},
        {"J\xc3\xb6rg", "", "b"},
        {"", "third\n", "c"},
        {"four", NULL, ""},
    };
    struct cm_table table;
    size_t len;
    char *shown;
    FILE *out = open_memstream(&shown, &len);

    (void)state;
    assert_non_null(out);
    cm_table_init(&table, 3);
    for (size_t i = 0; i < 4; i++)
        cm_table_row(&table, CM_TONE_BAD, rows[i]);
    assert_true(cm_table_print(&table, out, "  "));
    fclose(out);
    /* A stream that is no terminal shows no colour. */
    assert_string_equal(shown, "  one   first      a\n"
                               "  J\xc3\xb6rg             b\n"
                               "        third\\x0a  c\n"
                               "  four\n");
    free(shown);
}

static void
a_table_has_a_limit(void **state)
{
    static const char *const row[] = {"x"};
    struct cm_table table;
    size_t len;
    char *shown;
    FILE *out = open_memstream(&shown, &len);

    (void)state;
    assert_non_null(out);
    cm_table_init(&table, 1);
    for (size_t i = 0; i <= CM_TABLE_MAX_ROWS; i++)
        cm_table_row(&table, CM_TONE_PLAIN, row);
    assert_false(cm_table_print(&table, out, ""));
    fclose(out);
    assert_int_equal(len, 0);
    free(shown);
}

static void
json_is_ascii_and_whole(void **state)
{
    static const struct {
        const char *text;
        const char *json;
    } rows[] = {
        {NULL, "null"},
        {"", "\"\""},
        {"J\xc3\xb6rg", "\"J\\u00F6rg\""},
        {"a\"b\\", "\"a\\\"b\\\\\""},
        {"a\tb", "\"a\\\\x09b\""},
        {"\xff", "\"\\\\xff\""},
    };
    char *shown, expected[64];
    json_t *array;
    size_t len;
    FILE *out;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        out = open_memstream(&shown, &len);
        assert_non_null(out);
        array = json_array();
        cm_json_append(&array, cm_json_text(rows[i].text));
        assert_true(cm_json_print(array, out));
        fclose(out);
        snprintf(expected, sizeof(expected), "[\n  %s\n]\n", rows[i].json);
        assert_string_equal(shown, expected);
        free(shown);
    }
}

static void
a_missing_part_spoils_the_whole(void **state)
{
    json_t *object = json_object(), *array = json_array();
    size_t len;
    char *shown;
    FILE *out = open_memstream(&shown, &len);

    (void)state;
    assert_non_null(out);
    cm_json_set(&object, "first", json_true());
    cm_json_set(&object, "lost", NULL);
    cm_json_set(&object, "last", json_true());
    assert_null(object);
    cm_json_append(&array, NULL);
    assert_null(array);
    assert_false(cm_json_print(object, out));
    fclose(out);
    assert_int_equal(len, 0);
    free(shown);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(columns_line_up),
        cmocka_unit_test(a_table_has_a_limit),
        cmocka_unit_test(json_is_ascii_and_whole),
        cmocka_unit_test(a_missing_part_spoils_the_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
