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
    CM_CARD_LABEL = 33,      /* bytes of a token's label, with a NUL */
    CM_CARD_SERIAL = 17      /* of its serial number, likewise */
};

struct p11_kit_uri;
struct _CK_FUNCTION_LIST;

/* Its texts are raw: the module's bytes to the first NUL, without the spaces
 * at their end. */
struct cm_card_token {
    struct _CK_FUNCTION_LIST *module;
    unsigned long slot;
    unsigned long flags; /* of CK_TOKEN_INFO */
    char label[CM_CARD_LABEL];
    char serial[CM_CARD_SERIAL];
};

struct cm_card_tokens {
    struct cm_card_token list[CM_CARD_MAX_TOKENS];
    size_t count;
    bool
        incomplete; /* a module did not list its tokens: why says the reason */
};

/* Starts the module; NULL: why tells the reason. */
struct _CK_FUNCTION_LIST *cm_card_load_module(const char *path,
                                              struct cm_buf *why);

/* The token in the slot.  False: there is none, or it cannot be read. */
bool cm_card_read_token(struct _CK_FUNCTION_LIST *module, unsigned long slot,
                        struct cm_card_token *out);

/*
 * Starts the modules that the URI says, or those of the system's p11-kit
 * configuration except what only says whom the system trusts; lists the
 * initialized tokens that the URI matches, at least one.  Modules stay loaded;
 * one that fails, and a card that cannot be read, is passed over.  False: why
 * tells the reason; true: what was passed over last, or nothing.
 */
bool cm_card_open_tokens(struct p11_kit_uri *uri, struct cm_card_tokens *out,
                         struct cm_buf *why);

#endif
