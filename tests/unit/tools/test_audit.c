/* certmap audit: each kind of finding, counts, exit codes, and the page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/evp.h>

#include "buf.h"
#include "host.h"
#include "runner.h"
#include "testcert.h"

#define CA "DC=test,CN=CA 1"
#define SERIAL "X509:<I>" CA "<SR>7b0a"
#define SETTINGS HOST_CERTMAP HOST_STORE

/* What stands for a certificate in a row. */
static struct {
    char *base64;
} certificates[3];
enum { KNOWN, EXPIRED, STRANGE };

/* ---- Findings ---- */

#define ALICE "dn: uid=alice\nkrbPrincipalName: alice@EXAMPLE.COM\n"
#define BOB "\ndn: uid=bob\nkrbPrincipalName: bob@EXAMPLE.COM\n"
#define HOLDS(value) "altSecurityIdentities: " value "\n"
#define OWNS(mark) "userCertificate;binary:: " mark "\n"

static const struct row {
    const char *certmap; /* NULL: SETTINGS */
    const char *ldif;    /* %1, %2, %3: certificates */
    const char *found;   /* "kind kind ", as they are listed */
    const char *meant;   /* of the first, or NULL */
} rows[] = {
    /* Nothing is wrong. */
    {NULL, ALICE HOLDS(SERIAL), "", NULL},
    {NULL, ALICE HOLDS(SERIAL) OWNS("%1"), "", NULL},
    {NULL, ALICE HOLDS("X509:<I>dc=TEST,cn=ca 1<SR>7B0A") OWNS("%1"), "",
     NULL},
    {NULL, ALICE HOLDS(SERIAL) HOLDS("X509:<SKI>00") HOLDS("Kerberos:a@B"), "",
     NULL},
    /* One person's values in the forms of strength. */
    {NULL, ALICE, "no-mapping ", NULL},
    {NULL, ALICE HOLDS("Kerberos:a@B"), "no-mapping ", NULL},
    {NULL, "dn: cn=x\nkrbPrincipalName: host/x@EXAMPLE.COM\n", "", NULL},
    {NULL, "dn: cn=x\nkrbPrincipalName: x@OTHER.COM\n", "", NULL},
    {NULL, ALICE HOLDS("X509:<I>" CA "<S>CN=a"), "weak-only ", NULL},
    {NULL, ALICE HOLDS("X509:<S>CN=a"), "not-accepted ", NULL},
    {SETTINGS "mappings = ski\n", ALICE HOLDS(SERIAL), "not-accepted ", NULL},
    /* Malformed. */
    {NULL, ALICE HOLDS("X509:<SR>7b0a"), "malformed ", NULL},
    {NULL, ALICE HOLDS("x509:<SKI>00"), "malformed ", NULL},
    {NULL, ALICE "altSecurityIdentities:: WDUwOTo8U0tJPgAx\n", "malformed ",
     NULL},
    {NULL, ALICE HOLDS(SERIAL) HOLDS("X509:<FOO>1"), "malformed ", NULL},
    /* Twice in one account. */
    {NULL, ALICE HOLDS(SERIAL) HOLDS("X509:<I>DC=TEST,CN=ca 1<SR>7B0A"),
     "duplicate ", NULL},
    {NULL, ALICE HOLDS(SERIAL) HOLDS("X509: <I>" CA "<SR>7b0a"), "duplicate ",
     NULL},
    {NULL, ALICE HOLDS(SERIAL) HOLDS("X509:<I>DC=test,CN=\"CA 1\"<SR>7b0a"),
     "other-spelling duplicate ", SERIAL},
    /* Mail addresses compare exactly. */
    {SETTINGS "mappings = rfc822 ski\n",
     ALICE HOLDS("X509:<RFC822>a@b") HOLDS("X509:<RFC822>A@b")
         HOLDS("X509:<SKI>00"),
     "", NULL},
    /* On several accounts. */
    {NULL, ALICE HOLDS(SERIAL) BOB HOLDS(SERIAL), "shared ", NULL},
    {NULL, ALICE HOLDS(SERIAL) BOB HOLDS("X509:<I>dc=test,cn=ca 1<SR>7B0A"),
     "shared ", NULL},
    {NULL, ALICE HOLDS(SERIAL) HOLDS(SERIAL) BOB, "duplicate no-mapping ",
     NULL},
    {NULL, ALICE HOLDS("X509:<SKI>0") BOB HOLDS("X509:<SKI>0"),
     "malformed malformed ", NULL},
    /* The issuer. */
    {NULL, ALICE HOLDS("X509:<I>CN=Nobody<SR>01"), "unknown-issuer ", NULL},
    {NULL, ALICE HOLDS("X509:<I>CN=Nobody<SID>S-1-5-21-1-2-3-4"),
     "unknown-issuer ", NULL},
    {NULL, ALICE HOLDS("X509:<I>DC=test,CN=Root<SR>01"), "issuer-not-ntauth ",
     NULL},
    /* Order and spelling, by the CA's name alone. */
    {NULL, ALICE HOLDS("X509:<I>CN=CA 1,DC=test<SR>01"), "reversed-order ",
     "X509:<I>" CA "<SR>01"},
    {NULL, ALICE HOLDS("X509:<I>CN=CA 1, DC=test<S>CN=a, DC=test"),
     "reversed-order ", "X509:<I>" CA "<S>DC=test,CN=a"},
    {NULL, ALICE HOLDS("X509:<I>DC=test, CN=CA 1<SR>01"), "other-spelling ",
     "X509:<I>" CA "<SR>01"},
    {NULL, ALICE HOLDS("X509:<I>CN=CA 1,DC=test<SID>S-1-5-21-1-2-3-4"),
     "reversed-order ", "X509:<I>" CA "<SID>S-1-5-21-1-2-3-4"},
    /* The same where the certificate is known. */
    {NULL, ALICE HOLDS("X509:<I>" CA "<SR>0a7b") OWNS("%1"), "reversed-order ",
     SERIAL},
    {NULL, ALICE HOLDS("X509:<I>CN=CA 1,DC=test<SR>0A7B") OWNS("%1"),
     "reversed-order ", "X509:<I>" CA "<SR>7B0A"},
    {NULL, ALICE HOLDS("X509:<I>CN=CA 1,DC=test<SR>7b0a") OWNS("%1"),
     "reversed-order ", SERIAL},
    {NULL, ALICE HOLDS("X509:<I>" CA "<S>CN=alice,DC=test") OWNS("%1"),
     "reversed-order ", "X509:<I>" CA "<S>DC=test,CN=alice"},
    {SETTINGS "mappings = subject\n",
     ALICE HOLDS("X509:<S>CN=alice,DC=test") OWNS("%1"), "reversed-order ",
     "X509:<S>DC=test,CN=alice"},
    {NULL, ALICE HOLDS("X509:<I>" CA "<SR>01") OWNS("%1"),
     "certificate-unknown ", NULL},
    /* What became of the certificate. */
    {NULL, ALICE HOLDS("X509:<I>" CA "<SR>02") OWNS("%2"), "expired ", NULL},
    {NULL, ALICE HOLDS("X509:<I>" CA "<S>CN=old") OWNS("%2"), "weak-only ",
     NULL}, /* its successor has the same names */
    {NULL, ALICE HOLDS("X509:<SKI>0102030405") OWNS("%3"), "ski-not-key ",
     NULL},
    {SETTINGS "ski_trust_extension = true\n",
     ALICE HOLDS("X509:<SKI>0102030405") OWNS("%3"), "", NULL},
    {NULL, ALICE HOLDS("X509:<SKI>0504030201") OWNS("%3"), "reversed-order ",
     "X509:<SKI>0102030405"},
    /* UPNs. */
    {NULL,
     ALICE HOLDS(SERIAL) "userPrincipalName: Bob@example.com\n" BOB HOLDS(
         "X509:<SKI>00"),
     "upn-conflict ", NULL},
    {NULL,
     ALICE HOLDS(SERIAL) "userPrincipalName: x@example.com\n" BOB HOLDS(
         "X509:<SKI>00") "userPrincipalName: X@EXAMPLE.com\n",
     "upn-doubled ", NULL},
    {NULL, ALICE HOLDS(SERIAL) "userPrincipalName: alice@example.com\n", "",
     NULL},
    {NULL,
     ALICE HOLDS(SERIAL) "userPrincipalName: a@b\nuserPrincipalName: c@d\n",
     "upn-faulty ", NULL},
    /* Disabled. */
    {NULL, ALICE HOLDS(SERIAL) "krbTicketFlags: 64\n", "disabled ", NULL},
    {NULL, ALICE "krbTicketFlags: 64\n", "", NULL},
};

/* Replaces %1 ... by certificates. */
static void
write_accounts(const char *text)
{
    struct cm_buf out = CM_BUF_INIT;

    for (; *text != '\0'; text++) {
        if (*text == '%')
            cm_buf_add_text(&out, certificates[*++text - '1'].base64);
        else
            cm_buf_add_char(&out, *text);
    }
    assert_false(out.failed);
    folder_write("accounts.ldif", out.data != NULL ? out.data : "", out.len);
    cm_buf_clear(&out);
}

static json_t *
audit_json(const char *options, enum cm_exit code, char **err)
{
    char line[128];
    json_error_t error;
    struct run run;
    json_t *o;

    snprintf(line, sizeof(line), "audit --json%s", options);
    run = run_line(line, NULL, 0);
    o = json_loads(run.out, 0, &error);
    if (o == NULL || run.code != code)
        fail_msg("exit %d\n%s\n%s", (int)run.code, run.out, run.err);
    if (err != NULL)
        assert_non_null(*err = strdup(run.err));
    run_clear(&run);
    return o;
}

static const char *
text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text != NULL ? text : "";
}

static bool
has_severe(const json_t *list)
{
    size_t i;
    json_t *one;

    json_array_foreach(list, i, one)
    {
        if (strcmp(text_of(one, "severity"), "note") != 0)
            return true;
    }
    return false;
}

static void
audit_row(size_t number, const struct row *row)
{
    struct host host = {.certmap =
                            row->certmap != NULL ? row->certmap : SETTINGS};
    struct run run;
    char found[512] = "";
    json_t *o, *list, *one;
    const char *meant = "";
    size_t i;

    host_configure(&host);
    write_accounts(row->ldif);
    run = run_line("audit --json --at 2026-01-10T00:00:00Z", NULL, 0);
    o = json_loads(run.out, 0, NULL);
    if (o == NULL)
        fail_msg("row %zu: exit %d\n%s%s", number, (int)run.code, run.out,
                 run.err);
    list = json_object_get(o, "findings");
    json_array_foreach(list, i, one)
    {
        strncat(found, text_of(one, "kind"), 100);
        strcat(found, " ");
        if (i == 0)
            meant = text_of(one, "meant");
    }
    if (strcmp(found, row->found) != 0 ||
        strcmp(meant, row->meant != NULL ? row->meant : "") != 0 ||
        run.code != (has_severe(list) ? CM_EXIT_NO : CM_EXIT_YES))
        fail_msg("row %zu: exit %d, found \"%s\", meant %s\n%s", number,
                 (int)run.code, found, meant, run.err);
    json_decref(o);
    run_clear(&run);
}

static void
each_kind_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        audit_row(i, &rows[i]);
}

static const struct host here = {.certmap = SETTINGS};

static int64_t
count_of(const json_t *o, const char *table, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(o, table), key));
}

static void
counts_are_those_of_the_accounts(void **state)
{
    json_t *o, *issuer;
    char *err;

    (void)state;
    host_configure(&here);
    write_accounts(ALICE HOLDS(SERIAL) HOLDS("X509:<SKI>00") OWNS("%1")
                       BOB HOLDS("X509:<I>" CA "<S>CN=b") OWNS("%2")
                           HOLDS("X509:<I>" CA "<SR>02") OWNS("%2"));
    o = audit_json(" --at 2026-01-10T00:00:00Z", CM_EXIT_NO, &err);
    assert_string_equal(err, "");
    free(err);
    assert_true(json_is_true(json_object_get(o, "complete")));
    assert_int_equal(count_of(o, "accounts", "read"), 2);
    assert_int_equal(count_of(o, "accounts", "strong"), 2);
    assert_int_equal(count_of(o, "values", "certificate"), 4);
    assert_int_equal(count_of(o, "certificates", "known"), 3);
    assert_int_equal(count_of(o, "certificates", "expired"), 2);
    assert_int_equal(count_of(o, "certificates", "later"), 1);
    issuer = json_array_get(json_object_get(o, "issuers"), 0);
    assert_string_equal(text_of(issuer, "name"), CA);
    assert_string_equal(text_of(issuer, "ca"), "ntauth");
    assert_int_equal(json_integer_value(json_object_get(issuer, "strong")), 2);
    assert_int_equal(json_integer_value(json_object_get(issuer, "weak")), 1);
    json_decref(o);
}

/* ---- Options and exit codes ---- */

static const struct run_row lines[] = {
    {"audit", CM_EXIT_NO, "weak-only", NULL},
    {"audit --severity error", CM_EXIT_YES, "weak-only", NULL},
    {"audit --severity note", CM_EXIT_NO, "no-mapping", NULL},
    {"audit --limit 1", CM_EXIT_NO, "and 1 more", NULL},
    {"audit --limit 0", CM_EXIT_NO, "uid=bob", NULL},
    {"audit --severity all", CM_EXIT_USAGE, NULL, "allowed are error"},
    {"audit --limit x", CM_EXIT_USAGE, NULL, "is not a number"},
    {"audit --limit -1", CM_EXIT_USAGE, NULL, "is not a number"},
    {"audit --limit 1 --limit 1", CM_EXIT_USAGE, NULL, "given once"},
    {"audit alice", CM_EXIT_USAGE, NULL, "usage"},
    {"audit -H ldapi:///", CM_EXIT_USAGE, NULL, "directory = ldap"},
    {"audit -r OTHER.COM", CM_EXIT_USAGE, NULL, "no certmap subsection"},
    {"audit --html nowhere/page.html", CM_EXIT_UNAVAILABLE, "weak-only",
     "nowhere"},
    {"audit --help", CM_EXIT_YES, "--html FILE", NULL},
};

static void
options_and_exit_codes(void **state)
{
    (void)state;
    host_configure(&here);
    write_accounts(ALICE HOLDS("X509:<I>" CA "<S>CN=a") BOB HOLDS(
        "X509:<I>" CA "<S>CN=b") "\ndn: uid=c\nkrbPrincipalName: "
                                 "c@EXAMPLE.COM\n");
    run_rows(lines, sizeof(lines) / sizeof(lines[0]));
}

static void
what_cannot_be_read_is_never_whole(void **state)
{
    static const struct host unreachable = {
        .certmap = HOST_TRUST HOST_STORE
        "revocation = off\ndirectory = ldap\nldap = {\n"
        "uri = ldap://127.0.0.1:1\nbase = dc=example,dc=com\n"
        "schema = mit\n}\n"};
    static const struct host no_database = {.certmap = HOST_TRUST HOST_STORE
                                            "revocation = off\n"};
    const struct host *const hosts[] = {&unreachable, &no_database};
    struct run run;
    json_t *o;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        host_configure(hosts[i]);
        o = audit_json("", CM_EXIT_UNAVAILABLE, NULL);
        assert_true(json_is_false(json_object_get(o, "complete")));
        assert_string_not_equal(text_of(o, "incomplete_why"), "");
        json_decref(o);
        run = run_line("audit --html page.html", NULL, 0);
        assert_int_equal(run.code, CM_EXIT_UNAVAILABLE);
        assert_non_null(strstr(run.out, "INCOMPLETE"));
        run_clear(&run);
    }
    host_configure(&here);
    folder_write("accounts.ldif", "no ldif", 7);
    o = audit_json("", CM_EXIT_UNAVAILABLE, NULL);
    json_decref(o);
}

static void
a_broken_deny_list_is_said(void **state)
{
    static const struct host broken = {.certmap = HOST_CERTMAP
                                       "store = @/broken-store\n"};
    char *err;
    json_t *o;

    (void)state;
    host_configure(&broken);
    write_accounts(ALICE HOLDS(SERIAL) OWNS("%1"));
    o = audit_json("", CM_EXIT_UNAVAILABLE, &err);
    assert_int_equal(
        json_integer_value(json_object_get(o, "revocation_unknown")), 1);
    assert_non_null(strstr(err, "cannot be told"));
    free(err);
    json_decref(o);
}

/* ---- The page ---- */

static char *
read_page(void)
{
    FILE *file = fopen("page.html", "r");
    char *text = calloc(1, 1024 * 1024);

    assert_non_null(text);
    assert_non_null(file);
    assert_true(fread(text, 1, 1024 * 1024 - 1, file) > 0);
    fclose(file);
    return text;
}

static void
text_on_the_page_is_text(void **state)
{
    struct run run;
    struct stat st;
    char *page;

    (void)state;
    host_configure(&here);
    write_accounts(
        "dn: uid=<script>alert(1)</script>\n"
        "krbPrincipalName: x@EXAMPLE.COM\n" HOLDS("X509:<I>CN=\"'\"&<b><SR>01")
            HOLDS("X509:<I>CN=<img src=x onerror=y><SR>01"));
    (void)remove("page.html");
    run = run_line("audit --html page.html", NULL, 0);
    assert_int_equal(run.code, CM_EXIT_NO);
    run_clear(&run);
    page = read_page();
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "<img"));
    assert_null(strstr(page, "<b><SR>"));
    assert_non_null(strstr(page, "&lt;script&gt;alert(1)"));
    assert_non_null(strstr(page, "&quot;&#39;&quot;&amp;"));
    assert_non_null(strstr(page, "default-src 'none'"));
    assert_int_equal(stat("page.html", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    free(page);
}

/* ---- Certificates ---- */

static char *
base64_of(X509 *cert)
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    char *text;

    assert_true(len > 0);
    text = calloc(1, (size_t)len * 2);
    EVP_EncodeBlock((unsigned char *)text, der, len);
    OPENSSL_free(der);
    X509_free(cert);
    return text;
}

static X509 *
card(const X509 *ca, const char *subject, const char *serial,
     const char *not_after, const char *ski)
{
    struct tc_spec spec = {.subject = subject,
                           .issuer = ca,
                           .issuer_key = tc_key(TC_EC_P256, 1),
                           .key = tc_key(TC_EC_P256, 3),
                           .serial_hex = serial,
                           .not_after = not_after,
                           .ski = ski};

    return tc_make(&spec);
}

static int
set_up(void **state)
{
    X509 *ca;

    (void)state;
    folder_enter();
    host_make();
    ca = tc_make_ca(CA, tc_key(TC_EC_P256, 1), NULL, NULL);
    certificates[KNOWN].base64 =
        base64_of(card(ca, "DC=test,CN=alice", "0a7b", NULL, "hash"));
    certificates[EXPIRED].base64 =
        base64_of(card(ca, "CN=old", "02", "20210101000000Z", "hash"));
    certificates[STRANGE].base64 =
        base64_of(card(ca, "CN=strange", "03", NULL, "0102030405"));
    X509_free(ca);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        free(certificates[i].base64);
    folder_leave();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_found),
        cmocka_unit_test(counts_are_those_of_the_accounts),
        cmocka_unit_test(options_and_exit_codes),
        cmocka_unit_test(what_cannot_be_read_is_never_whole),
        cmocka_unit_test(a_broken_deny_list_is_said),
        cmocka_unit_test(text_on_the_page_is_text),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
