/*
 * Which UPNs are an account's, explicitly and implicitly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "account.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DOMAIN "example.com"

static struct row {
    const char *what;
    const char *account_name;
    enum cm_presence upn_state;
    const char *account_upn;
    const char *upn;
    bool has;
} rows[] = {
    /* Explicit */
    {"explicit", "alice", CM_PRESENT, "alice@alt.example", "alice@alt.example",
     true},
    {"explicit, another case", "alice", CM_PRESENT, "alice@alt.example",
     "ALICE@Alt.Example", true},
    {"explicit, without an account name", NULL, CM_PRESENT,
     "alice@alt.example", "alice@alt.example", true},
    {"explicit, another's", "alice", CM_PRESENT, "alice@alt.example",
     "bob@alt.example", false},
    {"explicit, one character more", "alice", CM_PRESENT, "a@alt.example",
     "a@alt.examples", false},
    {"explicit, one character less", "alice", CM_PRESENT, "a@alt.example",
     "a@alt.exampl", false},
    {"explicit, folding ASCII only", "alice", CM_PRESENT,
     "j\xc3\xbcrgen@alt.example", "j\xc3\x9crgen@alt.example", false},
    {"two userPrincipalNames are none", NULL, CM_FAULTY, NULL,
     "alice@alt.example", false},

    /* Implicit */
    {"implicit", "bob", CM_ABSENT, NULL, "bob@example.com", true},
    {"implicit, another case", "bob", CM_ABSENT, NULL, "BOB@Example.COM",
     true},
    {"U08: implicit beside an explicit one", "carol", CM_PRESENT,
     "carol@alt.example", "carol@example.com", true},
    {"implicit beside a faulty explicit one", "carol", CM_FAULTY, NULL,
     "carol@example.com", true},
    {"implicit, another's", "bob", CM_ABSENT, NULL, "alice@example.com",
     false},
    {"implicit, another domain", "bob", CM_ABSENT, NULL, "bob@example.org",
     false},
    {"implicit, a subdomain", "bob", CM_ABSENT, NULL, "bob@a.example.com",
     false},
    {"implicit, a longer domain", "bob", CM_ABSENT, NULL,
     "bob@example.com.evil", false},
    {"implicit, no domain", "bob", CM_ABSENT, NULL, "bob@", false},
    {"implicit, no at sign", "bob", CM_ABSENT, NULL, "bob", false},
    {"implicit, the name is a prefix", "bob", CM_ABSENT, NULL,
     "bobby@example.com", false},
    {"implicit, no $ is added", "DC1$", CM_ABSENT, NULL, "DC1@example.com",
     false},
    {"an empty account name has none", "", CM_ABSENT, NULL, "@example.com",
     false},
    {"no name and no UPN", NULL, CM_ABSENT, NULL, "bob@example.com", false},
};

static char *
copy(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

static void
test_row(void **state)
{
    const struct row *row = *state;
    struct cm_account account = {0};

    account.account_name = copy(row->account_name);
    account.upn_state = row->upn_state;
    account.upn = copy(row->account_upn);
    assert_int_equal(cm_account_has_upn(&account, row->upn, DOMAIN), row->has);
    cm_account_clear(&account);
}

static void
test_clear_empties(void **state)
{
    static const struct cm_account nothing;
    struct cm_account account = {0};

    (void)state;
    account.id = copy("cn=alice");
    account.disabled_why = copy("locked");
    account.account_name = copy("alice");
    account.upn = copy("alice@example.com");
    account.sid = copy("S-1-5-21-1");
    account.mappings = calloc(2, sizeof(*account.mappings));
    assert_non_null(account.mappings);
    account.mapping_count = 2;
    account.mappings[0].data = copy("X509:<SKI>01");
    cm_account_clear(&account);
    assert_memory_equal(&account, &nothing, sizeof(nothing));
}

static void
test_clear_empties_the_list(void **state)
{
    struct cm_accounts accounts = {0};

    (void)state;
    accounts.list = calloc(2, sizeof(*accounts.list));
    assert_non_null(accounts.list);
    accounts.count = 2;
    accounts.list[0].id = copy("cn=alice");
    accounts.list[1].id = copy("cn=bob");
    cm_accounts_clear(&accounts);
    assert_null(accounts.list);
    assert_int_equal(accounts.count, 0);
}

int
main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_clear_empties),
        cmocka_unit_test(test_clear_empties_the_list),
    };
    struct CMUnitTest table[COUNT(rows)] = {{0}};
    int failed;

    for (size_t i = 0; i < COUNT(rows); i++) {
        table[i].name = rows[i].what;
        table[i].test_func = test_row;
        table[i].initial_state = &rows[i];
    }
    failed = _cmocka_run_group_tests("UPNs", table, COUNT(rows), NULL, NULL);
    return failed + cmocka_run_group_tests(others, NULL, NULL);
}
