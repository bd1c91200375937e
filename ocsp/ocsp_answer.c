#include "ocsp_parts.h"

#include <string.h>

#include "instant.h"

/* The CertIDs under which a response may speak about the certificate. */
struct names {
    OCSP_CERTID *sha1, *sha256; /* owned */
};

static bool
is_meant(const struct names *names, OCSP_SINGLERESP *answer)
{
    const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(answer);

    return OCSP_id_cmp(id, names->sha1) == 0 ||
           OCSP_id_cmp(id, names->sha256) == 0;
}

/* False: the times cannot be told, so nothing can be ordered by them. */
static bool
read_times(OCSP_SINGLERESP *answer, struct cm_status *out, int *status)
{
    ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL;

    *status = OCSP_single_get0_status(answer, &out->reason, NULL, &this_update,
                                      &next_update);
    if (out->reason < 0) /* none was given */
        out->reason = CM_CRL_UNSPECIFIED;
    out->has_next_update = next_update != NULL;
    return cm_instant_read(this_update, &out->this_update) &&
           (next_update == NULL ||
            cm_instant_read(next_update, &out->next_update));
}

static bool
is_expired(const struct cm_status *answer, int64_t now)
{
    if (answer->has_next_update)
        return answer->next_update < now;
    return now - answer->this_update > CM_OCSP_MAX_AGE;
}

/* Why the answer does not count; NULL: it does. */
static const char *
find_fault(const struct cm_status *answer, int status, int64_t now)
{
    if (answer->this_update > now + CM_STATUS_SKEW)
        return "thisUpdate is in the future";
    if (answer->has_next_update && answer->next_update < answer->this_update)
        return "nextUpdate is before thisUpdate";
    if (status != V_OCSP_CERTSTATUS_GOOD &&
        status != V_OCSP_CERTSTATUS_REVOKED)
        return "the certificate is not known to it";
    return NULL;
}

/* Sets the state, from the status it carries, and why it is not good. */
static void
judge(OCSP_SINGLERESP *answer, int status, int64_t now, struct cm_status *out)
{
    const char *why;

    if (!cm_ocsp_answer_extensions(answer, &out->detail))
        return;
    why = find_fault(out, status, now);
    if (why != NULL) {
        out->state = CM_STATUS_UNKNOWN;
    } else if (status == V_OCSP_CERTSTATUS_REVOKED) {
        out->state = CM_STATUS_REVOKED;
        why = cm_crl_reason_token(out->reason);
    } else if (is_expired(out, now)) {
        out->state = CM_STATUS_STALE;
        why = "has expired";
    } else {
        out->state = CM_STATUS_GOOD;
    }
    if (why != NULL)
        cm_detail_set(&out->detail, "OCSP response: %s", why);
}

/* Of two answers of one time the worse counts; one that was refused is worse
 * than a good one, as nobody knows what it means. */
static int
badness(enum cm_status_state state)
{
    switch (state) {
    case CM_STATUS_GOOD:
        return 0;
    case CM_STATUS_STALE:
        return 1;
    case CM_STATUS_UNKNOWN:
        return 2;
    case CM_STATUS_REVOKED:
        return 3;
    }
    return 3;
}

static bool
counts_before(const struct cm_status *a, const struct cm_status *b)
{
    if (a->this_update != b->this_update)
        return a->this_update > b->this_update;
    return badness(a->state) > badness(b->state);
}

/* Looks at every answer; found tells whether any is about the certificate. */
static bool
choose(const struct cm_ocsp_response *response, const struct names *names,
       int64_t now, struct cm_status *best, bool *found)
{
    struct cm_status status;
    OCSP_SINGLERESP *answer;
    int code;

    for (int i = 0; i < OCSP_resp_count(response->basic); i++) {
        answer = OCSP_resp_get0(response->basic, i);
        if (!is_meant(names, answer))
            continue;
        memset(&status, 0, sizeof(status));
        if (!read_times(answer, &status, &code))
            return false;
        judge(answer, code, now, &status);
        if (!*found || counts_before(&status, best))
            *best = status;
        *found = true;
    }
    return true;
}

void
cm_ocsp_answer(const struct cm_ocsp_question *question,
               const struct cm_ocsp_response *response, struct cm_status *out)
{
    struct names names = {
        cm_ocsp_id(question->cert, question->issuer, EVP_sha1()),
        cm_ocsp_id(question->cert, question->issuer, EVP_sha256())};
    struct cm_status best;
    const char *problem = NULL;
    bool found = false;

    memset(&best, 0, sizeof(best));
    memset(out, 0, sizeof(*out));
    if (names.sha1 == NULL || names.sha256 == NULL)
        problem = "out of memory";
    else if (!choose(response, &names, question->rules->now, &best, &found))
        problem = "a time does not decode";
    else if (found)
        *out = best;
    else
        cm_detail_set(&out->detail,
                      "OCSP response: is not about the certificate");
    /* Without a CertID or a time nobody knows what it says. */
    out->incomplete = problem != NULL;
    if (problem != NULL)
        cm_detail_set(&out->detail, "OCSP response: %s", problem);
    OCSP_CERTID_free(names.sha1);
    OCSP_CERTID_free(names.sha256);
}
