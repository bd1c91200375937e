/*
 * The input is an index file.  Its digests are put right first: else nothing
 * but digests would ever be looked at.  Whatever it holds, opening and asking
 * stay within it; and without its digests put right it is refused.
 */
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crl_index_parts.h"
#include "fuzz.h"

/* Where the header has them; crl_index.c describes the file. */
enum {
    AT_FILE_SIZE = 16,
    AT_RECORDS = 48,
    AT_SOURCE = 64,
    AT_SIGNER = 96,
    AT_FENCE = 160,
    DIGEST = 32,
    INDEX_BYTES = 1024 * 1024
};

static void
digest(const uint8_t *bytes, size_t len, uint8_t out[DIGEST])
{
    FUZZ_REQUIRE(EVP_Digest(bytes, len, out, NULL, EVP_sha256(), NULL) == 1);
}

/* Blocks, fence table, header.  False: there is no room for them. */
static bool
put_right(uint8_t *data, size_t size)
{
    size_t header, blocks, left;
    struct cm_crl_facts facts = {0};
    struct cm_crl_block_key key;
    uint8_t *block;

    header = size < CM_CRL_BLOCK ? 0 : cm_crl_index_header_length(data);
    if (header == 0 || header > size)
        return false;
    left = size - header;
    blocks = left / (CM_CRL_BLOCK + CM_CRL_RECORD);
    if (blocks != cm_crl_index_blocks(cm_crl_get(data + AT_RECORDS, 8)))
        return false;
    memcpy(facts.source_sha256, data + AT_SOURCE, DIGEST);
    memcpy(facts.signer_spki, data + AT_SIGNER, DIGEST);
    FUZZ_REQUIRE(cm_crl_block_key(&facts, &key));
    for (size_t i = 0; i < blocks; i++) {
        block = data + header + i * CM_CRL_BLOCK;
        cm_crl_block_checksum(&key, i, block,
                              block + CM_CRL_BLOCK - CM_CRL_CHECKSUM);
    }
    digest(data + header + blocks * CM_CRL_BLOCK, left - blocks * CM_CRL_BLOCK,
           data + AT_FENCE);
    cm_crl_put(data + AT_FILE_SIZE, 8, size);
    digest(data, header - DIGEST, data + header - DIGEST);
    return true;
}

static struct cm_crl_index *
open_bytes(const uint8_t *data, size_t size)
{
    int fd = memfd_create("index", MFD_CLOEXEC);
    struct cm_detail detail = {""};
    struct cm_crl_index *index;
    uint8_t spki[DIGEST] = {0};

    FUZZ_REQUIRE(fd >= 0);
    FUZZ_REQUIRE(write(fd, data, size) == (ssize_t)size);
    if (size >= AT_SIGNER + DIGEST)
        memcpy(spki, data + AT_SIGNER, DIGEST);
    index = cm_crl_index_open(fd, spki, &detail);
    FUZZ_REQUIRE(index != NULL || detail.text[0] != '\0');
    return index;
}

/* Asks about the serial at every 24th octet: its own records among them. */
static void
ask(struct cm_crl_index *index, const uint8_t *data, size_t size)
{
    const struct cm_crl_facts *facts = cm_crl_index_facts(index);
    enum cm_crl_listing listing;
    int reason;

    FUZZ_REQUIRE(facts->issuer != NULL);
    for (size_t at = 2; at + CM_CRL_SERIAL <= size; at += CM_CRL_RECORD) {
        reason = -1;
        listing = cm_crl_index_find(index, facts->issuer, data + at, &reason);
        FUZZ_REQUIRE((listing == CM_CRL_LISTED) == (reason != -1));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cm_crl_index *index;
    uint8_t *copy;

    if (size > INDEX_BYTES)
        return 0;
    index = open_bytes(data, size);
    if (index != NULL)
        ask(index, data, size);
    cm_crl_index_free(index);
    copy = malloc(size + 1);
    FUZZ_REQUIRE(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    if (put_right(copy, size)) {
        index = open_bytes(copy, size);
        if (index != NULL)
            ask(index, copy, size);
        cm_crl_index_free(index);
    }
    free(copy);
    return 0;
}
