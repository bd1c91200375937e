/*
 * Reading certificates from bytes, and bytes from files: what trust.h offers,
 * with the outcome told apart as the reload rules need it.
 */
#ifndef CM_CERTIFICATES_H
#define CM_CERTIFICATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/x509.h>

#include "detail.h"

enum cm_read {
    CM_READ_OK,
    CM_READ_NONE,   /* missing, not a regular file, or without certificate */
    CM_READ_BROKEN, /* something is there that cannot be used */
    CM_READ_NO_MEMORY
};

/* What tells one content of a file from another without reading it. */
struct cm_file_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
    struct timespec changed;
};

void cm_file_stamp_set(struct cm_file_stamp *stamp, const struct stat *st);
bool cm_file_stamp_equal(const struct cm_file_stamp *a,
                         const struct cm_file_stamp *b);

/*
 * Reads a regular file of at most CM_TRUST_MAX_FILE bytes; symbolic links are
 * followed.  directory is a descriptor or AT_FDCWD.  A file that changes
 * meanwhile is CM_READ_BROKEN.  The caller frees *bytes.
 */
enum cm_read cm_file_read(int directory, const char *name,
                          struct cm_file_stamp *stamp, uint8_t **bytes,
                          size_t *len, struct cm_detail *detail);

/* The same from an open file, at most max bytes; a NUL follows them. */
enum cm_read cm_file_read_open(int fd, size_t max, struct cm_file_stamp *stamp,
                               uint8_t **bytes, size_t *len,
                               struct cm_detail *detail);

/* As cm_certificates_read(). */
enum cm_read cm_certificates_parse(const uint8_t *bytes, size_t len,
                                   X509 ***out, size_t *count,
                                   struct cm_detail *detail);

#endif
