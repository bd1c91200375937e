/*
 * What arrives, counted: every byte of headers and body, before anything is
 * kept.
 */
#ifndef CM_FETCH_ANSWER_H
#define CM_FETCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "fetch.h"

enum {
    CM_FETCH_MAX_HEADERS = 64 * 1024, /* bytes of a whole exchange */
    CM_FETCH_MAX_REFUSAL = 64 * 1024, /* bytes of bodies not asked for */
    CM_HTTP_OK = 200,
    CM_HTTP_NOT_MODIFIED = 304
};

struct cm_fetch_answer {
    int out_fd;
    size_t max_bytes;
    size_t bytes; /* written */
    size_t header_bytes, refusal_bytes;
    bool too_large, refused; /* why it was cut */
    int write_error;         /* errno, or 0 */
};

/* False: enough, the exchange must end. */
bool cm_fetch_answer_header(struct cm_fetch_answer *answer, size_t len);

/* The body of a 200 is written; that of another status is passed over. */
bool cm_fetch_answer_body(struct cm_fetch_answer *answer, long status,
                          const void *data, size_t len);

/* Why the exchange was cut; CM_FETCHED: it was not. */
enum cm_fetch_result
cm_fetch_answer_result(const struct cm_fetch_answer *answer,
                       struct cm_detail *detail);

/* Is it a redirect that may be followed? */
bool cm_fetch_status_redirects(long status);

/* Is the answer's content type, parameters aside, the one that is wanted? */
bool cm_fetch_type_is(const char *content_type, const char *wanted);

/* CM_FETCHED, CM_FETCH_NOT_MODIFIED or CM_FETCH_FAILED; type may be NULL. */
enum cm_fetch_result cm_fetch_judge(const struct cm_fetch_request *request,
                                    long status, const char *type,
                                    struct cm_detail *detail);

#endif
