#include "certificates.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
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
    size_t blocks; /* of PEM */
    bool bags;     /* PKCS#7 is taken, too */
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

/* ---- PKCS#7 ---- */

/*
 * ContentInfo begins with an object identifier where a certificate has another
 * SEQUENCE.  The length before it may be indefinite, which is BER: Java and
 * some CAs write that.
 */
static bool
is_bag(const uint8_t *bytes, size_t len)
{
    const uint8_t *p = bytes;
    int tag, class;
    long ignored;

    return (ASN1_get_object(&p, &ignored, &tag, &class, (long)len) & 0x80) ==
               0 &&
           p < bytes + len && *p == V_ASN1_OBJECT;
}

/* One certificate of a bag, judged as if it had come alone. */
static enum cm_read
add_packed(struct certificates *certs, X509 *x509, struct cm_detail *detail)
{
    uint8_t *der = NULL;
    int len = i2d_X509(x509, &der);
    enum cm_read outcome;

    if (len < 0)
        return CM_READ_NO_MEMORY;
    outcome = add_der(certs, der, (size_t)len, detail);
    OPENSSL_free(der);
    return outcome;
}

static enum cm_read
add_all(struct certificates *certs, STACK_OF(X509) * packed,
        struct cm_detail *detail)
{
    enum cm_read outcome = CM_READ_OK;

    if (sk_X509_num(packed) <= 0) {
        cm_detail_set(detail, "the PKCS#7 structure holds no certificate");
        return CM_READ_BROKEN;
    }
    for (int i = 0; outcome == CM_READ_OK && i < sk_X509_num(packed); i++)
        outcome = add_packed(certs, sk_X509_value(packed, i), detail);
    return outcome;
}

/* The certificates of a SignedData (RFC 5652 section 5.1), whose signature is
 * not asked for: such files have none. */
static enum cm_read
add_bag(struct certificates *certs, const uint8_t *bytes, size_t len,
        struct cm_detail *detail)
{
    const uint8_t *p = bytes;
    CMS_ContentInfo *bag = d2i_CMS_ContentInfo(NULL, &p, (long)len);
    STACK_OF(X509) * packed;
    enum cm_read outcome;

    if (bag == NULL || p != bytes + len ||
        OBJ_obj2nid(CMS_get0_type(bag)) != NID_pkcs7_signed) {
        cm_detail_set(detail, "is not PKCS#7 with certificates");
        CMS_ContentInfo_free(bag);
        return CM_READ_BROKEN;
    }
    packed = CMS_get1_certs(bag);
    outcome = add_all(certs, packed, detail);
    sk_X509_pop_free(packed, X509_free);
    CMS_ContentInfo_free(bag);
    return outcome;
}

static bool
is_bag_block(const char *name)
{
    return strcmp(name, PEM_STRING_PKCS7) == 0 ||
           strcmp(name, PEM_STRING_PKCS7_SIGNED) == 0 ||
           strcmp(name, PEM_STRING_CMS) == 0;
}

/* ---- PEM ---- */

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
    bool bag = certs->bags && is_bag_block(name);

    if (!bag && strcmp(name, PEM_STRING_X509) != 0) {
        cm_detail_set(detail, "a block is a %.64s, not a %s", name,
                      PEM_STRING_X509);
        return CM_READ_BROKEN;
    }
    if (header[0] != '\0') {
        cm_detail_set(detail, "block %zu has PEM headers", certs->blocks + 1);
        return CM_READ_BROKEN;
    }
    certs->blocks++;
    return bag ? add_bag(certs, der, (size_t)len, detail)
               : add_der(certs, der, (size_t)len, detail);
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
        cm_detail_set(detail, "PEM block %zu is damaged", certs->blocks + 1);
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
    if (certs->blocks != expected) {
        cm_detail_set(detail, "%zu of %zu PEM blocks are damaged",
                      expected - certs->blocks, expected);
        return CM_READ_BROKEN;
    }
    return CM_READ_OK;
}

/* ---- Any of them ---- */

static enum cm_read
parse(const uint8_t *bytes, size_t len, bool bags, X509 ***out, size_t *count,
      struct cm_detail *detail)
{
    struct certificates certs = {.bags = bags};
    enum cm_read outcome;

    *out = NULL;
    *count = 0;
    if (len > CM_TRUST_MAX_FILE) {
        cm_detail_set(detail, "longer than %d bytes", CM_TRUST_MAX_FILE);
        return CM_READ_BROKEN;
    }
    ERR_clear_error();
    if (len < 2 || bytes[0] != DER_SEQUENCE || bytes[1] < DER_LONG_LENGTH)
        outcome = add_pem(&certs, bytes, len, detail);
    else if (bags && is_bag(bytes, len))
        outcome = add_bag(&certs, bytes, len, detail);
    else
        outcome = add_der(&certs, bytes, len, detail);
    ERR_clear_error();
    if (outcome != CM_READ_OK) {
        cm_certificates_free(certs.list, certs.count);
        return outcome;
    }
    *out = certs.list;
    *count = certs.count;
    return CM_READ_OK;
}

enum cm_read
cm_certificates_parse(const uint8_t *bytes, size_t len, X509 ***out,
                      size_t *count, struct cm_detail *detail)
{
    return parse(bytes, len, false, out, count, detail);
}

static bool
read_bytes(const uint8_t *bytes, size_t len, bool bags, X509 ***out,
           size_t *count, struct cm_detail *detail)
{
    enum cm_read outcome;

    outcome = parse(bytes, len, bags, out, count, detail);
    if (outcome == CM_READ_NO_MEMORY)
        cm_detail_set(detail, "out of memory");
    return outcome == CM_READ_OK;
}

bool
cm_certificates_read(const uint8_t *bytes, size_t len, X509 ***out,
                     size_t *count, struct cm_detail *detail)
{
    return read_bytes(bytes, len, false, out, count, detail);
}

bool
cm_certificates_read_any(const uint8_t *bytes, size_t len, X509 ***out,
                         size_t *count, struct cm_detail *detail)
{
    return read_bytes(bytes, len, true, out, count, detail);
}

static bool
load(const char *path, bool bags, X509 ***out, size_t *count,
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
    ok = read_bytes(bytes, len, bags, out, count, detail);
    free(bytes);
    return ok;
}

bool
cm_certificates_load(const char *path, X509 ***out, size_t *count,
                     struct cm_detail *detail)
{
    return load(path, false, out, count, detail);
}

bool
cm_certificates_load_any(const char *path, X509 ***out, size_t *count,
                         struct cm_detail *detail)
{
    return load(path, true, out, count, detail);
}

void
cm_certificates_free(X509 **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        X509_free(list[i]);
    free(list);
}
