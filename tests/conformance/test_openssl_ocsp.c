/*
 * OpenSSL's OCSP test set: real responses of 2012, and damaged variants.
 *
 * All of them, and the certificates of their delegates, are signed with
 * SHA-1, so the floor alone refuses every row.  What the rows are about lies
 * behind it: this program therefore replaces the floor (the linker's --wrap)
 * by one that a test can lift, and judges each row with it and without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/ocsp.h>

#include "conformance.h"
#include "instant.h"
#include "ocsp.h"
#include "path.h"
#include "strength.h"

enum {
    ROWS = 55,
    UNUSABLE = 1, /* its root certificate is not in the set */
    LINE_SIZE = 1024,
    RESPONSE_SIZE = 8192,
    AT = 1355875200 /* 2012-12-19: where the set is evaluated */
};

enum column { CATEGORY, RESPONSE, ISSUER, OTHER, EXPECTED, COLUMNS };

struct row {
    char line[LINE_SIZE];
    char *columns[COLUMNS];
    X509 *cert, *issuer;
    uint8_t response[RESPONSE_SIZE];
    size_t len;
    int64_t produced_at;
};

static const char *folder;

/* ---- The floor ---- */

static bool floor_lifted;

bool __real_cm_strength_key(const X509 *cert, int min_rsa_bits,
                            struct cm_detail *detail);
bool __real_cm_strength_signature(const X509 *cert, struct cm_detail *detail);
bool __real_cm_strength_algorithm(const X509_ALGOR *algorithm,
                                  struct cm_detail *detail);
bool __wrap_cm_strength_key(const X509 *cert, int min_rsa_bits,
                            struct cm_detail *detail);
bool __wrap_cm_strength_signature(const X509 *cert, struct cm_detail *detail);
bool __wrap_cm_strength_algorithm(const X509_ALGOR *algorithm,
                                  struct cm_detail *detail);

bool
__wrap_cm_strength_key(const X509 *cert, int min_rsa_bits,
                       struct cm_detail *detail)
{
    return floor_lifted || __real_cm_strength_key(cert, min_rsa_bits, detail);
}

bool
__wrap_cm_strength_signature(const X509 *cert, struct cm_detail *detail)
{
    return floor_lifted || __real_cm_strength_signature(cert, detail);
}

bool
__wrap_cm_strength_algorithm(const X509_ALGOR *algorithm,
                             struct cm_detail *detail)
{
    return floor_lifted || __real_cm_strength_algorithm(algorithm, detail);
}

/* ---- Rows ---- */

/* The certificate that a response, whatever was done to it, is about: its
 * name ends in ND1, D3 and the like. */
static X509 *
load_subject(const char *response)
{
    static const struct {
        const char *end, *file;
    } subjects[] = {
        {"ND1.ors", "ND1_Cert_EE.pem"}, {"ND2.ors", "ND2_Cert_ICA.pem"},
        {"ND3.ors", "ND3_Cert_EE.pem"}, {"D1.ors", "D1_Cert_EE.pem"},
        {"D2.ors", "D2_Cert_ICA.pem"},  {"D3.ors", "D3_Cert_EE.pem"},
    };
    const char *end;

    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
        end = strstr(response, subjects[i].end);
        if (end != NULL && (end == response || end[-1] == '_'))
            return conformance_load_one(folder, subjects[i].file);
    }
    fail_msg("%s is about nobody", response);
    return NULL;
}

/* The issuer is the first of its file; a CA below it may follow. */
static X509 *
load_issuer(const char *file)
{
    X509 **list, *issuer;
    size_t count;

    conformance_load(folder, file, &list, &count);
    issuer = list[0];
    X509_up_ref(issuer);
    cm_certificates_free(list, count);
    return issuer;
}

/* The files are base64 of DER. */
static void
load_response(struct row *row)
{
    char path[PATH_MAX], text[2 * RESPONSE_SIZE];
    EVP_ENCODE_CTX *decode = EVP_ENCODE_CTX_new();
    int len = 0, rest = 0;
    size_t text_len;
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, row->columns[RESPONSE]);
    file = fopen(path, "r");
    if (file == NULL || decode == NULL)
        fail_msg("%s cannot be read", path);
    text_len = fread(text, 1, RESPONSE_SIZE, file);
    fclose(file);
    EVP_DecodeInit(decode);
    assert_true(EVP_DecodeUpdate(decode, row->response, &len,
                                 (const unsigned char *)text,
                                 (int)text_len) >= 0);
    assert_true(EVP_DecodeFinal(decode, row->response + len, &rest) >= 0);
    EVP_ENCODE_CTX_free(decode);
    row->len = (size_t)len + (size_t)rest;
}

static void
read_produced_at(struct row *row)
{
    const uint8_t *p = row->response;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &p, (long)row->len);
    OCSP_BASICRESP *basic;

    assert_non_null(response);
    basic = OCSP_response_get1_basic(response);
    assert_non_null(basic);
    assert_true(
        cm_instant_read(OCSP_resp_get0_produced_at(basic), &row->produced_at));
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
}

static bool
is_there(const char *file)
{
    char path[PATH_MAX];
    FILE *stream;

    snprintf(path, sizeof(path), "%s/%s", folder, file);
    stream = fopen(path, "r");
    if (stream != NULL)
        fclose(stream);
    return stream != NULL;
}

/* False: the row's issuer is not in the set. */
static bool
prepare(struct row *row)
{
    char *rest = row->line;

    rest[strcspn(rest, "\n")] = '\0';
    for (size_t i = 0; i < COLUMNS; i++)
        row->columns[i] = strsep(&rest, "\t");
    assert_non_null(row->columns[EXPECTED]);
    if (!is_there(row->columns[ISSUER]))
        return false;
    row->issuer = load_issuer(row->columns[ISSUER]);
    row->cert = load_subject(row->columns[RESPONSE]);
    load_response(row);
    read_produced_at(row);
    return true;
}

static void
dispose(struct row *row)
{
    X509_free(row->cert);
    X509_free(row->issuer);
}

/* The delegates of the set have no revocation data. */
static void
say_good(void *context, X509 *delegate, struct cm_status *out)
{
    (void)context;
    (void)delegate;
    memset(out, 0, sizeof(*out));
    out->state = CM_STATUS_GOOD;
}

static enum cm_status_state
judge(const struct row *row, int64_t now, bool lift, struct cm_detail *detail)
{
    const struct cm_path_rules rules = {.now = now, .min_rsa_bits = 2048};
    const struct cm_ocsp_question question = {.cert = row->cert,
                                              .issuer = row->issuer,
                                              .rules = &rules,
                                              .delegate_status = say_good};
    struct cm_status status;

    floor_lifted = lift;
    cm_ocsp_check(&question, row->response, row->len, &status);
    floor_lifted = false;
    *detail = status.detail;
    return status.state;
}

/* ---- What is expected ---- */

/* When the set is evaluated the answers have expired, which it does not look
 * at; this one has not. */
static bool
is_long_lived(const struct row *row)
{
    return strcmp(row->columns[RESPONSE], "D2.ors") == 0;
}

static bool
check_row(const struct row *row)
{
    bool valid = strcmp(row->columns[EXPECTED], "ok") == 0;
    struct cm_detail with, without, then;
    enum cm_status_state expected = CM_STATUS_UNKNOWN;
    bool ok;

    ok = judge(row, AT, false, &with) == CM_STATUS_UNKNOWN &&
         (!valid || strstr(with.text, "below the floor") != NULL);
    if (valid)
        expected = is_long_lived(row) ? CM_STATUS_GOOD : CM_STATUS_STALE;
    ok = judge(row, AT, true, &without) == expected && ok;
    if (valid)
        expected = CM_STATUS_GOOD;
    ok = judge(row, row->produced_at + 1, true, &then) == expected && ok;
    if (!ok)
        print_error("%s, %s, %s: with the floor: %s; without: %s; when it "
                    "was produced: %s\n",
                    row->columns[CATEGORY], row->columns[RESPONSE],
                    row->columns[ISSUER], with.text, without.text, then.text);
    return ok;
}

static void
test_rows(void **state)
{
    unsigned rows = 0, unusable = 0, differences = 0;
    char path[PATH_MAX];
    struct row row;
    FILE *file;

    (void)state;
    snprintf(path, sizeof(path), "%s/expected.tsv", folder);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(row.line, sizeof(row.line), file)); /* headings */
    for (;;) {
        memset(&row, 0, sizeof(row));
        if (fgets(row.line, sizeof(row.line), file) == NULL)
            break;
        rows++;
        if (!prepare(&row))
            unusable++;
        else if (!check_row(&row))
            differences++;
        dispose(&row);
    }
    fclose(file);
    assert_int_equal(rows, ROWS);
    assert_int_equal(unusable, UNUSABLE);
    assert_int_equal(differences, 0);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
    };

    folder = conformance_folder(argc, argv, "openssl-ocsp");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
