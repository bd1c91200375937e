/* Conversations about a PIN: what is asked, said and offered, in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "buf.h"
#include "login_pin.h"
#include "runner.h"

enum { MAX_TYPED = 4 };

/* What the person types, and what the card makes of each PIN. */
struct row {
    const char *name;
    unsigned before;              /* the token's state */
    const char *given;            /* from a file */
    const char *typed[MAX_TYPED]; /* until NULL: gives up */
    struct {
        enum cm_pin_answer answer;
        unsigned state;
    } card[MAX_TYPED];
    enum cm_login_pin_end end;
    const char *log; /* "a": asked, "w": warned of few tries, "l": of the last
                        one, "n": told that it was not right, digits: offered
                     */
};

static const struct row rows[] = {
    {"right at once",
     0,
     "",
     {"11"},
     {{CM_PIN_RIGHT, 0}},
     CM_LOGIN_PIN_RIGHT,
     "a11"},
    {"right the second time",
     0,
     "",
     {"11", "22"},
     {{CM_PIN_WRONG, CM_PIN_FEW_TRIES}, {CM_PIN_RIGHT, 0}},
     CM_LOGIN_PIN_RIGHT,
     "a11na22"},
    {"right the third time",
     0,
     "",
     {"11", "22", "33"},
     {{CM_PIN_WRONG, CM_PIN_FEW_TRIES},
      {CM_PIN_WRONG, CM_PIN_FEW_TRIES | CM_PIN_LAST_TRY},
      {CM_PIN_RIGHT, 0}},
     CM_LOGIN_PIN_RIGHT,
     "a11na22nla33"},
    {"wrong three times",
     0,
     "",
     {"11", "22", "33", "44"},
     {{CM_PIN_WRONG, CM_PIN_FEW_TRIES},
      {CM_PIN_WRONG, CM_PIN_FEW_TRIES},
      {CM_PIN_WRONG, CM_PIN_FEW_TRIES}},
     CM_LOGIN_PIN_NO,
     "a11na22na33"},
    {"a card that says nothing is asked twice",
     0,
     "",
     {"11", "22", "33"},
     {{CM_PIN_WRONG, 0}, {CM_PIN_WRONG, 0}},
     CM_LOGIN_PIN_NO,
     "a11na22"},
    {"the last one, said before",
     CM_PIN_FEW_TRIES | CM_PIN_LAST_TRY,
     "",
     {"11"},
     {{CM_PIN_RIGHT, 0}},
     CM_LOGIN_PIN_RIGHT,
     "la11"},
    {"the last one, lost",
     CM_PIN_LAST_TRY,
     "",
     {"11", "22"},
     {{CM_PIN_WRONG, CM_PIN_LOCKED}},
     CM_LOGIN_PIN_NO,
     "la11"},
    {"blocked by it",
     CM_PIN_LAST_TRY,
     "",
     {"11", "22"},
     {{CM_PIN_BLOCKED, CM_PIN_LOCKED}},
     CM_LOGIN_PIN_NO,
     "la11"},
    {"blocked, without a word before",
     0,
     "",
     {"11", "22"},
     {{CM_PIN_BLOCKED, 0}},
     CM_LOGIN_PIN_NO,
     "a11"},
    {"few are left",
     CM_PIN_FEW_TRIES,
     "",
     {"11"},
     {{CM_PIN_RIGHT, 0}},
     CM_LOGIN_PIN_RIGHT,
     "wa11"},
    {"the person gives up",
     0,
     "",
     {NULL},
     {{CM_PIN_FAILED, 0}},
     CM_LOGIN_PIN_GIVEN_UP,
     "a"},
    {"the person gives up the last try",
     0,
     "",
     {"11", NULL},
     {{CM_PIN_WRONG, CM_PIN_LAST_TRY}},
     CM_LOGIN_PIN_GIVEN_UP,
     "a11nla"},
    {"too short, then right",
     0,
     "",
     {"1", "22"},
     {{CM_PIN_REFUSED, 0}, {CM_PIN_RIGHT, 0}},
     CM_LOGIN_PIN_RIGHT,
     "a1na22"},
    {"the module fails",
     0,
     "",
     {"11", "22"},
     {{CM_PIN_FAILED, 0}},
     CM_LOGIN_PIN_UNKNOWN,
     "a11"},
    {"locked before",
     CM_PIN_LOCKED,
     "",
     {"11"},
     {{CM_PIN_RIGHT, 0}},
     CM_LOGIN_PIN_NO,
     ""},
    {"locked, with a pad",
     CM_PIN_LOCKED | CM_PIN_PAD,
     "",
     {"11"},
     {{CM_PIN_RIGHT, 0}},
     CM_LOGIN_PIN_NO,
     ""},
    {"never set",
     CM_PIN_UNSET,
     "",
     {"11"},
     {{CM_PIN_RIGHT, 0}},
     CM_LOGIN_PIN_NO,
     ""},
    {"must be changed",
     CM_PIN_EXPIRED,
     "",
     {"11"},
     {{CM_PIN_RIGHT, 0}},
     CM_LOGIN_PIN_NO,
     ""},
    {"a pad",
     CM_PIN_PAD,
     "11",
     {"11"},
     {{CM_PIN_RIGHT, 0}},
     CM_LOGIN_PIN_NOT_HERE,
     ""},
    {"none is needed",
     CM_PIN_NONE,
     "",
     {"11"},
     {{CM_PIN_RIGHT, 0}},
     CM_LOGIN_PIN_NOT_HERE,
     ""},
    {"from a file",
     0,
     "55",
     {"11"},
     {{CM_PIN_RIGHT, 0}},
     CM_LOGIN_PIN_RIGHT,
     "55"},
    {"wrong, from a file",
     0,
     "55",
     {"11"},
     {{CM_PIN_WRONG, CM_PIN_FEW_TRIES}, {CM_PIN_RIGHT, 0}},
     CM_LOGIN_PIN_NO,
     "55"},
    {"the last one, from a file",
     CM_PIN_LAST_TRY,
     "55",
     {"11"},
     {{CM_PIN_RIGHT, 0}},
     CM_LOGIN_PIN_LAST_TRY,
     ""},
};

struct play {
    const struct row *row;
    size_t asked, offered;
    struct cm_buf log;
};

static bool
ask(void *arg, const char *prompt, char *out, size_t size,
    struct cm_detail *detail)
{
    struct play *play = arg;
    const char *typed = play->row->typed[play->asked++];

    assert_string_equal(prompt, "PIN of the card Card 1");
    assert_int_equal(size, CM_CARD_MAX_PIN + 1);
    cm_buf_add_text(&play->log, "a");
    cm_detail_set(detail, "no password given");
    if (typed != NULL)
        (void)strcpy(out, typed);
    return typed != NULL;
}

static enum cm_pin_answer
offer(void *arg, const struct cm_card_object *card, const char *pin,
      unsigned *state, struct cm_detail *detail)
{
    struct play *play = arg;
    size_t n = play->offered++;

    (void)card;
    assert_true(n < MAX_TYPED);
    cm_detail_set(detail, "%s", "");
    cm_buf_add_text(&play->log, pin);
    *state = play->row->card[n].state;
    return play->row->card[n].answer;
}

static void
say(void *arg, const char *text)
{
    struct play *play = arg;
    const char *sign = "n";

    if (strcmp(text, cm_login_pin_warning(CM_PIN_LAST_TRY)) == 0)
        sign = "l";
    else if (strcmp(text, cm_login_pin_warning(CM_PIN_FEW_TRIES)) == 0)
        sign = "w";
    cm_buf_add_text(&play->log, sign);
}

static void
play(const struct row *row)
{
    char token[] = "Card 1", pin[CM_CARD_MAX_PIN + 1];
    struct cm_card_object card = {.token = token, .pin = row->before};
    struct play stage = {.row = row};
    const struct cm_login_pin_ways ways = {ask, offer, say, &stage};
    struct cm_login_words words = {"", "", ""};
    struct cm_detail detail = {""};
    enum cm_login_pin_end end;
    char *log;

    (void)memset(pin, 'x', sizeof(pin));
    end = cm_login_pin(&card, row->given, &ways, pin, &words, &detail);
    log = cm_buf_take(&stage.log);
    if (end != row->end || strcmp(log, row->log) != 0)
        fail_msg("%s: %d, %s", row->name, (int)end, log);
    if (end == CM_LOGIN_PIN_RIGHT)
        assert_non_null(strstr(log, pin));
    else
        assert_string_equal(pin, "");
    if (end == CM_LOGIN_PIN_NO &&
        (words.token[0] == '\0' || strcmp(words.token, "ok") == 0))
        fail_msg("%s: token \"%s\"", row->name, words.token);
    if (end == CM_LOGIN_PIN_GIVEN_UP)
        assert_string_not_equal(detail.text, "");
    free(log);
}

static void
conversations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        play(&rows[i]);
}

/* A wrong PIN is wiped, all of it. */
static void
nothing_is_left(void **state)
{
    char token[] = "Card 1", pin[CM_CARD_MAX_PIN + 1];
    struct cm_card_object card = {.token = token};
    struct play stage = {.row = &rows[3]};
    const struct cm_login_pin_ways ways = {ask, offer, say, &stage};
    struct cm_login_words words;
    struct cm_detail detail;

    (void)state;
    (void)cm_login_pin(&card, "", &ways, pin, &words, &detail);
    for (size_t i = 0; i < sizeof(pin); i++)
        assert_int_equal(pin[i], 0);
    cm_buf_clear(&stage.log);
}

static const struct {
    const char *uri; /* "%s" is the folder */
    const char *pin; /* NULL: refused */
    const char *fault;
} files[] = {
    {"pkcs11:token=a", "", NULL},
    {"pkcs11:token=a?pin-source=%s/pin", "1234", NULL},
    {"pkcs11:token=a?pin-source=file:%s/pin", "1234", NULL},
    {"pkcs11:token=a?pin-source=%s/open", NULL, "group and others"},
    {"pkcs11:token=a?pin-source=%s/none", NULL, "No such file"},
    {"pkcs11:token=a?pin-source=%s/long", NULL, "too long"},
    {"pkcs11:token=a?pin-source=pin", NULL, "with its whole path"},
};

static void
pins_from_files(void **state)
{
    char long_one[CM_CARD_MAX_PIN + 2], here[512], uri[1024];
    char pin[CM_CARD_MAX_PIN + 1];
    struct cm_detail detail;
    bool ok;

    (void)state;
    (void)memset(long_one, '1', sizeof(long_one));
    folder_write("pin", "1234\n", 5);
    folder_write("open", "1234\n", 5);
    folder_write("long", long_one, CM_CARD_MAX_PIN + 1);
    assert_int_equal(chmod("pin", 0600) | chmod("long", 0600), 0);
    assert_int_equal(chmod("open", 0644), 0);
    assert_non_null(realpath(".", here));
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        size_t split = strcspn(files[i].uri, "%");

        (void)snprintf(uri, sizeof(uri), "%.*s%s%s", (int)split, files[i].uri,
                       files[i].uri[split] == '%' ? here : "",
                       files[i].uri[split] == '%' ? files[i].uri + split + 2
                                                  : "");
        cm_detail_set(&detail, "%s", "");
        ok = cm_login_pin_file(uri, pin, &detail);
        if (ok != (files[i].pin != NULL) ||
            (!ok && files[i].fault != NULL &&
             strstr(detail.text, files[i].fault) == NULL))
            fail_msg("%s: %s", uri, detail.text);
        assert_string_equal(pin, ok ? files[i].pin : "");
    }
}

static int
enter(void **state)
{
    (void)state;
    folder_enter();
    return 0;
}

static int
leave(void **state)
{
    (void)state;
    folder_leave();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversations),
        cmocka_unit_test(nothing_is_left),
        cmocka_unit_test(pins_from_files),
    };

    return cmocka_run_group_tests(tests, enter, leave);
}
