/* What the configuration of `ldap { }` is refused for. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "directory.h"
#include "ldap_connection.h"

static char folder[64];
static char secret_path[96];

struct config_case {
    const char *name;
    const char *uris[3];
    const char *base;
    const char *bind_dn;
    bool with_password;
    enum cm_bind bind;
    const char *ca_file;
    bool starttls;
    const char *ciphers;
    const char *object_filter;
    const char *detail; /* NULL: accepted */
};

#define BASE "dc=example,dc=com"
#define KDC "cn=kdc,dc=example,dc=com"

static const struct config_case cases[] = {
    {.name = "loopback", .uris = {"ldap://127.0.0.1"}, .base = BASE},
    {.name = "loopback, port",
     .uris = {"ldap://127.0.0.1:10389"},
     .base = BASE},
    {.name = "loopback, any of it",
     .uris = {"ldap://127.8.9.10/"},
     .base = BASE},
    {.name = "loopback, six", .uris = {"ldap://[::1]:389"}, .base = BASE},
    {.name = "localhost", .uris = {"ldap://LocalHost"}, .base = BASE},
    {.name = "ldapi", .uris = {"ldapi:///"}, .base = BASE},
    {.name = "ldapi, path",
     .uris = {"ldapi://%2Frun%2Fslapd%2Fldapi"},
     .base = BASE},
    {.name = "ldaps",
     .uris = {"ldaps://a.example.com", "ldaps://b.example.com:1636"},
     .base = BASE},
    {.name = "starttls",
     .uris = {"ldap://a.example.com"},
     .base = BASE,
     .starttls = true},
    {.name = "starttls and ldaps",
     .uris = {"ldap://a.example.com", "ldaps://b.example.com"},
     .base = BASE,
     .starttls = true},
    {.name = "simple bind",
     .uris = {"ldaps://a.example.com"},
     .base = BASE,
     .bind_dn = KDC,
     .with_password = true},
    {.name = "EXTERNAL",
     .uris = {"ldapi:///"},
     .base = BASE,
     .bind = CM_BIND_EXTERNAL},
    {.name = "ciphers",
     .uris = {"ldaps://a.example.com"},
     .base = BASE,
     .ciphers = "SECURE256"},
    {.name = "filter",
     .uris = {"ldapi:///"},
     .base = BASE,
     .object_filter = "(&(objectClass=person)(!(cn=a\\2a)))"},

    {.name = "no uri", .base = BASE, .detail = "uri: missing"},
    {.name = "not a uri",
     .uris = {"ldap.example.com"},
     .base = BASE,
     .detail = "uri: \"ldap.example.com\""},
    {.name = "http",
     .uris = {"http://a.example.com"},
     .base = BASE,
     .detail = "uri:"},
    {.name = "connectionless",
     .uris = {"cldap://127.0.0.1"},
     .base = BASE,
     .detail = "uri:"},
    {.name = "second uri",
     .uris = {"ldapi:///", "x"},
     .base = BASE,
     .detail = "uri: \"x\""},
    {.name = "no host",
     .uris = {"ldaps://"},
     .base = BASE,
     .detail = "uri: \"ldaps://\": no host"},
    {.name = "port too large",
     .uris = {"ldaps://a.example.com:65536"},
     .base = BASE,
     .detail = "uri:"},
    {.name = "port not a number",
     .uris = {"ldaps://a.example.com:ldap"},
     .base = BASE,
     .detail = "uri:"},
    {.name = "base in the uri",
     .uris = {"ldaps://a.example.com/dc=x"},
     .base = BASE,
     .detail = "a host and a port only"},
    {.name = "filter in the uri",
     .uris = {"ldaps://a/??sub?(a=b)"},
     .base = BASE,
     .detail = "a host and a port only"},
    {.name = "plain text",
     .uris = {"ldap://a.example.com"},
     .base = BASE,
     .detail = "starttls"},
    {.name = "plain text, one of two",
     .uris = {"ldaps://a.example.com", "ldap://192.0.2.1"},
     .base = BASE,
     .detail = "\"ldap://192.0.2.1\""},
    {.name = "like loopback",
     .uris = {"ldap://127.0.0.1.example.com"},
     .base = BASE,
     .detail = "starttls"},
    {.name = "like localhost",
     .uris = {"ldap://localhost.example.com"},
     .base = BASE,
     .detail = "starttls"},
    {.name = "short for another address",
     .uris = {"ldap://127.1"},
     .base = BASE,
     .detail = "starttls"},
    {.name = "six, not loopback",
     .uris = {"ldap://[::2]"},
     .base = BASE,
     .detail = "starttls"},

    {.name = "no base", .uris = {"ldapi:///"}, .detail = "base:"},
    {.name = "empty base",
     .uris = {"ldapi:///"},
     .base = "",
     .detail = "base:"},
    {.name = "base not a name",
     .uris = {"ldapi:///"},
     .base = "example.com",
     .detail = "base: \"example.com\""},
    {.name = "base with a tail",
     .uris = {"ldapi:///"},
     .base = "dc=a,,dc=b",
     .detail = "base:"},

    {.name = "bind_dn alone",
     .uris = {"ldapi:///"},
     .base = BASE,
     .bind_dn = KDC,
     .detail = "both or neither"},
    {.name = "password_file alone",
     .uris = {"ldapi:///"},
     .base = BASE,
     .with_password = true,
     .detail = "both or neither"},
    {.name = "bind_dn empty",
     .uris = {"ldapi:///"},
     .base = BASE,
     .bind_dn = "",
     .with_password = true,
     .detail = "bind_dn:"},
    {.name = "bind_dn not a name",
     .uris = {"ldapi:///"},
     .base = BASE,
     .bind_dn = "kdc",
     .with_password = true,
     .detail = "bind_dn:"},
    {.name = "EXTERNAL with a name",
     .uris = {"ldapi:///"},
     .base = BASE,
     .bind = CM_BIND_EXTERNAL,
     .bind_dn = KDC,
     .detail = "EXTERNAL"},
    {.name = "EXTERNAL over TLS",
     .uris = {"ldaps://a.example.com"},
     .base = BASE,
     .bind = CM_BIND_EXTERNAL,
     .detail = "needs ldapi://"},
    {.name = "GSSAPI",
     .uris = {"ldaps://a.example.com"},
     .base = BASE,
     .bind = CM_BIND_GSSAPI,
     .detail = "it would ask the KDC that is waiting"},

    {.name = "starttls for nothing",
     .uris = {"ldaps://a.example.com"},
     .base = BASE,
     .starttls = true,
     .detail = "starttls:"},
    {.name = "ca_file missing",
     .uris = {"ldaps://a.example.com"},
     .base = BASE,
     .ca_file = "/nonexistent/ca.pem",
     .detail = "ca_file: /nonexistent/ca.pem"},
    {.name = "ca_file holds none",
     .uris = {"ldaps://a.example.com"},
     .base = BASE,
     .ca_file = "/etc/passwd",
     .detail = "ca_file: /etc/passwd: holds no PEM certificate"},
    {.name = "ca_file without TLS",
     .uris = {"ldapi:///"},
     .base = BASE,
     .ca_file = "/etc/passwd",
     .detail = "ca_file: no uri uses TLS"},
    {.name = "ciphers nobody knows",
     .uris = {"ldaps://a.example.com"},
     .base = BASE,
     .ciphers = "MAGIC",
     .detail = "MAGIC"},
    {.name = "ciphers without TLS",
     .uris = {"ldapi:///"},
     .base = BASE,
     .ciphers = "NORMAL",
     .detail = "ciphers: no uri uses TLS"},

    {.name = "filter without parentheses",
     .uris = {"ldapi:///"},
     .base = BASE,
     .object_filter = "objectClass=user",
     .detail = "object_filter:"},
    {.name = "filter not closed",
     .uris = {"ldapi:///"},
     .base = BASE,
     .object_filter = "(&(a=b)",
     .detail = "object_filter:"},
    {.name = "filter closed too early",
     .uris = {"ldapi:///"},
     .base = BASE,
     .object_filter = "(a=b))(|(c=d)",
     .detail = "object_filter:"},
    {.name = "two filters",
     .uris = {"ldapi:///"},
     .base = BASE,
     .object_filter = "(a=b)(c=d)",
     .detail = "object_filter:"},
    {.name = "filter empty",
     .uris = {"ldapi:///"},
     .base = BASE,
     .object_filter = "",
     .detail = "object_filter:"},
};

static char *
copy(const char *text)
{
    char *out = text != NULL ? strdup(text) : NULL;

    assert_true(text == NULL || out != NULL);
    return out;
}

static void
make_config(const struct config_case *c, struct cm_directory_config *out)
{
    memset(out, 0, sizeof(*out));
    out->kind = CM_DIRECTORY_LDAP;
    assert_true(cm_schema_init(&out->schema, CM_SCHEMA_MIT));
    out->schema.object_filter = copy(c->object_filter);
    for (size_t i = 0; i < 3 && c->uris[i] != NULL; i++)
        out->uris[out->uri_count++] = copy(c->uris[i]);
    out->base = copy(c->base);
    out->bind_dn = copy(c->bind_dn);
    out->password_file = c->with_password ? copy(secret_path) : NULL;
    out->bind = c->bind;
    out->ca_file = copy(c->ca_file);
    out->starttls = c->starttls;
    out->ciphers = copy(c->ciphers);
}

/* Is the case judged as expected?  detail tells how it was. */
static bool
run_case(const struct config_case *c, struct cm_detail *detail)
{
    struct cm_directory_config config;
    bool ok;

    make_config(c, &config);
    detail->text[0] = '\0';
    ok = cm_directory_config_check(&config, detail);
    cm_directory_config_clear(&config);
    assert_null(config.base);
    return ok == (c->detail == NULL) &&
           (ok || strstr(detail->text, c->detail) != NULL);
}

/*
 * libldap 2.5 with GnuTLS never frees the default priorities that given ones
 * replace.  A child that leaves by _exit() keeps that out of the leak check.
 */
static bool
run_case_in_child(const struct config_case *c)
{
    struct cm_detail detail;
    int status = -1;
    pid_t child = fork();

    if (child == 0)
        _exit(run_case(c, &detail) ? 0 : 1);
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status == 0;
}

static void
test_cases(void **state)
{
    struct cm_detail detail = {""};
    bool as_expected;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        as_expected = cases[i].ciphers != NULL ? run_case_in_child(&cases[i])
                                               : run_case(&cases[i], &detail);
        if (!as_expected)
            fail_msg("%s: %s", cases[i].name, detail.text);
    }
}

static const struct {
    const char *name;
    const char *text;
    mode_t mode;
    const char *secret; /* NULL: refused */
} secrets[] = {
    {"a line", "secret\n", 0600, "secret"},
    {"without its end", "secret", 0600, "secret"},
    {"read only", "secret\n", 0400, "secret"},
    {"blanks belong to it", " a b \n", 0600, " a b "},
    {"empty", "", 0600, NULL},
    {"an empty line", "\n", 0600, NULL},
    {"two lines", "secret\nmore\n", 0600, NULL},
    {"an empty line after it", "secret\n\n", 0600, NULL},
    {"read by the group", "secret\n", 0640, NULL},
    {"read by others", "secret\n", 0604, NULL},
    {"written by the group", "secret\n", 0620, NULL},
};

static void
put_secret(const char *text, size_t len, mode_t mode)
{
    FILE *out;

    (void)unlink(secret_path);
    out = fopen(secret_path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(secret_path, mode), 0);
}

static void
test_secrets(void **state)
{
    char secret[CM_LDAP_MAX_SECRET + 1];
    struct cm_detail detail;
    bool ok;

    (void)state;
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        put_secret(secrets[i].text, strlen(secrets[i].text), secrets[i].mode);
        detail.text[0] = '\0';
        ok = cm_ldap_read_secret(secret_path, secret, &detail);
        if (ok != (secrets[i].secret != NULL) ||
            (ok && strcmp(secret, secrets[i].secret) != 0))
            fail_msg("%s: %s", secrets[i].name, detail.text);
        if (!ok)
            assert_non_null(strstr(detail.text, secret_path));
    }
}

static void
test_secret_sizes(void **state)
{
    char secret[CM_LDAP_MAX_SECRET + 1], text[CM_LDAP_MAX_SECRET + 2];

    (void)state;
    memset(text, 'x', sizeof(text));
    put_secret(text, CM_LDAP_MAX_SECRET, 0600);
    assert_true(cm_ldap_read_secret(secret_path, secret, NULL));
    assert_int_equal(strlen(secret), CM_LDAP_MAX_SECRET);
    put_secret(text, CM_LDAP_MAX_SECRET + 1, 0600);
    assert_false(cm_ldap_read_secret(secret_path, secret, NULL));
    put_secret(text, CM_LDAP_MAX_SECRET + 2, 0600);
    assert_false(cm_ldap_read_secret(secret_path, secret, NULL));
    text[3] = '\0';
    put_secret(text, 8, 0600);
    assert_false(cm_ldap_read_secret(secret_path, secret, NULL));
}

static void
test_secret_is_a_file(void **state)
{
    char secret[CM_LDAP_MAX_SECRET + 1];
    struct cm_detail detail;

    (void)state;
    (void)unlink(secret_path);
    assert_false(cm_ldap_read_secret(secret_path, secret, &detail));
    assert_int_equal(mkfifo(secret_path, 0600), 0);
    assert_false(cm_ldap_read_secret(secret_path, secret, &detail));
    assert_non_null(strstr(detail.text, "not a regular file"));
    assert_false(cm_ldap_read_secret(folder, secret, &detail));
}

static void
test_ldif(void **state)
{
    struct cm_directory_config config = {.kind = CM_DIRECTORY_LDIF};
    struct cm_detail detail;

    (void)state;
    assert_true(cm_schema_init(&config.schema, CM_SCHEMA_MIT));
    assert_false(cm_directory_config_check(&config, &detail));
    config.ldif_path = copy("/nonexistent/a.ldif");
    assert_false(cm_directory_config_check(&config, &detail));
    assert_non_null(strstr(detail.text, "/nonexistent/a.ldif"));
    free(config.ldif_path);
    config.ldif_path = copy("/etc/passwd");
    assert_true(cm_directory_config_check(&config, &detail));
    config.schema.object_filter = copy("(a=b)");
    assert_false(cm_directory_config_check(&config, &detail));
    cm_directory_config_clear(&config);
}

static int
set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/config.XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(secret_path, sizeof(secret_path), "%s/secret", folder);
    put_secret("secret\n", 7, 0600);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    (void)unlink(secret_path);
    return rmdir(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_secret_sizes),
        cmocka_unit_test(test_secret_is_a_file),
        cmocka_unit_test(test_ldif),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
