#include "ocsp_parts.h"

#include <string.h>

#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "certificate.h"

enum { OID_TEXT = 64 /* bytes of a dotted OID; a longer one is not known */ };

/* Extensions that change nothing about an answer that is believed. */
static const char *const known[] = {
    "1.3.6.1.5.5.7.48.1.2", /* nonce: none was sent */
    "1.3.6.1.5.5.7.48.1.3", /* CRL references: where it is known from */
    "1.3.6.1.5.5.7.48.1.6", /* archive cutoff: about expired certificates */
    "1.3.6.1.5.5.7.48.1.9", /* extended revoke: not issued is "revoked" */
};
enum { KNOWN = sizeof(known) / sizeof(known[0]) };

struct extensions {
    X509_EXTENSION *list[CM_CERT_MAX_EXTENSIONS]; /* borrowed */
    int count;
    bool (*is_known)(X509_EXTENSION *extension);
    const char *whose; /* "response" or "signer" */
};

static bool
is_known(X509_EXTENSION *extension)
{
    char oid[OID_TEXT];

    if (OBJ_obj2txt(oid, sizeof(oid), X509_EXTENSION_get_object(extension),
                    1) <= 0)
        return false;
    for (size_t i = 0; i < KNOWN; i++) {
        if (strcmp(oid, known[i]) == 0)
            return true;
    }
    return false;
}

/* What libcrypto reads in a certificate, and what is read here. */
static bool
is_known_in_certificate(X509_EXTENSION *extension)
{
    return X509_supported_extension(extension) ||
           OBJ_obj2nid(X509_EXTENSION_get_object(extension)) ==
               NID_id_pkix_OCSP_noCheck;
}

static bool
is_doubled(const struct extensions *extensions, int index)
{
    const ASN1_OBJECT *own =
        X509_EXTENSION_get_object(extensions->list[index]);

    for (int i = 0; i < index; i++) {
        if (OBJ_cmp(own, X509_EXTENSION_get_object(extensions->list[i])) == 0)
            return true;
    }
    return false;
}

static bool
refuse(const struct extensions *extensions, const char *what,
       struct cm_detail *detail)
{
    cm_detail_set(detail, "OCSP %s: has %s", extensions->whose, what);
    return false;
}

static bool
check(const struct extensions *extensions, struct cm_detail *detail)
{
    X509_EXTENSION *extension;

    for (int i = 0; i < extensions->count; i++) {
        extension = extensions->list[i];
        if (X509_EXTENSION_get_critical(extension) &&
            !extensions->is_known(extension))
            return refuse(extensions, "an unknown critical extension", detail);
        if (is_doubled(extensions, i))
            return refuse(extensions, "an extension twice", detail);
    }
    return true;
}

bool
cm_ocsp_response_extensions(OCSP_BASICRESP *basic, struct cm_detail *detail)
{
    struct extensions extensions = {.count =
                                        OCSP_BASICRESP_get_ext_count(basic),
                                    .is_known = is_known,
                                    .whose = "response"};

    if (extensions.count > CM_OCSP_MAX_EXTENSIONS)
        return refuse(&extensions, "too many extensions", detail);
    for (int i = 0; i < extensions.count; i++)
        extensions.list[i] = OCSP_BASICRESP_get_ext(basic, i);
    return check(&extensions, detail);
}

bool
cm_ocsp_answer_extensions(OCSP_SINGLERESP *answer, struct cm_detail *detail)
{
    struct extensions extensions = {.count =
                                        OCSP_SINGLERESP_get_ext_count(answer),
                                    .is_known = is_known,
                                    .whose = "response"};

    if (extensions.count > CM_OCSP_MAX_EXTENSIONS)
        return refuse(&extensions, "too many extensions", detail);
    for (int i = 0; i < extensions.count; i++)
        extensions.list[i] = OCSP_SINGLERESP_get_ext(answer, i);
    return check(&extensions, detail);
}

bool
cm_ocsp_signer_extensions(const X509 *cert, struct cm_detail *detail)
{
    struct extensions extensions = {.count = X509_get_ext_count(cert),
                                    .is_known = is_known_in_certificate,
                                    .whose = "signer"};

    if (extensions.count > CM_CERT_MAX_EXTENSIONS)
        return refuse(&extensions, "too many extensions", detail);
    for (int i = 0; i < extensions.count; i++)
        extensions.list[i] = X509_get_ext(cert, i);
    return check(&extensions, detail);
}
