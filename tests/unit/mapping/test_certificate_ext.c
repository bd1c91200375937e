/*
 * Extensions of a certificate, names and SIDs apart.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "decode.h"
#include "derasm.h"

static const struct {
    const char *name;
    const char *oid;
    const char *content; /* as derasm.h has it */
    enum cm_reason reason;
} extensions[] = {
    {"unknown", "1.3.6.1.4.1.99999.1", "#ffffff", CM_OK},
    {"unknown, empty", "1.3.6.1.4.1.99999.1", "", CM_OK},

    {"EKU", "2.5.29.37", "30(06:2b06010505070302)", CM_OK},
    {"EKU empty", "2.5.29.37", "30()", CM_OK},
    {"EKU nothing", "2.5.29.37", "", CM_CERT_MALFORMED},
    {"EKU byte after", "2.5.29.37", "30(06:2b06010505070302) #00",
     CM_CERT_MALFORMED},
    {"EKU no sequence", "2.5.29.37", "06:2b06010505070302", CM_CERT_MALFORMED},
    {"EKU text", "2.5.29.37", "30(0c'a')", CM_CERT_MALFORMED},
    {"EKU padded", "2.5.29.37", "#300981072b060105050703", CM_CERT_MALFORMED},
    {"EKU padded OID", "2.5.29.37", "30(06:2b8006)", CM_CERT_MALFORMED},
    {"EKU indefinite", "2.5.29.37", "#308006022b060000", CM_CERT_MALFORMED},

    {"policies", "2.5.29.32", "30(30(06:2a03))", CM_OK},
    {"policies with qualifier", "2.5.29.32",
     "30(30(06:2a03 30(30(06:2b06010505070201 16'http://a/'))))", CM_OK},
    {"policies byte after", "2.5.29.32", "30(30(06:2a03)) #00",
     CM_CERT_MALFORMED},
    {"policies flat", "2.5.29.32", "30(06:2a03)", CM_CERT_MALFORMED},

    {"SKI", "2.5.29.14", "04'abc'", CM_OK},
    {"SKI empty", "2.5.29.14", "04''", CM_OK},
    {"SKI byte after", "2.5.29.14", "04'abc' #00", CM_CERT_MALFORMED},
    {"SKI constructed", "2.5.29.14", "24(04'abc')", CM_CERT_MALFORMED},
    {"SKI no octets", "2.5.29.14", "03:0061", CM_CERT_MALFORMED},

    {"key usage", "2.5.29.15", "03:0780", CM_OK},
    {"key usage padding set", "2.5.29.15", "03:07ff", CM_CERT_MALFORMED},
    {"key usage empty", "2.5.29.15", "03:00", CM_CERT_MALFORMED},
    {"key usage octets", "2.5.29.15", "04:80", CM_CERT_MALFORMED},
    {"key usage byte after", "2.5.29.15", "03:0780 #00", CM_CERT_MALFORMED},

    {"constraints", "2.5.29.19", "30()", CM_OK},
    {"constraints false", "2.5.29.19", "30(01:00)", CM_OK},
    {"constraints odd true", "2.5.29.19", "30(01:01)", CM_CERT_MALFORMED},
    {"constraints byte after", "2.5.29.19", "30() #00", CM_CERT_MALFORMED},
    {"constraints negative", "2.5.29.19", "30(01:ff 02:ff)",
     CM_CERT_MALFORMED},

    {"AKI", "2.5.29.35", "30(80'abc')", CM_OK},
    {"AKI junk", "2.5.29.35", "04'abc'", CM_CERT_MALFORMED},
    {"AKI byte after", "2.5.29.35", "30(80'abc') #00", CM_CERT_MALFORMED},
    {"name constraints junk", "2.5.29.30", "04'abc'", CM_CERT_MALFORMED},
    {"distribution points junk", "2.5.29.31", "04'abc'", CM_CERT_MALFORMED},
    {"distribution points byte after", "2.5.29.31",
     "30(30(a0(a0(86'http://a/')))) #00", CM_CERT_MALFORMED},
    {"authority access byte after", "1.3.6.1.5.5.7.1.1",
     "30(30(06:2b06010505073001 86'http://a/')) #00", CM_CERT_MALFORMED},
    {"policy constraints padded", "2.5.29.36", "#30048081010000",
     CM_CERT_MALFORMED},
};

static void
known_extensions_decode_whole(void **state)
{
    struct cm_certificate cert;
    struct cm_detail detail = {""};
    enum cm_reason reason;

    (void)state;
    for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++) {
        reason = decode_extension(extensions[i].oid, 0, extensions[i].content,
                                  &cert, &detail);
        if (reason != extensions[i].reason)
            fail_msg("%s: %s %s", extensions[i].name, cm_reason_token(reason),
                     detail.text);
        cm_certificate_clear(&cert);
    }
}

/* Twice the same is once too often: known, SID, unknown, unlike, critical. */
static void
doubled_extensions_refuse(void **state)
{
    static const struct {
        const char *oid, *first, *second;
        int critical;
    } rows[] = {
        {"2.5.29.37", "30(06:2b06010505070302)", "30(06:2b06010505070302)", 0},
        {"2.5.29.17", "30(82'a')", "30(82'b')", 1},
        {"2.5.29.14", "04'a'", "04'a'", 0},
        {"1.3.6.1.4.1.311.25.2",
         "30(a0(06:2b060104018237190201 a0(04'S-1-5-21-1')))",
         "30(a0(06:2b060104018237190201 a0(04'S-1-5-21-1')))", 0},
        {"1.3.6.1.4.1.99999.1", "05:", "04'a'", 0},
    };
    struct cm_certificate cert;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *a = da_hex(rows[i].first), *b = da_hex(rows[i].second);
        const struct tc_spec spec = {
            .subject = "CN=a",
            .raw = {{.oid = rows[i].oid, .value_hex = a},
                    {.oid = "1.3.6.1.4.1.99999.2", .value_hex = "0500"},
                    {.oid = rows[i].oid,
                     .critical = rows[i].critical,
                     .value_hex = b}}};

        assert_int_equal(decode_spec(&spec, &cert, NULL), CM_CERT_MALFORMED);
        free(a);
        free(b);
    }
}

/* The path code refuses it; here it is only kept. */
static void
unknown_critical_extension_is_kept(void **state)
{
    const struct tc_spec spec = {.subject = "CN=a",
                                 .raw = {{.oid = "1.3.6.1.4.1.99999.1",
                                          .critical = 1,
                                          .value_hex = "0500"}}};
    struct cm_certificate cert;

    (void)state;
    assert_int_equal(decode_spec(&spec, &cert, NULL), CM_OK);
    assert_true(X509_get_extension_flags(cert.x509) & EXFLAG_CRITICAL);
    cm_certificate_clear(&cert);
}

/* Adds extensions 1.3.6.1.4.1.99999.1, .2, ... */
static void
add_extensions(X509 *cert, int count)
{
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    char oid[64];

    for (int i = 1; i <= count; i++) {
        X509_EXTENSION *extension;
        ASN1_OBJECT *object;

        snprintf(oid, sizeof(oid), "1.3.6.1.4.1.99999.%d", i);
        object = OBJ_txt2obj(oid, 1);
        extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, value);
        assert_int_equal(X509_add_ext(cert, extension, -1), 1);
        X509_EXTENSION_free(extension);
        ASN1_OBJECT_free(object);
    }
    ASN1_OCTET_STRING_free(value);
    assert_true(i2d_re_X509_tbs(cert, NULL) > 0);
}

static void
extensions_are_bounded(void **state)
{
    const struct tc_spec spec = {.subject = "CN=a"};
    struct cm_certificate cert;

    (void)state;
    for (int n = CM_CERT_MAX_EXTENSIONS; n <= CM_CERT_MAX_EXTENSIONS + 1;
         n++) {
        X509 *x509 = tc_make(&spec);

        add_extensions(x509, n);
        assert_int_equal(decode_x509(x509, &cert, NULL),
                         n > CM_CERT_MAX_EXTENSIONS ? CM_CERT_MALFORMED
                                                    : CM_OK);
        cm_certificate_clear(&cert);
        X509_free(x509);
    }
}

/* Of key purposes and policies: how many, and how long. */
static void
oids_are_bounded(void **state)
{
    static const struct {
        const char *oid, *item;
    } rows[] = {{"2.5.29.37", "06:2a03 "}, {"2.5.29.32", "30(06:2a03) "}};
    struct cm_certificate cert;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char text[16 * (CM_CERT_MAX_POLICIES + 2)] = "30(";

        for (size_t n = 0; n < CM_CERT_MAX_POLICIES + i % 2; n++)
            strcat(text, rows[i / 2].item);
        strcat(text, ")");
        assert_int_equal(
            decode_extension(rows[i / 2].oid, 0, text, &cert, NULL),
            i % 2 == 0 ? CM_OK : CM_CERT_MALFORMED);
        cm_certificate_clear(&cert);
    }
}

static void
long_oids_refuse(void **state)
{
    struct cm_certificate cert;

    (void)state;
    /* "1.2", and ".1" for each further octet: 255 and 257 characters. */
    for (size_t len = 127; len <= 128; len++) {
        char text[300] = "30(06:2a";

        for (size_t i = 1; i < len; i++)
            strcat(text, "01");
        strcat(text, ")");
        assert_int_equal(decode_extension("2.5.29.37", 0, text, &cert, NULL),
                         len > 127 ? CM_CERT_MALFORMED : CM_OK);
        cm_certificate_clear(&cert);
    }
}

static void
ca_needs_basic_constraints(void **state)
{
    static const struct {
        const char *basic_constraints, *key_usage;
        bool is_ca;
    } rows[] = {
        {NULL, NULL, false},
        {"CA:FALSE", NULL, false},
        {"CA:TRUE", NULL, true},
        {"critical,CA:TRUE,pathlen:0", "keyCertSign", true},
        {NULL, "keyCertSign", false},
    };
    struct cm_certificate cert;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct tc_spec spec = {.subject = "CN=a",
                                     .basic_constraints =
                                         rows[i].basic_constraints,
                                     .key_usage = rows[i].key_usage};

        assert_int_equal(decode_spec(&spec, &cert, NULL), CM_OK);
        assert_int_equal(cert.is_ca, rows[i].is_ca);
        assert_int_equal(cert.has_key_usage, rows[i].key_usage != NULL);
        assert_false(cert.digital_signature);
        cm_certificate_clear(&cert);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_extensions_decode_whole),
        cmocka_unit_test(doubled_extensions_refuse),
        cmocka_unit_test(unknown_critical_extension_is_kept),
        cmocka_unit_test(extensions_are_bounded),
        cmocka_unit_test(oids_are_bounded),
        cmocka_unit_test(long_oids_refuse),
        cmocka_unit_test(ca_needs_basic_constraints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
