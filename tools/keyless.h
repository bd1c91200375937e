/*
 * A libcrypto without algorithms, for cm_certificate_decode_keyless().
 */
#ifndef CM_KEYLESS_H
#define CM_KEYLESS_H

#include <stdbool.h>

#include <openssl/crypto.h>
#include <openssl/provider.h>

struct cm_keyless {
    OSSL_LIB_CTX *library;
    OSSL_PROVIDER *nothing; /* in it; an empty one would take the default */
};

/* False: no memory. */
bool cm_keyless_open(struct cm_keyless *out);
/* Also of what is zeroed. */
void cm_keyless_close(struct cm_keyless *keyless);

#endif
