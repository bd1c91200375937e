#include "crl_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crl_parts.h"
#include "name.h"
#include "trusted.h"

struct indexed {
    uint8_t spki[32];
    struct cm_crl_index *index;
};

struct cm_crl_files {
    const struct cm_snapshot *snapshot;
    struct cm_trusted_list beside;
    struct indexed *list;
    size_t count;
    struct cm_crl_provider provider;
};

static bool
each_index(void *context, const uint8_t spki[32],
           bool (*visit)(void *visit_context, struct cm_crl_index *index),
           void *visit_context)
{
    const struct cm_crl_files *files = context;

    for (size_t i = 0; i < files->count; i++) {
        if (memcmp(files->list[i].spki, spki, 32) == 0 &&
            !visit(visit_context, files->list[i].index))
            return false;
    }
    return true;
}

struct cm_crl_files *
cm_crl_files_new(const struct cm_snapshot *snapshot, X509 *const *beside,
                 size_t count)
{
    struct cm_crl_files *files = calloc(1, sizeof(*files));

    if (files == NULL)
        return NULL;
    files->snapshot = snapshot;
    files->provider.each = each_index;
    files->provider.context = files;
    if (!cm_trusted_list_build(beside, count, &files->beside)) {
        free(files);
        return NULL;
    }
    return files;
}

void
cm_crl_files_free(struct cm_crl_files *files)
{
    if (files == NULL)
        return;
    for (size_t i = 0; i < files->count; i++)
        cm_crl_index_free(files->list[i].index);
    free(files->list);
    cm_trusted_list_clear(&files->beside);
    free(files);
}

const struct cm_crl_provider *
cm_crl_files_provider(const struct cm_crl_files *files)
{
    return &files->provider;
}

/* Writes and opens the index of a source that the key verifies. */
static enum cm_reason
make_index(struct cm_crl_source *source, const struct cm_trusted *signer,
           struct cm_crl_index **out, struct cm_detail *detail)
{
    struct cm_crl_facts facts = {0};
    int fd = cm_crl_temporary();
    enum cm_reason reason;

    *out = NULL;
    if (fd < 0) {
        cm_detail_set(detail, "no temporary file: %s", strerror(errno));
        return CM_REVOCATION_UNAVAILABLE;
    }
    reason = cm_crl_index_build(source, X509_get0_pubkey(signer->x509),
                                signer->spki_sha256, fd, &facts, detail);
    cm_crl_facts_clear(&facts);
    if (reason != CM_OK) {
        close(fd);
        return reason;
    }
    *out = cm_crl_index_open(fd, signer->spki_sha256, detail);
    return *out != NULL ? CM_OK : CM_REVOCATION_UNAVAILABLE;
}

static enum cm_reason
add_index(struct cm_crl_files *files, struct cm_crl_source *source,
          const struct cm_trusted *signer, struct cm_detail *detail)
{
    struct cm_crl_index *index;
    enum cm_reason reason;
    struct indexed *list;

    list = reallocarray(files->list, files->count + 1, sizeof(*list));
    if (list == NULL)
        return CM_NO_MEMORY;
    files->list = list;
    reason = make_index(source, signer, &index, detail);
    if (reason != CM_OK)
        return reason;
    memcpy(list[files->count].spki, signer->spki_sha256, 32);
    list[files->count++].index = index;
    return CM_OK;
}

static bool
is_indexed(const struct cm_crl_files *files, size_t first,
           const struct cm_trusted *signer)
{
    for (size_t i = first; i < files->count; i++) {
        if (memcmp(files->list[i].spki, signer->spki_sha256, 32) == 0)
            return true;
    }
    return false;
}

/* Adds the CRL for each key of the list that verifies it; *reason keeps the
 * first trouble of another kind. */
static void
try_signers(struct cm_crl_files *files, struct cm_crl_source *source,
            const X509_NAME *issuer, const struct cm_trusted_list *list,
            size_t before, enum cm_reason *reason, struct cm_detail *detail)
{
    const struct cm_trusted *signer;
    size_t first, count;

    cm_trusted_list_named(list, issuer, &first, &count);
    for (size_t i = first; i < first + count && *reason == CM_OK; i++) {
        signer = &list->list[i];
        if (!is_indexed(files, before, signer) &&
            cm_crl_verify(source, X509_get0_pubkey(signer->x509), NULL))
            *reason = add_index(files, source, signer, detail);
    }
}

static enum cm_reason
add_source(struct cm_crl_files *files, struct cm_crl_source *source,
           struct cm_detail *detail)
{
    const struct cm_snapshot *snapshot = files->snapshot;
    const struct cm_trusted_list *lists[] = {
        &files->beside, &snapshot->anchors, &snapshot->intermediates,
        &snapshot->ntauth};
    size_t before = files->count;
    struct cm_crl_facts facts = {0};
    enum cm_reason reason;
    char *issuer;

    reason = cm_crl_read_facts(source, &facts, detail);
    if (reason != CM_OK)
        return reason;
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        try_signers(files, source, facts.issuer, lists[i], before, &reason,
                    detail);
    if (reason == CM_OK && files->count == before) {
        issuer = cm_name_rfc4514(facts.issuer);
        cm_detail_set(detail, "no certificate of \"%.256s\" has signed it",
                      issuer != NULL ? issuer : "?");
        free(issuer);
        reason = CM_REVOCATION_UNKNOWN;
    }
    cm_crl_facts_clear(&facts);
    return reason;
}

enum cm_reason
cm_crl_files_add(struct cm_crl_files *files, int fd, struct cm_detail *detail)
{
    struct cm_crl_source *source = cm_crl_source_open(fd, detail);
    enum cm_reason reason;

    if (source == NULL)
        return CM_REVOCATION_UNKNOWN;
    reason = add_source(files, source, detail);
    cm_crl_source_free(source);
    return reason;
}
