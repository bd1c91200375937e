/*
 * The status of one certificate from every source at hand: CRLs and OCSP
 * responses together.
 */
#ifndef CM_STATUS_H
#define CM_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crl_status.h"
#include "ocsp.h"

/*
 * Where OCSP responses come from: the store, or files given to `certmap
 * verify`.  Calls visit with every response that may be about the
 * certificate, in any order, until visit returns false.  Responses that are
 * about others, or damaged, do no harm.
 */
struct cm_response_provider {
    bool (*each)(void *context, X509 *cert, X509 *issuer,
                 bool (*visit)(void *visit_context, const uint8_t *response,
                               size_t len),
                 void *visit_context);
    void *context;
};

/*
 * A response that is in no store: one that was just fetched, which counts as
 * if it were, or one that a client has stapled.  A stapled response that is
 * good counts only if it is newer than every other response about the
 * certificate and not older than staple_max_age, and takes no revocation
 * back; one that says "revoked" counts unless another one is newer.  Expired
 * or damaged it is as if it had not been sent.
 */
struct cm_extra_response {
    size_t position; /* of the certificate in the path */
    const uint8_t *bytes;
    size_t len;
    enum cm_status_origin origin; /* FETCHED or STAPLED */
};

struct cm_extra_responses {
    const struct cm_extra_response *list;
    size_t count;
    int64_t staple_max_age; /* seconds since thisUpdate; 0: none is good */
};

struct cm_status_question {
    const struct cm_path *path; /* verified */
    size_t position;            /* of the certificate in it; not the anchor */
    const struct cm_snapshot *snapshot;
    const struct cm_path_rules *rules;
    const struct cm_crl_provider *crls;           /* NULL: none */
    const struct cm_response_provider *responses; /* NULL: none */
    const struct cm_extra_responses *extra;       /* NULL: none */
    X509 *const *responders; /* configured for the issuing CA */
    size_t responder_count;
};

/*
 * Asks all CRLs and all responses, and combines what they say.  A delegate's
 * own status is asked of the CRLs of the same provider.
 */
void cm_status_find(const struct cm_status_question *question,
                    struct cm_status *out);

/*
 * For cm_ocsp_question.delegate_status; context is a struct
 * cm_status_question about the certificate that the delegate speaks of.
 */
void cm_status_of_delegate(void *context, X509 *delegate,
                           struct cm_status *out);

/*
 * Of two OCSP answers about one certificate the newer counts, of equally new
 * ones the worse; UNKNOWN is no answer.  *best starts zeroed.  Only what is
 * left of the answers is combined with CRLs, by cm_status_combine().
 */
void cm_status_newest(struct cm_status *best, const struct cm_status *answer);

#endif
