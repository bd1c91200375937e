/*
 * Reading certificates from PEM and DER.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "certificate.h"
#include "certificates.h"
#include "files.h"
#include "testcert.h"
#include "trust.h"

static char *pem; /* of one certificate */
static uint8_t *der;
static size_t der_len;

static int
set_up(void **state)
{
    X509 *cert = tc_make_ca("CN=Root", tc_key(TC_EC_P256, 1), NULL, NULL);

    (void)state;
    pem = files_pem(&cert, 1);
    der = tc_der(cert, &der_len);
    X509_free(cert);
    files_make();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    free(pem);
    free(der);
    files_remove();
    return 0;
}

#define MARKER "-----"
#define OTHER_BLOCK(name)                                                     \
    MARKER "BEGIN " name MARKER "\nAAAA\n" MARKER "END " name MARKER "\n"

/* In a text, "@" stands for the whole PEM of a certificate. */
static const struct {
    const char *name;
    const char *text;
    enum cm_read outcome;
    size_t count;
} texts[] = {
    {"one", "@", CM_READ_OK, 1},
    {"three", "@@@", CM_READ_OK, 3},
    {"text around", "Our root:\n@-- \nend", CM_READ_OK, 1},
    {"byte order mark", "\xef\xbb\xbf@@", CM_READ_OK, 2},
    {"a marker in a text", "see -----BEGIN CERTIFICATE-----\n@", CM_READ_OK,
     1},
    {"commented out", "# -----BEGIN CERTIFICATE-----\n# AAAA\n@", CM_READ_OK,
     1},
    {"empty", "", CM_READ_NONE, 0},
    {"text only", "hello\n", CM_READ_NONE, 0},
    {"digit zero", "0123456789", CM_READ_NONE, 0},
    {"key", OTHER_BLOCK("PRIVATE KEY"), CM_READ_BROKEN, 0},
    {"key after it", "@" OTHER_BLOCK("EC PRIVATE KEY"), CM_READ_BROKEN, 0},
    {"key before it", OTHER_BLOCK("EC PRIVATE KEY") "@", CM_READ_BROKEN, 0},
    {"CRL", "@" OTHER_BLOCK("X509 CRL"), CM_READ_BROKEN, 0},
    {"PKCS #7", OTHER_BLOCK("PKCS7"), CM_READ_BROKEN, 0},
    {"OpenSSL's trusted form", OTHER_BLOCK("TRUSTED CERTIFICATE"),
     CM_READ_BROKEN, 0},
    {"not DER inside", "@" OTHER_BLOCK("CERTIFICATE"), CM_READ_BROKEN, 0},
    {"not base64",
     "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
     CM_READ_BROKEN, 0},
    {"no end", "-----BEGIN CERTIFICATE-----\nAAAA\n", CM_READ_BROKEN, 0},
    {"no end after one", "@-----BEGIN CERTIFICATE-----\nAAAA\n",
     CM_READ_BROKEN, 0},
    {"other end",
     "-----BEGIN CERTIFICATE-----\nAAAA\n-----END X509 CRL-----\n",
     CM_READ_BROKEN, 0},
    {"damaged begin line", "@-----BEGIN CERTIFICATE----\n@", CM_READ_BROKEN,
     0},
    {"indented", "  @", CM_READ_BROKEN, 0},
    {"second one indented", "@\t@", CM_READ_BROKEN, 0},
    {"PEM headers",
     "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
     "DEK-Info: AES-128-CBC,00000000000000000000000000000000\n\nAAAA\n"
     "-----END CERTIFICATE-----\n",
     CM_READ_BROKEN, 0},
};

static char *
fill_in(const char *text)
{
    struct cm_buf buf = CM_BUF_INIT;
    char *filled;

    for (; *text != '\0'; text++) {
        if (*text == '@')
            cm_buf_add_text(&buf, pem);
        else
            cm_buf_add_char(&buf, *text);
    }
    filled = cm_buf_take(&buf);
    assert_non_null(filled);
    return filled;
}

static void
test_texts(void **state)
{
    struct cm_detail detail;
    unsigned differences = 0;
    enum cm_read outcome;
    X509 **list;
    size_t count;
    char *text;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        text = fill_in(texts[i].text);
        detail.text[0] = '\0';
        outcome = cm_certificates_parse((uint8_t *)text, strlen(text), &list,
                                        &count, &detail);
        if (outcome != texts[i].outcome || count != texts[i].count ||
            (outcome == CM_READ_OK) != (detail.text[0] == '\0')) {
            print_error("%s: outcome %d, %zu certificates: %s\n",
                        texts[i].name, (int)outcome, count, detail.text);
            differences++;
        }
        cm_certificates_free(list, count);
        free(text);
    }
    assert_int_equal(differences, 0);
}

static void
test_crlf(void **state)
{
    struct cm_buf buf = CM_BUF_INIT;
    X509 **list;
    size_t count;
    char *text;

    (void)state;
    for (const char *p = pem; *p != '\0'; p++) {
        if (*p == '\n')
            cm_buf_add_char(&buf, '\r');
        cm_buf_add_char(&buf, *p);
    }
    text = cm_buf_take(&buf);
    assert_true(cm_certificates_read((uint8_t *)text, strlen(text), &list,
                                     &count, NULL));
    assert_int_equal(count, 1);
    cm_certificates_free(list, count);
    free(text);
}

static void
test_der(void **state)
{
    uint8_t longer[CM_CERT_MAX_DER + 1] = {0};
    struct cm_detail detail;
    X509 **list;
    size_t count;

    (void)state;
    assert_true(cm_certificates_read(der, der_len, &list, &count, &detail));
    assert_int_equal(count, 1);
    cm_certificates_free(list, count);
    /* Every truncation, and one byte too much. */
    for (size_t len = 0; len < der_len; len++)
        assert_false(cm_certificates_read(der, len, &list, &count, &detail));
    memcpy(longer, der, der_len);
    assert_false(
        cm_certificates_read(longer, der_len + 1, &list, &count, &detail));
    assert_null(list);
    assert_int_equal(count, 0);
    assert_false(
        cm_certificates_read(longer, sizeof(longer), &list, &count, &detail));
    assert_non_null(strstr(detail.text, "longer than"));
}

static bool
loads(const char *name, struct cm_detail *detail)
{
    X509 **list;
    size_t count;
    bool ok;

    ok = cm_certificates_load(files_path(name), &list, &count, detail);
    assert_true(ok == (count > 0));
    cm_certificates_free(list, count);
    return ok;
}

static void
test_load(void **state)
{
    struct cm_detail detail;

    (void)state;
    files_write("der", der, der_len);
    assert_true(loads("der", &detail));
    files_write_text("pem", pem);
    assert_true(loads("pem", &detail));
    assert_int_equal(symlink("pem", files_path("link")), 0);
    assert_true(loads("link", &detail));
    assert_int_equal(symlink("nothing", files_path("dangling")), 0);
    assert_false(loads("dangling", &detail));
    assert_false(loads("missing", &detail));
    assert_string_equal(detail.text, "No such file or directory");
    files_make_folder("folder");
    assert_false(loads("folder", &detail));
    /* Must not wait for a writer. */
    assert_int_equal(mkfifo(files_path("fifo"), 0600), 0);
    assert_false(loads("fifo", &detail));
    assert_string_equal(detail.text, "not a regular file");
    files_write_text("huge", pem);
    assert_int_equal(truncate(files_path("huge"), CM_TRUST_MAX_FILE + 1), 0);
    assert_false(loads("huge", &detail));
    assert_non_null(strstr(detail.text, "longer than"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_crlf),
        cmocka_unit_test(test_der),
        cmocka_unit_test(test_load),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
