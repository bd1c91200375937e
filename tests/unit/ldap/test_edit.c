/* What a server's answer to a change means, and who holds a value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edit.h"

struct judge_case {
    int code;
    enum cm_edit_result result;
    const char *hint; /* NULL: none */
};

static const struct judge_case judge_cases[] = {
    {LDAP_SUCCESS, CM_EDIT_WRITTEN, NULL},
    {LDAP_TYPE_OR_VALUE_EXISTS, CM_EDIT_CONFLICT, NULL},
    {LDAP_NO_SUCH_ATTRIBUTE, CM_EDIT_CONFLICT, NULL},
    {LDAP_ASSERTION_FAILED, CM_EDIT_CONFLICT, NULL},
    {LDAP_INSUFFICIENT_ACCESS, CM_EDIT_REFUSED, "--bind-dn"},
    {LDAP_OBJECT_CLASS_VIOLATION, CM_EDIT_REFUSED, "object classes"},
    {LDAP_UNDEFINED_TYPE, CM_EDIT_REFUSED, "schema"},
    {LDAP_INAPPROPRIATE_MATCHING, CM_EDIT_REFUSED, "EQUALITY"},
    {LDAP_REFERRAL, CM_EDIT_REFUSED, "--uri"},
    {LDAP_UNWILLING_TO_PERFORM, CM_EDIT_REFUSED, "--uri"},
    {LDAP_NO_SUCH_OBJECT, CM_EDIT_REFUSED, "gone"},
    {LDAP_BUSY, CM_EDIT_REFUSED, "later"},
    {LDAP_OTHER, CM_EDIT_REFUSED, NULL},
    {12345, CM_EDIT_REFUSED, NULL},
    {-1, CM_EDIT_UNKNOWN, NULL},
};

static void
test_judge(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(judge_cases) / sizeof(judge_cases[0]); i++) {
        const struct judge_case *row = &judge_cases[i];
        const char *hint = cm_edit_hint(row->code);

        assert_int_equal(cm_edit_judge(row->code), row->result);
        if (row->hint == NULL)
            assert_null(hint);
        else
            assert_non_null(strstr(hint, row->hint));
    }
}

/* ---- Servers that do not answer ---- */

static int
listen_on_loopback(char uri[64])
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(
        bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 4), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len),
                     0);
    (void)snprintf(uri, 64, "ldap://127.0.0.1:%u",
                   (unsigned)ntohs(address.sin_port));
    return listener;
}

static enum cm_edit_result
apply_to(char *uri, struct cm_detail *detail)
{
    struct cm_directory_config config = {
        .kind = CM_DIRECTORY_LDAP, .uris = {uri}, .uri_count = 1};
    struct cm_change change;
    enum cm_edit_result result;

    assert_true(cm_change_begin(&change, "uid=a,dc=x"));
    assert_true(cm_change_add(&change, "attr", "x", 1));
    result = cm_edit_apply(&config, &change, 2000, detail);
    cm_change_clear(&change);
    return result;
}

/* The kernel takes the connection and the change; nobody reads them. */
static void
test_silence(void **state)
{
    struct cm_detail detail = {""};
    char uri[64];
    int listener = listen_on_loopback(uri);

    (void)state;
    assert_int_equal(apply_to(uri, &detail), CM_EDIT_TIMEOUT);
    assert_string_not_equal(detail.text, "");
    close(listener);
    assert_int_equal(apply_to(uri, &detail), CM_EDIT_UNSENT);
    assert_non_null(strstr(detail.text, uri));
}

/* Reads the change and hangs up. */
static void *
hang_up(void *context)
{
    int client = accept(*(const int *)context, NULL, NULL);
    char byte;

    if (read(client, &byte, 1) != 1)
        abort();
    close(client);
    return NULL;
}

static void
test_hung_up(void **state)
{
    struct cm_detail detail = {""};
    char uri[64];
    int listener = listen_on_loopback(uri);
    pthread_t server;

    (void)state;
    assert_int_equal(pthread_create(&server, NULL, hang_up, &listener), 0);
    assert_int_equal(apply_to(uri, &detail), CM_EDIT_UNKNOWN);
    assert_string_not_equal(detail.text, "");
    pthread_join(server, NULL);
    close(listener);
}

/* ---- Holders ---- */

#define SKI "X509:<SKI>0a0b"

static char path[] = "/tmp/test_edit.XXXXXX";

static void
add_entry(FILE *file, const char *uid, const char *value)
{
    fprintf(file, "dn: uid=%s,dc=x\naltSecurityIdentities: %s\n\n", uid,
            value);
}

static int
set_up(void **state)
{
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    char uid[16];

    (void)state;
    assert_non_null(file);
    add_entry(file, "alice", SKI);
    add_entry(file, "upper", "X509:<SKI>0A0B");
    add_entry(file, "blank", "X509: <SKI>0a0b");
    add_entry(file, "longer", SKI "00");
    add_entry(file, "other", "X509:<SKI>ff");
    for (int i = 0; i < CM_EDIT_MAX_HOLDERS + 5; i++) {
        snprintf(uid, sizeof(uid), "u%d", i);
        add_entry(file, uid, "X509:<RFC822>a@x");
    }
    return fclose(file);
}

static int
tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static void
find(enum cm_form form, const char *value, size_t count, bool more)
{
    char *copy = strdup(value);
    struct cm_candidate candidate = {form, copy, strlen(value)};
    struct cm_directory_config config = {.kind = CM_DIRECTORY_LDIF,
                                         .ldif_path = path};
    struct cm_edit_holders holders;
    struct cm_detail detail = {""};

    assert_true(cm_schema_init(&config.schema, CM_SCHEMA_MIT));
    assert_true(cm_edit_find_holders(&config, &candidate, "UID=alice,dc=x",
                                     &holders, &detail));
    assert_int_equal(holders.names.count, count);
    assert_int_equal(holders.more, more);
    assert_false(cm_text_list_has(&holders.names, "uid=alice,dc=x"));
    cm_edit_holders_clear(&holders);
    cm_schema_clear(&config.schema);
    free(copy);
}

static void
test_holders(void **state)
{
    (void)state;
    find(CM_FORM_SKI, SKI, 2, false);
    find(CM_FORM_SKI, "X509:<SKI>ff", 1, false);
    find(CM_FORM_SKI, "X509:<SKI>fe", 0, false);
    find(CM_FORM_RFC822, "X509:<RFC822>a@x", CM_EDIT_MAX_HOLDERS, true);
}

/* Not to know is not to find nobody. */
static void
test_what_cannot_be_read(void **state)
{
    char missing[] = "/nonexistent", value[] = SKI;
    struct cm_candidate candidate = {CM_FORM_SKI, value, strlen(value)};
    struct cm_directory_config config = {.kind = CM_DIRECTORY_LDIF,
                                         .ldif_path = missing};
    struct cm_edit_holders holders;
    struct cm_detail detail = {""};

    (void)state;
    assert_true(cm_schema_init(&config.schema, CM_SCHEMA_MIT));
    assert_false(
        cm_edit_find_holders(&config, &candidate, "", &holders, &detail));
    assert_int_equal(holders.names.count, 0);
    assert_string_not_equal(detail.text, "");
    config.kind = CM_DIRECTORY_KDB;
    assert_false(
        cm_edit_find_holders(&config, &candidate, "", &holders, &detail));
    cm_schema_clear(&config.schema);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_hung_up),
        cmocka_unit_test(test_holders),
        cmocka_unit_test(test_what_cannot_be_read),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
