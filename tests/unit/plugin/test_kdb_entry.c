/*
 * Entries of a real KDC database in a temporary folder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "kdb_entry.h"
#include "scratch.h"

#define KDB5_UTIL "/usr/sbin/kdb5_util"
#define KADMIN_LOCAL "/usr/sbin/kadmin.local"

static struct scratch scratch;
static krb5_context context;

static const char kdc_conf[] =
    "[libdefaults]\ndefault_realm = OTHER.COM\n"
    "[realms]\nEXAMPLE.COM = {\nkey_stash_file = @/stash\n"
    "acl_file = @/acl\nmax_life = 1h\ndatabase_module = here\n}\n"
    "[dbmodules]\nhere = {\ndb_library = db2\n"
    "database_name = @/principal\n}\n";

static const char commands[] =
    "addprinc -randkey +requires_preauth alice\n"
    "setstr alice altSecurityIdentities X509:<SKI>01\n"
    "setstr alice altSecurityIdentities.2 X509:<SKI>02\n"
    "setstr alice ALTSECURITYIDENTITIES.10 X509:<SKI>10\n"
    "setstr alice altSecurityIdentities.old X509:<SKI>f0\n"
    "setstr alice altSecurityIdentities. X509:<SKI>f1\n"
    "setstr alice altSecurityIdentities2 X509:<SKI>f2\n"
    "setstr alice objectsid S-1-5-21-1-2-3-1000\n"
    "setstr alice userPrincipalName alice\aexample.com\n"
    "setstr alice session_enctypes aes256-cts\n"
    "addprinc -randkey bob\n"
    "addprinc -randkey host/a.example.com\n";

static void
run(const char *command)
{
    char text[SCRATCH_PATH * 4];

    snprintf(text, sizeof(text), "%s >%s/log 2>&1", command, scratch.folder);
    if (system(text) != 0)
        fail_msg("%s", text);
}

static int
set_up(void **state)
{
    char command[SCRATCH_PATH * 2];

    (void)state;
    scratch_make(&scratch);
    scratch_write(&scratch, "kdc.conf", kdc_conf);
    scratch_write(&scratch, "commands", commands);
    setenv("KRB5_KDC_PROFILE", scratch_path(&scratch, "kdc.conf"), 1);
    setenv("KRB5_CONFIG", scratch_path(&scratch, "kdc.conf"), 1);
    run(KDB5_UTIL " -r EXAMPLE.COM create -s -P master");
    snprintf(command, sizeof(command), KADMIN_LOCAL " -r EXAMPLE.COM <%s",
             scratch_path(&scratch, "commands"));
    run(command);
    return krb5_init_context_profile(NULL, KRB5_INIT_CONTEXT_KDC, &context);
}

static int
tear_down(void **state)
{
    (void)state;
    krb5_free_context(context);
    scratch_remove(&scratch);
    return 0;
}

/* What a visit of one entry brought. */
struct seen {
    struct cm_principal principal;
    struct cm_entry strings;
    int visits;
};

static void
look(void *data, struct _krb5_db_entry_new *entry)
{
    struct seen *seen = data;

    seen->visits++;
    assert_true(cm_kdb_principal(context, entry, &seen->principal));
    assert_true(cm_kdb_strings(context, entry, &seen->strings));
}

static krb5_error_code
look_at(const char *name, struct seen *seen)
{
    struct cm_principal principal;
    krb5_error_code code;

    memset(seen, 0, sizeof(*seen));
    assert_true(cm_principal_parse(name, NULL, &principal));
    code = cm_kdb_with_entry(context, "EXAMPLE.COM", &principal, look, seen);
    cm_principal_clear(&principal);
    return code;
}

static void
forget(struct seen *seen)
{
    cm_principal_clear(&seen->principal);
    cm_entry_clear(&seen->strings);
}

static bool
holds(const struct cm_entry *entry, const char *name, const char *value)
{
    const struct cm_attribute *attribute = cm_entry_get(entry, name);

    for (size_t i = 0; attribute != NULL && i < attribute->count; i++) {
        if (strcmp(attribute->values[i].data, value) == 0)
            return true;
    }
    return false;
}

static void
test_strings(void **state)
{
    struct seen seen;

    (void)state;
    assert_int_equal(look_at("alice@EXAMPLE.COM", &seen), 0);
    assert_int_equal(seen.visits, 1);
    assert_string_equal(seen.principal.text, "alice@EXAMPLE.COM");
    assert_null(seen.strings.dn);
    assert_int_equal(seen.strings.count, 3);
    assert_int_equal(
        cm_entry_get(&seen.strings, "altSecurityIdentities")->count, 3);
    assert_true(holds(&seen.strings, "altSecurityIdentities", "X509:<SKI>01"));
    assert_true(holds(&seen.strings, "altSecurityIdentities", "X509:<SKI>02"));
    assert_true(holds(&seen.strings, "altSecurityIdentities", "X509:<SKI>10"));
    assert_true(holds(&seen.strings, "objectSid", "S-1-5-21-1-2-3-1000"));
    assert_true(
        holds(&seen.strings, "userPrincipalName", "alice@example.com"));
    forget(&seen);
}

static void
test_entries_without_strings(void **state)
{
    struct seen seen;

    (void)state;
    assert_int_equal(look_at("bob@EXAMPLE.COM", &seen), 0);
    assert_int_equal(seen.strings.count, 0);
    forget(&seen);
    assert_int_equal(look_at("host/a.example.com@EXAMPLE.COM", &seen), 0);
    assert_int_equal(seen.principal.component_count, 2);
    assert_string_equal(seen.principal.components[1], "a.example.com");
    forget(&seen);
}

static void
test_no_entry(void **state)
{
    struct cm_principal principal;
    struct seen seen;

    (void)state;
    assert_int_equal(look_at("mallory@EXAMPLE.COM", &seen), KRB5_KDB_NOENTRY);
    assert_int_equal(seen.visits, 0);
    assert_true(cm_principal_parse("alice@OTHER.COM", NULL, &principal));
    assert_int_not_equal(
        cm_kdb_with_entry(context, "OTHER.COM", &principal, look, &seen), 0);
    assert_int_equal(seen.visits, 0);
    cm_principal_clear(&principal);
}

/* The caller's context keeps its realm and has no database open. */
static void
test_context_is_left_alone(void **state)
{
    struct seen seen;
    char *realm;

    (void)state;
    assert_int_equal(look_at("alice@EXAMPLE.COM", &seen), 0);
    forget(&seen);
    assert_int_equal(krb5_get_default_realm(context, &realm), 0);
    assert_string_equal(realm, "OTHER.COM");
    krb5_free_default_realm(context, realm);
}

struct rows {
    size_t count, limit;
    size_t mapped, preauth;
};

static bool
count_row(void *data, const struct cm_kdb_row *row)
{
    struct rows *rows = data;

    rows->count++;
    if (strcmp(row->principal, "alice@EXAMPLE.COM") == 0)
        assert_true(row->has_mapping && row->requires_preauth);
    if (strcmp(row->principal, "bob@EXAMPLE.COM") == 0)
        assert_false(row->has_mapping || row->requires_preauth);
    rows->mapped += row->has_mapping;
    return rows->count < rows->limit;
}

static void
test_each(void **state)
{
    struct rows rows = {.limit = SIZE_MAX}, first = {.limit = 1};

    (void)state;
    assert_int_equal(cm_kdb_each(context, "EXAMPLE.COM", count_row, &rows), 0);
    /* alice, bob, host/a.example.com and what kdb5_util makes */
    assert_true(rows.count > 4);
    assert_int_equal(rows.mapped, 1);
    assert_int_equal(cm_kdb_each(context, "EXAMPLE.COM", count_row, &first),
                     0);
    assert_int_equal(first.count, 1);
    assert_int_not_equal(cm_kdb_each(context, "OTHER.COM", count_row, &rows),
                         0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_entries_without_strings),
        cmocka_unit_test(test_no_entry),
        cmocka_unit_test(test_context_is_left_alone),
        cmocka_unit_test(test_each),
    };

    if (access(KDB5_UTIL, X_OK) != 0 || access(KADMIN_LOCAL, X_OK) != 0) {
        puts("skipped: needs krb5-kdc and krb5-admin-server");
        return 77;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
