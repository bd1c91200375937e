#include "certificates.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "certificate.h"
#include "trust.h"

/* A certificate is longer than 127 bytes, so its DER begins with a SEQUENCE
 * in the long form of the length; no text begins so. */
enum { DER_SEQUENCE = 0x30, DER_LONG_LENGTH = 0x80 };

static const char pem_begin[] = "-----BEGIN ";

struct certificates {
    X509 **list;
    size_t count;
};

static enum cm_read
append(struct certificates *certs, X509 *x509, struct cm_detail *detail)
{
    X509 **list;

    if (certs->count == CM_TRUST_MAX_CERTIFICATES) {
        cm_detail_set(detail, "more than %d certificates",
                      CM_TRUST_MAX_CERTIFICATES);
        return CM_READ_BROKEN;
    }
    list = reallocarray(certs->list, certs->count + 1, sizeof(*list));
    if (list == NULL)
        return CM_READ_NO_MEMORY;
    list[certs->count++] = x509;
    certs->list = list;
    return CM_READ_OK;
}

/* Appends the one certificate that the DER bytes are. */
static enum cm_read
add_der(struct certificates *certs, const uint8_t *der, size_t len,
        struct cm_detail *detail)
{
    const uint8_t *p = der;
    enum cm_read outcome;
    X509 *x509;

    if (len > CM_CERT_MAX_DER) {
        cm_detail_set(detail, "certificate %zu is longer than %d bytes",
                      certs->count + 1, CM_CERT_MAX_DER);
        return CM_READ_BROKEN;
    }
    x509 = d2i_X509(NULL, &p, (long)len);
    if (x509 == NULL || p != der + len) {
        X509_free(x509);
        cm_detail_set(detail, "certificate %zu does not decode",
                      certs->count + 1);
        return CM_READ_BROKEN;
    }
    outcome = append(certs, x509, detail);
    if (outcome != CM_READ_OK)
        X509_free(x509);
    return outcome;
}

/* Nothing but blanks stand between p and the start of its line. */
static bool
begins_line(const uint8_t *bytes, const uint8_t *p)
{
    while (p > bytes && (p[-1] == ' ' || p[-1] == '\t'))
        p--;
    return p == bytes || p[-1] == '\n' || p[-1] == '\r';
}

/* Lines that begin a PEM block, well formed or not. */
static size_t
count_begin_lines(const uint8_t *bytes, size_t len)
{
    const uint8_t *p = bytes, *end = bytes + len;
    size_t count = 0;

    while ((p = memmem(p, (size_t)(end - p), pem_begin,
                       sizeof(pem_begin) - 1)) != NULL) {
        count += begins_line(bytes, p);
        p += sizeof(pem_begin) - 1;
    }
    return count;
}

static enum cm_read
add_block(struct certificates *certs, const char *name, const char *header,
          const uint8_t *der, long len, struct cm_detail *detail)
{
    if (strcmp(name, PEM_STRING_X509) != 0) {
        cm_detail_set(detail, "a block is a %.64s, not a %s", name,
                      PEM_STRING_X509);
        return CM_READ_BROKEN;
    }
    if (header[0] != '\0') {
        cm_detail_set(detail, "block %zu has PEM headers", certs->count + 1);
        return CM_READ_BROKEN;
    }
    return add_der(certs, der, (size_t)len, detail);
}

/* Reads the next block.  CM_READ_NONE: there is no further one. */
static enum cm_read
next_block(BIO *bio, struct certificates *certs, struct cm_detail *detail)
{
    char *name = NULL, *header = NULL;
    uint8_t *der = NULL;
    enum cm_read outcome;
    long len = 0;

    if (PEM_read_bio(bio, &name, &header, &der, &len) == 1) {
        outcome = add_block(certs, name, header, der, len, detail);
    } else if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
        outcome = CM_READ_NONE;
    } else {
        cm_detail_set(detail, "PEM block %zu is damaged", certs->count + 1);
        outcome = CM_READ_BROKEN;
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
    return outcome;
}

static enum cm_read
add_pem(struct certificates *certs, const uint8_t *bytes, size_t len,
        struct cm_detail *detail)
{
    enum cm_read outcome = CM_READ_OK;
    size_t expected;
    BIO *bio;

    /* A byte order mark would hide the first block from the reader. */
    if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        bytes += 3;
        len -= 3;
    }
    expected = len > 0 ? count_begin_lines(bytes, len) : 0;
    if (expected == 0) {
        cm_detail_set(detail, "holds no certificate");
        return CM_READ_NONE;
    }
    bio = BIO_new_mem_buf(bytes, (int)len);
    if (bio == NULL)
        return CM_READ_NO_MEMORY;
    while (outcome == CM_READ_OK)
        outcome = next_block(bio, certs, detail);
    BIO_free(bio);
    if (outcome != CM_READ_NONE)
        return outcome;
    /* A block that the reader passed over as text must not go unnoticed. */
    if (certs->count != expected) {
        cm_detail_set(detail, "%zu of %zu PEM blocks are damaged",
                      expected - certs->count, expected);
        return CM_READ_BROKEN;
    }
    return CM_READ_OK;
}

enum cm_read
cm_certificates_parse(const uint8_t *bytes, size_t len, X509 ***out,
                      size_t *count, struct cm_detail *detail)
{
    struct certificates certs = {NULL, 0};
    enum cm_read outcome;

    *out = NULL;
    *count = 0;
    if (len > CM_TRUST_MAX_FILE) {
        cm_detail_set(detail, "longer than %d bytes", CM_TRUST_MAX_FILE);
        return CM_READ_BROKEN;
    }
    ERR_clear_error();
    if (len >= 2 && bytes[0] == DER_SEQUENCE && bytes[1] >= DER_LONG_LENGTH)
        outcome = add_der(&certs, bytes, len, detail);
    else
        outcome = add_pem(&certs, bytes, len, detail);
    ERR_clear_error();
    if (outcome != CM_READ_OK) {
        cm_certificates_free(certs.list, certs.count);
        return outcome;
    }
    *out = certs.list;
    *count = certs.count;
    return CM_READ_OK;
}

bool
cm_certificates_read(const uint8_t *bytes, size_t len, X509 ***out,
                     size_t *count, struct cm_detail *detail)
{
    enum cm_read outcome;

    outcome = cm_certificates_parse(bytes, len, out, count, detail);
    if (outcome == CM_READ_NO_MEMORY)
        cm_detail_set(detail, "out of memory");
    return outcome == CM_READ_OK;
}

bool
cm_certificates_load(const char *path, X509 ***out, size_t *count,
                     struct cm_detail *detail)
{
    struct cm_file_stamp stamp;
    enum cm_read outcome;
    uint8_t *bytes = NULL;
    size_t len = 0;
    bool ok;

    *out = NULL;
    *count = 0;
    outcome = cm_file_read(AT_FDCWD, path, &stamp, &bytes, &len, detail);
    if (outcome != CM_READ_OK) {
        if (outcome == CM_READ_NO_MEMORY)
            cm_detail_set(detail, "out of memory");
        return false;
    }
    ok = cm_certificates_read(bytes, len, out, count, detail);
    free(bytes);
    return ok;
}

void
cm_certificates_free(X509 **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        X509_free(list[i]);
    free(list);
}
