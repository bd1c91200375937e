/*
 * A checksum against accidents: bits that flip, blocks that are swapped, cut
 * or another file's.  It is no signature: whoever may write the store is
 * believed.  Two lanes take alternate words; each step can be undone, so that
 * two blocks that differ in one word only never have one checksum.
 */
#include "crl_index_parts.h"

#include <endian.h>
#include <string.h>

enum { WORD = 8, DIGEST = 32 };

/* Odd numbers with half of their bits set, from the digits of pi. */
#define MULTIPLIER_A UINT64_C(0x243f6a8885a308d3)
#define MULTIPLIER_B UINT64_C(0xa4093822299f31d1)

static uint64_t
rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static uint64_t
step(uint64_t lane, const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    return rotate(lane ^ be64toh(word) * MULTIPLIER_A, 29) * MULTIPLIER_B;
}

static uint64_t
scatter(uint64_t value)
{
    value ^= value >> 32;
    value *= MULTIPLIER_A;
    value ^= value >> 29;
    value *= MULTIPLIER_B;
    return value ^ value >> 32;
}

bool
cm_crl_block_key(const struct cm_crl_facts *facts,
                 struct cm_crl_block_key *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t digest[DIGEST];
    bool ok;

    ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
         EVP_DigestUpdate(ctx, facts->source_sha256,
                          sizeof(facts->source_sha256)) == 1 &&
         EVP_DigestUpdate(ctx, facts->signer_spki,
                          sizeof(facts->signer_spki)) == 1 &&
         EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    if (!ok)
        return false;
    out->words[0] = cm_crl_get(digest, WORD);
    out->words[1] = cm_crl_get(digest + WORD, WORD);
    return true;
}

void
cm_crl_block_checksum(const struct cm_crl_block_key *key, uint64_t number,
                      const uint8_t block[CM_CRL_BLOCK],
                      uint8_t out[CM_CRL_CHECKSUM])
{
    uint64_t a = key->words[0] ^ scatter(number), b = key->words[1];

    for (size_t i = 0; i < CM_CRL_BLOCK - CM_CRL_CHECKSUM; i += 2 * WORD) {
        a = step(a, block + i);
        b = step(b, block + i + WORD);
    }
    a += b;
    b += scatter(a);
    cm_crl_put(out, WORD, scatter(a));
    cm_crl_put(out + WORD, WORD, scatter(b));
}
