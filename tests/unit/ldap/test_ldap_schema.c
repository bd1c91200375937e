/* Presets, overrides, the attributes to ask for, and the one filter. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "schema.h"

struct filter_case {
    const char *name;
    enum cm_schema_preset schema;
    const char *principal;
    const char *upn;
    const char *object_filter;
    const char *expected; /* NULL: refused */
};

static const struct filter_case filters[] = {
    {"ad", CM_SCHEMA_AD, "alice", NULL, NULL, "(|(sAMAccountName=alice))"},
    {"ad computer", CM_SCHEMA_AD, "WS1$", NULL, NULL,
     "(|(sAMAccountName=WS1$))"},
    {"ad UPN of the domain", CM_SCHEMA_AD, "alice", "Alice@Example.COM", NULL,
     "(|(sAMAccountName=alice)(userPrincipalName=Alice@Example.COM)"
     "(sAMAccountName=Alice))"},
    {"ad UPN of another domain", CM_SCHEMA_AD, "alice", "alice@alt.example",
     NULL, "(|(sAMAccountName=alice)(userPrincipalName=alice@alt.example))"},
    {"ad longer domain", CM_SCHEMA_AD, "alice", "alice@sub.example.com", NULL,
     "(|(sAMAccountName=alice)(userPrincipalName=alice@sub.example.com))"},
    {"ad two components", CM_SCHEMA_AD, "host/a", NULL, NULL, NULL},
    {"posix", CM_SCHEMA_POSIX, "alice", "al@example.com", NULL,
     "(|(uid=alice)(userPrincipalName=al@example.com)(uid=al))"},
    {"posix two components", CM_SCHEMA_POSIX, "host/a", NULL, NULL, NULL},
    {"mit", CM_SCHEMA_MIT, "alice", NULL, NULL,
     "(|(krbPrincipalName=alice@EXAMPLE.COM))"},
    {"mit two components", CM_SCHEMA_MIT, "host/a", NULL, NULL,
     "(|(krbPrincipalName=host/a@EXAMPLE.COM))"},
    {"mit implicit", CM_SCHEMA_MIT, "alice", "al@example.com", NULL,
     "(|(krbPrincipalName=alice@EXAMPLE.COM)"
     "(userPrincipalName=al@example.com)(krbPrincipalName=al@EXAMPLE.COM))"},
    {"mit implicit, either case", CM_SCHEMA_MIT, "alice", "AL@example.com",
     NULL,
     "(|(krbPrincipalName=alice@EXAMPLE.COM)"
     "(userPrincipalName=AL@example.com)(krbPrincipalName=AL@EXAMPLE.COM)"
     "(krbPrincipalName=al@EXAMPLE.COM))"},
    {"mit implicit is one component", CM_SCHEMA_MIT, "alice",
     "a/b@example.com", NULL,
     "(|(krbPrincipalName=alice@EXAMPLE.COM)"
     "(userPrincipalName=a/b@example.com)"
     "(krbPrincipalName=a\\5c/b@EXAMPLE.COM))"},
    {"ipa", CM_SCHEMA_IPA, "alice", "al@example.com", NULL,
     "(|(krbPrincipalName=alice@EXAMPLE.COM)"
     "(userPrincipalName=al@example.com)(uid=al))"},
    {"object filter", CM_SCHEMA_AD, "alice", NULL, "(objectClass=user)",
     "(&(objectClass=user)(|(sAMAccountName=alice)))"},
    {"G49 in a principal", CM_SCHEMA_POSIX, "*)(uid=*", NULL, NULL,
     "(|(uid=\\2a\\29\\28uid=\\2a))"},
    {"G49 backslash in a principal", CM_SCHEMA_MIT, "a\\\\b", NULL, NULL,
     "(|(krbPrincipalName=a\\5c\\5cb@EXAMPLE.COM))"},
    {"G49 in a UPN", CM_SCHEMA_AD, "alice", "*)(x=@example.com", NULL,
     "(|(sAMAccountName=alice)(userPrincipalName=\\2a\\29\\28x=@example.com)"
     "(sAMAccountName=\\2a\\29\\28x=))"},
    {"G49 beyond ASCII", CM_SCHEMA_POSIX, "m\xc3\xbcller", NULL, NULL,
     "(|(uid=m\\c3\\bcller))"},
};

static void
test_filters(void **state)
{
    struct cm_schema schema;
    struct cm_principal principal;
    struct cm_lookup lookup = {&principal, NULL, "example.com", 0};
    struct cm_buf out = CM_BUF_INIT;
    const struct filter_case *c;
    bool ok;

    (void)state;
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        c = &filters[i];
        assert_true(cm_schema_init(&schema, c->schema));
        if (c->object_filter != NULL)
            schema.object_filter = strdup(c->object_filter);
        assert_true(
            cm_principal_parse(c->principal, "EXAMPLE.COM", &principal));
        lookup.upn = c->upn;
        ok = cm_schema_filter(&schema, &lookup, &out);
        assert_int_equal(cm_schema_knows_principal(&schema, &principal), ok);
        if (ok != (c->expected != NULL) ||
            (ok && strcmp(out.data, c->expected) != 0))
            fail_msg("%s: %s", c->name, out.data);
        cm_buf_clear(&out);
        cm_principal_clear(&principal);
        cm_schema_clear(&schema);
    }
}

/* G49: every octet that RFC 4515 asks escaped, and what it need not. */
static void
test_g49_escapes_every_special_octet(void **state)
{
    struct cm_buf out = CM_BUF_INIT;
    char octet, expected[4];
    bool plain;

    (void)state;
    for (int i = 0; i < 256; i++) {
        octet = (char)(unsigned char)i;
        plain = i >= 0x20 && i <= 0x7e && i != '*' && i != '(' && i != ')' &&
                i != '\\';
        (void)snprintf(expected, sizeof(expected), plain ? "%c" : "\\%02x", i);
        cm_filter_escape(&out, &octet, 1);
        assert_string_equal(out.data, expected);
        cm_buf_clear(&out);
    }
    cm_filter_escape(&out, "a\0*", 3);
    assert_string_equal(out.data, "a\\00\\2a");
    cm_buf_clear(&out);
}

static void
test_presets(void **state)
{
    static const char *const tokens[] = {"ad", "mit", "ipa", "posix"};
    enum cm_schema_preset preset = CM_SCHEMA_AD;

    (void)state;
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        assert_true(cm_schema_preset_parse(tokens[i], &preset));
        assert_string_equal(cm_schema_preset_token(preset), tokens[i]);
    }
    assert_false(cm_schema_preset_parse("AD", &preset));
    assert_false(cm_schema_preset_parse("", &preset));
    assert_false(cm_schema_preset_parse("ad ", &preset));
    assert_int_equal(preset, CM_SCHEMA_POSIX);
}

static void
test_overrides(void **state)
{
    static const char *const names[] = {
        "x", "ipaCertMapData", "userCertificate;binary", "a-1;lang-en;x-2"};
    static const char *const not_names[] = {
        "",    "1a",   "2.5.4.3", "-a", "a b",       "a;",  "a;;b", "a;b;",
        "a=b", "a)(b", "a,b",     "a*", "m\xc3\xbc", "a_b", "a\n",  " a"};
    static const char *const relations[] = {
        "principal_attribute", "account_name_attribute", "upn_attribute",
        "mapping_attribute",   "sid_attribute",          "created_attribute"};
    struct cm_schema schema;
    struct cm_detail detail;
    const char *attributes[CM_SCHEMA_MAX_ATTRIBUTES];

    (void)state;
    assert_true(cm_schema_init(&schema, CM_SCHEMA_MIT));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_true(cm_schema_override(&schema, "mapping_attribute", names[i],
                                       &detail));
        assert_string_equal(schema.mappings, names[i]);
    }
    for (size_t i = 0; i < sizeof(not_names) / sizeof(not_names[0]); i++) {
        if (cm_schema_override(&schema, "upn_attribute", not_names[i],
                               &detail))
            fail_msg("accepted: %s", not_names[i]);
        assert_non_null(strstr(detail.text, "upn_attribute"));
    }
    assert_string_equal(schema.upn, "userPrincipalName");
    assert_false(cm_schema_override(&schema, "uri", "x", &detail));
    for (size_t i = 0; i < sizeof(relations) / sizeof(relations[0]); i++)
        assert_true(cm_schema_override(&schema, relations[i], "same", NULL));
    cm_schema_attributes(&schema, attributes);
    assert_string_equal(attributes[0], "same");
    assert_string_equal(attributes[1], "krbCanonicalName");
    cm_schema_clear(&schema);
}

static const struct {
    enum cm_schema_preset preset;
    const char *attributes;
} asked[] = {
    {CM_SCHEMA_AD,
     "sAMAccountName userPrincipalName altSecurityIdentities objectSid "
     "whenCreated userAccountControl msDS-User-Account-Control-Computed "
     "lockoutTime accountExpires "},
    {CM_SCHEMA_MIT,
     "krbPrincipalName userPrincipalName altSecurityIdentities "
     "createTimestamp krbCanonicalName krbPrincipalExpiration krbTicketFlags "
     "nsAccountLock "},
    {CM_SCHEMA_IPA,
     "krbPrincipalName uid userPrincipalName altSecurityIdentities "
     "ipaNTSecurityIdentifier createTimestamp krbCanonicalName "
     "krbPrincipalExpiration krbTicketFlags nsAccountLock "},
    {CM_SCHEMA_POSIX,
     "uid userPrincipalName altSecurityIdentities createTimestamp "
     "shadowExpire nsAccountLock pwdAccountLockedTime "},
};

static void
test_attributes(void **state)
{
    const char *attributes[CM_SCHEMA_MAX_ATTRIBUTES];
    struct cm_buf out = CM_BUF_INIT;
    struct cm_schema schema;

    (void)state;
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        assert_true(cm_schema_init(&schema, asked[i].preset));
        cm_schema_attributes(&schema, attributes);
        for (size_t j = 0; attributes[j] != NULL; j++)
            cm_buf_addf(&out, "%s ", attributes[j]);
        assert_string_equal(out.data, asked[i].attributes);
        cm_buf_clear(&out);
        cm_schema_clear(&schema);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_g49_escapes_every_special_octet),
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_attributes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
