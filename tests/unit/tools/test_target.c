/* Which directory, and as whom; and a password from a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "host.h"
#include "password.h"
#include "runner.h"
#include "target.h"

enum { MAX_SCREEN = 4096 };

static const char ldap_realm[] = HOST_TRUST
    "revocation = off\ndirectory = ldap\nldap = {\n"
    "uri = ldap://127.0.0.1:9\nbase = dc=example,dc=com\nschema = mit\n"
    "bind_dn = cn=kdc\npassword_file = @/kdc.secret\n}\n";
static const char tls_realm[] =
    HOST_TRUST "revocation = off\ndirectory = ldap\nldap = {\n"
               "uri = ldap://ldap.example.com\nbase = dc=example,dc=com\n"
               "schema = mit\nstarttls = true\nca_file = @/roots.pem\n}\n";

static const struct option test_options[] = {CM_TARGET_OPTIONS,
                                             CM_COMMON_OPTIONS};

static enum cm_exit
run_nothing(struct cm_tool *tool, int argc, char **argv)
{
    (void)tool;
    (void)argc;
    (void)argv;
    return CM_EXIT_YES;
}

static const struct cm_verb verb = {
    "test", "", "a test", "", test_options, run_nothing, CM_TARGET_SHORT};

/* Writes who and where as one line, and what was said to err. */
static enum cm_exit
open_with(int argc, char **argv, char **told, char **said)
{
    struct cm_target_flags flags = {0};
    struct cm_options options;
    struct cm_target target;
    struct cm_tool tool = {stdin, NULL, NULL};
    size_t told_len, said_len;
    enum cm_exit code = CM_EXIT_USAGE;
    const char *value;
    enum cm_next next;
    int own;

    tool.out = open_memstream(told, &told_len);
    tool.err = open_memstream(said, &said_len);
    cm_options_init(&options, &tool, &verb, argc, argv);
    while ((next = cm_options_next(&options, &own, &value)) == CM_NEXT_OWN) {
        if (cm_target_take(&flags, &options, own, value) != CM_TARGET_TAKEN)
            break;
    }
    if (next == CM_NEXT_END)
        code = cm_target_open(&options, &flags, &target);
    if (code == CM_EXIT_YES) {
        const struct cm_directory_config *found = target.directory;

        fprintf(tool.out, "%s %s %s %s %d%s%s", target.realm,
                found->uri_count == 1 ? found->uris[0] : "-",
                found->bind_dn != NULL ? found->bind_dn : "-",
                found->password_file != NULL ? "file" : "none",
                (int)found->bind, found->starttls ? " starttls" : "",
                found->ca_file != NULL ? " ca" : "");
        cm_target_close(&target);
    }
    fclose(tool.out);
    fclose(tool.err);
    return code;
}

struct target_case {
    const char *certmap;
    const char *line; /* words between single blanks */
    enum cm_exit code;
    const char *told; /* or what is said */
};

#define LDAP_TOLD "EXAMPLE.COM ldap://127.0.0.1:9 "

static const struct target_case target_cases[] = {
    {ldap_realm, "t", CM_EXIT_YES, LDAP_TOLD "cn=kdc file 0"},
    {ldap_realm, "t -r EXAMPLE.COM", CM_EXIT_YES, LDAP_TOLD "cn=kdc file 0"},
    {ldap_realm, "t -H ldaps://a.example.com", CM_EXIT_YES,
     "EXAMPLE.COM ldaps://a.example.com cn=kdc file 0"},
    {ldap_realm, "t -D cn=admin -y admin.secret", CM_EXIT_YES,
     LDAP_TOLD "cn=admin file 0"},
    {ldap_realm, "t -y admin.secret", CM_EXIT_YES, LDAP_TOLD "cn=kdc file 0"},
    {ldap_realm, "t -H ldapi:/// -Y EXTERNAL", CM_EXIT_YES,
     "EXAMPLE.COM ldapi:/// - none 1"},
    {tls_realm, "t", CM_EXIT_YES,
     "EXAMPLE.COM ldap://ldap.example.com - none 0 starttls ca"},
    /* What the realm's URI needed and the given one does not. */
    {tls_realm, "t -H ldaps://b.example.com", CM_EXIT_YES,
     "EXAMPLE.COM ldaps://b.example.com - none 0 ca"},
    {tls_realm, "t -H ldapi:///", CM_EXIT_YES,
     "EXAMPLE.COM ldapi:/// - none 0"},
    {tls_realm, "t -H ldap://c.example.com", CM_EXIT_YES,
     "EXAMPLE.COM ldap://c.example.com - none 0 starttls ca"},
    {NULL, "t", CM_EXIT_YES, "EXAMPLE.COM - - none 0"},

    {ldap_realm, "t -H ldap://a.example.com", CM_EXIT_USAGE, "ldap:"},
    {ldap_realm, "t -H http://a", CM_EXIT_USAGE, "http://a"},
    {ldap_realm, "t -Y EXTERNAL", CM_EXIT_USAGE, "needs ldapi://"},
    {ldap_realm, "t -Y EXTERNAL -D cn=a", CM_EXIT_USAGE, "goes without"},
    {ldap_realm, "t -Y GSSAPI", CM_EXIT_USAGE, "not supported yet"},
    {ldap_realm, "t -Y PLAIN", CM_EXIT_USAGE, "allowed are EXTERNAL"},
    {ldap_realm, "t -D junk -y admin.secret", CM_EXIT_USAGE,
     "not a distinguished name"},
    {ldap_realm, "t -D cn=a -y missing", CM_EXIT_USAGE, "missing"},
    {ldap_realm, "t -D cn=a -y open.secret", CM_EXIT_USAGE,
     "group and others"},
    {ldap_realm, "t -H ldapi:/// -H ldapi:///", CM_EXIT_USAGE,
     "may be given once"},
    {ldap_realm, "t -D ", CM_EXIT_USAGE, "needs a value"},
    {ldap_realm, "t -r OTHER.COM", CM_EXIT_USAGE, "no certmap subsection"},
    {tls_realm, "t -y admin.secret", CM_EXIT_USAGE, "needs --bind-dn"},
    {NULL, "t -H ldapi:///", CM_EXIT_USAGE, "need directory = ldap"},
    {"mode = enforc\n", "t", CM_EXIT_USAGE, "enforc"},
};

static void
test_targets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(target_cases) / sizeof(target_cases[0]);
         i++) {
        const struct target_case *row = &target_cases[i];
        struct host host = {.certmap = row->certmap};
        char *line = strdup(row->line), *argv[8], *told, *said;
        char *rest = line;
        enum cm_exit code;
        int argc = 0;

        while (argc < 8 && rest != NULL)
            argv[argc++] = strsep(&rest, " ");
        host_configure(&host);
        code = open_with(argc, argv, &told, &said);
        if (code != row->code ||
            strstr(code == CM_EXIT_YES ? told : said, row->told) == NULL)
            fail_msg("row %zu: %d, \"%s\", \"%s\"", i, (int)code, told, said);
        if (code == CM_EXIT_YES)
            assert_string_equal(told, row->told);
        free(line);
        free(told);
        free(said);
    }
}

/* ---- The terminal ---- */

struct person {
    int master;
    const char *types;
    char screen[MAX_SCREEN];
    size_t len;
    pthread_t thread;
};

/* Types when asked, and remembers what the terminal shows. */
static void *
sit_at_terminal(void *context)
{
    struct person *person = context;
    bool typed = false;
    ssize_t n;

    while ((n = read(person->master, person->screen + person->len,
                     MAX_SCREEN - 1 - person->len)) > 0) {
        person->len += (size_t)n;
        if (!typed && strstr(person->screen, "Password: ") != NULL) {
            typed = true;
            assert_int_equal(
                write(person->master, person->types, strlen(person->types)),
                (ssize_t)strlen(person->types));
        }
    }
    return NULL;
}

struct password_case {
    const char *types;
    const char *password; /* NULL: refused */
    const char *detail;
};

static const struct password_case password_cases[] = {
    {"secret\n", "secret", ""},
    {"with blank \n", "with blank ", ""},
    {"se\x7f"
     "cret\n",
     "scret", ""},
    {"\n", NULL, "no password"},
    {"sec\x03", NULL, "no password"},
    {"a\tb\n", NULL, "control characters"},
    {"1234567890123456\n", NULL, "longer than 15"},
};

static void
ask(const struct password_case *row)
{
    struct person person = {.types = row->types};
    struct cm_detail detail = {""};
    struct termios before, after;
    char password[16];
    int terminal;
    bool ok;

    person.master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(person.master >= 0 && grantpt(person.master) == 0 &&
                unlockpt(person.master) == 0);
    terminal = open(ptsname(person.master), O_RDWR | O_NOCTTY);
    assert_int_equal(tcgetattr(terminal, &before), 0);
    assert_int_equal(
        pthread_create(&person.thread, NULL, sit_at_terminal, &person), 0);
    ok = cm_password_read(terminal, "Password", password, sizeof(password),
                          &detail);
    assert_int_equal(tcgetattr(terminal, &after), 0);
    close(terminal); /* the person's read then ends */
    pthread_join(person.thread, NULL);
    close(person.master);
    assert_int_equal(ok, row->password != NULL);
    if (ok)
        assert_string_equal(password, row->password);
    else
        assert_non_null(strstr(detail.text, row->detail));
    assert_null(strstr(person.screen, "ec"));
    assert_int_equal(before.c_lflag, after.c_lflag);
    assert_memory_equal(before.c_cc, after.c_cc, sizeof(before.c_cc));
}

static void
test_password(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(password_cases) / sizeof(password_cases[0]);
         i++)
        ask(&password_cases[i]);
}

static void
test_password_needs_a_terminal(void **state)
{
    struct cm_detail detail = {""};
    char password[16] = "left";
    int file = open("/dev/null", O_RDWR);

    (void)state;
    assert_false(cm_password_read(file, "Password", password, sizeof(password),
                                  &detail));
    assert_int_equal(password[0], '\0');
    close(file);
}

static int
set_up(void **state)
{
    host_set_up(state);
    folder_write("kdc.secret", "k\n", 2);
    folder_write("admin.secret", "a\n", 2);
    folder_write("open.secret", "o\n", 2);
    return chmod("kdc.secret", 0600) != 0 ||
           chmod("admin.secret", 0600) != 0 || chmod("open.secret", 0644) != 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_password),
        cmocka_unit_test(test_password_needs_a_terminal),
    };

    return cmocka_run_group_tests(tests, set_up, folder_tear_down);
}
