#include "evidence.h"

#include <stdlib.h>
#include <string.h>

void
cm_evidence_init(struct cm_login_evidence *evidence)
{
    memset(evidence, 0, sizeof(*evidence));
    evidence->reason = CM_INTERNAL;
}

void
cm_evidence_clear(struct cm_login_evidence *evidence)
{
    free(evidence->requested);
    cm_principal_clear(&evidence->principal);
    free(evidence->certificate);
    cm_entry_clear(&evidence->kdb_entry);
    free(evidence->beside);
    cm_evidence_init(evidence);
}

bool
cm_evidence_set_certificate(struct cm_login_evidence *evidence,
                            const uint8_t *der, size_t len)
{
    uint8_t *copy;

    if (evidence->certificate != NULL || der == NULL || len == 0)
        return false;
    copy = malloc(len);
    if (copy == NULL)
        return false;
    memcpy(copy, der, len);
    evidence->certificate = copy;
    evidence->certificate_len = len;
    return true;
}

/* Copies one blob to *at, which moves on. */
static struct cm_blob
put(uint8_t **at, struct cm_blob blob)
{
    struct cm_blob copy = {*at, blob.len};

    if (blob.len == 0)
        return (struct cm_blob){NULL, 0};
    memcpy(*at, blob.data, blob.len);
    *at += blob.len;
    return copy;
}

bool
cm_evidence_add_beside(struct cm_login_evidence *evidence,
                       const struct cm_blob *intermediates, size_t count,
                       struct cm_blob staple)
{
    size_t size = staple.len;
    uint8_t *at;

    if (evidence->beside != NULL || count > CM_PATH_MAX_EXTRA)
        return false;
    for (size_t i = 0; i < count; i++)
        size += intermediates[i].len;
    if (size == 0)
        return true;
    at = malloc(size);
    if (at == NULL)
        return false;
    evidence->beside = at;
    for (size_t i = 0; i < count; i++)
        evidence->intermediates[i] = put(&at, intermediates[i]);
    evidence->intermediate_count = count;
    evidence->staple = put(&at, staple);
    return true;
}

void
cm_evidence_login(const struct cm_login_evidence *evidence,
                  struct cm_login *out)
{
    *out = (struct cm_login){
        .certificate = evidence->certificate,
        .certificate_len = evidence->certificate_len,
        .principal =
            evidence->principal.text != NULL ? &evidence->principal : NULL,
        .kdb_entry = evidence->has_kdb_entry ? &evidence->kdb_entry : NULL,
        .intermediates = evidence->intermediates,
        .intermediate_count = evidence->intermediate_count,
        .staple = evidence->staple,
    };
}
