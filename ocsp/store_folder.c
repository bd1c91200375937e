#include "store_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "text.h"
#include "trusted.h"

bool
cm_store_is_safe(const struct stat *st, struct cm_detail *detail)
{
    if (st->st_uid != 0 && st->st_uid != geteuid()) {
        cm_detail_set(detail, "belongs to user %lu: must be root",
                      (unsigned long)st->st_uid);
        return false;
    }
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        cm_detail_set(detail, "others than its owner may write to it");
        return false;
    }
    return true;
}

/* What errno says after a file or folder could not be opened. */
static enum cm_store_file
not_opened(int error, struct cm_detail *detail)
{
    if (error == ELOOP)
        cm_detail_set(detail, "a symbolic link");
    else
        cm_detail_set(detail, "%s", strerror(error));
    return error == ENOENT ? CM_STORE_FILE_MISSING : CM_STORE_FILE_REFUSED;
}

/* One folder, without a way to it. */
static enum cm_store_file
open_one_folder(int below, const char *name, int *out,
                struct cm_detail *detail)
{
    struct stat st;
    bool safe;
    int fd;

    fd = openat(below, name,
                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return not_opened(errno, detail);
    safe = fstat(fd, &st) == 0;
    if (!safe)
        cm_detail_set(detail, "%s", strerror(errno));
    safe = safe && cm_store_is_safe(&st, detail);
    if (!safe) {
        close(fd);
        return CM_STORE_FILE_REFUSED;
    }
    *out = fd;
    return CM_STORE_FILE_READ;
}

enum cm_store_file
cm_store_open_root(const char *path, int *fd, struct cm_detail *detail)
{
    size_t len = strlen(path);
    enum cm_store_file outcome;
    char *bare;

    *fd = -1;
    /* A slash at the end would follow a link. */
    while (len > 1 && path[len - 1] == '/')
        len--;
    bare = strndup(path, len);
    if (bare == NULL)
        return not_opened(ENOMEM, detail);
    outcome = open_one_folder(AT_FDCWD, bare, fd, detail);
    free(bare);
    return outcome;
}

/* Opens the folder of a name's last part, *last.  *fd is a descriptor of its
 * own unless it is `below`. */
static enum cm_store_file
open_way(int below, const char *name, int *fd, const char **last,
         struct cm_detail *detail)
{
    enum cm_store_file outcome = CM_STORE_FILE_READ;
    char part[NAME_MAX + 1];
    const char *slash;
    int at = below, next;

    while (outcome == CM_STORE_FILE_READ &&
           (slash = strchr(name, '/')) != NULL) {
        if (name[0] == '.' || name[0] == '/')
            outcome = not_opened(EINVAL, detail);
        else if ((size_t)(slash - name) >= sizeof(part))
            outcome = not_opened(ENAMETOOLONG, detail);
        if (outcome == CM_STORE_FILE_READ) {
            snprintf(part, sizeof(part), "%.*s", (int)(slash - name), name);
            outcome = open_one_folder(at, part, &next, detail);
        }
        if (at != below)
            close(at);
        at = below;
        if (outcome == CM_STORE_FILE_READ)
            at = next;
        name = slash + 1;
    }
    *fd = at;
    *last = name;
    return outcome;
}

enum cm_store_file
cm_store_open_folder(int below, const char *name, int *fd,
                     struct cm_detail *detail)
{
    enum cm_store_file outcome;
    const char *last;
    int at;

    *fd = -1;
    outcome = open_way(below, name, &at, &last, detail);
    if (outcome == CM_STORE_FILE_READ)
        outcome = open_one_folder(at, last, fd, detail);
    if (at != below)
        close(at);
    return outcome;
}

static enum cm_store_file
check_file(int fd, size_t max, struct stat *st, struct cm_detail *detail)
{
    if (fstat(fd, st) != 0)
        return not_opened(errno, detail);
    if (!S_ISREG(st->st_mode)) {
        cm_detail_set(detail, "not a regular file");
        return CM_STORE_FILE_REFUSED;
    }
    if (!cm_store_is_safe(st, detail))
        return CM_STORE_FILE_REFUSED;
    if ((uintmax_t)st->st_size > max) {
        cm_detail_set(detail, "longer than %zu bytes", max);
        return CM_STORE_FILE_REFUSED;
    }
    return CM_STORE_FILE_READ;
}

enum cm_store_file
cm_store_open_file(int below, const char *name, size_t max, int *fd,
                   struct stat *st, struct cm_detail *detail)
{
    enum cm_store_file outcome;
    struct stat own;
    const char *last;
    int at, file = -1;

    *fd = -1;
    outcome = open_way(below, name, &at, &last, detail);
    if (outcome == CM_STORE_FILE_READ) {
        /* O_NONBLOCK: opening a FIFO must not wait for its writer. */
        file =
            openat(at, last,
                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (file < 0)
            outcome = not_opened(errno, detail);
    }
    if (at != below)
        close(at);
    if (file < 0)
        return outcome;
    outcome = check_file(file, max, st != NULL ? st : &own, detail);
    if (outcome == CM_STORE_FILE_READ)
        *fd = file;
    else
        close(file);
    return outcome;
}

enum cm_store_file
cm_store_slurp(int below, const char *name, size_t max, uint8_t **data,
               size_t *len, struct cm_detail *detail)
{
    struct cm_file_stamp stamp;
    enum cm_store_file outcome;
    enum cm_read read;
    int fd;

    *data = NULL;
    *len = 0;
    outcome = cm_store_open_file(below, name, max, &fd, NULL, detail);
    if (outcome != CM_STORE_FILE_READ)
        return outcome;
    read = cm_file_read_open(fd, max, &stamp, data, len, detail);
    close(fd);
    if (read == CM_READ_NO_MEMORY)
        cm_detail_set(detail, "out of memory");
    return read == CM_READ_OK ? CM_STORE_FILE_READ : CM_STORE_FILE_REFUSED;
}

static bool
list_stream(DIR *stream, bool (*visit)(void *context, const char *name),
            void *context, struct cm_detail *detail)
{
    struct dirent *entry;
    size_t count = 0;

    for (;;) {
        errno = 0;
        entry = readdir(stream);
        if (entry == NULL && errno != 0)
            cm_detail_set(detail, "%s", strerror(errno));
        if (entry == NULL)
            return errno == 0;
        if (++count > CM_STORE_MAX_LISTED) {
            cm_detail_set(detail, "more than %d files", CM_STORE_MAX_LISTED);
            return false;
        }
        if (entry->d_name[0] != '.' && !visit(context, entry->d_name))
            return false;
    }
}

bool
cm_store_list(int folder, bool (*visit)(void *context, const char *name),
              void *context, struct cm_detail *detail)
{
    DIR *stream;
    bool ok;
    int fd;

    /* A descriptor of its own, which starts at the first entry. */
    fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    stream = fd < 0 ? NULL : fdopendir(fd);
    if (stream == NULL) {
        cm_detail_set(detail, "%s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    ok = list_stream(stream, visit, context, detail);
    closedir(stream);
    return ok;
}

void
cm_store_drop_drafts(int folder, int64_t before)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    struct stat st;

    if (stream == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((entry = readdir(stream)) != NULL) {
        if (strncmp(entry->d_name, CM_STORE_DRAFT_PREFIX,
                    sizeof(CM_STORE_DRAFT_PREFIX) - 1) == 0 &&
            fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            st.st_mtim.tv_sec < before)
            unlinkat(folder, entry->d_name, 0);
    }
    closedir(stream);
}

void
cm_store_hex(const uint8_t digest[32], char out[CM_STORE_KEY_TEXT])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < 32; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[64] = '\0';
}

bool
cm_store_unhex(const char *name, const char *suffix, uint8_t out[32])
{
    char text[CM_STORE_KEY_TEXT];
    size_t len = strlen(name);

    if (len != 64 + strlen(suffix) || strcmp(name + 64, suffix) != 0 ||
        !cm_hex_decode(name, 64, out, 32, &len))
        return false;
    /* Lower case only: one key, one name. */
    cm_store_hex(out, text);
    return strncmp(name, text, 64) == 0;
}

bool
cm_store_ocsp_name(X509 *cert, X509 *issuer, char out[CM_STORE_MAX_PATH])
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    uint8_t *der = NULL, spki[32], key[32];
    char text[CM_STORE_KEY_TEXT];
    EVP_MD_CTX *digest;
    bool ok;
    int len;

    /* The content octets are what follows identifier and length: serial
     * numbers are short, so that the length is one octet. */
    len = i2d_ASN1_INTEGER(serial, &der);
    digest = EVP_MD_CTX_new();
    ok = len > 2 && der[1] < 0x80 && digest != NULL &&
         cm_trusted_spki(issuer, spki) &&
         EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
         EVP_DigestUpdate(digest, spki, sizeof(spki)) == 1 &&
         EVP_DigestUpdate(digest, der + 2, (size_t)len - 2) == 1 &&
         EVP_DigestFinal_ex(digest, key, NULL) == 1;
    EVP_MD_CTX_free(digest);
    OPENSSL_free(der);
    if (!ok)
        return false;
    cm_store_hex(key, text);
    snprintf(out, CM_STORE_MAX_PATH, "ocsp/%.2s/%s.ors", text, text);
    return true;
}
