/*
 * certmap report: what lines make of a principal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "report_command.h"
#include "report_lines.h"

/* ---- What the lines of one principal come to ---- */

enum { MAX_LINES = 3 };

static struct need_row {
    const char *what;
    struct audit lines[MAX_LINES];
    int count;
    const char *need;
    bool locked_out;
    const char *words; /* somewhere in the answer */
    enum cm_exit code;
} needs[] = {
    {"strong", {{0}}, 1, "none", false, "\"ski\":1", CM_EXIT_YES},
    {"weak",
     {{.mapping = "upn",
       .strength = "weak",
       .warnings = "weak",
       .choices = "enforcement=compatibility"}},
     1,
     "full",
     true,
     "certmap map add alice@R CERT",
     CM_EXIT_NO},
    {"weak and older",
     {{.mapping = "upn",
       .strength = "weak",
       .warnings = "weak,predates-account",
       .choices = "enforcement=disabled"}},
     1,
     "full",
     true,
     "compatibility would refuse it, too",
     CM_EXIT_NO},
    {"observed",
     {{.mode = "observe", .reason = "no-mapping", .choices = "mode=observe"}},
     1,
     "observe",
     true,
     "certmap map add alice@R CERT",
     CM_EXIT_NO},
    {"observed, weak and accepted",
     {{.mode = "observe", .mapping = "upn", .strength = "weak"}},
     1,
     "full",
     true,
     "upn alone matches",
     CM_EXIT_NO},
    {"refused already",
     {{.reason = "no-mapping"}},
     1,
     "refused",
     false,
     "nothing ties",
     CM_EXIT_YES},
    {"stock refuses",
     {{.mode = "observe", .reason = "pkinit"}},
     1,
     "refused",
     false,
     "own PKINIT",
     CM_EXIT_YES},
    {"a reason of tomorrow",
     {{.mode = "observe", .reason = "brand-new"}},
     1,
     "observe",
     true,
     "does not know",
     CM_EXIT_NO},
    {"a mode of tomorrow",
     {{.mode = "brand-new", .reason = "no-mapping"}},
     1,
     "refused",
     false,
     "brand-new",
     CM_EXIT_YES},
    {"override",
     {{.choices = "override"}},
     1,
     "look",
     false,
     "an override",
     CM_EXIT_YES},
    {"soft",
     {{.choices = "revocation=soft"}},
     1,
     "look",
     false,
     "certmap status",
     CM_EXIT_YES},
    {"grace",
     {{.choices = "stale_grace"}},
     1,
     "look",
     false,
     "is old",
     CM_EXIT_YES},
    {"foreign key identifier",
     {{.choices = "ski_trust_extension=true"}},
     1,
     "look",
     false,
     "certmap map add",
     CM_EXIT_YES},
    {"the realm's own choice",
     {{.choices = "revocation=off"}},
     1,
     "none",
     false,
     "revocation=off",
     CM_EXIT_YES},
    {"foreign SID",
     {{.warnings = "sid-foreign"}},
     1,
     "look",
     false,
     "sid_mismatch = refuse",
     CM_EXIT_YES},
    {"malformed value",
     {{.warnings = "malformed-value"}},
     1,
     "look",
     false,
     "certmap map list alice@R",
     CM_EXIT_YES},
    {"ends soon",
     {{.until = "2024-06-20T00:00:00Z"}},
     1,
     "look",
     false,
     "ends 2024-06-20",
     CM_EXIT_YES},
    {"has expired",
     {{.until = "2024-05-20T00:00:00Z", .strength = "weak"}},
     1,
     "expired",
     false,
     "has expired",
     CM_EXIT_YES},
    /* The last line that judged decides. */
    {"mapped since",
     {{.mode = "observe", .reason = "no-mapping"}, {0}},
     2,
     "none",
     false,
     "\"no-mapping\":1",
     CM_EXIT_YES},
    {"unmapped since",
     {{0}, {.mode = "observe", .reason = "no-mapping"}},
     2,
     "observe",
     true,
     "",
     CM_EXIT_NO},
    {"enforced since",
     {{.mode = "observe", .reason = "no-mapping"}, {.reason = "no-mapping"}},
     2,
     "refused",
     false,
     "",
     CM_EXIT_YES},
    {"a bad day after",
     {{.mode = "observe", .reason = "no-mapping"},
      {.mode = "observe", .reason = "directory-unavailable"},
      {.mode = "observe", .reason = "pkinit"}},
     3,
     "observe",
     true,
     "nothing ties",
     CM_EXIT_NO},
    {"a bad day before",
     {{.mode = "observe", .reason = "busy"}, {0}},
     2,
     "none",
     false,
     "",
     CM_EXIT_YES},
    {"bad days only",
     {{.mode = "observe", .reason = "config"}},
     1,
     "observe",
     true,
     "certmap check",
     CM_EXIT_NO},
    /* Two cards. */
    {"one of two",
     {{0}, {.card = CARD_B, .strength = "weak"}},
     2,
     "full",
     false,
     "",
     CM_EXIT_NO},
    {"both",
     {{.strength = "weak"},
      {.card = CARD_B, .mode = "observe", .reason = "no-mapping"}},
     2,
     "observe",
     true,
     "",
     CM_EXIT_NO},
    {"an old one and a new one",
     {{.until = "2024-05-20T00:00:00Z", .strength = "weak"}, {.card = CARD_B}},
     2,
     "none",
     false,
     "",
     CM_EXIT_YES},
};

static void
test_need(void **state)
{
    const struct need_row *row = *state;
    struct run run =
        report_on("report --json -" AT, lines_of(row->lines, row->count));
    json_t *told = json_loads(run.out, 0, NULL), *list, *one;

    assert_non_null(told);
    list = json_object_get(told, "principals");
    assert_int_equal(json_array_size(list), 1);
    one = json_array_get(list, 0);
    assert_string_equal(json_string_value(json_object_get(one, "need")),
                        row->need);
    assert_int_equal(json_is_true(json_object_get(one, "locked_out")),
                     row->locked_out);
    if (strstr(run.out, row->words) == NULL)
        fail_msg("%s", run.out);
    assert_int_equal(run.code, row->code);
    json_decref(told);
    run_clear(&run);
    /* The table says the same, and ends the same way. */
    run = report_on("report --all -" AT, lines_of(row->lines, row->count));
    assert_int_equal(run.code, row->code);
    assert_int_equal(strstr(run.out, "locked out") != NULL, row->locked_out);
    assert_string_equal(run.err, "");
    run_clear(&run);
}

int
main(void)
{
    enum { NEEDS = sizeof(needs) / sizeof(needs[0]) };
    struct CMUnitTest rows[NEEDS];

    for (size_t i = 0; i < NEEDS; i++)
        rows[i] = (struct CMUnitTest){needs[i].what, test_need, NULL, NULL,
                                      &needs[i]};
    return cmocka_run_group_tests_name("needs", rows, NULL, NULL);
}
