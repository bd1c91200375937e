#include "ldap_connection.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is the open file a secret of ours? */
static bool
is_private(int fd, const char *path, struct cm_detail *detail)
{
    struct stat about;

    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        cm_detail_set(detail, "password_file %s: not a regular file", path);
        return false;
    }
    if (about.st_uid != 0 && about.st_uid != geteuid()) {
        cm_detail_set(detail,
                      "password_file %s: must belong to root or to the user "
                      "that runs this",
                      path);
        return false;
    }
    if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        cm_detail_set(detail,
                      "password_file %s: group and others have access; allow "
                      "mode 0600 at most",
                      path);
        return false;
    }
    return true;
}

/* Up to size bytes; -1: error. */
static ssize_t
read_some(int fd, char *out, size_t size)
{
    size_t have = 0;
    ssize_t n;

    do {
        n = read(fd, out + have, size - have);
        if (n > 0)
            have += (size_t)n;
    } while (have < size && (n > 0 || (n < 0 && errno == EINTR)));
    return n < 0 ? -1 : (ssize_t)have;
}

/* One line, with or without its end.  NUL-terminates it. */
static bool
cut_line(char *text, size_t len)
{
    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (len == 0 || len > CM_LDAP_MAX_SECRET ||
        memchr(text, '\n', len) != NULL || memchr(text, '\0', len) != NULL)
        return false;
    text[len] = '\0';
    return true;
}

bool
cm_ldap_read_secret(const char *path, char *out, struct cm_detail *detail)
{
    /* A FIFO must not hold us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t len;
    bool ok;

    if (fd < 0) {
        cm_detail_set(detail, "password_file %s: %s", path, strerror(errno));
        return false;
    }
    ok = is_private(fd, path, detail);
    if (ok) {
        len = read_some(fd, out, CM_LDAP_MAX_SECRET + 1);
        ok = len >= 0 && cut_line(out, (size_t)len);
        if (!ok) {
            explicit_bzero(out, CM_LDAP_MAX_SECRET + 1);
            cm_detail_set(detail,
                          "password_file %s: must hold one line of 1 to %d "
                          "bytes",
                          path, CM_LDAP_MAX_SECRET);
        }
    }
    (void)close(fd);
    return ok;
}
