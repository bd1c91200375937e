/*
 * Whose CRLs count for a certificate: the keys beside the issuing one, and
 * how each of them stands.
 */
#ifndef CM_CRL_SIGNER_H
#define CM_CRL_SIGNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crl_coverage.h"
#include "crl_status.h"
#include "path.h"
#include "trusted.h"

enum {
    /* CRL issuers' paths looked for on behalf of one certificate. */
    CM_CRL_MAX_SEARCHES = 64
};

/* What all questions on behalf of one certificate share. */
struct cm_crl_inquiry {
    const struct cm_snapshot *snapshot;
    const struct cm_path_rules *rules;
    const struct cm_crl_provider *crls;
    unsigned looked_at; /* CRLs */
    unsigned searches;  /* paths of CRL issuers */
    bool gave_up;       /* at a bound, or without memory: nothing is good */
};

/* One of these questions: the certificate at a position of a path. */
struct cm_crl_asked {
    const struct cm_path *path;
    size_t position;
    unsigned depth; /* 0: the certificate itself; else on its behalf */
    struct cm_crl_target target;
    struct cm_trusted issuer; /* the next certificate of the path */
};

/* A certificate whose key may have signed CRLs about another. */
struct cm_crl_signer {
    const struct cm_trusted *trusted; /* borrowed */
    /* It bears the name of the certificate's issuer; else that of a cRLIssuer
     * in its distribution points. */
    bool same_name;
    bool crls_only; /* it signs CRLs and no certificates */
};

struct cm_crl_signers {
    struct cm_crl_signer *list;
    size_t count;
    struct cm_trusted_list nearby; /* of the path and the helpers, those that
                                    * bear one of the names */
};

/*
 * Every certificate at hand, each once, that bears one of the names of
 * asked->target and may sign CRLs; not those that merely repeat the issuing
 * CA.  They prove nothing yet.  False: no memory.  The caller clears out.
 */
bool cm_crl_signers_find(const struct cm_crl_inquiry *inquiry,
                         const struct cm_crl_asked *asked,
                         struct cm_crl_signers *out);
void cm_crl_signers_clear(struct cm_crl_signers *signers);

/* May it sign CRLs, being the CA that issued the certificate? */
bool cm_crl_may_sign(X509 *ca);

/* How a CRL issuer stands, best last. */
enum cm_crl_standing_kind {
    CM_CRL_STANDS_NOT,     /* no valid path to the anchor, no link, revoked */
    CM_CRL_STANDS_UNKNOWN, /* no telling whether it is revoked */
    CM_CRL_STANDS_STALE,
    CM_CRL_STANDS
};

struct cm_crl_standing {
    enum cm_crl_standing_kind kind;
    bool bounded; /* until next_update only; it matters if not current */
    bool has_next_update;
    int64_t next_update;
};

/*
 * Looks for the best path of the signer to the anchor of asked->path; a
 * signer of the issuer's own name must be linked to the issuing key by it.
 * Asks about every certificate of the path; a CRL issuer's certificate does
 * not wait for the CRL that it signs itself.
 */
void cm_crl_signer_standing(struct cm_crl_inquiry *inquiry,
                            const struct cm_crl_asked *asked,
                            const struct cm_crl_signers *signers,
                            const struct cm_crl_signer *signer,
                            struct cm_crl_standing *out);

/* The status of the certificate at a position of a path, on behalf of
 * another; depth as in cm_crl_asked.  In crl_status.c. */
void cm_crl_ask(struct cm_crl_inquiry *inquiry, const struct cm_path *path,
                size_t position, unsigned depth, struct cm_status *out);

#endif
