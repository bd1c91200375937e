/* The account of the KDC's own entry. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "directory.h"
#include "entry_text.h"

#define SID "S-1-5-21-11-22-33-1101"

static const struct {
    const char *name;
    const char *principal;
    const char *strings;
    const char *expected;
} cases[] = {
    {"nothing", "alice@R", "",
     "named name=alice upn=- sid=none created=- mappings=0"},
    {"mappings", "alice@R",
     "altSecurityIdentities=X509:<SKI>00\naltSecurityIdentities=x\n",
     "named name=alice upn=- sid=none created=- mappings=2"},
    {"SID", "alice@R", "objectSid=" SID "\n",
     "named name=alice upn=- sid=" SID " created=- mappings=0"},
    {"SID not canonical", "alice@R", "objectSid=S-1-5-21-011\n",
     "named name=alice upn=- sid=? created=- mappings=0"},
    {"SID doubled", "alice@R", "objectSid=" SID "\nobjectsid=" SID "\n",
     "named name=alice upn=- sid=? created=- mappings=0"},
    {"UPN", "alice@R", "userPrincipalName=carol@alt.example\n",
     "named name=alice upn=carol@alt.example sid=none created=- mappings=0"},
    {"UPN doubled", "alice@R",
     "userPrincipalName=a@b\nuserPrincipalName=b@b\n",
     "named name=alice upn=? sid=none created=- mappings=0"},
    {"several components", "host/a.example.com@R", "",
     "named name=- upn=- sid=none created=- mappings=0"},
};

static struct cm_directory *
make(const struct cm_directory_config *config)
{
    struct cm_directory *directory = cm_directory_new(config, NULL);

    assert_non_null(directory);
    return directory;
}

static void
test_cases(void **state)
{
    const struct cm_directory_config config = {.kind = CM_DIRECTORY_KDB};
    struct cm_directory *directory = make(&config);
    struct cm_principal principal;
    struct cm_entry entry;
    struct cm_accounts accounts;
    struct cm_detail detail;
    char *text;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct cm_directory_query query = {
            .lookup = {.principal = &principal, .dns_domain = "r"},
            .kdb_entry = &entry};

        assert_true(cm_principal_parse(cases[i].principal, NULL, &principal));
        entry_from_text(cases[i].strings, &entry);
        assert_int_equal(
            cm_directory_find(directory, &query, &accounts, &detail), CM_OK);
        assert_int_equal(accounts.count, 1);
        text = account_to_text(&accounts.list[0]);
        if (strcmp(text, cases[i].expected) != 0)
            fail_msg("%s: %s", cases[i].name, text);
        assert_string_equal(accounts.list[0].id, cases[i].principal);
        free(text);
        cm_accounts_clear(&accounts);
        cm_entry_clear(&entry);
        cm_principal_clear(&principal);
    }
    cm_directory_free(directory);
}

static void
test_refuses_without_the_entry(void **state)
{
    const struct cm_directory_config config = {.kind = CM_DIRECTORY_KDB};
    struct cm_directory *directory = make(&config);
    struct cm_principal principal;
    const struct cm_directory_query query = {
        .lookup = {.principal = &principal}};
    struct cm_accounts accounts;
    struct cm_detail detail;

    (void)state;
    assert_true(cm_principal_parse("alice@R", NULL, &principal));
    assert_int_equal(cm_directory_find(directory, &query, &accounts, &detail),
                     CM_DIRECTORY_UNAVAILABLE);
    assert_int_equal(accounts.count, 0);
    assert_null(accounts.list);
    cm_principal_clear(&principal);
    cm_directory_free(directory);
}

static void
test_too_many_values(void **state)
{
    const struct cm_directory_config config = {.kind = CM_DIRECTORY_KDB};
    struct cm_directory *directory = make(&config);
    struct cm_principal principal;
    struct cm_entry entry = {0};
    const struct cm_directory_query query = {
        .lookup = {.principal = &principal}, .kdb_entry = &entry};
    struct cm_accounts accounts;
    struct cm_detail detail;

    (void)state;
    assert_true(cm_principal_parse("alice@R", NULL, &principal));
    for (int i = 0; i <= CM_ACCOUNT_MAX_MAPPINGS; i++)
        assert_true(cm_entry_add(&entry, "altSecurityIdentities", "x", 1));
    assert_int_equal(cm_directory_find(directory, &query, &accounts, &detail),
                     CM_DIRECTORY_UNAVAILABLE);
    assert_int_equal(accounts.count, 0);
    cm_entry_clear(&entry);
    cm_principal_clear(&principal);
    cm_directory_free(directory);
}

static bool
visit(void *context, const struct cm_entry *entry)
{
    (void)context;
    (void)entry;
    fail();
    return false;
}

static void
test_probe_and_walk(void **state)
{
    const struct cm_directory_config config = {.kind = CM_DIRECTORY_KDB};
    struct cm_directory *directory = make(&config);
    struct cm_detail detail;
    bool truncated = true;

    (void)state;
    assert_true(cm_directory_config_check(&config, &detail));
    assert_int_equal(cm_directory_probe(directory, 1, &detail), CM_OK);
    assert_int_equal(cm_directory_each_mapped(directory, 1, 1, visit, NULL,
                                              &truncated, &detail),
                     CM_OK);
    assert_false(truncated);
    cm_directory_free(directory);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_refuses_without_the_entry),
        cmocka_unit_test(test_too_many_values),
        cmocka_unit_test(test_probe_and_walk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
