/* What certmap login says: every end, every number, every PIN. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "login_words.h"
#include "reason.h"

enum { LAST_NUMBER = 255 }; /* no KDC sends it */

static struct cm_login_words
of_number(int number, bool given)
{
    struct cm_login_result result = {.end = CM_LOGIN_REFUSED,
                                     .number = number};

    return cm_login_words(&result, given);
}

/* Tokens are words, sentences have their full stop, nothing is missing. */
static void
check_form(struct cm_login_words words)
{
    size_t len;

    assert_non_null(words.token);
    assert_non_null(words.text);
    assert_non_null(words.next);
    len = strlen(words.token);
    assert_true(len > 0 &&
                strspn(words.token, "abcdefghijklmnopqrstuvwxyz-") == len);
    len = strlen(words.text);
    assert_true(len > 0 && words.text[len - 1] == '.');
    len = strlen(words.next);
    assert_true(len == 0 || words.next[len - 1] == '.');
}

static const struct {
    int number;
    const char *token;
    const char *text, *given; /* what the text holds; given NULL: the same */
} NUMBERS[] = {
    {1, "account-expired", "account has expired", NULL},
    {2, "realm-expired", "realm's own key", NULL},
    {3, "version", "version", NULL},
    {6, "no-account", "for this certificate", "of this name"},
    {7, "no-realm", "realm", NULL},
    {8, "several-accounts", "More than one account", NULL},
    {9, "no-key", "no key", NULL},
    {11, "never-valid", "never be valid", NULL},
    {12, "policy", "policy", NULL},
    {13, "option", "asked for", NULL},
    {14, "encryption", "require preauthentication", NULL},
    {16, "not-offered", "takes no certificates", NULL},
    {18, "account-locked", "disabled or locked", NULL},
    {21, "account-not-yet", "not valid yet", NULL},
    {23, "password-expired", "password has expired", NULL},
    {24, "not-checked", "could not check", NULL},
    {25, "more-wanted", "key in a card", NULL},
    {29, "unavailable", "not available", NULL},
    {31, "integrity", "could not read", NULL},
    {32, "armor-expired", "armor", NULL},
    {37, "clock", "clock", NULL},
    {41, "modified", "something else", NULL},
    {44, "armor-unknown", "armor", NULL},
    {52, "too-big", "datagram", NULL},
    {60, "kdc-fault", "fault", NULL},
    {61, "too-long", "too long", NULL},
    {62, "not-trusted", "issuer may not", NULL},
    {63, "kdc-not-trusted", "not trusted itself", NULL},
    {64, "signature", "signature", NULL},
    {65, "key-parameters", "Diffie-Hellman", NULL},
    {66, "mismatch", "more than one", "another's"},
    {68, "wrong-realm", "another realm", NULL},
    {70, "path-untrusted", "no path", NULL},
    {71, "certificate-invalid", "expired", NULL},
    {72, "revoked", "revoked", NULL},
    {73, "status-unknown", "nothing current", NULL},
    {74, "status-unavailable", "in time", NULL},
    {75, "not-mapped", "or several", "does not belong to this account"},
    {76, "kdc-name", "this realm's KDC", NULL},
    {77, "key-purpose", "not one for logging in", NULL},
    {78, "digest", "digest", NULL},
    {79, "checksum", "checksum", NULL},
    {80, "signature-digest", "digest", NULL},
    {81, "key-encryption", "encrypt to public keys", NULL},
    {90, "took-too-long", "too long", NULL},
    {LAST_NUMBER, "refused", "reason of its own", NULL},
};

static void
test_numbers(void **state)
{
    struct cm_login_words words, given;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(NUMBERS) / sizeof(*NUMBERS); i++) {
        words = of_number(NUMBERS[i].number, false);
        given = of_number(NUMBERS[i].number, true);
        check_form(words);
        check_form(given);
        assert_string_equal(words.token, NUMBERS[i].token);
        assert_string_equal(given.token, NUMBERS[i].token);
        assert_non_null(strstr(words.text, NUMBERS[i].text));
        if (NUMBERS[i].given != NULL)
            assert_non_null(strstr(given.text, NUMBERS[i].given));
        else
            assert_string_equal(given.text, words.text);
    }
}

/* The table above is all there is. */
static void
test_no_other_numbers(void **state)
{
    bool listed;
    size_t i;
    int n;

    (void)state;
    for (n = -1; n <= LAST_NUMBER; n++) {
        listed = false;
        for (i = 0; i < sizeof(NUMBERS) / sizeof(*NUMBERS); i++)
            listed = listed || NUMBERS[i].number == n;
        if (!listed)
            assert_string_equal(of_number(n, false).token, "refused");
    }
}

/* Whatever certmap refuses for has words of its own. */
static void
test_reasons(void **state)
{
    static const int REASONS[] = {
#define NUMBER_OF(id, token, number, text) number,
        CM_REASONS(NUMBER_OF)
#undef NUMBER_OF
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(REASONS) / sizeof(*REASONS); i++) {
        if (REASONS[i] != 0)
            assert_string_not_equal(of_number(REASONS[i], false).token,
                                    "refused");
    }
}

static void
test_ends(void **state)
{
    static const struct {
        enum cm_login_end end;
        enum cm_login_fault fault;
        const char *token, *text;
    } ROWS[] = {
        {CM_LOGIN_DONE, CM_LOGIN_FAULT_NONE, "ok", "logged in"},
        {CM_LOGIN_UNREACHABLE, CM_LOGIN_FAULT_NONE, "unreachable",
         "No KDC of the realm answered"},
        {CM_LOGIN_GIVEN_UP, CM_LOGIN_FAULT_NONE, "given-up", "No PIN"},
        {CM_LOGIN_CLIENT, CM_LOGIN_FAULT_NONE, "client", "on this computer"},
        {CM_LOGIN_CLIENT, CM_LOGIN_FAULT_OTHER, "client", "on this computer"},
        {CM_LOGIN_CLIENT, CM_LOGIN_FAULT_NAME, "bad-name", "name"},
        {CM_LOGIN_CLIENT, CM_LOGIN_FAULT_MODULE, "no-pkinit", "certificates"},
        {CM_LOGIN_CLIENT, CM_LOGIN_FAULT_ANCHORS, "no-anchors", "missing"},
        {CM_LOGIN_CLIENT, CM_LOGIN_FAULT_IDENTITY, "identity", "PIN"},
        {CM_LOGIN_CLIENT, CM_LOGIN_FAULT_VALIDITY, "expired", "expired"},
        {CM_LOGIN_CLIENT, CM_LOGIN_FAULT_PATH, "no-path", "no path"},
        {CM_LOGIN_CLIENT, CM_LOGIN_FAULT_LOCKED, "card-locked", "locked"},
        {CM_LOGIN_CLIENT, CM_LOGIN_FAULT_NOT_OFFERED, "not-offered",
         "no certificates"},
        {CM_LOGIN_CLIENT, CM_LOGIN_FAULT_NO_PREAUTH, "no-preauth", "password"},
        {CM_LOGIN_CLIENT, CM_LOGIN_FAULT_KDC_CERTIFICATE, "kdc-not-trusted",
         "does not trust the KDC's"},
        {CM_LOGIN_CLIENT, CM_LOGIN_FAULT_KDC_NAME, "kdc-name",
         "this realm's KDC"},
        {CM_LOGIN_CLIENT, CM_LOGIN_FAULT_CLOCK, "clock", "clock"},
        {CM_LOGIN_CLIENT, CM_LOGIN_FAULT_ARMOR, "no-armor", "armor"},
        {CM_LOGIN_CLIENT, CM_LOGIN_FAULT_REALM, "wrong-realm",
         "another realm"},
        {CM_LOGIN_CLIENT, CM_LOGIN_FAULT_REPLY, "bad-reply", "something else"},
        {CM_LOGIN_CLIENT, CM_LOGIN_FAULT_CACHE, "cache", "stored"},
    };
    struct cm_login_result result;
    struct cm_login_words words;
    size_t i;

    (void)state;
    /* The last fault is the last row: none is forgotten. */
    assert_int_equal(sizeof(ROWS) / sizeof(*ROWS), 4 + CM_LOGIN_FAULT_CACHE);
    for (i = 0; i < sizeof(ROWS) / sizeof(*ROWS); i++) {
        result = (struct cm_login_result){.end = ROWS[i].end,
                                          .fault = ROWS[i].fault};
        words = cm_login_words(&result, i % 2 == 0);
        check_form(words);
        assert_string_equal(words.token, ROWS[i].token);
        assert_non_null(strstr(words.text, ROWS[i].text));
    }
}

#define EVERY                                                                 \
    (CM_PIN_FEW_TRIES | CM_PIN_LAST_TRY | CM_PIN_LOCKED | CM_PIN_UNSET |      \
     CM_PIN_EXPIRED)

static void
test_pins(void **state)
{
    static const struct {
        enum cm_pin_answer answer;
        unsigned state;
        const char *token;
    } ROWS[] = {
        {CM_PIN_RIGHT, 0, "ok"},
        {CM_PIN_RIGHT, EVERY, "ok"},
        {CM_PIN_WRONG, 0, "pin-wrong"},
        {CM_PIN_WRONG, CM_PIN_PAD, "pin-wrong"},
        {CM_PIN_WRONG, CM_PIN_FEW_TRIES, "pin-few-tries"},
        {CM_PIN_WRONG, CM_PIN_LAST_TRY, "pin-last-try"},
        {CM_PIN_WRONG, CM_PIN_FEW_TRIES | CM_PIN_LAST_TRY, "pin-last-try"},
        {CM_PIN_WRONG, CM_PIN_LOCKED, "card-locked"},
        {CM_PIN_WRONG, EVERY, "card-locked"},
        {CM_PIN_WRONG, CM_PIN_EXPIRED, "pin-expired"},
        {CM_PIN_BLOCKED, 0, "card-locked"},
        {CM_PIN_BLOCKED, CM_PIN_UNSET, "card-locked"},
        {CM_PIN_REFUSED, 0, "pin-refused"},
        {CM_PIN_REFUSED, CM_PIN_LAST_TRY, "pin-refused"},
        {CM_PIN_FAILED, 0, "card-failed"},
        {CM_PIN_FAILED, CM_PIN_FEW_TRIES, "card-failed"},
        {CM_PIN_FAILED, CM_PIN_UNSET, "pin-unset"},
        {CM_PIN_FAILED, CM_PIN_EXPIRED, "pin-expired"},
        {CM_PIN_FAILED, CM_PIN_LOCKED, "card-locked"},
    };
    struct cm_login_words words;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(ROWS) / sizeof(*ROWS); i++) {
        words = cm_login_pin_words(ROWS[i].answer, ROWS[i].state);
        check_form(words);
        assert_string_equal(words.token, ROWS[i].token);
    }
}

static void
test_warnings(void **state)
{
    static const struct {
        unsigned state;
        const char *text; /* what the warning holds; NULL: none */
    } ROWS[] = {
        {0, NULL},
        {CM_PIN_PAD, NULL},
        {CM_PIN_NONE, NULL},
        {CM_PIN_FEW_TRIES, "few tries"},
        {CM_PIN_LAST_TRY, "One try is left"},
        {CM_PIN_FEW_TRIES | CM_PIN_LAST_TRY | CM_PIN_PAD, "One try is left"},
        {CM_PIN_LOCKED, "is locked"},
        {EVERY, "is locked"},
        {CM_PIN_UNSET, "ever set"},
        {CM_PIN_EXPIRED | CM_PIN_FEW_TRIES, "has expired"},
    };
    const char *warning;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(ROWS) / sizeof(*ROWS); i++) {
        warning = cm_login_pin_warning(ROWS[i].state);
        if (ROWS[i].text == NULL)
            assert_string_equal(warning, "");
        else
            assert_non_null(strstr(warning, ROWS[i].text));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_no_other_numbers),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_pins),
        cmocka_unit_test(test_warnings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
