/*
 * A message is a magic number, its kind, and its fields in a fixed order:
 * numbers of eight bytes, most significant first; bytes after their length;
 * texts likewise, with their NUL, and the length 0 where there is none.
 */
#include "fetch_message.h"

#include <string.h>

#include "fetch_url.h"

enum {
    MAGIC = 0x434d4631, /* CMF1 */
    NUMBER_BYTES = 8,
    BITS = 8,
    VALIDATOR = CM_FETCH_MAX_VALIDATOR - 1,
    DETAIL = CM_DETAIL_SIZE - 1
};

enum kind { ORDER_HTTP = 1, ORDER_SPECIAL, GREETING, REPLY };

/* One walk over a message, writing or reading; failed is sticky. */
struct walk {
    struct cm_message *message;
    size_t at;
    bool failed;
};

/* ---- Writing ---- */

static void
put_raw(struct walk *w, const void *data, size_t len)
{
    if (w->failed || len > CM_MESSAGE_MAX - w->at) {
        w->failed = true;
        return;
    }
    if (len > 0)
        memcpy(w->message->bytes + w->at, data, len);
    w->at += len;
}

static void
put_number(struct walk *w, uint64_t number)
{
    uint8_t bytes[NUMBER_BYTES];

    for (size_t i = NUMBER_BYTES; i-- > 0; number >>= BITS)
        bytes[i] = (uint8_t)number;
    put_raw(w, bytes, sizeof(bytes));
}

static void
put_bytes(struct walk *w, const uint8_t *bytes, size_t len, size_t max)
{
    if (len > max)
        w->failed = true;
    put_number(w, len);
    put_raw(w, bytes, len);
}

static void
put_text(struct walk *w, const char *text, size_t max)
{
    put_bytes(w, (const uint8_t *)text, text != NULL ? strlen(text) + 1 : 0,
              max + 1);
}

static struct walk
begin_writing(struct cm_message *message, enum kind kind)
{
    struct walk w = {message, 0, false};

    put_number(&w, MAGIC);
    put_number(&w, (uint64_t)kind);
    return w;
}

static bool
end_writing(struct walk *w)
{
    w->message->len = w->at;
    return !w->failed;
}

/* ---- Reading ---- */

static uint8_t *
get_raw(struct walk *w, size_t len)
{
    uint8_t *bytes = w->message->bytes + w->at;

    if (w->failed || len > w->message->len - w->at) {
        w->failed = true;
        return NULL;
    }
    w->at += len;
    return bytes;
}

/* Zero after a failure. */
static uint64_t
get_number(struct walk *w, uint64_t max)
{
    const uint8_t *bytes = get_raw(w, NUMBER_BYTES);
    uint64_t number = 0;

    for (size_t i = 0; bytes != NULL && i < NUMBER_BYTES; i++)
        number = number << BITS | bytes[i];
    if (number > max) {
        w->failed = true;
        return 0;
    }
    return number;
}

/* NULL: none, or a failure. */
static uint8_t *
get_bytes(struct walk *w, size_t *len, size_t max)
{
    *len = (size_t)get_number(w, max);
    return *len > 0 ? get_raw(w, *len) : NULL;
}

static char *
get_text(struct walk *w, size_t max)
{
    size_t len;
    uint8_t *text = get_bytes(w, &len, max + 1);

    if (text != NULL && memchr(text, '\0', len) != text + len - 1) {
        w->failed = true;
        return NULL;
    }
    return (char *)text;
}

/* A text that must be there, into an array of max + 1 bytes. */
static void
get_text_into(struct walk *w, char *out, size_t max)
{
    const char *text = get_text(w, max);

    if (text == NULL)
        w->failed = true;
    else
        memcpy(out, text, strlen(text) + 1);
}

static struct walk
begin_reading(struct cm_message *message, enum kind *kind)
{
    struct walk w = {message, 0, message->len > CM_MESSAGE_MAX};

    if (get_number(&w, UINT64_MAX) != MAGIC)
        w.failed = true;
    *kind = (enum kind)get_number(&w, REPLY);
    return w;
}

static bool
end_reading(const struct walk *w)
{
    return !w->failed && w->at == w->message->len;
}

/* ---- The parent's ---- */

static void
put_hosts(struct walk *w, const struct cm_text_list *hosts)
{
    size_t count = hosts != NULL ? hosts->count : 0;

    if (count > CM_FETCH_CHILD_MAX_HOSTS)
        w->failed = true;
    put_number(w, count);
    for (size_t i = 0; !w->failed && i < count; i++)
        put_text(w, hosts->items[i], CM_FETCH_MAX_HOST);
}

static void
put_http(struct walk *w, const struct cm_fetch_request *http)
{
    put_text(w, http->url, CM_FETCH_MAX_URL);
    put_bytes(w, http->body, http->body_len, CM_FETCH_CHILD_MAX_BODY);
    put_text(w, http->content_type, CM_FETCH_MAX_TYPE);
    put_text(w, http->etag, VALIDATOR);
    put_text(w, http->last_modified, VALIDATOR);
    put_text(w, http->expected_type, CM_FETCH_MAX_TYPE);
    put_number(w, http->from_certificate);
    put_number(w, http->allow_private_addresses);
    put_text(w, http->proxy, CM_FETCH_MAX_URL);
    put_hosts(w, http->proxy_hosts);
    put_text(w, http->ca_file, CM_MESSAGE_MAX_PATH);
}

bool
cm_message_encode_order(const struct cm_fetch_order *order,
                        struct cm_message *message)
{
    struct walk w =
        begin_writing(message, order->special ? ORDER_SPECIAL : ORDER_HTTP);
    const struct cm_fetch_request *http = &order->http;

    if (http->timeout_ms <= 0 ||
        http->timeout_ms > CM_FETCH_CHILD_MAX_TIMEOUT_MS ||
        http->max_bytes > CM_FETCH_CHILD_MAX_FILE)
        return false;
    put_number(&w, order->number);
    put_number(&w, http->max_bytes);
    put_number(&w, (uint64_t)http->timeout_ms);
    if (order->special)
        put_bytes(&w, order->payload, order->payload_len,
                  CM_FETCH_CHILD_MAX_PAYLOAD);
    else if (http->url != NULL)
        put_http(&w, http);
    else
        w.failed = true;
    return end_writing(&w);
}

static void
get_hosts(struct walk *w, struct cm_fetch_order *out)
{
    size_t count = (size_t)get_number(w, CM_FETCH_CHILD_MAX_HOSTS);

    out->hosts.items = out->host_items;
    for (size_t i = 0; i < count; i++) {
        out->host_items[i] = get_text(w, CM_FETCH_MAX_HOST);
        if (out->host_items[i] == NULL)
            w->failed = true;
    }
    out->hosts.count = count;
    out->http.proxy_hosts = count > 0 ? &out->hosts : NULL;
}

static void
get_http(struct walk *w, struct cm_fetch_order *out)
{
    struct cm_fetch_request *http = &out->http;

    http->url = get_text(w, CM_FETCH_MAX_URL);
    http->body = get_bytes(w, &http->body_len, CM_FETCH_CHILD_MAX_BODY);
    http->content_type = get_text(w, CM_FETCH_MAX_TYPE);
    http->etag = get_text(w, VALIDATOR);
    http->last_modified = get_text(w, VALIDATOR);
    http->expected_type = get_text(w, CM_FETCH_MAX_TYPE);
    http->from_certificate = get_number(w, 1) == 1;
    http->allow_private_addresses = get_number(w, 1) == 1;
    http->proxy = get_text(w, CM_FETCH_MAX_URL);
    get_hosts(w, out);
    http->ca_file = get_text(w, CM_MESSAGE_MAX_PATH);
    if (http->url == NULL)
        w->failed = true;
}

bool
cm_message_decode_order(struct cm_message *message, struct cm_fetch_order *out)
{
    enum kind kind;
    struct walk w = begin_reading(message, &kind);

    memset(out, 0, sizeof(*out));
    out->special = kind == ORDER_SPECIAL;
    out->number = get_number(&w, UINT64_MAX);
    out->http.max_bytes = (size_t)get_number(&w, CM_FETCH_CHILD_MAX_FILE);
    out->http.timeout_ms = (int)get_number(&w, CM_FETCH_CHILD_MAX_TIMEOUT_MS);
    if (kind == ORDER_HTTP)
        get_http(&w, out);
    else if (kind == ORDER_SPECIAL)
        out->payload =
            get_bytes(&w, &out->payload_len, CM_FETCH_CHILD_MAX_PAYLOAD);
    else
        w.failed = true;
    return end_reading(&w) && out->http.timeout_ms > 0;
}

/* ---- The child's ---- */

bool
cm_message_encode_greeting(const struct cm_fetch_greeting *greeting,
                           struct cm_message *message)
{
    struct walk w = begin_writing(message, GREETING);

    put_number(&w, greeting->able);
    put_number(&w, greeting->uid);
    put_number(&w, greeting->gid);
    put_number(&w, greeting->groups);
    put_text(&w, greeting->why.text, DETAIL);
    return end_writing(&w);
}

bool
cm_message_decode_greeting(struct cm_message *message,
                           struct cm_fetch_greeting *out)
{
    enum kind kind;
    struct walk w = begin_reading(message, &kind);

    out->able = get_number(&w, 1) == 1;
    out->uid = get_number(&w, UINT64_MAX);
    out->gid = get_number(&w, UINT64_MAX);
    out->groups = get_number(&w, UINT64_MAX);
    get_text_into(&w, out->why.text, DETAIL);
    return kind == GREETING && end_reading(&w);
}

bool
cm_message_encode_reply(const struct cm_fetch_reply *reply,
                        struct cm_message *message)
{
    struct walk w = begin_writing(message, REPLY);

    put_number(&w, reply->number);
    put_number(&w, (uint64_t)reply->result);
    put_number(&w, (uint64_t)reply->response.http_status);
    put_number(&w, reply->response.bytes);
    put_text(&w, reply->response.etag, VALIDATOR);
    put_text(&w, reply->response.last_modified, VALIDATOR);
    put_text(&w, reply->detail.text, DETAIL);
    return end_writing(&w);
}

static bool
validator_ok(const char *text)
{
    return text[0] == '\0' || cm_fetch_header_ok(text, VALIDATOR);
}

bool
cm_message_decode_reply(struct cm_message *message, struct cm_fetch_reply *out)
{
    enum { STATUS_MAX = 999 };
    enum kind kind;
    struct walk w = begin_reading(message, &kind);

    out->number = get_number(&w, UINT64_MAX);
    out->result = (enum cm_fetch_result)get_number(&w, CM_FETCH_NO_MEMORY);
    out->response.http_status = (long)get_number(&w, STATUS_MAX);
    out->response.bytes = (size_t)get_number(&w, CM_FETCH_CHILD_MAX_FILE);
    get_text_into(&w, out->response.etag, VALIDATOR);
    get_text_into(&w, out->response.last_modified, VALIDATOR);
    get_text_into(&w, out->detail.text, DETAIL);
    return kind == REPLY && end_reading(&w) &&
           validator_ok(out->response.etag) &&
           validator_ok(out->response.last_modified);
}
