/*
 * What is to be kept fresh: the CAs whose word counts in some realm, and where
 * they publish it.
 *
 * CAs: those of the NTAuth list, unless their realm does not ask about
 * revocation, and every CA above them up to an anchor.  URLs: the
 * configuration's, else those of certificates that the CA has issued and that
 * lead to an anchor (CA certificates) or to the NTAuth list and an anchor
 * (certificates that logged in).  A certificate that leads nowhere names
 * nothing.  Beside them, the KDC's own certificate, for its OCSP response
 * alone: its CA need not be on the NTAuth list.
 */
#ifndef CM_REFRESH_SOURCES_H
#define CM_REFRESH_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "path.h"
#include "refresh_urls.h"
#include "revocation_settings.h"
#include "store.h"

enum {
    CM_REFRESH_MAX_GROUPS = 1024 /* of one CA, from certificates */
};

/* One realm that keeps its revocation data in the store.  All borrowed. */
struct cm_refresh_realm {
    const char *name;
    const struct cm_snapshot *snapshot;
    int min_rsa_bits;
    const struct cm_http_settings *http;
    /* As cm_settings_rules_for(). */
    bool (*rules_for)(void *context, const uint8_t spki[32],
                      struct cm_issuer_rules *out);
    void *context;
    /* Not NULL: this one stands for the certificate of the realm's KDC and
     * for nothing else; snapshot says what may lead from it to an anchor. */
    X509 *own;
};

/* One store and its realms.  All borrowed. */
struct cm_refresh_world {
    const char *path; /* of the store */
    struct cm_store *store;
    const struct cm_refresh_realm *realms;
    size_t realm_count;
    int64_t now;
};

/* One CA key in one realm. */
struct cm_refresh_ca {
    const struct cm_refresh_realm *realm;
    X509 *cert; /* owned; one of those with the key */
    uint8_t spki[32];
    bool logon;    /* it may issue logon certificates */
    bool required; /* something below it is refused without its word */
    struct cm_issuer_rules rules; /* owned */
    bool asks_crl, asks_ocsp;     /* revocation_sources */
    /* Where its CRLs are.  configured: by crl_url, not by certificates. */
    bool configured;
    struct cm_url_groups crls;
    struct cm_url_groups deltas;
    /* Some certificate, or the configuration, names a responder. */
    bool has_responder;
    /* Responders of other schemes; CRLs' are in crls and deltas. */
    struct cm_text_list skipped;
    size_t cards; /* certificates of its own that logged in */
};

/* A CA certificate that may stand in a path. */
struct cm_refresh_member {
    const struct cm_refresh_realm *realm;
    X509 *cert; /* owned */
};

struct cm_refresh_map {
    struct cm_refresh_ca *cas;
    size_t count;
    struct cm_refresh_member *members; /* of all realms */
    size_t member_count;
};

/* False: no memory; out needs no clearing. */
bool cm_refresh_map_make(const struct cm_refresh_world *world,
                         struct cm_refresh_map *out);
void cm_refresh_map_clear(struct cm_refresh_map *map);

/* The CA of that key; NULL: nothing is asked of it. */
struct cm_refresh_ca *cm_refresh_ca_find(const struct cm_refresh_map *map,
                                         const struct cm_refresh_realm *realm,
                                         const uint8_t spki[32]);

/* A certificate whose status is kept fresh, with its verified path. */
struct cm_refresh_card {
    const struct cm_refresh_ca *issuer;
    const struct cm_path *path; /* its certificate is the first */
    bool seen;                  /* it logged in */
    bool own;                   /* the KDC's; neither: a CA certificate */
};

/* Calls visit with every one, CA certificates first, then KDCs', until it
 * returns false.
 * False: it did, or no memory. */
bool cm_refresh_each_card(const struct cm_refresh_world *world,
                          const struct cm_refresh_map *map,
                          bool (*visit)(void *context,
                                        const struct cm_refresh_card *card),
                          void *context);

/* The rules by which its path was verified. */
struct cm_path_rules
cm_refresh_path_rules(const struct cm_refresh_realm *realm, int64_t now);

/* Does the source stand among them? */
bool cm_refresh_asks(const struct cm_issuer_rules *rules,
                     enum cm_status_source source);

#endif
