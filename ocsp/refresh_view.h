/*
 * How fresh a store is, and what is about to run out: for people, for JSON,
 * and for exit codes.  Reads only.
 */
#ifndef CM_REFRESH_VIEW_H
#define CM_REFRESH_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "refresh_sources.h"
#include "refresh_state.h"

enum {
    CM_REFRESH_MAX_ALARMS = 256 /* more are counted, not listed */
};

/* One CRL of the store. */
struct cm_view_crl {
    uint8_t spki[32];
    uint8_t scope[32];
    char *issuer; /* owned; for people */
    bool delta;
    bool partial; /* it speaks of some certificates or reasons only */
    char *number; /* owned; hex; NULL: none */
    size_t entries;
    struct cm_refresh_window window;
    enum cm_refresh_health health;
    /* Where it came from; NULL: by hand. */
    const struct cm_refresh_state *source;
    bool needed; /* its end is somebody's loss */
};

/* The OCSP answers about what one CA has issued. */
struct cm_view_answers {
    size_t asked;    /* certificates that name a responder */
    size_t current;  /* have a current answer */
    size_t missing;  /* have none */
    int64_t oldest;  /* thisUpdate of the oldest current one; 0: none */
    int64_t soonest; /* end of the one that ends first; 0: none */
};

/* One CA key, for all realms of the store together. */
struct cm_view_ca {
    uint8_t spki[32];
    char *name; /* owned; RFC 4514 */
    struct cm_text_list realms;
    bool logon, required;
    bool asks_crl, asks_ocsp;
    size_t cards;   /* certificates of its own that logged in */
    size_t urls;    /* where its CRLs are looked for */
    size_t skipped; /* URLs of schemes that are not fetched */
    bool has_responder;
    bool crl_current; /* a complete CRL, for every certificate */
    struct cm_view_answers answers;
    /* Certificates that neither a CRL nor an answer says anything current
     * about, and those whose answers are in their last quarter. */
    size_t uncovered, ending;
};

/* The certificate of a realm's KDC, and the response that is stapled. */
struct cm_view_own {
    char *realm, *subject; /* owned */
    bool asked;            /* it, or an issuer block, names a responder */
    bool revoked;          /* by whatever the store has */
    struct cm_refresh_window window;
    enum cm_refresh_health health;
};

struct cm_view {
    struct cm_view_ca *cas;
    size_t ca_count;
    struct cm_view_own *own; /* one for each KDC certificate with a path */
    size_t own_count;
    struct cm_view_crl *crls;
    size_t crl_count;
    /* Every URL of the sources that was ever tried, and those that were not
     * yet. */
    struct cm_refresh_state *sources;
    size_t source_count;
    size_t cards;               /* certificates that logged in lately */
    struct cm_text_list alarms; /* for people; clean text */
    size_t alarm_count;
};

/* world->store must not have looked before.  False: no memory; out needs no
 * clearing. */
bool cm_view_make(const struct cm_refresh_world *world,
                  const struct cm_refresh_map *map, struct cm_view *out);
void cm_view_clear(struct cm_view *view);

/* One more alarm.  False: no memory. */
bool cm_view_alarm(struct cm_view *view, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
