/*
 * Every allocation fails once, ours and libcrypto's: what follows is a
 * refusal, or a certificate that says less, never one that says more.
 *
 * Linked with --wrap for the allocators that mapping/ calls.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "certificate.h"
#include "principal.h"
#include "testcert.h"

void *__real_malloc(size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);

void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);

/* The allocation with this number fails; 0: none does. */
static size_t failing, allocations;

static bool
fails_now(void)
{
    return ++allocations == failing;
}

void *
__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *
__wrap_realloc(void *old, size_t size)
{
    return fails_now() ? NULL : __real_realloc(old, size);
}

void *
__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return fails_now() ? NULL : __real_reallocarray(old, count, size);
}

char *
__wrap_strdup(const char *text)
{
    return fails_now() ? NULL : __real_strdup(text);
}

static void *
crypto_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails_now() ? NULL : __real_malloc(size);
}

static void *
crypto_realloc(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails_now() ? NULL : __real_realloc(old, size);
}

static void
crypto_free(void *old, const char *file, int line)
{
    (void)file;
    (void)line;
    free(old);
}

/* Makes the allocation with this number fail from here on. */
static void
arm(size_t number)
{
    allocations = 0;
    failing = number;
}

/* True if it did. */
static bool
disarm(void)
{
    bool failed = failing != 0 && allocations >= failing;

    failing = 0;
    return failed;
}

/* NULL or the same: never another text. */
static void
assert_no_other(const char *text, const char *expected)
{
    if (text != NULL)
        assert_string_equal(text, expected);
}

/* What was decoded with an allocation missing, beside the truth. */
static void
assert_says_no_more(const struct cm_certificate *cert,
                    const struct cm_certificate *truth)
{
    assert_no_other(cert->subject, truth->subject);
    assert_no_other(cert->issuer, truth->issuer);
    assert_string_equal(cert->upn, truth->upn);
    assert_string_equal(cert->sid, truth->sid);
    assert_int_equal(cert->upn_state, truth->upn_state);
    assert_int_equal(cert->sid_state, truth->sid_state);
    assert_int_equal(cert->eku.count, truth->eku.count);
    assert_int_equal(cert->policies.count, truth->policies.count);
    assert_int_equal(cert->rfc822.count, truth->rfc822.count);
    assert_int_equal(cert->dns.count, truth->dns.count);
    assert_true(cert->has_eku && cert->has_key_usage);
    assert_int_equal(cert->is_ca, truth->is_ca);
    assert_true(cert->not_before == truth->not_before &&
                cert->not_after == truth->not_after);
    assert_memory_equal(cert->sha1, truth->sha1, sizeof(truth->sha1));
    assert_memory_equal(cert->sha256, truth->sha256, sizeof(truth->sha256));
    assert_int_equal(cert->serial_len, truth->serial_len);
}

static uint8_t *
make_leaf(size_t *len)
{
    const struct tc_spec spec = {
        .subject = "DC=com,DC=example,CN=Alice\\, Inc",
        .key_usage = "digitalSignature",
        .eku = "clientAuth,1.3.6.1.4.1.311.20.2.2",
        .san = "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:a@b.c,email:a@b.c,"
               "DNS:a.b.c",
        .policies = "1.2.3",
        .ski = "hash",
        .sid = "S-1-5-21-11-22-33-1101"};
    X509 *x509 = tc_make(&spec);
    uint8_t *der = tc_der(x509, len);

    X509_free(x509);
    return der;
}

static void
decoding_survives(void **state)
{
    static const struct cm_certificate zero;
    struct cm_certificate truth, cert;
    struct cm_detail detail;
    enum cm_reason reason;
    bool failed = true;
    size_t len;
    uint8_t *der = make_leaf(&len);

    (void)state;
    assert_int_equal(cm_certificate_decode(der, len, &truth, NULL), CM_OK);
    for (size_t n = 1; failed; n++) {
        arm(n);
        reason = cm_certificate_decode(der, len, &cert, &detail);
        failed = disarm();
        if (reason == CM_OK) {
            assert_says_no_more(&cert, &truth);
            cm_certificate_clear(&cert);
            continue;
        }
        assert_true(failed);
        assert_true(reason == CM_NO_MEMORY || reason == CM_CERT_MALFORMED);
        assert_string_not_equal(detail.text, "");
        assert_memory_equal(&cert, &zero, sizeof(zero));
        ERR_clear_error();
    }
    cm_certificate_clear(&truth);
    free(der);
}

static void
parsing_survives(void **state)
{
    static const struct cm_principal zero;
    struct cm_principal principal;
    bool parsed = false;

    (void)state;
    for (size_t n = 1; !parsed; n++) {
        arm(n);
        parsed = cm_principal_parse("host/a.example.com@R", NULL, &principal);
        assert_int_not_equal(disarm(), parsed);
        if (!parsed)
            assert_memory_equal(&principal, &zero, sizeof(zero));
    }
    assert_string_equal(principal.text, "host/a.example.com@R");
    cm_principal_clear(&principal);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding_survives),
        cmocka_unit_test(parsing_survives),
    };

    if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) !=
        1)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
