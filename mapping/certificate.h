/*
 * What a certificate says about its holder, decoded strictly and once.
 *
 * Everything a decision needs is a plain value here; nothing else of the
 * certificate is consulted later, except by the path code through x509.
 */
#ifndef CM_CERTIFICATE_H
#define CM_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "detail.h"
#include "reason.h"
#include "text.h"

enum {
    CM_CERT_MAX_DER = 64 * 1024,  /* bytes of one certificate */
    CM_CERT_MAX_EXTENSIONS = 64,  /* extensions in one certificate */
    CM_CERT_MAX_NAMES = 64,       /* subject alternative names */
    CM_CERT_MAX_POLICIES = 64,    /* certificate policies, and EKU OIDs */
    CM_CERT_MAX_OID_TEXT = 255,   /* bytes of one of their dotted OIDs */
    CM_CERT_MAX_NAME_TEXT = 4096, /* bytes of one distinguished name text */
    CM_CERT_MAX_SERIAL = 20,      /* octets (RFC 5280 section 4.1.2.2) */
    CM_CERT_MAX_SKI = 64,         /* octets of a usable key identifier */
    CM_CERT_MAX_UPN = 1024        /* bytes of one UPN */
};

/* A value that may stand in a certificate once. */
enum cm_presence {
    CM_ABSENT,
    CM_PRESENT,
    CM_FAULTY /* undecodable, doubled, or contradicting itself */
};

struct cm_certificate {
    X509 *x509; /* owned; extension cache filled, never modified later; of a
                   keyless one only names and extensions are of use */

    uint8_t sha1[20];   /* of the whole DER: the "thumbprint" */
    uint8_t sha256[32]; /* of the whole DER */

    /*
     * Names as Windows writes them in altSecurityIdentities: encoding order,
     * "," between RDNs, Windows attribute types and quoting.  NULL where the
     * name holds something that has no unambiguous text (control characters,
     * undecodable strings, over the limit): then no DN form exists.
     */
    char *subject;
    char *issuer;

    /* The same names for people: RFC 4514.  Never NULL. */
    char *subject_rfc4514;
    char *issuer_rfc4514;

    /* Magnitude of the serial number, most significant octet first, without
     * leading zeros (zero itself: no octets). */
    uint8_t serial[CM_CERT_MAX_SERIAL];
    size_t serial_len;
    bool serial_negative;

    int64_t not_before; /* seconds since 1970-01-01T00:00:00Z */
    int64_t not_after;

    /* subjectKeyIdentifier extension (RFC 5280 section 4.2.1.2). */
    uint8_t ski[CM_CERT_MAX_SKI];
    size_t ski_len;       /* 0: no extension, or longer than the limit */
    bool ski_is_key_hash; /* RFC 5280 method 1 or 2, or RFC 7093 */

    bool is_ca; /* basicConstraints cA */
    bool has_key_usage;
    bool digital_signature;
    bool has_eku;
    struct cm_text_list eku;      /* dotted OIDs */
    struct cm_text_list policies; /* dotted OIDs of certificatePolicies */

    /* Subject alternative names, in encoding order. */
    struct cm_text_list rfc822;
    struct cm_text_list dns;
    struct cm_text_list upn_texts; /* for display; well-formed ones only */
    bool dns_faulty;    /* a dNSName that is not clean ASCII host text */
    bool rfc822_faulty; /* a dropped rfc822Name */

    /* The one userPrincipalName.  CM_FAULTY: two of them, or not a clean
     * UTF8String of the form left@right. */
    enum cm_presence upn_state;
    char *upn;

    /* The SID extension, 1.3.6.1.4.1.311.25.2 ([MS-WCCE] 2.2.2.7.7.4). */
    enum cm_presence sid_state;
    char *sid;

    /* The SAN URI tag:microsoft.com,2022-09-14:sid:S-1-... */
    enum cm_presence sid_uri_state;
    char *sid_uri;

    char *key_text; /* "RSA 2048", "EC P-256", for people; keyless: NULL */
};

/*
 * Decodes one DER certificate.  Strict: definite minimal lengths throughout,
 * all input consumed, both signature algorithm fields equal, no extension
 * twice, every extension listed above decodable to its last byte, limits
 * kept.  Faulty UPN, DNS, mail and SID *values* are not malformed: they are
 * recorded, and refuse where they are consulted.
 *
 * CM_OK: out is filled and the caller clears it.  CM_CERT_MALFORMED,
 * CM_NO_MEMORY: out is zeroed and detail says what was wrong.
 */
enum cm_reason cm_certificate_decode(const uint8_t *der, size_t len,
                                     struct cm_certificate *out,
                                     struct cm_detail *detail);
/* The same with a library context of OpenSSL's, which the X509 keeps for its
 * life; NULL: the process's own. */
enum cm_reason cm_certificate_decode_with(OSSL_LIB_CTX *library,
                                          const uint8_t *der, size_t len,
                                          struct cm_certificate *out,
                                          struct cm_detail *detail);

void cm_certificate_clear(struct cm_certificate *cert);

/*
 * As cm_certificate_decode(), accepting and refusing the same, and leaving the
 * public key as it is: key_text is NULL, and no signature can be verified
 * with x509.  For programs that read very many certificates and want what they
 * say: libcrypto spends six sevenths of decoding on looking for who could
 * decode the key.  library has no algorithms, hence no such decoder; it must
 * outlive what is filled.
 */
enum cm_reason cm_certificate_decode_keyless(OSSL_LIB_CTX *library,
                                             const uint8_t *der, size_t len,
                                             struct cm_certificate *out,
                                             struct cm_detail *detail);

#endif
