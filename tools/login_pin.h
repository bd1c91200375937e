/*
 * The PIN of a card, tried before anything is asked of a KDC: so that what is
 * wrong with it is told exactly, and no try is wasted.
 */
#ifndef CM_LOGIN_PIN_H
#define CM_LOGIN_PIN_H

#include <stdbool.h>

#include "card.h"
#include "card_list.h"
#include "detail.h"
#include "login_words.h"

enum {
    CM_LOGIN_MAX_PINS = 3, /* that are asked for in one login */
    /* Of a token that does not say how many tries are left; many lock after
     * the third. */
    CM_LOGIN_MAX_BLIND_PINS = 2
};

/* What a conversation about a PIN needs from outside. */
struct cm_login_pin_ways {
    /* False: the user gave up, or there is nobody to ask; detail. */
    bool (*ask)(void *arg, const char *prompt, char *out, size_t size,
                struct cm_detail *detail);
    enum cm_pin_answer (*offer)(void *arg, const struct cm_card_object *card,
                                const char *pin, unsigned *state,
                                struct cm_detail *detail);
    void (*say)(void *arg, const char *text); /* a sentence or two */
    void *arg;
};

enum cm_login_pin_end {
    CM_LOGIN_PIN_RIGHT,    /* pin is filled, and opened the card */
    CM_LOGIN_PIN_NOT_HERE, /* typed on the reader, or not needed: pin is "" */
    CM_LOGIN_PIN_NO,       /* words say what became of it */
    CM_LOGIN_PIN_UNKNOWN,  /* the module did not answer: detail */
    CM_LOGIN_PIN_LAST_TRY, /* is not spent on a PIN from a file */
    CM_LOGIN_PIN_GIVEN_UP  /* detail */
};

/*
 * Asks for the PIN and tries it, at most CM_LOGIN_MAX_PINS times; what the
 * token says of the tries that are left is said before each.  The last try is
 * offered only a PIN that was typed after a word about that.
 *
 * given: a PIN from a file, in place of asking; it is offered once, and never
 * as the last try.  pin takes CM_CARD_MAX_PIN + 1 bytes that the caller wipes.
 */
enum cm_login_pin_end cm_login_pin(const struct cm_card_object *card,
                                   const char *given,
                                   const struct cm_login_pin_ways *ways,
                                   char *pin, struct cm_login_words *words,
                                   struct cm_detail *detail);

/* The PIN in the file of the URI's pin-source, into CM_CARD_MAX_PIN + 1 bytes
 * that the caller wipes; "" if the URI names none.  False: it cannot be read;
 * detail says why. */
bool cm_login_pin_file(const char *uri, char *out, struct cm_detail *detail);

#endif
