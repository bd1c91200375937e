/*
 * What a set of CRLs says about one certificate (RFC 5280 section 6.3.3).
 */
#ifndef CM_CRL_STATUS_H
#define CM_CRL_STATUS_H

#include "crl_index.h"
#include "path.h"

/* Names one source for logs and JSON: "crl" or "ocsp". */
enum cm_status_source {
    CM_SOURCE_NONE,
    CM_SOURCE_CRL,
    CM_SOURCE_OCSP,
    CM_SOURCE_DENY
};

/* How an answer came to us. */
enum cm_status_origin {
    CM_ORIGIN_STORE,   /* or files that were named */
    CM_ORIGIN_FETCHED, /* asked for by this login */
    CM_ORIGIN_STAPLED  /* sent by the client */
};

enum cm_status_state {
    CM_STATUS_UNKNOWN, /* nobody says anything current */
    CM_STATUS_GOOD,
    CM_STATUS_STALE,  /* not listed, but what says so has expired */
    CM_STATUS_REVOKED /* or on hold */
};

/* "good", "stale", "revoked", "unknown". */
const char *cm_status_token(enum cm_status_state state);
/* "crl", "ocsp", "deny", "none". */
const char *cm_status_source_token(enum cm_status_source source);
/* "store", "fetched", "stapled". */
const char *cm_status_origin_token(enum cm_status_origin origin);

/* The status of one certificate, from one or several sources. */
struct cm_status {
    enum cm_status_state state;
    enum cm_status_source source;
    enum cm_status_origin origin;
    int reason; /* CRLReason where revoked */
    int64_t this_update;
    bool has_next_update;
    int64_t next_update;
    /* Memory was short, or a CRL or response could not be read, or a response
     * that says "revoked" was refused: what is missing might have been a
     * revocation.  It matters for what was believed when it was stored. */
    bool incomplete;
    struct cm_detail detail;
};

/*
 * Adds what another source says: revoked by any of them, else good by one
 * (the newer thisUpdate is kept), else stale (the later end is kept), else
 * unknown, with what each said in the detail.
 */
void cm_status_combine(struct cm_status *status,
                       const struct cm_status *other);

/* A CRL and a response say since when they hold; the deny list does not, nor
 * does nobody. */
bool cm_status_has_time(const struct cm_status *status);

enum {
    CM_STATUS_SKEW = 300,     /* seconds; for thisUpdate and producedAt */
    CM_STATUS_MAX_DEPTH = 3,  /* CRL issuers whose own status is asked */
    CM_STATUS_MAX_CRLS = 1024 /* CRLs looked at for one certificate */
};

/*
 * Where CRLs come from: the store, or files given to `certmap verify`.
 * Calls visit with every index whose CRL was verified by the key with this
 * SHA-256 of its SPKI, in any order, until visit returns false.  False: not
 * all were visited; then nothing is good.
 */
struct cm_crl_provider {
    bool (*each)(void *context, const uint8_t spki[32],
                 bool (*visit)(void *visit_context,
                               struct cm_crl_index *index),
                 void *visit_context);
    void *context;
};

struct cm_crl_question {
    const struct cm_path *path; /* verified */
    size_t position;            /* of the certificate in it; not the anchor */
    const struct cm_snapshot *snapshot; /* for CRL issuers' own paths */
    const struct cm_path_rules *rules;  /* now and the floor */
    const struct cm_crl_provider *crls;
};

/*
 * Which CRLs count: those issued under the certificate's issuer name and
 * signed by the issuing key; or by a key that the CA of that name uses beside
 * it: one that a self-issued certificate links to the issuing key (key
 * rollover), or one whose certificate may sign CRLs and not certificates; or,
 * where the certificate's distribution point names a cRLIssuer, indirect CRLs
 * of that issuer.  Every CRL issuer other than the issuing key itself needs a
 * path of its own to the same anchor, with cRLSign, and a status of its own:
 * revoked, its CRLs count for nothing; unknown, they revoke but make nothing
 * good; good or expired, its status bounds theirs.
 *
 * One name alone is never enough: two CAs of one name keep their CRLs apart.
 * A key is linked by the issuing key's word, by that of the key above the
 * issuing one in the path, or by both bearing one name below one issuer;
 * nobody's claim to be another's next key is taken on its own.  Where the
 * issuing key has published a CRL, expired or not, other keys of the name add
 * revocations only; likewise a rollover key's CRL that does not say that it
 * is from the distribution point of a certificate that has one: a CA may
 * publish a CRL for each of its keys (Windows' CA does).
 *
 * Scope, distribution points, reason codes, base and delta are combined as
 * RFC 5280 section 6.3.3 asks; only when current CRLs cover every reason and
 * none lists the certificate is it good.  Any CRL that lists it, stale ones
 * too, makes it revoked, unless a newer complete CRL of the same key and scope
 * replaces it; a current delta's removeFromCRL lifts a hold that its base
 * holds.  A delta with its base is as current as the delta.  A CRL that is
 * not yet valid is as if it were not there.  Where one that counts cannot be
 * read, or not every one could be looked at, within the bounds or for lack of
 * memory, nothing is good.
 *
 * this_update is that of the oldest CRL that the answer needs, next_update
 * the end of the first that ends.
 */
void cm_crl_status(const struct cm_crl_question *question,
                   struct cm_status *out);

#endif
