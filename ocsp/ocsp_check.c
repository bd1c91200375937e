#include <string.h>

#include <openssl/err.h>

#include "ocsp_parts.h"

static void
refuse(struct cm_status *out, const char *what)
{
    cm_detail_set(&out->detail, "OCSP response: %s", what);
}

static void
check_decoded(const struct cm_ocsp_question *question,
              const struct cm_ocsp_response *response, struct cm_status *out)
{
    struct cm_status answer;

    cm_ocsp_answer(question, response, &answer);
    if (answer.state == CM_STATUS_UNKNOWN) {
        out->detail = answer.detail;
        out->incomplete = answer.incomplete;
        return;
    }
    if (response->produced_at > question->rules->now + CM_STATUS_SKEW) {
        refuse(out, "producedAt is in the future");
        return;
    }
    if (!cm_ocsp_is_authorized(question, response, &out->detail)) {
        out->incomplete = answer.state == CM_STATUS_REVOKED;
        return;
    }
    answer.source = CM_SOURCE_OCSP;
    *out = answer;
}

/* Empties the error queue.  True: OpenSSL lacked memory. */
static bool
lacked_memory(void)
{
    bool lacked = false;
    unsigned long error;

    while ((error = ERR_get_error()) != 0)
        lacked = lacked || ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
    return lacked;
}

void
cm_ocsp_check(const struct cm_ocsp_question *question, const uint8_t *response,
              size_t len, struct cm_status *out)
{
    struct cm_ocsp_response decoded;

    memset(out, 0, sizeof(*out));
    ERR_clear_error();
    if (X509_NAME_cmp(X509_get_issuer_name(question->cert),
                      X509_get_subject_name(question->issuer)) != 0) {
        refuse(out, "the question names another issuer");
    } else if (cm_ocsp_decode(response, len, &decoded, &out->detail)) {
        check_decoded(question, &decoded, out);
        cm_ocsp_response_clear(&decoded);
    } else {
        out->incomplete = true;
    }
    if (lacked_memory() && out->state == CM_STATUS_UNKNOWN)
        out->incomplete = true;
}
