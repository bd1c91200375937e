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
    if (responses != NULL)
        responses->each(responses->context, cert, issuer, visit_response,
                        &inquiry);
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
