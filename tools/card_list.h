/*
 * All certificates on the cards in the readers, and trying a PIN, each in a
 * child process as card.h does it.
 */
#ifndef CM_CARD_LIST_H
#define CM_CARD_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detail.h"

enum {
    CM_CARD_MAX_OBJECTS = 64,       /* certificates in one list */
    CM_CARD_MAX_ID = 64,            /* bytes of CKA_ID */
    CM_CARD_MAX_OBJECT_LABEL = 128, /* bytes of CKA_LABEL before it is cut */
    CM_CARD_MAX_MODULE = 4096       /* bytes of a module's path */
};

/* What a token says about its PIN (PKCS#11 CK_TOKEN_INFO flags).  Bits; many
 * modules never set the first three. */
enum cm_pin_state {
    CM_PIN_FEW_TRIES = 1 << 0, /* wrong at least once since the last right */
    CM_PIN_LAST_TRY = 1 << 1,
    CM_PIN_LOCKED = 1 << 2,
    CM_PIN_PAD = 1 << 3,    /* typed on the reader, never here */
    CM_PIN_NONE = 1 << 4,   /* the token asks for none */
    CM_PIN_UNSET = 1 << 5,  /* none was ever set: nobody can log in to it */
    CM_PIN_EXPIRED = 1 << 6 /* must be changed first */
};

/* Texts are clean (text.h) and not escaped: the token's own bytes, or, where
 * those are not clean or too long, what cm_text_escape() makes of them. */
struct cm_card_object {
    uint8_t *der; /* the value as it is there, perhaps no certificate; owned */
    size_t der_len;
    char *module; /* path or name by which dlopen() finds the module, without
                     a colon (krb5.conf(5) could not say it); owned */
    unsigned long slot; /* as the module itself numbers them */
    char *token;        /* its label; owned */
    char *serial;       /* its serial number, perhaps ""; owned */
    char *label;        /* the certificate's, perhaps ""; owned */
    uint8_t id[CM_CARD_MAX_ID];
    size_t id_len; /* 0: none, or a longer one */
    unsigned pin;  /* bits of enum cm_pin_state */
};

struct cm_card_objects {
    struct cm_card_object *list;
    size_t count;
};

/*
 * The certificates that can be seen without a PIN on the tokens that the URI
 * matches (NULL: on every token of the system's modules), in the tokens'
 * order.  What is there twice (same token, same bytes, same id) is listed
 * once.  A token that fails is passed over if another shows something.
 *
 * True with count 0: tokens answered and hold nothing public.  False: no
 * module, no token, no answer in timeout_ms, or more than CM_CARD_MAX_OBJECTS;
 * detail, not escaped, says why and *out is empty.
 */
bool cm_card_list(const char *uri, int timeout_ms, struct cm_card_objects *out,
                  struct cm_detail *detail);
void cm_card_objects_clear(struct cm_card_objects *objects);
/* One alone. */
void cm_card_object_clear(struct cm_card_object *object);

enum cm_pin_answer {
    CM_PIN_FAILED, /* nothing was learnt about the PIN; detail says why */
    CM_PIN_RIGHT,
    CM_PIN_WRONG,   /* one try is used up */
    CM_PIN_BLOCKED, /* the card is locked, now or before */
    CM_PIN_REFUSED  /* too short, too long, or of other characters: no try was
                       used up */
};

/*
 * Logs in to the object's token and out again.  The PIN is offered once and
 * never written anywhere.  *state is what the token says afterwards (bits of
 * enum cm_pin_state), or that of the object where it cannot be read.
 */
enum cm_pin_answer cm_card_try_pin(const struct cm_card_object *object,
                                   const char *pin, int timeout_ms,
                                   unsigned *state, struct cm_detail *detail);

#endif
