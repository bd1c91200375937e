#include "crl_index_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OUTPUT_BLOCKS = 64, /* written together */
    FIRST_FENCE = 64,   /* blocks whose first records there is room for */
    /*
     * Runs lie behind the place of the finished index: an entry of a CRL has
     * at least 20 bytes, of the index less than 25.
     */
    RUN_FACTOR = 2
};

/* The blocks, as sorted records arrive. */
struct writer {
    int fd;
    uint64_t offset; /* of the next output */
    struct cm_crl_block_key key;
    uint8_t *output; /* OUTPUT_BLOCKS */
    size_t blocks;   /* full ones in output */
    size_t in_block; /* records in the block after them */
    struct cm_crl_record *fence;
    size_t fence_count, fence_capacity;
    uint64_t records;
    struct cm_crl_record pending;
    bool has_pending;
    bool no_memory;
};

struct build {
    struct cm_crl_sorter sorter;
    struct cm_crl_scan scan;
    bool write_failed;
};

unsigned
cm_crl_severity(int reason)
{
    switch (reason) {
    case CM_CRL_REMOVE_FROM_CRL:
        return 0;
    case CM_CRL_CERTIFICATE_HOLD:
        return 1;
    case CM_CRL_UNSPECIFIED:
        return 2;
    case CM_CRL_KEY_COMPROMISE:
    case CM_CRL_CA_COMPROMISE:
    case CM_CRL_AA_COMPROMISE:
        return 4;
    default:
        return 3;
    }
}

static bool
flush_output(struct writer *writer)
{
    size_t len = writer->blocks * CM_CRL_BLOCK;

    if (!cm_crl_write_at(writer->fd, writer->output, len, writer->offset))
        return false;
    writer->offset += len;
    writer->blocks = 0;
    return true;
}

/* Ends a block that is full, or the last one. */
static bool
close_block(struct writer *writer)
{
    uint8_t *block = writer->output + writer->blocks * CM_CRL_BLOCK;
    size_t used = writer->in_block * CM_CRL_RECORD;

    memset(block + used, 0, CM_CRL_BLOCK - CM_CRL_CHECKSUM - used);
    cm_crl_block_checksum(&writer->key, writer->fence_count - 1, block,
                          block + CM_CRL_BLOCK - CM_CRL_CHECKSUM);
    writer->in_block = 0;
    writer->blocks++;
    return writer->blocks < OUTPUT_BLOCKS || flush_output(writer);
}

static bool
add_fence(struct writer *writer, const struct cm_crl_record *record)
{
    size_t capacity = 2 * writer->fence_capacity;
    struct cm_crl_record *fence;

    if (writer->fence_count == writer->fence_capacity) {
        fence = reallocarray(writer->fence, capacity, sizeof(*fence));
        if (fence == NULL) {
            writer->no_memory = true;
            return false;
        }
        writer->fence = fence;
        writer->fence_capacity = capacity;
    }
    writer->fence[writer->fence_count++] = *record;
    return true;
}

static bool
write_record(struct writer *writer, const struct cm_crl_record *record)
{
    if (writer->in_block == 0 && !add_fence(writer, record))
        return false;
    memcpy(writer->output + writer->blocks * CM_CRL_BLOCK +
               writer->in_block * CM_CRL_RECORD,
           record->octets, CM_CRL_RECORD);
    writer->in_block++;
    writer->records++;
    return writer->in_block < CM_CRL_BLOCK_RECORDS || close_block(writer);
}

/* Of several entries for one serial the worst stays. */
static bool
take_record(void *context, const struct cm_crl_record *record)
{
    struct writer *writer = context;
    uint8_t *reason = &writer->pending.octets[CM_CRL_KEY];

    if (writer->has_pending &&
        memcmp(writer->pending.octets, record->octets, CM_CRL_KEY) == 0) {
        if (cm_crl_severity(record->octets[CM_CRL_KEY]) >
            cm_crl_severity(*reason))
            *reason = record->octets[CM_CRL_KEY];
        return true;
    }
    if (writer->has_pending && !write_record(writer, &writer->pending))
        return false;
    writer->pending = *record;
    writer->has_pending = true;
    return true;
}

static bool
finish_blocks(struct writer *writer)
{
    if (writer->has_pending && !write_record(writer, &writer->pending))
        return false;
    if (writer->in_block > 0 && !close_block(writer))
        return false;
    return flush_output(writer);
}

static bool
start_writer(struct writer *writer, int fd, uint64_t offset,
             const struct cm_crl_facts *facts)
{
    memset(writer, 0, sizeof(*writer));
    writer->fd = fd;
    writer->offset = offset;
    writer->output = malloc(OUTPUT_BLOCKS * CM_CRL_BLOCK);
    writer->fence = malloc(FIRST_FENCE * sizeof(*writer->fence));
    writer->fence_capacity = FIRST_FENCE;
    return writer->output != NULL && writer->fence != NULL &&
           cm_crl_block_key(facts, &writer->key);
}

static void
clear_writer(struct writer *writer)
{
    free(writer->output);
    free(writer->fence);
}

/* The header comes last, so that an index that was not finished is none. */
static enum cm_reason
write_frame(struct writer *writer, struct cm_crl_index_header *header)
{
    size_t fence_len = writer->fence_count * sizeof(*writer->fence);
    enum cm_reason reason = CM_REVOCATION_UNAVAILABLE;
    uint8_t *bytes;

    header->records = writer->records;
    if (EVP_Digest(writer->fence, fence_len, header->fence_sha256, NULL,
                   EVP_sha256(), NULL) != 1)
        return CM_NO_MEMORY;
    bytes = cm_crl_index_encode(header);
    if (bytes == NULL)
        return CM_NO_MEMORY;
    if (cm_crl_write_at(writer->fd, writer->fence, fence_len,
                        writer->offset) &&
        ftruncate(writer->fd, (off_t)(writer->offset + fence_len)) == 0 &&
        cm_crl_write_at(writer->fd, bytes, header->len, 0))
        reason = CM_OK;
    free(bytes);
    return reason;
}

static enum cm_reason
write_index(struct cm_crl_sorter *sorter, struct cm_crl_index_header *header)
{
    enum cm_reason reason = CM_NO_MEMORY;
    struct writer writer;

    if (start_writer(&writer, sorter->fd, header->len, &header->facts))
        reason = cm_crl_sorter_merge(sorter, take_record, &writer);
    if (reason == CM_OK && !finish_blocks(&writer))
        reason = CM_REVOCATION_UNAVAILABLE;
    if (reason == CM_OK)
        reason = write_frame(&writer, header);
    if (writer.no_memory)
        reason = CM_NO_MEMORY;
    clear_writer(&writer);
    return reason;
}

static bool
take_entry(void *context, const struct cm_crl_entry *entry)
{
    struct build *build = context;
    struct cm_crl_record record;

    cm_crl_put(record.octets, CM_CRL_KEY - CM_CRL_SERIAL, entry->issuer_index);
    memcpy(record.octets + CM_CRL_KEY - CM_CRL_SERIAL, entry->serial,
           CM_CRL_SERIAL);
    record.octets[CM_CRL_KEY] = (uint8_t)entry->reason;
    build->write_failed = !cm_crl_sorter_add(&build->sorter, &record);
    return !build->write_failed;
}

/* Reads the source once: its entries, sorted in runs, and its digests. */
static enum cm_reason
read_source(struct build *build, struct cm_crl_source *source, EVP_PKEY *key,
            int out_fd, struct cm_detail *detail)
{
    uint64_t runs_at =
        CM_CRL_MAX_INDEX_HEADER + RUN_FACTOR * source->window.size;
    enum cm_reason reason;

    if (!cm_crl_sorter_start(&build->sorter, out_fd, runs_at))
        return CM_NO_MEMORY;
    reason = cm_crl_scan(source, &build->scan, take_entry, build, detail);
    if (reason != CM_OK)
        return reason;
    if (build->write_failed)
        return CM_REVOCATION_UNAVAILABLE;
    cm_crl_source_keep(source, &build->scan);
    return cm_crl_verify(source, key, detail) ? CM_OK : CM_REVOCATION_UNKNOWN;
}

static enum cm_reason
write_scan(struct build *build, const uint8_t spki[32],
           struct cm_detail *detail)
{
    struct cm_crl_scan *scan = &build->scan;
    struct cm_crl_index_header header = {0};

    memcpy(scan->facts.signer_spki, spki, sizeof(scan->facts.signer_spki));
    header.facts = scan->facts;
    header.issuers = scan->issuers;
    if (scan->idp != NULL) {
        header.idp.bytes = ASN1_STRING_get0_data(scan->idp);
        header.idp.len = (size_t)ASN1_STRING_length(scan->idp);
    }
    if (!cm_crl_index_measure(&header)) {
        cm_detail_set(detail, "names too long for an index");
        return CM_REVOCATION_UNKNOWN;
    }
    return write_index(&build->sorter, &header);
}

enum cm_reason
cm_crl_index_build(struct cm_crl_source *source, EVP_PKEY *key,
                   const uint8_t spki[32], int out_fd,
                   struct cm_crl_facts *facts, struct cm_detail *detail)
{
    struct build build;
    enum cm_reason reason;

    memset(&build, 0, sizeof(build));
    memset(facts, 0, sizeof(*facts));
    reason = read_source(&build, source, key, out_fd, detail);
    if (reason == CM_OK)
        reason = write_scan(&build, spki, detail);
    if (reason == CM_REVOCATION_UNAVAILABLE)
        cm_detail_set(detail, "index cannot be written: %s", strerror(errno));
    if (reason == CM_NO_MEMORY)
        cm_detail_set(detail, "out of memory");
    if (reason == CM_OK) {
        *facts = build.scan.facts;
        memset(&build.scan.facts, 0, sizeof(build.scan.facts));
    }
    cm_crl_scan_clear(&build.scan);
    cm_crl_sorter_clear(&build.sorter);
    return reason;
}
