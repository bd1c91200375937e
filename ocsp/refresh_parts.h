/*
 * One run of the refresher, in pieces.  Private to the files refresh*.c.
 *
 * A flight is one request under way in one child; a target is what it is
 * for, a CRL (with the URLs that lead to it) or a response about a card.  A
 * target that fails at one URL goes on to the next.
 */
#ifndef CM_REFRESH_PARTS_H
#define CM_REFRESH_PARTS_H

#include "refresh.h"
#include "refresh_lock.h"

/* A URL that this run has to do with. */
struct cm_endpoint {
    struct cm_refresh_state state;
    bool looked_at; /* a target with it was asked, or was not due */
    bool locked;    /* by us, now */
    bool ours;      /* it was, in this run */
    bool dead;      /* it failed in this run: no second try */
    bool elsewhere; /* another process has asked it, or does so now */
};

struct cm_target {
    enum cm_refresh_kind kind; /* CM_REFRESH_CRL or _OCSP */
    const struct cm_refresh_ca *ca;
    const struct cm_text_list *urls; /* borrowed, or &own_urls */
    bool from_certificate;
    /* OCSP */
    struct cm_text_list own_urls;
    struct cm_path path; /* owned: with references of its own */
    bool seen;
};

struct cm_flight {
    struct cm_fetch_child *child;
    bool busy;
    struct cm_target target;
    size_t next_url; /* the one after the one that is asked */
    struct cm_endpoint *endpoint;
    uint8_t *body; /* OCSP: the request */
    size_t body_len;
    int fd; /* where the answer goes; -1 */
};

struct cm_run {
    const struct cm_refresh_options *options;
    struct cm_refresh_world world; /* with a handle that sees what is new */
    struct cm_store *fresh;        /* the handle, if it is our own */
    struct cm_refresh_result *result;
    struct cm_refresh_lock lock;
    int64_t started_ms;
    struct cm_endpoint **endpoints;
    size_t endpoint_count;
    struct cm_flight flights[CM_REFRESH_CHILDREN];
};

/* ---- refresh_flight.c ---- */

/* The run cannot go on. */
bool cm_run_is_broken(const struct cm_run *run);
/* The same, or somebody wants it to end. */
bool cm_run_must_end(const struct cm_run *run);
void cm_run_no_memory(struct cm_run *run);

int64_t cm_run_now(const struct cm_run *run); /* seconds */
int64_t cm_run_now_ms(const struct cm_run *run);

/* The endpoint of the URL.  NULL: no memory. */
struct cm_endpoint *cm_run_endpoint(struct cm_run *run,
                                    enum cm_refresh_kind kind,
                                    const char *url);

/* Starts what the target needs, waiting for a free child first; takes the
 * target over. */
void cm_run_submit(struct cm_run *run, struct cm_target *target);

/* Waits until nothing is under way. */
void cm_run_drain(struct cm_run *run);

void cm_target_clear(struct cm_target *target);

/* When to look at it again; the earliest counts. */
void cm_run_look_again(struct cm_run *run, int64_t when);

/* ---- refresh_arrival.c: an answer is there ---- */

/* Publishes what the flight brought, notes the state of its URL, and reports
 * it.  True: the target has what it needs. */
bool cm_run_arrived(struct cm_run *run, struct cm_flight *flight,
                    enum cm_fetch_result fetched,
                    const struct cm_fetch_response *response,
                    struct cm_detail *detail);

/* Writes a state; a store that cannot be written ends the run. */
void cm_run_write_state(struct cm_run *run,
                        const struct cm_refresh_state *state);

/* The validators of the state may be sent: what they speak of is in the
 * store, and nobody wants it replaced whatever it is. */
bool cm_run_may_ask_conditionally(const struct cm_run *run,
                                  const struct cm_refresh_state *state);

#endif
