#include "strength.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>

#include "buf.h"

enum {
    ALGORITHM_TEXT = 128 /* bytes of an algorithm's name or dotted OID */
};

/* Named curves at or above the floor. */
static const struct curve {
    int nid;
    const char *name;
} curves[] = {
    {NID_X9_62_prime256v1, "P-256"},
    {NID_secp384r1, "P-384"},
    {NID_secp521r1, "P-521"},
    {NID_brainpoolP256r1, "brainpoolP256r1"},
    {NID_brainpoolP256t1, "brainpoolP256t1"},
    {NID_brainpoolP320r1, "brainpoolP320r1"},
    {NID_brainpoolP320t1, "brainpoolP320t1"},
    {NID_brainpoolP384r1, "brainpoolP384r1"},
    {NID_brainpoolP384t1, "brainpoolP384t1"},
    {NID_brainpoolP512r1, "brainpoolP512r1"},
    {NID_brainpoolP512t1, "brainpoolP512t1"},
};
enum { CURVE_COUNT = sizeof(curves) / sizeof(curves[0]) };

/* What the SubjectPublicKeyInfo says about the key. */
struct key {
    int algorithm;             /* NID */
    int parameter_type;        /* V_ASN1_... of the algorithm's parameters */
    int curve;                 /* NID of the named curve, or NID_undef */
    const ASN1_OBJECT *object; /* of the algorithm; borrowed */
    EVP_PKEY *pkey;            /* NULL: it does not decode; borrowed */
};

static void
read_key(const X509 *cert, struct key *out)
{
    const void *parameter = NULL;
    ASN1_OBJECT *object = NULL;
    X509_ALGOR *algorithm = NULL;

    X509_PUBKEY_get0_param(&object, NULL, NULL, &algorithm,
                           X509_get_X509_PUBKEY(cert));
    X509_ALGOR_get0(NULL, &out->parameter_type, &parameter, algorithm);
    out->object = object;
    out->algorithm = OBJ_obj2nid(object);
    out->curve = NID_undef;
    if (out->algorithm == NID_X9_62_id_ecPublicKey &&
        out->parameter_type == V_ASN1_OBJECT)
        out->curve = OBJ_obj2nid(parameter);
    out->pkey = X509_get0_pubkey(cert);
    ERR_clear_error();
}

static const struct curve *
find_curve(int nid)
{
    for (size_t i = 0; i < CURVE_COUNT; i++) {
        if (curves[i].nid == nid)
            return &curves[i];
    }
    return NULL;
}

static bool
is_rsa(int algorithm)
{
    return algorithm == NID_rsaEncryption || algorithm == NID_rsassaPss;
}

static bool
is_eddsa(int algorithm)
{
    return algorithm == NID_ED25519 || algorithm == NID_ED448;
}

/* The name or dotted OID of an algorithm, for people. */
static const char *
object_text(const ASN1_OBJECT *object, char text[ALGORITHM_TEXT])
{
    const char *name = OBJ_nid2ln(OBJ_obj2nid(object));

    if (OBJ_obj2nid(object) != NID_undef && name != NULL)
        return name;
    if (OBJ_obj2txt(text, ALGORITHM_TEXT, object, 1) <= 0) {
        ERR_clear_error();
        return "unknown";
    }
    return text;
}

static bool
rsa_is_strong(EVP_PKEY *pkey, int min_bits, struct cm_detail *detail)
{
    int bits = EVP_PKEY_get_bits(pkey);

    if (bits >= min_bits && bits <= CM_MAX_RSA_BITS)
        return true;
    cm_detail_set(detail, "RSA key of %d bits, allowed are %d to %d", bits,
                  min_bits, CM_MAX_RSA_BITS);
    return false;
}

static bool
ec_is_strong(const struct key *key, struct cm_detail *detail)
{
    if (find_curve(key->curve) != NULL)
        return true;
    if (key->parameter_type != V_ASN1_OBJECT)
        cm_detail_set(detail, "EC key without a named curve");
    else
        cm_detail_set(detail, "EC key on the curve %s",
                      key->curve == NID_undef ? "unknown"
                                              : OBJ_nid2sn(key->curve));
    return false;
}

bool
cm_strength_key(const X509 *cert, int min_rsa_bits, struct cm_detail *detail)
{
    char text[ALGORITHM_TEXT];
    struct key key;

    read_key(cert, &key);
    if (key.pkey == NULL) {
        cm_detail_set(detail, "public key (%s) that cannot be used",
                      object_text(key.object, text));
        return false;
    }
    if (is_rsa(key.algorithm))
        return rsa_is_strong(key.pkey, min_rsa_bits, detail);
    if (key.algorithm == NID_X9_62_id_ecPublicKey)
        return ec_is_strong(&key, detail);
    if (is_eddsa(key.algorithm))
        return true;
    cm_detail_set(detail, "public key algorithm %s",
                  object_text(key.object, text));
    return false;
}

/* SHA-2 and SHA-3 of 256 bits and more. */
static bool
digest_is_strong(int nid)
{
    return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512 ||
           nid == NID_sha3_256 || nid == NID_sha3_384 || nid == NID_sha3_512;
}

/* An AlgorithmIdentifier of a hash; absent means SHA-1 (RFC 4055). */
static bool
hash_is_strong(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object = NULL;

    if (algorithm == NULL)
        return false;
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    return digest_is_strong(OBJ_obj2nid(object));
}

/* The hash inside MGF1's parameters. */
static bool
mask_is_strong(const X509_ALGOR *mask)
{
    const ASN1_OBJECT *object = NULL;
    const void *parameter = NULL;
    X509_ALGOR *hash;
    int type = V_ASN1_UNDEF;
    bool strong;

    if (mask == NULL)
        return false;
    X509_ALGOR_get0(&object, &type, &parameter, mask);
    if (OBJ_obj2nid(object) != NID_mgf1 || type != V_ASN1_SEQUENCE)
        return false;
    hash = ASN1_item_unpack(parameter, ASN1_ITEM_rptr(X509_ALGOR));
    strong = hash_is_strong(hash);
    X509_ALGOR_free(hash);
    return strong;
}

/* RSASSA-PSS-params (RFC 4055 section 3.1). */
static bool
pss_is_strong(const X509_ALGOR *algorithm)
{
    const void *parameter = NULL;
    RSA_PSS_PARAMS *params;
    int type = V_ASN1_UNDEF;
    bool strong;

    X509_ALGOR_get0(NULL, &type, &parameter, algorithm);
    if (type != V_ASN1_SEQUENCE)
        return false;
    params = ASN1_item_unpack(parameter, ASN1_ITEM_rptr(RSA_PSS_PARAMS));
    strong = params != NULL && hash_is_strong(params->hashAlgorithm) &&
             mask_is_strong(params->maskGenAlgorithm);
    RSA_PSS_PARAMS_free(params);
    ERR_clear_error();
    return strong;
}

bool
cm_strength_algorithm(const X509_ALGOR *algorithm, struct cm_detail *detail)
{
    int nid, digest = NID_undef, key = NID_undef;
    const ASN1_OBJECT *object = NULL;
    char text[ALGORITHM_TEXT];
    bool strong = false;

    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    nid = OBJ_obj2nid(object);
    if (nid == NID_rsassaPss)
        strong = pss_is_strong(algorithm);
    else if (is_eddsa(nid))
        strong = true;
    else if (nid != NID_undef && OBJ_find_sigid_algs(nid, &digest, &key) == 1)
        strong = digest_is_strong(digest) &&
                 (key == NID_rsaEncryption || key == NID_X9_62_id_ecPublicKey);
    if (!strong)
        cm_detail_set(detail, "signature algorithm %s",
                      object_text(object, text));
    return strong;
}

bool
cm_strength_signature(const X509 *cert, struct cm_detail *detail)
{
    const X509_ALGOR *algorithm = NULL;

    X509_get0_signature(NULL, &algorithm, cert);
    return cm_strength_algorithm(algorithm, detail);
}

char *
cm_strength_key_text(const X509 *cert)
{
    struct cm_buf buf = CM_BUF_INIT;
    const struct curve *curve;
    char text[ALGORITHM_TEXT];
    struct key key;

    read_key(cert, &key);
    curve = find_curve(key.curve);
    if (curve != NULL)
        cm_buf_addf(&buf, "EC %s", curve->name);
    else if (key.curve != NID_undef)
        cm_buf_addf(&buf, "EC %s", OBJ_nid2sn(key.curve));
    else if (key.algorithm == NID_X9_62_id_ecPublicKey)
        cm_buf_add_text(&buf, "EC without a named curve");
    else if (is_rsa(key.algorithm) && key.pkey != NULL)
        cm_buf_addf(&buf, "RSA%s %d",
                    key.algorithm == NID_rsassaPss ? "-PSS" : "",
                    EVP_PKEY_get_bits(key.pkey));
    else
        cm_buf_add_text(&buf, object_text(key.object, text));
    return cm_buf_take(&buf);
}
