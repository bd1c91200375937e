/*
 * One request to a KDC on loopback and its answer, without blocking.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "as_message.h"

/* Where the KDC listens: 127.0.0.1, always. */
struct wire_kdc {
    uint16_t port;
    bool tcp;
};

enum { WIRE_PREFIX = 4, WIRE_SECONDS = 10 /* that an answer may take */ };

struct wire {
    int fd; /* -1: no exchange */
    bool tcp;
    short events; /* for poll() */
    double deadline;
    size_t sent, out_len, received;
    uint8_t out[WIRE_PREFIX + AM_MAX_MESSAGE];
    uint8_t in[WIRE_PREFIX + AM_MAX_MESSAGE];
};

enum wire_state { WIRE_BUSY, WIRE_DONE, WIRE_FAILED };

/* Seconds of a clock that never goes back. */
double wire_now(void);

void wire_init(struct wire *wire);

/* Begins an exchange; false: no connection. */
bool wire_start(struct wire *wire, const struct wire_kdc *kdc,
                const uint8_t *message, size_t len);

/* Goes on as far as it can; call it when poll() says so, or at the deadline.
 * WIRE_DONE: *message is the answer, until the next start. */
enum wire_state wire_step(struct wire *wire, const uint8_t **message,
                          size_t *len);

void wire_stop(struct wire *wire);

/* The whole of it, waiting. */
bool wire_exchange(struct wire *wire, const struct wire_kdc *kdc,
                   const uint8_t *request, size_t request_len,
                   const uint8_t **message, size_t *len);

#endif
