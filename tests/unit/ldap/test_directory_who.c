/* From a UPN or a mapping to the one principal that is meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "who.h"
#include "who_parts.h"

#define REALM "EXAMPLE.COM"
#define DOMAIN "example.com"
#define SKI "X509:<SKI>0a0b"
#define SERIAL "X509:<I>DC=com,CN=CA<SR>1b0a"
#define ALICE "dn: uid=alice,dc=x\nkrbPrincipalName: alice@EXAMPLE.COM\n"
#define BOB "\ndn: uid=bob,dc=x\nkrbPrincipalName: bob@EXAMPLE.COM\n"
#define SAM "dn: cn=a,dc=x\nsAMAccountName: alice\n"

struct who_case {
    const char *name;
    enum cm_schema_preset schema;
    const char *text; /* of the LDIF file; NULL: there is none */
    const char *upn;
    const char *mapping;
    enum cm_form form;
    enum cm_reason expected;
    const char *found; /* the principal, or what the detail says */
};

#define UPN(upn) upn, NULL, CM_FORM_NONE
#define MAP(value, form) NULL, value, form
#define MIT CM_SCHEMA_MIT

static const struct who_case cases[] = {
    {"nobody", MIT, ALICE, UPN("bob@" DOMAIN), CM_ACCOUNT_NOT_FOUND,
     "no account"},
    {"nothing there", MIT, "", UPN("alice@" DOMAIN), CM_ACCOUNT_NOT_FOUND,
     "no account"},
    {"no file", MIT, NULL, UPN("alice@" DOMAIN), CM_DIRECTORY_UNAVAILABLE,
     "No such file"},
    {"implicit", MIT, ALICE, UPN("alice@" DOMAIN), CM_OK, "alice@" REALM},
    {"implicit, other case", MIT, ALICE, UPN("ALICE@Example.Com"), CM_OK,
     "alice@" REALM},
    {"implicit, other suffix", MIT, ALICE, UPN("alice@corp.com"),
     CM_ACCOUNT_NOT_FOUND, "no account"},
    {"explicit", MIT, ALICE "userPrincipalName: a.smith@corp.com\n",
     UPN("A.Smith@CORP.com"), CM_OK, "alice@" REALM},
    {"explicit beside implicit", MIT,
     ALICE "userPrincipalName: bob@" DOMAIN "\n" BOB, UPN("bob@" DOMAIN),
     CM_ACCOUNT_AMBIGUOUS, "uid=alice,dc=x and uid=bob,dc=x"},
    {"two explicit values", MIT,
     ALICE "userPrincipalName: a@c.com\nuserPrincipalName: b@c.com\n",
     UPN("b@c.com"), CM_OK, "alice@" REALM},
    {"explicit twice", MIT,
     ALICE "userPrincipalName: a@c.com\n" BOB "userPrincipalName: A@c.com\n",
     UPN("a@c.com"), CM_ACCOUNT_AMBIGUOUS, "uid=bob"},
    {"three of them", MIT,
     ALICE "userPrincipalName: a@c.com\n" BOB
           "userPrincipalName: a@c.com\n\ndn: uid=c,dc=x\n"
           "userPrincipalName: a@c.com\n",
     UPN("a@c.com"), CM_ACCOUNT_AMBIGUOUS, "uid=alice,dc=x and uid=bob,dc=x"},
    {"the same entry twice", MIT, ALICE "\n" ALICE, UPN("alice@" DOMAIN),
     CM_ACCOUNT_AMBIGUOUS, "uid=alice"},
    {"a filter's signs", MIT, ALICE, UPN("*@" DOMAIN), CM_ACCOUNT_NOT_FOUND,
     "no account"},

    {"ski", MIT, ALICE "altSecurityIdentities: " SKI "\n",
     MAP(SKI, CM_FORM_SKI), CM_OK, "alice@" REALM},
    {"ski in upper case", MIT, ALICE "altSecurityIdentities: X509:<SKI>0A0B\n",
     MAP(SKI, CM_FORM_SKI), CM_OK, "alice@" REALM},
    {"one of several", MIT,
     ALICE "altSecurityIdentities: x\naltSecurityIdentities: " SERIAL "\n",
     MAP(SERIAL, CM_FORM_ISSUER_SERIAL), CM_OK, "alice@" REALM},
    {"a part of it", MIT, ALICE "altSecurityIdentities: " SKI "0c\n",
     MAP(SKI, CM_FORM_SKI), CM_ACCOUNT_NOT_FOUND, "no account"},
    {"two accounts", MIT,
     ALICE "altSecurityIdentities: " SKI "\n" BOB "altSecurityIdentities: " SKI
           "\n",
     MAP(SKI, CM_FORM_SKI), CM_ACCOUNT_AMBIGUOUS,
     "uid=alice,dc=x and uid=bob,dc=x"},
    {"upn of one, mapping of the other", MIT,
     ALICE "altSecurityIdentities: " SKI "\n" BOB, "bob@" DOMAIN, SKI,
     CM_FORM_SKI, CM_ACCOUNT_AMBIGUOUS, "uid=bob"},
    {"upn and mapping of one", MIT,
     ALICE "altSecurityIdentities: " SKI "\n" BOB, "alice@" DOMAIN, SKI,
     CM_FORM_SKI, CM_OK, "alice@" REALM},

    {"foreign realm", MIT,
     "dn: uid=a,dc=x\nkrbPrincipalName: alice@OTHER.COM\n"
     "altSecurityIdentities: " SKI "\n",
     MAP(SKI, CM_FORM_SKI), CM_ACCOUNT_NOT_FOUND, "no single principal"},
    {"no principal", MIT, "dn: uid=a,dc=x\naltSecurityIdentities: " SKI "\n",
     MAP(SKI, CM_FORM_SKI), CM_ACCOUNT_NOT_FOUND, "no single principal"},
    {"two principals", MIT,
     ALICE "krbPrincipalName: al@EXAMPLE.COM\naltSecurityIdentities: " SKI
           "\n",
     MAP(SKI, CM_FORM_SKI), CM_ACCOUNT_NOT_FOUND, "no single principal"},
    {"the canonical one of two", MIT,
     ALICE "krbPrincipalName: al@EXAMPLE.COM\n"
           "krbCanonicalName: alice@EXAMPLE.COM\naltSecurityIdentities: " SKI
           "\n",
     MAP(SKI, CM_FORM_SKI), CM_OK, "alice@" REALM},

    {"ad, implicit", CM_SCHEMA_AD, SAM, UPN("Alice@" DOMAIN), CM_OK,
     "alice@" REALM},
    {"ad, mapping", CM_SCHEMA_AD, SAM "altSecurityIdentities: " SKI "\n",
     MAP(SKI, CM_FORM_SKI), CM_OK, "alice@" REALM},
    {"ad, a slash is part of the name", CM_SCHEMA_AD,
     "dn: cn=a,dc=x\nsAMAccountName: a/b\naltSecurityIdentities: " SKI "\n",
     MAP(SKI, CM_FORM_SKI), CM_OK, "a\\/b@" REALM},
    {"posix, two names", CM_SCHEMA_POSIX,
     "dn: cn=a,dc=x\nuid: a\nuid: b\naltSecurityIdentities: " SKI "\n",
     MAP(SKI, CM_FORM_SKI), CM_ACCOUNT_NOT_FOUND, "no single principal"},
    {"posix, empty name", CM_SCHEMA_POSIX,
     "dn: cn=a,dc=x\nuid:\naltSecurityIdentities: " SKI "\n",
     MAP(SKI, CM_FORM_SKI), CM_ACCOUNT_NOT_FOUND, "no single principal"},
};

static void
put(const char *path, const char *text)
{
    FILE *out;

    if (text == NULL)
        return;
    out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static enum cm_reason
ask(const struct cm_directory_config *config, const struct who_case *c,
    struct cm_principal *out, struct cm_detail *detail)
{
    struct cm_directory *directory = cm_directory_new(config, NULL);
    char *value = c->mapping != NULL ? strdup(c->mapping) : NULL;
    struct cm_candidate mapping = {c->form, value,
                                   value != NULL ? strlen(value) : 0};
    const struct cm_who_question question = {.realm = REALM,
                                             .dns_domain = DOMAIN,
                                             .upn = c->upn,
                                             .mappings = &mapping,
                                             .mapping_count =
                                                 value != NULL ? 1 : 0,
                                             .timeout_ms = 1000};
    enum cm_reason reason;

    assert_non_null(directory);
    reason = cm_directory_who(directory, &question, out, detail);
    cm_directory_free(directory);
    free(value);
    return reason;
}

static void
check(const struct who_case *c, struct cm_directory_config *config)
{
    struct cm_principal found;
    struct cm_detail detail;

    print_message("%s\n", c->name);
    assert_true(cm_schema_init(&config->schema, c->schema));
    put(config->ldif_path, c->text);
    assert_int_equal(ask(config, c, &found, &detail), c->expected);
    if (c->expected == CM_OK) {
        assert_string_equal(found.text, c->found);
    } else {
        assert_null(found.text);
        assert_non_null(strstr(detail.text, c->found));
    }
    cm_principal_clear(&found);
    (void)unlink(config->ldif_path);
    cm_schema_clear(&config->schema);
}

static void
test_cases(void **state)
{
    char folder[] = "/tmp/who.XXXXXX", path[64];
    struct cm_directory_config config = {.kind = CM_DIRECTORY_LDIF,
                                         .ldif_path = path};

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/a.ldif", folder);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&cases[i], &config);
    (void)rmdir(folder);
}

/* The KDC's own database has no index of either. */
static void
test_kdb_finds_nobody(void **state)
{
    static const struct who_case c = {.upn = "alice@" DOMAIN};
    struct cm_directory_config config = {.kind = CM_DIRECTORY_KDB};
    struct cm_principal found;
    struct cm_detail detail;

    (void)state;
    assert_int_equal(ask(&config, &c, &found, &detail), CM_ACCOUNT_NOT_FOUND);
    assert_non_null(strstr(detail.text, "directory = kdb"));
}

static void
test_too_many_mappings(void **state)
{
    struct cm_directory_config config = {.kind = CM_DIRECTORY_KDB};
    struct cm_directory *directory = cm_directory_new(&config, NULL);
    const struct cm_who_question question = {
        .realm = REALM, .mapping_count = CM_WHO_MAX_MAPPINGS + 1};
    struct cm_principal found;
    struct cm_detail detail;

    (void)state;
    assert_int_equal(cm_directory_who(directory, &question, &found, &detail),
                     CM_INTERNAL);
    cm_directory_free(directory);
}

static const struct {
    enum cm_schema_preset schema;
    const char *object_filter;
    const char *upn;
    const char *mapping;
    const char *filter;
} filters[] = {
    {MIT, NULL, "A(@example.com", NULL,
     "(&(|(userPrincipalName=A\\28@example.com)"
     "(krbPrincipalName=A\\28@EXAMPLE.COM)(krbPrincipalName=a\\28@"
     "EXAMPLE.COM)))"},
    {CM_SCHEMA_AD, "(objectClass=user)", "a@example.com", SKI,
     "(&(objectClass=user)(|(userPrincipalName=a@example.com)"
     "(sAMAccountName=a)(altSecurityIdentities=X509:<SKI>0a0b)))"},
    {CM_SCHEMA_POSIX, NULL, NULL, "X509:<I>CN=*<SR>01",
     "(&(|(altSecurityIdentities=X509:<I>CN=\\2a<SR>01)))"},
};

static void
test_filters(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        char mapping[64], object[64];
        struct cm_candidate one = {CM_FORM_SKI, mapping, 0};
        const struct cm_who_question question = {
            .realm = REALM,
            .dns_domain = DOMAIN,
            .upn = filters[i].upn,
            .mappings = &one,
            .mapping_count = filters[i].mapping != NULL ? 1 : 0};
        struct cm_buf out = CM_BUF_INIT;
        struct cm_schema schema;

        assert_true(cm_schema_init(&schema, filters[i].schema));
        if (filters[i].object_filter != NULL) {
            (void)snprintf(object, sizeof(object), "%s",
                           filters[i].object_filter);
            schema.object_filter = strdup(object);
        }
        if (filters[i].mapping != NULL)
            one.len = (size_t)snprintf(mapping, sizeof(mapping), "%s",
                                       filters[i].mapping);
        assert_true(cm_who_filter(&schema, &question, &out));
        assert_string_equal(out.data, filters[i].filter);
        cm_buf_clear(&out);
        cm_schema_clear(&schema);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_kdb_finds_nobody),
        cmocka_unit_test(test_too_many_mappings),
        cmocka_unit_test(test_filters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
