/* certmap login as far as it goes without a card and without a KDC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/pkcs12.h>

#include "login_identity.h"
#include "runner.h"
#include "testcert.h"

#define UPN(text) "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:" text
#define LOGON "clientAuth,1.3.6.1.4.1.311.20.2.2"
#define NOW 1700000000 /* 2023 */

/* Files "NAME.pem" of one certificate each. */
static const struct {
    const char *name;
    struct tc_spec spec;
} certificates[] = {
    {"good",
     {.subject = "CN=alice", .eku = LOGON, .san = UPN("alice@corp.test")}},
    {"plain", {.subject = "CN=bob"}}, /* for any purpose */
    {"weak", {.subject = "CN=weak", .eku = LOGON}},
    {"nameless", {.subject = NULL, .eku = LOGON}},
    {"old", {.subject = "CN=old", .not_after = "20210101000000Z"}},
    {"young", {.subject = "CN=young", .not_before = "20390101000000Z"}},
    {"web", {.subject = "CN=web", .eku = "serverAuth"}},
    {"seal", {.subject = "CN=seal", .key_usage = "keyEncipherment"}},
    {"ca", {.subject = "CN=ca", .basic_constraints = "critical,CA:TRUE"}},
};

static const struct {
    const char *file;
    const char *who;
    const char *why; /* NULL: usable */
    bool expired;
} judged[] = {
    {"good.pem", "alice@corp.test", NULL, false},
    {"FILE:good.pem", "alice@corp.test", NULL, false},
    {"good.pem,good.key", "alice@corp.test", NULL, false},
    {"plain.pem", "CN=bob", NULL, false},
    {"weak.pem", "CN=weak", NULL, false},
    {"nameless.pem", "(no name)", NULL, false},
    {"old.pem", "CN=old", "expired", true},
    {"young.pem", "CN=young", "not valid yet", true},
    {"web.pem", "CN=web", "without a purpose", false},
    {"seal.pem", "CN=seal", "without digitalSignature", false},
    {"ca.pem", "CN=ca", "a CA certificate", false},
    {"two.pem", "alice@corp.test", NULL, false}, /* the first is the leaf */
    {"good.p12", "alice@corp.test", NULL, false},
    {"PKCS12:good.p12", "alice@corp.test", NULL, false},
    {"secret.pfx", "alice@corp.test", NULL, false},
};

static bool
know(void *arg, const char *prompt, char *out, size_t size,
     struct cm_detail *detail)
{
    assert_string_equal(prompt, "Password of secret.pfx");
    assert_true(size > strlen(arg));
    cm_detail_set(detail, "nobody knows");
    (void)strcpy(out, arg);
    return out[0] != '\0';
}

static void
files_are_judged(void **state)
{
    char password[] = "open sesame";
    struct cm_login_identities all;
    struct cm_detail detail;
    bool given_up;

    (void)state;
    for (size_t i = 0; i < sizeof(judged) / sizeof(judged[0]); i++) {
        const struct cm_login_identity *one;

        cm_detail_set(&detail, "%s", "");
        if (!cm_login_file(judged[i].file, NOW, know, password, &all,
                           &given_up, &detail))
            fail_msg("%s: %s", judged[i].file, detail.text);
        one = &all.list[0];
        assert_int_equal(all.count, 1);
        assert_string_equal(one->who, judged[i].who);
        assert_string_equal(one->value, judged[i].file);
        if (one->usable != (judged[i].why == NULL) ||
            one->expired != judged[i].expired ||
            (judged[i].why != NULL &&
             strstr(one->why.text, judged[i].why) == NULL))
            fail_msg("%s: %d, %s", judged[i].file, one->usable, one->why.text);
        assert_int_equal(one->password != NULL,
                         strstr(judged[i].file, "secret") != NULL);
        cm_login_identities_clear(&all);
    }
}

/* As krb5.conf(5) writes X509_user_identity. */
static const struct {
    const char *given, *where, *krb5;
} values[] = {
    {"good.pem", "good.pem", "FILE:good.pem"},
    {"FILE:good.pem", "good.pem", "FILE:good.pem"},
    {"good.pem,good.key", "good.pem", "FILE:good.pem,good.key"},
    {"good.p12", "good.p12", "PKCS12:good.p12"},
    {"PKCS12:good.p12", "good.p12", "PKCS12:good.p12"},
};

static void
libkrb5_is_told(void **state)
{
    struct cm_login_identities all;
    struct cm_detail detail;
    bool given_up;

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        assert_true(cm_login_file(values[i].given, NOW, know, NULL, &all,
                                  &given_up, &detail));
        assert_string_equal(all.list[0].where, values[i].where);
        assert_string_equal(all.list[0].krb5, values[i].krb5);
        cm_login_identities_clear(&all);
    }
}

static const struct {
    const char *file, *password;
    bool given_up;
    const char *fault;
} bad_files[] = {
    {"none.pem", "", false, "No such file"},
    {"none.p12", "", false, "No such file"},
    {"empty.pem", "", false, "no certificate"},
    {"junk.p12", "", false, "no PKCS#12 file"},
    {"secret.pfx", "", true, "nobody knows"},
    {"secret.pfx", "wrong", false, "does not open by this password"},
    {"keyless.p12", "", false, "no key with its certificate"},
    {"", "", false, "cannot open"},
    {"FILE:", "", false, "cannot open"},
};

static void
bad_files_are_errors(void **state)
{
    struct cm_login_identities all;
    struct cm_detail detail;
    char password[16];
    bool given_up;

    (void)state;
    for (size_t i = 0; i < sizeof(bad_files) / sizeof(bad_files[0]); i++) {
        (void)strcpy(password, bad_files[i].password);
        cm_detail_set(&detail, "%s", "");
        if (cm_login_file(bad_files[i].file, NOW, know, password, &all,
                          &given_up, &detail) ||
            given_up != bad_files[i].given_up ||
            strstr(detail.text, bad_files[i].fault) == NULL)
            fail_msg("%s: %s", bad_files[i].file, detail.text);
        assert_int_equal(all.count, 0);
    }
}

static const struct {
    const char *line;
    enum cm_exit code;
    const char *err; /* part of it */
} lines[] = {
    {"login a b", CM_EXIT_USAGE, "one NAME at most"},
    {"login ", CM_EXIT_USAGE, "NAME is empty"},
    {"login --sha256 abc", CM_EXIT_USAGE, "4 to 64 hexadecimal digits"},
    {"login --sha256 abcg", CM_EXIT_USAGE, "4 to 64 hexadecimal digits"},
    {"login --anchors ca.pem", CM_EXIT_USAGE, "FILE:PATH or DIR:PATH"},
    {"login -l 10", CM_EXIT_USAGE, "10h"},
    {"login -l 0", CM_EXIT_USAGE, "10h"},
    {"login -l 1h -l 2h", CM_EXIT_USAGE, "may be given once"},
    {"login --renewable 99999999h", CM_EXIT_USAGE, "7d"},
    {"login -I a -I b", CM_EXIT_USAGE, "may be given once"},
    {"login -I pkcs11:?pin-value=1234", CM_EXIT_USAGE, "pin-source"},
    {"login -I none.pem", CM_EXIT_USAGE, "No such file"},
    {"login -I old.pem", CM_EXIT_NO, "not valid today"},
    {"login -I old.pem", CM_EXIT_NO, "CN=old, until 2021-01-01"},
    {"login -I web.pem", CM_EXIT_NO, "No certificate can be used"},
    {"login -I web.pem", CM_EXIT_NO, "without a purpose that allows logon"},
    {"login -I good.pem --sha256 00000000", CM_EXIT_USAGE, "such a SHA-256"},
    {"login -I zero.pem", CM_EXIT_NO, "certmap login NAME"},
    {"login -I old.pem --list", CM_EXIT_NO, ""},
    {"login -I good.pem --list", CM_EXIT_YES, ""},
    {"login -c none -I good.pem --list", CM_EXIT_YES, ""},
    {"login -I old.pem --at 2020-06-01T00:00:00Z --list", CM_EXIT_YES, ""},
};

static void
command_lines(void **state)
{
    struct run run;

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        run = run_line(lines[i].line, NULL, 0);
        if (run.code != lines[i].code ||
            (lines[i].err[0] == '\0' ? run.err[0] != '\0'
                                     : strstr(run.err, lines[i].err) == NULL))
            fail_msg("%s: %d: %s", lines[i].line, (int)run.code, run.err);
        assert_null(strstr(run.err, "1234"));
        run_clear(&run);
    }
}

static const struct {
    const char *line;
    const char *token;
    enum cm_exit code;
} objects[] = {
    {"login --json -I none.pem", "no-file", CM_EXIT_USAGE},
    {"login --json -I old.pem", "expired", CM_EXIT_NO},
    {"login --json -I web.pem", "not-usable", CM_EXIT_NO},
    {"login --json -I good.pem --sha256 0000", "not-found", CM_EXIT_USAGE},
    {"login --json -I zero.pem", "no-name", CM_EXIT_NO},
};

static void
json_says_the_same(void **state)
{
    struct run run;
    json_t *object;

    (void)state;
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        run = run_line(objects[i].line, NULL, 0);
        object = json_loads(run.out, 0, NULL);
        assert_int_equal(run.code, objects[i].code);
        assert_string_equal(run.err, "");
        assert_string_equal(
            json_string_value(json_object_get(object, "token")),
            objects[i].token);
        assert_true(json_is_null(json_object_get(object, "principal")));
        json_decref(object);
        run_clear(&run);
    }
    run = run_line("login --json --list -I web.pem", NULL, 0);
    object = json_loads(run.out, 0, NULL);
    assert_int_equal(json_array_size(object), 1);
    assert_true(
        json_is_false(json_object_get(json_array_get(object, 0), "usable")));
    json_decref(object);
    run_clear(&run);
}

/* ---- The files ---- */

static void
write_pkcs12(const char *name, const char *password, EVP_PKEY *key, X509 *cert)
{
    PKCS12 *p12 = PKCS12_create(password, "x", key, cert, NULL, 0, 0, 0, 0, 0);
    FILE *file = fopen(name, "wb");

    assert_non_null(p12);
    assert_int_equal(i2d_PKCS12_fp(file, p12), 1);
    fclose(file);
    PKCS12_free(p12);
}

static int
make_files(void **state)
{
    struct tc_spec zero = {.subject = "CN=zero", .serial_hex = "00"};
    X509 *cert, *good = tc_make(&certificates[0].spec), *two[2];
    EVP_PKEY *key = tc_key(TC_EC_P256, 0);
    char name[64];

    (void)state;
    folder_enter();
    for (size_t i = 0; i < sizeof(certificates) / sizeof(certificates[0]);
         i++) {
        struct tc_spec spec = certificates[i].spec;

        if (strcmp(certificates[i].name, "weak") == 0)
            spec.key = tc_key(TC_RSA_1024, 0);
        cert = tc_make(&spec);
        (void)snprintf(name, sizeof(name), "%s.pem", certificates[i].name);
        folder_write_pem(name, &cert, 1);
        two[1] = cert;
        two[0] = good;
        if (strcmp(certificates[i].name, "ca") == 0)
            folder_write_pem("two.pem", two, 2);
        X509_free(cert);
    }
    cert = tc_make(&zero);
    folder_write_pem("zero.pem", &cert, 1);
    X509_free(cert);
    folder_write("empty.pem", "\n", 1);
    folder_write("junk.p12", "junk", 4);
    write_pkcs12("good.p12", NULL, key, good);
    write_pkcs12("secret.pfx", "open sesame", key, good);
    write_pkcs12("keyless.p12", NULL, NULL, good);
    X509_free(good);
    return 0;
}

static int
leave(void **state)
{
    (void)state;
    folder_leave();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_judged),
        cmocka_unit_test(libkrb5_is_told),
        cmocka_unit_test(bad_files_are_errors),
        cmocka_unit_test(command_lines),
        cmocka_unit_test(json_says_the_same),
    };

    return cmocka_run_group_tests(tests, make_files, leave);
}
