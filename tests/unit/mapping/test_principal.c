#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include <krb5.h>

#include "principal.h"

#define REALM "EXAMPLE.COM"

static const struct {
    const char *text;
    const char *default_realm;
    const char *expected; /* text form; NULL: refused */
    size_t components;
} cases[] = {
    {"alice@" REALM, NULL, "alice@" REALM, 1},
    {"alice", REALM, "alice@" REALM, 1},
    {"alice@OTHER", REALM, "alice@OTHER", 1},
    {"host/a.example.com@" REALM, NULL, "host/a.example.com@" REALM, 2},
    {"host/a.example.com", REALM, "host/a.example.com@" REALM, 2},
    {"WS1$@" REALM, NULL, "WS1$@" REALM, 1},
    {"a/b/c/d/e/f/g/h@R", NULL, "a/b/c/d/e/f/g/h@R", 8},
    {"alice\\@example.com@" REALM, NULL, "alice\\@example.com@" REALM, 1},
    {"alice\\@example.com", REALM, "alice\\@example.com@" REALM, 1},
    {"a\\/b@R", NULL, "a\\/b@R", 1},
    {"a\\\\b@R", NULL, "a\\\\b@R", 1},
    {"\\a\\l\\i@R", NULL, "ali@R", 1}, /* needless escapes */
    {"a@R\\@S", NULL, "a@R\\@S", 1},
    {"a@R\\/S", NULL, "a@R\\/S", 1},
    {"a b@R", NULL, "a b@R", 1},
    {"m\xc3\xbcller@R", NULL, "m\xc3\xbcller@R", 1},
    {"a\"*(){}@R", NULL, "a\"*(){}@R", 1},

    {"", REALM, NULL, 0},
    {"@", REALM, NULL, 0},
    {"@" REALM, NULL, NULL, 0},
    {"alice", NULL, NULL, 0},
    {"alice", "", NULL, 0},
    {"alice@", REALM, NULL, 0},
    {"/alice@R", NULL, NULL, 0},
    {"alice/@R", NULL, NULL, 0},
    {"a//b@R", NULL, NULL, 0},
    {"/", REALM, NULL, 0},
    {"a@R@S", NULL, NULL, 0},
    {"alice@example.com@R", NULL, NULL, 0},
    {"a@R/S", NULL, NULL, 0},
    {"alice\\", REALM, NULL, 0},
    {"alice@R\\", NULL, NULL, 0},
    {"a\\nb@R", NULL, NULL, 0},
    {"a\\tb@R", NULL, NULL, 0},
    {"a\\bb@R", NULL, NULL, 0},
    {"a\\0b@R", NULL, NULL, 0},
    {"a\nb@R", NULL, NULL, 0},
    {"a\x7f@R", NULL, NULL, 0},
    {"a\x1b[2J@R", NULL, NULL, 0},
    {"a\xc2\x85@R", NULL, NULL, 0}, /* C1 */
    {"a\xff@R", NULL, NULL, 0},
    {"a\xc0\xaf@R", NULL, NULL, 0}, /* "/" in two bytes */
    {"a@R\n", NULL, NULL, 0},
    {"a@R\xff", NULL, NULL, 0},
    {"a", "R\n", NULL, 0},
    {"a/b/c/d/e/f/g/h/i@R", NULL, NULL, 0},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static void
assert_zeroed(const struct cm_principal *principal)
{
    static const struct cm_principal zero;

    assert_memory_equal(principal, &zero, sizeof(zero));
}

static void
texts_parse(void **state)
{
    struct cm_principal principal, again;
    bool parsed;

    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        memset(&principal, 0x5a, sizeof(principal));
        parsed = cm_principal_parse(cases[i].text, cases[i].default_realm,
                                    &principal);
        if (parsed != (cases[i].expected != NULL))
            fail_msg("%s: %d", cases[i].text, parsed);
        if (!parsed) {
            assert_zeroed(&principal);
            continue;
        }
        assert_string_equal(principal.text, cases[i].expected);
        assert_int_equal(principal.component_count, cases[i].components);

        /* The text form says all. */
        assert_true(cm_principal_parse(principal.text, NULL, &again));
        assert_string_equal(again.text, principal.text);
        assert_string_equal(again.realm, principal.realm);
        cm_principal_clear(&again);
        cm_principal_clear(&principal);
        assert_zeroed(&principal);
    }
}

/* The parts are unescaped. */
static void
parts_are_plain(void **state)
{
    struct cm_principal principal;

    (void)state;
    assert_true(cm_principal_parse("a\\/b/c\\@d\\\\@R\\@S", NULL, &principal));
    assert_int_equal(principal.component_count, 2);
    assert_string_equal(principal.components[0], "a/b");
    assert_string_equal(principal.components[1], "c@d\\");
    assert_string_equal(principal.realm, "R@S");
    cm_principal_clear(&principal);
}

/* libkrb5 accepts whatever we accept, and writes the same text. */
static void
krb5_agrees(void **state)
{
    krb5_context context;
    krb5_principal theirs;
    char *text;

    (void)state;
    assert_int_equal(krb5_init_context(&context), 0);
    assert_int_equal(krb5_set_default_realm(context, REALM), 0);
    for (size_t i = 0; i < CASES; i++) {
        if (cases[i].expected == NULL)
            continue;
        assert_int_equal(krb5_parse_name(context, cases[i].text, &theirs), 0);
        assert_int_equal(krb5_unparse_name(context, theirs, &text), 0);
        assert_string_equal(text, cases[i].expected);
        assert_int_equal(theirs->length, cases[i].components);
        krb5_free_unparsed_name(context, text);
        krb5_free_principal(context, theirs);
    }
    krb5_free_context(context);
}

static void
parts_build(void **state)
{
    static const char *const components[] = {"host", "a/b@c\\tail"};
    static const size_t lengths[] = {4, 6};
    struct cm_principal principal;

    (void)state;
    assert_true(
        cm_principal_build(components, lengths, 2, "REALMS", 5, &principal));
    assert_string_equal(principal.text, "host/a\\/b\\@c\\\\@REALM");
    assert_string_equal(principal.components[1], "a/b@c\\");
    assert_string_equal(principal.realm, "REALM");
    cm_principal_clear(&principal);
}

static void
bad_parts_refuse(void **state)
{
    static const char *const components[] = {"a", "b\0c", "", "d\n", NULL};
    static const size_t lengths[] = {1, 3, 0, 2, 0};
    const char *many[CM_PRINCIPAL_MAX_COMPONENTS + 1];
    size_t ones[CM_PRINCIPAL_MAX_COMPONENTS + 1];
    struct cm_principal principal;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        bool built = cm_principal_build(components + i, lengths + i, 1, "R", 1,
                                        &principal);

        assert_int_equal(built, i == 0);
        if (built)
            cm_principal_clear(&principal);
        assert_zeroed(&principal);
    }
    assert_false(
        cm_principal_build(components, lengths, 2, "R", 1, &principal));
    assert_false(
        cm_principal_build(components, lengths, 0, "R", 1, &principal));
    assert_false(
        cm_principal_build(components, lengths, 1, NULL, 0, &principal));
    assert_false(
        cm_principal_build(components, lengths, 1, "R\0S", 3, &principal));
    for (size_t i = 0; i <= CM_PRINCIPAL_MAX_COMPONENTS; i++) {
        many[i] = "a";
        ones[i] = 1;
    }
    assert_true(cm_principal_build(many, ones, CM_PRINCIPAL_MAX_COMPONENTS,
                                   "R", 1, &principal));
    cm_principal_clear(&principal);
    assert_false(cm_principal_build(
        many, ones, CM_PRINCIPAL_MAX_COMPONENTS + 1, "R", 1, &principal));
}

/* The limit is of the text form, escapes counted. */
static void
long_names_refuse(void **state)
{
    char name[CM_PRINCIPAL_MAX_TEXT + 2];
    struct cm_principal principal;

    (void)state;
    memset(name, 'a', sizeof(name));
    name[CM_PRINCIPAL_MAX_TEXT - 2] = '\0';
    assert_true(cm_principal_parse(name, "R", &principal));
    assert_int_equal(strlen(principal.text), CM_PRINCIPAL_MAX_TEXT);
    cm_principal_clear(&principal);

    name[CM_PRINCIPAL_MAX_TEXT - 2] = 'a';
    name[CM_PRINCIPAL_MAX_TEXT - 1] = '\0';
    assert_false(cm_principal_parse(name, "R", &principal));
    assert_zeroed(&principal);

    name[CM_PRINCIPAL_MAX_TEXT - 1] = 'a';
    name[CM_PRINCIPAL_MAX_TEXT + 1] = '\0';
    assert_false(cm_principal_parse(name, "R", &principal));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_parse),
        cmocka_unit_test(parts_are_plain),
        cmocka_unit_test(krb5_agrees),
        cmocka_unit_test(parts_build),
        cmocka_unit_test(bad_parts_refuse),
        cmocka_unit_test(long_names_refuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
