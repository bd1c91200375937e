/*
 * A message between parent and network child that is taken is exactly the one
 * that its content encodes to, and everything in it is within its bounds.
 */
#include <string.h>

#include "fetch_message.h"
#include "fetch_url.h"
#include "fuzz.h"

static void
require_same(const struct cm_message *given, const struct cm_message *made)
{
    FUZZ_REQUIRE(made->len == given->len);
    FUZZ_REQUIRE(memcmp(made->bytes, given->bytes, given->len) == 0);
}

static void
check_order(struct cm_message *given, struct cm_message *made)
{
    struct cm_fetch_order order;

    if (!cm_message_decode_order(given, &order))
        return;
    FUZZ_REQUIRE(order.http.timeout_ms > 0);
    FUZZ_REQUIRE(order.http.max_bytes <= CM_FETCH_CHILD_MAX_FILE);
    FUZZ_REQUIRE(order.special || strlen(order.http.url) <= CM_FETCH_MAX_URL);
    FUZZ_REQUIRE(cm_message_encode_order(&order, made));
    require_same(given, made);
}

static void
check_greeting(struct cm_message *given, struct cm_message *made)
{
    struct cm_fetch_greeting greeting;

    if (!cm_message_decode_greeting(given, &greeting))
        return;
    FUZZ_REQUIRE(cm_message_encode_greeting(&greeting, made));
    require_same(given, made);
}

static void
check_reply(struct cm_message *given, struct cm_message *made)
{
    struct cm_fetch_reply reply;

    if (!cm_message_decode_reply(given, &reply))
        return;
    FUZZ_REQUIRE(reply.response.bytes <= CM_FETCH_CHILD_MAX_FILE);
    FUZZ_REQUIRE(
        reply.response.etag[0] == '\0' ||
        cm_fetch_header_ok(reply.response.etag, CM_FETCH_MAX_VALIDATOR - 1));
    FUZZ_REQUIRE(cm_message_encode_reply(&reply, made));
    require_same(given, made);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cm_message given, made;

    if (size > sizeof(given.bytes))
        return 0;
    if (size > 0)
        memcpy(given.bytes, data, size);
    given.len = size;
    check_order(&given, &made);
    check_greeting(&given, &made);
    check_reply(&given, &made);
    return 0;
}
