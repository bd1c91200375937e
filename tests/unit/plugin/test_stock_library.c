/*
 * Which libcrypto the stock module's methods are called with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/crypto.h>

#include "lean.h"
#include "stock.h"

enum { ANSWER = 4711 };

/* What the methods found. */
static struct {
    OSSL_LIB_CTX *verifying, *replying;
    int calls;
} seen;

static void
verify(krb5_context context, krb5_data *req_pkt, krb5_kdc_req *request,
       krb5_enc_tkt_part *ticket, krb5_pa_data *data,
       krb5_kdcpreauth_callbacks cb, krb5_kdcpreauth_rock rock,
       krb5_kdcpreauth_moddata moddata,
       krb5_kdcpreauth_verify_respond_fn respond, void *arg)
{
    (void)context;
    (void)req_pkt;
    (void)request;
    (void)ticket;
    (void)data;
    (void)cb;
    (void)rock;
    (void)moddata;
    seen.verifying = OSSL_LIB_CTX_set0_default(NULL);
    respond(arg, ANSWER, NULL, NULL, NULL);
}

static void
respond(void *arg, krb5_error_code code, krb5_kdcpreauth_modreq modreq,
        krb5_pa_data **e_data, krb5_authdata **authz)
{
    assert_ptr_equal(arg, &seen);
    assert_int_equal(code, ANSWER);
    assert_null(modreq);
    assert_null(e_data);
    assert_null(authz);
    seen.calls++;
}

static krb5_error_code
return_padata(krb5_context context, krb5_pa_data *padata, krb5_data *req_pkt,
              krb5_kdc_req *request, krb5_kdc_rep *reply, krb5_keyblock *key,
              krb5_pa_data **out, krb5_kdcpreauth_callbacks cb,
              krb5_kdcpreauth_rock rock, krb5_kdcpreauth_moddata moddata,
              krb5_kdcpreauth_modreq modreq)
{
    (void)context;
    (void)padata;
    (void)req_pkt;
    (void)request;
    (void)reply;
    (void)key;
    (void)out;
    (void)cb;
    (void)rock;
    (void)moddata;
    (void)modreq;
    seen.replying = OSSL_LIB_CTX_set0_default(NULL);
    return ANSWER;
}

static void
call_both(OSSL_LIB_CTX *library)
{
    OSSL_LIB_CTX *own = OSSL_LIB_CTX_set0_default(NULL);
    struct cm_generation generation = {.library = library};

    generation.vt.verify = verify;
    generation.vt.return_padata = return_padata;
    seen.calls = 0;
    seen.verifying = seen.replying = NULL;
    cm_generation_verify(&generation, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                         respond, &seen);
    assert_int_equal(seen.calls, 1);
    assert_ptr_equal(OSSL_LIB_CTX_set0_default(NULL), own);
    assert_int_equal(cm_generation_return_padata(&generation, NULL, NULL, NULL,
                                                 NULL, NULL, NULL, NULL, NULL,
                                                 NULL, NULL),
                     ANSWER);
    assert_ptr_equal(OSSL_LIB_CTX_set0_default(NULL), own);
}

static void
test_lean_library(void **state)
{
    OSSL_LIB_CTX *library = cm_lean_hold(CM_LEAN_STOCK);

    (void)state;
    if (library == NULL)
        skip(); /* OpenSSL from 3.2 on needs none */
    call_both(library);
    assert_ptr_equal(seen.verifying, library);
    assert_ptr_equal(seen.replying, library);
    cm_lean_release(library);
}

static void
test_own_library(void **state)
{
    OSSL_LIB_CTX *own = OSSL_LIB_CTX_set0_default(NULL);

    (void)state;
    call_both(NULL);
    assert_ptr_equal(seen.verifying, own);
    assert_ptr_equal(seen.replying, own);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lean_library),
        cmocka_unit_test(test_own_library),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
