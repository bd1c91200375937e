/*
 * What parent and network child say to each other: one datagram each way, of
 * bounded size, decoded strictly on both sides.  A message that is not
 * exactly what the encoder makes is refused.
 */
#ifndef CM_FETCH_MESSAGE_H
#define CM_FETCH_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fetch.h"
#include "fetch_child.h"

enum {
    CM_MESSAGE_MAX = 64 * 1024, /* bytes */
    CM_MESSAGE_MAX_PATH = 4095,
    CM_MESSAGE_SOCKET = 3 /* the child's end of the socket */
};

struct cm_message {
    uint8_t bytes[CM_MESSAGE_MAX];
    size_t len;
};

/* The parent's: a request, and which one it is. */
struct cm_fetch_order {
    uint64_t number;
    /* Of a special request only max_bytes and timeout_ms are used. */
    bool special;
    struct cm_fetch_request http;
    const uint8_t *payload;
    size_t payload_len;
    /* Only where decoded: what http.proxy_hosts points to. */
    struct cm_text_list hosts;
    char *host_items[CM_FETCH_CHILD_MAX_HOSTS];
};

/* The child's first word: who it is, or why it cannot be. */
struct cm_fetch_greeting {
    bool able;
    uint64_t uid, gid, groups; /* groups: how many besides gid */
    struct cm_detail why;
};

struct cm_fetch_reply {
    uint64_t number;
    enum cm_fetch_result result;
    struct cm_fetch_response response;
    struct cm_detail detail;
};

/* False: out of bounds; the message is then of no use. */
bool cm_message_encode_order(const struct cm_fetch_order *order,
                             struct cm_message *message);
bool cm_message_encode_greeting(const struct cm_fetch_greeting *greeting,
                                struct cm_message *message);
bool cm_message_encode_reply(const struct cm_fetch_reply *reply,
                             struct cm_message *message);

/* The order points into the message.  False: refused, *out is undefined. */
bool cm_message_decode_order(struct cm_message *message,
                             struct cm_fetch_order *out);
bool cm_message_decode_greeting(struct cm_message *message,
                                struct cm_fetch_greeting *out);
bool cm_message_decode_reply(struct cm_message *message,
                             struct cm_fetch_reply *out);

#endif
