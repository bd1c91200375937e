/* An NTAuth list that is kept in files: FILE: or DIR:. */
#include "ntauth_command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "certificates.h"
#include "listing.h"
#include "newfile.h"

enum { FILE_MODE = 0644, DER_SEQUENCE = 0x30 };

static const char pem_begin[] = "-----BEGIN ";
static const char pem_end[] = "-----END ";

struct text {
    uint8_t *bytes;
    size_t len;
};

int
cm_ntauth_files_lock(const struct cm_location *location,
                     struct cm_detail *detail)
{
    const char *slash = strrchr(location->path, '/');
    char *folder =
        location->kind == CM_LOCATION_DIR || slash == NULL
            ? strdup(location->path)
            : strndup(location->path, (size_t)(slash - location->path) + 1);
    int fd = folder == NULL ? -1 : open(folder, O_RDONLY | O_CLOEXEC);

    free(folder);
    if (fd >= 0 && flock(fd, LOCK_EX) == 0)
        return fd;
    cm_detail_set(detail, "%s: %s", location->path, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

/* ---- Reading ---- */

/* One file; path is how it is opened, and where what it holds stands. */
static enum cm_read
read_file(const char *path, struct cm_ntauth_items *out,
          struct cm_detail *detail)
{
    struct cm_file_stamp stamp;
    struct text text = {NULL, 0};
    X509 **list = NULL;
    size_t count = 0;
    enum cm_read read;

    read =
        cm_file_read(AT_FDCWD, path, &stamp, &text.bytes, &text.len, detail);
    if (read == CM_READ_OK)
        read =
            cm_certificates_parse(text.bytes, text.len, &list, &count, detail);
    for (size_t i = 0; read == CM_READ_OK && i < count; i++) {
        if (!cm_ntauth_items_add_x509(out, list[i], path))
            read = CM_READ_NO_MEMORY;
    }
    cm_certificates_free(list, count);
    free(text.bytes);
    return read;
}

static bool
read_folder(const struct cm_location *location,
            const struct cm_source_listing *listing,
            struct cm_ntauth_items *out, struct cm_text_list *warnings)
{
    bool ok = true;

    for (size_t i = 0; ok && i < listing->count; i++) {
        struct cm_detail why = {""};
        char *path = NULL, *text = NULL;

        ok = asprintf(&path, "%s/%s", location->path,
                      listing->files[i].name) >= 0;
        if (!ok)
            break;
        switch (read_file(path, out, &why)) {
        case CM_READ_OK:
            break;
        case CM_READ_NONE:
        case CM_READ_BROKEN:
            ok = asprintf(&text, "%s is left out: %s", path, why.text) >= 0 &&
                 cm_text_list_add(warnings, text);
            free(text);
            break;
        case CM_READ_NO_MEMORY:
            ok = false;
            break;
        }
        free(path);
    }
    return ok;
}

bool
cm_ntauth_files_read(const struct cm_location *location,
                     struct cm_ntauth_items *out,
                     struct cm_text_list *warnings, struct cm_detail *detail)
{
    struct cm_source_listing listing;
    struct cm_detail why = {""};
    enum cm_read read;
    int folder = -1;
    bool ok;

    if (location->kind == CM_LOCATION_FILE) {
        read = read_file(location->path, out, &why);
        /* An empty file is a list, too: of nobody. */
        if (read == CM_READ_OK ||
            (read == CM_READ_NONE && access(location->path, R_OK) == 0))
            return true;
        cm_detail_set(detail, "%s: %s", location->path,
                      read == CM_READ_NO_MEMORY ? "out of memory" : why.text);
        return false;
    }
    if (cm_listing_make(location, &listing, &folder, &why) != CM_READ_OK) {
        cm_detail_set(detail, "%s: %s", location->path, why.text);
        return false;
    }
    (void)close(folder);
    ok = read_folder(location, &listing, out, warnings);
    cm_listing_clear(&listing);
    if (!ok)
        cm_detail_set(detail, "out of memory");
    return ok;
}

/* ---- Text with certificates ---- */

static bool
copy_text(BIO *bio, struct text *out)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);
    uint8_t *bytes = size > 0 ? malloc((size_t)size) : NULL;

    if (bytes == NULL)
        return false;
    memcpy(bytes, data, (size_t)size);
    out->bytes = bytes;
    out->len = (size_t)size;
    return true;
}

static bool
to_pem(const uint8_t *der, size_t len, struct text *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool ok;

    ok = bio != NULL &&
         PEM_write_bio(bio, PEM_STRING_X509, "", der, (long)len) > 0 &&
         copy_text(bio, out);
    BIO_free(bio);
    ERR_clear_error();
    return ok;
}

/* The file as PEM text; a missing one is empty. */
static bool
load_text(const char *path, struct text *out, struct cm_file_stamp *stamp,
          struct cm_detail *detail)
{
    struct cm_detail why = {""};
    struct text der;
    bool ok;

    memset(out, 0, sizeof(*out));
    if (cm_file_read(AT_FDCWD, path, stamp, &out->bytes, &out->len, &why) !=
        CM_READ_OK) {
        if (access(path, F_OK) != 0 && errno == ENOENT)
            return true;
        cm_detail_set(detail, "%s: %s", path, why.text);
        return false;
    }
    if (out->len == 0 || out->bytes[0] != DER_SEQUENCE)
        return true;
    der = *out;
    ok = to_pem(der.bytes, der.len, out);
    free(der.bytes);
    if (!ok)
        cm_detail_set(detail, "out of memory");
    return ok;
}

/* Nobody has written the file since it was read? */
static bool
is_unchanged(const char *path, const struct cm_file_stamp *stamp,
             struct cm_detail *detail)
{
    struct cm_file_stamp now = {.size = 0};
    struct stat st;

    if (stat(path, &st) == 0)
        cm_file_stamp_set(&now, &st);
    if (cm_file_stamp_equal(stamp, &now))
        return true;
    cm_detail_set(detail, "%s was changed meanwhile; look at it again", path);
    return false;
}

static bool
store_text(const char *path, const struct text *text,
           const struct cm_file_stamp *stamp, struct cm_detail *detail)
{
    return is_unchanged(path, stamp, detail) &&
           cm_newfile_write(path, text->bytes, text->len, FILE_MODE, detail);
}

/* ---- Adding ---- */

static bool
append(const struct text *head, const struct text *tail, struct text *out)
{
    bool line = head->len > 0 && head->bytes[head->len - 1] != '\n';
    uint8_t *bytes = malloc(head->len + tail->len + 1);

    if (bytes == NULL)
        return false;
    if (head->len > 0)
        memcpy(bytes, head->bytes, head->len);
    out->len = head->len;
    if (line)
        bytes[out->len++] = '\n';
    memcpy(bytes + out->len, tail->bytes, tail->len);
    out->len += tail->len;
    out->bytes = bytes;
    return true;
}

static bool
append_to_file(const char *path, const struct text *pem,
               struct cm_detail *detail)
{
    struct cm_file_stamp stamp = {.size = 0};
    struct text old, whole = {NULL, 0};
    bool ok = load_text(path, &old, &stamp, detail);

    if (ok && !append(&old, pem, &whole)) {
        cm_detail_set(detail, "out of memory");
        ok = false;
    }
    ok = ok && store_text(path, &whole, &stamp, detail);
    free(whole.bytes);
    free(old.bytes);
    return ok;
}

static bool
write_to_folder(const char *folder, const struct cm_ntauth_item *item,
                const struct text *pem, struct cm_detail *detail)
{
    struct cm_buf path = CM_BUF_INIT;
    bool ok;

    cm_buf_addf(&path, "%s/", folder);
    cm_buf_add_hex(&path, item->sha256, sizeof(item->sha256));
    cm_buf_add_text(&path, ".pem");
    ok = !path.failed;
    if (!ok)
        cm_detail_set(detail, "out of memory");
    else
        ok = cm_newfile_write(path.data, pem->bytes, pem->len, FILE_MODE,
                              detail);
    cm_buf_clear(&path);
    return ok;
}

bool
cm_ntauth_files_add(const struct cm_location *location,
                    const struct cm_ntauth_item *item,
                    struct cm_detail *detail)
{
    struct text pem = {NULL, 0};
    bool ok;

    if (!to_pem(item->der, item->len, &pem)) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    ok = location->kind == CM_LOCATION_DIR
             ? write_to_folder(location->path, item, &pem, detail)
             : append_to_file(location->path, &pem, detail);
    free(pem.bytes);
    return ok;
}

/* ---- Removing ---- */

/* Is the PEM block this certificate and nothing else? */
static bool
is_block_of(const uint8_t *block, size_t len,
            const struct cm_ntauth_item *item)
{
    X509 **list = NULL;
    uint8_t *der = NULL;
    size_t count = 0;
    bool same = false;
    int size;

    if (cm_certificates_parse(block, len, &list, &count, NULL) == CM_READ_OK &&
        count == 1) {
        size = i2d_X509(list[0], &der);
        same = size > 0 && (size_t)size == item->len &&
               memcmp(der, item->der, item->len) == 0;
        OPENSSL_free(der);
    }
    cm_certificates_free(list, count);
    return same;
}

/* Where the block that begins at p ends, its line included. */
static const uint8_t *
end_of_block(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *mark =
        memmem(p, (size_t)(end - p), pem_end, sizeof(pem_end) - 1);
    const uint8_t *line =
        mark == NULL ? NULL : memchr(mark, '\n', (size_t)(end - mark));

    return line == NULL ? end : line + 1;
}

/* Cuts the certificate's blocks out of the text.  Returns how many. */
static size_t
cut(struct text *text, const struct cm_ntauth_item *item)
{
    uint8_t *p = text->bytes, *next;
    size_t gone = 0, rest, len;

    while (p != NULL &&
           (p = memmem(p, text->len - (size_t)(p - text->bytes), pem_begin,
                       sizeof(pem_begin) - 1)) != NULL) {
        rest = text->len - (size_t)(p - text->bytes);
        len = (size_t)(end_of_block(p, p + rest) - p);
        next = p + len;
        if (is_block_of(p, len, item)) {
            memmove(p, next, rest - len);
            text->len -= len;
            gone++;
        } else {
            p = next;
        }
    }
    return gone;
}

/* Does the text hold any certificate still? */
static bool
is_empty(const struct text *text)
{
    return text->len == 0 || memmem(text->bytes, text->len, pem_begin,
                                    sizeof(pem_begin) - 1) == NULL;
}

bool
cm_ntauth_files_remove(const struct cm_location *location,
                       const struct cm_ntauth_item *item,
                       struct cm_detail *detail)
{
    struct cm_file_stamp stamp = {.size = 0};
    const char *path = item->where;
    struct text text;
    bool ok = load_text(path, &text, &stamp, detail);

    if (ok && cut(&text, item) == 0) {
        cm_detail_set(detail, "%s was changed meanwhile; look at it again",
                      path);
        ok = false;
    }
    if (ok && location->kind == CM_LOCATION_DIR && is_empty(&text))
        ok = is_unchanged(path, &stamp, detail) &&
             cm_newfile_remove(path, detail);
    else
        ok = ok && store_text(path, &text, &stamp, detail);
    free(text.bytes);
    return ok;
}
