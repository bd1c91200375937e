/*
 * What an administrator says about revocation, for logins and for the
 * refresher alike.
 */
#ifndef CM_REVOCATION_SETTINGS_H
#define CM_REVOCATION_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "crl_status.h"
#include "revocation.h"
#include "text.h"

enum {
    CM_RULES_SOURCES = 2,     /* crl, ocsp */
    CM_RULES_MAX_URLS = 64,   /* of one kind */
    CM_RULES_MAX_RESPONDERS = /* certificates of responders */
    CM_OCSP_MAX_CERTIFICATES
};

/* How the status of what one CA key has issued is fetched and judged. */
struct cm_issuer_rules {
    enum cm_revocation_mode mode;
    int64_t stale_grace; /* seconds */
    /* Answers that the store lacks are fetched in this order; a source that
     * is not there is not asked. */
    enum cm_status_source sources[CM_RULES_SOURCES];
    size_t source_count;
    struct cm_text_list crl_urls;  /* none: those in certificates (CDP) */
    struct cm_text_list ocsp_urls; /* none: those in certificates (AIA) */
    /* Certificates of responders that need no delegation by the CA. */
    X509 **responders;
    size_t responder_count;
    /* URLs in this CA's certificates may lead to private addresses. */
    bool allow_private_addresses;
};

/* A copy of its own, X509 objects referenced.  False: no memory; out is
 * zeroed. */
bool cm_issuer_rules_copy(const struct cm_issuer_rules *rules,
                          struct cm_issuer_rules *out);
void cm_issuer_rules_clear(struct cm_issuer_rules *rules);

/* How the network is reached. */
struct cm_http_settings {
    char *proxy;                     /* http://host:port, or NULL: none */
    struct cm_text_list proxy_hosts; /* for URLs in certificates */
    char *ca_file;                   /* for https; NULL: the system's */
};

void cm_http_settings_clear(struct cm_http_settings *http);

#endif
