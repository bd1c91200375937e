/*
 * What a URL, and what goes into or comes out of an HTTP header, may be.
 */
#ifndef CM_FETCH_URL_H
#define CM_FETCH_URL_H

#include <stdbool.h>

#include "detail.h"
#include "fetch.h"

enum {
    CM_FETCH_MAX_HOST = 255, /* bytes */
    CM_FETCH_MAX_TYPE = 127  /* bytes of a content type */
};

/* What the parser makes of a URL; an absent part is NULL. */
enum cm_fetch_url_part {
    CM_URL_SCHEME,
    CM_URL_HOST,
    CM_URL_PORT, /* as written, or the scheme's */
    CM_URL_USER,
    CM_URL_SECRET,
    CM_URL_ZONE,
    CM_URL_PATH,
    CM_URL_QUERY,
    CM_URL_TEXT, /* the whole, without a fragment */
    CM_URL_PARTS
};

/* An absolute URL that may be asked. */
struct cm_fetch_url {
    char *text; /* owned; without a fragment */
    char *host; /* owned */
    char scheme[sizeof("https")];
    unsigned int port;
    bool bare; /* neither path nor query */
};

/*
 * Parses with libcurl's own parser, which later opens the connection: two
 * parsers that differ are a way around the rules.  CM_FETCHED: it may be
 * asked; else CM_FETCH_FORBIDDEN or CM_FETCH_NO_MEMORY, and nothing is given.
 */
enum cm_fetch_result cm_fetch_url_parse(const char *text,
                                        struct cm_fetch_url *out,
                                        struct cm_detail *detail);
void cm_fetch_url_clear(struct cm_fetch_url *url);

/* Follows a redirect: *url becomes the target if that is of one origin with
 * it.  Answers as cm_fetch_url_parse(). */
enum cm_fetch_result cm_fetch_url_move(struct cm_fetch_url *url,
                                       const char *target,
                                       struct cm_detail *detail);

/* May what goes beside the URL be sent: headers, body, proxy?  Answers as
 * cm_fetch_url_parse(). */
enum cm_fetch_result
cm_fetch_request_check(const struct cm_fetch_request *request,
                       struct cm_detail *detail);

/* ---- The rules alone ---- */

/* 1 to `max` printable ASCII characters, no blank, and a host where it
 * belongs. */
bool cm_fetch_url_text_ok(const char *text, size_t max,
                          struct cm_detail *detail);

/* Judges and copies the parts: http or https, a host, a port, no user, no
 * zone.  Answers as cm_fetch_url_parse(). */
enum cm_fetch_result cm_fetch_url_make(char *const parts[CM_URL_PARTS],
                                       struct cm_fetch_url *out,
                                       struct cm_detail *detail);

/* A decimal port from 1 to 65535, without a sign; 0: it is not. */
unsigned int cm_fetch_port(const char *text);

/* Is the host one of the list, whole, ASCII case aside?  NULL: no. */
bool cm_fetch_host_listed(const struct cm_text_list *hosts, const char *host);

/* May the text be the value of a header: printable ASCII, blanks inside
 * only, from 1 to `max` bytes? */
bool cm_fetch_header_ok(const char *value, size_t max);

#endif
