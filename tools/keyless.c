#include "keyless.h"

#include <string.h>

#include <openssl/err.h>

bool
cm_keyless_open(struct cm_keyless *out)
{
    struct cm_keyless keyless = {.library = OSSL_LIB_CTX_new()};

    if (keyless.library != NULL)
        keyless.nothing = OSSL_PROVIDER_load(keyless.library, "null");
    ERR_clear_error();
    if (keyless.nothing == NULL) {
        cm_keyless_close(&keyless);
        return false;
    }
    *out = keyless;
    return true;
}

void
cm_keyless_close(struct cm_keyless *keyless)
{
    if (keyless->nothing != NULL)
        (void)OSSL_PROVIDER_unload(keyless->nothing);
    OSSL_LIB_CTX_free(keyless->library);
    memset(keyless, 0, sizeof(*keyless));
}
