#include "pem_file.h"

#include <errno.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/pem.h>

static int
no_passphrase(char *buf, int size, int writing, void *context)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static FILE *
open_file(const char *path, int *error)
{
    FILE *file = fopen(path, "re");

    if (error != NULL)
        *error = file == NULL ? errno : 0;
    return file;
}

X509 *
cm_pem_certificate(const char *path, int *error)
{
    FILE *file = open_file(path, error);
    X509 *certificate;

    if (file == NULL)
        return NULL;
    certificate = PEM_read_X509(file, NULL, no_passphrase, NULL);
    (void)fclose(file);
    ERR_clear_error();
    return certificate;
}

EVP_PKEY *
cm_pem_key(const char *path, int *error)
{
    FILE *file = open_file(path, error);
    EVP_PKEY *key;

    if (file == NULL)
        return NULL;
    key = PEM_read_PrivateKey(file, NULL, no_passphrase, NULL);
    (void)fclose(file);
    ERR_clear_error();
    return key;
}
