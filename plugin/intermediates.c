#include "intermediates.h"

#include <string.h>

#include <openssl/err.h>

/* NULL: it is none, or there is something after it. */
static X509 *
decode(const struct cm_blob *blob)
{
    const unsigned char *p = blob->data;
    X509 *cert;

    if (blob->len == 0 || blob->len > CM_CERT_MAX_DER)
        return NULL;
    cert = d2i_X509(NULL, &p, (long)blob->len);
    if (cert != NULL && p == blob->data + blob->len)
        return cert;
    X509_free(cert);
    return NULL;
}

static bool
is_there(const struct cm_intermediates *sent, const X509 *cert)
{
    for (size_t i = 0; i < sent->count; i++) {
        if (X509_cmp(sent->list[i], cert) == 0)
            return true;
    }
    return false;
}

bool
cm_intermediates_decode(const struct cm_login *login,
                        struct cm_intermediates *out)
{
    X509 *cert;

    for (size_t i = 0; i < login->intermediate_count && i < CM_PATH_MAX_EXTRA;
         i++) {
        cert = decode(&login->intermediates[i]);
        if (cert != NULL && !is_there(out, cert))
            out->list[out->count++] = cert;
        else
            X509_free(cert);
    }
    ERR_clear_error();
    return out->count > 0;
}

void
cm_intermediates_clear(struct cm_intermediates *sent)
{
    for (size_t i = 0; i < sent->count; i++)
        X509_free(sent->list[i]);
    memset(sent, 0, sizeof(*sent));
}
