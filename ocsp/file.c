#include "certificates.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trust.h"

void
cm_file_stamp_set(struct cm_file_stamp *stamp, const struct stat *st)
{
    stamp->device = st->st_dev;
    stamp->inode = st->st_ino;
    stamp->size = st->st_size;
    stamp->modified = st->st_mtim;
    stamp->changed = st->st_ctim;
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool
cm_file_stamp_equal(const struct cm_file_stamp *a,
                    const struct cm_file_stamp *b)
{
    return a->device == b->device && a->inode == b->inode &&
           a->size == b->size && same_time(&a->modified, &b->modified) &&
           same_time(&a->changed, &b->changed);
}

/* Reads up to capacity bytes.  False: errno says why. */
static bool
read_bytes(int fd, uint8_t *bytes, size_t capacity, size_t *len)
{
    ssize_t n;

    *len = 0;
    while (*len < capacity) {
        n = read(fd, bytes + *len, capacity - *len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            break;
        *len += (size_t)n;
    }
    return true;
}

static enum cm_read
check_kind(const struct stat *st, size_t max, struct cm_detail *detail)
{
    if (!S_ISREG(st->st_mode)) {
        cm_detail_set(detail, "not a regular file");
        return CM_READ_NONE;
    }
    if ((uintmax_t)st->st_size > max) {
        cm_detail_set(detail, "longer than %zu bytes", max);
        return CM_READ_BROKEN;
    }
    return CM_READ_OK;
}

/* Reads size bytes; notices if the file is longer, shorter or altered. */
static enum cm_read
read_steadily(int fd, const struct cm_file_stamp *before, uint8_t *buffer,
              size_t size, struct cm_detail *detail)
{
    struct cm_file_stamp after;
    struct stat st;
    size_t len;

    if (!read_bytes(fd, buffer, size + 1, &len) || fstat(fd, &st) != 0) {
        cm_detail_set(detail, "%s", strerror(errno));
        return CM_READ_BROKEN;
    }
    cm_file_stamp_set(&after, &st);
    if (len != size || !cm_file_stamp_equal(before, &after)) {
        cm_detail_set(detail, "changed while it was read");
        return CM_READ_BROKEN;
    }
    return CM_READ_OK;
}

enum cm_read
cm_file_read_open(int fd, size_t max, struct cm_file_stamp *stamp,
                  uint8_t **bytes, size_t *len, struct cm_detail *detail)
{
    enum cm_read outcome;
    uint8_t *buffer;
    struct stat st;
    size_t size;

    *bytes = NULL;
    *len = 0;
    if (fstat(fd, &st) != 0) {
        cm_detail_set(detail, "%s", strerror(errno));
        return CM_READ_BROKEN;
    }
    outcome = check_kind(&st, max, detail);
    if (outcome != CM_READ_OK)
        return outcome;
    size = (size_t)st.st_size;
    buffer = malloc(size + 1);
    if (buffer == NULL)
        return CM_READ_NO_MEMORY;
    cm_file_stamp_set(stamp, &st);
    outcome = read_steadily(fd, stamp, buffer, size, detail);
    if (outcome != CM_READ_OK) {
        free(buffer);
        return outcome;
    }
    buffer[size] = '\0';
    *bytes = buffer;
    *len = size;
    return CM_READ_OK;
}

enum cm_read
cm_file_read(int directory, const char *name, struct cm_file_stamp *stamp,
             uint8_t **bytes, size_t *len, struct cm_detail *detail)
{
    enum cm_read outcome;
    int fd, error;

    *bytes = NULL;
    *len = 0;
    memset(stamp, 0, sizeof(*stamp));
    /* O_NONBLOCK: opening a FIFO must not wait for its writer. */
    fd = openat(directory, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        error = errno;
        cm_detail_set(detail, "%s", strerror(error));
        return error == ENOENT || error == ENOTDIR || error == ELOOP
                   ? CM_READ_NONE
                   : CM_READ_BROKEN;
    }
    outcome =
        cm_file_read_open(fd, CM_TRUST_MAX_FILE, stamp, bytes, len, detail);
    close(fd);
    return outcome;
}
