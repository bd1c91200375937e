/* The names by which a KDC is asked for the holder of a certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kdb_names.h"
#include "login_names.h"
#include "testcert.h"

#define UPN(text) "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:" text
#define ISSUER "DC=test,DC=corp,CN=CA"
#define SERIAL "X509:<I>DC=test,DC=corp,CN=CA<SR>0201"
#define SKI "X509:<SKI>*" /* of the certificate's key */

enum { MAX = CM_LOGIN_MAX_NAMES };

/* "10 text", "6 text" and "1 text" as in RFC 4120 section 6.2. */
static const struct {
    const char *name;
    const char *san, *serial, *ski;
    const char *typed;
    const char *names[MAX]; /* until NULL */
} rows[] = {
    {"upn",
     UPN("alice@corp.test"),
     "0102",
     "hash",
     NULL,
     {"10 alice@corp.test", "6 " SERIAL, "6 " SKI}},
    {"upn, no key identifier",
     UPN("alice@corp.test"),
     "0102",
     NULL,
     NULL,
     {"10 alice@corp.test", "6 " SERIAL}},
    {"no upn", NULL, "0102", "hash", NULL, {"6 " SERIAL, "6 " SKI}},
    {"mail is no upn",
     "email:alice@corp.test",
     "0102",
     NULL,
     NULL,
     {"6 " SERIAL}},
    {"two upns",
     UPN("alice@corp.test") "," UPN("bob@corp.test"),
     "0102",
     NULL,
     NULL,
     {"6 " SERIAL}},
    {"the same upn twice",
     UPN("alice@corp.test") "," UPN("alice@corp.test"),
     "0102",
     NULL,
     NULL,
     {"6 " SERIAL}},
    {"upn without @", UPN("alice"), "0102", NULL, NULL, {"6 " SERIAL}},
    {"upn with two @",
     UPN("a@b@corp.test"),
     "0102",
     NULL,
     NULL,
     {"6 " SERIAL}},
    {"upn of nobody", UPN("@corp.test"), "0102", NULL, NULL, {"6 " SERIAL}},
    {"upn with signs",
     UPN("a/b\\c d@corp.test"),
     "0102",
     NULL,
     NULL,
     {"10 a/b\\c d@corp.test", "6 " SERIAL}},
    {"serial number of zero", NULL, "00", "hash", NULL, {"6 " SKI}},
    {"serial number below zero", NULL, "ff02", "hash", NULL, {"6 " SKI}},
    {"key identifier that anybody could choose",
     NULL,
     "0102",
     "0badcafe",
     NULL,
     {"6 " SERIAL}},
    {"nothing", NULL, "00", NULL, NULL, {NULL}},
    {"nothing but a faulty upn", UPN("alice"), "00", "0badcafe", NULL, {NULL}},
    {"typed", UPN("alice@corp.test"), "0102", "hash", "bob", {"1 bob"}},
    {"typed, for a certificate that says nothing",
     NULL,
     "00",
     NULL,
     "bob@CORP.TEST",
     {"1 bob@CORP.TEST"}},
};

static const int types[] = {
    [CM_LOGIN_PRINCIPAL] = 1, [CM_LOGIN_ENTERPRISE] = 10, [CM_LOGIN_X500] = 6};

static struct cm_login_names
names_of(const struct tc_spec *spec, const char *typed)
{
    X509 *cert = tc_make(spec);
    struct cm_certificate decoded;
    struct cm_login_names names;
    uint8_t *der;
    size_t len;

    der = tc_der(cert, &len);
    assert_int_equal(cm_certificate_decode(der, len, &decoded, NULL), CM_OK);
    assert_true(cm_login_names_build(&decoded, typed, &names));
    cm_certificate_clear(&decoded);
    free(der);
    X509_free(cert);
    return names;
}

/* A "*" at the end stands for any rest. */
static bool
is_like(const struct cm_login_name *name, const char *wanted)
{
    const char *text = strchr(wanted, ' ') + 1;
    size_t len = strcspn(text, "*");

    return types[name->kind] == atoi(wanted) &&
           strncmp(name->text, text, len) == 0 &&
           (text[len] == '*' || name->text[len] == '\0');
}

static void
names_in_their_order(void **state)
{
    X509 *ca = tc_make_ca(ISSUER, tc_key(TC_EC_P256, 1), NULL, NULL);
    struct cm_login_names names;
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tc_spec spec = {
            .subject = "CN=alice",
            .issuer = ca,
            .issuer_key = tc_key(TC_EC_P256, 1),
            .san = rows[i].san,
            .serial_hex = rows[i].serial,
            .ski = rows[i].ski,
        };
        names = names_of(&spec, rows[i].typed);
        for (n = 0; n < MAX && rows[i].names[n] != NULL; n++) {
            if (n >= names.count || !is_like(&names.list[n], rows[i].names[n]))
                fail_msg("%s: %zu: %s", rows[i].name, n,
                         n < names.count ? names.list[n].text : "missing");
        }
        if (names.count != n)
            fail_msg("%s: also %s", rows[i].name, names.list[n].text);
        cm_login_names_clear(&names);
    }
    X509_free(ca);
}

/* A UPN with a NUL in it, which no text can say. */
static void
nul_in_a_upn(void **state)
{
    struct tc_spec spec = {
        .subject = "CN=alice",
        .serial_hex = "0102",
        .raw = {{"2.5.29.17", 0,
                 "301ba019060a2b060104018237140203a00b0c09"
                 "616c69636500406162"}},
    };
    struct cm_login_names names = names_of(&spec, NULL);

    (void)state;
    assert_int_equal(names.count, 1);
    assert_int_equal(names.list[0].kind, CM_LOGIN_X500);
    cm_login_names_clear(&names);
}

/* The longest issuer that still makes a name, and one more byte. */
static void
long_issuers(void **state)
{
    static const char ends[] = "X509:<I>CN=<SR>01";
    char subject[CM_CLIENT_NAME_MAX + 16];
    struct cm_login_names names;
    size_t room = CM_CLIENT_NAME_MAX - strlen(ends), parts, rest;

    (void)state;
    for (size_t more = 0; more < 2; more++) {
        /* A common name takes 64 characters; domain components take more. */
        rest = room + more;
        (void)strcpy(subject, "CN=");
        for (parts = 0; rest > 60; parts++, rest -= 60)
            (void)strcat(subject, "012345678901234567890123456789012345678901"
                                  "23456789012345,DC=");
        (void)strncat(subject,
                      "0123456789012345678901234567890123456789"
                      "01234567890123456789",
                      rest);
        struct tc_spec spec = {.subject = subject, .ski = "hash"};

        names = names_of(&spec, NULL);
        assert_int_equal(names.count, 2 - more);
        assert_int_equal(strlen(names.list[0].text) == CM_CLIENT_NAME_MAX,
                         more == 0);
        assert_non_null(strstr(names.list[1 - more].text, "<SKI>"));
        cm_login_names_clear(&names);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_in_their_order),
        cmocka_unit_test(nul_in_a_upn),
        cmocka_unit_test(long_issuers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
