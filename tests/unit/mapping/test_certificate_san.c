/*
 * Names and SIDs in a certificate: what counts, what is faulty and recorded,
 * what is not even decodable.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "decode.h"

#define SAN "2.5.29.17"
#define SID_EXTENSION "1.3.6.1.4.1.311.25.2"

/* In derasm.h's notation. */
#define UPN_OID "06:2b060104018237140203 "
#define UPN(value) "a0(" UPN_OID "a0(" value "))"
#define SID_OID "06:2b060104018237190201 "
#define SID_NAME(value) "a0(" SID_OID "a0(" value "))"
#define TAG "tag:microsoft.com,2022-09-14:sid:"
#define SID "S-1-5-21-11-22-33-1101"
#define PKINIT_SAN                                                            \
    "a0(06:2b0601050202 a0(30(a0(1b'EXAMPLE.COM') a1(30(a0(02:01) "           \
    "a1(30(1b'alice')))))))"

static const struct {
    const char *name;
    const char *san;
    enum cm_presence state;
    const char *upn;
    size_t texts; /* well-formed ones, for display */
} upns[] = {
    {"none", "30(82'a.example.com')", CM_ABSENT, NULL, 0},
    {"empty SAN", "30()", CM_ABSENT, NULL, 0},
    {"one", "30(" UPN("0c'alice@example.com'") ")", CM_PRESENT,
     "alice@example.com", 1},
    {"among others", "30(81'x@y.z' " UPN("0c'alice@example.com'") " 82'a.b')",
     CM_PRESENT, "alice@example.com", 1},
    {"UTF-8", "30(" UPN("0c:6dc3bc40622e63") ")", CM_PRESENT, "m\xc3\xbc@b.c",
     1},
    {"shortest", "30(" UPN("0c'a@b'") ")", CM_PRESENT, "a@b", 1},

    {"two", "30(" UPN("0c'a@b.c'") UPN("0c'd@b.c'") ")", CM_FAULTY, NULL, 2},
    {"two alike", "30(" UPN("0c'a@b.c'") UPN("0c'a@b.c'") ")", CM_FAULTY, NULL,
     2},
    {"three", "30(" UPN("0c'a@b'") UPN("0c'a@b'") UPN("0c'a@b'") ")",
     CM_FAULTY, NULL, 3},
    {"good, then faulty", "30(" UPN("0c'a@b.c'") UPN("0c''") ")", CM_FAULTY,
     NULL, 1},
    {"faulty, then good", "30(" UPN("16'x'") UPN("0c'a@b.c'") ")", CM_FAULTY,
     NULL, 1},

    {"IA5String", "30(" UPN("16'a@b.c'") ")", CM_FAULTY, NULL, 0},
    {"PrintableString", "30(" UPN("13'a@b.c'") ")", CM_FAULTY, NULL, 0},
    {"BMPString", "30(" UPN("1e:006100400062") ")", CM_FAULTY, NULL, 0},
    {"OCTET STRING", "30(" UPN("04'a@b.c'") ")", CM_FAULTY, NULL, 0},
    {"sequence", "30(" UPN("30(0c'a@b.c')") ")", CM_FAULTY, NULL, 0},
    {"empty", "30(" UPN("0c''") ")", CM_FAULTY, NULL, 0},
    {"no @", "30(" UPN("0c'alice'") ")", CM_FAULTY, NULL, 0},
    {"two @", "30(" UPN("0c'a@b@c'") ")", CM_FAULTY, NULL, 0},
    {"nothing left", "30(" UPN("0c'@b.c'") ")", CM_FAULTY, NULL, 0},
    {"nothing right", "30(" UPN("0c'a@'") ")", CM_FAULTY, NULL, 0},
    {"only @", "30(" UPN("0c'@'") ")", CM_FAULTY, NULL, 0},
    {"NUL", "30(" UPN("0c:614062006576696c") ")", CM_FAULTY, NULL, 0},
    {"trailing NUL", "30(" UPN("0c:61406200") ")", CM_FAULTY, NULL, 0},
    {"newline", "30(" UPN("0c:6140620a") ")", CM_FAULTY, NULL, 0},
    {"C1", "30(" UPN("0c:614062c285") ")", CM_FAULTY, NULL, 0},
    {"invalid UTF-8", "30(" UPN("0c:614062ff") ")", CM_FAULTY, NULL, 0},
    {"overlong UTF-8", "30(" UPN("0c:c1a1c08062") ")", CM_FAULTY, NULL, 0},

    {"another otherName", "30(a0(06:2a0304 a0(0c'a@b.c')))", CM_ABSENT, NULL,
     0},
    {"longer OID", "30(a0(06:2b06010401823714020301 a0(0c'a@b.c')))",
     CM_ABSENT, NULL, 0},
    {"id-pkinit-san", "30(" PKINIT_SAN ")", CM_ABSENT, NULL, 0},
    {"rfc822Name", "30(81'a@b.c')", CM_ABSENT, NULL, 0},
};

static void
upn_must_stand_once(void **state)
{
    struct cm_certificate cert;
    struct cm_detail detail = {""};

    (void)state;
    for (size_t i = 0; i < sizeof(upns) / sizeof(upns[0]); i++) {
        if (decode_extension(SAN, 0, upns[i].san, &cert, &detail) != CM_OK)
            fail_msg("%s: %s", upns[i].name, detail.text);
        if (cert.upn_state != upns[i].state ||
            cert.upn_texts.count != upns[i].texts)
            fail_msg("%s: %d", upns[i].name, cert.upn_state);
        if (upns[i].upn != NULL)
            assert_string_equal(cert.upn, upns[i].upn);
        else
            assert_null(cert.upn);
        cm_certificate_clear(&cert);
    }
}

static void
upn_is_bounded(void **state)
{
    char san[CM_CERT_MAX_UPN + 200], text[CM_CERT_MAX_UPN + 2];
    struct cm_certificate cert;

    (void)state;
    for (size_t len = CM_CERT_MAX_UPN; len <= CM_CERT_MAX_UPN + 1; len++) {
        memset(text, 'a', len);
        text[1] = '@';
        text[len] = '\0';
        snprintf(san, sizeof(san), "30(" UPN("0c'%s'") ")", text);
        assert_int_equal(decode_extension(SAN, 0, san, &cert, NULL), CM_OK);
        assert_int_equal(cert.upn_state,
                         len > CM_CERT_MAX_UPN ? CM_FAULTY : CM_PRESENT);
        cm_certificate_clear(&cert);
    }
}

/* The extension itself is not what it should be. */
static const struct {
    const char *name;
    const char *san;
} damaged[] = {
    {"nothing", ""},
    {"a byte after", "30(82'a') #00"},
    {"two values", "30(82'a') 30(82'b')"},
    {"set", "31(82'a')"},
    {"indefinite", "#30808201610000"},
    {"padded length", "#308103820161"},
    {"cut", "#30058203"},
    {"unknown kind", "30(89'a')"},
    {"universal kind", "30(0c'a')"},
    {"constructed dNSName", "30(a2(16'a'))"},
    {"constructed rfc822Name", "30(a1(16'a@b'))"},
    {"primitive otherName", "30(80'a')"},
    {"primitive directoryName", "30(84'a')"},
    {"directoryName that is none", "30(a4(02:01))"},
    {"otherName without value", "30(a0(" UPN_OID "))"},
    {"otherName without type", "30(a0(a0(0c'a@b.c')))"},
    {"otherName not explicit", "30(a0(" UPN_OID "0c'a@b.c'))"},
    {"otherName empty value", "30(a0(" UPN_OID "a0()))"},
    {"otherName with two values", "30(" UPN("0c'a@b.c' 0c'd@e.f'") ")"},
    {"otherName with an element after",
     "30(a0(" UPN_OID "a0(0c'a@b.c') 05:))"},
    {"registeredID padded", "30(88:8001)"},
};

static void
damaged_names_refuse(void **state)
{
    static const struct cm_certificate zero;
    struct cm_certificate cert;
    struct cm_detail detail;

    (void)state;
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        detail.text[0] = '\0';
        memset(&cert, 0x5a, sizeof(cert));
        if (decode_extension(SAN, 0, damaged[i].san, &cert, &detail) !=
            CM_CERT_MALFORMED)
            fail_msg("%s", damaged[i].name);
        assert_string_not_equal(detail.text, "");
        assert_memory_equal(&cert, &zero, sizeof(zero));
    }
}

static const struct {
    const char *name;
    const char *san;
    const char *text; /* NULL: dropped, and said so */
} mails[] = {
    {"plain", "30(81'alice@example.com')", "alice@example.com"},
    {"as it is written", "30(81'Alice@Example.COM')", "Alice@Example.COM"},
    {"odd, but printable", "30(81:22612062223c3e40622e63)", "\"a b\"<>@b.c"},
    {"empty", "30(81'')", NULL},
    {"NUL", "30(81:61406200)", NULL},
    {"newline", "30(81:6140620a)", NULL},
    {"DEL", "30(81:6140627f)", NULL},
    {"not ASCII", "30(81:c3bc40622e63)", NULL},
};

static void
mail_is_printable_ascii(void **state)
{
    struct cm_certificate cert;

    (void)state;
    for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
        assert_int_equal(decode_extension(SAN, 0, mails[i].san, &cert, NULL),
                         CM_OK);
        if (cert.rfc822_faulty != (mails[i].text == NULL))
            fail_msg("%s", mails[i].name);
        assert_int_equal(cert.rfc822.count, mails[i].text != NULL);
        if (mails[i].text != NULL)
            assert_string_equal(cert.rfc822.items[0], mails[i].text);
        assert_false(cert.dns_faulty);
        cm_certificate_clear(&cert);
    }
}

static const struct {
    const char *name;
    const char *san;
    const char *text; /* NULL: dropped, and said so */
} hosts[] = {
    {"plain", "30(82'ws1.example.com')", "ws1.example.com"},
    {"as it is written", "30(82'WS1.Example.COM')", "WS1.Example.COM"},
    {"underscore", "30(82'ws_1.example.com')", "ws_1.example.com"},
    {"one label", "30(82'ws-1')", "ws-1"},
    {"empty", "30(82'')", NULL},
    {"wildcard", "30(82'*.example.com')", NULL},
    {"blank", "30(82'ws1 .example.com')", NULL},
    {"only a blank", "30(82' ')", NULL},
    {"NUL", "30(82:7773312e6578616d706c652e636f6d002e6576696c)", NULL},
    {"newline", "30(82:770a)", NULL},
    {"not ASCII", "30(82:77c3bc)", NULL},
    {"dollar", "30(82'ws1$')", NULL},
    {"too long",
     "30(82'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
     "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb."
     "ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc."
     "ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd')",
     NULL},
};

static void
dns_is_host_text(void **state)
{
    struct cm_certificate cert;

    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        assert_int_equal(decode_extension(SAN, 0, hosts[i].san, &cert, NULL),
                         CM_OK);
        if (cert.dns_faulty != (hosts[i].text == NULL))
            fail_msg("%s", hosts[i].name);
        assert_int_equal(cert.dns.count, hosts[i].text != NULL);
        if (hosts[i].text != NULL)
            assert_string_equal(cert.dns.items[0], hosts[i].text);
        assert_false(cert.rfc822_faulty);
        cm_certificate_clear(&cert);
    }
}

/* A faulty name beside good ones takes nothing from them. */
static void
lists_keep_encoding_order(void **state)
{
    struct cm_certificate cert;

    (void)state;
    assert_int_equal(
        decode_extension(SAN, 1,
                         "30(82'z.a' 81'z@a' 82'*' 81'b@a' 82'b.a' 87:7f"
                         "000001 a4(30(31(30(06:550403 0c'x')))) 88:2a03)",
                         &cert, NULL),
        CM_OK);
    assert_int_equal(cert.dns.count, 2);
    assert_string_equal(cert.dns.items[0], "z.a");
    assert_string_equal(cert.dns.items[1], "b.a");
    assert_true(cert.dns_faulty);
    assert_int_equal(cert.rfc822.count, 2);
    assert_string_equal(cert.rfc822.items[0], "z@a");
    assert_string_equal(cert.rfc822.items[1], "b@a");
    assert_false(cert.rfc822_faulty);
    cm_certificate_clear(&cert);
}

static void
names_are_bounded(void **state)
{
    char san[8 * (CM_CERT_MAX_NAMES + 2)];
    struct cm_certificate cert;
    enum cm_reason reason;

    (void)state;
    for (int n = CM_CERT_MAX_NAMES; n <= CM_CERT_MAX_NAMES + 1; n++) {
        strcpy(san, "30(");
        for (int i = 0; i < n; i++)
            strcat(san, "82'a' ");
        strcat(san, ")");
        reason = decode_extension(SAN, 0, san, &cert, NULL);
        assert_int_equal(reason,
                         n > CM_CERT_MAX_NAMES ? CM_CERT_MALFORMED : CM_OK);
        if (reason == CM_OK)
            assert_int_equal(cert.dns.count, CM_CERT_MAX_NAMES);
        cm_certificate_clear(&cert);
    }
}

static const struct {
    const char *name;
    const char *san;
    enum cm_presence state;
} uris[] = {
    {"one", "30(86'" TAG SID "')", CM_PRESENT},
    {"beside another URI", "30(86'http://a/' 86'" TAG SID "' 86'urn:x')",
     CM_PRESENT},
    {"other URIs", "30(86'http://a/' 86'')", CM_ABSENT},
    {"another date", "30(86'tag:microsoft.com,2022-09-15:sid:" SID "')",
     CM_ABSENT},
    {"another authority", "30(86'tag:example.com,2022-09-14:sid:" SID "')",
     CM_ABSENT},
    {"cut prefix", "30(86'tag:microsoft.com,2022-09-14:sid')", CM_ABSENT},
    {"prefix in the middle", "30(86'x" TAG SID "')", CM_ABSENT},
    {"two", "30(86'" TAG SID "' 86'" TAG "S-1-5-21-1')", CM_FAULTY},
    {"two alike", "30(86'" TAG SID "' 86'" TAG SID "')", CM_FAULTY},
    {"no SID", "30(86'" TAG "')", CM_FAULTY},
    {"lower case", "30(86'" TAG "s-1-5-21-1')", CM_FAULTY},
    {"leading zero", "30(86'" TAG "S-1-5-021-1')", CM_FAULTY},
    {"text after", "30(86'" TAG SID "?x')", CM_FAULTY},
    {"blank after", "30(86'" TAG SID " ')", CM_FAULTY},
    {"NUL after",
     "30(86:7461673a6d6963726f736f66742e636f6d2c323032322d30392d31343a7369643a"
     "532d312d352d32312d3100)",
     CM_FAULTY},
    {"bad, then good", "30(86'" TAG "' 86'" TAG SID "')", CM_FAULTY},
    {"good, then bad", "30(86'" TAG SID "' 86'" TAG "')", CM_FAULTY},
};

static void
sid_uri_must_stand_once(void **state)
{
    struct cm_certificate cert;

    (void)state;
    for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
        assert_int_equal(decode_extension(SAN, 0, uris[i].san, &cert, NULL),
                         CM_OK);
        if (cert.sid_uri_state != uris[i].state)
            fail_msg("%s: %d", uris[i].name, cert.sid_uri_state);
        if (uris[i].state == CM_PRESENT)
            assert_string_equal(cert.sid_uri, SID);
        else
            assert_null(cert.sid_uri);
        assert_int_equal(cert.sid_state, CM_ABSENT);
        cm_certificate_clear(&cert);
    }
}

static const struct {
    const char *name;
    const char *content;
    enum cm_presence state;
} sids[] = {
    {"one", "30(" SID_NAME("04'" SID "'") ")", CM_PRESENT},

    {"wrong inner OID", "30(a0(06:2b060104018237190202 a0(04'" SID "')))",
     CM_FAULTY},
    {"the extension's OID inside",
     "30(a0(06:2b0601040182371902 a0(04'" SID "')))", CM_FAULTY},
    {"the UPN's OID inside", "30(" UPN("04'" SID "'") ")", CM_FAULTY},
    {"two SIDs", "30(" SID_NAME("04'" SID "'") SID_NAME("04'S-1-5-21-1'") ")",
     CM_FAULTY},
    {"two alike", "30(" SID_NAME("04'" SID "'") SID_NAME("04'" SID "'") ")",
     CM_FAULTY},
    {"another name beside", "30(" SID_NAME("04'" SID "'") " 82'a.b')",
     CM_FAULTY},
    {"no name", "30()", CM_FAULTY},
    {"nothing", "", CM_FAULTY},
    {"not names", "04'" SID "'", CM_FAULTY},
    {"set", "31(" SID_NAME("04'" SID "'") ")", CM_FAULTY},
    {"UTF8String", "30(" SID_NAME("0c'" SID "'") ")", CM_FAULTY},
    {"not explicit", "30(a0(" SID_OID "04'" SID "'))", CM_FAULTY},
    {"bytes after", "30(" SID_NAME("04'" SID "'") ") #00", CM_FAULTY},
    {"element after", "30(" SID_NAME("04'" SID "'") ") 05:", CM_FAULTY},
    {"element after the name", "30(" SID_NAME("04'" SID "'") " 05:)",
     CM_FAULTY},
    {"element after the value", "30(" SID_NAME("04'" SID "' 05:") ")",
     CM_FAULTY},
    {"cut", "#301ca01a060a2b06", CM_FAULTY},
    {"indefinite", "#3080 " SID_NAME("04'" SID "'") " #0000", CM_FAULTY},
    {"constructed octets", "30(" SID_NAME("24(04'" SID "')") ")", CM_FAULTY},
    {"binary SID",
     "30(" SID_NAME("04:0105000000000005150000000b000000160000002100000"
                    "04d040000") ")",
     CM_FAULTY},
    {"empty SID", "30(" SID_NAME("04''") ")", CM_FAULTY},
    {"lower case", "30(" SID_NAME("04's-1-5-21-1'") ")", CM_FAULTY},
    {"leading zero", "30(" SID_NAME("04'S-1-5-021-1'") ")", CM_FAULTY},
    {"blank", "30(" SID_NAME("04' " SID "'") ")", CM_FAULTY},
    {"NUL after", "30(" SID_NAME("04:532d312d352d32312d3100") ")", CM_FAULTY},
};

/* Critical or not: it is an extension that we know. */
static void
sid_extension_is_exact(void **state)
{
    struct cm_certificate cert;
    struct cm_detail detail;

    (void)state;
    for (size_t i = 0; i < 2 * (sizeof(sids) / sizeof(sids[0])); i++) {
        if (decode_extension(SID_EXTENSION, (int)(i % 2), sids[i / 2].content,
                             &cert, &detail) != CM_OK)
            fail_msg("%s: %s", sids[i / 2].name, detail.text);
        if (cert.sid_state != sids[i / 2].state)
            fail_msg("%s: %d", sids[i / 2].name, cert.sid_state);
        if (sids[i / 2].state == CM_PRESENT)
            assert_string_equal(cert.sid, SID);
        else
            assert_null(cert.sid);
        assert_int_equal(cert.sid_uri_state, CM_ABSENT);
        cm_certificate_clear(&cert);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upn_must_stand_once),
        cmocka_unit_test(upn_is_bounded),
        cmocka_unit_test(damaged_names_refuse),
        cmocka_unit_test(mail_is_printable_ascii),
        cmocka_unit_test(dns_is_host_text),
        cmocka_unit_test(lists_keep_encoding_order),
        cmocka_unit_test(names_are_bounded),
        cmocka_unit_test(sid_uri_must_stand_once),
        cmocka_unit_test(sid_extension_is_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
