/*
 * Asking the sources of a store, and publishing what they say.
 *
 * The calling process never touches the network: it hands requests to
 * children (fetch_child.h), verifies what they bring, and publishes it.  What
 * is due when is decided in refresh_plan.h; what there is to be asked is found
 * in refresh_sources.h.
 *
 * A URL is asked by one process at a time (refresh_lock.h), and its state is
 * kept in the store (refresh_state.h).  CRLs come first, then their deltas,
 * then OCSP responses, whose delegates are looked up in the CRLs.
 */
#ifndef CM_REFRESH_H
#define CM_REFRESH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fetch_child.h"
#include "refresh_sources.h"
#include "refresh_state.h"

enum {
    CM_REFRESH_CHILDREN = 4,                /* requests at a time */
    CM_REFRESH_CRL_TIMEOUT_MS = 600 * 1000, /* CRLs may be large */
    CM_REFRESH_OCSP_TIMEOUT_MS = 15 * 1000,
    CM_REFRESH_STORE_WAIT_MS = 60 * 1000, /* for the store's lock */
    CM_REFRESH_OTHER_WAIT_MS = 60 * 1000, /* for another process's fetch */
    CM_REFRESH_TICK_MS = 200              /* between two looks at progress */
};

enum cm_refresh_outcome {
    CM_REFRESHED,         /* something new is in the store */
    CM_REFRESH_UNCHANGED, /* the source has nothing newer */
    CM_REFRESH_ELSEWHERE, /* another process has asked meanwhile */
    CM_REFRESH_FAILED,    /* no answer */
    CM_REFRESH_REFUSED,   /* an answer that does not verify, or went back */
    CM_REFRESH_NO_STORE   /* it could not be written */
};

/* "published", "unchanged", "elsewhere", "failed", "refused", "store". */
const char *cm_refresh_outcome_token(enum cm_refresh_outcome outcome);

/* How one try of one URL ended. */
struct cm_refresh_event {
    enum cm_refresh_kind kind; /* CM_REFRESH_CRL or _OCSP */
    const char *url;
    X509 *cert; /* OCSP: about whom; else NULL */
    enum cm_refresh_outcome outcome;
    const struct cm_detail *detail; /* why; empty after a success */
    uint64_t bytes;
};

struct cm_refresh_options {
    const struct cm_refresh_world *world;
    const struct cm_refresh_map *map;
    /* Every certificate of every realm that uses the store: whose keys may
     * have signed a CRL. */
    const struct cm_snapshot *trusted;
    /* The child with that number, below CM_REFRESH_CHILDREN; asked for when
     * it is first needed.  Borrowed.  NULL: detail says why. */
    struct cm_fetch_child *(*child)(void *context, size_t number,
                                    struct cm_detail *detail);
    bool due_only; /* leave alone what is not due */
    int64_t poll;  /* ask for CRLs at least this often; 0: never mind */
    /* CA keys whose CRLs may go back this once. */
    const uint8_t (*rollback)[32];
    size_t rollback_count;

    int64_t (*now_ms)(void *context); /* since 1970 */
    uint32_t (*dice)(void *context);
    /* Spreads the moments at which several hosts ask about one card. */
    const char *host;
    /* Each may be NULL. */
    void (*event)(void *context, const struct cm_refresh_event *event);
    void (*tick)(void *context); /* every CM_REFRESH_TICK_MS of waiting */
    void *context;
    const volatile sig_atomic_t *stop; /* not 0: come to an end */
};

/* What a run has done. */
struct cm_refresh_result {
    size_t tried; /* sources: CRLs and certificates */
    size_t published, unchanged, elsewhere;
    size_t refused; /* answers of no use */
    size_t failed;  /* no URL of the source brought anything of use */
    size_t not_due;
    int64_t next_due; /* the earliest; 0: there is nothing to wait for */
    bool store_failed, no_child, no_memory, stopped;
    struct cm_detail trouble; /* with one of the first three */
};

/* One run over everything.  False: it could not begin, or not go on
 * (store_failed, no_child, no_memory). */
bool cm_refresh_run(const struct cm_refresh_options *options,
                    struct cm_refresh_result *result);

/* ---- refresh_publish.c: what has arrived ---- */

/*
 * Publishes a CRL under the key of whichever trusted certificate signed it:
 * *signer, or NULL.  *facts: what the CRL says of itself, where it was read
 * that far; the caller clears it in any case.  detail says why, unless it is
 * published.
 */
enum cm_publish
cm_refresh_publish_crl(struct cm_store_writer *writer,
                       const struct cm_refresh_options *options, int fd,
                       const struct cm_trusted **signer,
                       struct cm_crl_facts *facts, struct cm_detail *detail);

/* Publishes a response about the card. */
enum cm_publish cm_refresh_publish_ocsp(struct cm_store_writer *writer,
                                        const struct cm_refresh_world *world,
                                        const struct cm_refresh_card *card,
                                        const uint8_t *response, size_t len,
                                        struct cm_detail *detail);

/* From when to when the store's best answer about the card counts. */
void cm_refresh_card_window(const struct cm_refresh_world *world,
                            const struct cm_refresh_card *card,
                            struct cm_refresh_window *out);

/* The name under which a card is remembered: SHA-256 of its certificate, in
 * hex.  False: no memory. */
enum { CM_REFRESH_DIGEST_TEXT = 64 + 1 };
bool cm_refresh_card_name(X509 *cert, char out[CM_REFRESH_DIGEST_TEXT]);

/* An unlinked file on the store's file system; -1: errno says why. */
int cm_refresh_temporary(const char *store);

#endif
