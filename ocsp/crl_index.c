/*
 * The index file of one CRL.  Numbers are big-endian; everything but the
 * source CRL and the key that verified it is derived from these two.
 *
 * Header, a multiple of 4096 bytes:
 *
 *       0   8  "cm-crl-i"
 *       8   4  version of this format, 1
 *      12   4  length of the header
 *      16   8  length of the file
 *      24   8  thisUpdate, seconds since 1970
 *      32   8  nextUpdate
 *      40   8  entries of the CRL
 *      48   8  records of the index: fewer, if serials are repeated
 *      56   8  length of the CRL in DER
 *      64  32  SHA-256 of the CRL in DER
 *      96  32  SHA-256 of the SubjectPublicKeyInfo of the key
 *     128  32  scope identifier (crl.h)
 *     160  32  SHA-256 of the fence table
 *     192  20  CRL number, right-aligned
 *     212  20  base CRL number, right-aligned
 *     232   4  flags: 1 nextUpdate, 2 CRL number, 4 base CRL number (a delta),
 *              8 issuingDistributionPoint, 16 key identifier
 *     236   4  number of issuers
 *     240   4  length of issuingDistributionPoint
 *     244   4  length of the key identifier
 *     248      issuers: each 4 octets of length and a Name in DER; the first
 *              is the CRL's own
 *              issuingDistributionPoint, the content of the extension
 *              authorityKeyIdentifier, its keyIdentifier
 *              zeroes
 *     -32  32  SHA-256 of the header up to here
 *
 * Blocks of 4096 bytes:
 *
 *       0      170 records (in the last block 1 to 170, then zeroes):
 *                 2  issuer, by its place in the header
 *                21  serial number in two's complement
 *                 1  CRLReason
 *    4080  16  checksum of the block, of its number, and of source and key
 *
 * Records are sorted; none has issuer and serial of another.
 *
 * Fence table: the first record of each block, 24 bytes each.
 *
 * A reader keeps header and fence table in memory and reads one block for one
 * question.  It reads with pread(): a file that someone cuts then causes an
 * error, where a mapping would cause a fault.
 */
#include "crl_index_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct cm_crl_index {
    int fd;
    struct cm_crl_index_header header;
    struct cm_crl_block_key key;
    struct cm_crl_record *fence;
    size_t blocks;
    bool unreadable; /* some question could not be answered */
};

static bool
refuse(struct cm_detail *detail, const char *why)
{
    cm_detail_set(detail, "%s", why);
    return false;
}

static bool
read_error(struct cm_detail *detail)
{
    return refuse(detail, errno != 0 ? strerror(errno) : "index is cut");
}

static bool
no_memory(struct cm_detail *detail)
{
    return refuse(detail, "out of memory");
}

static bool
decode_header(struct cm_crl_index *index, size_t len, const uint8_t spki[32],
              struct cm_detail *detail)
{
    uint8_t *bytes = malloc(len);
    enum cm_reason reason;

    if (bytes == NULL)
        return no_memory(detail);
    if (!cm_crl_read_at(index->fd, bytes, len, 0)) {
        free(bytes);
        return read_error(detail);
    }
    reason = cm_crl_index_decode(bytes, len, &index->header);
    memset(&index->header.idp, 0, sizeof(index->header.idp));
    free(bytes);
    if (reason == CM_NO_MEMORY)
        return no_memory(detail);
    if (reason != CM_OK)
        return refuse(detail, "index header is damaged");
    if (memcmp(index->header.facts.signer_spki, spki,
               sizeof(index->header.facts.signer_spki)) != 0)
        return refuse(detail, "index belongs to another key");
    return cm_crl_block_key(&index->header.facts, &index->key) ||
           no_memory(detail);
}

static bool
read_header(struct cm_crl_index *index, uint64_t size, const uint8_t spki[32],
            struct cm_detail *detail)
{
    uint8_t block[CM_CRL_BLOCK];
    size_t len;

    if (size < sizeof(block))
        return refuse(detail, "not an index of this format");
    if (!cm_crl_read_at(index->fd, block, sizeof(block), 0))
        return read_error(detail);
    len = cm_crl_index_header_length(block);
    if (len == 0)
        return refuse(detail, "not an index of this format");
    if (len > size)
        return refuse(detail, "index is cut");
    if (!decode_header(index, len, spki, detail))
        return false;
    if (cm_crl_index_size(len, index->header.records) != size)
        return refuse(detail, "index has another length than it says");
    return true;
}

static bool
read_fence(struct cm_crl_index *index, struct cm_detail *detail)
{
    const struct cm_crl_index_header *header = &index->header;
    size_t len, count = (size_t)cm_crl_index_blocks(header->records);
    uint8_t digest[sizeof(header->fence_sha256)];

    len = count * sizeof(*index->fence);
    index->fence = malloc(len > 0 ? len : 1);
    index->blocks = count;
    if (index->fence == NULL)
        return no_memory(detail);
    if (!cm_crl_read_at(index->fd, index->fence, len,
                        header->len + (uint64_t)count * CM_CRL_BLOCK))
        return read_error(detail);
    if (EVP_Digest(index->fence, len, digest, NULL, EVP_sha256(), NULL) != 1)
        return no_memory(detail);
    if (memcmp(digest, header->fence_sha256, sizeof(digest)) != 0)
        return refuse(detail, "fence table of the index is damaged");
    return true;
}

static bool
load(struct cm_crl_index *index, const uint8_t spki[32],
     struct cm_detail *detail)
{
    struct stat st;

    if (fstat(index->fd, &st) != 0)
        return read_error(detail);
    if (!S_ISREG(st.st_mode))
        return refuse(detail, "not a regular file");
    return read_header(index, (uint64_t)st.st_size, spki, detail) &&
           read_fence(index, detail);
}

struct cm_crl_index *
cm_crl_index_open(int fd, const uint8_t spki[32], struct cm_detail *detail)
{
    struct cm_crl_index *index = calloc(1, sizeof(*index));

    if (index == NULL) {
        close(fd);
        no_memory(detail);
        return NULL;
    }
    index->fd = fd;
    if (!load(index, spki, detail)) {
        cm_crl_index_free(index);
        return NULL;
    }
    return index;
}

void
cm_crl_index_free(struct cm_crl_index *index)
{
    if (index == NULL)
        return;
    close(index->fd);
    cm_crl_facts_clear(&index->header.facts);
    cm_crl_issuers_clear(&index->header.issuers);
    free(index->fence);
    free(index);
}

const struct cm_crl_facts *
cm_crl_index_facts(const struct cm_crl_index *index)
{
    return &index->header.facts;
}

/* How many of the sorted records are not above the key. */
static size_t
count_up_to(const uint8_t *records, size_t count,
            const uint8_t key[CM_CRL_KEY])
{
    size_t low = 0, high = count, middle;

    while (low < high) {
        middle = low + (high - low) / 2;
        if (memcmp(records + middle * CM_CRL_RECORD, key, CM_CRL_KEY) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool
read_block(const struct cm_crl_index *index, size_t number,
           uint8_t block[CM_CRL_BLOCK])
{
    uint8_t checksum[CM_CRL_CHECKSUM];

    if (!cm_crl_read_at(index->fd, block, CM_CRL_BLOCK,
                        index->header.len + (uint64_t)number * CM_CRL_BLOCK))
        return false;
    cm_crl_block_checksum(&index->key, number, block, checksum);
    return memcmp(block + CM_CRL_BLOCK - CM_CRL_CHECKSUM, checksum,
                  CM_CRL_CHECKSUM) == 0;
}

static enum cm_crl_listing
find_key(const struct cm_crl_index *index, const uint8_t key[CM_CRL_KEY],
         int *reason)
{
    uint8_t block[CM_CRL_BLOCK];
    const uint8_t *record;
    size_t number, count = CM_CRL_BLOCK_RECORDS;

    number = count_up_to(index->fence->octets, index->blocks, key);
    if (number == 0)
        return CM_CRL_NOT_LISTED;
    number--;
    if (!read_block(index, number, block))
        return CM_CRL_UNREADABLE;
    if (number == index->blocks - 1)
        count = (size_t)(index->header.records -
                         (uint64_t)number * CM_CRL_BLOCK_RECORDS);
    count = count_up_to(block, count, key);
    if (count == 0)
        return CM_CRL_UNREADABLE; /* the fence said otherwise */
    record = block + (count - 1) * CM_CRL_RECORD;
    if (memcmp(record, key, CM_CRL_KEY) != 0)
        return CM_CRL_NOT_LISTED;
    *reason = record[CM_CRL_KEY];
    return CM_CRL_LISTED;
}

static enum cm_crl_listing
find(const struct cm_crl_index *index, const X509_NAME *issuer,
     const uint8_t serial[CM_CRL_SERIAL], int *reason)
{
    uint8_t key[CM_CRL_KEY];
    unsigned number = 0;

    switch (cm_crl_issuers_find(&index->header.issuers, issuer, &number)) {
    case CM_CRL_ISSUER_KNOWN:
        break;
    case CM_CRL_ISSUER_ABSENT:
        return CM_CRL_NOT_LISTED;
    case CM_CRL_ISSUER_FULL:
    case CM_CRL_ISSUER_NO_MEMORY:
        return CM_CRL_UNREADABLE;
    }
    cm_crl_put(key, CM_CRL_KEY - CM_CRL_SERIAL, number);
    memcpy(key + CM_CRL_KEY - CM_CRL_SERIAL, serial, CM_CRL_SERIAL);
    return find_key(index, key, reason);
}

enum cm_crl_listing
cm_crl_index_find(struct cm_crl_index *index, const X509_NAME *issuer,
                  const uint8_t serial[CM_CRL_SERIAL], int *reason)
{
    enum cm_crl_listing listing = find(index, issuer, serial, reason);

    if (listing == CM_CRL_UNREADABLE)
        index->unreadable = true;
    return listing;
}

bool
cm_crl_index_was_unreadable(const struct cm_crl_index *index)
{
    return index->unreadable;
}

bool
cm_crl_index_is_whole(const struct cm_crl_index *index)
{
    uint8_t block[CM_CRL_BLOCK];

    for (size_t i = 0; i < index->blocks; i++) {
        if (!read_block(index, i, block))
            return false;
    }
    return true;
}
