#include "certfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "card.h"
#include "filelist.h"
#include "trust.h"

/* Certificates of one input, each as DER. */
struct blocks {
    struct der {
        uint8_t *bytes;
        size_t len;
    } * list;
    size_t count;
};

static void
clear_blocks(struct blocks *blocks)
{
    for (size_t i = 0; i < blocks->count; i++)
        free(blocks->list[i].bytes);
    free(blocks->list);
    memset(blocks, 0, sizeof(*blocks));
}

static bool
add_block(struct blocks *blocks, const uint8_t *bytes, size_t len)
{
    struct der *list, block = {malloc(len > 0 ? len : 1), len};

    if (block.bytes == NULL)
        return false;
    if (len > 0)
        memcpy(block.bytes, bytes, len);
    list = reallocarray(blocks->list, blocks->count + 1, sizeof(*list));
    if (list == NULL) {
        free(block.bytes);
        return false;
    }
    list[blocks->count++] = block;
    blocks->list = list;
    return true;
}

static bool
read_stream(FILE *in, const char *name, uint8_t **bytes, size_t *len,
            struct cm_detail *detail)
{
    uint8_t *buffer = malloc(CM_CERTFILE_MAX + 1);
    size_t n;

    if (buffer == NULL) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    n = fread(buffer, 1, CM_CERTFILE_MAX + 1, in);
    if (ferror(in)) {
        cm_detail_set(detail, "cannot read %s: %s", name, strerror(errno));
        free(buffer);
        return false;
    }
    if (n > CM_CERTFILE_MAX) {
        cm_detail_set(detail, "%s is larger than %d bytes: not a certificate",
                      name, (int)CM_CERTFILE_MAX);
        free(buffer);
        return false;
    }
    *bytes = buffer;
    *len = n;
    return true;
}

static bool
read_input(FILE *in, const char *path, uint8_t **bytes, size_t *len,
           struct cm_detail *detail)
{
    FILE *file;
    bool ok;

    if (in != NULL && strcmp(path, "-") == 0)
        return read_stream(in, "standard input", bytes, len, detail);
    file = fopen(path, "rbe");
    if (file == NULL) {
        cm_detail_set(detail, "cannot open %s: %s", path, strerror(errno));
        return false;
    }
    ok = read_stream(file, path, bytes, len, detail);
    fclose(file);
    return ok;
}

/* A SEQUENCE of 128 bytes or more: every certificate is one. */
static bool
looks_like_der(const uint8_t *bytes, size_t len)
{
    return len >= 2 && bytes[0] == 0x30 && (bytes[1] & 0x80) != 0;
}

/* One PEM block; false: none is left, or it is damaged. */
static bool
next_block(BIO *bio, struct blocks *out, bool *failed)
{
    char *name = NULL, *header = NULL;
    unsigned char *data = NULL;
    long len = 0;
    bool got;

    got = PEM_read_bio(bio, &name, &header, &data, &len) == 1;
    if (!got)
        *failed = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
    else if (strcmp(name, PEM_STRING_X509) == 0 ||
             strcmp(name, PEM_STRING_X509_OLD) == 0)
        *failed = !add_block(out, data, (size_t)len);
    ERR_clear_error();
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, (size_t)len); /* it may be a private key */
    return got && !*failed;
}

static size_t
count_begin_lines(const uint8_t *bytes, size_t len)
{
    static const char begin[] = "-----BEGIN ";
    const uint8_t *p = bytes, *end = bytes + len;
    size_t count = 0;

    while ((p = memmem(p, (size_t)(end - p), begin, sizeof(begin) - 1)) !=
           NULL) {
        count++;
        p += sizeof(begin) - 1;
    }
    return count;
}

/* False: a block is damaged, one that the reader took for text included. */
static bool
read_pem(const uint8_t *bytes, size_t len, struct blocks *out)
{
    BIO *bio = BIO_new_mem_buf(bytes, (int)len);
    bool failed = bio == NULL;
    size_t count = 0;

    while (!failed && next_block(bio, out, &failed))
        count++;
    BIO_free(bio);
    return !failed && count == count_begin_lines(bytes, len);
}

/* The certificates of an input; false: not even one. */
static bool
read_blocks(FILE *in, const char *path, struct blocks *out,
            struct cm_detail *detail)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    bool ok;

    if (!read_input(in, path, &bytes, &len, detail))
        return false;
    ok = looks_like_der(bytes, len) ? add_block(out, bytes, len)
                                    : read_pem(bytes, len, out);
    OPENSSL_cleanse(bytes, len);
    free(bytes);
    if (!ok)
        cm_detail_set(detail, "%s holds a damaged PEM block", path);
    else if (out->count == 0)
        cm_detail_set(detail, "%s holds no certificate, neither PEM nor DER",
                      path);
    if (ok && out->count > 0)
        return true;
    clear_blocks(out);
    return false;
}

const char *
cm_certfile_name(const char *path)
{
    return cm_card_is_uri(path) ? "the token's certificate" : path;
}

bool
cm_certfile_read(FILE *in, const char *path, uint8_t **der, size_t *len,
                 struct cm_detail *detail)
{
    struct blocks blocks = {0};

    if (cm_card_is_uri(path))
        return cm_card_read(path, CM_CARD_TIMEOUT_MS, der, len, detail);
    if (!read_blocks(in, path, &blocks, detail))
        return false;
    if (blocks.count != 1) {
        cm_detail_set(detail,
                      "%s holds %zu certificates; give a file with the one "
                      "that is meant",
                      path, blocks.count);
        clear_blocks(&blocks);
        return false;
    }
    *der = blocks.list[0].bytes;
    *len = blocks.list[0].len;
    blocks.list[0].bytes = NULL;
    clear_blocks(&blocks);
    return true;
}

enum cm_exit
cm_certfile_decode(struct cm_tool *tool, const char *path,
                   struct cm_certificate *out)
{
    struct cm_detail detail = {""};
    enum cm_reason reason;
    uint8_t *der;
    size_t len;

    if (!cm_certfile_read(tool->in, path, &der, &len, &detail))
        return cm_tool_fail(tool, CM_EXIT_USAGE, detail.text);
    reason = cm_certificate_decode(der, len, out, &detail);
    free(der);
    if (reason == CM_OK)
        return CM_EXIT_YES;
    cm_tool_error(tool, "%s: %s: %s", cm_certfile_name(path),
                  cm_reason_token(reason), detail.text);
    return reason == CM_NO_MEMORY ? CM_EXIT_UNAVAILABLE : CM_EXIT_NO;
}

/* Decodes a block and appends it; nothing may follow the certificate. */
static bool
append_x509(const struct der *der, X509 ***list, size_t *count)
{
    const unsigned char *p = der->bytes;
    X509 *x509 = d2i_X509(NULL, &p, (long)der->len), **grown;

    ERR_clear_error();
    if (x509 == NULL)
        return false;
    grown = p == der->bytes + der->len
                ? reallocarray(*list, *count + 1, sizeof(X509 *))
                : NULL;
    if (grown == NULL) {
        X509_free(x509);
        return false;
    }
    grown[(*count)++] = x509;
    *list = grown;
    return true;
}

bool
cm_certfile_read_all(const char *path, X509 ***out, size_t *count,
                     struct cm_detail *detail)
{
    struct blocks blocks = {0};
    X509 **list = NULL;
    size_t n = 0, i = 0;

    if (!read_blocks(NULL, path, &blocks, detail))
        return false;
    while (i < blocks.count && append_x509(&blocks.list[i], &list, &n))
        i++;
    if (i < blocks.count) {
        cm_detail_set(detail, "certificate %zu of %s cannot be decoded", i + 1,
                      path);
        cm_certificates_free(list, n);
        clear_blocks(&blocks);
        return false;
    }
    clear_blocks(&blocks);
    *out = list;
    *count = n;
    return true;
}

bool
cm_certfile_read_any(FILE *in, const char *path, X509 ***out, size_t *count,
                     struct cm_detail *detail)
{
    struct cm_detail why = {""};
    uint8_t *bytes = NULL;
    size_t len = 0;
    bool ok;

    if (!read_input(in, path, &bytes, &len, detail))
        return false;
    ok = cm_certificates_read_any(bytes, len, out, count, &why);
    if (!ok)
        cm_detail_set(detail, "%.256s: %s", path, why.text);
    free(bytes);
    return ok;
}

struct collection {
    X509 ***list;
    size_t *count;
};

static bool
append_file(void *context, const char *path, struct cm_detail *detail)
{
    struct collection *collection = context;
    struct cm_detail why = {""};
    X509 **list = NULL, **grown;
    size_t n = 0;

    if (!cm_certificates_load(path, &list, &n, &why)) {
        cm_detail_set(detail, "%.256s: %s", path, why.text);
        return false;
    }
    grown = reallocarray(*collection->list, *collection->count + n,
                         sizeof(X509 *));
    if (grown == NULL) {
        cm_certificates_free(list, n);
        cm_detail_set(detail, "out of memory");
        return false;
    }
    memcpy(grown + *collection->count, list, n * sizeof(X509 *));
    *collection->list = grown;
    *collection->count += n;
    free(list);
    return true;
}

bool
cm_certfile_collect(const char *path, X509 ***out, size_t *count,
                    struct cm_detail *detail)
{
    struct collection collection = {out, count};
    size_t before = *count;

    if (!cm_filelist_each(path, append_file, &collection, detail))
        return false;
    if (*count > before)
        return true;
    cm_detail_set(detail, "%s holds no certificate", path);
    return false;
}
