/*
 * A temporary folder, and PEM or DER files in it.
 */
#ifndef FILES_H
#define FILES_H

#include <stddef.h>

#include <openssl/x509.h>

/* Everything fails the test on error.  Paths are relative to the folder. */
void files_make(void); /* a new folder, empty */
void files_remove(void);

/* The absolute path; valid until the fourth call after this one. */
const char *files_path(const char *name);

void files_write(const char *name, const void *bytes, size_t len);
void files_write_text(const char *name, const char *text);
void files_delete(const char *name);
void files_make_folder(const char *name);

/* Writes certificates as PEM into a new file that replaces the old. */
void files_put(const char *name, X509 *const *certs, size_t count);
void files_put_one(const char *name, X509 *cert);

/* The PEM of certificates; the caller frees it. */
char *files_pem(X509 *const *certs, size_t count);

#endif
