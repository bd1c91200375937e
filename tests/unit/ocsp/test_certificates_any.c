/*
 * Reading certificates that come as PKCS#7.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/pkcs7.h>

#include "buf.h"
#include "certificates.h"
#include "derasm.h"
#include "files.h"
#include "testcert.h"
#include "trust.h"

static X509 *certs[2];

struct bytes {
    uint8_t *data;
    size_t len;
};

/* What `openssl crl2pkcs7 -nocrl` writes. */
static struct bytes
make_bag(size_t count)
{
    PKCS7 *bag = PKCS7_new();
    struct bytes out = {NULL, 0};
    unsigned char *der = NULL;
    int len;

    assert_non_null(bag);
    assert_int_equal(PKCS7_set_type(bag, NID_pkcs7_signed), 1);
    assert_int_equal(PKCS7_content_new(bag, NID_pkcs7_data), 1);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(PKCS7_add_certificate(bag, certs[i]), 1);
    len = i2d_PKCS7(bag, &der);
    assert_true(len > 0);
    out.data = malloc((size_t)len);
    assert_non_null(out.data);
    memcpy(out.data, der, (size_t)len);
    out.len = (size_t)len;
    OPENSSL_free(der);
    PKCS7_free(bag);
    return out;
}

/* The same with the outermost length indefinite. */
static struct bytes
make_ber(const struct bytes *bag)
{
    struct bytes out = {malloc(bag->len + 4), bag->len + 2};

    assert_non_null(out.data);
    assert_int_equal(bag->data[1], 0x82);
    out.data[0] = 0x30;
    out.data[1] = 0x80;
    memcpy(out.data + 2, bag->data + 4, bag->len - 4);
    out.data[bag->len - 2] = 0;
    out.data[bag->len - 1] = 0;
    out.len = bag->len;
    return out;
}

static struct bytes
make_pem(const struct bytes *bag, const char *name)
{
    struct bytes out = {NULL, 0};
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    long len;

    assert_non_null(bio);
    assert_true(PEM_write_bio(bio, name, "", bag->data, (long)bag->len) > 0);
    len = BIO_get_mem_data(bio, &data);
    out.data = malloc((size_t)len);
    assert_non_null(out.data);
    memcpy(out.data, data, (size_t)len);
    out.len = (size_t)len;
    BIO_free(bio);
    return out;
}

static struct bytes
join(const struct bytes *a, const char *b)
{
    struct bytes out = {malloc(a->len + strlen(b)), a->len + strlen(b)};

    assert_non_null(out.data);
    memcpy(out.data, a->data, a->len);
    memcpy(out.data + a->len, b, strlen(b));
    return out;
}

static int
set_up(void **state)
{
    (void)state;
    certs[0] = tc_make_ca("CN=One", tc_key(TC_EC_P256, 1), NULL, NULL);
    certs[1] = tc_make_ca("CN=Two", tc_key(TC_EC_P256, 2), NULL, NULL);
    files_make();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    X509_free(certs[0]);
    X509_free(certs[1]);
    files_remove();
    return 0;
}

/* How many certificates are read; 0: refused, with a detail. */
static size_t
count_of(const struct bytes *bytes)
{
    struct cm_detail detail = {""};
    X509 **list;
    size_t count;
    bool ok;

    ok = cm_certificates_read_any(bytes->data, bytes->len, &list, &count,
                                  &detail);
    assert_true(ok == (count > 0));
    assert_true(ok == (detail.text[0] == '\0'));
    for (size_t i = 0; i < count; i++)
        assert_true(X509_cmp(list[i], certs[0]) == 0 ||
                    X509_cmp(list[i], certs[1]) == 0);
    cm_certificates_free(list, count);
    return count;
}

/* What only a login's own reader takes. */
static bool
is_for_logins(const struct bytes *bytes)
{
    struct cm_detail detail;
    X509 **list;
    size_t count;
    bool ok;

    ok = cm_certificates_read(bytes->data, bytes->len, &list, &count, &detail);
    cm_certificates_free(list, count);
    return ok;
}

static void
check_and_free(struct bytes bytes, size_t count, bool for_logins)
{
    assert_int_equal(count_of(&bytes), count);
    assert_int_equal(is_for_logins(&bytes), for_logins);
    free(bytes.data);
}

static void
test_bags(void **state)
{
    struct bytes bag = make_bag(2);
    char *pem = files_pem(certs, 1);
    struct bytes text;

    (void)state;
    check_and_free(make_ber(&bag), 2, false);
    check_and_free(make_pem(&bag, "PKCS7"), 2, false);
    check_and_free(make_pem(&bag, "PKCS #7 SIGNED DATA"), 2, false);
    check_and_free(make_pem(&bag, "CMS"), 2, false);
    check_and_free(make_pem(&bag, "CERTIFICATE"), 0, false);
    /* A file may hold both. */
    text = make_pem(&bag, "PKCS7");
    check_and_free(join(&text, pem), 3, false);
    check_and_free(join(&text, "-----BEGIN PKCS7-----\n%%\n"), 0, false);
    free(text.data);
    check_and_free(bag, 2, false);
    check_and_free(make_bag(1), 1, false);
    check_and_free((struct bytes){(uint8_t *)pem, strlen(pem)}, 1, true);
}

/* What is not a bag of certificates. */
static void
test_refused(void **state)
{
    /* ContentInfo of type data, of an unknown type, of signedData without
     * content and with an empty one; "%s" makes it as long as a bag. */
    static const char *const rows[] = {
        "30( 06:2a864886f70d010701 a0( 04:%s ) )",
        "30( 06:2a864886f70d010703 a0( 04:%s ) )",
        "30( 06:2a0304 a0( 04:%s ) )",
        "30( 06:2a864886f70d010702 04:%s )",
        "30( 06:2a864886f70d010702 a0( 30( 04:%s ) ) )",
        "30( 06:2a864886f70d010702 a0( 30( ) 04:%s ) )",
    };
    struct bytes bytes, empty = make_bag(0);
    char filler[513];

    (void)state;
    memset(filler, '0', sizeof(filler) - 1);
    filler[sizeof(filler) - 1] = '\0';
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct cm_buf text = CM_BUF_INIT;
        const char *mark = strstr(rows[i], "%s");
        char *whole;

        cm_buf_add(&text, rows[i], (size_t)(mark - rows[i]));
        cm_buf_add_text(&text, filler);
        cm_buf_add_text(&text, mark + 2);
        whole = cm_buf_take(&text);
        assert_non_null(whole);
        bytes.data = da_bytes(whole, &bytes.len);
        check_and_free(bytes, 0, false);
        free(whole);
    }
    check_and_free(make_pem(&empty, "PKCS7"), 0, false);
    check_and_free(empty, 0, false);
}

/* Every truncation, and what follows a bag. */
static void
test_damage(void **state)
{
    struct bytes bag = make_bag(2), ber = make_ber(&bag), part;

    (void)state;
    for (part = bag, part.len = 0; part.len < bag.len; part.len++)
        assert_int_equal(count_of(&part), 0);
    for (part = ber, part.len = 0; part.len < ber.len; part.len++)
        assert_int_equal(count_of(&part), 0);
    check_and_free(join(&bag, "x"), 0, false);
    check_and_free(join(&ber, "x"), 0, false);
    free(bag.data);
    free(ber.data);
}

static void
test_load(void **state)
{
    struct bytes bag = make_bag(2);
    struct cm_detail detail;
    X509 **list;
    size_t count;

    (void)state;
    files_write("bag.p7b", bag.data, bag.len);
    free(bag.data);
    assert_true(cm_certificates_load_any(files_path("bag.p7b"), &list, &count,
                                         &detail));
    assert_int_equal(count, 2);
    cm_certificates_free(list, count);
    assert_false(
        cm_certificates_load(files_path("bag.p7b"), &list, &count, &detail));
    assert_false(cm_certificates_load_any(files_path("missing"), &list, &count,
                                          &detail));
    assert_string_equal(detail.text, "No such file or directory");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bags),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_load),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
