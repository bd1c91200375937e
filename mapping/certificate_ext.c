#include "certificate_parts.h"

#include <string.h>

#include <openssl/objects.h>
#include <openssl/x509v3.h>

/* 1.3.6.1.4.1.311.25.2, the SID extension ([MS-WCCE] 2.2.2.7.7.4) */
static const uint8_t oid_sid_extension[] = {0x2b, 0x06, 0x01, 0x04, 0x01,
                                            0x82, 0x37, 0x19, 0x02};

/* What a login reads, here or along the path. */
static const int known_extensions[] = {
    NID_subject_key_identifier,
    NID_key_usage,
    NID_subject_alt_name,
    NID_issuer_alt_name,
    NID_basic_constraints,
    NID_name_constraints,
    NID_crl_distribution_points,
    NID_certificate_policies,
    NID_policy_mappings,
    NID_authority_key_identifier,
    NID_policy_constraints,
    NID_ext_key_usage,
    NID_freshest_crl,
    NID_inhibit_any_policy,
    NID_info_access,
};
enum { KNOWN_COUNT = sizeof(known_extensions) / sizeof(known_extensions[0]) };

static bool
is_known(int nid)
{
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        if (known_extensions[i] == nid)
            return true;
    }
    return false;
}

static struct cm_der
extension_value(X509_EXTENSION *extension)
{
    const ASN1_OCTET_STRING *octets = X509_EXTENSION_get_data(extension);
    struct cm_der value = {ASN1_STRING_get0_data(octets),
                           (size_t)ASN1_STRING_length(octets)};

    return value;
}

static bool
is_sid_extension(const ASN1_OBJECT *object)
{
    struct cm_der oid = {OBJ_get0_data(object), OBJ_length(object)};

    return cm_der_equals(&oid, oid_sid_extension, sizeof(oid_sid_extension));
}

/* Two extensions of one kind contradict each other, whatever they say. */
static bool
is_doubled(const STACK_OF(X509_EXTENSION) * list, int index)
{
    ASN1_OBJECT *object =
        X509_EXTENSION_get_object(sk_X509_EXTENSION_value(list, index));

    for (int i = 0; i < index; i++) {
        if (OBJ_cmp(
                X509_EXTENSION_get_object(sk_X509_EXTENSION_value(list, i)),
                object) == 0)
            return true;
    }
    return false;
}

static enum cm_reason
read_extension(X509_EXTENSION *extension, struct cm_certificate *cert,
               struct cm_detail *detail)
{
    const ASN1_OBJECT *object = X509_EXTENSION_get_object(extension);
    struct cm_der value = extension_value(extension);
    int nid = OBJ_obj2nid(object);

    if (is_sid_extension(object))
        return cm_certificate_read_sid(value, cert);
    if (!is_known(nid))
        return CM_OK;
    if (!cm_der_is_strict(value.bytes, value.len)) {
        cm_detail_set(detail, "extension %s is not DER", OBJ_nid2sn(nid));
        return CM_CERT_MALFORMED;
    }
    if (nid == NID_subject_alt_name)
        return cm_certificate_read_san(value, cert, detail);
    return CM_OK;
}

static enum cm_reason
read_each(struct cm_certificate *cert, struct cm_detail *detail)
{
    const STACK_OF(X509_EXTENSION) *list = X509_get0_extensions(cert->x509);
    int count = list == NULL ? 0 : sk_X509_EXTENSION_num(list);
    enum cm_reason reason;

    if (list != NULL && X509_get_version(cert->x509) != X509_VERSION_3) {
        cm_detail_set(detail, "extensions in a certificate before version 3");
        return CM_CERT_MALFORMED;
    }
    if (count > CM_CERT_MAX_EXTENSIONS) {
        cm_detail_set(detail, "too many extensions");
        return CM_CERT_MALFORMED;
    }
    for (int i = 0; i < count; i++) {
        if (is_doubled(list, i)) {
            cm_detail_set(detail, "an extension stands twice");
            return CM_CERT_MALFORMED;
        }
        reason =
            read_extension(sk_X509_EXTENSION_value(list, i), cert, detail);
        if (reason != CM_OK)
            return reason;
    }
    return CM_OK;
}

/* Appends the dotted form of an object identifier. */
static enum cm_reason
add_oid(struct cm_text_list *list, const ASN1_OBJECT *object,
        struct cm_detail *detail)
{
    char text[CM_CERT_MAX_OID_TEXT + 1];
    int len = OBJ_obj2txt(text, sizeof(text), object, 1);

    if (len <= 0 || len > CM_CERT_MAX_OID_TEXT ||
        list->count >= CM_CERT_MAX_POLICIES) {
        cm_detail_set(detail, "too many object identifiers, or too long a "
                              "one");
        return CM_CERT_MALFORMED;
    }
    return cm_text_list_add(list, text) ? CM_OK : CM_NO_MEMORY;
}

/*
 * Decodes an extension that is known to stand once at most.  NULL with true:
 * it is absent.
 */
static bool
decode(const struct cm_certificate *cert, int nid, void **out,
       struct cm_detail *detail)
{
    int critical = 0;

    *out = X509_get_ext_d2i(cert->x509, nid, &critical, NULL);
    /* -1: absent; -2: doubled; otherwise there, and not decodable. */
    if (*out != NULL || critical == -1)
        return true;
    cm_detail_set(detail, "extension %s does not decode", OBJ_nid2sn(nid));
    return false;
}

static enum cm_reason
read_eku(struct cm_certificate *cert, struct cm_detail *detail)
{
    enum cm_reason reason = CM_OK;
    EXTENDED_KEY_USAGE *purposes;
    void *decoded;

    if (!decode(cert, NID_ext_key_usage, &decoded, detail))
        return CM_CERT_MALFORMED;
    purposes = decoded;
    cert->has_eku = purposes != NULL;
    for (int i = 0; reason == CM_OK && i < sk_ASN1_OBJECT_num(purposes); i++)
        reason =
            add_oid(&cert->eku, sk_ASN1_OBJECT_value(purposes, i), detail);
    EXTENDED_KEY_USAGE_free(purposes);
    return reason;
}

static enum cm_reason
read_policies(struct cm_certificate *cert, struct cm_detail *detail)
{
    enum cm_reason reason = CM_OK;
    CERTIFICATEPOLICIES *policies;
    void *decoded;

    if (!decode(cert, NID_certificate_policies, &decoded, detail))
        return CM_CERT_MALFORMED;
    policies = decoded;
    for (int i = 0; reason == CM_OK && i < sk_POLICYINFO_num(policies); i++)
        reason = add_oid(&cert->policies,
                         sk_POLICYINFO_value(policies, i)->policyid, detail);
    CERTIFICATEPOLICIES_free(policies);
    return reason;
}

/* From libcrypto's extension cache, which was found valid. */
static void
read_cached(struct cm_certificate *cert)
{
    const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(cert->x509);
    uint32_t flags = X509_get_extension_flags(cert->x509);
    int len = ski == NULL ? 0 : ASN1_STRING_length(ski);

    cert->is_ca = (flags & EXFLAG_CA) != 0;
    cert->has_key_usage = (flags & EXFLAG_KUSAGE) != 0;
    cert->digital_signature =
        cert->has_key_usage &&
        (X509_get_key_usage(cert->x509) & KU_DIGITAL_SIGNATURE) != 0;
    if (len > 0 && len <= CM_CERT_MAX_SKI) {
        cert->ski_len = (size_t)len;
        memcpy(cert->ski, ASN1_STRING_get0_data(ski), cert->ski_len);
    }
}

/* Fills the cache; every extension that it decodes must have decoded. */
static bool
fill_cache(X509 *x509, bool keyless)
{
    uint32_t flags;

    if (X509_check_purpose(x509, -1, 0) == 1)
        return true;
    /* Without algorithms it has no fingerprint, and nothing else is amiss. */
    flags = X509_get_extension_flags(x509);
    return keyless && (flags & EXFLAG_SET) != 0 &&
           (flags & EXFLAG_INVALID) == 0;
}

enum cm_reason
cm_certificate_read_extensions(struct cm_certificate *cert, bool keyless,
                               struct cm_detail *detail)
{
    enum cm_reason reason = read_each(cert, detail);

    if (reason != CM_OK)
        return reason;
    if (!fill_cache(cert->x509, keyless)) {
        cm_detail_set(detail, "extensions do not decode");
        return CM_CERT_MALFORMED;
    }
    read_cached(cert);
    reason = read_eku(cert, detail);
    if (reason != CM_OK)
        return reason;
    return read_policies(cert, detail);
}
