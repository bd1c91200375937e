/*
 * Lists of certificates as bytes, for the pipe from the child that asks
 * PKCS#11 modules (card_child.h).  A broken module may have written them:
 * decoding is strict and takes nothing on trust.
 */
#ifndef CM_CARD_WIRE_H
#define CM_CARD_WIRE_H

#include "card_list.h"
#include "pack.h"

/* All of enum cm_pin_state. */
enum {
    CM_CARD_PIN_BITS = CM_PIN_FEW_TRIES | CM_PIN_LAST_TRY | CM_PIN_LOCKED |
                       CM_PIN_PAD | CM_PIN_NONE | CM_PIN_UNSET | CM_PIN_EXPIRED
};

void cm_card_pack(const struct cm_card_objects *objects, struct cm_buf *out);

/* False: not such a list and nothing else, or no memory; *out is empty. */
bool cm_card_unpack(struct cm_unpack *in, struct cm_card_objects *out);

/* Text of a module, clean: see struct cm_card_object.  The caller frees it;
 * NULL: no memory. */
char *cm_card_clean(const void *text, size_t len);

/* Can struct cm_card_object hold this path of a module? */
bool cm_card_module_is_usable(const char *path);

#endif
