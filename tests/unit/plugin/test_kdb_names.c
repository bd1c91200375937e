/* Which names of clients are taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kdb_names.h"

struct name_case {
    const char *text;
    size_t len; /* 0: that of the text */
    bool taken;
    enum cm_form form;
};

static const struct name_case upns[] = {
    {"alice@corp.test", 0, true, CM_FORM_NONE},
    {"a@b", 0, true, CM_FORM_NONE},
    {"Ren\xc3\xa9 M.@corp.test", 0, true, CM_FORM_NONE},
    {"*)(uid=*@corp.test", 0, true, CM_FORM_NONE}, /* escaped where used */
    {"a/b@c", 0, true, CM_FORM_NONE},
    {"", 0, false, CM_FORM_NONE},
    {"@", 0, false, CM_FORM_NONE},
    {"alice", 0, false, CM_FORM_NONE},
    {"@corp.test", 0, false, CM_FORM_NONE},
    {"alice@", 0, false, CM_FORM_NONE},
    {"alice@corp@test", 0, false, CM_FORM_NONE},
    {"alice@@test", 0, false, CM_FORM_NONE},
    {"al\0ice@corp.test", 16, false, CM_FORM_NONE},
    {"alice@corp\0", 11, false, CM_FORM_NONE},
    {"alice@corp\n", 0, false, CM_FORM_NONE},
    {"al\x1bice@corp", 0, false, CM_FORM_NONE},
    {"al\xff@corp", 0, false, CM_FORM_NONE},
    {"al\xc0\x80@corp", 0, false, CM_FORM_NONE},
};

#define SERIAL(text)                                                          \
    {                                                                         \
        text, 0, true, CM_FORM_ISSUER_SERIAL                                  \
    }
#define REFUSED(text)                                                         \
    {                                                                         \
        text, 0, false, CM_FORM_NONE                                          \
    }

static const struct name_case mappings[] = {
    {"X509:<SKI>00aa", 0, true, CM_FORM_SKI},
    SERIAL("X509:<I>DC=com,CN=CA<SR>1b0a"),
    SERIAL("X509:<I>CN=\"a<b\"<SR>01"),
    SERIAL("X509:<I>CN=a@b<SR>01"),
    REFUSED(""),
    REFUSED("X509:"),
    REFUSED("X509:<"),
    REFUSED("X509:<SKI>"),
    REFUSED("X509:<SKI>0"),
    REFUSED("X509:<SKI>00AA"),
    REFUSED("X509:<SKI>00aA"),
    REFUSED("X509:<SKI>00ag"),
    REFUSED("X509:<SKI>00aa "),
    REFUSED("X509: <SKI>00aa"),
    REFUSED(" X509:<SKI>00aa"),
    REFUSED("x509:<SKI>00aa"),
    REFUSED("X509:<ski>00aa"),
    REFUSED("X509:<SKI>00aa<SKI>00aa"),
    REFUSED("X509:<I>CN=CA<SR>1B0A"),
    REFUSED("X509:<I>CN=CA<SR>0a00"),
    REFUSED("X509:<I>CN=CA"),
    REFUSED("X509:<SR>01"),
    REFUSED("X509:<I>CN=CA<SR>01<SR>01"),
    REFUSED("X509:<I>CN=\"CA<SR>01"),
    REFUSED("X509:<I>CN=C\nA<SR>01"),
    REFUSED("X509:<I>CN=\xff<SR>01"),
    {"X509:<I>CN=C\0A<SR>01", 20, false, CM_FORM_NONE},
    /* Weak, or what a person would have to look up. */
    REFUSED("X509:<I>CN=CA<S>CN=alice"),
    REFUSED("X509:<S>CN=alice"),
    REFUSED("X509:<RFC822>alice@corp.test"),
    REFUSED("X509:<I>CN=CA<SID>S-1-5-21-7"),
    REFUSED("X509:<SHA1-PUKEY>00112233445566778899aabbccddeeff00112233"),
    REFUSED("Kerberos:alice@CORP.TEST"),
    REFUSED("CN=alice,DC=corp,DC=test"),
};

typedef bool (*parser)(const char *, size_t, struct cm_client_name *);

static void
check(parser parse, const struct name_case *c, enum cm_client_name_kind kind)
{
    size_t len = c->len != 0 ? c->len : strlen(c->text);
    struct cm_client_name name;

    print_message("%s\n", c->text);
    assert_int_equal(parse(c->text, len, &name), c->taken);
    if (!c->taken) {
        assert_null(name.text);
        return;
    }
    assert_int_equal(name.kind, kind);
    assert_int_equal(name.form, c->form);
    assert_int_equal(name.len, len);
    assert_string_equal(name.text, c->text);
    cm_client_name_clear(&name);
    assert_null(name.text);
}

static void
test_upns(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(upns) / sizeof(upns[0]); i++)
        check(cm_client_name_upn, &upns[i], CM_CLIENT_NAME_UPN);
}

static void
test_mappings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mappings) / sizeof(mappings[0]); i++)
        check(cm_client_name_mapping, &mappings[i], CM_CLIENT_NAME_MAPPING);
}

/* The last length that is taken, and the first that is not. */
static void
test_limit(void **state)
{
    static const char start[] = "X509:<I>CN=", end[] = "<SR>01";
    char text[CM_CLIENT_NAME_MAX + 2];
    struct cm_client_name name;

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, start, strlen(start));
    memcpy(text + CM_CLIENT_NAME_MAX - strlen(end), end, strlen(end));
    assert_true(cm_client_name_mapping(text, CM_CLIENT_NAME_MAX, &name));
    cm_client_name_clear(&name);
    memset(text, 'a', sizeof(text));
    memcpy(text, start, strlen(start));
    memcpy(text + CM_CLIENT_NAME_MAX + 1 - strlen(end), end, strlen(end));
    assert_false(cm_client_name_mapping(text, CM_CLIENT_NAME_MAX + 1, &name));
    memset(text, 'a', sizeof(text));
    text[1] = '@';
    assert_true(cm_client_name_upn(text, CM_CLIENT_NAME_MAX, &name));
    cm_client_name_clear(&name);
    assert_false(cm_client_name_upn(text, CM_CLIENT_NAME_MAX + 1, &name));
}

static void
test_nobody(void **state)
{
    static const struct {
        const char *text;
        bool nobody;
    } rows[] = {{"WELLKNOWN/CERTMAP-NOBODY@R", true},
                {"WELLKNOWN/CERTMAP-NOBODY@OTHER", true},
                {"WELLKNOWN/ANONYMOUS@R", false},
                {"WELLKNOWN/CERTMAP-NOBODY/x@R", false},
                {"WELLKNOWN\\/CERTMAP-NOBODY@R", false},
                {"CERTMAP-NOBODY@R", false},
                {"alice@R", false}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cm_principal principal;

        assert_true(cm_principal_parse(rows[i].text, NULL, &principal));
        assert_int_equal(cm_principal_is_nobody(&principal), rows[i].nobody);
        cm_principal_clear(&principal);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upns),
        cmocka_unit_test(test_mappings),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
