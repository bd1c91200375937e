#include "ocsp_parts.h"

#include <string.h>

#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "der.h"
#include "instant.h"
#include "strength.h"

enum { KEY_ID = 20 /* octets of a SHA-1 key hash */ };

static bool
refuse(struct cm_detail *detail, const char *what)
{
    cm_detail_set(detail, "OCSP signer: %s", what);
    return false;
}

/* Is the certificate's holder the one that the ResponderID names? */
static bool
is_named(const struct cm_ocsp_response *response, const X509 *cert)
{
    const ASN1_OCTET_STRING *id = NULL;
    const X509_NAME *name = NULL;
    uint8_t hash[EVP_MAX_MD_SIZE];

    if (OCSP_resp_get0_id(response->basic, &id, &name) != 1)
        return false;
    if (name != NULL)
        return X509_NAME_cmp(name, X509_get_subject_name(cert)) == 0;
    return ASN1_STRING_length(id) == KEY_ID &&
           X509_pubkey_digest(cert, EVP_sha1(), hash, NULL) == 1 &&
           memcmp(ASN1_STRING_get0_data(id), hash, KEY_ID) == 0;
}

/* Did the key of the certificate sign the response, above the floor? */
static bool
has_signed(const struct cm_ocsp_question *question,
           const struct cm_ocsp_response *response, X509 *cert,
           struct cm_detail *detail)
{
    const X509_ALGOR *algorithm = OCSP_resp_get0_tbs_sigalg(response->basic);
    const ASN1_OCTET_STRING *signature =
        OCSP_resp_get0_signature(response->basic);
    EVP_PKEY *key = X509_get0_pubkey(cert);
    struct cm_detail why = {""};

    if (key == NULL ||
        !cm_strength_key(cert, question->rules->min_rsa_bits, &why) ||
        !cm_strength_algorithm(algorithm, &why)) {
        cm_detail_set(detail, "OCSP signer: below the floor: %s", why.text);
        return false;
    }
    if (ASN1_item_verify(ASN1_ITEM_rptr(ASN1_ANY), algorithm, signature,
                         response->signed_part, key) != 1)
        return refuse(detail, "the signature does not fit the key");
    return true;
}

/* Valid now, and when the response was produced. */
static bool
is_valid(const struct cm_ocsp_response *response, const X509 *cert,
         int64_t now, struct cm_detail *detail)
{
    int64_t not_before, not_after;

    if (!cm_instant_read(X509_get0_notBefore(cert), &not_before) ||
        !cm_instant_read(X509_get0_notAfter(cert), &not_after))
        return refuse(detail, "its validity does not decode");
    if (now < not_before || now > not_after)
        return refuse(detail, "it is outside its validity period");
    if (response->produced_at < not_before ||
        response->produced_at > not_after)
        return refuse(detail, "the response was produced outside its "
                              "validity period");
    return true;
}

/* What the certificate itself says about being a delegate. */
static bool
may_be_delegate(X509 *delegate, struct cm_detail *detail)
{
    uint32_t flags = X509_get_extension_flags(delegate);

    if ((flags & EXFLAG_INVALID) != 0)
        return refuse(detail, "an extension does not decode");
    if ((flags & EXFLAG_XKUSAGE) == 0 ||
        (X509_get_extended_key_usage(delegate) & XKU_OCSP_SIGN) == 0)
        return refuse(detail, "its extended key usage is not OCSP signing");
    if ((flags & EXFLAG_KUSAGE) != 0 &&
        (X509_get_key_usage(delegate) & KU_DIGITAL_SIGNATURE) == 0)
        return refuse(detail, "its key usage is not digital signature");
    if ((flags & EXFLAG_CA) != 0)
        return refuse(detail, "it is a CA, but not the issuing one");
    if ((flags & EXFLAG_PROXY) != 0)
        return refuse(detail, "it is a proxy certificate");
    return cm_ocsp_signer_extensions(delegate, detail);
}

/* Did the issuing key itself sign the delegate's certificate? */
static bool
is_issued(const struct cm_ocsp_question *question, X509 *delegate,
          struct cm_detail *detail)
{
    EVP_PKEY *key = X509_get0_pubkey(question->issuer);
    struct cm_detail why = {""};

    if (X509_NAME_cmp(X509_get_issuer_name(delegate),
                      X509_get_subject_name(question->issuer)) != 0)
        return refuse(detail, "another CA issued it");
    if (!cm_strength_signature(delegate, &why)) {
        cm_detail_set(detail, "OCSP signer: below the floor: %s", why.text);
        return false;
    }
    if (key == NULL || X509_verify(delegate, key) != 1)
        return refuse(detail, "the issuing key did not sign it");
    return true;
}

/* id-pkix-ocsp-nocheck, whose value is NULL (RFC 6960 section 4.2.2.2.1). */
static bool
needs_no_check(const X509 *delegate)
{
    static const uint8_t null[] = {CM_DER_NULL, 0x00};
    int at = X509_get_ext_by_NID(delegate, NID_id_pkix_OCSP_noCheck, -1);
    const ASN1_OCTET_STRING *value;

    if (at < 0)
        return false;
    value = X509_EXTENSION_get_data(X509_get_ext(delegate, at));
    return ASN1_STRING_length(value) == sizeof(null) &&
           memcmp(ASN1_STRING_get0_data(value), null, sizeof(null)) == 0;
}

static bool
is_not_revoked(const struct cm_ocsp_question *question, X509 *delegate,
               struct cm_detail *detail)
{
    struct cm_status status;

    if (needs_no_check(delegate))
        return true;
    if (question->delegate_status == NULL)
        return refuse(detail, "its own status is not known");
    memset(&status, 0, sizeof(status));
    question->delegate_status(question->context, delegate, &status);
    if (status.state == CM_STATUS_GOOD)
        return true;
    return refuse(detail, status.state == CM_STATUS_REVOKED
                              ? "it is revoked"
                              : "nothing current says that it is not revoked");
}

/* The issuing CA speaks for itself. */
static bool
is_issuer(const struct cm_ocsp_question *question,
          const struct cm_ocsp_response *response, struct cm_detail *detail)
{
    X509 *issuer = question->issuer;

    return is_named(response, issuer) &&
           is_valid(response, issuer, question->rules->now, detail) &&
           has_signed(question, response, issuer, detail);
}

/* The cheap checks come first, those that cost a signature or a search
 * after them. */
static bool
is_delegate(const struct cm_ocsp_question *question,
            const struct cm_ocsp_response *response, X509 *cert,
            struct cm_detail *detail)
{
    return is_named(response, cert) &&
           is_valid(response, cert, question->rules->now, detail) &&
           may_be_delegate(cert, detail) &&
           is_issued(question, cert, detail) &&
           has_signed(question, response, cert, detail) &&
           is_not_revoked(question, cert, detail);
}

static bool
is_configured(const struct cm_ocsp_question *question,
              const struct cm_ocsp_response *response,
              struct cm_detail *detail)
{
    X509 *responder;

    for (size_t i = 0; i < question->responder_count; i++) {
        responder = question->responders[i];
        if (is_named(response, responder) &&
            is_valid(response, responder, question->rules->now, detail) &&
            has_signed(question, response, responder, detail))
            return true;
    }
    return false;
}

bool
cm_ocsp_is_authorized(const struct cm_ocsp_question *question,
                      const struct cm_ocsp_response *response,
                      struct cm_detail *detail)
{
    const STACK_OF(X509) *certs = OCSP_resp_get0_certs(response->basic);

    refuse(detail, "nobody who may speak about the certificate");
    if (is_issuer(question, response, detail) ||
        is_configured(question, response, detail))
        return true;
    for (int i = 0; i < sk_X509_num(certs); i++) {
        if (is_delegate(question, response, sk_X509_value(certs, i), detail))
            return true;
    }
    return false;
}
