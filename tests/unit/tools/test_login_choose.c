/* Choosing among certificates, on a terminal and by their digests. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "login_choose.h"

enum { COUNT = 4, MAX_SCREEN = 8192, LATE = 2000000000 };

/* The second cannot be used. */
static struct cm_login_identity all[COUNT];
static char whos[COUNT][32], values[COUNT][64];
static char place[] = "card/label", issuer[] = "CN=CA\x1b[2J";

static int
make(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        struct cm_login_identity *one = &all[i];

        (void)snprintf(whos[i], sizeof(whos[i]), "user%zu@corp.test", i);
        (void)snprintf(values[i], sizeof(values[i]), "pkcs11:id=%%0%zu", i);
        one->decoded = true;
        one->who = whos[i];
        one->where = place;
        one->value = values[i];
        one->cert.issuer_rfc4514 = issuer;
        one->cert.not_after = LATE;
        (void)memset(one->cert.sha256, i < 2 ? 0xab : 0x10 + (int)i,
                     sizeof(one->cert.sha256));
        one->usable = i != 1;
    }
    cm_detail_set(&all[1].why, "expired");
    return 0;
}

static struct cm_login_identities
first(size_t count)
{
    return (struct cm_login_identities){all, count};
}

static const struct {
    size_t count;
    const char *prefix;
    enum cm_login_found found;
    size_t index;
} finds[] = {
    {0, NULL, CM_LOGIN_FOUND_NONE, 0},
    {1, NULL, CM_LOGIN_FOUND_ONE, 0},
    {2, NULL, CM_LOGIN_FOUND_ONE, 0},
    {3, NULL, CM_LOGIN_FOUND_SEVERAL, 0},
    {COUNT, "1313", CM_LOGIN_FOUND_ONE, 3},
    {COUNT, "abab", CM_LOGIN_FOUND_ONE, 0}, /* the other is not usable */
    {COUNT, "ABABab", CM_LOGIN_FOUND_ONE, 0},
    {COUNT, "ffff", CM_LOGIN_FOUND_NONE, 0},
    {3, "1313", CM_LOGIN_FOUND_NONE, 0},
};

static void
found_by_digest(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
        struct cm_login_identities identities = first(finds[i].count);
        size_t index = COUNT;

        assert_int_equal(cm_login_find(&identities, finds[i].prefix, &index),
                         finds[i].found);
        if (finds[i].found == CM_LOGIN_FOUND_ONE)
            assert_int_equal(index, finds[i].index);
        else
            assert_int_equal(index, COUNT);
    }
}

static void
digests_are_digits(void **state)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF"
                                 "0123456789abcdef0123456789ABCDEF";

    (void)state;
    assert_true(cm_login_prefix_is_valid("0a1B"));
    assert_true(cm_login_prefix_is_valid(digits));
    assert_false(cm_login_prefix_is_valid("0a1"));
    assert_false(cm_login_prefix_is_valid(""));
    assert_false(cm_login_prefix_is_valid("0x12"));
    assert_false(cm_login_prefix_is_valid("ab cd"));
    assert_false(
        cm_login_prefix_is_valid("0123456789abcdef0123456789ABCDEF"
                                 "0123456789abcdef0123456789ABCDEF0"));
}

static const struct {
    const char *types;
    int index; /* -1: none */
    int asked;
} answers[] = {
    {"1\n", 0, 1},
    {"2\n", 2, 1}, /* the numbers are those of what is shown */
    {"3\n", 3, 1},
    {"\n", -1, 1},
    {"4\n2\n", 2, 2},
    {"0\nx\n3\n", 3, 3},
    {"4\n4\n4\n1\n", -1, 3},
    {" 1\n+1\n1 \n", -1, 3},
    {"1x\n01\n-1\n", -1, 3},
    {"99999999999999999999\n1\n", 0, 2},
    {"\x04", -1, 1}, /* the end of the input */
};

/* Types first, then lets it be read: one line at a time. */
static void
sit_down(const char *types, int index, int asked)
{
    struct cm_login_identities identities = first(COUNT);
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK), terminal;
    char screen[MAX_SCREEN] = "";
    size_t chosen = COUNT, len = 0;
    ssize_t n;
    bool ok;

    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(terminal >= 0);
    assert_int_equal(write(master, types, strlen(types)),
                     (ssize_t)strlen(types));
    ok = cm_login_choose(terminal, &identities, &chosen);
    while ((n = read(master, screen + len, sizeof(screen) - 1 - len)) > 0)
        len += (size_t)n;
    close(terminal);
    close(master);
    assert_int_equal(ok, index >= 0);
    assert_int_equal(chosen, index >= 0 ? index : COUNT);
    for (const char *p = screen; (p = strstr(p, "(1-3, empty")) != NULL; p++)
        asked--;
    assert_int_equal(asked, 0);
    assert_non_null(strstr(screen, "  2  user2@corp.test, until 2033-05-18"));
    assert_null(strstr(screen, "user1"));
    assert_null(strstr(screen, "\x1b[2J"));
}

static void
chosen_on_a_terminal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        sit_down(answers[i].types, answers[i].index, answers[i].asked);
}

/* With those that cannot be used, and why. */
static void
listed(void **state)
{
    struct cm_login_identities identities = first(2);
    size_t len;
    char *text;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    cm_login_show(out, &identities, false);
    fclose(out);
    assert_non_null(strstr(text, "  1  user0@corp.test"));
    assert_non_null(strstr(text, "  2  user1@corp.test"));
    assert_non_null(strstr(text, "expired"));
    assert_non_null(strstr(text, "-I 'pkcs11:id=%01'\n"));
    assert_non_null(strstr(text, "--sha256 abababababababab\n"));
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_by_digest),
        cmocka_unit_test(digests_are_digits),
        cmocka_unit_test(chosen_on_a_terminal),
        cmocka_unit_test(listed),
    };

    return cmocka_run_group_tests(tests, make, NULL);
}
