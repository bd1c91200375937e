#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_rows.h"

#include "profile_scan.h"

struct scratch config_scratch;

/* One subsection, the whole of [realms], or a whole file. */
void
config_write(const char *block)
{
    struct cm_buf buf = CM_BUF_INIT;
    char *text;

    cm_buf_addf(&buf,
                "[libdefaults]\ndefault_realm = EXAMPLE.COM\n[realms]\n"
                "EXAMPLE.COM = {\ncertmap = {\n%s}\n}\n",
                block);
    text = cm_buf_take(&buf);
    assert_non_null(text);
    scratch_write(&config_scratch, "kdc.conf", text);
    free(text);
}

enum cm_config_result
config_load(struct cm_settings *settings, struct cm_config_errors *errors)
{
    struct cm_text_list files = {0};
    enum cm_config_result result;

    assert_true(
        cm_scan_add_file(scratch_path(&config_scratch, "kdc.conf"), &files));
    result = scratch_load(&files, "EXAMPLE.COM", settings, errors);
    cm_text_list_clear(&files);
    return result;
}

static void
test_refused(void **state)
{
    const struct config_refusal *row = *state;
    struct cm_settings settings, zero;
    struct cm_config_errors errors = {{0}};

    memset(&zero, 0, sizeof(zero));
    config_write(row->block);
    assert_int_equal(config_load(&settings, &errors), CM_CONFIG_BROKEN);
    assert_memory_equal(&settings, &zero, sizeof(zero));
    for (size_t i = 0; errors.list.count != 1 && i < errors.list.count; i++)
        print_message("%s\n", errors.list.items[i]);
    assert_int_equal(errors.list.count, 1);
    if (strstr(errors.list.items[0], row->finding) == NULL)
        print_message("%s\n", errors.list.items[0]);
    assert_non_null(strstr(errors.list.items[0], row->finding));
    cm_config_errors_clear(&errors);
}

static void
test_accepted(void **state)
{
    const struct config_acceptance *row = *state;
    struct cm_config_errors errors = {{0}};
    struct cm_settings settings;
    enum cm_config_result result;
    size_t len, end;
    char *summary;

    config_write(row->block);
    result = config_load(&settings, &errors);
    for (size_t i = 0; i < errors.list.count; i++)
        print_message("%s\n", errors.list.items[i]);
    assert_int_equal(result, CM_CONFIG_FOUND);
    summary = cm_settings_summary(&settings);
    assert_non_null(summary);
    len = strlen(summary);
    end = strlen(row->summary);
    assert_true(len > end);
    assert_string_equal(summary + len - end, row->summary);
    free(summary);
    cm_settings_clear(&settings);
    cm_config_errors_clear(&errors);
}

int
config_set_up(void **state)
{
    (void)state;
    scratch_make(&config_scratch);
    scratch_fill(&config_scratch);
    return 0;
}

int
config_tear_down(void **state)
{
    (void)state;
    scratch_remove(&config_scratch);
    return 0;
}

enum { NAME_SIZE = 512 };

/* A row is named by its subsection, on one line. */
static void
name_test(struct CMUnitTest *test, char name[NAME_SIZE], const char *block,
          CMUnitTestFunction run, void *row)
{
    snprintf(name, NAME_SIZE, "%s", block);
    for (char *p = name; *p != '\0'; p++) {
        if (*p == '\n')
            *p = '|';
    }
    test->name = name;
    test->test_func = run;
    test->initial_state = row;
}

int
config_run_rows(struct config_refusal *refusals, size_t refusal_count,
                struct config_acceptance *acceptances, size_t acceptance_count)
{
    size_t count = 0, all = refusal_count + acceptance_count;
    struct CMUnitTest *tests = calloc(all, sizeof(*tests));
    char(*names)[NAME_SIZE] = calloc(all, sizeof(*names));
    int failed;

    if (tests == NULL || names == NULL)
        abort();
    for (size_t i = 0; i < refusal_count; i++, count++)
        name_test(&tests[count], names[count], refusals[i].block, test_refused,
                  &refusals[i]);
    for (size_t i = 0; i < acceptance_count; i++, count++)
        name_test(&tests[count], names[count], acceptances[i].block,
                  test_accepted, &acceptances[i]);
    failed = _cmocka_run_group_tests("relations", tests, all, config_set_up,
                                     config_tear_down);
    free(names);
    free(tests);
    return failed;
}
