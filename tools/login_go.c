#include "login_command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "card.h"
#include "login_choose.h"
#include "login_names.h"
#include "login_pin.h"
#include "password.h"

enum {
    MAX_HANDED = 4,    /* times that one exchange is given a secret */
    NAME_MISMATCH = 75 /* KDC_ERR_CLIENT_NAME_MISMATCH */
};

/* ---- The PIN ---- */

static bool
ask(void *arg, const char *prompt, char *out, size_t size,
    struct cm_detail *detail)
{
    (void)arg;
    return cm_password_ask(prompt, out, size, detail);
}

static enum cm_pin_answer
offer(void *arg, const struct cm_card_object *card, const char *pin,
      unsigned *state, struct cm_detail *detail)
{
    (void)arg;
    return cm_card_try_pin(card, pin, CM_CARD_TIMEOUT_MS, state, detail);
}

/* Where the question stands that it belongs to, wherever errors go. */
static void
say(void *arg, const char *text)
{
    int terminal = cm_login_terminal();

    (void)arg;
    if (terminal < 0)
        return;
    (void)dprintf(terminal, "%s\n", text);
    (void)close(terminal);
}

static void
end_without_pin(enum cm_login_pin_end end, struct cm_login_answer *answer)
{
    switch (end) {
    case CM_LOGIN_PIN_RIGHT:
    case CM_LOGIN_PIN_NOT_HERE:
        break;
    case CM_LOGIN_PIN_NO: /* the words are there, and say all */
        answer->code = CM_EXIT_NO;
        cm_detail_set(&answer->said, "%s", "");
        break;
    case CM_LOGIN_PIN_UNKNOWN:
        answer->code = CM_EXIT_UNAVAILABLE;
        break;
    case CM_LOGIN_PIN_LAST_TRY:
        cm_login_answer_own(answer, CM_LOGIN_LAST_TRY);
        break;
    case CM_LOGIN_PIN_GIVEN_UP:
        cm_login_answer_unasked(answer);
        break;
    }
}

/* The right PIN, or "" where none is typed here.  False: the answer says why
 * there is none. */
static bool
get_pin(const struct cm_login_order *order,
        const struct cm_login_identity *identity, char *pin,
        struct cm_login_answer *answer)
{
    const struct cm_login_pin_ways ways = {ask, offer, say, NULL};
    char given[CM_CARD_MAX_PIN + 1] = "";
    enum cm_login_pin_end end;

    if (order->identity != NULL &&
        !cm_login_pin_file(order->identity, given, &answer->said)) {
        cm_login_answer_own(answer, CM_LOGIN_NO_PIN_FILE);
        return false;
    }
    end = cm_login_pin(&identity->card, given, &ways, pin, &answer->words,
                       &answer->said);
    explicit_bzero(given, sizeof(given));
    end_without_pin(end, answer);
    return end == CM_LOGIN_PIN_RIGHT || end == CM_LOGIN_PIN_NOT_HERE;
}

/* ---- The exchange ---- */

struct secrets {
    const struct cm_login_identity *identity;
    const char *pin;
    int handed;
};

/* A PIN that was right a moment ago, "" where it is typed on the reader, a
 * password that opened the file, or one that only libkrb5 knows the key to. */
static bool
hand_over(void *arg, const char *prompt, char *out, size_t size)
{
    struct secrets *secrets = arg;
    const char *known = secrets->identity->on_card
                            ? secrets->pin
                            : secrets->identity->password;
    struct cm_detail detail;

    if (++secrets->handed > MAX_HANDED)
        return false;
    if (known == NULL)
        return cm_password_ask(prompt, out, size, &detail);
    if (strlen(known) >= size)
        return false;
    (void)stpcpy(out, known);
    return true;
}

static enum cm_exit
exit_of(enum cm_login_end end)
{
    switch (end) {
    case CM_LOGIN_DONE:
        return CM_EXIT_YES;
    case CM_LOGIN_REFUSED:
    case CM_LOGIN_GIVEN_UP:
        return CM_EXIT_NO;
    case CM_LOGIN_UNREACHABLE:
        return CM_EXIT_UNAVAILABLE;
    case CM_LOGIN_CLIENT:
        return CM_EXIT_USAGE;
    }
    return CM_EXIT_NO;
}

/* A KDC answers for a mapping that it does not know as for one that it knows,
 * up to the end; so the next one is asked about after a refusal. */
static bool
may_go_on(const struct cm_login_names *names, size_t first,
          const struct cm_login_result *result)
{
    size_t at = first + result->name;

    return result->end == CM_LOGIN_REFUSED &&
           result->number == NAME_MISMATCH && at + 1 < names->count &&
           names->list[at].kind == CM_LOGIN_X500;
}

/* What the last exchange came to. */
static void
conclude(const struct cm_login_order *order, const struct secrets *secrets,
         struct cm_login_answer *answer)
{
    answer->words = cm_login_words(&answer->result, order->typed != NULL);
    answer->said = answer->result.said;
    answer->code = exit_of(answer->result.end);
    if (answer->result.end == CM_LOGIN_GIVEN_UP)
        cm_login_answer_unasked(answer);
    else if (answer->result.fault == CM_LOGIN_FAULT_IDENTITY &&
             secrets->pin[0] != '\0') /* which was right */
        cm_login_answer_own(answer, CM_LOGIN_CARD_KEY);
}

static void
exchange(const struct cm_login_order *order,
         const struct cm_login_names *names, struct secrets *secrets,
         struct cm_login_answer *answer)
{
    struct cm_login_request request = {
        .realm = order->options.realm,
        .identity = secrets->identity->krb5,
        .anchors = order->anchors,
        .armor = order->armor,
        .cache = order->cache,
        .lifetime = order->lifetime,
        .renewable = order->renewable,
        .forwardable = order->forwardable,
        .secret = hand_over,
        .secret_arg = secrets,
    };
    struct cm_login_result result;
    size_t first = 0;
    bool more;

    do {
        request.names = names->list + first;
        request.name_count = names->count - first;
        secrets->handed = 0;
        cm_login_exchange(&request, &result);
        more = may_go_on(names, first, &result);
        first += result.name + 1;
        cm_login_result_clear(&answer->result);
        answer->result = result;
    } while (more);
    conclude(order, secrets, answer);
}

void
cm_login_go(const struct cm_login_order *order,
            const struct cm_login_identity *identity,
            struct cm_login_answer *answer)
{
    char pin[CM_CARD_MAX_PIN + 1] = "";
    struct secrets secrets = {identity, pin, 0};
    struct cm_login_names names;

    if (!cm_login_names_build(&identity->cert, order->typed, &names))
        cm_login_answer_own(answer, CM_LOGIN_NO_MEMORY);
    else if (names.count == 0)
        cm_login_answer_own(answer, CM_LOGIN_NO_NAME);
    else if (!identity->on_card || get_pin(order, identity, pin, answer))
        exchange(order, &names, &secrets, answer);
    explicit_bzero(pin, sizeof(pin));
    cm_login_names_clear(&names);
}
