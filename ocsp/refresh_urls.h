/*
 * Where a certificate says that its status can be asked.
 */
#ifndef CM_REFRESH_URLS_H
#define CM_REFRESH_URLS_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509v3.h>

#include "text.h"

enum {
    CM_REFRESH_MAX_POINTS = 64, /* distribution points of one certificate */
    CM_REFRESH_MAX_NAMES = 16,  /* alternatives of one of them */
    CM_REFRESH_MAX_SKIPPED = 64 /* URLs of other schemes that are named */
};

/* URLs that lead to one and the same thing: one that answers is enough. */
struct cm_url_group {
    struct cm_text_list urls; /* http: and https: only */
};

struct cm_url_groups {
    struct cm_url_group *list;
    size_t count;
    /* URLs of other schemes (ldap:, file:, ftp:), each once. */
    struct cm_text_list skipped;
};

void cm_url_groups_clear(struct cm_url_groups *groups);

/* Appends a group of one, unless it is there.  False: no memory. */
bool cm_url_groups_add(struct cm_url_groups *groups, const char *url);

/* The distribution points of its CRLs, and of their deltas; those that are
 * there already are not added again.  False: no memory. */
bool cm_urls_of_crls(X509 *cert, struct cm_url_groups *out);
bool cm_urls_of_deltas(X509 *cert, struct cm_url_groups *out);
bool cm_urls_of_points(const CRL_DIST_POINTS *points,
                       struct cm_url_groups *out);

/* The OCSP responders of its authority information access; those of other
 * schemes.  What a list has already is not added again.  False: no memory. */
bool cm_urls_of_responders(X509 *cert, struct cm_text_list *out,
                           struct cm_text_list *skipped);

/* Of a URL that may be shown or kept: clean text, http: or https:, not too
 * long. */
bool cm_url_is_http(const char *url);

#endif
