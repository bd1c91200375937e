#include "crl_status.h"

#include <stdlib.h>
#include <string.h>

#include "chain.h"
#include "crl_combine.h"
#include "crl_signer.h"
#include "crl_coverage.h"

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

bool
cm_status_has_time(const struct cm_status *status)
{
    return status->source == CM_SOURCE_CRL || status->source == CM_SOURCE_OCSP;
}

/* ---- What one key's CRLs say ---- */

struct records {
    struct cm_crl_inquiry *inquiry;
    const struct cm_crl_asked *asked;
    const X509_NAME *issuer; /* of the CRLs */
    bool named_only;         /* those from elsewhere make nothing good */
    struct cm_crl_record *list;
    size_t count;
};

static bool
add_record(struct records *records, const struct cm_crl_record *record)
{
    struct cm_crl_record *list;

    list = reallocarray(records->list, records->count + 1,
                        sizeof(*records->list));
    if (list == NULL)
        return false;
    records->list = list;
    list[records->count++] = *record;
    return true;
}

/* Writes down what one CRL says.  False: stop. */
static bool
visit_index(void *context, struct cm_crl_index *index)
{
    struct records *records = context;
    const struct cm_crl_target *target = &records->asked->target;
    const struct cm_crl_facts *facts = cm_crl_index_facts(index);
    struct cm_crl_record record = {0};

    if (records->inquiry->looked_at == CM_STATUS_MAX_CRLS) {
        records->inquiry->gave_up = true;
        return false;
    }
    records->inquiry->looked_at++;
    if (X509_NAME_cmp(facts->issuer, records->issuer) != 0)
        return true;
    record.reasons =
        cm_crl_coverage_reasons(target, facts->issuer, &facts->scope);
    if (record.reasons == 0)
        return true;
    record.only_revokes = records->named_only &&
                          !cm_crl_coverage_is_named(target, &facts->scope);
    record.number = facts->number;
    record.base = facts->base;
    record.this_update = facts->this_update;
    record.has_next_update = facts->has_next_update;
    record.next_update = facts->next_update;
    record.listing = cm_crl_index_find(index, target->issuers[0],
                                       target->serial, &record.reason);
    if (cm_crl_coverage_digest(&facts->scope, record.scope) &&
        add_record(records, &record))
        return true;
    records->inquiry->gave_up = true;
    return false;
}

/* A voice, and how far its issuer can be believed. */
struct voice {
    struct cm_crl_voice says;
    struct cm_crl_standing standing;
};

struct voices {
    struct voice *list;
    size_t count;
};

static bool
add_voices(struct voices *voices, const struct cm_crl_voice *says,
           size_t count, const struct cm_crl_standing *standing)
{
    struct voice *list;

    list = reallocarray(voices->list, voices->count + count,
                        sizeof(*voices->list));
    if (list == NULL)
        return false;
    voices->list = list;
    for (size_t i = 0; i < count; i++) {
        list[voices->count].says = says[i];
        list[voices->count++].standing = *standing;
    }
    return true;
}

/* Combines the records of one key.  False: no memory. */
static bool
combine(struct records *records, int64_t now,
        const struct cm_crl_standing *standing, struct voices *voices)
{
    struct cm_crl_voice *says;
    size_t count;
    bool ok;

    if (records->count == 0)
        return true;
    says = calloc(records->count, sizeof(*says));
    if (says == NULL)
        return false;
    count = cm_crl_combine(records->list, records->count, now, says);
    ok = count == 0 || add_voices(voices, says, count, standing);
    free(says);
    return ok;
}

static void
read_crls(struct cm_crl_inquiry *inquiry, const struct cm_crl_asked *asked,
          const struct cm_trusted *signer, bool named_only,
          struct records *out)
{
    memset(out, 0, sizeof(*out));
    out->named_only = named_only;
    out->inquiry = inquiry;
    out->asked = asked;
    out->issuer = X509_get_subject_name(signer->x509);
    if (inquiry->gave_up)
        return;
    if (!inquiry->crls->each(inquiry->crls->context, signer->spki_sha256,
                             visit_index, out))
        inquiry->gave_up = true;
}

/* The CRLs of the issuing key itself; they need no further proof. */
static void
hear_issuer(struct cm_crl_inquiry *inquiry, const struct cm_crl_asked *asked,
            struct voices *voices)
{
    const struct cm_crl_standing standing = {.kind = CM_CRL_STANDS};
    struct records records;

    if (!cm_crl_may_sign(asked->issuer.x509))
        return;
    read_crls(inquiry, asked, &asked->issuer, false, &records);
    if (!combine(&records, inquiry->rules->now, &standing, voices))
        inquiry->gave_up = true;
    free(records.list);
}

/*
 * The CRLs of another key; nobody looks for its path if it has none.
 *
 * A CA with several keys for certificates may publish one CRL for each, which
 * knows nothing of the others' certificates (Windows' CA does so), or one for
 * all.  So such a key's CRL makes a certificate of another good only if it
 * says that it is from where the certificate's CRLs are, or the certificate
 * does not say where that is.
 */
static void
hear_signer(struct cm_crl_inquiry *inquiry, const struct cm_crl_asked *asked,
            const struct cm_crl_signers *signers,
            const struct cm_crl_signer *signer, struct voices *voices)
{
    struct cm_crl_standing standing;
    struct records records;

    read_crls(inquiry, asked, signer->trusted,
              signer->same_name && !signer->crls_only, &records);
    if (records.count > 0) {
        cm_crl_signer_standing(inquiry, asked, signers, signer, &standing);
        if (standing.kind != CM_CRL_STANDS_NOT &&
            !combine(&records, inquiry->rules->now, &standing, voices))
            inquiry->gave_up = true;
    }
    free(records.list);
}

/* Where the issuing key speaks for itself, expired or not, other keys of the
 * CA can add a revocation but not make the certificate good. */
static void
prefer_issuer(struct voices *voices, size_t own, size_t first)
{
    unsigned reasons = 0;

    for (size_t i = 0; i < own; i++)
        reasons |= voices->list[i].says.reasons;
    for (size_t i = first; i < voices->count; i++)
        voices->list[i].says.reasons &= ~reasons;
}

static void
hear_all(struct cm_crl_inquiry *inquiry, const struct cm_crl_asked *asked,
         struct voices *voices)
{
    struct cm_crl_signers signers;
    size_t own, first;

    hear_issuer(inquiry, asked, voices);
    own = voices->count;
    if (!cm_crl_signers_find(inquiry, asked, &signers)) {
        inquiry->gave_up = true;
        return;
    }
    for (size_t i = 0; i < signers.count; i++) {
        first = voices->count;
        hear_signer(inquiry, asked, &signers, &signers.list[i], voices);
        if (signers.list[i].same_name)
            prefer_issuer(voices, own, first);
    }
    cm_crl_signers_clear(&signers);
}

/* ---- The verdict ---- */

/* A voice lasts no longer than the proof that its issuer is good. */
static void
limit_by_standing(struct voice *voice)
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
    const struct cm_crl_voice *a = &((const struct voice *)left)->says;
    const struct cm_crl_voice *b = &((const struct voice *)right)->says;

    if (a->has_next_update != b->has_next_update)
        return a->has_next_update ? -1 : 1;
    if (a->has_next_update && a->next_update != b->next_update)
        return a->next_update > b->next_update ? -1 : 1;
    return (b->this_update > a->this_update) -
           (b->this_update < a->this_update);
}

/* A final revocation says more than a hold. */
static bool
find_revocation(const struct voices *voices, struct cm_status *out)
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
has_unreadable(const struct voices *voices)
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
cover_reasons(struct voices *voices, struct cm_status *out)
{
    const struct voice *voice;
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
         const struct cm_crl_asked *asked, struct voices *voices,
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
    struct voices voices = {NULL, 0};
    X509 *cert = path->certs[position];

    memset(out, 0, sizeof(*out));
    if (depth > CM_STATUS_MAX_DEPTH) {
        cm_chain_blame(cert, "too many CRL issuers depend on each other",
                       &out->detail);
        return;
    }
    if (!cm_crl_target_init(cert, &asked.target)) {
        cm_chain_blame(cert, "its CRL distribution points cannot be used",
                       &out->detail);
        return;
    }
    if (cm_trusted_init(&asked.issuer, path->certs[position + 1]))
        hear_all(inquiry, &asked, &voices);
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
