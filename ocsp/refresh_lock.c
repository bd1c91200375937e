#include "refresh_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/sha.h>

enum { OFFSET_BYTES = 7 }; /* an offset below 2^56 */

/* A lock tells nobody anything and holds nothing: who owns the file decides
 * only who can hinder whom, and that must be nobody else. */
static bool
is_ours(int fd, struct cm_detail *detail)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        cm_detail_set(detail, "state/flight: %s", strerror(errno));
        return false;
    }
    if (S_ISREG(st.st_mode) && (st.st_uid == 0 || st.st_uid == geteuid()) &&
        (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return true;
    cm_detail_set(detail, "state/flight: not a file of our own");
    return false;
}

bool
cm_refresh_lock_open(const char *store, struct cm_refresh_lock *lock,
                     struct cm_detail *detail)
{
    int root = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    lock->fd = -1;
    if (root >= 0) {
        lock->fd = openat(root, "state/flight",
                          O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
                              O_CLOEXEC | O_NOCTTY,
                          S_IRUSR | S_IWUSR);
    }
    if (lock->fd < 0)
        cm_detail_set(detail, "state/flight: %s", strerror(errno));
    if (root >= 0)
        close(root);
    if (lock->fd >= 0 && !is_ours(lock->fd, detail))
        cm_refresh_lock_close(lock);
    return lock->fd >= 0;
}

void
cm_refresh_lock_close(struct cm_refresh_lock *lock)
{
    if (lock->fd >= 0)
        close(lock->fd);
    lock->fd = -1;
}

/* Locks of the open file, not of the process: a process may hold several
 * handles, and closing one gives back its own only. */
static bool
set(struct cm_refresh_lock *lock, const char *url, short type)
{
    struct flock range = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    uint8_t digest[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)url, strlen(url), digest);
    for (size_t i = 0; i < OFFSET_BYTES; i++)
        range.l_start = range.l_start << 8 | digest[i];
    return fcntl(lock->fd, F_OFD_SETLK, &range) == 0;
}

bool
cm_refresh_lock_try(struct cm_refresh_lock *lock, const char *url)
{
    return set(lock, url, F_WRLCK);
}

void
cm_refresh_lock_give(struct cm_refresh_lock *lock, const char *url)
{
    (void)set(lock, url, F_UNLCK);
}
