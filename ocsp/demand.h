/*
 * OCSP on demand: what the store lacks about a path is asked now, within a
 * login's budget.
 *
 * An answer counts only as cm_ocsp_check() says.  It is kept in the store for
 * everyone, as well as that is possible: a store that cannot be written now
 * (another writer, a full disk) does not stop the login that has the answer
 * in hand.  One question about one certificate is asked of one responder by
 * one thread of one process at a time; the others wait for its answer to
 * reach the store.  A responder that fails is left alone for a while
 * (breaker.h).
 */
#ifndef CM_DEMAND_H
#define CM_DEMAND_H

#include "breaker.h"
#include "fetch.h"
#include "log.h"
#include "path.h"
#include "revocation_settings.h"
#include "store.h"

enum {
    CM_DEMAND_MAX_RESPONDERS = 256,    /* remembered by a process */
    CM_DEMAND_MAX_RESPONSE = 64 * 1024 /* bytes */
};

/* Shared by the threads of a process; belongs to one store.  Opens nothing. */
struct cm_demand;

/* All borrowed; they must outlive it.  NULL: no memory. */
struct cm_demand *cm_demand_new(const char *store_path, struct cm_store *store,
                                const struct cm_http_settings *http,
                                const struct cm_log *log);
void cm_demand_free(struct cm_demand *demand);

struct cm_demand_question {
    const struct cm_path *path; /* verified, NTAuth list included */
    size_t position;            /* of the certificate in it; not the anchor */
    const struct cm_snapshot *snapshot;
    const struct cm_path_rules *rules;
    const struct cm_issuer_rules *issuer; /* of the certificate's issuing CA:
                                             responders, URLs, addresses */
    struct cm_fetcher *fetcher;           /* the calling thread's */
    int timeout_ms;
};

/*
 * CM_OK: *response is a response about the certificate that cm_ocsp_check()
 * finds good or revoked (the caller judges it again, and frees it).
 * CM_REVOCATION_UNKNOWN: it has no responder that may be asked, or every
 * answer was of no use.  CM_REVOCATION_UNAVAILABLE: nobody answered in time,
 * or is left alone now.  CM_NO_MEMORY.
 */
enum cm_reason cm_demand_ask(struct cm_demand *demand,
                             const struct cm_demand_question *question,
                             uint8_t **response, size_t *len,
                             struct cm_detail *detail);

#endif
