#include "certificate.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "certificate_parts.h"
#include "instant.h"
#include "name.h"
#include "strength.h"

static enum cm_reason
malformed(struct cm_detail *detail, const char *what)
{
    cm_detail_set(detail, "%s", what);
    return CM_CERT_MALFORMED;
}

/* Exactly one certificate, and DER: libcrypto alone would take BER, and
 * ignore what follows. */
static enum cm_reason
read_x509(OSSL_LIB_CTX *library, const uint8_t *der, size_t len,
          struct cm_certificate *cert, struct cm_detail *detail)
{
    const unsigned char *end = der;
    X509 *x509;

    if (len > CM_CERT_MAX_DER)
        return malformed(detail, "certificate too large");
    if (!cm_der_is_strict(der, len))
        return malformed(detail, "certificate is not DER");
    x509 = X509_new_ex(library, NULL);
    if (x509 == NULL)
        return CM_NO_MEMORY;
    cert->x509 = d2i_X509(&x509, &end, (long)len); /* frees it in vain */
    if (cert->x509 == NULL || end != der + len)
        return malformed(detail, "certificate does not decode");
    return CM_OK;
}

/* RFC 5280 sections 4.1.1.2 and 4.1.2.1. */
static enum cm_reason
check_frame(const struct cm_certificate *cert, struct cm_detail *detail)
{
    const X509_ALGOR *outer = NULL;
    long version = X509_get_version(cert->x509);

    if (version < X509_VERSION_1 || version > X509_VERSION_3)
        return malformed(detail, "unknown certificate version");
    X509_get0_signature(NULL, &outer, cert->x509);
    if (X509_ALGOR_cmp(outer, X509_get0_tbs_sigalg(cert->x509)) != 0)
        return malformed(detail, "the two signature algorithms differ");
    return CM_OK;
}

/* The limit is of the magnitude, so that a sign octet costs nothing. */
static enum cm_reason
read_serial(struct cm_certificate *cert, struct cm_detail *detail)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert->x509);
    const uint8_t *bytes = ASN1_STRING_get0_data(serial);
    size_t len = (size_t)ASN1_STRING_length(serial);

    while (len > 0 && bytes[0] == 0) {
        bytes++;
        len--;
    }
    if (len > CM_CERT_MAX_SERIAL)
        return malformed(detail, "serial number too long");
    if (len > 0)
        memcpy(cert->serial, bytes, len);
    cert->serial_len = len;
    cert->serial_negative = ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER;
    return CM_OK;
}

static enum cm_reason
read_validity(struct cm_certificate *cert, struct cm_detail *detail)
{
    if (!cm_instant_read(X509_get0_notBefore(cert->x509), &cert->not_before) ||
        !cm_instant_read(X509_get0_notAfter(cert->x509), &cert->not_after))
        return malformed(detail, "validity does not decode");
    return CM_OK;
}

static enum cm_reason
read_names(struct cm_certificate *cert)
{
    const X509_NAME *subject = X509_get_subject_name(cert->x509);
    const X509_NAME *issuer = X509_get_issuer_name(cert->x509);

    /* NULL stands for a name without an unambiguous text. */
    cert->subject = cm_name_windows(subject);
    cert->issuer = cm_name_windows(issuer);
    cert->subject_rfc4514 = cm_name_rfc4514(subject);
    cert->issuer_rfc4514 = cm_name_rfc4514(issuer);
    if (cert->subject_rfc4514 == NULL || cert->issuer_rfc4514 == NULL)
        return CM_NO_MEMORY;
    return CM_OK;
}

/* Of the bytes as they came, not of what libcrypto would write. */
static enum cm_reason
read_thumbprints(const uint8_t *der, size_t len, struct cm_certificate *cert)
{
    if (EVP_Digest(der, len, cert->sha1, NULL, EVP_sha1(), NULL) != 1 ||
        EVP_Digest(der, len, cert->sha256, NULL, EVP_sha256(), NULL) != 1)
        return CM_NO_MEMORY;
    return CM_OK;
}

static enum cm_reason
read_key(struct cm_certificate *cert, bool keyless)
{
    cert->ski_is_key_hash = cm_certificate_ski_is_key_hash(cert);
    if (keyless)
        return CM_OK;
    cert->key_text = cm_strength_key_text(cert->x509);
    return cert->key_text != NULL ? CM_OK : CM_NO_MEMORY;
}

static enum cm_reason
read_all(OSSL_LIB_CTX *library, bool keyless, const uint8_t *der, size_t len,
         struct cm_certificate *cert, struct cm_detail *detail)
{
    enum cm_reason reason;

    reason = read_x509(library, der, len, cert, detail);
    if (reason == CM_OK)
        reason = check_frame(cert, detail);
    if (reason == CM_OK)
        reason = read_serial(cert, detail);
    if (reason == CM_OK)
        reason = read_validity(cert, detail);
    if (reason == CM_OK)
        reason = cm_certificate_read_extensions(cert, keyless, detail);
    if (reason == CM_OK)
        reason = read_names(cert);
    if (reason == CM_OK)
        reason = read_thumbprints(der, len, cert);
    if (reason == CM_OK)
        reason = read_key(cert, keyless);
    return reason;
}

static enum cm_reason
decode(OSSL_LIB_CTX *library, bool keyless, const uint8_t *der, size_t len,
       struct cm_certificate *out, struct cm_detail *detail)
{
    struct cm_certificate cert;
    enum cm_reason reason;

    memset(&cert, 0, sizeof(cert));
    memset(out, 0, sizeof(*out));
    cm_detail_set(detail, "out of memory");
    reason = read_all(library, keyless, der, len, &cert, detail);
    ERR_clear_error();
    if (reason != CM_OK) {
        cm_certificate_clear(&cert);
        return reason;
    }
    cm_detail_set(detail, "%s", "");
    *out = cert;
    return CM_OK;
}

enum cm_reason
cm_certificate_decode(const uint8_t *der, size_t len,
                      struct cm_certificate *out, struct cm_detail *detail)
{
    return decode(NULL, false, der, len, out, detail);
}

enum cm_reason
cm_certificate_decode_with(OSSL_LIB_CTX *library, const uint8_t *der,
                           size_t len, struct cm_certificate *out,
                           struct cm_detail *detail)
{
    return decode(library, false, der, len, out, detail);
}

enum cm_reason
cm_certificate_decode_keyless(OSSL_LIB_CTX *library, const uint8_t *der,
                              size_t len, struct cm_certificate *out,
                              struct cm_detail *detail)
{
    return decode(library, true, der, len, out, detail);
}

void
cm_certificate_clear(struct cm_certificate *cert)
{
    X509_free(cert->x509);
    free(cert->subject);
    free(cert->issuer);
    free(cert->subject_rfc4514);
    free(cert->issuer_rfc4514);
    cm_text_list_clear(&cert->eku);
    cm_text_list_clear(&cert->policies);
    cm_text_list_clear(&cert->rfc822);
    cm_text_list_clear(&cert->dns);
    cm_text_list_clear(&cert->upn_texts);
    free(cert->upn);
    free(cert->sid);
    free(cert->sid_uri);
    free(cert->key_text);
    memset(cert, 0, sizeof(*cert));
}
