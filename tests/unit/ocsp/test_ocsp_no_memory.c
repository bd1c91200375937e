/*
 * Every allocation that libcrypto makes during a check fails once: what is
 * revoked or refused never becomes good by it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include <openssl/crypto.h>

#include "ocsp_rows.h"

#define STRANGE "30(06:2a030405 01:ff 04(05:))"
#define CRITICAL                                                              \
    .says = {{.status = TO_GOOD, .at = -60},                                  \
             {.status = TO_GOOD, .extensions = STRANGE}}

static const struct row rows[] = {
    {"good", SAYS({.status = TO_GOOD}), GOOD},
    {"good by a delegate", "delegate", SAYS({.status = TO_GOOD}), GOOD},
    {"good by a responder", "responder", .configured = "responder",
     SAYS({.status = TO_GOOD}), GOOD},
    {"RSASSA-PSS", "rsa-2048", SAYS({.status = TO_GOOD}), GOOD, .pss = true},
    {"revoked", SAYS({.status = TO_REVOKED}), REVOKED},
    {"revoked by SHA-256",
     SAYS({.status = TO_GOOD}, {.status = TO_REVOKED, .digest = EVP_sha256}),
     REVOKED},
    {"stale", SAYS({.status = TO_GOOD, .at = -9, .next = -1}), STALE},
    {"critical extension", CRITICAL, REFUSED("")},
    {"forged", .named = "ca", .signer = "delegate", SAYS({.status = TO_GOOD}),
     REFUSED("")},
    {"weak digest", "rsa-2048", SAYS({.status = TO_GOOD}), REFUSED(""),
     .pss = true, .digest = EVP_sha1},
    {"wrong key usage", "wrong-key-usage", SAYS({.status = TO_GOOD}),
     REFUSED("")},
    {"without purpose", "no-eku", SAYS({.status = TO_GOOD}), REFUSED("")},
    {"a CA", "sub-ca", SAYS({.status = TO_GOOD}), REFUSED("")},
    {"critical delegate", "delegate-critical", SAYS({.status = TO_GOOD}),
     REFUSED("")},
    {"revoked delegate", "checked", SAYS({.status = TO_GOOD}), REFUSED(""),
     .ask = SAYS_REVOKED},
    {"another CA's delegate", "of-namesake", SAYS({.status = TO_GOOD}),
     REFUSED("")},
};

/* The allocation that fails, counted down; 0: none. */
static unsigned long countdown;

static bool
is_next_to_fail(void)
{
    return countdown > 0 && --countdown == 0;
}

static void *
allocate(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return size == 0 || is_next_to_fail() ? NULL : malloc(size);
}

static void *
reallocate(void *memory, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    if (size == 0) {
        free(memory);
        return NULL;
    }
    return is_next_to_fail() ? NULL : realloc(memory, size);
}

static void
release(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    free(memory);
}

/* Fails one allocation after the other, until a check meets no failure. */
static void
check_row(const struct row *row)
{
    struct cm_status status;
    unsigned long at = 0;
    uint8_t *response;
    bool failed = true;
    size_t len;

    response = ocsp_row_response(row, &len);
    while (failed) {
        countdown = ++at;
        ocsp_row_check_response(row, response, len, &status);
        failed = countdown == 0;
        countdown = 0;
        if (status.state != row->state && status.state != CM_STATUS_UNKNOWN)
            fail_msg("%s, allocation %lu: state %d", row->name, at,
                     (int)status.state);
    }
    assert_int_equal(status.state, row->state);
    assert_true(at > 20);
    free(response);
}

static void
test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_row(&rows[i]);
}

/* A request is whole or not there. */
static void
test_request(void **state)
{
    X509 *card = ocsp_world_cert("card"), *ca = ocsp_world_cert("ca");
    size_t whole_len, len;
    uint8_t *whole = cm_ocsp_request(card, ca, true, &whole_len), *request;
    unsigned long at = 0;
    bool failed = true;

    (void)state;
    assert_non_null(whole);
    while (failed) {
        countdown = ++at;
        request = cm_ocsp_request(card, ca, true, &len);
        failed = countdown == 0;
        countdown = 0;
        assert_true(failed || request != NULL);
        if (request != NULL) {
            assert_int_equal(len, whole_len);
            assert_memory_equal(request, whole, len);
        }
        free(request);
    }
    assert_true(at > 5);
    free(whole);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_request),
    };

    /* Before anything of libcrypto has allocated. */
    if (CRYPTO_set_mem_functions(allocate, reallocate, release) != 1)
        return 1;
    return cmocka_run_group_tests(tests, ocsp_world_setup,
                                  ocsp_world_teardown);
}
