/*
 * The header of an index, and the checksums of its blocks; crl_index.c
 * describes both.
 */
#include "crl_index_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>

/* Where the fixed fields stand. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 8,
    AT_LENGTH = 12,
    AT_FILE_SIZE = 16,
    AT_THIS_UPDATE = 24,
    AT_NEXT_UPDATE = 32,
    AT_ENTRIES = 40,
    AT_RECORDS = 48,
    AT_SOURCE_SIZE = 56,
    AT_SOURCE = 64,
    AT_SIGNER = 96,
    AT_SCOPE = 128,
    AT_FENCE = 160,
    AT_NUMBER = 192,
    AT_BASE = 212,
    AT_FLAGS = 232,
    AT_ISSUERS = 236,
    AT_IDP_LENGTH = 240,
    AT_KEY_ID_LENGTH = 244,
    AT_NAMES = 248,

    DIGEST = 32,
    NAME_LENGTH = 4, /* octets of the length before a name */
    VERSION = 1
};

enum {
    FLAG_NEXT_UPDATE = 1,
    FLAG_NUMBER = 2,
    FLAG_BASE = 4,
    FLAG_IDP = 8,
    FLAG_KEY_ID = 16,
    ALL_FLAGS = 31
};

static const uint8_t magic[8] = {'c', 'm', '-', 'c', 'r', 'l', '-', 'i'};

void
cm_crl_put(uint8_t *out, size_t len, uint64_t value)
{
    while (len > 0) {
        out[--len] = (uint8_t)value;
        value >>= 8;
    }
}

uint64_t
cm_crl_get(const uint8_t *bytes, size_t len)
{
    uint64_t value = 0;

    for (size_t i = 0; i < len; i++)
        value = value << 8 | bytes[i];
    return value;
}

bool
cm_crl_read_at(int fd, void *bytes, size_t len, uint64_t offset)
{
    uint8_t *p = bytes;
    ssize_t n;

    while (len > 0) {
        n = pread(fd, p, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = 0;
        if (n <= 0)
            return false;
        p += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

bool
cm_crl_write_at(int fd, const void *bytes, size_t len, uint64_t offset)
{
    const uint8_t *p = bytes;
    ssize_t n;

    while (len > 0) {
        n = pwrite(fd, p, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

uint64_t
cm_crl_index_blocks(uint64_t records)
{
    return (records + CM_CRL_BLOCK_RECORDS - 1) / CM_CRL_BLOCK_RECORDS;
}

uint64_t
cm_crl_index_size(size_t header_len, uint64_t records)
{
    return header_len +
           cm_crl_index_blocks(records) * (CM_CRL_BLOCK + CM_CRL_RECORD);
}

/* The key identifier, or nothing. */
static struct cm_der
key_id_of(const struct cm_crl_facts *facts)
{
    struct cm_der id = {NULL, 0};

    if (facts->key_id != NULL) {
        id.bytes = ASN1_STRING_get0_data(facts->key_id);
        id.len = (size_t)ASN1_STRING_length(facts->key_id);
    }
    return id;
}

bool
cm_crl_index_measure(struct cm_crl_index_header *header)
{
    size_t len = AT_NAMES + header->issuers.bytes +
                 (size_t)header->issuers.count * NAME_LENGTH +
                 header->idp.len + key_id_of(&header->facts).len + DIGEST;

    header->len = (len + CM_CRL_BLOCK - 1) / CM_CRL_BLOCK * CM_CRL_BLOCK;
    return header->len <= CM_CRL_MAX_INDEX_HEADER;
}

static unsigned
flags_of(const struct cm_crl_facts *facts)
{
    return (facts->has_next_update ? FLAG_NEXT_UPDATE : 0U) |
           (facts->number.present ? FLAG_NUMBER : 0U) |
           (facts->base.present ? FLAG_BASE : 0U) |
           (facts->scope.has_idp ? FLAG_IDP : 0U) |
           (facts->key_id != NULL ? FLAG_KEY_ID : 0U);
}

static void
encode_fixed(const struct cm_crl_index_header *header, uint8_t *out)
{
    const struct cm_crl_facts *facts = &header->facts;

    memcpy(out + AT_MAGIC, magic, sizeof(magic));
    cm_crl_put(out + AT_VERSION, 4, VERSION);
    cm_crl_put(out + AT_LENGTH, 4, header->len);
    cm_crl_put(out + AT_FILE_SIZE, 8,
               cm_crl_index_size(header->len, header->records));
    cm_crl_put(out + AT_THIS_UPDATE, 8, (uint64_t)facts->this_update);
    cm_crl_put(out + AT_NEXT_UPDATE, 8, (uint64_t)facts->next_update);
    cm_crl_put(out + AT_ENTRIES, 8, facts->entry_count);
    cm_crl_put(out + AT_RECORDS, 8, header->records);
    cm_crl_put(out + AT_SOURCE_SIZE, 8, facts->source_size);
    memcpy(out + AT_SOURCE, facts->source_sha256, DIGEST);
    memcpy(out + AT_SIGNER, facts->signer_spki, DIGEST);
    memcpy(out + AT_SCOPE, facts->scope_id, DIGEST);
    memcpy(out + AT_FENCE, header->fence_sha256, DIGEST);
    memcpy(out + AT_NUMBER, facts->number.octets, CM_CRL_MAX_NUMBER);
    memcpy(out + AT_BASE, facts->base.octets, CM_CRL_MAX_NUMBER);
    cm_crl_put(out + AT_FLAGS, 4, flags_of(facts));
    cm_crl_put(out + AT_ISSUERS, 4, header->issuers.count);
    cm_crl_put(out + AT_IDP_LENGTH, 4, header->idp.len);
    cm_crl_put(out + AT_KEY_ID_LENGTH, 4, key_id_of(facts).len);
}

static uint8_t *
put_bytes(uint8_t *out, const uint8_t *bytes, size_t len)
{
    if (len > 0)
        memcpy(out, bytes, len);
    return out + len;
}

/* Names, each with its length; issuingDistributionPoint; key identifier. */
static bool
encode_variable(const struct cm_crl_index_header *header, uint8_t *out)
{
    struct cm_der id = key_id_of(&header->facts);
    const uint8_t *name = NULL;
    size_t len = 0;

    for (unsigned i = 0; i < header->issuers.count; i++) {
        if (X509_NAME_get0_der(header->issuers.names[i], &name, &len) != 1)
            return false;
        cm_crl_put(out, NAME_LENGTH, len);
        out = put_bytes(out + NAME_LENGTH, name, len);
    }
    out = put_bytes(out, header->idp.bytes, header->idp.len);
    put_bytes(out, id.bytes, id.len);
    return true;
}

uint8_t *
cm_crl_index_encode(const struct cm_crl_index_header *header)
{
    uint8_t *bytes = calloc(1, header->len);
    size_t body = header->len - DIGEST;

    if (bytes == NULL)
        return NULL;
    encode_fixed(header, bytes);
    if (!encode_variable(header, bytes + AT_NAMES) ||
        EVP_Digest(bytes, body, bytes + body, NULL, EVP_sha256(), NULL) != 1) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

size_t
cm_crl_index_header_length(const uint8_t block[CM_CRL_BLOCK])
{
    size_t len = (size_t)cm_crl_get(block + AT_LENGTH, 4);

    if (memcmp(block + AT_MAGIC, magic, sizeof(magic)) != 0 ||
        cm_crl_get(block + AT_VERSION, 4) != VERSION ||
        len % CM_CRL_BLOCK != 0 || len > CM_CRL_MAX_INDEX_HEADER)
        return 0;
    return len;
}

static bool
digest_matches(const uint8_t *bytes, size_t len)
{
    uint8_t digest[DIGEST];
    size_t body = len - DIGEST;

    return EVP_Digest(bytes, body, digest, NULL, EVP_sha256(), NULL) == 1 &&
           memcmp(digest, bytes + body, DIGEST) == 0;
}

static void
decode_fixed(const uint8_t *bytes, struct cm_crl_index_header *out)
{
    unsigned flags = (unsigned)cm_crl_get(bytes + AT_FLAGS, 4);
    struct cm_crl_facts *facts = &out->facts;

    out->records = cm_crl_get(bytes + AT_RECORDS, 8);
    memcpy(out->fence_sha256, bytes + AT_FENCE, DIGEST);
    facts->this_update = (int64_t)cm_crl_get(bytes + AT_THIS_UPDATE, 8);
    facts->next_update = (int64_t)cm_crl_get(bytes + AT_NEXT_UPDATE, 8);
    facts->entry_count = (size_t)cm_crl_get(bytes + AT_ENTRIES, 8);
    facts->source_size = cm_crl_get(bytes + AT_SOURCE_SIZE, 8);
    memcpy(facts->source_sha256, bytes + AT_SOURCE, DIGEST);
    memcpy(facts->signer_spki, bytes + AT_SIGNER, DIGEST);
    memcpy(facts->scope_id, bytes + AT_SCOPE, DIGEST);
    memcpy(facts->number.octets, bytes + AT_NUMBER, CM_CRL_MAX_NUMBER);
    memcpy(facts->base.octets, bytes + AT_BASE, CM_CRL_MAX_NUMBER);
    facts->has_next_update = (flags & FLAG_NEXT_UPDATE) != 0;
    facts->number.present = (flags & FLAG_NUMBER) != 0;
    facts->base.present = (flags & FLAG_BASE) != 0;
    facts->scope.has_idp = (flags & FLAG_IDP) != 0;
}

/* Takes `len` bytes off the front of rest. */
static bool
take_bytes(struct cm_der *rest, size_t len, struct cm_der *out)
{
    if (len > rest->len)
        return false;
    out->bytes = rest->bytes;
    out->len = len;
    rest->bytes += len;
    rest->len -= len;
    return true;
}

static enum cm_reason
decode_name(struct cm_der *rest, unsigned expected,
            struct cm_crl_issuers *issuers)
{
    struct cm_der length, der;
    enum cm_crl_issuer outcome;
    unsigned number = 0;
    const uint8_t *p;
    X509_NAME *name;

    if (!take_bytes(rest, NAME_LENGTH, &length) ||
        !take_bytes(rest, (size_t)cm_crl_get(length.bytes, NAME_LENGTH), &der))
        return CM_REVOCATION_UNKNOWN;
    p = der.bytes;
    name = d2i_X509_NAME(NULL, &p, (long)der.len);
    if (name == NULL || p != der.bytes + der.len) {
        X509_NAME_free(name);
        return CM_REVOCATION_UNKNOWN;
    }
    outcome = cm_crl_issuers_add(issuers, name, &number);
    X509_NAME_free(name);
    if (outcome == CM_CRL_ISSUER_NO_MEMORY)
        return CM_NO_MEMORY;
    /* Each name once, and in its place. */
    return outcome == CM_CRL_ISSUER_KNOWN && number == expected
               ? CM_OK
               : CM_REVOCATION_UNKNOWN;
}

static enum cm_reason
decode_names(const uint8_t *bytes, struct cm_der *rest,
             struct cm_crl_index_header *out)
{
    uint64_t count = cm_crl_get(bytes + AT_ISSUERS, 4);
    enum cm_reason reason = CM_OK;

    if (count == 0 || count > CM_CRL_MAX_ISSUERS)
        return CM_REVOCATION_UNKNOWN;
    for (unsigned i = 0; reason == CM_OK && i < count; i++)
        reason = decode_name(rest, i, &out->issuers);
    if (reason != CM_OK)
        return reason;
    out->facts.issuer = X509_NAME_dup(out->issuers.names[0]);
    return out->facts.issuer != NULL ? CM_OK : CM_NO_MEMORY;
}

static enum cm_reason
decode_scope(const uint8_t *bytes, struct cm_der *rest,
             struct cm_crl_index_header *out)
{
    struct cm_crl_facts *facts = &out->facts;
    enum cm_reason reason;
    struct cm_der idp;

    if (!take_bytes(rest, (size_t)cm_crl_get(bytes + AT_IDP_LENGTH, 4),
                    &idp) ||
        facts->scope.has_idp != (idp.len > 0))
        return CM_REVOCATION_UNKNOWN;
    facts->scope.reasons = CM_CRL_ALL_REASONS;
    if (idp.len == 0)
        return CM_OK;
    reason = cm_crl_read_scope(&idp, facts->issuer, &facts->scope, NULL);
    out->idp = idp;
    return reason;
}

static enum cm_reason
decode_key_id(const uint8_t *bytes, struct cm_der *rest,
              struct cm_crl_index_header *out)
{
    struct cm_der id;

    if (!take_bytes(rest, (size_t)cm_crl_get(bytes + AT_KEY_ID_LENGTH, 4),
                    &id))
        return CM_REVOCATION_UNKNOWN;
    if ((cm_crl_get(bytes + AT_FLAGS, 4) & FLAG_KEY_ID) == 0)
        return id.len == 0 ? CM_OK : CM_REVOCATION_UNKNOWN;
    out->facts.key_id = ASN1_OCTET_STRING_new();
    if (out->facts.key_id == NULL ||
        ASN1_OCTET_STRING_set(out->facts.key_id, id.bytes, (int)id.len) != 1)
        return CM_NO_MEMORY;
    return CM_OK;
}

enum cm_reason
cm_crl_index_decode(const uint8_t *bytes, size_t len,
                    struct cm_crl_index_header *out)
{
    struct cm_der rest = {bytes + AT_NAMES, len - DIGEST - AT_NAMES};
    enum cm_reason reason;

    memset(out, 0, sizeof(*out));
    if (!digest_matches(bytes, len) ||
        cm_crl_get(bytes + AT_FLAGS, 4) > ALL_FLAGS)
        return CM_REVOCATION_UNKNOWN;
    out->len = len;
    decode_fixed(bytes, out);
    reason = decode_names(bytes, &rest, out);
    if (reason == CM_OK)
        reason = decode_scope(bytes, &rest, out);
    if (reason == CM_OK)
        reason = decode_key_id(bytes, &rest, out);
    ERR_clear_error();
    if (reason == CM_OK && out->records <= CM_CRL_MAX_ENTRIES &&
        cm_crl_index_size(len, out->records) ==
            cm_crl_get(bytes + AT_FILE_SIZE, 8))
        return CM_OK;
    cm_crl_facts_clear(&out->facts);
    cm_crl_issuers_clear(&out->issuers);
    return reason == CM_OK ? CM_REVOCATION_UNKNOWN : reason;
}
