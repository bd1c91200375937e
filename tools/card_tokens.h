/*
 * PKCS#11 modules, and those of their tokens that a URI matches.
 */
#ifndef CM_CARD_TOKENS_H
#define CM_CARD_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

enum {
    CM_CARD_MAX_TOKENS = 32,
    CM_CARD_MAX_SLOTS = 256, /* of one module */
    CM_CARD_LABEL = 33       /* bytes of a token's label, with a NUL */
};

struct p11_kit_uri;
struct _CK_FUNCTION_LIST;

struct cm_card_token {
    struct _CK_FUNCTION_LIST *module;
    unsigned long slot;
    unsigned long flags; /* of CK_TOKEN_INFO */
    char label[CM_CARD_LABEL];
};

struct cm_card_tokens {
    struct cm_card_token list[CM_CARD_MAX_TOKENS];
    size_t count;
};

/*
 * Starts the modules that the URI says, or those of the system's p11-kit
 * configuration except what only says whom the system trusts; lists the
 * initialized tokens that the URI matches, at least one.  Modules stay loaded.
 * False: why tells the reason.
 */
bool cm_card_open_tokens(struct p11_kit_uri *uri, struct cm_card_tokens *out,
                         struct cm_buf *why);

#endif
