#include "crl_voices.h"

#include <stdlib.h>
#include <string.h>

#include "crl_coverage.h"

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

static bool
add_voices(struct cm_crl_voices *voices, const struct cm_crl_voice *says,
           size_t count, const struct cm_crl_standing *standing)
{
    struct cm_crl_heard *list;

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
        const struct cm_crl_standing *standing, struct cm_crl_voices *voices)
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
            struct cm_crl_voices *voices)
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

static bool
lists(const struct records *records)
{
    for (size_t i = 0; i < records->count; i++) {
        if (records->list[i].listing == CM_CRL_LISTED)
            return true;
    }
    return false;
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
            const struct cm_crl_signer *signer, struct cm_crl_voices *voices)
{
    struct cm_crl_standing standing;
    struct records records;

    read_crls(inquiry, asked, signer->trusted,
              signer->same_name && !signer->crls_only, &records);
    if (records.count > 0) {
        cm_crl_signer_standing(inquiry, asked, signers, signer, &standing);
        /* OpenSSL tells a lack of memory as a bad signature.  No listing is
         * set aside for one that passes. */
        if (standing.kind == CM_CRL_STANDS_NOT && lists(&records))
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
prefer_issuer(struct cm_crl_voices *voices, size_t own, size_t first)
{
    unsigned reasons = 0;

    for (size_t i = 0; i < own; i++)
        reasons |= voices->list[i].says.reasons;
    for (size_t i = first; i < voices->count; i++)
        voices->list[i].says.reasons &= ~reasons;
}

void
cm_crl_voices_hear(struct cm_crl_inquiry *inquiry,
                   const struct cm_crl_asked *asked,
                   struct cm_crl_voices *voices)
{
    struct cm_crl_signers signers;
    size_t own, first;

    memset(voices, 0, sizeof(*voices));
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
