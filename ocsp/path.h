/*
 * Certification paths (RFC 5280 section 6) and NTAuth membership.
 */
#ifndef CM_PATH_H
#define CM_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "detail.h"
#include "policy.h"
#include "reason.h"
#include "text.h"
#include "trust.h"

enum {
    CM_PATH_MAX_LENGTH = 10,     /* certificates, leaf and anchor included */
    CM_PATH_MAX_CANDIDATES = 64, /* whole paths verified for one leaf */
    CM_PATH_MAX_STEPS = 2048,    /* candidate issuers looked at */
    CM_PATH_MAX_EXTRA = 32       /* untrusted certificates from a client */
};

struct cm_path_rules {
    int64_t now;      /* seconds since 1970 */
    int min_rsa_bits; /* the floor for every certificate in the path */
    bool require_ntauth;

    /* RFC 5280 section 6.1.1 (c), (e), (f), (g).  Empty: any-policy. */
    const struct cm_text_list *initial_policies;
    bool explicit_policy;
    bool inhibit_policy_mapping;
    bool inhibit_any_policy;

    /* Untrusted helpers beside the snapshot's intermediates. */
    X509 *const *extra;
    size_t extra_count;
};

/* One verified path.  References its certificates. */
struct cm_path {
    X509 *certs[CM_PATH_MAX_LENGTH]; /* leaf first, anchor last */
    size_t count;
    uint8_t issuer_spki_sha256[32]; /* of the issuing CA's key; zeros in a
                                     * path of one */
    /* The NTAuth certificates with that key; none: not on the list. */
    struct cm_thumbprint *ntauth; /* SHA-1 and SHA-256 of each */
    size_t ntauth_count;
    /* The valid policy set, dotted OIDs without anyPolicy. */
    struct cm_text_list policies;
};

void cm_path_clear(struct cm_path *path);

/*
 * What a caller demands of a path beyond RFC 5280 and NTAuth, such as
 * revocation status.  CM_OK accepts it; any other reason makes the search go
 * on, and is reported if no path is accepted.
 */
typedef enum cm_reason (*cm_path_judge)(void *context,
                                        const struct cm_path *path,
                                        struct cm_detail *detail);

/*
 * Looks for a path from leaf to an anchor of the snapshot, trying every
 * candidate issuer in every list within the bounds above; the order of files
 * and certificates never changes the verdict.  An anchor ends a path, self-
 * signed or not.  A leaf that is itself an anchor is a path of one, as
 * `certmap verify` judges it; where an issuing CA is asked for
 * (require_ntauth) it has none and is refused.
 *
 * judge may be NULL.
 *
 * CM_OK: out is filled, the caller clears it.  Otherwise out is zeroed and
 * the reason is that of the candidate that came furthest:
 * CM_PATH_UNTRUSTED, CM_CERT_VALIDITY (only validity of the leaf itself is
 * wrong), CM_CERT_WEAK_CRYPTO, CM_NTAUTH_ABSENT, judge's, CM_NO_MEMORY.
 */
enum cm_reason cm_path_find(const struct cm_snapshot *snapshot, X509 *leaf,
                            const struct cm_path_rules *rules,
                            cm_path_judge judge, void *context,
                            struct cm_path *out, struct cm_detail *detail);

#endif
