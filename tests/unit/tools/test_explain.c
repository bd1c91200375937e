/* certmap explain: the login, the exit codes and the JSON object. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "host.h"
#include "runner.h"

static const struct host right = {.realm = NULL};
static const struct host broken = {.certmap = "mode = enforc\ntimeout = 1\n"};
static const struct host absent = {.whole = ""};
static const struct host off = {.certmap = "mode = off\n"};
static const struct host observing = {.certmap =
                                          "mode = observe\n" HOST_CERTMAP};
static const struct host requiring = {.certmap = HOST_TRUST HOST_DIRECTORY};
static const struct host in_kdb = {.certmap = HOST_TRUST "revocation = off\n"};
static const struct host no_ntauth = {
    .certmap = "anchors = FILE:@/roots.pem\nntauth = DIR:@/empty\n"
               "revocation = off\n" HOST_DIRECTORY};
static const struct host unwired = {.plugins = "certauth = nothing\n"};
static const struct host unreachable = {
    .certmap = HOST_TRUST "revocation = off\ndirectory = ldap\n"
                          "ldap = {\nuri = ldap://127.0.0.1:1\n"
                          "base = dc=example,dc=com\nschema = mit\n}\n"};

static const struct row {
    const struct host *host;
    const char *line; /* after "explain" */
    enum cm_exit code;
    const char *out; /* in the text; NULL: nothing is printed */
    const char *err;
} rows[] = {
    {&right, "alice.pem alice@EXAMPLE.COM", CM_EXIT_YES, "accepted: ok\n",
     NULL},
    {&right, "alice.pem alice", CM_EXIT_YES, "alice@EXAMPLE.COM\n", NULL},
    {&right, "-r EXAMPLE.COM alice.pem alice", CM_EXIT_YES, "accepted", NULL},
    {&right, "-c kdc.conf alice.pem alice", CM_EXIT_YES, "accepted", NULL},
    {&right, "alice.pem alice", CM_EXIT_YES, "issuer-serial, strong", NULL},
    {&right, "alice.pem bob", CM_EXIT_NO, "refused: weak-mapping (66)", NULL},
    {&right, "alice.pem bob", CM_EXIT_NO, "lists strong values", NULL},
    {&right, "alice.pem carol", CM_EXIT_NO, "refused: no-mapping (75)", NULL},
    {&right, "alice.pem nobody", CM_EXIT_NO, "refused: account-not-found (75)",
     NULL},
    {&right, "--at 2041-01-01T00:00:00Z alice.pem alice", CM_EXIT_NO,
     "refused: cert-validity (71)", NULL},
    {&right, "roots.pem alice", CM_EXIT_NO, "refused: cert-key-purpose (77)",
     NULL},
    {&right, "short.der alice", CM_EXIT_NO, "refused: cert-malformed (71)",
     NULL},
    {&observing, "alice.pem alice", CM_EXIT_YES, "stock PKINIT decides", NULL},
    {&unwired, "alice.pem alice", CM_EXIT_YES, "accepted", NULL},
    {&requiring, "alice.pem alice", CM_EXIT_NO, "revocation-unknown (73)",
     NULL},
    {&requiring, "--fetch alice.pem alice", CM_EXIT_NO,
     "asked: no OCSP responder is known", NULL},

    /* --directory */
    {&right, "--directory ldif:others.ldif alice.pem carol", CM_EXIT_YES,
     "accepted", NULL},
    {&in_kdb, "--directory ldif:others.ldif alice.pem carol", CM_EXIT_YES,
     "accepted", NULL},
    {&right, "--directory ldif:nowhere.ldif alice.pem carol", CM_EXIT_USAGE,
     NULL, "nowhere.ldif"},
    {&right, "--directory ldif: alice.pem carol", CM_EXIT_USAGE, NULL,
     "allowed are kdb, ldap, ldif:FILE"},
    {&right, "--directory nis alice.pem carol", CM_EXIT_USAGE, NULL,
     "allowed are kdb, ldap, ldif:FILE"},
    {&right, "--directory ldap alice.pem carol", CM_EXIT_USAGE, NULL,
     "needs the realm's ldap subsection"},
    {&right, "--directory kdb --directory kdb alice.pem carol", CM_EXIT_USAGE,
     NULL, "may be given once"},

    /* What does not answer. */
    {&unreachable, "alice.pem alice", CM_EXIT_UNAVAILABLE,
     "refused: directory-unavailable (24)", "127.0.0.1:1"},
    {&unreachable, "--directory ldif:others.ldif alice.pem carol", CM_EXIT_YES,
     "accepted", NULL},
    {&in_kdb, "alice.pem alice", CM_EXIT_UNAVAILABLE,
     "refused: directory-unavailable (24)", "database cannot be opened"},
    {&right, "--directory kdb alice.pem alice", CM_EXIT_UNAVAILABLE,
     "refused: directory-unavailable (24)", "database cannot be opened"},

    /* Usage and configuration. */
    {&right, "alice.pem", CM_EXIT_USAGE, NULL, "usage: certmap explain"},
    {&right, "alice.pem alice bob", CM_EXIT_USAGE, NULL,
     "usage: certmap explain"},
    {&right, "nowhere.pem alice", CM_EXIT_USAGE, NULL, "cannot open"},
    {&right, "junk alice", CM_EXIT_USAGE, NULL, "holds no certificate"},
    {&right, "-c nowhere.conf alice.pem alice", CM_EXIT_USAGE, NULL,
     "cannot open nowhere.conf"},
    {&right, "alice.pem alice@", CM_EXIT_USAGE, NULL, "is not a principal"},
    {&right, "alice.pem @EXAMPLE.COM", CM_EXIT_USAGE, NULL,
     "is not a principal"},
    {&right, "alice.pem a@B@C", CM_EXIT_USAGE, NULL, "is not a principal"},
    {&right, "-r OTHER.COM alice.pem alice@EXAMPLE.COM", CM_EXIT_USAGE, NULL,
     "is not of the realm OTHER.COM"},
    {&right, "alice.pem alice@OTHER.COM", CM_EXIT_USAGE, NULL,
     "realm OTHER.COM has no certmap subsection"},
    {&absent, "alice.pem alice", CM_EXIT_USAGE, NULL,
     "has no certmap subsection"},
    {&off, "alice.pem alice", CM_EXIT_USAGE, NULL, "mode = off"},
    {&broken, "alice.pem alice", CM_EXIT_USAGE, NULL, "mode = enforc"},
    {&broken, "alice.pem alice", CM_EXIT_USAGE, NULL, "timeout = 1"},
    {&no_ntauth, "alice.pem alice", CM_EXIT_USAGE, "refused: config (24)",
     "/empty"},
};

static void
run_row(size_t number, const struct row *row)
{
    char line[256];
    struct run run;

    host_configure(row->host);
    snprintf(line, sizeof(line), "explain %s", row->line);
    run = run_line(line, NULL, 0);
    if (run.code != row->code ||
        (row->out == NULL ? run.out[0] != '\0'
                          : strstr(run.out, row->out) == NULL) ||
        (row->err == NULL ? run.err[0] != '\0'
                          : strstr(run.err, row->err) == NULL))
        fail_msg("row %zu: certmap %s: exit %d\n--- out\n%s--- err\n%s",
                 number, line, (int)run.code, run.out, run.err);
    run_clear(&run);
}

static void
logins_are_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        run_row(i, &rows[i]);
}

static json_t *
explain_json(const struct host *host, const char *line, enum cm_exit code)
{
    struct run run;
    json_error_t error;
    json_t *object;

    host_configure(host);
    run = run_line(line, NULL, 0);
    assert_int_equal(run.code, code);
    object = json_loads(run.out, 0, &error);
    if (object == NULL)
        fail_msg("%s\n%s", run.out, run.err);
    run_clear(&run);
    return object;
}

static const char *
text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static void
an_accepted_login_has_every_key(void **state)
{
    static const char *const steps[] = {"certificate", "logon",   "path",
                                        "revocation",  "account", "decision",
                                        "indicators"};
    json_t *o =
        explain_json(&right, "explain --json alice.pem alice", CM_EXIT_YES);
    json_t *list = json_object_get(o, "steps"), *step;

    (void)state;
    assert_int_equal(json_object_size(o), 12);
    assert_string_equal(text_of(o, "decision"), "accepted");
    assert_string_equal(text_of(o, "reason"), "ok");
    assert_int_equal(json_integer_value(json_object_get(o, "error")), 0);
    assert_string_equal(text_of(o, "mapping"), "issuer-serial");
    assert_string_equal(text_of(o, "strength"), "strong");
    assert_string_equal(text_of(o, "account"), "uid=alice,dc=example,dc=com");
    assert_string_equal(text_of(o, "principal"), "alice@EXAMPLE.COM");
    assert_true(json_is_array(json_object_get(o, "indicators")));
    assert_true(json_is_false(json_object_get(o, "hw_authent")));
    assert_string_equal(text_of(json_object_get(o, "revocation"), "mode"),
                        "off");
    assert_true(json_is_false(
        json_object_get(json_object_get(o, "revocation"), "checked")));
    assert_true(json_is_array(json_object_get(o, "warnings")));
    assert_int_equal(json_array_size(list), 7);
    for (size_t i = 0; i < 7; i++) {
        step = json_array_get(list, i);
        assert_string_equal(text_of(step, "step"), steps[i]);
        assert_string_equal(text_of(step, "outcome"), "ok");
        assert_true(json_is_string(json_object_get(step, "detail")));
        assert_true(json_is_integer(json_object_get(step, "ms")));
    }
    json_decref(o);
}

static void
a_refused_login_ends_at_its_step(void **state)
{
    json_t *o =
        explain_json(&right, "explain --json alice.pem bob", CM_EXIT_NO);
    json_t *steps = json_object_get(o, "steps");
    json_t *last = json_array_get(steps, json_array_size(steps) - 1);

    (void)state;
    assert_int_equal(json_object_size(o), 12);
    assert_string_equal(text_of(o, "decision"), "refused");
    assert_string_equal(text_of(o, "reason"), "weak-mapping");
    assert_int_equal(json_integer_value(json_object_get(o, "error")), 66);
    assert_string_equal(text_of(o, "mapping"), "issuer-subject");
    assert_string_equal(text_of(o, "strength"), "weak");
    assert_int_equal(json_array_size(json_object_get(o, "indicators")), 0);
    assert_string_equal(text_of(last, "step"), "decision");
    assert_string_equal(text_of(last, "outcome"), "weak-mapping");
    json_decref(o);
}

static void
nothing_found_is_null(void **state)
{
    json_t *o =
        explain_json(&right, "explain --json alice.pem nobody", CM_EXIT_NO);

    (void)state;
    assert_int_equal(json_object_size(o), 12);
    assert_true(json_is_null(json_object_get(o, "mapping")));
    assert_true(json_is_null(json_object_get(o, "strength")));
    assert_true(json_is_null(json_object_get(o, "account")));
    json_decref(o);
}

static void
a_broken_configuration_is_an_answer_too(void **state)
{
    json_t *o =
        explain_json(&broken, "explain --json alice.pem alice", CM_EXIT_USAGE);

    (void)state;
    assert_int_equal(json_object_size(o), 12);
    assert_string_equal(text_of(o, "decision"), "refused");
    assert_string_equal(text_of(o, "reason"), "config");
    assert_int_equal(json_array_size(json_object_get(o, "steps")), 0);
    json_decref(o);
}

static int
set_up(void **state)
{
    static const char others[] = "dn: uid=carol,dc=example,dc=com\n"
                                 "krbPrincipalName: carol@EXAMPLE.COM\n"
                                 "altSecurityIdentities: "
                                 "X509:<I>DC=test,CN=CA 1<SR>7b0a\n";
    static const char half[] = "\x30\x82\x01\x01";

    host_set_up(state);
    folder_write("others.ldif", others, sizeof(others) - 1);
    folder_write("short.der", half, sizeof(half) - 1);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logins_are_explained),
        cmocka_unit_test(an_accepted_login_has_every_key),
        cmocka_unit_test(a_refused_login_ends_at_its_step),
        cmocka_unit_test(nothing_found_is_null),
        cmocka_unit_test(a_broken_configuration_is_an_answer_too),
    };

    return cmocka_run_group_tests(tests, set_up, folder_tear_down);
}
