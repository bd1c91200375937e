/* Accounts in a file. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory.h"

#define ALICE "dn: uid=alice,dc=x\nuid: alice\n"

struct file {
    char folder[64];
    char path[96];
    struct cm_directory_config config;
    struct cm_directory *directory;
};

static int
set_up(void **state)
{
    struct file *file = calloc(1, sizeof(*file));

    if (file == NULL)
        return -1;
    (void)snprintf(file->folder, sizeof(file->folder), "/tmp/ldif.XXXXXX");
    if (mkdtemp(file->folder) == NULL)
        return -1;
    (void)snprintf(file->path, sizeof(file->path), "%s/a.ldif", file->folder);
    file->config.kind = CM_DIRECTORY_LDIF;
    file->config.ldif_path = strdup(file->path);
    if (!cm_schema_init(&file->config.schema, CM_SCHEMA_POSIX))
        return -1;
    file->directory = cm_directory_new(&file->config, NULL);
    *state = file;
    return file->directory == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
    struct file *file = *state;

    cm_directory_free(file->directory);
    cm_directory_config_clear(&file->config);
    (void)unlink(file->path);
    (void)rmdir(file->folder);
    free(file);
    return 0;
}

static void
put_bytes(const struct file *file, const void *bytes, size_t len)
{
    FILE *out = fopen(file->path, "w");

    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
}

static void
put(const struct file *file, const char *text)
{
    put_bytes(file, text, strlen(text));
}

static enum cm_reason
look_up(const struct file *file, const char *name, const char *upn,
        struct cm_accounts *out, struct cm_detail *detail)
{
    struct cm_principal principal;
    const struct cm_directory_query query = {
        .lookup = {
            .principal = &principal, .upn = upn, .dns_domain = "example.com"}};
    enum cm_reason reason;

    assert_true(cm_principal_parse(name, "EXAMPLE.COM", &principal));
    reason = cm_directory_find(file->directory, &query, out, detail);
    if (reason != CM_OK)
        assert_null(out->list);
    cm_principal_clear(&principal);
    return reason;
}

static const struct {
    const char *name;
    const char *text;
    int alices; /* accounts of alice's; -1: refused */
    const char *detail;
} cases[] = {
    {"one", ALICE, 1, ""},
    {"nothing at all", "", 0, ""},
    {"blank lines", "\n\n\n", 0, ""},
    {"comments", "# uid: x\n\n#\n" ALICE "# end\n", 1, ""},
    {"version", "version: 1\n" ALICE, 1, ""},
    {"version alone", "version: 1\n\n" ALICE, 1, ""},
    {"CRLF", "dn: uid=alice,dc=x\r\nuid: alice\r\n\r\n", 1, ""},
    {"several", "dn: dc=x\ndc: x\n\n" ALICE "\n\ndn: uid=b,dc=x\nuid: b\n", 1,
     ""},
    {"folded line", "dn: uid=alice,dc=x\nuid: al\n ice\n", 1, ""},
    {"base64", "dn: uid=alice,dc=x\nuid:: YWxpY2U=\n", 1, ""},
    {"base64 name", "dn:: dWlkPWFsaWNlLGRjPXg=\nuid: alice\n", 1, ""},
    {"twice is ambiguous", ALICE "\n" ALICE, 2, ""},
    {"other attributes", ALICE "objectClass: top\nsn: x\n", 1, ""},

    {"no name first", "uid: alice\ndn: uid=alice,dc=x\n", -1, "dn:"},
    {"two names", ALICE "dn: uid=b,dc=x\n", -1, "line 3"},
    {"change record", "dn: uid=alice,dc=x\nchangetype: add\nuid: alice\n", -1,
     "line 3: a change record"},
    {"deletion", "dn: uid=alice,dc=x\nchangetype: delete\n", -1,
     "change record"},
    {"control", "dn: uid=alice,dc=x\ncontrol: 1.2.3 true\nuid: alice\n", -1,
     "change record"},
    {"value from a URL", ALICE "jpegPhoto:< file:///etc/passwd\n", -1,
     "line 3: values from URLs"},
    {"name from a URL", "dn:< file:///etc/hostname\nuid: alice\n", -1,
     "values from URLs"},
    {"include", "include: file:///etc/passwd\n\n" ALICE, -1,
     "line 1: include:"},
    {"include, other case", ALICE "\nInclude: file:///x\n", -1, "line 4"},
    {"no colon", ALICE "nonsense\n", -1, "line 3: a line without a colon"},
    {"a dash", ALICE "-\n", -1, "colon"},
    {"not base64", "dn: uid=alice,dc=x\nuid:: &&&\n", -1, "cannot be parsed"},
    {"base64 of nothing", "dn: uid=alice,dc=x\nuid::\n", -1,
     "cannot be parsed"},
    {"NUL in the name", "dn:: dWlkAHg=\nuid: alice\n", -1, "NUL in dn:"},
    {"last line cut off", "dn: uid=alice,dc=x\nuid: alice", -1,
     "the last line has no end"},
    {"carriage return inside", "dn: uid=alice,dc=x\nuid: al\rice\n", -1,
     "carriage return"},
    {"bad record after a good one", ALICE "\nnonsense\n", -1, "line 4"},
};

static void
test_content(void **state)
{
    const struct file *file = *state;
    struct cm_accounts accounts;
    struct cm_detail detail;
    enum cm_reason reason;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        detail.text[0] = '\0';
        (void)unlink(file->path);
        put(file, cases[i].text);
        reason = look_up(file, "alice", NULL, &accounts, &detail);
        if (reason !=
                (cases[i].alices < 0 ? CM_DIRECTORY_UNAVAILABLE : CM_OK) ||
            strstr(detail.text, cases[i].detail) == NULL ||
            (reason == CM_OK && accounts.count != (size_t)cases[i].alices))
            fail_msg("%s: %s (%s), %zu accounts", cases[i].name,
                     cm_reason_token(reason), detail.text, accounts.count);
        if (reason != CM_OK)
            assert_memory_equal(detail.text, file->path, strlen(file->path));
        cm_accounts_clear(&accounts);
    }
}

static void
test_nul_in_the_file(void **state)
{
    const struct file *file = *state;
    struct cm_accounts accounts;
    struct cm_detail detail;

    put_bytes(file, "dn: uid=alice,dc=x\nuid: ali\0ce\n", 32);
    assert_int_equal(look_up(file, "alice", NULL, &accounts, &detail),
                     CM_DIRECTORY_UNAVAILABLE);
    assert_non_null(strstr(detail.text, "line 2: NUL"));
}

static void
test_values_arrive_whole(void **state)
{
    const struct file *file = *state;
    struct cm_accounts accounts;
    const struct cm_account *account;

    put(file, ALICE "altSecurityIdentities: X509:<SKI>00\n"
                    "altsecurityidentities:: AAEC/w==\n"
                    "altSecurityIdentities:\n"
                    "createTimestamp: 20240101000000Z\n"
                    "nsAccountLock: TRUE\n");
    assert_int_equal(look_up(file, "alice", NULL, &accounts, NULL), CM_OK);
    assert_int_equal(accounts.count, 1);
    account = &accounts.list[0];
    assert_string_equal(account->id, "uid=alice,dc=x");
    assert_true(account->named);
    assert_true(account->disabled);
    assert_int_equal(account->created, 1704067200);
    assert_int_equal(account->mapping_count, 3);
    assert_string_equal(account->mappings[0].data, "X509:<SKI>00");
    assert_int_equal(account->mappings[1].len, 4);
    assert_memory_equal(account->mappings[1].data, "\0\1\2\xff", 4);
    assert_int_equal(account->mappings[2].len, 0);
    cm_accounts_clear(&accounts);
}

static void
test_upn_of_another(void **state)
{
    const struct file *file = *state;
    struct cm_accounts accounts;

    put(file, ALICE "\ndn: uid=bob,dc=x\nuid: bob\n"
                    "userPrincipalName: Alice@example.com\n");
    assert_int_equal(
        look_up(file, "alice", "alice@EXAMPLE.com", &accounts, NULL), CM_OK);
    assert_int_equal(accounts.count, 2);
    assert_true(accounts.list[0].named);
    assert_false(accounts.list[1].named);
    cm_accounts_clear(&accounts);
}

static void
test_too_many_accounts(void **state)
{
    const struct file *file = *state;
    char text[CM_DIRECTORY_MAX_ENTRIES * 64 + 128] = "";
    struct cm_accounts accounts;
    struct cm_detail detail;

    for (int i = 0; i < CM_DIRECTORY_MAX_ENTRIES; i++)
        strcat(text, ALICE "\n");
    put(file, text);
    assert_int_equal(look_up(file, "alice", NULL, &accounts, &detail), CM_OK);
    assert_int_equal(accounts.count, CM_DIRECTORY_MAX_ENTRIES);
    cm_accounts_clear(&accounts);
    strcat(text, ALICE);
    put(file, text);
    assert_int_equal(look_up(file, "alice", NULL, &accounts, &detail),
                     CM_ACCOUNT_AMBIGUOUS);
}

static void
test_changes_are_seen(void **state)
{
    const struct file *file = *state;
    char other[128];
    struct cm_accounts accounts;
    struct cm_detail detail;

    assert_int_equal(look_up(file, "alice", NULL, &accounts, &detail),
                     CM_DIRECTORY_UNAVAILABLE);
    assert_non_null(strstr(detail.text, file->path));
    put(file, ALICE);
    assert_int_equal(look_up(file, "alice", NULL, &accounts, &detail), CM_OK);
    assert_int_equal(accounts.count, 1);
    cm_accounts_clear(&accounts);
    /* A broken file is not replaced by what it was. */
    put(file, "nonsense\n");
    assert_int_equal(look_up(file, "alice", NULL, &accounts, &detail),
                     CM_DIRECTORY_UNAVAILABLE);
    assert_int_equal(look_up(file, "alice", NULL, &accounts, &detail),
                     CM_DIRECTORY_UNAVAILABLE);
    /* Another file of the same size, moved into its place. */
    put(file, ALICE);
    assert_int_equal(look_up(file, "alice", NULL, &accounts, &detail), CM_OK);
    cm_accounts_clear(&accounts);
    (void)snprintf(other, sizeof(other), "%s.new", file->path);
    assert_int_equal(rename(file->path, other), 0);
    put(file, "dn: uid=carol,dc=x\nuid: carol\n");
    assert_int_equal(look_up(file, "alice", NULL, &accounts, &detail), CM_OK);
    assert_int_equal(accounts.count, 0);
    assert_int_equal(unlink(other), 0);
    assert_int_equal(unlink(file->path), 0);
    assert_int_equal(look_up(file, "carol", NULL, &accounts, &detail),
                     CM_DIRECTORY_UNAVAILABLE);
}

static void
test_not_a_regular_file(void **state)
{
    const struct file *file = *state;
    struct cm_accounts accounts;
    struct cm_detail detail;

    assert_int_equal(mkdir(file->path, 0700), 0);
    assert_int_equal(look_up(file, "alice", NULL, &accounts, &detail),
                     CM_DIRECTORY_UNAVAILABLE);
    assert_int_equal(rmdir(file->path), 0);
    /* A FIFO without a writer would hold a reader for ever. */
    assert_int_equal(mkfifo(file->path, 0600), 0);
    assert_int_equal(look_up(file, "alice", NULL, &accounts, &detail),
                     CM_DIRECTORY_UNAVAILABLE);
    assert_non_null(strstr(detail.text, "not a regular file"));
}

static void
test_too_large(void **state)
{
    const struct file *file = *state;
    struct cm_accounts accounts;
    struct cm_detail detail;

    put(file, "");
    assert_int_equal(truncate(file->path, (off_t)CM_LDIF_MAX_FILE + 1), 0);
    assert_int_equal(look_up(file, "alice", NULL, &accounts, &detail),
                     CM_DIRECTORY_UNAVAILABLE);
    assert_non_null(strstr(detail.text, "at most"));
}

struct visits {
    size_t count;
    size_t stop_at;
};

static bool
visit(void *context, const struct cm_entry *entry)
{
    struct visits *visits = context;

    assert_non_null(cm_entry_get(entry, "altSecurityIdentities"));
    return ++visits->count != visits->stop_at;
}

static void
test_walk(void **state)
{
    const struct file *file = *state;
    struct visits visits = {0, 0};
    bool truncated;

    put(file, "dn: a=1\naltSecurityIdentities: x\n\ndn: a=2\n\n"
              "dn: a=3\naltSecurityIdentities: y\n\n"
              "dn: a=4\naltSecurityIdentities: z\n");
    assert_int_equal(cm_directory_each_mapped(file->directory, 3, 0, visit,
                                              &visits, &truncated, NULL),
                     CM_OK);
    assert_int_equal(visits.count, 3);
    assert_false(truncated);
    visits.count = 0;
    assert_int_equal(cm_directory_each_mapped(file->directory, 2, 0, visit,
                                              &visits, &truncated, NULL),
                     CM_OK);
    assert_int_equal(visits.count, 2);
    assert_true(truncated);
    visits = (struct visits){0, 1};
    assert_int_equal(cm_directory_each_mapped(file->directory, 9, 0, visit,
                                              &visits, &truncated, NULL),
                     CM_OK);
    assert_int_equal(visits.count, 1);
    assert_false(truncated);
    put(file, "nonsense\n");
    assert_int_equal(cm_directory_each_mapped(file->directory, 9, 0, visit,
                                              &visits, &truncated, NULL),
                     CM_DIRECTORY_UNAVAILABLE);
}

static void
test_principals_that_the_schema_does_not_know(void **state)
{
    const struct file *file = *state;
    struct cm_accounts accounts;
    struct cm_detail detail = {""};

    put(file, ALICE);
    assert_int_equal(look_up(file, "alice/admin", NULL, &accounts, &detail),
                     CM_OK);
    assert_int_equal(accounts.count, 0);
    assert_non_null(strstr(detail.text, "posix"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_content, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nul_in_the_file, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_values_arrive_whole, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_upn_of_another, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_too_many_accounts, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_changes_are_seen, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_not_a_regular_file, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_walk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_principals_that_the_schema_does_not_know, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
