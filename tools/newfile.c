#include "newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "write_all.h"

/* The name is hidden: a folder of certificates passes over such files. */
static const char pattern[] = ".certmap-XXXXXX";

static bool
fail(const char *path, struct cm_detail *detail)
{
    cm_detail_set(detail, "%s: %s", path, strerror(errno));
    return false;
}

/* The folder of a path, which the caller frees. */
static char *
folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static bool
sync_folder(const char *path)
{
    char *folder = folder_of(path);
    int fd =
        folder == NULL ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        (void)close(fd);
    free(folder);
    return ok;
}

/* Owner and mode of what it replaces. */
static bool
dress(int fd, const char *path, mode_t mode)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return errno == ENOENT && fchmod(fd, mode) == 0;
    if ((st.st_uid != geteuid() || st.st_gid != getegid()) &&
        fchown(fd, st.st_uid, st.st_gid) != 0)
        return false;
    return fchmod(fd, st.st_mode & 07777) == 0;
}

static bool
fill(int fd, const char *path, const void *bytes, size_t len, mode_t mode)
{
    bool ok = dress(fd, path, mode) && cm_write_all(fd, bytes, len) &&
              fsync(fd) == 0;
    int error = errno;

    if (close(fd) != 0 && ok)
        return false;
    errno = error;
    return ok;
}

static bool
write_beside(char *name, const char *path, const void *bytes, size_t len,
             mode_t mode)
{
    int fd = mkostemp(name, O_CLOEXEC), error;

    if (fd < 0)
        return false;
    if (fill(fd, path, bytes, len, mode) && rename(name, path) == 0)
        return true;
    error = errno;
    (void)unlink(name);
    errno = error;
    return false;
}

bool
cm_newfile_write(const char *path, const void *bytes, size_t len, mode_t mode,
                 struct cm_detail *detail)
{
    char *real = realpath(path, NULL), *folder, *name = NULL;
    const char *target = real != NULL ? real : path;
    bool ok = true;

    if (real == NULL && errno != ENOENT)
        return fail(path, detail);
    folder = folder_of(target);
    if (folder == NULL || asprintf(&name, "%s/%s", folder, pattern) < 0) {
        name = NULL;
        ok = false;
        errno = ENOMEM;
    }
    ok = ok && write_beside(name, target, bytes, len, mode) &&
         sync_folder(target);
    if (!ok)
        (void)fail(path, detail);
    free(name);
    free(folder);
    free(real);
    return ok;
}

bool
cm_newfile_remove(const char *path, struct cm_detail *detail)
{
    if (unlink(path) != 0)
        return errno == ENOENT || fail(path, detail);
    return sync_folder(path) || fail(path, detail);
}
