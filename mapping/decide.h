/*
 * The decision: does this certificate map to that account, and is the
 * mapping good enough?  ([MS-PKCA] sections 3.1.5.2.1.1 to 3.1.5.2.1.6)
 *
 * A pure function of values: no file, socket, clock or log.  Everything the
 * login gathered goes in, a verdict with its reason comes out.
 */
#ifndef CM_DECIDE_H
#define CM_DECIDE_H

#include "account.h"
#include "certificate.h"
#include "policy.h"

struct cm_evidence {
    const struct cm_certificate *cert; /* passed steps 1 to 4 */
    const struct cm_policy *policy;
    const struct cm_accounts *accounts; /* the directory's whole answer */

    /* Thumbprints of the certificates on the NTAuth list whose key is the
     * issuing key; for name_strong tuples. */
    const struct cm_thumbprint *issuer_thumbprints;
    size_t issuer_thumbprint_count;
};

/* What an administrator should know, beside the reason. */
enum cm_warning {
    CM_WARN_WEAK = 1 << 0,           /* only a weak mapping, let through */
    CM_WARN_PREDATES = 1 << 1,       /* and older than the account */
    CM_WARN_SID_FOREIGN = 1 << 2,    /* SID of another account beside strong */
    CM_WARN_SID_UNCOMPARED = 1 << 3, /* the schema has no SID to compare */
    CM_WARN_MALFORMED_VALUE = 1 << 4 /* the account holds malformed values */
};
enum { CM_WARNING_COUNT = 5 };

/* Static token and text of the warning with bit number index. */
const char *cm_warning_token(unsigned index);
const char *cm_warning_text(unsigned index);

struct cm_verdict {
    enum cm_reason reason;
    enum cm_form form; /* strongest mapping that matched, also on refusal */
    enum cm_strength strength;        /* as it counts: after SID and tuples */
    const struct cm_account *account; /* in evidence->accounts; or NULL */
    unsigned warnings;                /* bits of enum cm_warning */
    struct cm_detail detail;
};

/* Fills the verdict; every path that is not an explicit acceptance refuses. */
void cm_decide(const struct cm_evidence *evidence, struct cm_verdict *out);

#endif
