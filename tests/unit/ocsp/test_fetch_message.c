/*
 * What parent and network child say to each other: every field comes back as
 * it was, and a message that was cut, lengthened or altered is refused or
 * says something else, but never too much.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fetch_message.h"
#include "fetch_url.h"

enum { MAGIC_AND_KIND = 16, NUMBER = 8 };

static char first_host[] = "a.test", second_host[] = "b.test";
static char *hosts[] = {first_host, second_host};
static const struct cm_text_list HOSTS = {hosts, 2};
static const uint8_t BODY[] = {0, 1, 2, 0};

static const struct cm_fetch_order FULL = {
    .number = UINT64_MAX,
    .http = {.url = "http://ca.test/ca.crl",
             .body = BODY,
             .body_len = sizeof(BODY),
             .content_type = "application/ocsp-request",
             .etag = "\"5e1\"",
             .last_modified = "Wed, 21 Oct 2026 07:28:00 GMT",
             .expected_type = "application/ocsp-response",
             .max_bytes = CM_FETCH_CHILD_MAX_FILE,
             .timeout_ms = CM_FETCH_CHILD_MAX_TIMEOUT_MS,
             .from_certificate = true,
             .allow_private_addresses = true,
             .proxy = "http://proxy.test:3128",
             .proxy_hosts = &HOSTS,
             .ca_file = "/etc/ssl/ca.pem"},
};

static const struct cm_fetch_order BARE = {
    .number = 1,
    .http = {.url = "http://ca.test/", .timeout_ms = 1},
};

static const struct cm_fetch_order SPECIAL = {
    .number = 7,
    .special = true,
    .http = {.timeout_ms = 1000, .max_bytes = 5},
    .payload = BODY,
    .payload_len = sizeof(BODY),
};

static void
assert_same_text(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        assert_true(a == b);
    else
        assert_string_equal(a, b);
}

static void
assert_same_bytes(const uint8_t *a, size_t a_len, const uint8_t *b,
                  size_t b_len)
{
    assert_int_equal(a_len, b_len);
    if (a_len > 0)
        assert_memory_equal(a, b, a_len);
}

static void
assert_same_hosts(const struct cm_text_list *a, const struct cm_text_list *b)
{
    if (a == NULL || b == NULL) {
        assert_true(a == b);
        return;
    }
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        assert_string_equal(a->items[i], b->items[i]);
}

static void
assert_same_order(const struct cm_fetch_order *a,
                  const struct cm_fetch_order *b)
{
    const struct cm_fetch_request *x = &a->http, *y = &b->http;

    assert_true(a->number == b->number);
    assert_int_equal(a->special, b->special);
    assert_same_bytes(a->payload, a->payload_len, b->payload, b->payload_len);
    assert_same_text(x->url, y->url);
    assert_same_bytes(x->body, x->body_len, y->body, y->body_len);
    assert_same_text(x->content_type, y->content_type);
    assert_same_text(x->etag, y->etag);
    assert_same_text(x->last_modified, y->last_modified);
    assert_same_text(x->expected_type, y->expected_type);
    assert_int_equal(x->max_bytes, y->max_bytes);
    assert_int_equal(x->timeout_ms, y->timeout_ms);
    assert_int_equal(x->from_certificate, y->from_certificate);
    assert_int_equal(x->allow_private_addresses, y->allow_private_addresses);
    assert_same_text(x->proxy, y->proxy);
    assert_same_hosts(x->proxy_hosts, y->proxy_hosts);
    assert_same_text(x->ca_file, y->ca_file);
}

static void
orders(void **state)
{
    static const struct cm_fetch_order *const rows[] = {&FULL, &BARE,
                                                        &SPECIAL};
    static struct cm_message message;
    struct cm_fetch_order back;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(cm_message_encode_order(rows[i], &message));
        assert_true(cm_message_decode_order(&message, &back));
        assert_same_order(rows[i], &back);
    }
}

/* A text of len bytes; static, so that rows may point to it. */
static const char *
text_of(char *buffer, size_t len)
{
    memset(buffer, 'x', len);
    buffer[len] = '\0';
    return buffer;
}

static bool
encodes(const struct cm_fetch_order *order)
{
    static struct cm_message message;
    struct cm_fetch_order back;

    if (!cm_message_encode_order(order, &message))
        return false;
    assert_true(cm_message_decode_order(&message, &back));
    return true;
}

static const struct {
    size_t field; /* of struct cm_fetch_request, a text */
    size_t max;
} TEXTS[] = {
    {offsetof(struct cm_fetch_request, url), CM_FETCH_MAX_URL},
    {offsetof(struct cm_fetch_request, content_type), CM_FETCH_MAX_TYPE},
    {offsetof(struct cm_fetch_request, etag), CM_FETCH_MAX_VALIDATOR - 1},
    {offsetof(struct cm_fetch_request, last_modified),
     CM_FETCH_MAX_VALIDATOR - 1},
    {offsetof(struct cm_fetch_request, expected_type), CM_FETCH_MAX_TYPE},
    {offsetof(struct cm_fetch_request, proxy), CM_FETCH_MAX_URL},
    {offsetof(struct cm_fetch_request, ca_file), CM_MESSAGE_MAX_PATH},
};

/* One text at its bound is taken, beyond it refused. */
static void
bounds_of_texts(void **state)
{
    static char buffer[CM_MESSAGE_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        for (size_t extra = 0; extra <= 1; extra++) {
            const char *text = text_of(buffer, TEXTS[i].max + extra);
            struct cm_fetch_order order = BARE;

            memcpy((char *)&order.http + TEXTS[i].field, &text, sizeof(text));
            assert_int_equal(encodes(&order), extra == 0);
        }
    }
}

static void
bounds_of_numbers(void **state)
{
    static uint8_t bytes[CM_MESSAGE_MAX];
    struct cm_fetch_order order;

    (void)state;
    for (size_t extra = 0; extra <= 1; extra++) {
        order = BARE;
        order.http.body = bytes;
        order.http.body_len = CM_FETCH_CHILD_MAX_BODY + extra;
        assert_int_equal(encodes(&order), extra == 0);
        order = SPECIAL;
        order.payload = bytes;
        order.payload_len = CM_FETCH_CHILD_MAX_PAYLOAD + extra;
        assert_int_equal(encodes(&order), extra == 0);
        order = BARE;
        order.http.max_bytes = CM_FETCH_CHILD_MAX_FILE + extra;
        assert_int_equal(encodes(&order), extra == 0);
        order = BARE;
        order.http.timeout_ms = CM_FETCH_CHILD_MAX_TIMEOUT_MS + (int)extra;
        assert_int_equal(encodes(&order), extra == 0);
        order.http.timeout_ms = -(int)extra;
        assert_false(encodes(&order));
    }
    order = BARE;
    order.http.url = NULL;
    assert_false(encodes(&order));
}

static void
bounds_of_hosts(void **state)
{
    static char host[CM_FETCH_MAX_HOST + 2];
    static char *many[CM_FETCH_CHILD_MAX_HOSTS + 1];
    struct cm_text_list list = {many, 0};
    struct cm_fetch_order order = BARE;

    (void)state;
    order.http.proxy_hosts = &list;
    for (size_t i = 0; i < CM_FETCH_CHILD_MAX_HOSTS + 1; i++)
        many[i] = first_host;
    for (size_t extra = 0; extra <= 1; extra++) {
        list.count = CM_FETCH_CHILD_MAX_HOSTS + extra;
        assert_int_equal(encodes(&order), extra == 0);
    }
    many[0] = host;
    list.count = 1;
    for (size_t extra = 0; extra <= 1; extra++) {
        text_of(host, CM_FETCH_MAX_HOST + extra);
        assert_int_equal(encodes(&order), extra == 0);
    }
}

/* The largest order of all fits into a message. */
static void
largest(void **state)
{
    static char url[CM_FETCH_MAX_URL + 1], type[CM_FETCH_MAX_TYPE + 1],
        validator[CM_FETCH_MAX_VALIDATOR], path[CM_MESSAGE_MAX_PATH + 1],
        host[CM_FETCH_MAX_HOST + 1];
    static uint8_t body[CM_FETCH_CHILD_MAX_BODY];
    static char *many[CM_FETCH_CHILD_MAX_HOSTS];
    static struct cm_message message;
    const struct cm_text_list list = {many, CM_FETCH_CHILD_MAX_HOSTS};
    struct cm_fetch_order order = FULL, back;

    (void)state;
    text_of(host, CM_FETCH_MAX_HOST);
    for (size_t i = 0; i < list.count; i++)
        many[i] = host;
    order.http.url = text_of(url, CM_FETCH_MAX_URL);
    order.http.proxy = url;
    order.http.content_type = text_of(type, CM_FETCH_MAX_TYPE);
    order.http.expected_type = type;
    order.http.etag = text_of(validator, CM_FETCH_MAX_VALIDATOR - 1);
    order.http.last_modified = validator;
    order.http.ca_file = text_of(path, CM_MESSAGE_MAX_PATH);
    order.http.body = body;
    order.http.body_len = sizeof(body);
    order.http.proxy_hosts = &list;
    assert_true(cm_message_encode_order(&order, &message));
    assert_true(cm_message_decode_order(&message, &back));
    assert_same_order(&order, &back);
}

static const struct cm_fetch_greeting GREETING = {
    true, 65534, 65533, 2, {"why"}};

static const struct cm_fetch_reply REPLY = {
    3,
    CM_FETCHED,
    {200, "\"5e1\"", "Wed, 21 Oct 2026 07:28:00 GMT", 12345},
    {"what \x01 happened"}};

static void
words_of_the_child(void **state)
{
    static struct cm_message message;
    struct cm_fetch_greeting greeting;
    struct cm_fetch_reply reply;

    (void)state;
    assert_true(cm_message_encode_greeting(&GREETING, &message));
    assert_true(cm_message_decode_greeting(&message, &greeting));
    assert_true(greeting.able && greeting.uid == 65534 &&
                greeting.gid == 65533 && greeting.groups == 2);
    assert_string_equal(greeting.why.text, "why");

    assert_true(cm_message_encode_reply(&REPLY, &message));
    assert_true(cm_message_decode_reply(&message, &reply));
    assert_true(reply.number == 3 && reply.result == CM_FETCHED);
    assert_int_equal(reply.response.http_status, 200);
    assert_int_equal(reply.response.bytes, 12345);
    assert_string_equal(reply.response.etag, REPLY.response.etag);
    assert_string_equal(reply.response.last_modified,
                        REPLY.response.last_modified);
    assert_string_equal(reply.detail.text, REPLY.detail.text);
}

static bool
decode_order(struct cm_message *message)
{
    struct cm_fetch_order out;

    return cm_message_decode_order(message, &out);
}

static bool
decode_greeting(struct cm_message *message)
{
    struct cm_fetch_greeting out;

    return cm_message_decode_greeting(message, &out);
}

static bool
decode_reply(struct cm_message *message)
{
    struct cm_fetch_reply out;

    return cm_message_decode_reply(message, &out);
}

/* Cut anywhere, or one byte longer, or of another kind: refused. */
static void
shapes(void **state)
{
    static struct cm_message whole, part;
    bool (*const decoders[])(struct cm_message *) = {
        decode_order, decode_order, decode_greeting, decode_reply};

    (void)state;
    for (size_t i = 0; i < sizeof(decoders) / sizeof(decoders[0]); i++) {
        assert_true(i == 0   ? cm_message_encode_order(&FULL, &whole)
                    : i == 1 ? cm_message_encode_order(&SPECIAL, &whole)
                    : i == 2 ? cm_message_encode_greeting(&GREETING, &whole)
                             : cm_message_encode_reply(&REPLY, &whole));
        assert_true(decoders[i](&whole));
        for (size_t len = 0; len < whole.len; len++) {
            memcpy(part.bytes, whole.bytes, len);
            part.len = len;
            assert_false(decoders[i](&part));
        }
        part = whole;
        part.bytes[part.len++] = 0;
        assert_false(decoders[i](&part));
        for (size_t at = 0; at < MAGIC_AND_KIND; at++) {
            part = whole;
            part.bytes[at] ^= 0x10;
            assert_false(decoders[i](&part));
        }
        assert_false(i != 0 && i != 1 && decode_order(&whole));
        assert_false(i != 2 && decode_greeting(&whole));
        assert_false(i != 3 && decode_reply(&whole));
    }
}

/* What a child that is no longer ours might say. */
static void
lies(void **state)
{
    static struct cm_message message;
    const struct {
        struct cm_fetch_reply reply;
    } rows[] = {
        {{.result = (enum cm_fetch_result)(CM_FETCH_NO_MEMORY + 1)}},
        {{.response = {.http_status = 1000}}},
        {{.response = {.bytes = (size_t)CM_FETCH_CHILD_MAX_FILE + 1}}},
        {{.response = {.etag = "a\r\nX-Evil: 1"}}},
        {{.response = {.last_modified = " x"}}},
        {{.response = {.etag = "\xff"}}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(cm_message_encode_reply(&rows[i].reply, &message));
        assert_false(decode_reply(&message));
    }
}

/* A NUL inside a text, and a text without one. */
static void
texts(void **state)
{
    static struct cm_message message;
    const size_t url = MAGIC_AND_KIND + 3 * NUMBER + NUMBER;

    (void)state;
    assert_true(cm_message_encode_order(&FULL, &message));
    assert_memory_equal(message.bytes + url, "http://ca.test/ca.crl", 22);
    message.bytes[url + 4] = '\0';
    assert_false(decode_order(&message));
    assert_true(cm_message_encode_order(&FULL, &message));
    message.bytes[url + 21] = 'x';
    assert_false(decode_order(&message));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders),
        cmocka_unit_test(bounds_of_texts),
        cmocka_unit_test(bounds_of_numbers),
        cmocka_unit_test(bounds_of_hosts),
        cmocka_unit_test(largest),
        cmocka_unit_test(words_of_the_child),
        cmocka_unit_test(shapes),
        cmocka_unit_test(lies),
        cmocka_unit_test(texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
