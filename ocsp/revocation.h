/*
 * Step 4 of a login: is any certificate of the path revoked, and does
 * anything current say that it is not?
 */
#ifndef CM_REVOCATION_H
#define CM_REVOCATION_H

#include "crl_status.h"
#include "ocsp.h"
#include "path.h"
#include "status.h"
#include "store.h"

enum cm_revocation_mode {
    CM_REVOCATION_REQUIRE, /* a current good answer, or refuse */
    CM_REVOCATION_SOFT,    /* refuse what is revoked */
    CM_REVOCATION_OFF      /* only the deny list */
};

struct cm_revocation_policy {
    enum cm_revocation_mode mode;
    int64_t stale_grace; /* seconds after nextUpdate, for unlisted serials */
    X509 *const *responders; /* configured for the issuing CA */
    size_t responder_count;
};

/* What was found, leaf first; the anchor is not asked about. */
struct cm_revocation_result {
    struct cm_status status[CM_PATH_MAX_LENGTH];
    size_t count;
    bool current; /* every one is CM_STATUS_GOOD */
    /* An override let it through: to be logged in the login's line. */
    bool override_used;
};

/* Everything that is asked about one path.  All borrowed. */
struct cm_revocation_question {
    struct cm_store *store;
    const struct cm_path *path;
    const struct cm_snapshot *snapshot;
    const struct cm_path_rules *rules;
    const struct cm_revocation_policy *policy;
    const struct cm_extra_responses *extra; /* beside the store's; NULL */
};

/*
 * The deny list first, in every mode, for every certificate of the path; `off`
 * ends there.  Then everything that the store and extra hold about each
 * certificate below the anchor is read: revoked by any valid source refuses;
 * else one current good answer suffices; `require` takes a stale one within
 * stale_grace; `soft`, chosen or by an override, takes anything.
 *
 * Something in the store that may say "revoked" and cannot be believed (a
 * damaged index, a foreign owner) refuses in `require` and `soft`: until it
 * is repaired nobody knows whether the certificate was on it.  So does a lack
 * of memory.
 *
 * CM_OK, CM_REVOKED, CM_REVOCATION_UNKNOWN, CM_REVOCATION_UNAVAILABLE (the
 * store or the deny list cannot be believed), CM_NO_MEMORY.  detail: after
 * CM_OK what answered for each certificate and how old it is; else the
 * certificate that refuses, and why.  out needs no clearing.
 */
enum cm_reason
cm_revocation_check(const struct cm_revocation_question *question,
                    int64_t now_ms, struct cm_revocation_result *out,
                    struct cm_detail *detail);

#endif
