/* Which accounts may be made card-only, and whether a card would get in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "card_rules.h"

static const struct name_case {
    const char *principal;
    const char *refusal; /* NULL: it may */
} name_cases[] = {
    {"alice", NULL},
    {"alice/admin", NULL},
    {"bob/root", NULL},
    {"pc1$", NULL},
    {"host", NULL},
    {"krbtgt", "KDC itself"},
    {"krbtgt/EXAMPLE.COM", "KDC itself"},
    {"krbtgt/OTHER.COM", "KDC itself"},
    {"kadmin/admin", "KDC itself"},
    {"kadmin/changepw", "KDC itself"},
    {"kadmin/kdc1.example.com", "KDC itself"},
    {"kiprop/kdc1", "KDC itself"},
    {"K/M", "KDC itself"},
    {"WELLKNOWN/ANONYMOUS", "KDC itself"},
    {"host/pc1", "service"},
    {"HOST/pc1", "service"},
    {"http/www", "service"},
    {"anything/pc1.example.com", "service"},
    {"a/b/c", "service"},
};

static void
test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(name_cases) / sizeof(name_cases[0]); i++) {
        const struct name_case *row = &name_cases[i];
        struct cm_principal principal;
        const char *refusal;

        assert_true(
            cm_principal_parse(row->principal, "EXAMPLE.COM", &principal));
        refusal = cm_cardonly_refusal(&principal);
        if (row->refusal == NULL
                ? refusal != NULL
                : refusal == NULL || strstr(refusal, row->refusal) == NULL)
            fail_msg("%s: %s", row->principal, refusal);
        cm_principal_clear(&principal);
    }
}

#define STRONG "X509:<SKI>00"
#define WEAK "X509:<I>CN=a<S>CN=b"
#define SERIAL "X509:<I>CN=a<SR>01"

static const struct login_case {
    const char *name;
    const char *value; /* of the account; NULL: none */
    enum cm_enforcement enforcement;
    unsigned accept; /* 0: the default */
    bool upn, sid, tuple, no_san, computer;
    bool could;
} login_cases[] = {
    {.name = "nothing"},
    {.name = "strong", .value = STRONG, .could = true},
    {.name = "strong, not accepted",
     .value = STRONG,
     .accept = CM_ACCEPT(CM_FORM_ISSUER_SERIAL)},
    {.name = "strong, accepted alone",
     .value = SERIAL,
     .accept = CM_ACCEPT(CM_FORM_ISSUER_SERIAL),
     .could = true},
    {.name = "malformed", .value = "X509:<SR>01"},
    {.name = "another kind", .value = "Kerberos:alice@A"},
    {.name = "weak", .value = WEAK},
    {.name = "weak, compatibility",
     .value = WEAK,
     .enforcement = CM_ENFORCE_COMPATIBILITY,
     .could = true},
    {.name = "weak, SID", .value = WEAK, .sid = true, .could = true},
    {.name = "weak, tuple", .value = WEAK, .tuple = true, .could = true},
    {.name = "weak, not accepted",
     .value = "X509:<S>CN=b",
     .enforcement = CM_ENFORCE_DISABLED},
    {.name = "UPN", .upn = true},
    {.name = "UPN, SID", .upn = true, .sid = true, .could = true},
    {.name = "UPN, SID, computer",
     .upn = true,
     .sid = true,
     .computer = true,
     .accept = CM_ACCEPT(CM_FORM_UPN) | CM_ACCEPT_SID},
    {.name = "UPN, SID that counts for nothing",
     .upn = true,
     .sid = true,
     .accept = CM_ACCEPT(CM_FORM_UPN)},
    {.name = "UPN, ignored", .upn = true, .sid = true, .no_san = true},
    {.name = "UPN, disabled",
     .upn = true,
     .enforcement = CM_ENFORCE_DISABLED,
     .could = true},
    {.name = "SID alone", .sid = true},
    {.name = "SID alone, accepted",
     .sid = true,
     .accept = CM_ACCEPT(CM_FORM_SID),
     .could = true},
};

static bool
could(const struct login_case *row)
{
    const char *held = row->value != NULL ? row->value : "";
    char *text = strdup(held);
    struct cm_value value = {text, strlen(held)};
    struct cm_account account = {
        .upn_state = row->upn ? CM_PRESENT : CM_ABSENT,
        .sid_state = row->sid ? CM_PRESENT : CM_ABSENT,
        .computer = row->computer,
        .mappings = &value,
        .mapping_count = row->value != NULL};
    struct cm_settings settings = {
        .policy = {.enforcement = row->enforcement,
                   .accept =
                       row->accept != 0 ? row->accept : CM_ACCEPT_DEFAULT,
                   .use_subject_alt_name = !row->no_san,
                   .name_strong_count = row->tuple}};
    bool result;

    assert_non_null(text);
    result = cm_cardonly_could_log_in(&settings, &account);
    free(text);
    return result;
}

static void
test_logins(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(login_cases) / sizeof(login_cases[0]); i++) {
        if (could(&login_cases[i]) != login_cases[i].could)
            fail_msg("%s", login_cases[i].name);
    }
}

static void
test_hw_authent(void **state)
{
    struct cm_condition never = {.kind = CM_CONDITION_NEVER};
    struct cm_condition policy = {.kind = CM_CONDITION_POLICY};
    struct cm_issuer_settings issuer = {.has_hw_authent = true};
    struct cm_settings settings = {.issuers = &issuer};

    (void)state;
    assert_false(cm_cardonly_has_hw_authent(&settings));
    settings.hw_authent = (struct cm_conditions){&never, 1};
    assert_false(cm_cardonly_has_hw_authent(&settings));
    settings.hw_authent.list = &policy;
    assert_true(cm_cardonly_has_hw_authent(&settings));
    settings.hw_authent.count = 0;
    issuer.hw_authent = (struct cm_conditions){&policy, 1};
    assert_false(cm_cardonly_has_hw_authent(&settings));
    settings.issuer_count = 1;
    assert_true(cm_cardonly_has_hw_authent(&settings));
    issuer.hw_authent.list = &never;
    assert_false(cm_cardonly_has_hw_authent(&settings));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_logins),
        cmocka_unit_test(test_hw_authent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
