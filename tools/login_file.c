/*
 * A certificate in a file as the candidate for a login.
 */
#include "login_identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>

#include "buf.h"
#include "card.h"
#include "certfile.h"
#include "trust.h"
#include "text.h"

static const char file_word[] = "FILE:", pkcs12_word[] = "PKCS12:";

static bool
ends_in(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len > end_len && cm_text_equal_fold(text + len - end_len, end);
}

static bool
starts_with(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

enum cm_login_kind
cm_login_kind(const char *text)
{
    if (cm_card_is_uri(text))
        return CM_LOGIN_CARD;
    if (starts_with(text, file_word))
        return CM_LOGIN_FILE;
    if (starts_with(text, pkcs12_word) || ends_in(text, ".p12") ||
        ends_in(text, ".pfx"))
        return CM_LOGIN_PKCS12;
    return CM_LOGIN_FILE;
}

/* ---- PEM ---- */

/* DER of a certificate; NULL: no memory. */
static uint8_t *
encode(X509 *cert, size_t *len)
{
    unsigned char *der = NULL;
    int n = i2d_X509(cert, &der);
    uint8_t *copy = n > 0 ? malloc((size_t)n) : NULL;

    if (copy != NULL)
        memcpy(copy, der, (size_t)n);
    *len = n > 0 ? (size_t)n : 0;
    OPENSSL_free(der);
    ERR_clear_error();
    return copy;
}

static uint8_t *
read_pem(const char *path, size_t *len, struct cm_detail *detail)
{
    X509 **certs = NULL;
    uint8_t *der = NULL;
    size_t count = 0;

    if (!cm_certfile_read_all(path, &certs, &count, detail))
        return NULL;
    der = encode(certs[0], len);
    cm_certificates_free(certs, count);
    if (der == NULL)
        cm_detail_set(detail, "out of memory");
    return der;
}

/* ---- PKCS#12 ---- */

static PKCS12 *
open_pkcs12(const char *path, struct cm_detail *detail)
{
    FILE *file = fopen(path, "rbe");
    uint8_t *bytes = malloc(CM_LOGIN_MAX_FILE + 1);
    const unsigned char *p = bytes;
    PKCS12 *p12 = NULL;
    size_t len = 0;

    if (file == NULL)
        cm_detail_set(detail, "cannot open %s: %s", path, strerror(errno));
    else if (bytes == NULL)
        cm_detail_set(detail, "out of memory");
    else
        len = fread(bytes, 1, CM_LOGIN_MAX_FILE + 1, file);
    if (len > 0 && len <= CM_LOGIN_MAX_FILE)
        p12 = d2i_PKCS12(NULL, &p, (long)len);
    if (file != NULL && bytes != NULL && p12 == NULL)
        cm_detail_set(detail, "%s is no PKCS#12 file", path);
    ERR_clear_error();
    free(bytes);
    if (file != NULL)
        (void)fclose(file);
    return p12;
}

/* The certificate that belongs to its key. */
static uint8_t *
unpack(PKCS12 *p12, const char *password, size_t *len,
       struct cm_detail *detail)
{
    EVP_PKEY *key = NULL;
    X509 *cert = NULL;
    uint8_t *der = NULL;

    if (PKCS12_parse(p12, password, &key, &cert, NULL) != 1)
        cm_detail_set(detail, "it does not open by this password");
    else if (cert == NULL || key == NULL)
        cm_detail_set(detail, "it holds no key with its certificate");
    else if ((der = encode(cert, len)) == NULL)
        cm_detail_set(detail, "out of memory");
    EVP_PKEY_free(key);
    X509_free(cert);
    ERR_clear_error();
    return der;
}

/* Asks for the password, where one is needed. */
static bool
find_password(PKCS12 *p12, const char *path, cm_login_ask_fn *ask, void *arg,
              char **out, struct cm_detail *detail)
{
    char secret[CM_LOGIN_MAX_SECRET] = "";
    struct cm_detail prompt;
    bool ok;

    *out = NULL;
    if (PKCS12_mac_present(p12) != 1 || PKCS12_verify_mac(p12, NULL, 0) == 1 ||
        PKCS12_verify_mac(p12, "", 0) == 1)
        return true;
    ERR_clear_error();
    cm_detail_set(&prompt, "Password of %s", path);
    ok = ask(arg, prompt.text, secret, sizeof(secret), detail);
    *out = ok ? strdup(secret) : NULL;
    explicit_bzero(secret, sizeof(secret));
    if (ok && *out == NULL)
        cm_detail_set(detail, "out of memory");
    return *out != NULL;
}

static uint8_t *
read_pkcs12(const char *path, cm_login_ask_fn *ask, void *arg, char **password,
            bool *given_up, size_t *len, struct cm_detail *detail)
{
    PKCS12 *p12 = open_pkcs12(path, detail);
    struct cm_detail why = {""};
    uint8_t *der = NULL;

    *password = NULL;
    if (p12 == NULL)
        return NULL;
    *given_up = !find_password(p12, path, ask, arg, password, detail);
    if (!*given_up) {
        der = unpack(p12, *password, len, &why);
        if (der == NULL)
            cm_detail_set(detail, "%.256s: %s", path, why.text);
    }
    PKCS12_free(p12);
    return der;
}

/* ---- Either ---- */

/* The path of the certificate; the caller frees it.  NULL: no memory. */
static char *
certificate_path(const char *text, enum cm_login_kind kind)
{
    if (kind == CM_LOGIN_PKCS12)
        return strdup(starts_with(text, pkcs12_word)
                          ? text + strlen(pkcs12_word)
                          : text);
    if (starts_with(text, file_word))
        text += strlen(file_word);
    return strndup(text, strcspn(text, ","));
}

static char *
krb5_value(const char *text, enum cm_login_kind kind)
{
    const char *word = kind == CM_LOGIN_PKCS12 ? pkcs12_word : file_word;
    struct cm_buf value = CM_BUF_INIT;

    if (!starts_with(text, word))
        cm_buf_add_text(&value, word);
    cm_buf_add_text(&value, text);
    return cm_buf_take(&value);
}

static bool
fill(struct cm_login_identity *made, const char *text, const uint8_t *der,
     size_t len, int64_t now)
{
    bool ok = cm_login_identity_describe(made, der, len, now);

    made->krb5 = krb5_value(text, cm_login_kind(text));
    made->value = strdup(text);
    return ok && made->krb5 != NULL && made->value != NULL;
}

bool
cm_login_file(const char *text, int64_t now, cm_login_ask_fn *ask, void *arg,
              struct cm_login_identities *out, bool *given_up,
              struct cm_detail *detail)
{
    enum cm_login_kind kind = cm_login_kind(text);
    struct cm_login_identity made = {.where = certificate_path(text, kind)};
    struct cm_login_identity *list = calloc(1, sizeof(*list));
    uint8_t *der = NULL;
    size_t len = 0;
    bool ok = false;

    memset(out, 0, sizeof(*out));
    *given_up = false;
    if (list == NULL || made.where == NULL)
        cm_detail_set(detail, "out of memory");
    else if (kind == CM_LOGIN_PKCS12)
        der = read_pkcs12(made.where, ask, arg, &made.password, given_up, &len,
                          detail);
    else
        der = read_pem(made.where, &len, detail);
    if (der != NULL) {
        ok = fill(&made, text, der, len, now);
        if (!ok)
            cm_detail_set(detail, "out of memory");
    }
    free(der);
    if (!ok) {
        cm_login_identity_clear(&made);
        free(list);
        return false;
    }
    list[0] = made;
    *out = (struct cm_login_identities){list, 1};
    return true;
}
