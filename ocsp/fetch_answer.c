#include "fetch_answer.h"

#include <errno.h>
#include <string.h>

#include "text.h"
#include "write_all.h"

const char *
cm_fetch_result_token(enum cm_fetch_result result)
{
    switch (result) {
    case CM_FETCHED:
        return "fetched";
    case CM_FETCH_NOT_MODIFIED:
        return "not-modified";
    case CM_FETCH_FORBIDDEN:
        return "forbidden";
    case CM_FETCH_FAILED:
        return "failed";
    case CM_FETCH_TOO_LARGE:
        return "too-large";
    case CM_FETCH_TIMED_OUT:
        return "timed-out";
    case CM_FETCH_NO_MEMORY:
        return "no-memory";
    }
    return "failed";
}

bool
cm_fetch_answer_header(struct cm_fetch_answer *answer, size_t len)
{
    if (len > CM_FETCH_MAX_HEADERS - answer->header_bytes) {
        answer->too_large = true;
        return false;
    }
    answer->header_bytes += len;
    return true;
}

bool
cm_fetch_answer_body(struct cm_fetch_answer *answer, long status,
                     const void *data, size_t len)
{
    if (status != CM_HTTP_OK) {
        if (len > CM_FETCH_MAX_REFUSAL - answer->refusal_bytes) {
            answer->refused = true;
            return false;
        }
        answer->refusal_bytes += len;
        return true;
    }
    if (len > answer->max_bytes - answer->bytes) {
        answer->too_large = true;
        return false;
    }
    if (!cm_write_all(answer->out_fd, data, len)) {
        answer->write_error = errno;
        return false;
    }
    answer->bytes += len;
    return true;
}

enum cm_fetch_result
cm_fetch_answer_result(const struct cm_fetch_answer *answer,
                       struct cm_detail *detail)
{
    if (answer->too_large) {
        cm_detail_set(detail,
                      "the answer is larger than %zu bytes, or its "
                      "headers than %d",
                      answer->max_bytes, CM_FETCH_MAX_HEADERS);
        return CM_FETCH_TOO_LARGE;
    }
    if (answer->write_error != 0) {
        cm_detail_set(detail, "writing the answer: %s",
                      strerror(answer->write_error));
        return CM_FETCH_FAILED;
    }
    return CM_FETCHED;
}

bool
cm_fetch_status_redirects(long status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 ||
           status == 308;
}

bool
cm_fetch_type_is(const char *content_type, const char *wanted)
{
    size_t len = strlen(wanted), rest;

    if (content_type == NULL || strlen(content_type) < len ||
        !cm_text_equal_fold_n(content_type, wanted, len))
        return false;
    rest = strspn(content_type + len, " \t");
    return content_type[len + rest] == '\0' || content_type[len + rest] == ';';
}

enum cm_fetch_result
cm_fetch_judge(const struct cm_fetch_request *request, long status,
               const char *type, struct cm_detail *detail)
{
    const bool conditional =
        request->body == NULL &&
        (request->etag != NULL || request->last_modified != NULL);

    if (status == CM_HTTP_NOT_MODIFIED && conditional)
        return CM_FETCH_NOT_MODIFIED;
    if (status != CM_HTTP_OK) {
        cm_detail_set(detail, "HTTP status %ld", status);
        return CM_FETCH_FAILED;
    }
    if (request->expected_type != NULL &&
        !cm_fetch_type_is(type, request->expected_type)) {
        cm_detail_set(detail, "the answer's type is %s, not %s",
                      type != NULL ? type : "missing", request->expected_type);
        return CM_FETCH_FAILED;
    }
    return CM_FETCHED;
}
