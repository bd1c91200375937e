/*
 * Writing to a real KDC database in a temporary folder.
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

#include "kdb_write.h"
#include "scratch.h"

#define KDB5_UTIL "/usr/sbin/kdb5_util"
#define KADMIN_LOCAL "/usr/sbin/kadmin.local"
#define REALM "EXAMPLE.COM"

static struct scratch scratch;
static struct cm_principal alice;

static const char kdc_conf[] =
    "[libdefaults]\ndefault_realm = OTHER.COM\n"
    "[realms]\nEXAMPLE.COM = {\nkey_stash_file = @/stash\n"
    "acl_file = @/acl\nmax_life = 1h\ndatabase_module = here\n}\n"
    "[dbmodules]\nhere = {\ndb_library = db2\n"
    "database_name = @/principal\n}\n";

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
    (void)state;
    scratch_make(&scratch);
    scratch_write(&scratch, "kdc.conf", kdc_conf);
    setenv("KRB5_KDC_PROFILE", scratch_path(&scratch, "kdc.conf"), 1);
    setenv("KRB5_CONFIG", scratch_path(&scratch, "kdc.conf"), 1);
    run(KDB5_UTIL " -r " REALM " create -s -P master");
    run(KADMIN_LOCAL " -r " REALM " addprinc -pw secret +needchange alice");
    return cm_principal_parse("alice@" REALM, NULL, &alice) ? 0 : 1;
}

static int
tear_down(void **state)
{
    (void)state;
    cm_principal_clear(&alice);
    scratch_remove(&scratch);
    return 0;
}

static struct cm_kdb_writer *
open_writer(void)
{
    struct cm_detail detail = {""};
    struct cm_kdb_writer *writer = cm_kdb_writer_open(REALM, &detail);

    if (writer == NULL)
        fail_msg("%s", detail.text);
    return writer;
}

static void
read_alice(struct cm_kdb_writer *writer, struct cm_kdb_account *out)
{
    struct cm_detail detail = {""};

    assert_int_equal(cm_kdb_writer_read(writer, &alice, out, &detail),
                     CM_KDB_DONE);
}

static enum cm_kdb_result
set_string(struct cm_kdb_writer *writer, const struct cm_kdb_account *was,
           const char *key, const char *value)
{
    char *own_key = strdup(key), *own_value = value ? strdup(value) : NULL;
    const struct cm_kdb_string set = {own_key, own_value};
    const struct cm_kdb_change change = {.set = &set, .set_count = 1};
    struct cm_detail detail = {""};
    enum cm_kdb_result result =
        cm_kdb_writer_change(writer, &alice, was, &change, &detail);

    free(own_key);
    free(own_value);
    return result;
}

static void
test_strings(void **state)
{
    struct cm_kdb_writer *writer = open_writer();
    struct cm_kdb_account account;

    (void)state;
    read_alice(writer, &account);
    assert_int_equal(account.count, 0);
    assert_int_equal(set_string(writer, &account, "a", "1"), CM_KDB_DONE);
    cm_kdb_account_clear(&account);
    read_alice(writer, &account);
    assert_string_equal(cm_kdb_account_get(&account, "a"), "1");
    assert_null(cm_kdb_account_get(&account, "A"));
    assert_int_equal(set_string(writer, &account, "a", NULL), CM_KDB_DONE);
    cm_kdb_account_clear(&account);
    read_alice(writer, &account);
    assert_int_equal(account.count, 0);
    cm_kdb_account_clear(&account);
    cm_kdb_writer_close(writer);
}

/* What somebody else wrote meanwhile is not overwritten. */
static void
test_conflict(void **state)
{
    struct cm_kdb_writer *one = open_writer(), *two = open_writer();
    struct cm_kdb_account seen, now;

    (void)state;
    read_alice(one, &seen);
    assert_int_equal(set_string(two, &seen, "a", "theirs"), CM_KDB_DONE);
    assert_int_equal(set_string(one, &seen, "a", "ours"), CM_KDB_CONFLICT);
    read_alice(one, &now);
    assert_string_equal(cm_kdb_account_get(&now, "a"), "theirs");
    /* The lock is gone, too. */
    assert_int_equal(set_string(two, &now, "a", NULL), CM_KDB_DONE);
    cm_kdb_account_clear(&now);
    cm_kdb_account_clear(&seen);
    cm_kdb_writer_close(one);
    cm_kdb_writer_close(two);
}

/* All strings share 65535 bytes: one more is refused before anything is
 * written, and the last one that fits is read again whole. */
static void
test_limit(void **state)
{
    struct cm_kdb_writer *writer = open_writer();
    struct cm_kdb_account account;
    size_t room = CM_KDB_MAX_STRINGS - 1 - 2;
    char *text = malloc(room + 2);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', room + 1);
    text[room + 1] = '\0';
    read_alice(writer, &account);
    assert_int_equal(set_string(writer, &account, "a", text),
                     CM_KDB_TOO_LARGE);
    text[room] = '\0';
    assert_int_equal(set_string(writer, &account, "a", text), CM_KDB_DONE);
    cm_kdb_account_clear(&account);
    read_alice(writer, &account);
    assert_string_equal(cm_kdb_account_get(&account, "a"), text);
    /* What is replaced counts no more. */
    assert_int_equal(set_string(writer, &account, "b", ""), CM_KDB_TOO_LARGE);
    assert_int_equal(set_string(writer, &account, "a", "1"), CM_KDB_DONE);
    cm_kdb_account_clear(&account);
    read_alice(writer, &account);
    assert_int_equal(set_string(writer, &account, "a", NULL), CM_KDB_DONE);
    cm_kdb_account_clear(&account);
    free(text);
    cm_kdb_writer_close(writer);
}

static void
test_keys_and_flags(void **state)
{
    const struct cm_kdb_change restrict_it = {
        .preauth_on = true, .hwauth_on = true, .random_keys = true};
    const struct cm_kdb_change lift = {.hwauth_off = true};
    struct cm_kdb_writer *writer = open_writer();
    struct cm_kdb_account before, after;
    struct cm_detail detail = {""};

    (void)state;
    read_alice(writer, &before);
    assert_false(before.requires_preauth || before.requires_hwauth);
    assert_int_equal(
        cm_kdb_writer_change(writer, &alice, &before, &restrict_it, &detail),
        CM_KDB_DONE);
    read_alice(writer, &after);
    assert_true(after.requires_preauth && after.requires_hwauth);
    assert_int_equal(after.kvno, before.kvno + 1);
    assert_int_equal(after.pw_expires, 0);
    assert_int_equal(
        cm_kdb_writer_change(writer, &alice, &before, &lift, &detail),
        CM_KDB_CONFLICT);
    assert_int_equal(
        cm_kdb_writer_change(writer, &alice, &after, &lift, &detail),
        CM_KDB_DONE);
    cm_kdb_account_clear(&before);
    read_alice(writer, &before);
    assert_true(before.requires_preauth && !before.requires_hwauth);
    cm_kdb_account_clear(&before);
    cm_kdb_account_clear(&after);
    cm_kdb_writer_close(writer);
}

static void
test_what_is_not_there(void **state)
{
    struct cm_kdb_writer *writer = open_writer();
    struct cm_kdb_account account = {0};
    const struct cm_kdb_change change = {.preauth_on = true};
    struct cm_principal nobody;
    struct cm_detail detail = {""};

    (void)state;
    assert_true(cm_principal_parse("nobody@" REALM, NULL, &nobody));
    assert_int_equal(cm_kdb_writer_read(writer, &nobody, &account, &detail),
                     CM_KDB_ABSENT);
    assert_int_equal(
        cm_kdb_writer_change(writer, &nobody, &account, &change, &detail),
        CM_KDB_ABSENT);
    cm_principal_clear(&nobody);
    cm_kdb_writer_close(writer);
    assert_null(cm_kdb_writer_open("OTHER.COM", &detail));
    assert_non_null(strstr(detail.text, "cannot be opened"));
}

static void
test_names_of_mappings(void **state)
{
    (void)state;
    assert_true(cm_kdb_is_mapping("altSecurityIdentities"));
    assert_true(cm_kdb_is_mapping("altsecurityidentities.12"));
    assert_false(cm_kdb_is_mapping("altSecurityIdentities."));
    assert_false(cm_kdb_is_mapping("altSecurityIdentities.2a"));
    assert_false(cm_kdb_is_mapping("altSecurityIdentities2"));
    assert_false(cm_kdb_is_mapping("altSecurity"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_conflict),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_keys_and_flags),
        cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_names_of_mappings),
    };

    if (access(KDB5_UTIL, X_OK) != 0 || access(KADMIN_LOCAL, X_OK) != 0) {
        puts("skipped: needs krb5-kdc and krb5-admin-server");
        return 77;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
