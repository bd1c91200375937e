#include "status.h"

#include <string.h>

/* What the responses about one certificate say, as they are visited. */
struct inquiry {
    struct cm_ocsp_question question;
    struct cm_status best;
};

static void
ask_crls(const struct cm_status_question *question, const struct cm_path *path,
         size_t position, struct cm_status *out)
{
    const struct cm_crl_question crl = {.path = path,
                                        .position = position,
                                        .snapshot = question->snapshot,
                                        .rules = question->rules,
                                        .crls = question->crls};

    memset(out, 0, sizeof(*out));
    if (question->crls != NULL)
        cm_crl_status(&crl, out);
}

/* The delegate stands where the certificate stands: one step below its
 * issuer. */
void
cm_status_of_delegate(void *context, X509 *delegate, struct cm_status *out)
{
    const struct cm_status_question *question = context;
    struct cm_path path = *question->path;

    path.certs[question->position] = delegate;
    ask_crls(question, &path, question->position, out);
}

static bool
visit_response(void *context, const uint8_t *response, size_t len)
{
    struct inquiry *inquiry = context;
    struct cm_status answer;

    cm_ocsp_check(&inquiry->question, response, len, &answer);
    cm_status_newest(&inquiry->best, &answer);
    return true;
}

static void
visit_fetched(struct inquiry *inquiry, const struct cm_extra_response *extra)
{
    struct cm_status answer;

    cm_ocsp_check(&inquiry->question, extra->bytes, extra->len, &answer);
    answer.origin = CM_ORIGIN_FETCHED;
    cm_status_newest(&inquiry->best, &answer);
}

/* Whoever sends it chose it: it may only say what is new, or the worse. */
static bool
staple_counts(const struct inquiry *inquiry, const struct cm_status *answer,
              int64_t max_age)
{
    const struct cm_status *best = &inquiry->best;

    if (answer->state == CM_STATUS_REVOKED)
        return true;
    if (answer->state != CM_STATUS_GOOD || max_age <= 0 ||
        best->state == CM_STATUS_REVOKED ||
        inquiry->question.rules->now - answer->this_update > max_age)
        return false;
    return best->state == CM_STATUS_UNKNOWN ||
           answer->this_update > best->this_update;
}

static void
visit_staple(struct inquiry *inquiry, const struct cm_extra_response *extra,
             int64_t max_age)
{
    struct cm_status answer;

    if (extra->len > CM_OCSP_MAX_RESPONSE)
        return;
    cm_ocsp_check(&inquiry->question, extra->bytes, extra->len, &answer);
    answer.origin = CM_ORIGIN_STAPLED;
    /* What was never believed leaves nothing behind. */
    answer.incomplete = false;
    if (staple_counts(inquiry, &answer, max_age))
        cm_status_newest(&inquiry->best, &answer);
}

static void
ask_extra(const struct cm_status_question *question, struct inquiry *inquiry,
          enum cm_status_origin origin)
{
    const struct cm_extra_responses *extra = question->extra;
    const struct cm_extra_response *one;

    for (size_t i = 0; extra != NULL && i < extra->count; i++) {
        one = &extra->list[i];
        if (one->position != question->position || one->origin != origin)
            continue;
        if (origin == CM_ORIGIN_STAPLED)
            visit_staple(inquiry, one, extra->staple_max_age);
        else
            visit_fetched(inquiry, one);
    }
}

static void
ask_responses(struct cm_status_question *question, struct cm_status *out)
{
    const struct cm_response_provider *responses = question->responses;
    X509 *cert = question->path->certs[question->position];
    X509 *issuer = question->path->certs[question->position + 1];
    struct inquiry inquiry;

    memset(&inquiry, 0, sizeof(inquiry));
    inquiry.question =
        (struct cm_ocsp_question){.cert = cert,
                                  .issuer = issuer,
                                  .responders = question->responders,
                                  .responder_count = question->responder_count,
                                  .rules = question->rules,
                                  .delegate_status = cm_status_of_delegate,
                                  .context = question};
    /* Fetched ones first, as the store has them too by now; stapled ones last,
     * as they are measured by all others. */
    ask_extra(question, &inquiry, CM_ORIGIN_FETCHED);
    if (responses != NULL)
        responses->each(responses->context, cert, issuer, visit_response,
                        &inquiry);
    ask_extra(question, &inquiry, CM_ORIGIN_STAPLED);
    *out = inquiry.best;
}

void
cm_status_find(const struct cm_status_question *question,
               struct cm_status *out)
{
    struct cm_status_question copy = *question;
    struct cm_status ocsp;

    ask_crls(&copy, copy.path, copy.position, out);
    ask_responses(&copy, &ocsp);
    cm_status_combine(out, &ocsp);
}
