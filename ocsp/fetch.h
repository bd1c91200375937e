/*
 * HTTP, in one file, through libcurl.
 *
 * http and https only; limits counted here; no redirects to another origin;
 * TLS always verified; addresses screened after name resolution for URLs that
 * come from certificates; nothing taken from the environment.
 */
#ifndef CM_FETCH_H
#define CM_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detail.h"
#include "text.h"

enum {
    CM_FETCH_MAX_URL = 2048,     /* bytes */
    CM_FETCH_MAX_REDIRECTS = 3,  /* same origin; none for a POST */
    CM_FETCH_MAX_VALIDATOR = 256 /* bytes of ETag and Last-Modified */
};

enum cm_fetch_result {
    CM_FETCHED,
    CM_FETCH_NOT_MODIFIED,
    CM_FETCH_FORBIDDEN, /* scheme, address, userinfo, length: never asked */
    CM_FETCH_FAILED,    /* connection, TLS, status other than 200 and 304 */
    CM_FETCH_TOO_LARGE,
    CM_FETCH_TIMED_OUT,
    CM_FETCH_NO_MEMORY
};

const char *cm_fetch_result_token(enum cm_fetch_result result);

struct cm_fetch_request {
    const char *url;
    const uint8_t *body; /* a POST; NULL: a GET */
    size_t body_len;
    const char *content_type;  /* of the body */
    const char *etag;          /* conditional GET, or NULL */
    const char *last_modified; /* or NULL */
    /* The answer's Content-Type must be this, parameters aside; NULL: any. */
    const char *expected_type;
    size_t max_bytes;
    int timeout_ms;
    /* The URL comes from a certificate: loopback, link-local, private,
     * multicast and unspecified addresses are refused, unless allowed. */
    bool from_certificate;
    bool allow_private_addresses; /* by configuration, for this CA */
    const char *proxy;            /* http://host:port, or NULL: none */
    /* Through the proxy only these hosts for URLs from certificates. */
    const struct cm_text_list *proxy_hosts;
    const char *ca_file; /* for https; NULL: the system's */
};

struct cm_fetch_response {
    long http_status;
    char etag[CM_FETCH_MAX_VALIDATOR];
    char last_modified[CM_FETCH_MAX_VALIDATOR];
    size_t bytes; /* written to out_fd */
};

/* A connection cache with its TLS sessions; one thread at a time.  NULL: no
 * memory. */
struct cm_fetcher;
struct cm_fetcher *cm_fetcher_new(void);
void cm_fetcher_free(struct cm_fetcher *fetcher);

/* Fetches into out_fd, an empty file.  Anything but CM_FETCHED leaves its
 * content undefined; detail says what happened. */
enum cm_fetch_result cm_fetch(struct cm_fetcher *fetcher,
                              const struct cm_fetch_request *request,
                              int out_fd, struct cm_fetch_response *response,
                              struct cm_detail *detail);

/* Is the address one that a URL from a certificate may not reach?  For tests:
 * the screen itself.  family is AF_INET or AF_INET6, address its bytes. */
bool cm_fetch_address_is_private(int family, const void *address);

#endif
