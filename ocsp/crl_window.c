#include "crl_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool
cm_crl_window_start(struct cm_crl_window *window)
{
    window->offset = 0;
    window->filled = window->at = window->digested = 0;
    window->signed_from = window->signed_to = 0;
    window->failed = false;
    EVP_MD_CTX_free(window->message);
    window->message = NULL;
    free(window->copy);
    window->copy = NULL;
    if (window->buffer == NULL)
        window->buffer = malloc(CM_CRL_WINDOW);
    if (window->whole == NULL)
        window->whole = EVP_MD_CTX_new();
    return window->buffer != NULL && window->whole != NULL &&
           EVP_DigestInit_ex(window->whole, EVP_sha256(), NULL) == 1;
}

void
cm_crl_window_clear(struct cm_crl_window *window)
{
    free(window->buffer);
    free(window->copy);
    EVP_MD_CTX_free(window->whole);
    EVP_MD_CTX_free(window->message);
    memset(window, 0, sizeof(*window));
}

uint64_t
cm_crl_window_at(const struct cm_crl_window *window)
{
    return window->offset + window->at;
}

uint64_t
cm_crl_window_left(const struct cm_crl_window *window)
{
    return window->size - cm_crl_window_at(window);
}

/* Hands the part of some passed bytes that is signed to its digest. */
static void
digest_signed(struct cm_crl_window *window, uint64_t from, uint64_t to)
{
    const uint8_t *bytes;

    if (from < window->signed_from)
        from = window->signed_from;
    if (to > window->signed_to)
        to = window->signed_to;
    if (from >= to)
        return;
    bytes = window->buffer + (from - window->offset);
    if (window->message != NULL &&
        EVP_DigestUpdate(window->message, bytes, (size_t)(to - from)) != 1)
        window->failed = true;
    if (window->copy != NULL)
        memcpy(window->copy + (from - window->signed_from), bytes,
               (size_t)(to - from));
}

/* The digests see bytes when they have been parsed, in large pieces. */
static void
digest_passed(struct cm_crl_window *window)
{
    uint64_t from = window->offset + window->digested;

    if (EVP_DigestUpdate(window->whole, window->buffer + window->digested,
                         window->at - window->digested) != 1)
        window->failed = true;
    digest_signed(window, from, cm_crl_window_at(window));
    window->digested = window->at;
}

/* Moves the window so that it begins with the next byte, and fills it. */
static bool
refill(struct cm_crl_window *window, struct cm_detail *detail)
{
    ssize_t n;
    size_t wanted;

    digest_passed(window);
    memmove(window->buffer, window->buffer + window->at,
            window->filled - window->at);
    window->offset += window->at;
    window->filled -= window->at;
    window->at = window->digested = 0;
    wanted = CM_CRL_WINDOW;
    if (wanted > window->size - window->offset)
        wanted = (size_t)(window->size - window->offset);
    while (window->filled < wanted) {
        n = pread(window->fd, window->buffer + window->filled,
                  wanted - window->filled,
                  (off_t)(window->offset + window->filled));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            cm_detail_set(detail, "CRL cannot be read: %s",
                          n < 0 ? strerror(errno) : "the file was cut");
            return false;
        }
        window->filled += (size_t)n;
    }
    return true;
}

const uint8_t *
cm_crl_window_peek(struct cm_crl_window *window, size_t len,
                   struct cm_detail *detail)
{
    if (window->filled - window->at < len && !refill(window, detail))
        return NULL;
    return window->buffer + window->at;
}

void
cm_crl_window_skip(struct cm_crl_window *window, size_t len)
{
    window->at += len;
}

bool
cm_crl_window_sign(struct cm_crl_window *window, uint64_t from, uint64_t to,
                   const EVP_MD *digest, bool copy)
{
    window->signed_from = from;
    window->signed_to = to;
    if (digest != NULL) {
        window->message = EVP_MD_CTX_new();
        if (window->message == NULL ||
            EVP_DigestInit_ex(window->message, digest, NULL) != 1)
            return false;
    }
    if (copy) {
        window->copy = malloc((size_t)(to - from));
        if (window->copy == NULL)
            return false;
    }
    return true;
}

bool
cm_crl_window_finish(struct cm_crl_window *window, uint8_t whole[32],
                     uint8_t message[EVP_MAX_MD_SIZE], size_t *len)
{
    unsigned written = 0;

    digest_passed(window);
    if (window->failed ||
        EVP_DigestFinal_ex(window->whole, whole, NULL) != 1 ||
        (window->message != NULL &&
         EVP_DigestFinal_ex(window->message, message, &written) != 1))
        return false;
    *len = written;
    return true;
}

int
cm_crl_temporary(void)
{
    char name[] = P_tmpdir "/certmap-XXXXXX";
    int fd = open(P_tmpdir, O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);

    if (fd >= 0)
        return fd;
    /* Not every file system knows files without a name. */
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        unlink(name);
    return fd;
}
