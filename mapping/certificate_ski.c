#include "certificate_parts.h"

#include <string.h>

#include <openssl/evp.h>

enum {
    SKI_160_BITS = 20,
    SKI_60_BITS = 8, /* 0100 and the low 60 bits of SHA-1 */
    SKI_60_TYPE = 0x40,
    SHA1_LENGTH = 20
};

/* RFC 5280 section 4.2.1.2, method 2: of the BIT STRING's content. */
static bool
is_60_bits(const uint8_t *ski, const struct cm_der *bits)
{
    uint8_t digest[SHA1_LENGTH];
    uint8_t *low = digest + SHA1_LENGTH - SKI_60_BITS;

    if (EVP_Digest(bits->bytes, bits->len, digest, NULL, EVP_sha1(), NULL) !=
        1)
        return false;
    low[0] = (uint8_t)(SKI_60_TYPE | (low[0] & 0x0f));
    return memcmp(low, ski, SKI_60_BITS) == 0;
}

/* The leftmost 160 bits of a digest, or all of it where `whole`. */
static bool
is_digest(const struct cm_certificate *cert, const struct cm_der *input,
          const EVP_MD *md, bool whole)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (cert->ski_len != SKI_160_BITS &&
        !(whole && cert->ski_len == (size_t)EVP_MD_get_size(md)))
        return false;
    return EVP_Digest(input->bytes, input->len, digest, &len, md, NULL) == 1 &&
           cert->ski_len <= len &&
           memcmp(digest, cert->ski, cert->ski_len) == 0;
}

/* RFC 7093 section 2, method 4: of the SubjectPublicKeyInfo. */
static bool
is_spki_digest(const struct cm_certificate *cert)
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert->x509), &der);
    struct cm_der spki;
    bool found;

    if (len <= 0)
        return false;
    spki.bytes = der;
    spki.len = (size_t)len;
    found = is_digest(cert, &spki, EVP_sha1(), true) ||
            is_digest(cert, &spki, EVP_sha256(), true) ||
            is_digest(cert, &spki, EVP_sha384(), true) ||
            is_digest(cert, &spki, EVP_sha512(), true);
    OPENSSL_free(der);
    return found;
}

bool
cm_certificate_ski_is_key_hash(const struct cm_certificate *cert)
{
    const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(cert->x509);
    struct cm_der bits;

    if (cert->ski_len == 0 || key == NULL)
        return false;
    bits.bytes = ASN1_STRING_get0_data(key);
    bits.len = (size_t)ASN1_STRING_length(key);
    if (cert->ski_len == SKI_60_BITS)
        return is_60_bits(cert->ski, &bits);
    /* RFC 5280 method 1, by far the most common, then RFC 7093's. */
    return is_digest(cert, &bits, EVP_sha1(), false) ||
           is_digest(cert, &bits, EVP_sha256(), false) ||
           is_digest(cert, &bits, EVP_sha384(), false) ||
           is_digest(cert, &bits, EVP_sha512(), false) || is_spki_digest(cert);
}
