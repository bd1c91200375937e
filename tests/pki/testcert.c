#include "testcert.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/conf.h>
#include <openssl/dsa.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "derasm.h"

enum {
    MAX_SLOTS = 32,
    KEY_TYPES = TC_DSA_2048 + 1,
    MAX_VALUE = 4096, /* bytes of one attribute value */
    MAX_TEXT = 1024   /* bytes of a serial number or SID, written down */
};

static const char sid_extension_oid[] = "1.3.6.1.4.1.311.25.2";
static const char sid_inner_oid[] = "2b060104018237190201";

static void
require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "testcert: %s\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

static EVP_PKEY *
generate_dsa(void)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    EVP_PKEY *parameters = NULL, *key = NULL;

    require(ctx != NULL && EVP_PKEY_paramgen_init(ctx) > 0 &&
                EVP_PKEY_CTX_set_dsa_paramgen_bits(ctx, 2048) > 0 &&
                EVP_PKEY_CTX_set_dsa_paramgen_q_bits(ctx, 256) > 0 &&
                EVP_PKEY_paramgen(ctx, &parameters) > 0,
            "DSA parameters");
    EVP_PKEY_CTX_free(ctx);
    ctx = EVP_PKEY_CTX_new(parameters, NULL);
    require(ctx != NULL && EVP_PKEY_keygen_init(ctx) > 0 &&
                EVP_PKEY_keygen(ctx, &key) > 0,
            "DSA key");
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(parameters);
    return key;
}

static EVP_PKEY *
generate(enum tc_key_type type)
{
    switch (type) {
    case TC_RSA_2048:
        return EVP_RSA_gen(2048);
    case TC_RSA_1024:
        return EVP_RSA_gen(1024);
    case TC_EC_P256:
        return EVP_EC_gen("P-256");
    case TC_EC_P384:
        return EVP_EC_gen("P-384");
    case TC_ED25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    case TC_DSA_2048:
        return generate_dsa();
    }
    return NULL;
}

EVP_PKEY *
tc_key(enum tc_key_type type, unsigned slot)
{
    static EVP_PKEY *keys[KEY_TYPES][MAX_SLOTS];

    require((unsigned)type < KEY_TYPES && slot < MAX_SLOTS, "key slot");
    if (keys[type][slot] == NULL)
        keys[type][slot] = generate(type);
    require(keys[type][slot] != NULL, "key generation");
    return keys[type][slot];
}

uint8_t *
tc_hex(const char *hex, size_t *len)
{
    size_t digits = strlen(hex);
    uint8_t *bytes = malloc(digits / 2 + 1);
    unsigned value;

    require(bytes != NULL && digits % 2 == 0, "hex text");
    for (size_t i = 0; i < digits; i += 2) {
        require(sscanf(hex + i, "%2x", &value) == 1, "hex digit");
        bytes[i / 2] = (uint8_t)value;
    }
    *len = digits / 2;
    return bytes;
}

/* The string type that RFC 5280 appendix A gives the attribute. */
static int
string_type(const ASN1_OBJECT *type)
{
    switch (OBJ_obj2nid(type)) {
    case NID_domainComponent:
    case NID_pkcs9_emailAddress:
        return V_ASN1_IA5STRING;
    case NID_countryName:
    case NID_serialNumber:
    case NID_dnQualifier:
        return V_ASN1_PRINTABLESTRING;
    default:
        return V_ASN1_UTF8STRING;
    }
}

/* Reads one "type=value" and stops at the separator after it. */
static const char *
add_attribute(X509_NAME *name, const char *p, bool joined)
{
    const char *equals = strchr(p, '=');
    char type[64], value[MAX_VALUE];
    ASN1_OBJECT *object;
    size_t len = 0;

    require(equals != NULL && (size_t)(equals - p) < sizeof(type),
            "attribute type");
    snprintf(type, sizeof(type), "%.*s", (int)(equals - p), p);
    object = OBJ_txt2obj(type, 0);
    require(object != NULL, type);
    for (p = equals + 1; *p != '\0' && *p != ',' && *p != '+'; p++) {
        if (*p == '\\' && p[1] != '\0')
            p++;
        require(len < sizeof(value), "attribute value");
        value[len++] = *p;
    }
    /* Given whole, not converted: a test may want any length and any byte. */
    require(X509_NAME_add_entry_by_OBJ(name, object, string_type(object),
                                       (const unsigned char *)value, (int)len,
                                       -1, joined ? -1 : 0) == 1,
            "attribute");
    ASN1_OBJECT_free(object);
    return p;
}

static X509_NAME *
make_name(const char *text)
{
    X509_NAME *name = X509_NAME_new();
    bool joined = false;

    require(name != NULL, "name");
    while (text != NULL && *text != '\0') {
        text = add_attribute(name, text, joined);
        joined = *text == '+';
        if (*text != '\0')
            text++;
    }
    return name;
}

static void
set_serial(X509 *cert, const char *hex)
{
    char text[MAX_TEXT];
    const unsigned char *p;
    ASN1_INTEGER *serial;
    uint8_t *der;
    size_t len;

    snprintf(text, sizeof(text), "02:%s", hex);
    der = da_bytes(text, &len);
    p = der;
    serial = d2i_ASN1_INTEGER(NULL, &p, (long)len);
    require(serial != NULL && X509_set_serialNumber(cert, serial) == 1,
            "serial number");
    ASN1_INTEGER_free(serial);
    free(der);
}

static void
set_validity(X509 *cert, const char *not_before, const char *not_after)
{
    ASN1_TIME *time = ASN1_TIME_new();

    if (not_before == NULL)
        not_before = "20200101000000Z";
    if (not_after == NULL)
        not_after = "20400101000000Z";
    require(time != NULL && ASN1_TIME_set_string_X509(time, not_before) == 1 &&
                X509_set1_notBefore(cert, time) == 1,
            "notBefore");
    require(ASN1_TIME_set_string_X509(time, not_after) == 1 &&
                X509_set1_notAfter(cert, time) == 1,
            "notAfter");
    ASN1_TIME_free(time);
}

static void
add_configured(X509 *cert, const X509 *issuer, int nid, const char *value)
{
    X509 *issuer_copy = NULL;
    X509_EXTENSION *extension;
    X509V3_CTX ctx;
    CONF *empty;

    if (value == NULL)
        return;
    empty = NCONF_new(NULL);
    if (issuer != NULL) {
        issuer_copy = X509_dup(issuer);
        require(issuer_copy != NULL, "issuer");
    }
    X509V3_set_ctx(&ctx, issuer_copy != NULL ? issuer_copy : cert, cert, NULL,
                   NULL, 0);
    /* Some extensions, such as policies, insist on a configuration. */
    require(empty != NULL, "configuration");
    X509V3_set_nconf(&ctx, empty);
    extension = X509V3_EXT_nconf_nid(empty, &ctx, nid, value);
    require(extension != NULL && X509_add_ext(cert, extension, -1) == 1,
            value);
    X509_EXTENSION_free(extension);
    X509_free(issuer_copy);
    NCONF_free(empty);
}

static void
add_raw(X509 *cert, const char *oid, int critical, const uint8_t *value,
        size_t len)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *content = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;

    require(object != NULL && content != NULL &&
                ASN1_OCTET_STRING_set(content, value, (int)len) == 1,
            oid);
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical, content);
    require(extension != NULL && X509_add_ext(cert, extension, -1) == 1, oid);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(content);
    ASN1_OBJECT_free(object);
}

/* [MS-WCCE] 2.2.2.7.7.4: GeneralNames with one otherName. */
static void
add_sid(X509 *cert, const char *sid)
{
    char text[MAX_TEXT];
    uint8_t *der;
    size_t len;

    snprintf(text, sizeof(text), "30(a0(06:%s a0(04'%s')))", sid_inner_oid,
             sid);
    der = da_bytes(text, &len);
    add_raw(cert, sid_extension_oid, 0, der, len);
    free(der);
}

static void
add_extensions(X509 *cert, const struct tc_spec *spec)
{
    uint8_t *value;
    size_t len;

    add_configured(cert, spec->issuer, NID_basic_constraints,
                   spec->basic_constraints);
    add_configured(cert, spec->issuer, NID_key_usage, spec->key_usage);
    add_configured(cert, spec->issuer, NID_ext_key_usage, spec->eku);
    add_configured(cert, spec->issuer, NID_subject_alt_name, spec->san);
    add_configured(cert, spec->issuer, NID_certificate_policies,
                   spec->policies);
    add_configured(cert, spec->issuer, NID_subject_key_identifier, spec->ski);
    add_configured(cert, spec->issuer, NID_authority_key_identifier,
                   spec->aki);
    add_configured(cert, spec->issuer, NID_name_constraints,
                   spec->name_constraints);
    add_configured(cert, spec->issuer, NID_policy_constraints,
                   spec->policy_constraints);
    if (spec->sid != NULL)
        add_sid(cert, spec->sid);
    for (size_t i = 0; i < TC_MAX_RAW && spec->raw[i].oid != NULL; i++) {
        value = tc_hex(spec->raw[i].value_hex, &len);
        add_raw(cert, spec->raw[i].oid, spec->raw[i].critical, value, len);
        free(value);
    }
}

static void
sign(X509 *cert, EVP_PKEY *key, const EVP_MD *digest)
{
    if (EVP_PKEY_is_a(key, "ED25519"))
        digest = NULL;
    else if (digest == NULL)
        digest = EVP_sha256();
    require(X509_sign(cert, key, digest) > 0, "signature");
}

X509 *
tc_make(const struct tc_spec *spec)
{
    EVP_PKEY *key = spec->key != NULL ? spec->key : tc_key(TC_EC_P256, 0);
    X509_NAME *subject = make_name(spec->subject);
    X509 *cert = X509_new();

    require(cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1 &&
                X509_set_subject_name(cert, subject) == 1 &&
                X509_set_issuer_name(cert,
                                     spec->issuer != NULL
                                         ? X509_get_subject_name(spec->issuer)
                                         : subject) == 1 &&
                X509_set_pubkey(cert, key) == 1,
            "certificate");
    set_serial(cert, spec->serial_hex != NULL ? spec->serial_hex : "01");
    set_validity(cert, spec->not_before, spec->not_after);
    add_extensions(cert, spec);
    sign(cert, spec->issuer_key != NULL ? spec->issuer_key : key,
         spec->digest);
    X509_NAME_free(subject);
    return cert;
}

X509 *
tc_make_ca(const char *subject, EVP_PKEY *key, const X509 *issuer,
           EVP_PKEY *issuer_key)
{
    struct tc_spec spec = {
        .subject = subject,
        .key = key,
        .issuer = issuer,
        .issuer_key = issuer_key,
        .basic_constraints = "critical,CA:TRUE",
        .key_usage = "critical,keyCertSign,cRLSign",
        .ski = "hash",
        .aki = "keyid",
    };

    return tc_make(&spec);
}

uint8_t *
tc_der(const X509 *cert, size_t *len)
{
    unsigned char *der = NULL;
    int n = i2d_X509(cert, &der);
    uint8_t *copy;

    require(n > 0, "DER");
    copy = malloc((size_t)n);
    require(copy != NULL, "DER");
    memcpy(copy, der, (size_t)n);
    OPENSSL_free(der);
    *len = (size_t)n;
    return copy;
}

X509 **
tc_references(X509 *const *certs, size_t count)
{
    X509 **list = calloc(count + 1, sizeof(*list));

    require(list != NULL, "an array");
    for (size_t i = 0; i < count; i++) {
        require(X509_up_ref(certs[i]) == 1, "a reference");
        list[i] = certs[i];
    }
    return list;
}
