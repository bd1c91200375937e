/* The names that certmap login sends, and those that it takes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "login_name.h"

static void
test_names(void **state)
{
    static char longest[CM_LOGIN_NAME_MAX + 2];
    static const struct {
        enum cm_login_name_kind kind;
        const char *text;
        krb5_int32 type, components;
        const char *first; /* NULL: refused */
        const char *realm;
    } ROWS[] = {
        {CM_LOGIN_PRINCIPAL, "alice", KRB5_NT_PRINCIPAL, 1, "alice", "R"},
        {CM_LOGIN_PRINCIPAL, "alice@E", KRB5_NT_PRINCIPAL, 1, "alice", "E"},
        {CM_LOGIN_PRINCIPAL, "a/b", KRB5_NT_PRINCIPAL, 2, "a", "R"},
        {CM_LOGIN_PRINCIPAL, "a@b@c", 0, 0, NULL, NULL},
        {CM_LOGIN_PRINCIPAL, "", 0, 0, NULL, NULL},
        {CM_LOGIN_PRINCIPAL, longest, 0, 0, NULL, NULL},
        {CM_LOGIN_ENTERPRISE, "a@b", 10, 1, "a@b", "R"},
        {CM_LOGIN_ENTERPRISE, "a@b@c", 10, 1, "a@b@c", "R"},
        {CM_LOGIN_ENTERPRISE, "a\\/b", 10, 1, "a\\/b", "R"},
        {CM_LOGIN_ENTERPRISE, "", 0, 0, NULL, NULL},
        {CM_LOGIN_X500, "X509:<I>O=a/b@c<SR>01", 6, 1, "X509:<I>O=a/b@c<SR>01",
         "R"},
        {CM_LOGIN_X500, longest, 0, 0, NULL, NULL},
    };
    struct cm_login_name name;
    krb5_context context;
    krb5_principal made;
    size_t i;

    (void)state;
    memset(longest, 'x', sizeof(longest) - 1);
    assert_int_equal(krb5_init_context(&context), 0);
    assert_int_equal(krb5_set_default_realm(context, "R"), 0);
    for (i = 0; i < sizeof(ROWS) / sizeof(*ROWS); i++) {
        name = (struct cm_login_name){ROWS[i].kind, ROWS[i].text};
        made = NULL;
        if (cm_login_name_make(context, &name, &made) != 0) {
            assert_null(ROWS[i].first);
            assert_null(made);
            continue;
        }
        assert_non_null(ROWS[i].first);
        assert_int_equal(made->type, ROWS[i].type);
        assert_int_equal(made->length, ROWS[i].components);
        assert_string_equal(made->data[0].data, ROWS[i].first);
        assert_string_equal(made->realm.data, ROWS[i].realm);
        krb5_free_principal(context, made);
    }
    krb5_free_context(context);
}

static void
test_reply_names(void **state)
{
    static const struct {
        const char *text;
        krb5_int32 type;
        bool ordinary;
    } ROWS[] = {
        {"alice@R", KRB5_NT_PRINCIPAL, true},
        {"host/a.test@R", KRB5_NT_SRV_HST, true},
        {"alice@R", KRB5_NT_UNKNOWN, true},
        {"alice@E", KRB5_NT_PRINCIPAL, false},
        {"alice@r", KRB5_NT_PRINCIPAL, false},
        {"WELLKNOWN/CERTMAP-NOBODY@R", KRB5_NT_PRINCIPAL, false},
        {"WELLKNOWN/ANONYMOUS@R", KRB5_NT_WELLKNOWN, false},
        {"alice@R", KRB5_NT_WELLKNOWN, false},
        {"a\\@b@R", KRB5_NT_ENTERPRISE_PRINCIPAL, false},
        {"X509:x@R", KRB5_NT_X500_PRINCIPAL, false},
    };
    krb5_principal asked, got;
    krb5_context context;
    size_t i;

    (void)state;
    assert_int_equal(krb5_init_context(&context), 0);
    assert_int_equal(krb5_parse_name(context, "X509:y@R", &asked), 0);
    for (i = 0; i < sizeof(ROWS) / sizeof(*ROWS); i++) {
        assert_int_equal(krb5_parse_name(context, ROWS[i].text, &got), 0);
        got->type = ROWS[i].type;
        assert_int_equal(cm_login_name_is_ordinary(context, asked, got),
                         ROWS[i].ordinary);
        krb5_free_principal(context, got);
    }
    krb5_free_principal(context, asked);
    krb5_free_context(context);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_reply_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
