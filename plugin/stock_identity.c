#include "stock_identity.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <profile.h>

#include "pem_file.h"
#include "stock_watch.h"

/* As stock PKINIT finds it; the caller frees it.  NULL: there is none. */
static char *
find_identity(krb5_context context, const char *realm)
{
    char *value = NULL, *copy = NULL;
    profile_t profile;

    if (krb5_get_profile(context, &profile) != 0)
        return NULL;
    if (profile_get_string(profile, "realms", realm, "pkinit_identity", NULL,
                           &value) == 0 &&
        value == NULL &&
        profile_get_string(profile, "kdcdefaults", "pkinit_identity", NULL,
                           NULL, &value) != 0)
        value = NULL;
    if (value != NULL)
        copy = strdup(value);
    profile_release_string(value);
    profile_release(profile);
    return copy;
}

static bool
files_fit(const char *certificate_path, const char *key_path)
{
    X509 *certificate = cm_pem_certificate(certificate_path, NULL);
    EVP_PKEY *key = cm_pem_key(key_path, NULL);
    bool fits = true;
    int equal;

    if (certificate != NULL && key != NULL) {
        equal = EVP_PKEY_eq(X509_get0_pubkey(certificate), key);
        /* Below -1: they cannot be compared. */
        fits = equal != 0 && equal != -1;
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return fits;
}

bool
cm_stock_identity_fits(krb5_context context, const char *realm,
                       struct cm_detail *detail)
{
    char *identity = find_identity(context, realm), *rest = NULL;
    const char *files =
        identity != NULL ? cm_stock_identity_files(identity) : NULL;
    char *copy = files != NULL ? strdup(files) : NULL;
    const char *certificate, *key;
    bool fits = true;

    if (copy != NULL) {
        certificate = strtok_r(copy, ",", &rest);
        key = strtok_r(NULL, ",", &rest);
        if (certificate != NULL)
            fits = files_fit(certificate, key != NULL ? key : certificate);
        if (!fits)
            cm_detail_set(detail,
                          "certificate and key of the KDC do not belong "
                          "together: %s",
                          files);
    }
    free(copy);
    free(identity);
    return fits;
}
