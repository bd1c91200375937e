#include "crl_status.h"

#include <stdlib.h>
#include <string.h>

#include "chain.h"
#include "crl_coverage.h"
#include "crl_voices.h"

/* ---- Words ---- */

const char *
cm_status_token(enum cm_status_state state)
{
    switch (state) {
    case CM_STATUS_UNKNOWN:
        break;
    case CM_STATUS_GOOD:
        return "good";
    case CM_STATUS_STALE:
        return "stale";
    case CM_STATUS_REVOKED:
        return "revoked";
    }
    return "unknown";
}

const char *
cm_status_source_token(enum cm_status_source source)
{
    switch (source) {
    case CM_SOURCE_NONE:
        break;
    case CM_SOURCE_CRL:
        return "crl";
    case CM_SOURCE_OCSP:
        return "ocsp";
    case CM_SOURCE_DENY:
        return "deny";
    }
    return "none";
}

const char *
cm_status_origin_token(enum cm_status_origin origin)
{
    switch (origin) {
    case CM_ORIGIN_STORE:
        return "store";
    case CM_ORIGIN_FETCHED:
        return "fetched";
    case CM_ORIGIN_STAPLED:
        return "stapled";
    }
    return "store";
}

bool
cm_status_has_time(const struct cm_status *status)
{
    return status->source == CM_SOURCE_CRL || status->source == CM_SOURCE_OCSP;
}

/* ---- The verdict ---- */

/* A voice lasts no longer than the proof that its issuer is good. */
static void
limit_by_standing(struct cm_crl_heard *voice)
{
    const struct cm_crl_standing *standing = &voice->standing;

    if (!standing->bounded)
        return;
    if (!standing->has_next_update)
        voice->says.has_next_update = false;
    else if (voice->says.has_next_update &&
             standing->next_update < voice->says.next_update)
        voice->says.next_update = standing->next_update;
}

/* The longest-lasting first. */
static int
by_end(const void *left, const void *right)
{
    const struct cm_crl_voice *a = &((const struct cm_crl_heard *)left)->says;
    const struct cm_crl_voice *b = &((const struct cm_crl_heard *)right)->says;

    if (a->has_next_update != b->has_next_update)
        return a->has_next_update ? -1 : 1;
    if (a->has_next_update && a->next_update != b->next_update)
        return a->next_update > b->next_update ? -1 : 1;
    return (b->this_update > a->this_update) -
           (b->this_update < a->this_update);
}

/* A final revocation says more than a hold. */
static bool
find_revocation(const struct cm_crl_voices *voices, struct cm_status *out)
{
    const struct cm_crl_voice *worst = NULL, *says;

    for (size_t i = 0; i < voices->count; i++) {
        says = &voices->list[i].says;
        if (says->revoked &&
            (worst == NULL || worst->reason == CM_CRL_CERTIFICATE_HOLD))
            worst = says;
    }
    if (worst == NULL)
        return false;
    out->state = CM_STATUS_REVOKED;
    out->source = CM_SOURCE_CRL;
    out->reason = worst->reason;
    out->this_update = worst->this_update;
    out->has_next_update = worst->has_next_update;
    out->next_update = worst->next_update;
    return true;
}

static bool
has_unreadable(const struct cm_crl_voices *voices)
{
    for (size_t i = 0; i < voices->count; i++) {
        if (voices->list[i].says.unreadable)
            return true;
    }
    return false;
}

static void
take_into(const struct cm_crl_voice *says, bool first, struct cm_status *out)
{
    if (first || says->this_update < out->this_update)
        out->this_update = says->this_update;
    /* Voices come in the order of their ends: this one ends soonest. */
    out->has_next_update = says->has_next_update;
    out->next_update = says->has_next_update ? says->next_update : 0;
}

/* Takes CRLs, the longest-lasting first, until they cover every reason;
 * returns which reasons they cover. */
static unsigned
cover_reasons(struct cm_crl_voices *voices, struct cm_status *out)
{
    const struct cm_crl_heard *voice;
    unsigned covered = 0;

    if (voices->count == 0)
        return 0;
    qsort(voices->list, voices->count, sizeof(*voices->list), by_end);
    for (size_t i = 0; i < voices->count && covered != CM_CRL_ALL_REASONS;
         i++) {
        voice = &voices->list[i];
        if (voice->standing.kind < CM_CRL_STANDS_STALE ||
            (voice->says.reasons & ~covered) == 0)
            continue;
        take_into(&voice->says, covered == 0, out);
        covered |= voice->says.reasons;
    }
    return covered;
}

static void
conclude(const struct cm_crl_inquiry *inquiry,
         const struct cm_crl_asked *asked, struct cm_crl_voices *voices,
         struct cm_status *out)
{
    struct cm_status answer = {.source = CM_SOURCE_CRL};
    X509 *cert = asked->target.cert;
    unsigned covered;

    for (size_t i = 0; i < voices->count; i++)
        limit_by_standing(&voices->list[i]);
    if (find_revocation(voices, out)) {
        cm_chain_blame(cert, cm_crl_reason_token(out->reason), &out->detail);
        return;
    }
    covered = cover_reasons(voices, &answer);
    out->incomplete = inquiry->gave_up || has_unreadable(voices);
    if (inquiry->gave_up) {
        cm_chain_blame(cert, "gave up before all its CRLs were read",
                       &out->detail);
    } else if (has_unreadable(voices)) {
        cm_chain_blame(cert, "a CRL about it cannot be read", &out->detail);
    } else if (covered == 0) {
        cm_chain_blame(cert, "no CRL that counts speaks about it",
                       &out->detail);
    } else if (covered != CM_CRL_ALL_REASONS) {
        cm_chain_blame(cert, "its CRLs do not cover every reason",
                       &out->detail);
    } else if (!answer.has_next_update ||
               inquiry->rules->now >= answer.next_update) {
        *out = answer;
        out->state = CM_STATUS_STALE;
        cm_chain_blame(cert, "its CRL has expired", &out->detail);
    } else {
        *out = answer;
        out->state = CM_STATUS_GOOD;
    }
}

void
cm_crl_ask(struct cm_crl_inquiry *inquiry, const struct cm_path *path,
           size_t position, unsigned depth, struct cm_status *out)
{
    struct cm_crl_asked asked = {
        .path = path, .position = position, .depth = depth};
    struct cm_crl_voices voices = {NULL, 0};
    X509 *cert = path->certs[position];

    memset(out, 0, sizeof(*out));
    if (depth > CM_STATUS_MAX_DEPTH) {
        cm_chain_blame(cert, "too many CRL issuers depend on each other",
                       &out->detail);
        return;
    }
    if (!cm_crl_target_init(cert, &asked.target)) {
        out->incomplete = true;
        cm_chain_blame(cert, "its CRL distribution points cannot be used",
                       &out->detail);
        return;
    }
    if (cm_trusted_init(&asked.issuer, path->certs[position + 1]))
        cm_crl_voices_hear(inquiry, &asked, &voices);
    else
        inquiry->gave_up = true;
    conclude(inquiry, &asked, &voices, out);
    free(voices.list);
    cm_trusted_clear(&asked.issuer);
    cm_crl_target_clear(&asked.target);
}

void
cm_crl_status(const struct cm_crl_question *question, struct cm_status *out)
{
    struct cm_crl_inquiry inquiry = {
        .snapshot = question->snapshot,
        .rules = question->rules,
        .crls = question->crls,
    };

    cm_crl_ask(&inquiry, question->path, question->position, 0, out);
}
