/*
 * What several CRLs of one issuer and key say together about one certificate:
 * newer ones replace older ones, deltas change their base (RFC 5280 sections
 * 5.2.3, 5.2.4 and 6.3.3 (c) and (j)).  Pure.
 */
#ifndef CM_CRL_COMBINE_H
#define CM_CRL_COMBINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crl.h"
#include "crl_index.h"

/* One CRL, complete or delta, and what it says about the certificate. */
struct cm_crl_record {
    uint8_t scope[32]; /* cm_crl_coverage_digest() */
    unsigned reasons;  /* cm_crl_coverage_reasons(), not 0 */
    struct cm_crl_number number;
    struct cm_crl_number base; /* present: a delta */
    int64_t this_update;
    bool has_next_update;
    int64_t next_update;
    bool only_revokes; /* it makes nothing good */
    enum cm_crl_listing listing;
    int reason; /* CRLReason where listed */
};

/* What a complete CRL says once its deltas are applied. */
struct cm_crl_voice {
    bool unreadable;  /* it could say anything */
    unsigned reasons; /* that it decides; 0: it can revoke and nothing else,
                       * as a delta without its base */
    bool revoked;
    int reason;
    int64_t this_update; /* of the newest CRL that took part */
    /* Until when it can be relied on.  A delta is proof that its base is still
     * all there is before it, so a base lasts as long as its deltas. */
    bool has_next_update;
    int64_t next_update;
};

/*
 * Records of other scopes stand side by side; those not yet valid at `now`
 * (skew CM_STATUS_SKEW) are as if they were not there.
 *
 * A CRL is replaced by a newer complete one of its scope that can be read.
 * CRLs whose numbers and times contradict each other stay side by side: any of
 * them revokes.  A delta applies to a complete CRL whose number is neither
 * below its base nor above its own; an entry in it overrides the complete CRL,
 * but removeFromCRL lifts a hold only, and only while the delta is current.  A
 * delta that applies to nothing revokes all the same.
 *
 * voices has room for count of them; returns how many there are.  Sorts the
 * records.
 */
size_t cm_crl_combine(struct cm_crl_record *records, size_t count, int64_t now,
                      struct cm_crl_voice *voices);

#endif
