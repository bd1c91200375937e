#include "crl_parts.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>

#include "strength.h"

enum {
    PSS_DEFAULT_SALT = 20, /* octets: RFC 4055 section 3.1 */
    PSS_MAX_SALT = 512,
    PSS_TRAILER = 1
};

/* What RSASSA-PSS-params ask for. */
struct pss {
    const EVP_MD *digest;
    const EVP_MD *mask;
    int salt;
};

static bool
is_eddsa(int nid)
{
    return nid == NID_ED25519 || nid == NID_ED448;
}

static const EVP_MD *
digest_of(const X509_ALGOR *hash)
{
    const ASN1_OBJECT *object = NULL;

    if (hash == NULL)
        return NULL;
    X509_ALGOR_get0(&object, NULL, NULL, hash);
    return EVP_get_digestbyobj(object);
}

static const EVP_MD *
mask_digest_of(const X509_ALGOR *mask)
{
    const void *parameter = NULL;
    const EVP_MD *digest;
    X509_ALGOR *hash;
    int type = V_ASN1_UNDEF;

    if (mask == NULL)
        return NULL;
    X509_ALGOR_get0(NULL, &type, &parameter, mask);
    if (type != V_ASN1_SEQUENCE)
        return NULL;
    hash = ASN1_item_unpack(parameter, ASN1_ITEM_rptr(X509_ALGOR));
    digest = digest_of(hash);
    X509_ALGOR_free(hash);
    return digest;
}

static bool
read_pss_params(const RSA_PSS_PARAMS *params, struct pss *out)
{
    out->digest = digest_of(params->hashAlgorithm);
    out->mask = mask_digest_of(params->maskGenAlgorithm);
    out->salt = PSS_DEFAULT_SALT;
    if (params->saltLength != NULL)
        out->salt = (int)ASN1_INTEGER_get(params->saltLength);
    return out->digest != NULL && out->mask != NULL && out->salt >= 0 &&
           out->salt <= PSS_MAX_SALT &&
           (params->trailerField == NULL ||
            ASN1_INTEGER_get(params->trailerField) == PSS_TRAILER);
}

static bool
read_pss(const X509_ALGOR *algorithm, struct pss *out)
{
    const void *parameter = NULL;
    RSA_PSS_PARAMS *params;
    int type = V_ASN1_UNDEF;
    bool ok;

    X509_ALGOR_get0(NULL, &type, &parameter, algorithm);
    if (type != V_ASN1_SEQUENCE)
        return false;
    params = ASN1_item_unpack(parameter, ASN1_ITEM_rptr(RSA_PSS_PARAMS));
    ok = params != NULL && read_pss_params(params, out);
    RSA_PSS_PARAMS_free(params);
    return ok;
}

/* The hash that an algorithm above the floor signs; NULL: none. */
static const EVP_MD *
message_digest(const X509_ALGOR *algorithm, int nid)
{
    int digest = NID_undef;
    struct pss pss;

    if (nid == NID_rsassaPss)
        return read_pss(algorithm, &pss) ? pss.digest : NULL;
    if (OBJ_find_sigid_algs(nid, &digest, NULL) != 1)
        return NULL;
    return EVP_get_digestbynid(digest);
}

static int
algorithm_nid(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object = NULL;

    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    return OBJ_obj2nid(object);
}

bool
cm_crl_signature_read(struct cm_crl_signature *signature,
                      const struct cm_der *algorithm)
{
    const uint8_t *p = algorithm->bytes;
    int nid;

    signature->algorithm = d2i_X509_ALGOR(NULL, &p, (long)algorithm->len);
    if (signature->algorithm != NULL &&
        p == algorithm->bytes + algorithm->len &&
        cm_strength_algorithm(signature->algorithm, NULL)) {
        nid = algorithm_nid(signature->algorithm);
        signature->eddsa = is_eddsa(nid);
        if (!signature->eddsa)
            signature->digest = message_digest(signature->algorithm, nid);
    }
    ERR_clear_error();
    return signature->algorithm != NULL &&
           p == algorithm->bytes + algorithm->len;
}

void
cm_crl_signature_clear(struct cm_crl_signature *signature)
{
    X509_ALGOR_free(signature->algorithm);
    free(signature->copy);
    memset(signature, 0, sizeof(*signature));
}

/* May this key have made a signature of this algorithm? */
static bool
key_fits(EVP_PKEY *key, int nid)
{
    int wanted = NID_undef;

    if (nid == NID_rsassaPss)
        return EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS");
    if (is_eddsa(nid))
        return EVP_PKEY_is_a(key, OBJ_nid2sn(nid));
    if (OBJ_find_sigid_algs(nid, NULL, &wanted) != 1)
        return false;
    if (wanted == NID_rsaEncryption)
        return EVP_PKEY_is_a(key, "RSA");
    return wanted == NID_X9_62_id_ecPublicKey && EVP_PKEY_is_a(key, "EC");
}

static bool
set_padding(EVP_PKEY_CTX *ctx, const X509_ALGOR *algorithm, EVP_PKEY *key)
{
    struct pss pss;

    if (algorithm_nid(algorithm) == NID_rsassaPss)
        return read_pss(algorithm, &pss) &&
               EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_signature_md(ctx, pss.digest) > 0 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, pss.mask) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, pss.salt) > 0;
    return !EVP_PKEY_is_a(key, "RSA") ||
           EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
}

static bool
verify_digest(const struct cm_crl_signature *signature, EVP_PKEY *key)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool good;

    good = ctx != NULL && EVP_PKEY_verify_init(ctx) > 0 &&
           set_padding(ctx, signature->algorithm, key) &&
           EVP_PKEY_CTX_set_signature_md(ctx, signature->digest) > 0 &&
           EVP_PKEY_verify(ctx, signature->value, signature->value_len,
                           signature->message, signature->message_len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

static bool
verify_copy(const struct cm_crl_signature *signature, EVP_PKEY *key)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good;

    good = ctx != NULL &&
           EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
           EVP_DigestVerify(ctx, signature->value, signature->value_len,
                            signature->copy, signature->copy_len) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

static bool
check_signature(const struct cm_crl_signature *signature, EVP_PKEY *key,
                struct cm_detail *detail)
{
    bool good = false;

    if (!cm_strength_algorithm(signature->algorithm, detail))
        return false;
    cm_detail_set(detail, "CRL is not signed by this key");
    if (!key_fits(key, algorithm_nid(signature->algorithm)))
        return false;
    if (signature->eddsa)
        good = verify_copy(signature, key);
    else if (signature->digest != NULL)
        good = verify_digest(signature, key);
    ERR_clear_error();
    return good;
}

bool
cm_crl_verify(struct cm_crl_source *source, EVP_PKEY *key,
              struct cm_detail *detail)
{
    enum cm_reason reason = CM_OK;
    struct cm_crl_scan scan;

    if (!source->known) {
        reason = cm_crl_scan(source, &scan, NULL, NULL, detail);
        if (reason == CM_OK)
            cm_crl_source_keep(source, &scan);
        cm_crl_scan_clear(&scan);
    }
    return reason == CM_OK && check_signature(&source->signature, key, detail);
}
