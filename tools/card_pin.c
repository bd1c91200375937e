/*
 * The answer of the conversation is three numbers (the end, whether the token
 * could be asked again, its state then) and a text.
 */
#include "card_pin.h"

#include <stdlib.h>
#include <string.h>

#include <p11-kit/p11-kit.h>

#include "card.h"
#include "card_child.h"
#include "card_list.h"
#include "card_tokens.h"
#include "card_wire.h"

unsigned
cm_card_pin_state(unsigned long flags)
{
    unsigned state = 0;

    if ((flags & CKF_LOGIN_REQUIRED) == 0)
        return CM_PIN_NONE;
    if ((flags & CKF_USER_PIN_COUNT_LOW) != 0)
        state |= CM_PIN_FEW_TRIES;
    if ((flags & CKF_USER_PIN_FINAL_TRY) != 0)
        state |= CM_PIN_LAST_TRY;
    if ((flags & CKF_USER_PIN_LOCKED) != 0)
        state |= CM_PIN_LOCKED;
    if ((flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0)
        state |= CM_PIN_PAD;
    if ((flags & CKF_USER_PIN_INITIALIZED) == 0)
        state |= CM_PIN_UNSET;
    if ((flags & CKF_USER_PIN_TO_BE_CHANGED) != 0)
        state |= CM_PIN_EXPIRED;
    return state;
}

/* ---- The child ---- */

struct trial {
    const struct cm_card_object *object;
    CK_UTF8CHAR pin[CM_CARD_MAX_PIN];
    size_t pin_len;
};

/* What the child learns. */
struct learnt {
    enum cm_pin_answer answer;
    unsigned state;
    struct cm_buf why;
};

static void
say(struct learnt *learnt, const char *why)
{
    cm_buf_clear(&learnt->why);
    cm_buf_add_text(&learnt->why, why);
}

static bool
is_text(const char *raw, const char *clean)
{
    char *text = cm_card_clean(raw, strlen(raw));
    bool same = text != NULL && strcmp(text, clean) == 0;

    free(text);
    return same;
}

/* Is the token that was listed still there, and may it have the PIN? */
static bool
may_ask(const struct cm_card_object *object, CK_FUNCTION_LIST *module,
        struct learnt *learnt)
{
    struct cm_card_token token;

    if (!cm_card_read_token(module, object->slot, &token) ||
        !is_text(token.label, object->token) ||
        !is_text(token.serial, object->serial)) {
        say(learnt, "the card was taken out or is another one");
        return false;
    }
    learnt->state = cm_card_pin_state(token.flags);
    if ((learnt->state & CM_PIN_PAD) != 0)
        say(learnt, "the PIN must be typed on the card reader");
    else if ((learnt->state & CM_PIN_NONE) != 0)
        say(learnt, "the token asks for no PIN");
    return (learnt->state & (CM_PIN_PAD | CM_PIN_NONE)) == 0;
}

/* What the module's word about the PIN means. */
static void
judge(CK_RV code, struct learnt *learnt)
{
    switch (code) {
    case CKR_OK:
        learnt->answer = CM_PIN_RIGHT;
        return;
    case CKR_PIN_INCORRECT:
        learnt->answer = (learnt->state & CM_PIN_LOCKED) != 0 ? CM_PIN_BLOCKED
                                                              : CM_PIN_WRONG;
        break;
    case CKR_PIN_LOCKED:
        learnt->answer = CM_PIN_BLOCKED;
        learnt->state |= CM_PIN_LOCKED;
        break;
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
        learnt->answer = CM_PIN_REFUSED;
        break;
    case CKR_PIN_EXPIRED:
        learnt->state |= CM_PIN_EXPIRED;
        break;
    case CKR_USER_PIN_NOT_INITIALIZED:
        learnt->state |= CM_PIN_UNSET;
        break;
    }
    say(learnt, p11_kit_strerror(code));
}

/* Who is logged in already was not asked for the PIN. */
static CK_RV
log_in(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session,
       struct trial *trial)
{
    CK_RV code =
        module->C_Login(session, CKU_USER, trial->pin, trial->pin_len);

    if (code == CKR_USER_ALREADY_LOGGED_IN &&
        module->C_Logout(session) == CKR_OK)
        code = module->C_Login(session, CKU_USER, trial->pin, trial->pin_len);
    explicit_bzero(trial->pin, sizeof(trial->pin));
    return code;
}

static void
try_pin(CK_FUNCTION_LIST *module, struct trial *trial, struct learnt *learnt)
{
    CK_SLOT_ID slot = trial->object->slot;
    struct cm_card_token token;
    CK_SESSION_HANDLE session;
    CK_RV code;

    /* The session is first: it ends when the card is taken out. */
    code =
        module->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session);
    if (code != CKR_OK) {
        say(learnt, p11_kit_strerror(code));
        return;
    }
    if (!may_ask(trial->object, module, learnt))
        return;
    code = log_in(module, session, trial);
    if (code == CKR_OK)
        (void)module->C_Logout(session);
    if (cm_card_read_token(module, slot, &token))
        learnt->state = cm_card_pin_state(token.flags);
    judge(code, learnt);
}

static void
talk(void *arg, struct cm_buf *answer)
{
    struct trial *trial = arg;
    struct learnt learnt = {CM_PIN_FAILED, trial->object->pin, CM_BUF_INIT};
    CK_FUNCTION_LIST *module =
        cm_card_load_module(trial->object->module, &learnt.why);

    if (module != NULL)
        try_pin(module, trial, &learnt);
    explicit_bzero(trial->pin, sizeof(trial->pin));
    cm_pack_number(answer, learnt.answer);
    cm_pack_number(answer, learnt.state);
    cm_pack_bytes(answer, learnt.why.data, learnt.why.len);
}

/* ---- The parent ---- */

static enum cm_pin_answer
take_answer(const struct cm_buf *answer, unsigned *state,
            struct cm_detail *detail)
{
    struct cm_unpack in = {(const uint8_t *)answer->data,
                           (const uint8_t *)answer->data + answer->len};
    uint32_t end, bits;
    const char *why;
    size_t len;

    cm_detail_set(detail, "the PKCS#11 module's answer is damaged");
    if (!cm_unpack_number(&in, &end) || !cm_unpack_number(&in, &bits) ||
        !cm_unpack_bytes(&in, &why, &len) || in.at != in.end ||
        end > CM_PIN_REFUSED || (bits & ~(uint32_t)CM_CARD_PIN_BITS) != 0)
        return CM_PIN_FAILED;
    *state = bits;
    cm_detail_set(detail, "%.*s", (int)len, why);
    return (enum cm_pin_answer)end;
}

enum cm_pin_answer
cm_card_try_pin(const struct cm_card_object *object, const char *pin,
                int timeout_ms, unsigned *state, struct cm_detail *detail)
{
    struct trial trial = {.object = object, .pin_len = strlen(pin)};
    enum cm_pin_answer answer = CM_PIN_FAILED;
    struct cm_buf heard = CM_BUF_INIT;

    *state = object->pin;
    if (trial.pin_len == 0 || trial.pin_len > sizeof(trial.pin)) {
        cm_detail_set(detail, "the PIN is empty or too long");
        return CM_PIN_REFUSED;
    }
    memcpy(trial.pin, pin, trial.pin_len);
    if (cm_card_ask(talk, &trial, timeout_ms, &heard, detail))
        answer = take_answer(&heard, state, detail);
    cm_buf_clear(&heard);
    explicit_bzero(&trial, sizeof(trial));
    return answer;
}
