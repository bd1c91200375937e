/*
 * A store, a responder on loopback, and questions asked of it.
 */
#ifndef DEMAND_FIXTURE_H
#define DEMAND_FIXTURE_H

#include "demand.h"
#include "loopback.h"
#include "store_fixture.h"

enum {
    HOUR = 3600,
    PATIENT_MS = 30000, /* never reached where all is well */
    HASTY_MS = 300
};

extern struct loopback *server;
extern struct cm_demand *demand;
extern struct cm_http_settings http;
extern struct cm_issuer_rules rules; /* the CA's: ocsp, no responder */

/* Within a test of the store. */
void demand_begin(void);
void demand_end(void);

void use_responder(const char *url);

/* The leaf with these responders in its AIA; urls ends with NULL. */
X509 *card_with(const char *const *urls);

struct asked {
    enum cm_reason reason;
    enum cm_status_state state; /* CM_OK: what the response says */
    struct cm_detail detail;
};

void ask_with(struct cm_fetcher *own, X509 *cert, int timeout_ms,
              struct asked *asked);
struct asked ask_about(X509 *cert, int timeout_ms);
struct asked ask_leaf(void);

struct loopback_answer ocsp_answer(const uint8_t *body, size_t len);

/* Makes the server say so; the caller frees the body, once the server is not
 * asked any more. */
uint8_t *say_about(X509 *cert, EVP_PKEY *key, const char *status, int64_t from,
                   int64_t until);
uint8_t *say_good(void);

#endif
