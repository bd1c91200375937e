/*
 * The pieces that crl_index.h is made of.  Private to the files crl_index*.c
 * and crl_sort.c; crl_index.c describes the file.
 */
#ifndef CM_CRL_INDEX_PARTS_H
#define CM_CRL_INDEX_PARTS_H

#include "crl_index.h"
#include "crl_parts.h"

enum {
    CM_CRL_RECORD = 24, /* bytes: issuer 2, serial 21, reason 1 */
    CM_CRL_KEY = 23,    /* of them tell records apart */
    CM_CRL_BLOCK = 4096,
    CM_CRL_BLOCK_RECORDS = 170,
    CM_CRL_CHECKSUM = 16,
    /* header and names; a multiple of the block */
    CM_CRL_MAX_INDEX_HEADER = 2 * 1024 * 1024
};

struct cm_crl_record {
    uint8_t octets[CM_CRL_RECORD];
};

/* Big-endian numbers of `len` octets. */
void cm_crl_put(uint8_t *out, size_t len, uint64_t value);
uint64_t cm_crl_get(const uint8_t *bytes, size_t len);

/* Everything read or written, or false: errno says why; 0: the file ends. */
bool cm_crl_read_at(int fd, void *bytes, size_t len, uint64_t offset);
bool cm_crl_write_at(int fd, const void *bytes, size_t len, uint64_t offset);

/* Of two reasons for one serial the larger counts. */
unsigned cm_crl_severity(int reason);

/* ---- crl_index_header.c ---- */

struct cm_crl_index_header {
    struct cm_crl_facts facts;
    struct cm_crl_issuers issuers;
    struct cm_der idp; /* content of the extension; borrowed */
    uint64_t records;  /* different serials */
    uint8_t fence_sha256[32];
    size_t len; /* of the header in the file */
};

/* Blocks that so many records fill; length of such a file. */
uint64_t cm_crl_index_blocks(uint64_t records);
uint64_t cm_crl_index_size(size_t header_len, uint64_t records);

/* Sets header->len. */
bool cm_crl_index_measure(struct cm_crl_index_header *header);

/* header->len bytes; the caller frees them.  NULL: no memory. */
uint8_t *cm_crl_index_encode(const struct cm_crl_index_header *header);

/* Length of the header that begins with this block.  0: no index, or not of
 * this format. */
size_t cm_crl_index_header_length(const uint8_t block[CM_CRL_BLOCK]);

/* CM_OK: the caller clears facts and issuers.  CM_REVOCATION_UNKNOWN: damaged.
 * CM_NO_MEMORY. */
enum cm_reason cm_crl_index_decode(const uint8_t *bytes, size_t len,
                                   struct cm_crl_index_header *out);

/* What ties blocks to their source CRL and key. */
struct cm_crl_block_key {
    uint64_t words[2];
};
bool cm_crl_block_key(const struct cm_crl_facts *facts,
                      struct cm_crl_block_key *out);

/* Of all but the last CM_CRL_CHECKSUM bytes of a block. */
void cm_crl_block_checksum(const struct cm_crl_block_key *key, uint64_t number,
                           const uint8_t block[CM_CRL_BLOCK],
                           uint8_t out[CM_CRL_CHECKSUM]);

/* ---- crl_sort.c ---- */

struct cm_crl_run {
    uint64_t offset; /* in the file */
    size_t count;    /* records */
};

/* Sorts records without holding all: full buffers are sorted and put aside as
 * runs in the file, from `offset` on, and merged at the end. */
struct cm_crl_sorter {
    int fd;
    uint64_t offset;              /* of the next run */
    struct cm_crl_record *buffer; /* CM_CRL_RUN_RECORDS */
    size_t used;
    struct cm_crl_run *runs;
    size_t run_count;
};

bool cm_crl_sorter_start(struct cm_crl_sorter *sorter, int fd,
                         uint64_t offset);
/* False: the run cannot be written. */
bool cm_crl_sorter_add(struct cm_crl_sorter *sorter,
                       const struct cm_crl_record *record);
/* Calls take for each record, in order, until it returns false. */
enum cm_reason cm_crl_sorter_merge(
    struct cm_crl_sorter *sorter,
    bool (*take)(void *context, const struct cm_crl_record *record),
    void *context);
void cm_crl_sorter_clear(struct cm_crl_sorter *sorter);

#endif
