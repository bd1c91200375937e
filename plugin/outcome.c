#include "authorize.h"

#include <stdlib.h>
#include <string.h>

static void
revocation_clear(struct cm_revocation_outcome *revocation)
{
    for (size_t i = 0; i < revocation->count; i++)
        X509_free(revocation->asked[i].cert);
    memset(revocation, 0, sizeof(*revocation));
}

void
cm_outcome_set_revocation(struct cm_outcome *outcome,
                          enum cm_revocation_mode mode,
                          const struct cm_path *path,
                          const struct cm_revocation_result *result,
                          const struct cm_detail *detail)
{
    struct cm_revocation_outcome *revocation = &outcome->revocation;
    struct cm_asked *asked;

    revocation_clear(revocation);
    revocation->mode = mode;
    revocation->checked = result->current;
    revocation->override_used = result->override_used;
    revocation->detail = *detail;
    for (size_t i = 0; i < result->count && i < path->count; i++) {
        if (X509_up_ref(path->certs[i]) != 1)
            continue;
        asked = &revocation->asked[revocation->count++];
        asked->cert = path->certs[i];
        asked->status = result->status[i];
    }
}

const char *
cm_outcome_softening(const struct cm_outcome *outcome)
{
    const struct cm_revocation_outcome *revocation = &outcome->revocation;

    if (outcome->reason != CM_OK || revocation->checked)
        return NULL;
    if (revocation->override_used)
        return "override";
    switch (revocation->mode) {
    case CM_REVOCATION_OFF:
        return "revocation=off";
    case CM_REVOCATION_SOFT:
        return "revocation=soft";
    case CM_REVOCATION_REQUIRE:
        return "stale_grace";
    }
    return "stale_grace";
}

void
cm_outcome_clear(struct cm_outcome *outcome)
{
    free(outcome->account);
    cm_text_list_clear(&outcome->indicators);
    revocation_clear(&outcome->revocation);
    cm_certificate_clear(&outcome->certificate);
    memset(outcome, 0, sizeof(*outcome));
    outcome->reason = CM_INTERNAL;
}
