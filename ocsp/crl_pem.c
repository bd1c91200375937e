/*
 * One "X509 CRL" block (RFC 7468) of a text of any size.
 */
#include "crl_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "write_all.h"

enum {
    READ_BYTES = 64 * 1024,
    LINE_BYTES = 1024, /* of a line that are looked at together */
    /* what EVP_DecodeUpdate() may write for a piece: 3 of 4, and a rest */
    DECODED_BYTES = LINE_BYTES + 64
};

static const char any_begin[] = "-----BEGIN ";
static const char our_begin[] = "-----BEGIN X509 CRL-----";
static const char our_end[] = "-----END X509 CRL-----";

enum state { BEFORE, INSIDE, AFTER };

struct decoder {
    int out;
    EVP_ENCODE_CTX *base64;
    enum state state;
    bool padded; /* the base64 said that it ends */
    char line[LINE_BYTES];
    size_t len;
    bool continued; /* line is not the beginning of its line */
    struct cm_detail *detail;
};

static bool
fail(struct decoder *decoder, const char *why)
{
    cm_detail_set(decoder->detail, "%s", why);
    return false;
}

static bool
write_all(struct decoder *decoder, const uint8_t *bytes, size_t len)
{
    return cm_write_all(decoder->out, bytes, len) ||
           fail(decoder, "PEM cannot be decoded to a temporary file");
}

static bool
is_blank(const struct decoder *decoder)
{
    for (size_t i = 0; i < decoder->len; i++) {
        if (strchr(" \t\r", decoder->line[i]) == NULL)
            return false;
    }
    return true;
}

static bool
begins_with(const struct decoder *decoder, const char *text)
{
    return !decoder->continued && decoder->len >= strlen(text) &&
           memcmp(decoder->line, text, strlen(text)) == 0;
}

/* The line is this text and blanks. */
static bool
is_line(const struct decoder *decoder, const char *text)
{
    size_t len = decoder->len;

    while (len > 0 && strchr(" \t\r", decoder->line[len - 1]) != NULL)
        len--;
    return !decoder->continued && len == strlen(text) &&
           memcmp(decoder->line, text, len) == 0;
}

static bool
decode_piece(struct decoder *decoder)
{
    uint8_t bytes[DECODED_BYTES];
    int written = 0, outcome;

    if (is_blank(decoder))
        return true;
    outcome =
        EVP_DecodeUpdate(decoder->base64, bytes, &written,
                         (const uint8_t *)decoder->line, (int)decoder->len);
    /* Nothing comes after padding; '-' would end the text for libcrypto. */
    if (decoder->padded || outcome < 0 ||
        memchr(decoder->line, '-', decoder->len) != NULL)
        return fail(decoder, "PEM is not base64");
    decoder->padded = outcome == 0;
    return write_all(decoder, bytes, (size_t)written);
}

static bool
end_block(struct decoder *decoder)
{
    uint8_t bytes[DECODED_BYTES];
    int written = 0;

    if (EVP_DecodeFinal(decoder->base64, bytes, &written) != 1)
        return fail(decoder, "PEM is not base64");
    decoder->state = AFTER;
    return write_all(decoder, bytes, (size_t)written);
}

/* One line, or as much of a long one as is looked at together. */
static bool
take_line(struct decoder *decoder)
{
    switch (decoder->state) {
    case BEFORE:
        if (is_line(decoder, our_begin))
            decoder->state = INSIDE;
        else if (begins_with(decoder, any_begin))
            return fail(decoder, "a PEM block that is not an X509 CRL");
        return true;
    case INSIDE:
        if (is_line(decoder, our_end))
            return end_block(decoder);
        return decode_piece(decoder);
    case AFTER:
        if (begins_with(decoder, any_begin))
            return fail(decoder, "more than one PEM block");
        return true;
    }
    return false;
}

static bool
take_bytes(struct decoder *decoder, const char *bytes, size_t len)
{
    bool ends;

    for (size_t i = 0; i < len; i++) {
        ends = bytes[i] == '\n';
        if (!ends)
            decoder->line[decoder->len++] = bytes[i];
        if (!ends && decoder->len < LINE_BYTES)
            continue;
        if (!take_line(decoder))
            return false;
        decoder->len = 0;
        decoder->continued = !ends;
    }
    return true;
}

static bool
decode_text(struct decoder *decoder, int fd, uint64_t size, char *buffer)
{
    uint64_t offset = 0;
    ssize_t n;

    while (offset < size) {
        n = pread(fd, buffer, READ_BYTES, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(decoder, "CRL cannot be read");
        if (!take_bytes(decoder, buffer, (size_t)n))
            return false;
        offset += (uint64_t)n;
    }
    if (decoder->len > 0 && !take_line(decoder))
        return false;
    switch (decoder->state) {
    case BEFORE:
        return fail(decoder, "neither DER nor an X509 CRL in PEM");
    case INSIDE:
        return fail(decoder, "PEM block without end");
    case AFTER:
        return true;
    }
    return false;
}

int
cm_crl_decode_pem(int fd, uint64_t size, struct cm_detail *detail)
{
    struct decoder decoder = {.detail = detail, .state = BEFORE};
    char *buffer = malloc(READ_BYTES);
    bool ok;

    cm_detail_set(detail, "out of memory");
    decoder.base64 = EVP_ENCODE_CTX_new();
    decoder.out = cm_crl_temporary();
    if (decoder.out < 0)
        cm_detail_set(detail, "temporary file: %s", strerror(errno));
    ok = buffer != NULL && decoder.base64 != NULL && decoder.out >= 0;
    if (ok) {
        EVP_DecodeInit(decoder.base64);
        ok = decode_text(&decoder, fd, size, buffer);
    }
    if (!ok && decoder.out >= 0) {
        close(decoder.out);
        decoder.out = -1;
    }
    EVP_ENCODE_CTX_free(decoder.base64);
    free(buffer);
    return ok ? decoder.out : -1;
}
