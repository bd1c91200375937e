/* What certificates on cards are called, and which of them are one. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "login_identity.h"
#include "testcert.h"

#define NOW 1700000000 /* 2023 */
#define LIBRARY "/usr/lib/a.so"

enum { ALICE, BOB, OLD, JUNK, CERTIFICATES };
enum { MAX_OBJECTS = 4 };

static struct {
    uint8_t *der;
    size_t len;
} certificates[CERTIFICATES];

struct object {
    int certificate;
    const char *module;
    unsigned long slot;
    const char *token, *serial, *label;
    const char *id; /* bytes */
};

static const struct {
    const char *name;
    const char *uri; /* that it was found by */
    struct object object;
    const char *where, *value;
    const char *krb5; /* NULL: not usable */
} names[] = {
    {"plain",
     NULL,
     {ALICE, LIBRARY, 3, "Card", "0042", "sign", "\x01"},
     "Card/sign",
     "pkcs11:serial=0042;token=Card;id=%01;object=sign",
     "PKCS11:module_name=" LIBRARY ":slotid=3:certid=01"},
    {"a long id",
     NULL,
     {ALICE, LIBRARY, 0, "Card", "", "", "\x0a\xff\x20"},
     "Card",
     "pkcs11:token=Card;id=%0A%FF%20",
     "PKCS11:module_name=" LIBRARY ":slotid=0:certid=0aff20"},
    {"no id",
     NULL,
     {ALICE, LIBRARY, 1, "Card", "", "a b", ""},
     "Card/a b",
     "pkcs11:token=Card;object=a%20b",
     "PKCS11:module_name=" LIBRARY ":slotid=1:certlabel=a b"},
    {"neither id nor label",
     NULL,
     {ALICE, LIBRARY, 1, "Card", "", "", ""},
     "Card",
     "pkcs11:token=Card",
     NULL},
    {"no id, and a label that libkrb5 would split",
     NULL,
     {ALICE, LIBRARY, 1, "Card", "", "a:b", ""},
     "Card/a:b",
     "pkcs11:token=Card;object=a%3Ab",
     NULL},
    {"an id, and such a label",
     NULL,
     {ALICE, LIBRARY, 1, "Card", "", "a:b", "\x01"},
     "Card/a:b",
     "pkcs11:token=Card;id=%01;object=a%3Ab",
     "PKCS11:module_name=" LIBRARY ":slotid=1:certid=01"},
    {"a slot that libkrb5 cannot read",
     NULL,
     {ALICE, LIBRARY, (unsigned long)INT_MAX + 1, "Card 2", "", "", "\x01"},
     "Card 2",
     "pkcs11:token=Card%202;id=%01",
     "PKCS11:module_name=" LIBRARY ":token=Card 2:certid=01"},
    {"such a slot, and a token that it would split",
     NULL,
     {ALICE, LIBRARY, ULONG_MAX, "Card:2", "", "", "\x01"},
     "Card:2",
     "pkcs11:token=Card%3A2;id=%01",
     NULL},
    {"a module that it would split",
     NULL,
     {ALICE, "/opt/a:b.so", 1, "Card", "", "", "\x01"},
     "Card",
     "pkcs11:token=Card;id=%01",
     NULL},
    {"a module of the user's",
     "pkcs11:?module-path=/opt/a.so",
     {ALICE, "/opt/a.so", 1, "Card", "", "", "\x01"},
     "Card",
     "pkcs11:token=Card;id=%01?module-path=%2Fopt%2Fa.so",
     "PKCS11:module_name=/opt/a.so:slotid=1:certid=01"},
    {"a file with the PIN",
     "pkcs11:token=Card?pin-source=/run/pin",
     {ALICE, LIBRARY, 1, "Card", "", "", "\x01"},
     "Card",
     "pkcs11:token=Card;id=%01?pin-source=%2Frun%2Fpin",
     "PKCS11:module_name=" LIBRARY ":slotid=1:certid=01"},
    {"ended",
     NULL,
     {OLD, LIBRARY, 1, "Card", "", "", "\x01"},
     "Card",
     "pkcs11:token=Card;id=%01",
     NULL},
    {"no certificate",
     NULL,
     {JUNK, LIBRARY, 1, "Card", "", "", "\x01"},
     "Card",
     "pkcs11:token=Card;id=%01",
     NULL},
};

static const struct {
    const char *name;
    size_t count;
    struct object objects[MAX_OBJECTS];
    const char *values[MAX_OBJECTS]; /* what is left, until NULL */
} lists[] = {
    {"nothing", 0, {{0}}, {NULL}},
    {"two certificates",
     2,
     {{ALICE, "a.so", 1, "A", "", "", "1"},
      {BOB, "a.so", 1, "A", "", "", "2"}},
     {"pkcs11:token=A;id=%31", "pkcs11:token=A;id=%32"}},
    {"two modules for one reader",
     4,
     {{ALICE, "a.so", 1, "A", "", "", "1"},
      {BOB, "a.so", 1, "A", "", "", "2"},
      {ALICE, "b.so", 7, "B", "", "", "9"},
      {BOB, "b.so", 7, "B", "", "", "2"}},
     {"pkcs11:token=A;id=%31", "pkcs11:token=A;id=%32"}},
    {"one of which libkrb5 cannot use",
     2,
     {{ALICE, "a:b.so", 1, "A", "", "", "1"},
      {ALICE, "b.so", 7, "B", "", "", "9"}},
     {"pkcs11:token=B;id=%39"}},
    {"neither of which it can",
     2,
     {{ALICE, "a:b.so", 1, "A", "", "", "1"},
      {ALICE, "b:b.so", 7, "B", "", "", "9"}},
     {"pkcs11:token=A;id=%31"}},
    /* One of them may have no key. */
    {"one certificate twice in a card",
     2,
     {{ALICE, "a.so", 1, "A", "", "", "1"},
      {ALICE, "a.so", 1, "A", "", "", "2"}},
     {"pkcs11:token=A;id=%31", "pkcs11:token=A;id=%32"}},
    {"junk twice",
     2,
     {{JUNK, "a.so", 1, "A", "", "", "1"},
      {JUNK, "b.so", 1, "B", "", "", "1"}},
     {"pkcs11:token=A;id=%31"}},
};

static char *
copy(const char *text)
{
    char *made = strdup(text);

    assert_non_null(made);
    return made;
}

static void
put(struct cm_card_object *out, const struct object *object)
{
    size_t len = certificates[object->certificate].len;

    *out = (struct cm_card_object){
        .der = malloc(len),
        .der_len = len,
        .module = copy(object->module),
        .slot = object->slot,
        .token = copy(object->token),
        .serial = copy(object->serial),
        .label = copy(object->label),
        .id_len = strlen(object->id),
    };
    assert_non_null(out->der);
    (void)memcpy(out->der, certificates[object->certificate].der, len);
    (void)memcpy(out->id, object->id, out->id_len);
}

static struct cm_login_identities
take(const struct object *list, size_t count, const char *uri)
{
    struct cm_card_objects objects = {calloc(count + 1, sizeof(*objects.list)),
                                      count};
    struct cm_login_identities taken;

    for (size_t i = 0; i < count; i++)
        put(&objects.list[i], &list[i]);
    assert_true(cm_login_cards_take(&objects, uri, NOW, &taken));
    assert_null(objects.list);
    return taken;
}

static bool
equal(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
called(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct cm_login_identities taken =
            take(&names[i].object, 1, names[i].uri);
        const struct cm_login_identity *one = &taken.list[0];

        assert_int_equal(taken.count, 1);
        if (!equal(one->where, names[i].where) ||
            !equal(one->value, names[i].value) ||
            (one->usable && !equal(one->krb5, names[i].krb5)) ||
            one->usable != (names[i].krb5 != NULL))
            fail_msg("%s: %s, %s, %s", names[i].name, one->where, one->value,
                     one->krb5);
        if (!one->usable)
            assert_string_not_equal(one->why.text, "");
        cm_login_identities_clear(&taken);
    }
}

static void
offered_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct cm_login_identities taken =
            take(lists[i].objects, lists[i].count, NULL);

        for (size_t n = 0; n < taken.count; n++) {
            if (!equal(taken.list[n].value, lists[i].values[n]))
                fail_msg("%s: %zu: %s", lists[i].name, n, taken.list[n].value);
        }
        assert_true(taken.count == MAX_OBJECTS ||
                    lists[i].values[taken.count] == NULL);
        cm_login_identities_clear(&taken);
    }
}

static int
issue(void **state)
{
    static const struct tc_spec specs[] = {
        [ALICE] = {.subject = "CN=alice"},
        [BOB] = {.subject = "CN=bob"},
        [OLD] = {.subject = "CN=old", .not_after = "20210101000000Z"},
    };
    X509 *cert;

    (void)state;
    for (int i = 0; i < JUNK; i++) {
        cert = tc_make(&specs[i]);
        certificates[i].der = tc_der(cert, &certificates[i].len);
        X509_free(cert);
    }
    certificates[JUNK].der = tc_hex("3000", &certificates[JUNK].len);
    return 0;
}

static int
forget(void **state)
{
    (void)state;
    for (int i = 0; i < CERTIFICATES; i++)
        free(certificates[i].der);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(called),
        cmocka_unit_test(offered_once),
    };

    return cmocka_run_group_tests(tests, issue, forget);
}
