/*
 * PEM files as stock PKINIT reads them: the first certificate or private key
 * counts, whatever else is in the file.  Nobody is there to be asked for a
 * passphrase.
 */
#ifndef CM_PEM_FILE_H
#define CM_PEM_FILE_H

#include <openssl/evp.h>
#include <openssl/x509.h>

/*
 * The caller frees the result.  NULL: *error, which may be NULL, is the errno
 * with which the file did not open; 0: it holds none that can be read.
 */
X509 *cm_pem_certificate(const char *path, int *error);
EVP_PKEY *cm_pem_key(const char *path, int *error);

#endif
