#include "decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/provider.h>

#include "derasm.h"

static void
expect_text(const char *a, const char *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a != NULL)
        assert_string_equal(a, b);
}

static void
expect_list(const struct cm_text_list *a, const struct cm_text_list *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        assert_string_equal(a->items[i], b->items[i]);
}

static void
expect_values(const struct cm_certificate *a, const struct cm_certificate *b)
{
    assert_memory_equal(a->sha256, b->sha256, sizeof(a->sha256));
    assert_memory_equal(a->sha1, b->sha1, sizeof(a->sha1));
    assert_int_equal(a->serial_len, b->serial_len);
    assert_memory_equal(a->serial, b->serial, sizeof(a->serial));
    assert_int_equal(a->serial_negative, b->serial_negative);
    assert_int_equal(a->not_before, b->not_before);
    assert_int_equal(a->not_after, b->not_after);
    assert_int_equal(a->ski_len, b->ski_len);
    assert_memory_equal(a->ski, b->ski, sizeof(a->ski));
    assert_int_equal(a->ski_is_key_hash, b->ski_is_key_hash);
    assert_int_equal(a->is_ca, b->is_ca);
    assert_int_equal(a->has_key_usage, b->has_key_usage);
    assert_int_equal(a->digital_signature, b->digital_signature);
    assert_int_equal(a->has_eku, b->has_eku);
    assert_int_equal(a->dns_faulty, b->dns_faulty);
    assert_int_equal(a->rfc822_faulty, b->rfc822_faulty);
    assert_int_equal(a->upn_state, b->upn_state);
    assert_int_equal(a->sid_state, b->sid_state);
    assert_int_equal(a->sid_uri_state, b->sid_uri_state);
}

static void
expect_texts(const struct cm_certificate *a, const struct cm_certificate *b)
{
    expect_text(a->subject, b->subject);
    expect_text(a->issuer, b->issuer);
    expect_text(a->subject_rfc4514, b->subject_rfc4514);
    expect_text(a->issuer_rfc4514, b->issuer_rfc4514);
    expect_text(a->upn, b->upn);
    expect_text(a->sid, b->sid);
    expect_text(a->sid_uri, b->sid_uri);
    expect_list(&a->eku, &b->eku);
    expect_list(&a->policies, &b->policies);
    expect_list(&a->rfc822, &b->rfc822);
    expect_list(&a->dns, &b->dns);
    expect_list(&a->upn_texts, &b->upn_texts);
}

void
expect_keyless(const uint8_t *der, size_t len, enum cm_reason reason,
               const struct cm_certificate *whole)
{
    OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *nothing = OSSL_PROVIDER_load(library, "null");
    struct cm_certificate cert;
    struct cm_detail detail;

    assert_non_null(nothing);
    assert_int_equal(
        cm_certificate_decode_keyless(library, der, len, &cert, &detail),
        reason);
    if (reason == CM_OK) {
        expect_values(&cert, whole);
        expect_texts(&cert, whole);
        assert_null(cert.key_text);
    }
    cm_certificate_clear(&cert);
    assert_int_equal(OSSL_PROVIDER_unload(nothing), 1);
    OSSL_LIB_CTX_free(library);
}

enum cm_reason
decode_x509(const X509 *x509, struct cm_certificate *out,
            struct cm_detail *detail)
{
    enum cm_reason reason;
    size_t len;
    uint8_t *der = tc_der(x509, &len);

    reason = cm_certificate_decode(der, len, out, detail);
    expect_keyless(der, len, reason, out);
    free(der);
    return reason;
}

enum cm_reason
decode_spec(const struct tc_spec *spec, struct cm_certificate *out,
            struct cm_detail *detail)
{
    X509 *x509 = tc_make(spec);
    enum cm_reason reason = decode_x509(x509, out, detail);

    X509_free(x509);
    return reason;
}

enum cm_reason
decode_extension(const char *oid, int critical, const char *content,
                 struct cm_certificate *out, struct cm_detail *detail)
{
    char *hex = da_hex(content);
    const struct tc_spec spec = {
        .subject = "CN=a",
        .raw = {{.oid = oid, .critical = critical, .value_hex = hex}}};
    enum cm_reason reason = decode_spec(&spec, out, detail);

    free(hex);
    return reason;
}
