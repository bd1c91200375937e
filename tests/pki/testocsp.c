#include "testocsp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/rsa.h>

#include "derasm.h"

#define BASIC_TYPE "06:2b0601050507300101"

enum { TIME_TEXT = 32 };

/* DER in the language of derasm.h, as it grows. */
struct text {
    char *start;
    size_t len;
    FILE *out;
};

static void
require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "testocsp: %s\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

static void
text_open(struct text *text)
{
    text->out = open_memstream(&text->start, &text->len);
    require(text->out != NULL, "memory");
}

/* The bytes of the text, which is gone then. */
static uint8_t *
text_bytes(struct text *text, size_t *len)
{
    uint8_t *out;

    require(fclose(text->out) == 0, "memory");
    out = da_bytes(text->start, len);
    free(text->start);
    return out;
}

static void
put_raw(FILE *out, const uint8_t *bytes, size_t len)
{
    fputs(" #", out);
    for (size_t i = 0; i < len; i++)
        fprintf(out, "%02x", bytes[i]);
    fputc(' ', out);
}

static void
put_time(FILE *out, int64_t seconds)
{
    time_t moment = (time_t)seconds;
    char text[TIME_TEXT];
    struct tm tm;

    require(gmtime_r(&moment, &tm) != NULL &&
                strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm) > 0,
            "time");
    fprintf(out, " 18'%s' ", text);
}

static void
put_id(FILE *out, const struct to_answer *answer)
{
    const EVP_MD *digest =
        answer->digest != NULL ? answer->digest : EVP_sha1();
    OCSP_CERTID *id = OCSP_cert_to_id(digest, answer->cert, answer->issuer);
    uint8_t *der = NULL;
    int len;

    require(id != NULL, "CertID");
    len = i2d_OCSP_CERTID(id, &der);
    require(len > 0, "CertID");
    put_raw(out, der, (size_t)len);
    OPENSSL_free(der);
    OCSP_CERTID_free(id);
}

static void
put_answer(FILE *out, const struct to_answer *answer)
{
    fputs("30(", out);
    put_id(out, answer);
    fputs(answer->status, out);
    if (answer->this_update_der != NULL)
        fprintf(out, " %s ", answer->this_update_der);
    else
        put_time(out, answer->this_update);
    if (answer->next_update != 0) {
        fputs("a0(", out);
        put_time(out, answer->next_update);
        fputs(")", out);
    }
    if (answer->extensions != NULL)
        fprintf(out, "a1(30(%s))", answer->extensions);
    fputs(")", out);
}

static void
put_responder_id(FILE *out, const struct to_spec *spec)
{
    uint8_t hash[EVP_MAX_MD_SIZE], *der = NULL;
    unsigned hash_len;
    int len;

    if (spec->responder_id != NULL) {
        fprintf(out, " %s ", spec->responder_id);
    } else if (spec->by_key) {
        require(X509_pubkey_digest(spec->responder, EVP_sha1(), hash,
                                   &hash_len) == 1,
                "key hash");
        fputs("a2(04(", out);
        put_raw(out, hash, hash_len);
        fputs("))", out);
    } else {
        len = i2d_X509_NAME(X509_get_subject_name(spec->responder), &der);
        require(len > 0, "name");
        fputs("a1(", out);
        put_raw(out, der, (size_t)len);
        fputs(")", out);
        OPENSSL_free(der);
    }
}

static uint8_t *
make_signed_part(const struct to_spec *spec, size_t *len)
{
    struct text text;

    text_open(&text);
    fprintf(text.out, "30(%s ", spec->version != NULL ? spec->version : "");
    put_responder_id(text.out, spec);
    if (spec->produced_at_der != NULL)
        fprintf(text.out, " %s ", spec->produced_at_der);
    else
        put_time(text.out, spec->produced_at);
    fputs("30(", text.out);
    for (size_t n = 0; n <= spec->repeat; n++) {
        for (size_t i = 0;
             i < TO_MAX_ANSWERS && spec->answers[i].status != NULL; i++)
            put_answer(text.out, &spec->answers[i]);
    }
    fputs(")", text.out);
    if (spec->extensions != NULL)
        fprintf(text.out, "a1(30(%s))", spec->extensions);
    fputs(")", text.out);
    return text_bytes(&text, len);
}

/* Signs the element, and writes algorithm and signature. */
static void
put_signature(FILE *out, const struct to_spec *spec, const ASN1_TYPE *element)
{
    const EVP_MD *digest = spec->digest != NULL ? spec->digest : EVP_sha256();
    ASN1_BIT_STRING *signature = ASN1_BIT_STRING_new();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    X509_ALGOR *algorithm = X509_ALGOR_new();
    EVP_PKEY_CTX *options = NULL;
    uint8_t *der = NULL;
    int len;

    if (EVP_PKEY_is_a(spec->key, "ED25519"))
        digest = NULL;
    require(EVP_DigestSignInit(ctx, &options, digest, NULL, spec->key) == 1 &&
                (!spec->pss || EVP_PKEY_CTX_set_rsa_padding(
                                   options, RSA_PKCS1_PSS_PADDING) == 1),
            "signature");
    require(ASN1_item_sign_ctx(ASN1_ITEM_rptr(ASN1_ANY), algorithm, NULL,
                               signature, element, ctx) > 0,
            "signature");
    len = i2d_X509_ALGOR(algorithm, &der);
    put_raw(out, der, (size_t)len);
    OPENSSL_free(der);
    fputs("03(#00", out);
    put_raw(out, ASN1_STRING_get0_data(signature),
            (size_t)ASN1_STRING_length(signature));
    fputs(")", out);
    EVP_MD_CTX_free(ctx);
    ASN1_BIT_STRING_free(signature);
    X509_ALGOR_free(algorithm);
}

static void
put_certs(FILE *out, const struct to_spec *spec)
{
    uint8_t *der;
    int len;

    if (spec->certs[0] == NULL)
        return;
    fputs("a0(30(", out);
    for (size_t n = 0; n <= spec->repeat_certs; n++) {
        for (size_t i = 0; i < TO_MAX_CERTS && spec->certs[i] != NULL; i++) {
            der = NULL;
            len = i2d_X509(spec->certs[i], &der);
            require(len > 0, "certificate");
            put_raw(out, der, (size_t)len);
            OPENSSL_free(der);
        }
    }
    fputs("))", out);
}

/* NULL: the part is not one element. */
static uint8_t *
sign(const struct to_spec *spec, const uint8_t *part, size_t part_len,
     size_t *len)
{
    const uint8_t *end = part;
    ASN1_TYPE *element = d2i_ASN1_TYPE(NULL, &end, (long)part_len);
    struct text text;

    if (element == NULL || end != part + part_len) {
        ASN1_TYPE_free(element);
        return NULL;
    }
    text_open(&text);
    fputs("30(", text.out);
    put_raw(text.out, part, part_len);
    put_signature(text.out, spec, element);
    put_certs(text.out, spec);
    fputs(")", text.out);
    ASN1_TYPE_free(element);
    return text_bytes(&text, len);
}

uint8_t *
to_sign(const uint8_t *part, size_t part_len, EVP_PKEY *key, size_t *len)
{
    const struct to_spec spec = {.key = key};

    return sign(&spec, part, part_len, len);
}

uint8_t *
to_make_basic(const struct to_spec *spec, size_t *len)
{
    uint8_t *part, *out;
    size_t part_len;

    part = make_signed_part(spec, &part_len);
    out = sign(spec, part, part_len, len);
    require(out != NULL, "ResponseData");
    free(part);
    return out;
}

uint8_t *
to_wrap(const uint8_t *basic, size_t basic_len, size_t *len)
{
    struct text text;

    text_open(&text);
    fputs("30(0a:00 a0(30(" BASIC_TYPE " 04(", text.out);
    put_raw(text.out, basic, basic_len);
    fputs("))))", text.out);
    return text_bytes(&text, len);
}

uint8_t *
to_make(const struct to_spec *spec, size_t *len)
{
    uint8_t *basic, *out;
    size_t basic_len;

    basic = to_make_basic(spec, &basic_len);
    out = to_wrap(basic, basic_len, len);
    free(basic);
    return out;
}
