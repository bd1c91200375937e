/*
 * CRLs as text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "crl_fixture.h"

enum { TEXT = 16 * 1024 };

#define BEGIN "-----BEGIN X509 CRL-----\n"
#define END "-----END X509 CRL-----\n"

static const struct {
    const char *before, *after;
    size_t line; /* characters; 0: all in one */
    const char *end_of_line;
    const char *detail; /* NULL: accepted */
} pems[] = {
    {BEGIN, END, 64, "\n", NULL},
    {BEGIN, "-----END X509 CRL-----", 64, "\n", NULL},
    {BEGIN, END, 0, "\n", NULL},
    {BEGIN, END, 3, "\n", NULL},
    {BEGIN, END, 76, "\n", NULL},
    {"-----BEGIN X509 CRL-----\r\n", "-----END X509 CRL-----\r\n", 64, "\r\n",
     NULL},
    {BEGIN, END, 64, " \t\n", NULL},
    {BEGIN "\n", "\n" END, 64, "\n\n", NULL},
    {"Certificate Revocation List (CRL):\n    Version 2\n" BEGIN, END, 64,
     "\n", NULL},
    {BEGIN, END "some words\n", 64, "\n", NULL},
    {"\n\n" BEGIN, END "\n\n", 64, "\n", NULL},
    {"-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n", 64, "\n",
     "a PEM block that is not an X509 CRL"},
    {"-----BEGIN X509 CRL----\n", END, 64, "\n",
     "a PEM block that is not an X509 CRL"},
    {"-----BEGIN X509 CRL-----x\n", END, 64, "\n",
     "a PEM block that is not an X509 CRL"},
    {" " BEGIN, END, 64, "\n", "neither DER nor an X509 CRL in PEM"},
    {"", "", 64, "\n", "neither DER nor an X509 CRL in PEM"},
    {BEGIN, "", 64, "\n", "PEM block without end"},
    {BEGIN, "-----END CERTIFICATE-----\n", 64, "\n", "PEM is not base64"},
    {BEGIN, " " END, 64, "\n", "PEM is not base64"},
    {BEGIN "Proc-Type: 4,ENCRYPTED\n\n", END, 64, "\n", "PEM is not base64"},
    {BEGIN, "#\n" END, 64, "\n", "PEM is not base64"},
    {BEGIN BEGIN, END, 64, "\n", "PEM is not base64"},
    {BEGIN, END BEGIN END, 64, "\n", "more than one PEM block"},
    {BEGIN, END "-----BEGIN CERTIFICATE-----\n", 64, "\n",
     "more than one PEM block"},
};

/* DER as lines of base64 between two texts. */
static size_t
make_pem(size_t row, const uint8_t *der, size_t len, char text[TEXT])
{
    size_t width, at = strlen(pems[row].before), chars;
    char base64[TEXT / 2];

    chars = (size_t)EVP_EncodeBlock((uint8_t *)base64, der, (int)len);
    width = pems[row].line != 0 ? pems[row].line : chars;
    strcpy(text, pems[row].before);
    for (size_t from = 0; from < chars; from += width) {
        if (width > chars - from)
            width = chars - from;
        memcpy(text + at, base64 + from, width);
        strcpy(text + at + width, pems[row].end_of_line);
        at += width + strlen(pems[row].end_of_line);
    }
    strcpy(text + at, pems[row].after);
    return at + strlen(pems[row].after);
}

static void
test_pem(void **state)
{
    struct crl_fixture fixture;
    char text[TEXT];
    enum cm_reason reason;
    size_t len, text_len;
    uint8_t *der;

    (void)state;
    der = crl_fixture_small(&fixture, &len);
    for (size_t i = 0; i < sizeof(pems) / sizeof(pems[0]); i++) {
        text_len = make_pem(i, der, len, text);
        reason = crl_fixture_read_bytes(text, text_len, &fixture);
        if ((reason == CM_OK) != (pems[i].detail == NULL))
            fail_msg("row %zu: %s", i, fixture.detail.text);
        if (pems[i].detail != NULL &&
            strcmp(fixture.detail.text, pems[i].detail) != 0)
            fail_msg("row %zu: %s", i, fixture.detail.text);
        if (reason == CM_OK)
            assert_int_equal(fixture.facts.source_size, len);
    }
    free(der);
    crl_fixture_clear(&fixture);
}

/* Base64 that ends, and goes on. */
static void
test_pem_padding(void **state)
{
    static const struct {
        const char *text;
        const char *detail;
    } rows[] = {
        {BEGIN "MAA=\nMAA=\n" END, "PEM is not base64"},
        {BEGIN "MAA=MAA=\n" END, "PEM is not base64"},
        {BEGIN "MA\n" END, "PEM is not base64"},
        {BEGIN "MAA\n" END, "PEM is not base64"},
        {BEGIN "MAA==\n" END, "PEM is not base64"},
        {BEGIN "====\n" END, "PEM is not base64"},
        {BEGIN END, "CRL is not DER"},
        {BEGIN "MAAA\n" END, "bytes after the end of the CRL"},
    };
    struct crl_fixture fixture;

    (void)state;
    crl_fixture_setup(&fixture);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(crl_fixture_read_bytes(
                             rows[i].text, strlen(rows[i].text), &fixture),
                         CM_REVOCATION_UNKNOWN);
        if (strcmp(fixture.detail.text, rows[i].detail) != 0)
            fail_msg("row %zu: %s", i, fixture.detail.text);
    }
    crl_fixture_clear(&fixture);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pem),
        cmocka_unit_test(test_pem_padding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
