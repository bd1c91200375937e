/*
 * What may be asked for, and what may be sent beside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fetch_answer.h"
#include "fetch_url.h"

static const struct good {
    const char *url, *text, *scheme, *host;
    unsigned int port;
    bool bare;
} GOOD[] = {
    {"http://ca.test/ca.crl", NULL, "http", "ca.test", 80, false},
    {"https://ca.test/ca.crl", NULL, "https", "ca.test", 443, false},
    {"HTTP://ca.test/", "http://ca.test/", "http", "ca.test", 80, true},
    {"http://ca.test", "http://ca.test/", "http", "ca.test", 80, true},
    {"http://ca.test:80/x", NULL, "http", "ca.test", 80, false},
    {"http://ca.test:443/x", NULL, "http", "ca.test", 443, false},
    {"https://ca.test:80/x", NULL, "https", "ca.test", 80, false},
    {"http://ca.test:65535/", NULL, "http", "ca.test", 65535, true},
    {"http://ca.test/?a=b", NULL, "http", "ca.test", 80, false},
    {"http://ca.test/a?b#c", "http://ca.test/a?b", "http", "ca.test", 80,
     false},
    {"http://ca.test/#", "http://ca.test/", "http", "ca.test", 80, true},
    {"http://192.0.2.1/x", NULL, "http", "192.0.2.1", 80, false},
    {"http://[2001:db8::1]:8080/x", NULL, "http", "[2001:db8::1]", 8080,
     false},
    {"http://ca.test/MEkwRzBFMEMwQTAJ%2Bg%3D%3D", NULL, "http", "ca.test", 80,
     false},
    {"http://ca.test/a@b", NULL, "http", "ca.test", 80, false},
    {"http://ca.test/a//b", NULL, "http", "ca.test", 80, false},
    /* Short and octal forms become the address that is then screened. */
    {"http://127.1/x", "http://127.0.0.1/x", "http", "127.0.0.1", 80, false},
    {"http://0x7f.0.0.1/", "http://127.0.0.1/", "http", "127.0.0.1", 80, true},
};

static const char *const BAD[] = {
    "",
    "ca.test/ca.crl",
    "//ca.test/ca.crl",
    "/ca.crl",
    "ftp://ca.test/ca.crl",
    "ldap://ca.test/cn=ca?certificateRevocationList",
    "ldap:///cn=ca",
    "file:///etc/passwd",
    "file://ca.test/x",
    "gopher://ca.test/",
    "dict://ca.test/",
    "javascript:alert(1)",
    "httpx://ca.test/",
    "http:ca.test",
    "http:///ca.crl",
    "http:////ca.test/ca.crl",
    "http:/ca.test/",
    "http://ca.test\\@evil.test/",
    "http://ca.test%2f@evil.test/",
    "http://ca%ca.test/",
    "http://%63a.test/",
    "http://%333333/", /* which libcurl would next read as an address */
    "http://ca%2etest%2f/",
    "http://ca%20.test/",
    "http://ca%00.test/",
    "http://ca*.test/",
    "http://[/",
    "http://[]/",
    "http://",
    "http://:80/",
    "http://user@ca.test/",
    "http://user:secret@ca.test/",
    "http://:secret@ca.test/",
    "http://@ca.test/",
    "http://good.test@evil.test/",
    "http://ca.test:0/",
    "http://ca.test:65536/",
    "http://ca.test:-1/",
    "http://ca.test:+80/",
    "http://ca.test:80a/",
    "http://ca.test:99999999999/",
    "http://[fe80::1%25eth0]/",
    "http://[::1/",
    "http://[zz]/",
    "http://ca test/",
    "http://ca.test/a b",
    "http://ca.test/a\tb",
    "http://ca.test/a\r\nHost: evil.test",
    "http://ca.test/a\nb",
    " http://ca.test/",
    "http://ca.test/ ",
    "http://ca.test/\x7f",
    "http://ca.test/\x80",
    "http://c\xc3\xa4.test/",
};

static void
good_urls(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
        const struct good *row = &GOOD[i];
        struct cm_fetch_url url = {0};
        struct cm_detail detail = {""};

        if (cm_fetch_url_parse(row->url, &url, &detail) != CM_FETCHED)
            fail_msg("%s: %s", row->url, detail.text);
        assert_string_equal(url.text,
                            row->text != NULL ? row->text : row->url);
        assert_string_equal(url.scheme, row->scheme);
        assert_string_equal(url.host, row->host);
        assert_int_equal(url.port, row->port);
        assert_int_equal(url.bare, row->bare);
        cm_fetch_url_clear(&url);
    }
}

static void
bad_urls(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct cm_fetch_url url = {0};
        struct cm_detail detail = {""};

        if (cm_fetch_url_parse(BAD[i], &url, &detail) != CM_FETCH_FORBIDDEN)
            fail_msg("%s should be forbidden", BAD[i]);
        assert_null(url.text);
        assert_null(url.host);
        assert_true(detail.text[0] != '\0');
    }
}

static void
url_length(void **state)
{
    static const char START[] = "http://ca.test/";
    char text[CM_FETCH_MAX_URL + 2];
    struct cm_fetch_url url = {0};

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, START, sizeof(START) - 1);
    text[CM_FETCH_MAX_URL + 1] = '\0';
    assert_int_equal(cm_fetch_url_parse(text, &url, NULL), CM_FETCH_FORBIDDEN);
    text[CM_FETCH_MAX_URL] = '\0';
    assert_int_equal(cm_fetch_url_parse(text, &url, NULL), CM_FETCHED);
    assert_int_equal(strlen(url.text), CM_FETCH_MAX_URL);
    cm_fetch_url_clear(&url);

    memset(text, 'a', sizeof(text));
    memcpy(text, "http://", 7);
    text[7 + CM_FETCH_MAX_HOST + 1] = '\0';
    assert_int_equal(cm_fetch_url_parse(text, &url, NULL), CM_FETCH_FORBIDDEN);
}

static const struct move {
    const char *from, *to;
    bool allowed;
} MOVES[] = {
    {"http://ca.test/a", "http://ca.test/b", true},
    {"http://ca.test/a", "http://CA.test:80/b?c", true},
    {"https://ca.test/a", "https://ca.test:443/b", true},
    {"http://ca.test/a", "https://ca.test/a", false},
    {"https://ca.test/a", "http://ca.test/a", false},
    {"http://ca.test/a", "http://ca.test:8080/a", false},
    {"http://ca.test:443/a", "https://ca.test/a", false},
    {"http://ca.test/a", "http://other.test/a", false},
    {"http://ca.test/a", "http://ca.test./a", false},
    {"http://ca.test/a", "http://ca.test.evil.test/a", false},
    {"http://ca.test/a", "http://user@ca.test/a", false},
    {"http://ca.test/a", "file:///etc/passwd", false},
    {"http://ca.test/a", "/b", false}, /* libcurl makes it absolute */
    {"http://ca.test/a", "", false},
};

static void
moves(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(MOVES) / sizeof(MOVES[0]); i++) {
        const struct move *row = &MOVES[i];
        struct cm_fetch_url url = {0};
        enum cm_fetch_result result;

        assert_int_equal(cm_fetch_url_parse(row->from, &url, NULL),
                         CM_FETCHED);
        result = cm_fetch_url_move(&url, row->to, NULL);
        if (result != (row->allowed ? CM_FETCHED : CM_FETCH_FORBIDDEN))
            fail_msg("%s to %s: %s", row->from, row->to,
                     cm_fetch_result_token(result));
        if (!row->allowed)
            assert_string_equal(url.text, row->from);
        cm_fetch_url_clear(&url);
    }
}

static void
ports(void **state)
{
    static const struct {
        const char *text;
        unsigned int port;
    } rows[] = {
        {"1", 1},    {"80", 80}, {"00080", 80}, {"65535", 65535},
        {"0", 0},    {"", 0},    {"65536", 0},  {"000080", 0},
        {"-1", 0},   {"+80", 0}, {" 80", 0},    {"80 ", 0},
        {"0x50", 0}, {"8e1", 0}, {"99999", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(cm_fetch_port(rows[i].text), rows[i].port);
}

static void
header_values(void **state)
{
    static const struct {
        const char *value;
        bool ok;
    } rows[] = {
        {"\"5e1\"", true},
        {"W/\"5e1\"", true},
        {"Wed, 21 Oct 2026 07:28:00 GMT", true},
        {"1234567890123456", true},
        {"12345678901234567890123456789012345678901", false}, /* 41 */
        {"", false},
        {" a", false},
        {"a ", false},
        {"a\tb", false},
        {"a\r\nX-Evil: 1", false},
        {"a\nb", false},
        {"a\x7f", false},
        {"\xc3\xa4", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(cm_fetch_header_ok(rows[i].value, 40), rows[i].ok);
}

static void
hosts(void **state)
{
    struct cm_text_list list = {NULL, 0};

    (void)state;
    assert_false(cm_fetch_host_listed(NULL, "ca.test"));
    assert_false(cm_fetch_host_listed(&list, "ca.test"));
    assert_true(cm_text_list_add(&list, "other.test"));
    assert_true(cm_text_list_add(&list, "ca.test"));
    assert_true(cm_fetch_host_listed(&list, "ca.test"));
    assert_true(cm_fetch_host_listed(&list, "CA.Test"));
    assert_false(cm_fetch_host_listed(&list, "a.ca.test"));
    assert_false(cm_fetch_host_listed(&list, "ca.test.evil"));
    assert_false(cm_fetch_host_listed(&list, "ca.tes"));
    assert_false(cm_fetch_host_listed(&list, "ca.test."));
    cm_text_list_clear(&list);
}

static void
content_types(void **state)
{
    static const char WANTED[] = "application/ocsp-response";
    static const struct {
        const char *type;
        bool ok;
    } rows[] = {
        {"application/ocsp-response", true},
        {"Application/OCSP-Response", true},
        {"application/ocsp-response; charset=x", true},
        {"application/ocsp-response ;x", true},
        {"application/ocsp-response ", true},
        {"application/ocsp-responses", false},
        {"application/ocsp-response x", false},
        {"application/ocsp-respons", false},
        {"text/html", false},
        {"", false},
        {NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(cm_fetch_type_is(rows[i].type, WANTED), rows[i].ok);
}

/* What goes beside the URL: one row is one request, and how it is judged. */
static void
requests(void **state)
{
    static const uint8_t BODY[] = {1};
    static const struct {
        struct cm_fetch_request request;
        bool ok;
    } rows[] = {
        {{.url = "http://ca.test/"}, true},
        {{.etag = "\"x\"", .last_modified = "today"}, true},
        {{.etag = ""}, false},
        {{.etag = "a\r\nb: c"}, false},
        {{.last_modified = "a\nb"}, false},
        {{.body = BODY, .content_type = "application/ocsp-request"}, true},
        {{.body = BODY}, false},
        {{.body = BODY, .content_type = "a\r\nb: c"}, false},
        {{.expected_type = "application/ocsp-response"}, true},
        {{.expected_type = ""}, false},
        {{.proxy = "http://proxy.test:3128"}, true},
        {{.proxy = "http://proxy.test:3128/"}, true},
        {{.proxy = "http://[2001:db8::1]:3128"}, true},
        {{.proxy = ""}, false},
        {{.proxy = "proxy.test:3128"}, false},
        {{.proxy = "https://proxy.test:3128"}, false},
        {{.proxy = "socks5://proxy.test:3128"}, false},
        {{.proxy = "http://user:secret@proxy.test:3128"}, false},
        {{.proxy = "http://proxy.test:3128/x"}, false},
        {{.proxy = "http://proxy.test:3128/?x"}, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cm_detail detail = {""};
        enum cm_fetch_result result =
            cm_fetch_request_check(&rows[i].request, &detail);

        if (result != (rows[i].ok ? CM_FETCHED : CM_FETCH_FORBIDDEN))
            fail_msg("row %zu: %s %s", i, cm_fetch_result_token(result),
                     detail.text);
        assert_int_equal(detail.text[0] == '\0', rows[i].ok);
    }
}

static void
answers(void **state)
{
    static const uint8_t BODY[] = {1};
    static const struct {
        long status;
        struct cm_fetch_request request;
        const char *type;
        enum cm_fetch_result result;
    } rows[] = {
        {200, {0}, NULL, CM_FETCHED},
        {200, {.expected_type = "a/b"}, "a/b", CM_FETCHED},
        {200, {.expected_type = "a/b"}, "a/c", CM_FETCH_FAILED},
        {200, {.expected_type = "a/b"}, NULL, CM_FETCH_FAILED},
        {200, {.etag = "x"}, NULL, CM_FETCHED},
        {304, {.etag = "x"}, NULL, CM_FETCH_NOT_MODIFIED},
        {304, {.last_modified = "x"}, NULL, CM_FETCH_NOT_MODIFIED},
        {304, {0}, NULL, CM_FETCH_FAILED}, /* nobody asked */
        {304, {.etag = "x", .body = BODY}, NULL, CM_FETCH_FAILED},
        {0, {0}, NULL, CM_FETCH_FAILED},
        {201, {0}, NULL, CM_FETCH_FAILED},
        {204, {0}, NULL, CM_FETCH_FAILED},
        {206, {0}, NULL, CM_FETCH_FAILED},
        {300, {0}, NULL, CM_FETCH_FAILED},
        {404, {0}, NULL, CM_FETCH_FAILED},
        {500, {0}, NULL, CM_FETCH_FAILED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(cm_fetch_judge(&rows[i].request, rows[i].status,
                                        rows[i].type, NULL),
                         rows[i].result);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_urls),  cmocka_unit_test(bad_urls),
        cmocka_unit_test(url_length), cmocka_unit_test(moves),
        cmocka_unit_test(ports),      cmocka_unit_test(header_values),
        cmocka_unit_test(hosts),      cmocka_unit_test(content_types),
        cmocka_unit_test(requests),   cmocka_unit_test(answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
