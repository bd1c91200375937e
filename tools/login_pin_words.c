/* What is said about PINs: as much as the token tells, and no count that it
 * does not give. */
#include <stddef.h>

#include "login_words.h"

#define UNLOCK "Have it unlocked with its PUK, or ask the help desk."

/* Of a token that says so, before and after a PIN: the gravest first. */
static const struct {
    unsigned state;
    struct cm_login_words words;
} STATES[] = {
    {CM_PIN_LOCKED,
     {"card-locked", "The card is locked after too many wrong PINs.", UNLOCK}},
    {CM_PIN_UNSET,
     {"pin-unset", "No PIN was ever set on the card.",
      "Have one set by whoever issued the card."}},
    {CM_PIN_EXPIRED,
     {"pin-expired", "The card's PIN has expired.",
      "Change it with the card's own program first."}},
};

static const struct {
    unsigned state;
    struct cm_login_words words;
    const char *warning; /* before the PIN is asked for */
} WRONG[] = {
    {CM_PIN_LAST_TRY,
     {"pin-last-try", "The PIN is wrong, and one try is left.",
      "If you are not sure, ask the help desk before the card locks."},
     "One try is left: another wrong PIN locks the card."},
    {CM_PIN_FEW_TRIES,
     {"pin-few-tries", "The PIN is wrong, and few tries are left.",
      "Try again with care: the card locks after too many wrong PINs."},
     "The last PIN was wrong: few tries may be left before the card locks."},
    {0, {"pin-wrong", "The PIN is wrong.", "Try again."}, ""},
};

enum { WRONG_COUNT = sizeof(WRONG) / sizeof(*WRONG) };

static const struct cm_login_words *
find_state(unsigned state)
{
    size_t i;

    for (i = 0; i < sizeof(STATES) / sizeof(*STATES); i++) {
        if ((state & STATES[i].state) != 0)
            return &STATES[i].words;
    }
    return NULL;
}

/* The last row is of every state. */
static size_t
find_wrong(unsigned state)
{
    size_t i = 0;

    while (i + 1 < WRONG_COUNT && (state & WRONG[i].state) == 0)
        i++;
    return i;
}

struct cm_login_words
cm_login_pin_words(enum cm_pin_answer answer, unsigned state)
{
    const struct cm_login_words *known = find_state(state);

    switch (answer) {
    case CM_PIN_RIGHT:
        return (struct cm_login_words){"ok", "The PIN is right.", ""};
    case CM_PIN_BLOCKED:
        return STATES[0].words;
    case CM_PIN_WRONG:
        return known != NULL ? *known : WRONG[find_wrong(state)].words;
    case CM_PIN_REFUSED:
        return (struct cm_login_words){
            "pin-refused",
            "The card takes no PIN of this length or with these characters; "
            "no try was used up.",
            "Try again."};
    case CM_PIN_FAILED:
        break;
    }
    if (known != NULL)
        return *known;
    return (struct cm_login_words){
        "card-failed", "The card did not say whether the PIN is right.",
        "Take it out, put it in again, and try again."};
}

const char *
cm_login_pin_warning(unsigned state)
{
    const struct cm_login_words *known = find_state(state);

    return known != NULL ? known->text : WRONG[find_wrong(state)].warning;
}
