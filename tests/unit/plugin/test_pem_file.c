/*
 * The first certificate and key of PEM files, and why there is none.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "pem_file.h"
#include "stock_fixture.h"
#include "testcert.h"

static struct stock_fixture fixture;

/* A key that a passphrase keeps. */
static void
write_kept_key(void)
{
    static unsigned char passphrase[] = "secret";
    BIO *bio = BIO_new(BIO_s_mem());
    const char *data = NULL;
    long len;

    assert_int_equal(PEM_write_bio_PrivateKey(
                         bio, tc_key(TC_EC_P256, 0), EVP_aes_128_cbc(),
                         passphrase, sizeof(passphrase) - 1, NULL, NULL),
                     1);
    len = BIO_get_mem_data(bio, &data);
    scratch_write_bytes(&fixture.scratch, "kept.key", data, (size_t)len);
    BIO_free(bio);
}

static int
set_up(void **state)
{
    (void)state;
    stock_fixture_make(&fixture);
    stock_fixture_pair(&fixture, "both.pem", 0);
    scratch_write(&fixture.scratch, "rubbish.pem", "rubbish\n");
    scratch_write(&fixture.scratch, "broken.pem",
                  "-----BEGIN CERTIFICATE-----\nAAAA\n"
                  "-----END CERTIFICATE-----\n"
                  "-----BEGIN PRIVATE"
                  " KEY-----\nAAAA\n"
                  "-----END PRIVATE"
                  " KEY-----\n");
    scratch_write(&fixture.scratch, "empty.pem", "");
    write_kept_key();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    stock_fixture_remove(&fixture);
    return 0;
}

static const struct {
    const char *file;
    bool certificate, key;
    int error;
} cases[] = {
    {"kdc.pem", true, false, 0},
    {"kdc.key", false, true, 0},
    {"both.pem", true, true, 0},
    {"rubbish.pem", false, false, 0},
    {"broken.pem", false, false, 0},
    {"empty.pem", false, false, 0},
    {"kept.key", false, false, 0},
    {"", false, false, 0},
    {"none.pem", false, false, ENOENT},
    {"kdc.pem/kdc.pem", false, false, ENOTDIR},
};

static void
test_files(void **state)
{
    X509 *certificate;
    EVP_PKEY *key;
    int error;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *path = scratch_path(&fixture.scratch, cases[i].file);

        print_message("%s\n", cases[i].file);
        error = -1;
        certificate = cm_pem_certificate(path, &error);
        assert_int_equal(certificate != NULL, cases[i].certificate);
        assert_int_equal(error, cases[i].error);
        error = -1;
        key = cm_pem_key(path, &error);
        assert_int_equal(key != NULL, cases[i].key);
        assert_int_equal(error, cases[i].error);
        assert_int_equal(ERR_peek_error(), 0);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
    assert_null(cm_pem_certificate("/nonexistent/kdc.pem", NULL));
    assert_null(cm_pem_key("/nonexistent/kdc.key", NULL));
}

/* Of several certificates the one at the top: two.pem is that of the first
 * key, then that of the second. */
static void
test_first(void **state)
{
    X509 *certificate;

    (void)state;
    scratch_fill(&fixture.scratch);
    certificate =
        cm_pem_certificate(scratch_path(&fixture.scratch, "two.pem"), NULL);
    assert_non_null(certificate);
    assert_int_equal(
        EVP_PKEY_eq(X509_get0_pubkey(certificate), tc_key(TC_EC_P256, 0)), 1);
    X509_free(certificate);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_first),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
