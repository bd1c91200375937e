#include "login_pin.h"

#include <string.h>

#define P11_KIT_FUTURE_UNSTABLE_API 1 /* that of URIs */
#include <p11-kit/uri.h>

#include "card_uri.h"
#include "directory.h"
#include "ldap_connection.h"

struct talk {
    const struct cm_card_object *card;
    const struct cm_login_pin_ways *ways;
    unsigned state; /* bits of enum cm_pin_state */
    struct cm_login_words *words;
    struct cm_detail *detail;
};

static bool
pin_fits(const char *pin)
{
    return strlen(pin) <= CM_CARD_MAX_PIN;
}

bool
cm_login_pin_file(const char *text, char *out, struct cm_detail *detail)
{
    P11KitUri *uri = cm_card_uri_parse(text, detail);
    char secret[CM_LDAP_MAX_SECRET + 1] = "";
    const char *source = uri == NULL ? NULL : p11_kit_uri_get_pin_source(uri);
    bool ok = uri != NULL;

    out[0] = '\0';
    if (source != NULL)
        ok = cm_ldap_read_secret(cm_card_pin_file(source), secret, detail);
    if (ok && !pin_fits(secret)) {
        cm_detail_set(detail, "the PIN in pin-source is too long");
        ok = false;
    }
    if (ok)
        (void)stpcpy(out, secret);
    explicit_bzero(secret, sizeof(secret));
    p11_kit_uri_free(uri);
    return ok;
}

/* Nothing that could be typed here would open the card. */
static bool
is_hopeless(struct talk *talk)
{
    if ((talk->state & (CM_PIN_LOCKED | CM_PIN_UNSET | CM_PIN_EXPIRED)) == 0)
        return false;
    *talk->words = cm_login_pin_words(CM_PIN_FAILED, talk->state);
    return true;
}

/* Tries a PIN.  True: there may be another one. */
static bool
offer(struct talk *talk, const char *pin, enum cm_login_pin_end *end)
{
    enum cm_pin_answer answer = talk->ways->offer(
        talk->ways->arg, talk->card, pin, &talk->state, talk->detail);

    *talk->words = cm_login_pin_words(answer, talk->state);
    *end = CM_LOGIN_PIN_NO;
    switch (answer) {
    case CM_PIN_FAILED:
        *end = CM_LOGIN_PIN_UNKNOWN;
        return false;
    case CM_PIN_RIGHT:
        *end = CM_LOGIN_PIN_RIGHT;
        return false;
    case CM_PIN_WRONG:
    case CM_PIN_REFUSED:
        return (talk->state & CM_PIN_LOCKED) == 0;
    case CM_PIN_BLOCKED:
        return false;
    }
    return false;
}

/* How many PINs in all, by what the token says after a wrong one. */
static int
most(const struct talk *talk)
{
    return (talk->state & (CM_PIN_FEW_TRIES | CM_PIN_LAST_TRY)) != 0
               ? CM_LOGIN_MAX_PINS
               : CM_LOGIN_MAX_BLIND_PINS;
}

/* What the last PIN came to, and what the next one may cost. */
static void
say_before(const struct talk *talk, bool first)
{
    const char *warning = cm_login_pin_warning(talk->state);

    if (!first)
        talk->ways->say(talk->ways->arg, talk->words->text);
    if (warning[0] != '\0' && (first || (talk->state & CM_PIN_LAST_TRY) != 0))
        talk->ways->say(talk->ways->arg, warning);
}

static enum cm_login_pin_end
ask_and_offer(struct talk *talk, char *pin)
{
    enum cm_login_pin_end end = CM_LOGIN_PIN_NO;
    struct cm_detail prompt;
    bool more = true;

    cm_detail_set(&prompt, "PIN of the card %s", talk->card->token);
    for (int i = 0; more; i++) {
        say_before(talk, i == 0);
        if (!talk->ways->ask(talk->ways->arg, prompt.text, pin,
                             CM_CARD_MAX_PIN + 1, talk->detail))
            return CM_LOGIN_PIN_GIVEN_UP;
        more = offer(talk, pin, &end) && i + 1 < most(talk);
    }
    return end;
}

/* From a file: nobody would type it again after a warning. */
static enum cm_login_pin_end
offer_given(struct talk *talk, const char *given, char *pin)
{
    enum cm_login_pin_end end;

    if ((talk->state & CM_PIN_LAST_TRY) != 0)
        return CM_LOGIN_PIN_LAST_TRY;
    (void)stpcpy(pin, given);
    (void)offer(talk, pin, &end);
    return end;
}

enum cm_login_pin_end
cm_login_pin(const struct cm_card_object *card, const char *given,
             const struct cm_login_pin_ways *ways, char *pin,
             struct cm_login_words *words, struct cm_detail *detail)
{
    struct talk talk = {card, ways, card->pin, words, detail};
    enum cm_login_pin_end end;

    pin[0] = '\0';
    if (is_hopeless(&talk))
        return CM_LOGIN_PIN_NO;
    if ((card->pin & (CM_PIN_PAD | CM_PIN_NONE)) != 0)
        return CM_LOGIN_PIN_NOT_HERE;
    end = given[0] != '\0' && pin_fits(given) ? offer_given(&talk, given, pin)
                                              : ask_and_offer(&talk, pin);
    if (end != CM_LOGIN_PIN_RIGHT)
        explicit_bzero(pin, CM_CARD_MAX_PIN + 1);
    return end;
}
