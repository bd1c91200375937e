/*
 * Against libcrypto's own OCSP: requests that it reads, responses that it
 * writes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/ocsp.h>

#include "ocsp.h"
#include "ocsp_world.h"
#include "path.h"

/* ---- Requests ---- */

static void
check_request(const EVP_MD *digest, bool sha256)
{
    X509 *card = ocsp_world_cert("card"), *ca = ocsp_world_cert("ca");
    OCSP_CERTID *expected = OCSP_cert_to_id(digest, card, ca);
    OCSP_REQUEST *request;
    const uint8_t *end;
    uint8_t *der;
    size_t len;

    der = cm_ocsp_request(card, ca, sha256, &len);
    assert_non_null(der);
    assert_true(len < 150);
    end = der;
    request = d2i_OCSP_REQUEST(NULL, &end, (long)len);
    assert_non_null(request);
    assert_ptr_equal(end, der + len);
    assert_int_equal(OCSP_request_onereq_count(request), 1);
    assert_int_equal(
        OCSP_id_cmp(expected,
                    OCSP_onereq_get0_id(OCSP_request_onereq_get0(request, 0))),
        0);
    assert_int_equal(OCSP_REQUEST_get_ext_count(request), 0);
    assert_false(OCSP_request_is_signed(request));
    OCSP_REQUEST_free(request);
    OCSP_CERTID_free(expected);
    free(der);
}

static void
test_request(void **state)
{
    (void)state;
    check_request(EVP_sha1(), false);
    check_request(EVP_sha256(), true);
}

/* ---- Responses ---- */

struct row {
    const char *signer;
    unsigned long flags;
    int status;
    enum cm_status_state state;
    bool sha256;
};

static const struct row rows[] = {
    {"ca", OCSP_NOCERTS, V_OCSP_CERTSTATUS_GOOD, CM_STATUS_GOOD, false},
    {"ca", OCSP_NOCERTS, V_OCSP_CERTSTATUS_GOOD, CM_STATUS_GOOD, true},
    {"ca", OCSP_RESPID_KEY, V_OCSP_CERTSTATUS_GOOD, CM_STATUS_GOOD, false},
    {"ca", 0, V_OCSP_CERTSTATUS_REVOKED, CM_STATUS_REVOKED, true},
    {"ca", 0, V_OCSP_CERTSTATUS_UNKNOWN, CM_STATUS_UNKNOWN, false},
    {"delegate", 0, V_OCSP_CERTSTATUS_GOOD, CM_STATUS_GOOD, false},
    {"delegate", OCSP_RESPID_KEY, V_OCSP_CERTSTATUS_GOOD, CM_STATUS_GOOD,
     true},
    {"delegate", 0, V_OCSP_CERTSTATUS_REVOKED, CM_STATUS_REVOKED, false},
    {"delegate", OCSP_NOCERTS, V_OCSP_CERTSTATUS_GOOD, CM_STATUS_UNKNOWN,
     false},
    {"rsa-2048", 0, V_OCSP_CERTSTATUS_GOOD, CM_STATUS_GOOD, false},
    {"p384", OCSP_RESPID_KEY, V_OCSP_CERTSTATUS_GOOD, CM_STATUS_GOOD, true},
    {"ed25519", 0, V_OCSP_CERTSTATUS_GOOD, CM_STATUS_GOOD, false},
    {"no-eku", 0, V_OCSP_CERTSTATUS_GOOD, CM_STATUS_UNKNOWN, false},
};

static void
add_answer(OCSP_BASICRESP *basic, const struct row *row)
{
    OCSP_CERTID *id =
        OCSP_cert_to_id(row->sha256 ? EVP_sha256() : EVP_sha1(),
                        ocsp_world_cert("card"), ocsp_world_cert("ca"));
    ASN1_TIME *now = X509_gmtime_adj(NULL, 0);
    ASN1_TIME *next = X509_gmtime_adj(NULL, 3600);

    assert_non_null(OCSP_basic_add1_status(basic, id, row->status,
                                           OCSP_REVOKED_STATUS_SUPERSEDED, now,
                                           now, next));
    OCSP_CERTID_free(id);
    ASN1_TIME_free(now);
    ASN1_TIME_free(next);
}

static uint8_t *
make_response(const struct row *row, size_t *len)
{
    EVP_PKEY *key = ocsp_world_key(row->signer);
    const EVP_MD *digest = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_RESPONSE *response;
    uint8_t *der = NULL;
    int der_len;

    assert_non_null(basic);
    add_answer(basic, row);
    assert_int_equal(OCSP_basic_sign(basic, ocsp_world_cert(row->signer), key,
                                     digest, NULL, row->flags),
                     1);
    response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    assert_non_null(response);
    der_len = i2d_OCSP_RESPONSE(response, &der);
    assert_true(der_len > 0);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    *len = (size_t)der_len;
    return der;
}

/* libcrypto writes the present time. */
static void
test_response(void **state)
{
    const struct cm_path_rules rules = {.now = (int64_t)time(NULL),
                                        .min_rsa_bits = 2048};
    const struct cm_ocsp_question question = {.cert = ocsp_world_cert("card"),
                                              .issuer = ocsp_world_cert("ca"),
                                              .rules = &rules};
    struct cm_status status;
    unsigned differences = 0;
    uint8_t *response;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        response = make_response(&rows[i], &len);
        cm_ocsp_check(&question, response, len, &status);
        OPENSSL_free(response);
        if (status.state == rows[i].state &&
            (status.state != CM_STATUS_REVOKED ||
             status.reason == CM_CRL_SUPERSEDED))
            continue;
        print_error("row %zu, %s: state %d: %s\n", i, rows[i].signer,
                    (int)status.state, status.detail.text);
        differences++;
    }
    assert_int_equal(differences, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_response),
    };

    return cmocka_run_group_tests(tests, ocsp_world_setup,
                                  ocsp_world_teardown);
}
