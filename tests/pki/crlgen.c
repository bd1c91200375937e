#include "crlgen.h"

#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>

#include "derasm.h"

enum { HEADER_BYTES = 6, MAX_SIGNATURE = 1024, SHORT_LENGTH = 0x80 };

#define SHA256_ALGORITHM "30( 06:608648016503040201 05: )"
#define PSS_ALGORITHM                                                         \
    "30( 06:2a864886f70d01010a 30( a0(" SHA256_ALGORITHM                      \
    ") a1( 30( 06:2a864886f70d010108 " SHA256_ALGORITHM " ) )"                \
    " a2( 02:20 ) ) )"

struct bytes {
    uint8_t *data;
    size_t len, capacity;
};

static void
require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "crlgen: %s\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

static void
append(struct bytes *bytes, const void *data, size_t len)
{
    size_t needed = bytes->len + len + 1;
    uint8_t *grown = bytes->data;

    if (grown == NULL || needed > bytes->capacity) {
        grown = realloc(bytes->data, 2 * needed);
        if (grown == NULL)
            abort();
        bytes->data = grown;
        bytes->capacity = 2 * needed;
    }
    if (len > 0)
        memcpy(grown + bytes->len, data, len);
    bytes->len += len;
}

/* Identifier and length. */
static size_t
put_header(uint8_t *out, uint8_t tag, size_t len)
{
    unsigned octets = 0;

    out[0] = tag;
    if (len < SHORT_LENGTH) {
        out[1] = (uint8_t)len;
        return 2;
    }
    while (len >> 8 * octets != 0)
        octets++;
    require(octets + 2 <= HEADER_BYTES, "element too long");
    out[1] = (uint8_t)(SHORT_LENGTH | octets);
    for (unsigned i = 0; i < octets; i++)
        out[2 + i] = (uint8_t)(len >> 8 * (octets - 1 - i));
    return 2 + octets;
}

/* Appends an element around its content. */
static void
append_element(struct bytes *bytes, uint8_t tag, const struct bytes *content)
{
    uint8_t header[HEADER_BYTES];

    append(bytes, header, put_header(header, tag, content->len));
    append(bytes, content->data, content->len);
}

static void
append_text(struct bytes *out, const char *text)
{
    size_t len;
    uint8_t *bytes = da_bytes(text, &len);

    append(out, bytes, len);
    free(bytes);
}

static const EVP_MD *
digest_of(const struct crlgen_spec *spec)
{
    if (EVP_PKEY_is_a(spec->key, "ED25519"))
        return NULL;
    return spec->digest != NULL ? spec->digest : EVP_sha256();
}

static void
append_right_algorithm(struct bytes *out, const struct crlgen_spec *spec)
{
    bool rsa = EVP_PKEY_is_a(spec->key, "RSA");
    X509_ALGOR *algorithm = X509_ALGOR_new();
    int nid = EVP_PKEY_get_base_id(spec->key), len;
    uint8_t *der = NULL;

    if (spec->pss) {
        append_text(out, PSS_ALGORITHM);
        X509_ALGOR_free(algorithm);
        return;
    }
    if (digest_of(spec) != NULL)
        require(OBJ_find_sigid_by_algs(&nid, EVP_MD_get_type(digest_of(spec)),
                                       nid) == 1,
                "signature algorithm");
    require(algorithm != NULL &&
                X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid),
                                rsa ? V_ASN1_NULL : V_ASN1_UNDEF, NULL) == 1,
            "signature algorithm");
    len = i2d_X509_ALGOR(algorithm, &der);
    require(len > 0, "signature algorithm");
    append(out, der, (size_t)len);
    OPENSSL_free(der);
    X509_ALGOR_free(algorithm);
}

static void
append_inner_algorithm(struct bytes *out, const struct crlgen_spec *spec)
{
    if (spec->algorithm != NULL)
        append_text(out, spec->algorithm);
    else
        append_right_algorithm(out, spec);
}

static void
append_or(struct bytes *out, const char *text, const char *otherwise)
{
    append_text(out, text != NULL ? text : otherwise);
}

static void
append_issuer(struct bytes *out, const struct crlgen_spec *spec)
{
    const uint8_t *der = NULL;
    size_t len = 0;

    if (spec->issuer_der != NULL) {
        append_text(out, spec->issuer_der);
        return;
    }
    require(X509_NAME_get0_der(spec->issuer, &der, &len) == 1, "issuer");
    append(out, der, len);
}

/* Hands out the entries, piece by piece. */
static void
each_entry(const struct crlgen_spec *spec,
           void (*take)(void *context, const uint8_t *bytes, size_t len),
           void *context)
{
    uint8_t entry[CRLGEN_MAX_ENTRY];
    struct bytes text = {NULL, 0, 0};

    if (spec->entries != NULL) {
        append_text(&text, spec->entries);
        take(context, text.data, text.len);
        free(text.data);
    }
    for (size_t i = 0; i < spec->count; i++)
        take(context, entry, spec->entry(spec->context, i, entry));
}

static void
take_length(void *context, const uint8_t *bytes, size_t len)
{
    size_t *total = context;

    (void)bytes;
    *total += len;
}

/* The tbsCertList but for the entries. */
struct frame {
    struct bytes head; /* with all headers */
    struct bytes tail;
};

static void
make_tail(const struct crlgen_spec *spec, struct bytes *out)
{
    struct bytes list = {NULL, 0, 0}, sequence = {NULL, 0, 0};

    if (spec->extensions != NULL) {
        append_text(&list, spec->extensions);
        append_element(&sequence, 0x30, &list);
        append_element(out, 0xa0, &sequence);
    }
    if (spec->before_end != NULL)
        append_text(out, spec->before_end);
    append(out, "", 0);
    free(list.data);
    free(sequence.data);
}

static void
make_frame(const struct crlgen_spec *spec, struct frame *frame)
{
    bool has_list = spec->entries != NULL || spec->count > 0;
    struct bytes fields = {NULL, 0, 0};
    uint8_t header[HEADER_BYTES];
    size_t entries = 0;

    memset(frame, 0, sizeof(*frame));
    make_tail(spec, &frame->tail);
    each_entry(spec, take_length, &entries);
    append_or(&fields, spec->version, "02:01");
    append_inner_algorithm(&fields, spec);
    append_issuer(&fields, spec);
    append_or(&fields, spec->this_update, "17'260101000000Z'");
    append_or(&fields, spec->next_update, "17'360101000000Z'");
    if (has_list)
        append(&fields, header, put_header(header, 0x30, entries));
    append(&frame->head, header,
           put_header(header, 0x30, fields.len + entries + frame->tail.len));
    append(&frame->head, fields.data, fields.len);
    free(fields.data);
}

/* Signs what it is fed. */
struct signer {
    EVP_MD_CTX *ctx;
    bool whole;
    struct bytes message;
};

static void
take_signed(void *context, const uint8_t *bytes, size_t len)
{
    struct signer *signer = context;

    if (signer->whole)
        append(&signer->message, bytes, len);
    else
        require(EVP_DigestSignUpdate(signer->ctx, bytes, len) == 1, "sign");
}

static void
start_signer(const struct crlgen_spec *spec, struct signer *signer)
{
    EVP_PKEY_CTX *ctx = NULL;

    memset(signer, 0, sizeof(*signer));
    signer->whole = digest_of(spec) == NULL;
    signer->ctx = EVP_MD_CTX_new();
    require(signer->ctx != NULL &&
                EVP_DigestSignInit(signer->ctx, &ctx, digest_of(spec), NULL,
                                   spec->key) == 1,
            "signing key");
    if (spec->pss)
        require(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
                    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 32) > 0,
                "RSASSA-PSS");
}

static size_t
finish_signer(struct signer *signer, uint8_t out[MAX_SIGNATURE])
{
    size_t len = MAX_SIGNATURE;
    int done;

    if (signer->whole)
        done = EVP_DigestSign(signer->ctx, out, &len, signer->message.data,
                              signer->message.len);
    else
        done = EVP_DigestSignFinal(signer->ctx, out, &len);
    require(done == 1, "signature");
    EVP_MD_CTX_free(signer->ctx);
    free(signer->message.data);
    return len;
}

static void
append_signature(const struct crlgen_spec *spec, const struct frame *frame,
                 struct bytes *out)
{
    struct bytes content = {NULL, 0, 0};
    uint8_t value[MAX_SIGNATURE];
    struct signer signer;
    size_t len;

    if (spec->signature != NULL) {
        append_text(out, spec->signature);
        return;
    }
    start_signer(spec, &signer);
    take_signed(&signer, frame->head.data, frame->head.len);
    each_entry(spec, take_signed, &signer);
    take_signed(&signer, frame->tail.data, frame->tail.len);
    len = finish_signer(&signer, value);
    append(&content, "", 1);
    append(&content, value, len);
    append_element(out, 0x03, &content);
    free(content.data);
}

static void
take_written(void *context, const uint8_t *bytes, size_t len)
{
    FILE *out = context;

    require(len == 0 || fwrite(bytes, 1, len, out) == len, "writing");
}

void
crlgen_write(const struct crlgen_spec *spec, FILE *out)
{
    struct bytes end = {NULL, 0, 0};
    uint8_t header[HEADER_BYTES];
    struct frame frame;
    size_t entries = 0;

    make_frame(spec, &frame);
    if (spec->outer_algorithm != NULL)
        append_text(&end, spec->outer_algorithm);
    else
        append_inner_algorithm(&end, spec);
    append_signature(spec, &frame, &end);
    each_entry(spec, take_length, &entries);
    take_written(
        out, header,
        put_header(header, 0x30,
                   frame.head.len + entries + frame.tail.len + end.len));
    take_written(out, frame.head.data, frame.head.len);
    each_entry(spec, take_written, out);
    take_written(out, frame.tail.data, frame.tail.len);
    if (spec->after_end != NULL)
        append_text(&end, spec->after_end);
    take_written(out, end.data, end.len);
    require(fflush(out) == 0, "writing");
    free(frame.head.data);
    free(frame.tail.data);
    free(end.data);
}

uint8_t *
crlgen_make(const struct crlgen_spec *spec, size_t *len)
{
    char *bytes = NULL;
    FILE *out = open_memstream(&bytes, len);

    require(out != NULL, "memory");
    crlgen_write(spec, out);
    fclose(out);
    return (uint8_t *)bytes;
}

/* A file without a name, as a stream and as a descriptor of its own. */
static int
unlinked(FILE **out)
{
    FILE *file = tmpfile();
    int fd;

    require(file != NULL, "temporary file");
    *out = file;
    fd = fcntl(fileno(file), F_DUPFD_CLOEXEC, 0);
    require(fd >= 0, "temporary file");
    return fd;
}

int
crlgen_file(const struct crlgen_spec *spec)
{
    FILE *out;
    int fd = unlinked(&out);

    crlgen_write(spec, out);
    fclose(out);
    return fd;
}

int
crlgen_bytes_file(const uint8_t *bytes, size_t len)
{
    FILE *out;
    int fd = unlinked(&out);

    require(len == 0 || fwrite(bytes, 1, len, out) == len, "writing");
    require(fclose(out) == 0, "writing");
    return fd;
}

size_t
crlgen_entry(const uint8_t *serial, size_t len, int reason,
             uint8_t out[CRLGEN_MAX_ENTRY])
{
    static const uint8_t date[] = "\x17\x0d"
                                  "260101000000Z";
    uint8_t extension[] = {0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55,
                           0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01, 0};
    size_t body = 2 + len + sizeof(date) - 1, at;

    require(len <= CRLGEN_SERIAL, "serial number too long");
    if (reason >= 0)
        body += sizeof(extension);
    at = put_header(out, 0x30, body);
    at += put_header(out + at, 0x02, len);
    memcpy(out + at, serial, len);
    at += len;
    memcpy(out + at, date, sizeof(date) - 1);
    at += sizeof(date) - 1;
    if (reason >= 0) {
        extension[sizeof(extension) - 1] = (uint8_t)reason;
        memcpy(out + at, extension, sizeof(extension));
        at += sizeof(extension);
    }
    return at;
}

/* Can be undone, so that no two numbers give the same. */
static uint64_t
scatter(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

void
crlgen_serial(size_t i, size_t len, uint8_t out[CRLGEN_SERIAL])
{
    uint64_t value = scatter(i + 1);

    out[0] = (uint8_t)(1 + scatter(value) % 0x7f);
    for (size_t at = 1; at < len; at++) {
        if (at % 8 == 1 && at > 1)
            value = scatter(value + 1);
        out[at] = (uint8_t)(value >> 8 * ((at - 1) % 8));
    }
}

size_t
crlgen_series_entry(const void *context, size_t i,
                    uint8_t out[CRLGEN_MAX_ENTRY])
{
    const struct crlgen_series *series = context;
    uint8_t serial[CRLGEN_SERIAL];
    int reason = series->reason;

    if (series->mixed)
        reason = 1 + (int)(scatter(i) % 6);
    crlgen_serial(i, series->len, serial);
    return crlgen_entry(serial, series->len, reason, out);
}
