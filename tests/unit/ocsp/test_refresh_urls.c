/*
 * Where certificates say that their status can be asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "refresh_urls.h"
#include "testcert.h"

/* The distribution points of an extension in OpenSSL's syntax. */
static CRL_DIST_POINTS *
points_of(const char *text)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;
    CRL_DIST_POINTS *points;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, NULL, NULL, NULL, NULL, 0);
    extension =
        X509V3_EXT_conf_nid(NULL, &ctx, NID_crl_distribution_points, text);
    assert_non_null(extension);
    points = X509V3_EXT_d2i(extension);
    assert_non_null(points);
    X509_EXTENSION_free(extension);
    return points;
}

/* "a|b c -d": groups, names in a group, and what was skipped. */
static char *
describe(const struct cm_url_groups *groups)
{
    struct cm_buf buf = CM_BUF_INIT;

    for (size_t i = 0; i < groups->count; i++) {
        const struct cm_text_list *urls = &groups->list[i].urls;

        for (size_t j = 0; j < urls->count; j++)
            cm_buf_addf(&buf, "%s%s",
                        j > 0   ? "|"
                        : i > 0 ? " "
                                : "",
                        urls->items[j]);
    }
    for (size_t i = 0; i < groups->skipped.count; i++)
        cm_buf_addf(&buf, " -%s", groups->skipped.items[i]);
    return cm_buf_take(&buf);
}

static void
test_points(void **state)
{
    static const struct {
        const char *points, *groups;
    } rows[] = {
        {"URI:http://a.example/1", "http://a.example/1"},
        {"URI:https://a.example/1", "https://a.example/1"},
        {"URI:HTTP://a.example/1", "HTTP://a.example/1"},
        {"URI:http://a.example/1,URI:http://b.example/2",
         "http://a.example/1 http://b.example/2"},
        {"URI:http://a.example/1,URI:http://a.example/1",
         "http://a.example/1"},
        {"URI:ldap://d.example/cn=ca", " -ldap://d.example/cn=ca"},
        {"URI:ldap://d.example/x,URI:http://a.example/1,URI:file:///etc/x,"
         "URI:ftp://f.example/y",
         "http://a.example/1 -ldap://d.example/x -file:///etc/x "
         "-ftp://f.example/y"},
        {"URI:ldap://d.example/x,URI:ldap://d.example/x",
         " -ldap://d.example/x"},
        {"dirName:name", ""},
        {"URI:httpx://a.example/1", " -httpx://a.example/1"},
        {"URI:http:a.example", " -http:a.example"},
        {"URI:http://a.example/a b", " -http://a.example/a b"},
        {"URI:http://a.example/<x>", " -http://a.example/<x>"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cm_url_groups groups = {0};
        CRL_DIST_POINTS *points;
        char *text;

        if (strncmp(rows[i].points, "dirName", 7) == 0)
            points = CRL_DIST_POINTS_new();
        else
            points = points_of(rows[i].points);
        assert_true(cm_urls_of_points(points, &groups));
        text = describe(&groups);
        assert_string_equal(text, rows[i].groups);
        free(text);
        cm_url_groups_clear(&groups);
        CRL_DIST_POINTS_free(points);
    }
}

static void
add_name(GENERAL_NAMES *names, const char *url)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *value = ASN1_IA5STRING_new();

    assert_true(ASN1_STRING_set(value, url, -1));
    GENERAL_NAME_set0_value(name, GEN_URI, value);
    assert_true(sk_GENERAL_NAME_push(names, name) > 0);
}

/* Names of one point lead to one CRL: a group. */
static void
test_alternatives(void **state)
{
    CRL_DIST_POINTS *points = points_of("URI:http://a.example/1");
    GENERAL_NAMES *names =
        sk_DIST_POINT_value(points, 0)->distpoint->name.fullname;
    struct cm_url_groups groups = {0};
    char *text;

    (void)state;
    add_name(names, "ldap://d.example/x");
    add_name(names, "http://b.example/1");
    add_name(names, "http://b.example/1");
    assert_true(cm_urls_of_points(points, &groups));
    /* Those that are there already are not added again. */
    assert_true(cm_urls_of_points(points, &groups));
    text = describe(&groups);
    assert_string_equal(
        text, "http://a.example/1|http://b.example/1 -ldap://d.example/x");
    free(text);
    assert_true(cm_url_groups_add(&groups, "http://c.example/"));
    assert_true(cm_url_groups_add(&groups, "http://c.example/"));
    assert_int_equal(groups.count, 2);
    cm_url_groups_clear(&groups);
    CRL_DIST_POINTS_free(points);
}

/* Bytes that are no text are neither fetched nor shown. */
static void
test_no_text(void **state)
{
    static const char nul[] = "http://a.example/\0.evil";
    static const char control[] = "http://a.example/\x1b[2J";
    CRL_DIST_POINTS *points = points_of("URI:http://a.example/1");
    GENERAL_NAMES *names =
        sk_DIST_POINT_value(points, 0)->distpoint->name.fullname;
    ASN1_STRING *value =
        sk_GENERAL_NAME_value(names, 0)->d.uniformResourceIdentifier;
    struct cm_url_groups groups = {0};
    char long_url[4096];

    (void)state;
    assert_true(ASN1_STRING_set(value, nul, sizeof(nul) - 1));
    assert_true(cm_urls_of_points(points, &groups));
    assert_true(ASN1_STRING_set(value, control, sizeof(control) - 1));
    assert_true(cm_urls_of_points(points, &groups));
    memset(long_url, 'a', sizeof(long_url));
    memcpy(long_url, "http://", 7);
    assert_true(ASN1_STRING_set(value, long_url, sizeof(long_url)));
    assert_true(cm_urls_of_points(points, &groups));
    assert_int_equal(groups.count, 0);
    assert_int_equal(groups.skipped.count, 0);
    cm_url_groups_clear(&groups);
    CRL_DIST_POINTS_free(points);
}

/* ---- Of certificates ---- */

/* SEQUENCE { SEQUENCE { [0] { [0] { [6] "http://a/" } } } } */
#define POINT "300f300da00ba0098607687474703a2f2f"

static void
test_certificate(void **state)
{
    struct tc_spec spec = {
        .subject = "CN=leaf",
        .raw = {{"2.5.29.31", 0, POINT},
                /* freshestCRL, damaged */
                {"2.5.29.46", 0, "3003"},
                /* OCSP at http://o, caIssuers at http://i, OCSP at
                 * ldap://l */
                {"1.3.6.1.5.5.7.1.1", 0,
                 "3042"
                 "301406082b060105050730018608687474703a2f2f6f"
                 "301406082b060105050730028608687474703a2f2f69"
                 "301406082b0601050507300186086c6461703a2f2f6c"}}};
    X509 *cert = tc_make(&spec);
    struct cm_url_groups crls = {0}, deltas = {0};
    struct cm_text_list urls = {0}, skipped = {0};

    (void)state;
    assert_true(cm_urls_of_crls(cert, &crls));
    assert_int_equal(crls.count, 1);
    assert_string_equal(crls.list[0].urls.items[0], "http://");
    assert_true(cm_urls_of_deltas(cert, &deltas));
    assert_int_equal(deltas.count, 0);
    assert_true(cm_urls_of_responders(cert, &urls, &skipped));
    assert_int_equal(urls.count, 1);
    assert_string_equal(urls.items[0], "http://o");
    assert_int_equal(skipped.count, 1);
    assert_string_equal(skipped.items[0], "ldap://l");
    cm_text_list_clear(&urls);
    cm_text_list_clear(&skipped);
    cm_url_groups_clear(&crls);
    X509_free(cert);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_alternatives),
        cmocka_unit_test(test_no_text),
        cmocka_unit_test(test_certificate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
