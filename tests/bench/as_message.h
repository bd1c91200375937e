/*
 * Just enough of RFC 4120's encoding to send an AS-REQ again so that no KDC
 * takes it for a retransmission, and to see what came back.
 */
#ifndef AS_MESSAGE_H
#define AS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AM_PA_ENC_TIMESTAMP = 2,
    AM_PA_PK_AS_REQ = 16,
    AM_PA_PK_AS_REP = 17,
    AM_PA_ENCRYPTED_CHALLENGE = 138,
    AM_MAX_MESSAGE = 65536
};

/* A request with one padata more, of a type that nobody knows. */
struct am_request {
    uint8_t *data; /* owned */
    size_t len;
    size_t junk; /* where the padata's value begins */
};

/* Does this AS-REQ carry a padata of the type? */
bool am_request_has(const uint8_t *message, size_t len, long type);

/* False: not an AS-REQ with padata. */
bool am_request_prepare(const uint8_t *message, size_t len,
                        struct am_request *out);
void am_request_clear(struct am_request *request);

/* Makes the request differ from what every other number makes. */
void am_request_vary(struct am_request *request, uint64_t number);

/* Appends the whole PA-DATA of a type, from a request that has one, to a list
 * of AM_MAX_MESSAGE octets.  False: it has none, or the list is full. */
bool am_padata_append(const uint8_t *message, size_t len, long type,
                      uint8_t *list, size_t *list_len);

/* The request with this list of PA-DATA instead of its own; the caller frees
 * it.  NULL: not an AS-REQ with padata. */
uint8_t *am_request_with(const uint8_t *message, size_t len,
                         const uint8_t *list, size_t list_len,
                         size_t *out_len);

enum am_answer {
    AM_AS_REP,
    AM_ERROR,  /* *error is its number */
    AM_NEITHER /* damaged, or another message */
};

/* padata: what an AS-REP must carry; 0: nothing. */
enum am_answer am_answer(const uint8_t *message, size_t len, long padata,
                         long *error);

#endif
