/* Each finding of certmap check, on a host that is otherwise right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "check_rows.h"
#include "host.h"
#include "runner.h"
#include "store.h"

/* What the right host has: notes only. */
static const char *const usual[] = {"summary", "revocation-off",
                                    "kdb-unavailable", NULL};

static json_t *
run_check(const char *line, enum cm_exit *code)
{
    struct run run = run_line(line, NULL, 0);
    json_error_t error;
    json_t *findings = json_loads(run.out, 0, &error);

    if (findings == NULL || !json_is_array(findings) || run.err[0] != '\0')
        fail_msg("%s: %s\n%s", line, run.out, run.err);
    *code = run.code;
    run_clear(&run);
    return findings;
}

static const char *
field(const json_t *finding, const char *key)
{
    const char *value = json_string_value(json_object_get(finding, key));

    return value != NULL ? value : "";
}

static bool
is_usual(const char *token)
{
    for (size_t i = 0; usual[i] != NULL; i++) {
        if (strcmp(usual[i], token) == 0)
            return true;
    }
    return false;
}

/* The finding is there, and nothing beside it that a row does not expect. */
static void
check_findings(size_t number, const struct check_row *row,
               const json_t *findings)
{
    bool found = row->token[0] == '\0';
    const char *token;
    size_t i;
    json_t *one;

    json_array_foreach(findings, i, one)
    {
        token = field(one, "token");
        assert_true(field(one, "text")[0] != '\0');
        assert_true(field(one, "remedy")[0] != '\0');
        if (strcmp(token, row->token) == 0)
            found = found || row->text == NULL ||
                    strstr(field(one, "text"), row->text) != NULL;
        else if (!is_usual(token) && row->code == CM_EXIT_YES)
            fail_msg("row %zu: %s: %s", number, token, field(one, "text"));
    }
    if (!found) {
        char *text = json_dumps(findings, JSON_INDENT(2));

        fail_msg("row %zu: no %s in %s", number, row->token, text);
    }
}

static void
check_rows_each(const struct check_row *rows, size_t count)
{
    enum cm_exit code;
    json_t *findings;

    for (size_t i = 0; i < count; i++) {
        host_configure(&rows[i].host);
        findings = run_check("check --json", &code);
        check_findings(i, &rows[i], findings);
        if (code != rows[i].code)
            fail_msg("row %zu (%s): exit %d", i, rows[i].token, (int)code);
        json_decref(findings);
    }
}

static void
each_finding_is_found(void **state)
{
    (void)state;
    check_rows_each(check_rows, check_row_count);
}

static void
each_wiring_is_told(void **state)
{
    (void)state;
    check_rows_each(check_rows_wiring, check_row_wiring_count);
}

static void
mode_off_is_left_alone(void **state)
{
    struct host host = {
        .realm = "", .certmap = "mode = off\n", .plugins = "\n"};
    enum cm_exit code;
    json_t *findings;

    (void)state;
    host_configure(&host);
    findings = run_check("check --json", &code);
    assert_int_equal(code, CM_EXIT_YES);
    assert_int_equal(json_array_size(findings), 1);
    assert_string_equal(field(json_array_get(findings, 0), "token"),
                        "mode-off");
    json_decref(findings);
}

/* [plugins] is wrong for every realm, and said once. */
static void
one_trouble_is_one_finding(void **state)
{
    struct host host = {.plugins = "certauth = {\n" HOST_MODULE "}\n",
                        .more = "[realms]\nOTHER.COM = {\n" HOST_PKINIT
                                "certmap = {\n" HOST_CERTMAP "}\n}\n"};
    enum cm_exit code;
    json_t *findings, *one;
    size_t i, missing = 0;

    (void)state;
    host_configure(&host);
    findings = run_check("check --json", &code);
    assert_int_equal(code, CM_EXIT_NO);
    json_array_foreach(findings, i, one)
    {
        if (strcmp(field(one, "token"), "enable-only-missing") == 0) {
            assert_true(json_is_null(json_object_get(one, "realm")));
            missing++;
        }
        if (strcmp(field(one, "token"), "kdc-name") == 0)
            assert_string_equal(field(one, "realm"), "OTHER.COM");
    }
    assert_int_equal(missing, 1);
    json_decref(findings);
}

static void
one_realm_can_be_asked(void **state)
{
    struct host host = {.more = "[realms]\nOTHER.COM = {\n"
                                "max_life = 1h\n}\n"};
    enum cm_exit code;
    json_t *findings;

    (void)state;
    host_configure(&host);
    findings = run_check("check --json -r EXAMPLE.COM", &code);
    assert_int_equal(code, CM_EXIT_YES);
    json_decref(findings);
    findings = run_check("check --json -r OTHER.COM", &code);
    assert_int_equal(code, CM_EXIT_NO);
    assert_string_equal(field(json_array_get(findings, 0), "token"),
                        "realm-absent");
    assert_string_equal(field(json_array_get(findings, 0), "realm"),
                        "OTHER.COM");
    json_decref(findings);
}

static void
time_can_be_given(void **state)
{
    struct host host = {.realm = NULL};
    enum cm_exit code;
    json_t *findings;

    (void)state;
    host_configure(&host);
    findings = run_check("check --json --at 2041-01-01T00:00:00Z", &code);
    assert_int_equal(code, CM_EXIT_NO);
    assert_string_equal(field(json_array_get(findings, 0), "token"),
                        "kdc-validity");
    json_decref(findings);
}

static void
unreadable_profiles_are_said(void **state)
{
    static const char broken[] = "[realms]\n}\n";
    struct host host = {.realm = NULL};
    enum cm_exit code;
    json_t *findings;

    (void)state;
    host_configure(&host);
    folder_write("broken.conf", broken, sizeof(broken) - 1);
    for (int i = 0; i < 2; i++) {
        findings = run_check(i == 0 ? "check --json -c nowhere.conf"
                                    : "check --json -c broken.conf",
                             &code);
        assert_int_equal(code, CM_EXIT_USAGE);
        assert_int_equal(json_array_size(findings), 1);
        assert_string_equal(field(json_array_get(findings, 0), "token"),
                            "profile-unreadable");
        json_decref(findings);
    }
    assert_int_equal(setenv("KRB5_KDC_PROFILE", "kdc.conf", 1), 0);
}

/* What softens every login for a while is not forgotten. */
static void
an_override_is_found(void **state)
{
    char reason[] = "the CA is down";
    struct cm_override override = {.reason = reason};
    struct host host = {.certmap = HOST_TRUST HOST_DIRECTORY HOST_STORE};
    enum cm_exit code;
    json_t *findings;
    char *line;

    (void)state;
    override.set_at = time(NULL) - 60;
    override.until = override.set_at + 3600;
    line = cm_override_format(&override);
    assert_non_null(line);
    folder_write("store/override", line, strlen(line));
    free(line);
    host_configure(&host);
    findings = run_check("check --json", &code);
    check_findings(0,
                   &(struct check_row){"override", CM_EXIT_NO,
                                       "logs in: the CA is down", host},
                   findings);
    assert_int_equal(code, CM_EXIT_NO);
    json_decref(findings);
    assert_int_equal(unlink("store/override"), 0);
}

/* Errors come first, each with its remedy below. */
static void
people_read_it_too(void **state)
{
    struct host host = {.realm = HOST_PKINIT "pkinit_indicator = card\n",
                        .certmap =
                            HOST_TRUST HOST_DIRECTORY "store = @/nowhere\n"};
    struct run run;

    (void)state;
    host_configure(&host);
    run = run_line("check", NULL, 0);
    assert_int_equal(run.code, CM_EXIT_NO);
    assert_ptr_equal(strstr(run.out, "error store-unusable: EXAMPLE.COM: "),
                     run.out);
    assert_non_null(strstr(run.out, "\nwarning pkinit-indicator: "));
    assert_non_null(strstr(run.out, "\n    make the folder root's"));
    run_clear(&run);
    host_configure(&(struct host){.realm = NULL});
    run = run_line("check", NULL, 0);
    assert_int_equal(run.code, CM_EXIT_YES);
    assert_non_null(strstr(run.out, "nothing wrong was found\n"));
    run_clear(&run);
    run = run_line("check something", NULL, 0);
    assert_int_equal(run.code, CM_EXIT_USAGE);
    run_clear(&run);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_finding_is_found),
        cmocka_unit_test(each_wiring_is_told),
        cmocka_unit_test(mode_off_is_left_alone),
        cmocka_unit_test(one_trouble_is_one_finding),
        cmocka_unit_test(one_realm_can_be_asked),
        cmocka_unit_test(time_can_be_given),
        cmocka_unit_test(unreadable_profiles_are_said),
        cmocka_unit_test(people_read_it_too),
        cmocka_unit_test(an_override_is_found),
    };

    return cmocka_run_group_tests(tests, host_set_up, folder_tear_down);
}
