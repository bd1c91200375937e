/* What RFC 4556 asks of a KDC's own certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kdc_cert.h"
#include "testcert.h"

/* A subjectAltName with one id-pkinit-san each; realm EXAMPLE.COM. */
static const struct {
    const char *what;
    const char *hex;
    bool names_it;
} sans[] = {
    {"krbtgt, name type 1",
     "303fa03d06062b0601050202a0333031a00d1b0b4558414d504c452e434f4da120301ea0"
     "03020101a11730151b066b72627467741b0b4558414d504c452e434f4d",
     true},
    {"krbtgt, name type 2",
     "303fa03d06062b0601050202a0333031a00d1b0b4558414d504c452e434f4da120301ea0"
     "03020102a11730151b066b72627467741b0b4558414d504c452e434f4d",
     true},
    {"another realm's krbtgt",
     "303ba03906062b0601050202a02f302da00b1b094f544845522e434f4da11e301ca00302"
     "0101a11530131b066b72627467741b094f544845522e434f4d",
     false},
    {"a cross-realm krbtgt",
     "303da03b06062b0601050202a031302fa00d1b0b4558414d504c452e434f4da11e301ca0"
     "03020101a11530131b066b72627467741b094f544845522e434f4d",
     false},
    {"a user",
     "3031a02f06062b0601050202a0253023a00d1b0b4558414d504c452e434f4da1123010a0"
     "03020101a10930071b05616c696365",
     false},
    {"a third component",
     "3042a04006062b0601050202a0363034a00d1b0b4558414d504c452e434f4da1233021a0"
     "03020101a11a30181b066b72627467741b0b4558414d504c452e434f4d1b0178",
     false},
    {"a realm cut short",
     "303ea03c06062b0601050202a0323030a00d1b0b4558414d504c452e434f4da11f301da0"
     "03020101a11630141b066b72627467741b0a4558414d504c452e434f",
     false},
    {"krbtgt/REALM as one component",
     "303ea03c06062b0601050202a0323030a00d1b0b4558414d504c452e434f4da11f301da0"
     "03020101a11630141b126b72627467742f4558414d504c452e434f4d",
     false},
    {"UTF8Strings",
     "303fa03d06062b0601050202a0333031a00d0c0b4558414d504c452e434f4da120301ea0"
     "03020101a11730150c066b72627467740c0b4558414d504c452e434f4d",
     false},
    {"something after the name",
     "3041a03f06062b0601050202a0353033a00d1b0b4558414d504c452e434f4da120301ea0"
     "03020101a11730151b066b72627467741b0b4558414d504c452e434f4da200",
     false},
    {"something after the strings",
     "3041a03f06062b0601050202a0353033a00d1b0b4558414d504c452e434f4da1223020a0"
     "03020101a11730151b066b72627467741b0b4558414d504c452e434f4da200",
     false},
    {"a realm with a NUL",
     "3040a03e06062b0601050202a0343032a00e1b0c4558414d504c452e434f4d00a120301e"
     "a003020101a11730151b066b72627467741b0b4558414d504c452e434f4d",
     false},
    {"an empty sequence", "3010a00e06062b0601050202a00430023000", false},
    {"a UTF8String in place of the sequence",
     "3012a01006062b0601050202a0060c04746573"
     "74",
     false},
};

static void
krbtgt_is_found(void **state)
{
    struct tc_spec spec = {.subject = "CN=KDC"};
    X509 *cert;

    (void)state;
    for (size_t i = 0; i < sizeof(sans) / sizeof(sans[0]); i++) {
        spec.raw[0].oid = "2.5.29.17";
        spec.raw[0].value_hex = sans[i].hex;
        cert = tc_make(&spec);
        if (cm_kdc_cert_names(cert, "EXAMPLE.COM") != sans[i].names_it)
            fail_msg("%s", sans[i].what);
        X509_free(cert);
    }
}

static void
other_names_are_passed_over(void **state)
{
    static const char *const others[] = {
        NULL, "DNS:kdc.example.com", "email:krbtgt/EXAMPLE.COM@EXAMPLE.COM",
        "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:krbtgt@EXAMPLE.COM"};
    struct tc_spec spec = {.subject = "CN=KDC"};
    X509 *cert;

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        spec.san = others[i];
        cert = tc_make(&spec);
        assert_false(cm_kdc_cert_names(cert, "EXAMPLE.COM"));
        X509_free(cert);
    }
}

static void
the_purpose_is_found(void **state)
{
    static const struct {
        const char *eku;
        bool has;
    } rows[] = {
        {NULL, false},
        {"1.3.6.1.5.2.3.5", true},
        {"serverAuth,1.3.6.1.5.2.3.5", true},
        {"1.3.6.1.5.2.3.4", false},
        {"anyExtendedKeyUsage", false},
        {"1.3.6.1.5.2.3.50", false},
    };
    struct tc_spec spec = {.subject = "CN=KDC"};
    X509 *cert;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        spec.eku = rows[i].eku;
        cert = tc_make(&spec);
        if (cm_kdc_cert_has_eku(cert) != rows[i].has)
            fail_msg("%s", rows[i].eku);
        X509_free(cert);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(krbtgt_is_found),
        cmocka_unit_test(other_names_are_passed_over),
        cmocka_unit_test(the_purpose_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
