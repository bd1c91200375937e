/*
 * What the scanner sees in profile files, and what the configuration reader
 * makes of several files and blocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "profile_scan.h"
#include "scratch.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct scratch scratch;

/* ---- one file: "line section/section/name" and "{" for an opening ---- */

static struct scan_row {
    const char *what, *text;
    const char *seen;
} scan_rows[] = {
    {"scan: a relation", "[a]\nb = c\n", "2 a/b\n"},
    {"scan: subsections", "[a]\nb = {\nc = {\nd = e\n}\nf = g\n}\nh = i\n",
     "2 a/b{\n3 a/b/c{\n4 a/b/c/d\n6 a/b/f\n8 a/h\n"},
    {"scan: brace on its own line", "[a]\nb =\n{\nc = d\n}\ne = f\n",
     "2 a/b{\n4 a/b/c\n6 a/e\n"},
    {"scan: one-line subsection is a value", "[a]\nb = { c = d }\ne = f\n",
     "2 a/b\n3 a/e\n"},
    {"scan: all before a section is a comment", "b = c\n[a]\nd = e\n",
     "3 a/d\n"},
    {"scan: comments and blanks",
     "[a]\n# b = c\n; d = e\n\n   # f = g\n  h   =  i  \n", "6 a/h\n"},
    {"scan: sections repeat", "[a]\nb = c\n[d]\ne = f\n[a]\ng = h\n",
     "2 a/b\n4 d/e\n6 a/g\n"},
    {"scan: final marks", "[a]*\nb* = c\nd = {\ne = f\n}*\n",
     "2 a/b\n3 a/d{\n4 a/d/e\n"},
    {"scan: no newline at the end", "[a]\nb = c", "2 a/b\n"},
    {"scan: carriage returns", "[a]\r\nb = {\r\nc = d\r\n}\r\n",
     "2 a/b{\n3 a/b/c\n"},
    {"scan: a heading ends what was open", "[a]\nb = {\n[c]\nd = e\n",
     "2 a/b{\n4 c/d\n"},
    {"scan: include lines are not relations",
     "include /absent\n[a]\nincludedir /absent\nb = c\n", "4 a/b\n"},
    {"scan: nonsense is left to the library", "[a]\nnonsense\n}\n}\nb = c\n",
     "5 b\n"},
    {"scan: empty", "", ""},
};

static char *
seen_text(const struct cm_scan *scan)
{
    struct cm_buf buf = CM_BUF_INIT;

    for (size_t i = 0; i < scan->count; i++) {
        const struct cm_scan_item *item = &scan->list[i];

        cm_buf_addf(&buf, "%u ", item->line);
        for (const char *p = item->section; *p != '\0'; p++)
            cm_buf_add_char(&buf, *p == '\n' ? '/' : *p);
        cm_buf_addf(&buf, "%s%s\n", item->name, item->opens ? "{" : "");
    }
    return cm_buf_take(&buf);
}

static void
test_scan(void **state)
{
    const struct scan_row *row = *state;
    struct cm_text_list files = {0};
    struct cm_scan scan;
    char *seen;

    scratch_write(&scratch, "scanned", row->text);
    assert_true(cm_text_list_add(&files, scratch_path(&scratch, "scanned")));
    assert_true(cm_scan_read(&files, &scan));
    seen = seen_text(&scan);
    assert_string_equal(seen, row->seen);
    assert_int_equal(scan.problems.count, 0);
    free(seen);
    cm_scan_clear(&scan);
    cm_text_list_clear(&files);
}

/* ---- what the scanner cannot follow is a problem, never silence ---- */

static void
expect_problem(const char *text, const char *words)
{
    struct cm_text_list files = {0};
    struct cm_scan scan;

    scratch_write(&scratch, "odd", text);
    assert_true(cm_text_list_add(&files, scratch_path(&scratch, "odd")));
    assert_true(cm_scan_read(&files, &scan));
    assert_int_equal(scan.problems.count, 1);
    assert_non_null(strstr(scan.problems.items[0], words));
    cm_scan_clear(&scan);
    cm_text_list_clear(&files);
}

static void
test_problems(void **state)
{
    char longer[CM_SCAN_MAX_LINE + 100] = "[a]\n#";
    struct cm_buf deep = CM_BUF_INIT;
    char *text;

    (void)state;
    expect_problem("module /lib/x.so:y\n", "odd:1: a profile module");
    memset(longer + 5, 'x', sizeof(longer) - 7);
    longer[sizeof(longer) - 2] = '\n';
    expect_problem(longer, "odd:2: a line of more than 2047 bytes");
    cm_buf_add_text(&deep, "[a]\n");
    for (int i = 1; i <= CM_SCAN_MAX_DEPTH; i++)
        cm_buf_add_text(&deep, "b = {\n");
    text = cm_buf_take(&deep);
    expect_problem(text, "too many sections");
    free(text);
}

/* ---- which files ---- */

static void
test_included_files(void **state)
{
    static const char *const expected[] = {
        "top", "one", "more/a-b_1", "more/b.conf", "more/z.conf", "absent"};
    struct cm_text_list files = {0};

    (void)state;
    assert_int_equal(mkdir(scratch_path(&scratch, "more"), 0700), 0);
    scratch_write(&scratch, "more/z.conf", "");
    scratch_write(&scratch, "more/b.conf", "");
    scratch_write(&scratch, "more/a-b_1", "");
    scratch_write(&scratch, "more/.hidden.conf", "");
    scratch_write(&scratch, "more/backup~", "");
    scratch_write(&scratch, "more/c.conf.dpkg-old", "");
    scratch_write(&scratch, "one", "includedir @/more\n");
    scratch_write(&scratch, "top",
                  "include @/one\n#include @/odd\n include @/odd\n[a]\n"
                  "include\t@/absent\n");
    assert_true(cm_scan_add_file(scratch_path(&scratch, "top"), &files));
    assert_int_equal(files.count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_string_equal(files.items[i],
                            scratch_path(&scratch, expected[i]));
    cm_text_list_clear(&files);
}

static void
test_includes_end(void **state)
{
    struct cm_text_list files = {0};

    (void)state;
    scratch_write(&scratch, "self", "include @/self\n");
    assert_true(cm_scan_add_file(scratch_path(&scratch, "self"), &files));
    assert_int_equal(files.count, CM_SCAN_MAX_INCLUDES + 1);
    cm_text_list_clear(&files);
    scratch_write(&scratch, "twice",
                  "include @/twice\ninclude @/twice\n"
                  "include @/twice\ninclude @/twice\n");
    assert_true(cm_scan_add_file(scratch_path(&scratch, "twice"), &files));
    assert_int_equal(files.count, CM_SCAN_MAX_FILES);
    cm_text_list_clear(&files);
}

static void
test_environment_names_the_files(void **state)
{
    struct cm_text_list files = {0};

    (void)state;
    setenv("KRB5_KDC_PROFILE", "/kdc", 1);
    setenv("KRB5_CONFIG", "/one:/two", 1);
    assert_true(cm_config_files(&files));
    assert_int_equal(files.count, 3);
    assert_string_equal(files.items[0], "/kdc");
    assert_string_equal(files.items[1], "/one");
    assert_string_equal(files.items[2], "/two");
    cm_text_list_clear(&files);
    unsetenv("KRB5_KDC_PROFILE");
    unsetenv("KRB5_CONFIG");
}

/* ---- several files and blocks ---- */

#define OFF "[realms]\nR = {\ncertmap = {\nmode = off\n}\n}\n"

static struct files_row {
    const char *what, *kdc_conf, *krb5_conf;
    enum cm_config_result result;
    const char *finding; /* of the one error */
} files_rows[] = {
    {"files: one block", OFF, "", CM_CONFIG_FOUND, NULL},
    {"files: a block in krb5.conf", "", OFF, CM_CONFIG_FOUND, NULL},
    {"files: the realm elsewhere too", OFF "R2 = {\n}\n",
     "[realms]\nR = {\nkdc = localhost\n}\n", CM_CONFIG_FOUND, NULL},
    {"files: no realm", "[realms]\nR2 = {\ncertmap = {\nmode = off\n}\n}\n",
     "", CM_CONFIG_ABSENT, NULL},
    {"files: no block", "[realms]\nR = {\nkdc = localhost\n}\n", "",
     CM_CONFIG_ABSENT, NULL},
    {"files: nothing", "", "", CM_CONFIG_ABSENT, NULL},
    {"files: blocks in two files", OFF, "[realms]\nR = {\ncertmap = {\n}\n}\n",
     CM_CONFIG_BROKEN,
     "krb5.conf:3: [realms] R certmap: the realm's subsection is in more "
     "than one file or block"},
    {"files: two blocks in a file", OFF "[realms]\nR = {\ncertmap = {\n}\n}\n",
     "", CM_CONFIG_BROKEN,
     "kdc.conf:9: [realms] R certmap: the realm's subsection is in more"},
    {"files: two blocks in a realm",
     "[realms]\nR = {\ncertmap = {\nmode = off\n}\ncertmap = {\n}\n}\n", "",
     CM_CONFIG_BROKEN, "kdc.conf:6:"},
    {"files: one-line subsection",
     "[realms]\nR = {\ncertmap = { mode = off }\n}\n", "", CM_CONFIG_BROKEN,
     "kdc.conf:3: [realms] R certmap = { mode = off }: a subsection cannot "
     "be written on one line"},
    {"files: a plain value", "[realms]\nR = {\ncertmap = off\n}\n", "",
     CM_CONFIG_BROKEN,
     "certmap = off: a plain value where a subsection belongs"},
    {"files: one-line realm", "[realms]\nR = { certmap = x }\n", "",
     CM_CONFIG_BROKEN, "kdc.conf:2: [realms] R = { certmap = x }:"},
    {"files: one-line [plugins]",
     OFF "[plugins]\ncertauth = { module = certmap:certmap.so }\n", "",
     CM_CONFIG_BROKEN,
     "kdc.conf:8: [plugins] certauth = { module = certmap:certmap.so }: a "
     "subsection cannot be written on one line"},
    {"files: one-line [plugins] in krb5.conf", OFF,
     "[plugins]\nkdcpreauth = {disable = pkinit}\n", CM_CONFIG_BROKEN,
     "krb5.conf:2: [plugins] kdcpreauth"},
    {"files: a hidden block", "[realms]*\nR = {\nkdc = localhost\n}\n", OFF,
     CM_CONFIG_BROKEN, "does a \"*\" hide it?"},
    {"files: the other realm's faults are not ours",
     OFF "R2 = {\ncertmap = {\nmode = x\n}\n}\nR3 = { certmap = x }\n", "",
     CM_CONFIG_FOUND, NULL},
};

static void
test_files(void **state)
{
    const struct files_row *row = *state;
    struct cm_config_errors errors = {{0}};
    struct cm_text_list files = {0};
    struct cm_settings settings;

    scratch_write(&scratch, "kdc.conf", row->kdc_conf);
    scratch_write(&scratch, "krb5.conf", row->krb5_conf);
    assert_true(cm_scan_add_file(scratch_path(&scratch, "kdc.conf"), &files));
    assert_true(cm_scan_add_file(scratch_path(&scratch, "krb5.conf"), &files));
    assert_int_equal(scratch_load(&files, "R", &settings, &errors),
                     row->result);
    assert_int_equal(errors.list.count, row->finding != NULL ? 1 : 0);
    if (row->finding != NULL &&
        strstr(errors.list.items[0], row->finding) == NULL)
        fail_msg("%s", errors.list.items[0]);
    cm_settings_clear(&settings);
    cm_config_errors_clear(&errors);
    cm_text_list_clear(&files);
}

/* A file that the library reads and we do not see could hold a second block:
 * the reader notices. */
static void
test_unseen_file(void **state)
{
    struct cm_config_errors errors = {{0}};
    struct cm_text_list files = {0};
    struct cm_settings settings;

    (void)state;
    scratch_write(&scratch, "kdc.conf", "include @/unseen\n");
    scratch_write(&scratch, "unseen", OFF);
    assert_true(cm_text_list_add(&files, scratch_path(&scratch, "kdc.conf")));
    assert_int_equal(scratch_load(&files, "R", &settings, &errors),
                     CM_CONFIG_BROKEN);
    assert_non_null(
        strstr(errors.list.items[0], "no profile file that this process"));
    cm_config_errors_clear(&errors);
    scratch_write(&scratch, "kdc.conf",
                  "include @/unseen\n[realms]\nR = {\ncertmap = {\n}\n}\n");
    assert_int_equal(scratch_load(&files, "R", &settings, &errors),
                     CM_CONFIG_BROKEN);
    assert_non_null(
        strstr(errors.list.items[0], "the profile library has 1 relations"));
    cm_config_errors_clear(&errors);
    cm_text_list_clear(&files);
}

static int
set_up(void **state)
{
    (void)state;
    scratch_make(&scratch);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

int
main(void)
{
    static struct CMUnitTest tests[COUNT(scan_rows) + COUNT(files_rows)];
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_problems),
        cmocka_unit_test(test_included_files),
        cmocka_unit_test(test_includes_end),
        cmocka_unit_test(test_environment_names_the_files),
        cmocka_unit_test(test_unseen_file),
    };
    size_t count = 0;
    int failed;

    for (size_t i = 0; i < COUNT(scan_rows); i++)
        tests[count++] = (struct CMUnitTest){scan_rows[i].what, test_scan,
                                             NULL, NULL, &scan_rows[i]};
    for (size_t i = 0; i < COUNT(files_rows); i++)
        tests[count++] = (struct CMUnitTest){files_rows[i].what, test_files,
                                             NULL, NULL, &files_rows[i]};
    failed = cmocka_run_group_tests_name("files", tests, set_up, tear_down);
    failed += cmocka_run_group_tests_name("rest", others, set_up, tear_down);
    return failed;
}
