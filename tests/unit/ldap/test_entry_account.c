/* From an entry to an account, schema by schema. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "entry_text.h"

/* 2026-01-01T00:00:00Z: days 20454 since 1970. */
#define NOW INT64_C(1767225600)
#define SID_HEX "0105000000000005150000000b00000016000000210000004d040000"
#define SID_TEXT "S-1-5-21-11-22-33-1101"

/* The parts that every account of a kind shares. */
#define AD_NO_CONTROL                                                         \
    "sAMAccountName=alice\nobjectSid#" SID_HEX                                \
    "\nwhenCreated=20240101000000.0Z\naltSecurityIdentities=X509:<SKI>00\n"
#define AD AD_NO_CONTROL "userAccountControl=512\n"
#define AD_FINE                                                               \
    "name=alice upn=- sid=" SID_TEXT " created=1704067200 mappings=1"
#define MIT "krbPrincipalName=alice@EXAMPLE.COM\n"
#define MIT_FINE "name=alice upn=- sid=none created=- mappings=0"
#define POSIX "uid=alice\n"
#define POSIX_FINE "name=alice upn=- sid=none created=- mappings=0"

struct account_case {
    const char *name;
    enum cm_schema_preset schema;
    const char *principal;
    const char *upn; /* of the certificate; NULL: not consulted */
    const char *entry;
    const char *expected; /* NULL: not relevant */
};

static const struct account_case cases[] = {
    /* ad: who is named */
    {"ad named", CM_SCHEMA_AD, "alice", NULL, AD, "named " AD_FINE},
    {"ad folds case", CM_SCHEMA_AD, "ALICE", NULL, AD, "named " AD_FINE},
    {"ad another name", CM_SCHEMA_AD, "bob", NULL, AD, NULL},
    {"ad is not a prefix", CM_SCHEMA_AD, "alic", NULL, AD, NULL},
    {"ad is not longer", CM_SCHEMA_AD, "alicee", NULL, AD, NULL},
    {"ad two components", CM_SCHEMA_AD, "alice/admin", NULL, AD, NULL},
    {"ad no dollar is added", CM_SCHEMA_AD, "WS1", NULL,
     "sAMAccountName=WS1$\nuserAccountControl=512\n", NULL},
    {"ad dollar belongs to the name", CM_SCHEMA_AD, "WS1$", NULL,
     "sAMAccountName=WS1$\nuserAccountControl=4096\n",
     "named computer name=WS1$ upn=- sid=- created=- mappings=0"},
    {"ad doubled name is nobody's", CM_SCHEMA_AD, "alice", NULL,
     "sAMAccountName=alice\nsAMAccountName=bob\n", NULL},
    {"ad name with NUL", CM_SCHEMA_AD, "alice", NULL,
     "sAMAccountName#616c69636500\n", NULL},
    {"attribute names fold case", CM_SCHEMA_AD, "alice", NULL,
     "SAMACCOUNTNAME=alice\nuserAccountControl=512\n",
     "named name=alice upn=- sid=- created=- mappings=0"},
    {"an option is another attribute", CM_SCHEMA_AD, "alice", NULL,
     "sAMAccountName;lang-en=alice\n", NULL},

    /* ad: state */
    {"ad normal user", CM_SCHEMA_AD, "alice", NULL,
     AD_NO_CONTROL "userAccountControl=512\n", "named " AD_FINE},
    {"ad control absent", CM_SCHEMA_AD, "alice", NULL, AD_NO_CONTROL,
     "named disabled(userAccountControl is not there or hidden) " AD_FINE},
    {"ad disabled", CM_SCHEMA_AD, "alice", NULL,
     AD_NO_CONTROL "userAccountControl=514\n",
     "named disabled(userAccountControl: disabled) " AD_FINE},
    {"ad server trust", CM_SCHEMA_AD, "alice", NULL,
     AD_NO_CONTROL "userAccountControl=532480\n", "named computer " AD_FINE},
    {"ad negative control", CM_SCHEMA_AD, "alice", NULL,
     AD_NO_CONTROL "userAccountControl=-2147483136\n", "named " AD_FINE},
    {"ad control not a number", CM_SCHEMA_AD, "alice", NULL,
     AD_NO_CONTROL "userAccountControl=0x200\n",
     "named disabled(userAccountControl cannot be read) " AD_FINE},
    {"ad control empty", CM_SCHEMA_AD, "alice", NULL,
     AD_NO_CONTROL "userAccountControl=\n",
     "named disabled(userAccountControl cannot be read) " AD_FINE},
    {"ad control doubled", CM_SCHEMA_AD, "alice", NULL,
     AD_NO_CONTROL "userAccountControl=512\nuserAccountControl=512\n",
     "named disabled(userAccountControl cannot be read) " AD_FINE},
    {"ad locked out", CM_SCHEMA_AD, "alice", NULL,
     AD "lockoutTime=133000000000000000\n",
     "named disabled(lockoutTime: locked out) " AD_FINE},
    {"ad not locked out", CM_SCHEMA_AD, "alice", NULL, AD "lockoutTime=0\n",
     "named " AD_FINE},
    {"ad lockout that ran out", CM_SCHEMA_AD, "alice", NULL,
     AD "lockoutTime=133000000000000000\n"
        "msDS-User-Account-Control-Computed=0\n",
     "named " AD_FINE},
    {"ad lockout, computed", CM_SCHEMA_AD, "alice", NULL,
     AD "msDS-User-Account-Control-Computed=16\n",
     "named disabled(msDS-User-Account-Control-Computed: locked "
     "out) " AD_FINE},
    {"ad never expires, zero", CM_SCHEMA_AD, "alice", NULL,
     AD "accountExpires=0\n", "named " AD_FINE},
    {"ad never expires, greatest", CM_SCHEMA_AD, "alice", NULL,
     AD "accountExpires=9223372036854775807\n", "named " AD_FINE},
    {"ad expires in a second", CM_SCHEMA_AD, "alice", NULL,
     AD "accountExpires=134116992010000000\n", "named " AD_FINE},
    {"ad expires now", CM_SCHEMA_AD, "alice", NULL,
     AD "accountExpires=134116992000000000\n",
     "named disabled(accountExpires: expired) " AD_FINE},
    {"ad expiry too large", CM_SCHEMA_AD, "alice", NULL,
     AD "accountExpires=9223372036854775808\n",
     "named disabled(accountExpires cannot be read) " AD_FINE},

    /* ad: SID and creation */
    {"ad SID as text", CM_SCHEMA_AD, "alice", NULL,
     "sAMAccountName=alice\nuserAccountControl=512\nobjectSid=" SID_TEXT "\n",
     "named name=alice upn=- sid=" SID_TEXT " created=- mappings=0"},
    {"ad SID absent", CM_SCHEMA_AD, "alice", NULL,
     "sAMAccountName=alice\nuserAccountControl=512\n",
     "named name=alice upn=- sid=- created=- mappings=0"},
    {"ad SID doubled", CM_SCHEMA_AD, "alice", NULL,
     AD "objectSid=S-1-5-21-1-2-3-4\n",
     "named name=alice upn=- sid=? created=1704067200 mappings=1"},
    {"ad SID cut off", CM_SCHEMA_AD, "alice", NULL,
     "sAMAccountName=alice\nuserAccountControl=512\nobjectSid#"
     "0105000000000005150000000b\n",
     "named name=alice upn=- sid=? created=- mappings=0"},
    {"ad SID in lower case", CM_SCHEMA_AD, "alice", NULL,
     "sAMAccountName=alice\nuserAccountControl=512\nobjectSid=s-1-5-21-11-22-"
     "33-1101\n",
     "named name=alice upn=- sid=? created=- mappings=0"},
    {"ad created doubled", CM_SCHEMA_AD, "alice", NULL,
     "sAMAccountName=alice\nuserAccountControl=512\nwhenCreated="
     "20240101000000.0Z\n"
     "whenCreated=20240101000000.0Z\n",
     "named name=alice upn=- sid=- created=? mappings=0"},
    {"ad created not a time", CM_SCHEMA_AD, "alice", NULL,
     "sAMAccountName=alice\nuserAccountControl=512\nwhenCreated=yesterday\n",
     "named name=alice upn=- sid=- created=? mappings=0"},

    /* UPNs: explicit, implicit, somebody else's */
    {"explicit UPN of another", CM_SCHEMA_AD, "bob", "boss@alt.example",
     AD "userPrincipalName=Boss@Alt.Example\n",
     "other name=alice upn=Boss@Alt.Example sid=" SID_TEXT
     " created=1704067200 mappings=1"},
    {"implicit UPN of another", CM_SCHEMA_AD, "bob", "ALICE@Example.COM", AD,
     "other " AD_FINE},
    {"implicit beside an explicit", CM_SCHEMA_AD, "bob", "alice@example.com",
     AD "userPrincipalName=carol@alt.example\n",
     "other name=alice upn=carol@alt.example sid=" SID_TEXT
     " created=1704067200 mappings=1"},
    {"UPN of another domain", CM_SCHEMA_AD, "bob", "alice@other.example", AD,
     NULL},
    {"UPN is not consulted", CM_SCHEMA_AD, "bob", NULL,
     AD "userPrincipalName=alice@example.com\n", NULL},
    {"no dollar for a UPN", CM_SCHEMA_AD, "bob", "WS1@example.com",
     "sAMAccountName=WS1$\nuserAccountControl=512\n", NULL},
    {"explicit UPN doubled", CM_SCHEMA_AD, "alice", NULL,
     "sAMAccountName=alice\nuserAccountControl=512\nuserPrincipalName=a@"
     "x\nuserPrincipalName=b@x\n",
     "named name=alice upn=? sid=- created=- mappings=0"},
    {"doubled UPN that holds it", CM_SCHEMA_AD, "bob", "b@x",
     "sAMAccountName=alice\nuserAccountControl=512\nuserPrincipalName=a@"
     "x\nuserPrincipalName=B@x\n",
     "other name=alice upn=? sid=- created=- mappings=0"},
    {"doubled UPN of others", CM_SCHEMA_AD, "bob", "c@x",
     "sAMAccountName=alice\nuserAccountControl=512\nuserPrincipalName=a@"
     "x\nuserPrincipalName=b@x\n",
     NULL},
    {"UPN with NUL", CM_SCHEMA_AD, "alice", NULL,
     "sAMAccountName=alice\nuserAccountControl=512\nuserPrincipalName#"
     "6140780062\n",
     "named name=alice upn=? sid=- created=- mappings=0"},
    {"UPN not UTF-8", CM_SCHEMA_AD, "alice", NULL,
     "sAMAccountName=alice\nuserAccountControl=512\nuserPrincipalName#"
     "614078ff\n",
     "named name=alice upn=? sid=- created=- mappings=0"},
    {"UPN empty", CM_SCHEMA_AD, "alice", NULL,
     "sAMAccountName=alice\nuserAccountControl=512\nuserPrincipalName=\n",
     "named name=alice upn=? sid=- created=- mappings=0"},

    /* mit */
    {"mit named", CM_SCHEMA_MIT, "alice", NULL, MIT, "named " MIT_FINE},
    {"mit is exact", CM_SCHEMA_MIT, "Alice", NULL, MIT, NULL},
    {"mit another realm", CM_SCHEMA_MIT, "alice@OTHER", NULL, MIT, NULL},
    {"mit several components", CM_SCHEMA_MIT, "host/a.example.com", NULL,
     "krbPrincipalName=host/a.example.com@EXAMPLE.COM\n",
     "named name=- upn=- sid=none created=- mappings=0"},
    {"mit escaped", CM_SCHEMA_MIT, "a\\/b", NULL,
     "krbPrincipalName=a\\/b@EXAMPLE.COM\n",
     "named name=a/b upn=- sid=none created=- mappings=0"},
    {"mit escaped is not two components", CM_SCHEMA_MIT, "a\\/b", NULL,
     "krbPrincipalName=a/b@EXAMPLE.COM\n", NULL},
    {"mit one of several", CM_SCHEMA_MIT, "alice", NULL,
     "krbPrincipalName=al@EXAMPLE.COM\n" MIT, "named " MIT_FINE},
    {"mit canonical", CM_SCHEMA_MIT, "alice", NULL,
     MIT "krbCanonicalName=alice@EXAMPLE.COM\n", "named " MIT_FINE},
    {"mit alias of another", CM_SCHEMA_MIT, "alice", NULL,
     MIT "krbCanonicalName=bob@EXAMPLE.COM\n", NULL},
    {"mit canonical doubled", CM_SCHEMA_MIT, "alice", NULL,
     MIT "krbCanonicalName=alice@EXAMPLE.COM\n"
         "krbCanonicalName=bob@EXAMPLE.COM\n",
     NULL},
    {"mit implicit UPN of another", CM_SCHEMA_MIT, "bob", "ALICE@example.com",
     MIT, "other " MIT_FINE},
    {"mit implicit UPN, other realm", CM_SCHEMA_MIT, "bob",
     "alice@example.com", "krbPrincipalName=alice@OTHER\n", NULL},
    {"mit implicit UPN, two components", CM_SCHEMA_MIT, "bob",
     "alice@example.com", "krbPrincipalName=alice/admin@EXAMPLE.COM\n", NULL},
    {"mit implicit UPN by an alias", CM_SCHEMA_MIT, "bob", "alice@example.com",
     "krbPrincipalName=carol@EXAMPLE.COM\n" MIT
     "krbCanonicalName=carol@EXAMPLE.COM\n",
     "other " MIT_FINE},
    {"mit created", CM_SCHEMA_MIT, "alice", NULL,
     MIT "createTimestamp=20240101000000Z\n",
     "named name=alice upn=- sid=none created=1704067200 mappings=0"},
    {"mit has no SIDs", CM_SCHEMA_MIT, "alice", NULL,
     MIT "objectSid=" SID_TEXT "\n", "named " MIT_FINE},
    {"mit expired", CM_SCHEMA_MIT, "alice", NULL,
     MIT "krbPrincipalExpiration=20260101000000Z\n",
     "named disabled(krbPrincipalExpiration: expired) " MIT_FINE},
    {"mit expires later", CM_SCHEMA_MIT, "alice", NULL,
     MIT "krbPrincipalExpiration=20260101000001Z\n", "named " MIT_FINE},
    {"mit expiry unreadable", CM_SCHEMA_MIT, "alice", NULL,
     MIT "krbPrincipalExpiration=never\n",
     "named disabled(krbPrincipalExpiration cannot be read) " MIT_FINE},
    {"mit no tickets", CM_SCHEMA_MIT, "alice", NULL,
     MIT "krbTicketFlags=192\n",
     "named disabled(krbTicketFlags: no tickets allowed) " MIT_FINE},
    {"mit other flags", CM_SCHEMA_MIT, "alice", NULL,
     MIT "krbTicketFlags=128\n", "named " MIT_FINE},
    {"mit locked", CM_SCHEMA_MIT, "alice", NULL, MIT "nsAccountLock=true\n",
     "named disabled(nsAccountLock: locked) " MIT_FINE},
    {"mit not locked", CM_SCHEMA_MIT, "alice", NULL,
     MIT "nsAccountLock=FALSE\n", "named " MIT_FINE},
    {"mit lock unreadable", CM_SCHEMA_MIT, "alice", NULL,
     MIT "nsAccountLock=1\n",
     "named disabled(nsAccountLock cannot be read) " MIT_FINE},

    /* ipa */
    {"ipa named", CM_SCHEMA_IPA, "alice", NULL, MIT "uid=alice\n",
     "named " MIT_FINE},
    {"ipa with SID", CM_SCHEMA_IPA, "alice", NULL,
     MIT "uid=alice\nipaNTSecurityIdentifier=" SID_TEXT "\n",
     "named name=alice upn=- sid=" SID_TEXT " created=- mappings=0"},
    {"ipa with a faulty SID", CM_SCHEMA_IPA, "alice", NULL,
     MIT "uid=alice\nipaNTSecurityIdentifier=S-1\n",
     "named name=alice upn=- sid=? created=- mappings=0"},
    {"ipa alias", CM_SCHEMA_IPA, "alice", NULL,
     MIT "uid=bob\nkrbCanonicalName=bob@EXAMPLE.COM\n", NULL},
    {"ipa implicit UPN is of the uid", CM_SCHEMA_IPA, "bob",
     "alice@example.com", "krbPrincipalName=al@EXAMPLE.COM\nuid=alice\n",
     "other " MIT_FINE},
    {"ipa locked", CM_SCHEMA_IPA, "alice", NULL,
     MIT "uid=alice\nnsAccountLock=TRUE\n",
     "named disabled(nsAccountLock: locked) " MIT_FINE},

    /* posix */
    {"posix named", CM_SCHEMA_POSIX, "alice", NULL, POSIX,
     "named " POSIX_FINE},
    {"posix is exact", CM_SCHEMA_POSIX, "ALICE", NULL, POSIX, NULL},
    {"posix two components", CM_SCHEMA_POSIX, "alice/admin", NULL, POSIX,
     NULL},
    {"posix several names", CM_SCHEMA_POSIX, "alice", NULL,
     "uid=al\nuid=alice\n", "named " POSIX_FINE},
    {"posix several names, by UPN", CM_SCHEMA_POSIX, "bob", "AL@example.com",
     "uid=al\nuid=alice\n",
     "other name=al upn=- sid=none created=- mappings=0"},
    {"posix expired", CM_SCHEMA_POSIX, "alice", NULL,
     POSIX "shadowExpire=20454\n",
     "named disabled(shadowExpire: expired) " POSIX_FINE},
    {"posix expires tomorrow", CM_SCHEMA_POSIX, "alice", NULL,
     POSIX "shadowExpire=20455\n", "named " POSIX_FINE},
    {"posix never expires", CM_SCHEMA_POSIX, "alice", NULL,
     POSIX "shadowExpire=-1\n", "named " POSIX_FINE},
    {"posix expired on day 0", CM_SCHEMA_POSIX, "alice", NULL,
     POSIX "shadowExpire=0\n",
     "named disabled(shadowExpire: expired) " POSIX_FINE},
    {"posix locked", CM_SCHEMA_POSIX, "alice", NULL,
     POSIX "pwdAccountLockedTime=000001010000Z\n",
     "named disabled(pwdAccountLockedTime: locked) " POSIX_FINE},
    {"posix locked, 389-DS", CM_SCHEMA_POSIX, "alice", NULL,
     POSIX "nsAccountLock=TRUE\n",
     "named disabled(nsAccountLock: locked) " POSIX_FINE},

    /* values of any kind are kept */
    {"mapping values as they are", CM_SCHEMA_POSIX, "alice", NULL,
     POSIX "altSecurityIdentities=\naltSecurityIdentities#00ff\n"
           "altSecurityIdentities=X509:<SKI>00\n",
     "named name=alice upn=- sid=none created=- mappings=3"},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static void
check_case(const struct account_case *c, const struct cm_schema *schema)
{
    struct cm_principal principal;
    struct cm_lookup lookup = {&principal, c->upn, "example.com", NOW};
    struct cm_entry entry;
    struct cm_account account;
    bool relevant = true;
    char *text;

    assert_true(cm_principal_parse(c->principal, "EXAMPLE.COM", &principal));
    entry_from_text(c->entry, &entry);
    assert_int_equal(
        cm_schema_account(schema, &lookup, &entry, &account, &relevant, NULL),
        CM_OK);
    text = relevant ? account_to_text(&account) : strdup("not relevant");
    assert_non_null(text);
    if (strcmp(text, c->expected != NULL ? c->expected : "not relevant") != 0)
        fail_msg("%s: %s", c->name, text);
    if (relevant)
        assert_string_equal(account.id, entry.dn);
    free(text);
    cm_account_clear(&account);
    cm_entry_clear(&entry);
    cm_principal_clear(&principal);
}

static void
test_cases(void **state)
{
    struct cm_schema schema;

    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        assert_true(cm_schema_init(&schema, cases[i].schema));
        check_case(&cases[i], &schema);
        cm_schema_clear(&schema);
    }
}

static void
test_a_sid_attribute_of_its_own(void **state)
{
    static const struct account_case with = {
        "mit with SIDs",
        CM_SCHEMA_MIT,
        "alice",
        NULL,
        MIT "sambaSID=" SID_TEXT "\n",
        "named name=alice upn=- sid=" SID_TEXT " created=- mappings=0"};
    static const struct account_case without = {
        "mit with SIDs, none here",
        CM_SCHEMA_MIT,
        "alice",
        NULL,
        MIT,
        "named name=alice upn=- sid=- created=- mappings=0"};
    struct cm_schema schema;

    (void)state;
    assert_true(cm_schema_init(&schema, CM_SCHEMA_MIT));
    assert_true(
        cm_schema_override(&schema, "sid_attribute", "sambaSID", NULL));
    check_case(&with, &schema);
    check_case(&without, &schema);
    cm_schema_clear(&schema);
}

static void
test_an_account_name_for_mit(void **state)
{
    static const struct account_case c = {
        "mit with uid",
        CM_SCHEMA_MIT,
        "bob",
        "alice@example.com",
        "krbPrincipalName=al@EXAMPLE.COM\nuid=alice\n",
        "other name=alice upn=- sid=none created=- mappings=0"};
    struct cm_schema schema;

    (void)state;
    assert_true(cm_schema_init(&schema, CM_SCHEMA_MIT));
    assert_true(
        cm_schema_override(&schema, "account_name_attribute", "uid", NULL));
    check_case(&c, &schema);
    cm_schema_clear(&schema);
}

/* Reads an entry of alice's with this many values, or this DN. */
static enum cm_reason
read_alice(size_t values, const char *dn, struct cm_detail *detail)
{
    struct cm_schema schema;
    struct cm_principal principal;
    struct cm_lookup lookup = {&principal, NULL, "example.com", NOW};
    struct cm_entry entry;
    struct cm_account account;
    bool relevant;
    enum cm_reason reason;

    assert_true(cm_schema_init(&schema, CM_SCHEMA_POSIX));
    assert_true(cm_principal_parse("alice@R", NULL, &principal));
    entry_from_text("uid=alice\n", &entry);
    for (size_t i = 0; i < values; i++)
        assert_true(cm_entry_add(&entry, "altSecurityIdentities", "x", 1));
    if (dn != NULL) {
        free(entry.dn);
        entry.dn = strdup(dn);
    }
    reason = cm_schema_account(&schema, &lookup, &entry, &account, &relevant,
                               detail);
    assert_int_equal(relevant, reason == CM_OK);
    assert_int_equal(account.mapping_count, reason == CM_OK ? values : 0);
    cm_account_clear(&account);
    cm_entry_clear(&entry);
    cm_principal_clear(&principal);
    cm_schema_clear(&schema);
    return reason;
}

static void
test_limits(void **state)
{
    struct cm_detail detail = {""};

    (void)state;
    assert_int_equal(read_alice(CM_ACCOUNT_MAX_MAPPINGS, NULL, &detail),
                     CM_OK);
    assert_int_equal(read_alice(CM_ACCOUNT_MAX_MAPPINGS + 1, NULL, &detail),
                     CM_DIRECTORY_UNAVAILABLE);
    assert_non_null(strstr(detail.text, "more than 20000 values"));
    assert_int_equal(read_alice(1, "uid=a\x1b[2J", &detail),
                     CM_DIRECTORY_UNAVAILABLE);
    assert_int_equal(read_alice(1, "uid=a\xff", &detail),
                     CM_DIRECTORY_UNAVAILABLE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_a_sid_attribute_of_its_own),
        cmocka_unit_test(test_an_account_name_for_mit),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
