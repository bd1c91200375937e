/*
 * The certificates of one token, read in this process: call it in the child
 * (card_child.h).
 */
#ifndef CM_CARD_OBJECTS_H
#define CM_CARD_OBJECTS_H

#include <stddef.h>
#include <stdint.h>

#include "card_tokens.h"

enum { CM_CARD_MAX_HANDLES = 1024 /* matching objects of one token */ };

struct p11_kit_uri;

/* As the module gives them; borrowed. */
struct cm_card_raw {
    const uint8_t *der; /* NULL: without a value, or larger than any */
    size_t der_len;
    uint8_t *label;
    size_t label_len; /* 0: none, or longer than any */
    uint8_t *id;
    size_t id_len; /* 0: likewise */
};

typedef void cm_card_object_fn(void *arg, const struct cm_card_token *token,
                               const struct cm_card_raw *raw);

/*
 * Shows fn every X.509 certificate on the token that the URI matches and that
 * can be seen now.  NULL: that was all.  Otherwise why it was not: words that
 * are static or p11-kit's.
 */
const char *cm_card_each(struct p11_kit_uri *uri,
                         const struct cm_card_token *token,
                         cm_card_object_fn *fn, void *arg);

#endif
