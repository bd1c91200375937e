/*
 * One question to one responder.
 */
#include "demand_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "monotonic.h"

/* How the responder did, beside what it said. */
enum health { WELL, FAILED, NOT_ASKED };

static struct cm_fetch_request
make_request(const struct cm_demand_asking *asking, const char *url,
             int timeout_ms)
{
    const struct cm_http_settings *http = asking->demand->http;
    const struct cm_issuer_rules *issuer = asking->question->issuer;

    return (struct cm_fetch_request){
        .url = url,
        .content_type = "application/ocsp-request",
        .expected_type = "application/ocsp-response",
        .max_bytes = CM_DEMAND_MAX_RESPONSE,
        .timeout_ms = timeout_ms,
        .from_certificate = issuer->ocsp_urls.count == 0,
        .allow_private_addresses = issuer->allow_private_addresses,
        .proxy = http->proxy,
        .proxy_hosts = &http->proxy_hosts,
        .ca_file = http->ca_file};
}

/* The whole answer; the caller frees it.  NULL: no memory. */
static uint8_t *
read_body(int fd, size_t len)
{
    uint8_t *body = malloc(len + 1);
    size_t have = 0;
    ssize_t n = 1;

    while (body != NULL && have < len && n != 0) {
        n = pread(fd, body + have, len - have, (off_t)have);
        if (n > 0)
            have += (size_t)n;
        else if (n < 0 && errno != EINTR)
            break;
    }
    if (have == len)
        return body;
    free(body);
    return NULL;
}

/* Of an answer that says nothing about the certificate: is its sender well?
 * "unauthorized" and the like are answers, nonsense and "try later" are
 * not. */
static enum health
examine(const uint8_t *body, size_t len, enum cm_reason *reason)
{
    const unsigned char *p = body;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &p, (long)len);
    enum health health = FAILED;
    int status;

    if (response != NULL) {
        status = OCSP_response_status(response);
        if (status == OCSP_RESPONSE_STATUS_TRYLATER ||
            status == OCSP_RESPONSE_STATUS_INTERNALERROR)
            *reason = CM_REVOCATION_UNAVAILABLE;
        else
            health = WELL;
    }
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return health;
}

static enum cm_reason
judge(struct cm_demand_asking *asking, int fd, size_t len, enum health *health,
      struct cm_detail *detail)
{
    uint8_t *body = read_body(fd, len);
    enum cm_reason reason = CM_REVOCATION_UNKNOWN;
    struct cm_status status;

    *health = NOT_ASKED;
    if (body == NULL)
        return CM_NO_MEMORY;
    cm_ocsp_check(&asking->ocsp, body, len, &status);
    if (status.state == CM_STATUS_GOOD || status.state == CM_STATUS_REVOKED) {
        asking->response = body;
        asking->len = len;
        *health = WELL;
        return CM_OK;
    }
    *detail = status.detail;
    *health = examine(body, len, &reason);
    free(body);
    return reason;
}

static enum cm_reason
receive(struct cm_demand_asking *asking, enum cm_fetch_result fetched, int fd,
        size_t len, enum health *health, struct cm_detail *detail)
{
    switch (fetched) {
    case CM_FETCHED:
        return judge(asking, fd, len, health, detail);
    case CM_FETCH_FORBIDDEN:
        *health = NOT_ASKED;
        return CM_REVOCATION_UNKNOWN;
    case CM_FETCH_TOO_LARGE:
        *health = FAILED;
        return CM_REVOCATION_UNKNOWN;
    case CM_FETCH_NOT_MODIFIED:
    case CM_FETCH_FAILED:
    case CM_FETCH_TIMED_OUT:
        *health = FAILED;
        return CM_REVOCATION_UNAVAILABLE;
    case CM_FETCH_NO_MEMORY:
        break;
    }
    *health = NOT_ASKED;
    return CM_NO_MEMORY;
}

static enum cm_reason
exchange(struct cm_demand_asking *asking, const char *url, int timeout_ms,
         enum health *health, struct cm_detail *detail)
{
    struct cm_fetch_request request = make_request(asking, url, timeout_ms);
    struct cm_fetch_response response = {0};
    enum cm_fetch_result fetched = CM_FETCH_NO_MEMORY;
    int fd = memfd_create("certmap-ocsp", MFD_CLOEXEC);
    enum cm_reason reason;
    uint8_t *body;

    body = cm_ocsp_request(asking->ocsp.cert, asking->ocsp.issuer, false,
                           &request.body_len);
    request.body = body;
    if (fd >= 0 && body != NULL)
        fetched = cm_fetch(asking->question->fetcher, &request, fd, &response,
                           detail);
    reason = receive(asking, fetched, fd, response.bytes, health, detail);
    /* Whoever came late has not seen it fail. */
    if (fetched == CM_FETCH_TIMED_OUT && timeout_ms < CM_DEMAND_FAIR_MS)
        *health = NOT_ASKED;
    if (fd >= 0)
        close(fd);
    free(body);
    return reason;
}

enum cm_reason
cm_demand_fetch(struct cm_demand_asking *asking, const char *url,
                int timeout_ms, struct cm_detail *detail)
{
    struct cm_responders *responders = &asking->demand->responders;
    enum health health = NOT_ASKED;
    enum cm_reason reason;

    if (!cm_responders_allow(responders, url, cm_monotonic_ms())) {
        cm_detail_set(detail, "the responder is left alone, it has failed");
        return CM_REVOCATION_UNAVAILABLE;
    }
    reason = exchange(asking, url, timeout_ms, &health, detail);
    switch (health) {
    case WELL:
        cm_responders_worked(responders, url);
        break;
    case FAILED:
        cm_responders_failed(responders, url, cm_monotonic_ms(), detail->text);
        break;
    case NOT_ASKED:
        break;
    }
    return reason;
}
