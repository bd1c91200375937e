/*
 * The input is the content of one extension, after an octet that says which:
 * mutation alone would seldom keep all the lengths around it right.
 */
#include <openssl/objects.h>

#include "check_certificate.h"
#include "fuzz.h"
#include "testcert.h"

static const char *const oids[] = {
    "2.5.29.17",            /* subjectAltName */
    "1.3.6.1.4.1.311.25.2", /* SID */
    "2.5.29.37",            /* extKeyUsage */
    "2.5.29.32",            /* certificatePolicies */
    "2.5.29.14",            /* subjectKeyIdentifier */
    "2.5.29.15",            /* keyUsage */
    "2.5.29.19",            /* basicConstraints */
    "2.5.29.35",            /* authorityKeyIdentifier */
    "2.5.29.30",            /* nameConstraints */
    "2.5.29.31",            /* cRLDistributionPoints */
    "1.3.6.1.5.5.7.1.1",    /* authorityInfoAccess */
};
enum { OIDS = sizeof(oids) / sizeof(oids[0]) };

/* A certificate without extensions; made once. */
static X509 *template(void)
{
    static X509 *cert;
    const struct tc_spec spec = {.subject = "CN=fuzz"};

    if (cert == NULL)
        cert = tc_make(&spec);
    return cert;
}

static void
add_extension(X509 *cert, const char *oid, const uint8_t *data, size_t size)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;

    FUZZ_REQUIRE(object != NULL && value != NULL &&
                 ASN1_OCTET_STRING_set(value, data, (int)size) == 1);
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, value);
    FUZZ_REQUIRE(extension != NULL && X509_add_ext(cert, extension, -1) == 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *der;
    size_t len;
    X509 *cert;

    if (size == 0 || data[0] >= OIDS)
        return 0;
    cert = X509_dup(template());
    FUZZ_REQUIRE(cert != NULL);
    add_extension(cert, oids[data[0]], data + 1, size - 1);
    /* The signature no longer fits, but decoding does not look at it. */
    FUZZ_REQUIRE(i2d_re_X509_tbs(cert, NULL) > 0);
    der = tc_der(cert, &len);
    check_certificate(der, len);
    free(der);
    X509_free(cert);
    return 0;
}
