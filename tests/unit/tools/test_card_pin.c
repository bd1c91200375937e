/* A PIN that is tried on tokens that answer in every way there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "card.h"
#include "card_list.h"

#define FAKE "pkcs11:?module-path=" FAKE_TOKEN_PATH

enum {
    LONG_MS = 60000,
    SHORT_MS = 200,
    FEW = CM_PIN_FEW_TRIES,
    LAST = CM_PIN_LAST_TRY,
    LOCKED = CM_PIN_LOCKED
};

/* The first object of the token, listed while it is well. */
static void
list(const char *how, struct cm_card_objects *out)
{
    struct cm_detail detail = {""};

    assert_int_equal(setenv("FAKE_TOKEN", how, 1), 0);
    if (!cm_card_list(FAKE, LONG_MS, out, &detail) || out->count == 0)
        fail_msg("%s: %s", how, detail.text);
}

/* ---- One answer ---- */

#define PIN "1234"
#define RESULT(name, number) "login=" #number

static const struct {
    const char *then; /* what the token is like when the PIN comes */
    const char *pin;
    int timeout_ms;
    enum cm_pin_answer answer;
    unsigned state;
    const char *why; /* part of it */
} trials[] = {
    {"well", PIN, LONG_MS, CM_PIN_RIGHT, 0, ""},
    {"well", "0000", LONG_MS, CM_PIN_WRONG, 0, "incorrect"},
    {"low", "0000", LONG_MS, CM_PIN_WRONG, FEW, ""},
    {"low,final", "0000", LONG_MS, CM_PIN_WRONG, FEW | LAST, ""},
    {"locked", "0000", LONG_MS, CM_PIN_BLOCKED, LOCKED, ""},
    {"low", PIN, LONG_MS, CM_PIN_RIGHT, FEW, ""},
    {"prints", PIN, LONG_MS, CM_PIN_RIGHT, 0, ""},
    {"forks", PIN, LONG_MS, CM_PIN_RIGHT, 0, ""},
    {"already", PIN, LONG_MS, CM_PIN_RIGHT, 0, ""},
    {"already", "0000", LONG_MS, CM_PIN_WRONG, 0, ""},
    {"already,fail=logout", PIN, LONG_MS, CM_PIN_FAILED, 0, "already"},
    {"fail=logout", PIN, LONG_MS, CM_PIN_RIGHT, 0, ""},
    {"hang=logout", PIN, SHORT_MS, CM_PIN_FAILED, 0, "in time"},
    {RESULT(CKR_PIN_INCORRECT, 160), PIN, LONG_MS, CM_PIN_WRONG, 0, ""},
    {RESULT(CKR_PIN_INVALID, 161), PIN, LONG_MS, CM_PIN_REFUSED, 0, ""},
    {RESULT(CKR_PIN_LEN_RANGE, 162), PIN, LONG_MS, CM_PIN_REFUSED, 0, ""},
    {RESULT(CKR_PIN_EXPIRED, 163), PIN, LONG_MS, CM_PIN_FAILED, CM_PIN_EXPIRED,
     "expired"},
    {RESULT(CKR_PIN_LOCKED, 164), PIN, LONG_MS, CM_PIN_BLOCKED, LOCKED,
     "locked"},
    {RESULT(CKR_USER_PIN_NOT_INITIALIZED, 258), PIN, LONG_MS, CM_PIN_FAILED,
     CM_PIN_UNSET, ""},
    {RESULT(CKR_DEVICE_REMOVED, 50), PIN, LONG_MS, CM_PIN_FAILED, 0, ""},
    {RESULT(CKR_VENDOR_DEFINED, 2147483648), PIN, LONG_MS, CM_PIN_FAILED, 0,
     ""},
    {"fail=login", PIN, LONG_MS, CM_PIN_FAILED, 0, ""},
    {"fail=session", PIN, LONG_MS, CM_PIN_FAILED, 0, ""},
    {"fail=start", PIN, LONG_MS, CM_PIN_FAILED, 0, "does not start"},
    {"refuse", PIN, LONG_MS, CM_PIN_FAILED, 0, "cannot be loaded"},
    {"hang=login", PIN, SHORT_MS, CM_PIN_FAILED, 0, "in time"},
    {"crash=login", PIN, LONG_MS, CM_PIN_FAILED, 0, "crashed"},
    {"writes", PIN, LONG_MS, CM_PIN_FAILED, 0, "damaged"},
    {"swapped", PIN, LONG_MS, CM_PIN_FAILED, 0, "another one"},
    {"label=wild", PIN, LONG_MS, CM_PIN_FAILED, 0, "another one"},
    {"fail=token", PIN, LONG_MS, CM_PIN_FAILED, 0, "taken out"},
    {"pad", PIN, LONG_MS, CM_PIN_FAILED, CM_PIN_PAD, "on the card reader"},
    {"no-login", PIN, LONG_MS, CM_PIN_FAILED, CM_PIN_NONE, "no PIN"},
    {"well", "", LONG_MS, CM_PIN_REFUSED, 0, "empty or too long"},
};

static void
answers_are_told_apart(void **state)
{
    struct cm_card_objects objects;
    struct cm_detail detail;
    enum cm_pin_answer answer;
    unsigned bits;

    (void)state;
    list("well", &objects);
    for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
        bits = 0x5a;
        cm_detail_set(&detail, "nothing");
        assert_int_equal(setenv("FAKE_TOKEN", trials[i].then, 1), 0);
        answer = cm_card_try_pin(&objects.list[0], trials[i].pin,
                                 trials[i].timeout_ms, &bits, &detail);
        if (answer != trials[i].answer || bits != trials[i].state ||
            strstr(detail.text, trials[i].why) == NULL ||
            strstr(detail.text, PIN) != NULL)
            fail_msg("%s, %s: %d, %x, %s", trials[i].then, trials[i].pin,
                     answer, bits, detail.text);
    }
    cm_card_objects_clear(&objects);
}

/* What cannot be read again is as it was listed. */
static void
state_is_kept_without_news(void **state)
{
    struct cm_card_objects objects;
    struct cm_detail detail;
    unsigned bits = 0;

    (void)state;
    list("low,final", &objects);
    assert_int_equal(setenv("FAKE_TOKEN", "crash=login", 1), 0);
    assert_int_equal(
        cm_card_try_pin(&objects.list[0], PIN, LONG_MS, &bits, &detail),
        CM_PIN_FAILED);
    assert_int_equal(bits, FEW | LAST);
    cm_card_objects_clear(&objects);
}

/* ---- A token that counts ---- */

static const struct {
    const char *pin;
    enum cm_pin_answer answer;
    unsigned state;
} steps[] = {
    {"0000", CM_PIN_WRONG, FEW},
    {PIN, CM_PIN_RIGHT, 0},
    {"0000", CM_PIN_WRONG, FEW},
    {"0000", CM_PIN_WRONG, FEW | LAST},
    {"0000", CM_PIN_BLOCKED, FEW | LOCKED}, /* CKR_PIN_INCORRECT */
    {"0000", CM_PIN_BLOCKED, FEW | LOCKED}, /* CKR_PIN_LOCKED */
    {PIN, CM_PIN_BLOCKED, FEW | LOCKED},
};

/* And every trial is one try. */
static void
tries_run_out(void **state)
{
    char path[] = "/tmp/certmap-tries-XXXXXX";
    int fd = mkstemp(path);
    struct cm_card_objects objects;
    struct cm_detail detail;
    enum cm_pin_answer answer;
    unsigned bits = 0;

    (void)state;
    assert_true(fd >= 0 && write(fd, "3\n", 2) == 2);
    (void)close(fd);
    list("well", &objects);
    assert_int_equal(setenv("FAKE_TRIES", path, 1), 0);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        answer = cm_card_try_pin(&objects.list[0], steps[i].pin, LONG_MS,
                                 &bits, &detail);
        if (answer != steps[i].answer || bits != steps[i].state)
            fail_msg("%zu: %d, %x, %s", i, answer, bits, detail.text);
    }
    assert_int_equal(unsetenv("FAKE_TRIES"), 0);
    assert_int_equal(unlink(path), 0);
    cm_card_objects_clear(&objects);
}

static void
long_pins_are_not_offered(void **state)
{
    char pin[CM_CARD_MAX_PIN + 2] = "";
    struct cm_card_objects objects;
    struct cm_detail detail;
    unsigned bits = 0;

    (void)state;
    list("well", &objects);
    (void)memset(pin, '1', CM_CARD_MAX_PIN);
    assert_int_equal(
        cm_card_try_pin(&objects.list[0], pin, LONG_MS, &bits, &detail),
        CM_PIN_WRONG);
    pin[CM_CARD_MAX_PIN] = '1';
    assert_int_equal(
        cm_card_try_pin(&objects.list[0], pin, LONG_MS, &bits, &detail),
        CM_PIN_REFUSED);
    cm_card_objects_clear(&objects);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_told_apart),
        cmocka_unit_test(state_is_kept_without_news),
        cmocka_unit_test(tries_run_out),
        cmocka_unit_test(long_pins_are_not_offered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
