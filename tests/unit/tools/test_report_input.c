/*
 * certmap report: what is read, and how much of it is shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <fcntl.h>

#include "report_command.h"
#include "report_lines.h"

static const struct audit weak = {.when = "Feb 01 12:00:00",
                                  .strength = "weak"};
static const struct audit strong = {.when = "Mar 01 12:00:00"};

/* A line cut at its end is never passed over, nor "nobody". */
static void
test_damaged(void **state)
{
    char *text = lines_of(&strong, 1), *twice;

    (void)state;
    assert_true(asprintf(&twice, "%s%.*s", text, (int)strlen(text) - 2, text) >
                0);
    check_run("report -" AT, twice, CM_EXIT_UNAVAILABLE, "Nobody",
              "1 audit lines are damaged and were not counted, the first is "
              "line 2");
    free(text);
    text = lines_of(&weak, 1);
    assert_true(
        asprintf(&twice, "%.*s\n%s", (int)strlen(text) - 9, text, text) > 0);
    check_run("report -" AT, twice, CM_EXIT_NO, "1 principal would",
              "the first is line 1");
    free(text);
}

/* Other lines, whatever they are: too long, without an end, binary. */
static void
test_other_lines(void **state)
{
    enum { LONG = 3 * CM_REPORT_MAX_LINE };
    char *line = lines_of(&weak, 1), *text = malloc(2 * LONG);
    const char *message = strstr(line, "certmap: ");
    size_t used = LONG;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', LONG);
    text[LONG - 1] = '\n';
    used += (size_t)sprintf(text + used, "%s", line);
    used += (size_t)sprintf(text + used,
                            "Feb 01 12:00:00 k krb5kdc[1](info): AS_REQ %s"
                            "Feb 01 12:00:00 k sshd[1]: %s"
                            "\x01\x02\xff\n\n",
                            message, message);
    sprintf(text + used, "%.*s", (int)strlen(line) - 1, line);
    check_run("report -" AT, text, CM_EXIT_NO, "2 logins (2 accepted", "");
    free(line);
}

static void
test_long_audit_line(void **state)
{
    char *line = lines_of(&weak, 1), *text = malloc(3 * CM_REPORT_MAX_LINE);
    size_t used = strlen(line) - 1;

    (void)state;
    assert_non_null(text);
    memcpy(text, line, used);
    memset(text + used, 'x', 2 * CM_REPORT_MAX_LINE);
    sprintf(text + used + 2 * CM_REPORT_MAX_LINE, "\n%s", line);
    check_run("report -" AT, text, CM_EXIT_NO, "1 login (", "line 1");
    free(line);
}

static void
test_filters(void **state)
{
    const struct audit both[] = {weak, strong};
    const struct audit bare = {.strength = "weak"};

    (void)state;
    check_run("report --since 2024-02-15T00:00:00Z -" AT, lines_of(both, 2),
              CM_EXIT_YES,
              "1 login (1 accepted, 0 refused) of 1 principal, "
              "2024-03-01T12:00:00Z to",
              "");
    check_run("report --until 2024-02-15T00:00:00Z -" AT, lines_of(both, 2),
              CM_EXIT_NO, "2024-02-01T12:00:00Z", "");
    check_run("report -r R -" AT, lines_of(both, 2), CM_EXIT_YES, "2 logins",
              "");
    check_run("report -r S -" AT, lines_of(both, 2), CM_EXIT_YES, "0 logins",
              "");
    /* Without a time nothing is left out. */
    check_run("report --since 2024-02-15T00:00:00Z -" AT, lines_of(&bare, 1),
              CM_EXIT_NO, "1 login", "1 lines say no time");
}

/* Files in any order: what is later by its time decides. */
static void
test_files(void **state)
{
    const struct audit early = {
        .when = "Feb 01 12:00:00", .mode = "observe", .reason = "no-mapping"};
    struct timespec times[2] = {{.tv_sec = 1717200000},
                                {.tv_sec = 1717200000}};
    char *text;

    (void)state;
    text = lines_of(&early, 1);
    folder_write("old", text, strlen(text));
    assert_int_equal(utimensat(AT_FDCWD, "old", times, 0), 0);
    free(text);
    text = lines_of(&strong, 1);
    folder_write("new", text, strlen(text));
    assert_int_equal(utimensat(AT_FDCWD, "new", times, 0), 0);
    free(text);
    folder_write("packed", "\x1f\x8b\x08", 3);
    check_run("report old new" AT, strdup(""), CM_EXIT_YES, "Nobody", "");
    check_run("report new old" AT, strdup(""), CM_EXIT_YES, "Nobody", "");
    check_run("report old" AT, strdup(""), CM_EXIT_NO, "2024-02-01", "");
    check_run("report packed" AT, strdup(""), CM_EXIT_USAGE, "",
              "zcat packed | certmap report -");
    check_run("report missing" AT, strdup(""), CM_EXIT_USAGE, "", "missing:");
    check_run("report ." AT, strdup(""), CM_EXIT_USAGE, "", ".:");
}

/* A journalctl of our own: what it was asked, and how it may fail. */
static void
test_journal(void **state)
{
    static const char script[] =
        "#!/bin/sh\nprintf '%s\\n' \"$*\" >asked\ncat lines\nexit $(cat "
        "status)\n";
    char *text = lines_of(&(struct audit){.strength = "weak"}, 1), *lines,
         *path = strdup(getenv("PATH")), asked[256] = "";
    FILE *file;

    (void)state;
    assert_non_null(path);
    assert_true(
        asprintf(&lines, "1706788800.123456 kdc1 krb5kdc[1]: %s", text) > 0);
    folder_write("journalctl", script, strlen(script));
    assert_int_equal(chmod("journalctl", 0755), 0);
    folder_write("lines", lines, strlen(lines));
    folder_write("status", "0", 1);
    assert_int_equal(setenv("PATH", ".:/usr/bin:/bin", 1), 0);
    check_run("report --journal --since 2024-01-01T00:00:00Z" AT, strdup(""),
              CM_EXIT_NO, "2024-02-01T12:00:00Z", "");
    file = fopen("asked", "r");
    assert_non_null(file);
    assert_non_null(fgets(asked, sizeof(asked), file));
    fclose(file);
    assert_string_equal(asked, "--unit=krb5-kdc --unit=krb5kdc "
                               "--output=short-unix --no-pager --quiet "
                               "--since=@1704067200\n");
    folder_write("status", "1", 1);
    check_run("report --journal" AT, strdup(""), CM_EXIT_UNAVAILABLE, "",
              "journalctl failed");
    assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
    check_run("report --journal" AT, strdup(""), CM_EXIT_UNAVAILABLE, "",
              "name the log file");
    assert_int_equal(setenv("PATH", path, 1), 0);
    free(text);
    free(lines);
    free(path);
}

static void
test_command_line(void **state)
{
    static const char *const wrong[] = {
        "report",
        "report --journal x",
        "report --since x -",
        "report --days x",
        "report --limit -1 -",
        "report --limit 1x -",
        "report --until 2024 -",
        "report --limit 1 --limit 2 -",
        "report --ref 7K3M9QX2T -",
        "report --ref 7K3M9QX2TU -",
        "report --ref 7K3M9QX2TD --ref 7K3M9QX2TD -",
        "report --ref 7K3M9QX2TD --all -",
        "report --ref 7K3M9QX2TD --days 3 -",
        "report --ref 7K3M9QX2TD",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        check_run(wrong[i], strdup(""), CM_EXIT_USAGE, "", "certmap: ");
    check_run("report -", strdup("nothing\n"), CM_EXIT_UNAVAILABLE, "",
              "no audit line");
}

/* ---- One refusal ---- */

static const struct audit refusals[] = {
    {.who = "old", .reason = "no-mapping"},
    {.who = "ann",
     .reason = "revoked",
     .ref = "7K3M9QX2TD",
     .when = "Feb 01 12:00:00"},
    {.who = "bea", .reason = "busy", .ref = "7K3M9QX2T0"},
    {.who = "cara", .ref = "-"},
};

/* As the user reads it out: that one's line and no other. */
static void
test_reference(void **state)
{
    static const char *const asked[] = {"7K3M9QX2TD", "7k3m9qx2td",
                                        "7K3M9-QX2TD"};
    enum { COUNT = sizeof(refusals) / sizeof(refusals[0]) };
    struct run run;
    char *line;

    (void)state;
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        assert_true(asprintf(&line, "report --ref %s -" AT, asked[i]) > 0);
        run = report_on(line, lines_of(refusals, COUNT));
        assert_int_equal(run.code, CM_EXIT_YES);
        assert_ptr_equal(strstr(run.out, "2024-02-01T12:00:00Z certmap: "
                                         "refused reason=revoked "),
                         run.out);
        assert_ptr_equal(strchr(run.out, '\n'), run.out + strlen(run.out) - 1);
        run_clear(&run);
        free(line);
    }
    check_run("report --ref 7K3M9QX2TO -", lines_of(refusals, COUNT),
              CM_EXIT_YES, "certmap: refused reason=busy ", "");
    check_run("report --json --ref 7K3M9QX2TO -", lines_of(refusals, COUNT),
              CM_EXIT_YES, "\"reference\": \"7K3M9QX2T0\"", "");
    check_run("report --ref 0000000000 -", lines_of(refusals, COUNT),
              CM_EXIT_NO, "", "no line has the reference 0000000000");
    check_run("report -r OTHER --ref 7K3M9QX2TD -", lines_of(refusals, COUNT),
              CM_EXIT_NO, "", "no line has");
    check_run("report --ref 0000000000 -", strdup("certmap: refused\n"),
              CM_EXIT_UNAVAILABLE, "", "no line has");
}

/* A log that is named twice, and more. */
static void
test_reference_again(void **state)
{
    enum { LINES = CM_REPORT_MAX_FOUND + 2 };
    struct audit lines[LINES];

    (void)state;
    for (size_t i = 0; i < LINES; i++)
        lines[i] = refusals[1];
    check_run("report --ref 7K3M9QX2TD -" AT, lines_of(lines, LINES),
              CM_EXIT_YES, "ref=7K3M9QX2TD", "2 more lines have it");
}

/* ---- Many ---- */

static void
test_limit(void **state)
{
    char names[5][4], *text;
    struct audit lines[5];

    (void)state;
    for (int i = 0; i < 5; i++) {
        snprintf(names[i], sizeof(names[i]), "u%d", i);
        lines[i] = (struct audit){.who = names[i], .strength = "weak"};
    }
    text = lines_of(lines, 5);
    check_run("report --limit 2 -" AT, strdup(text), CM_EXIT_NO,
              "\n3 more; --limit 0", "");
    check_run("report --limit 0 -" AT, strdup(text), CM_EXIT_NO, "u4@R", "");
    check_run("report --limit 2 --json -" AT, text, CM_EXIT_NO,
              "\"would_be_refused\":5", "");
}

/* Of many cards the latest are kept; the others are counted. */
static void
test_many_cards(void **state)
{
    enum { CARDS = CM_REPORT_MAX_CARDS + 3 };
    char cards[CARDS][80];
    struct audit lines[CARDS];

    (void)state;
    for (int i = 0; i < CARDS; i++) {
        snprintf(cards[i], sizeof(cards[i]), "sha256=%064x", (unsigned)i);
        lines[i] = (struct audit){.card = cards[i],
                                  .strength = i < 3 ? "weak" : "strong"};
    }
    check_run("report --all -" AT, lines_of(lines, CARDS), CM_EXIT_YES,
              "3 older cards", "");
}

/* What an administrator pastes into a shell stays one word; what a terminal
 * shows is what the audit line has. */
static void
test_names_are_quoted(void **state)
{
    static const struct {
        const char *who;
        const char *words;
    } rows[] = {
        {"o'brien", "-> certmap map add 'o'\\''brien@R' CERT\n"},
        {"$(reboot)", "-> certmap map add '$(reboot)@R' CERT\n"},
        {"-n", "-> certmap map add -- -n@R CERT\n"},
        {"a\\x22b", "-> certmap map add 'a\"b@R' CERT\n"},
        {"a\\x1bb", "-> certmap map add PRINCIPAL CERT\n"},
        {"host/a.b", "-> certmap map add host/a.b@R CERT\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct audit line = {.who = rows[i].who, .strength = "weak"};

        check_run("report -" AT, lines_of(&line, 1), CM_EXIT_NO, rows[i].words,
                  "");
    }
}

/* Lines that name no principal are counted, and belong to nobody. */
static void
test_nameless(void **state)
{
    char *text = lines_of(&strong, 1), *at = strstr(text, "\"alice@R\"");

    (void)state;
    memmove(at + 1, at + strlen("\"alice@R\""),
            strlen(at + strlen("\"alice@R\"")) + 1);
    *at = '-';
    check_run("report --json -" AT, text, CM_EXIT_YES, "\"nameless\":1", "");
}

/* ---- The index of names ---- */

static void
test_name_index(void **state)
{
    enum { NAMES = 1000 };
    static struct cm_named names[NAMES];
    struct cm_name_index index = {0};
    size_t at = 0, seen = 0;
    char text[16];

    (void)state;
    assert_null(cm_name_index_find(&index, "x", 1));
    for (int i = 0; i < NAMES; i++) {
        snprintf(text, sizeof(text), "n%d", i);
        names[i].name = strdup(text);
        assert_null(cm_name_index_find(&index, text, strlen(text)));
        assert_true(cm_name_index_add(&index, &names[i]));
    }
    for (int i = 0; i < NAMES; i++)
        assert_ptr_equal(
            cm_name_index_find(&index, names[i].name, strlen(names[i].name)),
            &names[i]);
    assert_null(cm_name_index_find(&index, "n", 1));
    assert_null(cm_name_index_find(&index, "n1000", 5));
    while (cm_name_index_next(&index, &at) != NULL)
        seen++;
    assert_int_equal(seen, NAMES);
    for (int i = 0; i < NAMES; i++)
        free(names[i].name);
    cm_name_index_clear(&index);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_other_lines),
        cmocka_unit_test(test_long_audit_line),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_journal),
        cmocka_unit_test(test_command_line),
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_reference_again),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_many_cards),
        cmocka_unit_test(test_names_are_quoted),
        cmocka_unit_test(test_nameless),
        cmocka_unit_test(test_name_index),
    };

    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests_name("report", tests, folder_set_up,
                                       folder_tear_down);
}
