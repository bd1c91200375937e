/*
 * kdc.conf, read strictly: each row is a certmap subsection and what is said
 * about it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_values.h"
#include "profile_scan.h"
#include "config_rows.h"
#include "testcert.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define LDAP                                                                  \
    TRUST "directory = ldap\nldap = {\nuri = ldaps://ldap.example.com\n"      \
          "base = dc=example,dc=com\nschema = mit\n"
#define LDIF TRUST "directory = ldif:@/accounts.ldif\nldap = {\n"

/* ---- refusals: exactly one finding, which holds these words ---- */

static struct config_refusal refusals[] = {
    /* words and numbers */
    {TRUST "mode = enforc\n",
     "kdc.conf:8: [realms] EXAMPLE.COM certmap mode = enforc: allowed: "
     "enforce, observe, off"},
    {TRUST "mode = ENFORCE\n", "allowed: enforce, observe, off"},
    {TRUST "mode = \"\"\n", "the value is empty"},
    {TRUST "modes = off\n", "kdc.conf:8: [realms] EXAMPLE.COM certmap modes "
                            "= off: unknown; allowed: mode anchors"},
    {TRUST "Mode = off\n", "unknown"},
    {TRUST "timeout = 1\n", "a duration from 10ms to 60s"},
    {TRUST "timeout = 1sec\n", "a duration from 10ms to 60s"},
    {TRUST "timeout = 0s\n", "a duration from 10ms to 60s"},
    {TRUST "timeout = 61s\n", "a duration from 10ms to 60s"},
    {TRUST "timeout = 9ms\n", "a duration from 10ms to 60s"},
    {TRUST "timeout = -1s\n", "a duration from 10ms to 60s"},
    {TRUST "timeout = 99999999999999999999s\n", "a duration"},
    {TRUST "min_rsa_bits = 2048 bits\n", "a number from 1024 to 16384"},
    {TRUST "min_rsa_bits = 0x800\n", "a number from 1024 to 16384"},
    {TRUST "min_rsa_bits = 512\n", "a number from 1024 to 16384"},
    {TRUST "min_rsa_bits = 20480\n", "a number from 1024 to 16384"},
    {TRUST "require_key_purpose = yes\n", "allowed: true, false"},
    {TRUST "require_key_purpose = True\n", "allowed: true, false"},
    {TRUST "key_purpose = client\n", "one or more of client-auth"},
    {TRUST "key_purpose = client-auth client-auth\n", "each once"},
    {TRUST "key_purpose = client-auth,pkinit-client\n", "each once"},
    {TRUST "mappings = ski uid\n", "\"uid\" is no mapping"},
    {TRUST "enforcement = none\n", "full, compatibility, disabled"},
    {TRUST "unavailable = ignore\n", "refuse, discard"},
    {TRUST "use_subject_alt_name = 0\n", "true, false"},
    {TRUST "sid_mismatch = ignore\n", "warn, refuse"},
    {TRUST "ski_trust_extension = on\n", "true, false"},
    {TRUST "backdating = 10\n", "has no unit"},
    {TRUST "backdating = ten\n", "is no duration"},
    {TRUST "name_strong = nonsense\n", "has not three fields"},
    {TRUST "dns_domain = example..com\n", "a DNS domain"},
    {TRUST "certauth_wait = network\n", "directory, none"},
    {TRUST "directory = ldif\n", "kdb, ldap, ldif:/path"},
    {TRUST "directory = ldif:accounts.ldif\n", "kdb, ldap, ldif:/path"},
    {TRUST "hw_authent = always\n", "never, policy:OID, issuer:"},
    {TRUST "hw_authent = policy:1.2.3\nhw_authent = never\n",
     "never beside another condition"},
    {TRUST "hw_authent = never\nhw_authent = policy:1.2.3\n",
     "never beside another condition"},

    /* the profile library's traps */
    {TRUST "mode = enforce   # note\n",
     "mode = enforce   # note: the profile library has no trailing comments"},
    {TRUST "mode = enforce ; note\n", "no trailing comments"},
    {TRUST "mode = observe\nmode = enforce\n", "kdc.conf:9:"},
    {TRUST "mode = observe\nmode = observe\n", "given twice"},
    {TRUST "mode = {\nx = y\n}\n",
     "certmap mode: a subsection where a plain value belongs; allowed: "
     "enforce"},
    {TRUST "ldap = yes\n",
     "ldap = yes: a plain value where a subsection belongs"},
    {TRUST "indicators = { a = always }\n",
     "a subsection cannot be written on one line"},
    {TRUST "indicators = {\na = always\n}\nindicators = {\nb = always\n}\n",
     "kdc.conf:11: [realms] EXAMPLE.COM certmap indicators: the subsection "
     "is given twice"},
    {TRUST "key_purpose = client-auth\tpkinit-client\n", "a tab"},

    {TRUST "anonymous = deny\n", "anonymous = deny: allowed: allow, refuse"},
    {TRUST "staple_max_age = 25h\n", "staple_max_age = 25h: "},
    {TRUST "staple_max_age = soon\n", "staple_max_age = soon: "},

    /* trust */
    {"ntauth = DIR:@/ntauth\n", "certmap anchors: required"},
    {"anchors = FILE:@/roots.pem\n", "certmap ntauth: required"},
    {"anchors = @/roots.pem\nntauth = DIR:@/ntauth\n", "FILE:"},
    {"anchors = FILE:@/absent\nntauth = DIR:@/ntauth\n",
     "kdc.conf:6: [realms] EXAMPLE.COM certmap anchors = "},
    {"anchors = FILE:@/absent\nntauth = DIR:@/ntauth\n",
     "No such file or directory"},
    {"anchors = FILE:@/ntauth\nntauth = DIR:@/ntauth\n", "not a regular file"},
    {"anchors = FILE:@/roots.pem\nntauth = DIR:@/roots.pem\n", "not a folder"},
    {TRUST "intermediates = DIR:@/absent\n", "No such file"},

    /* directories */
    {TRUST "directory = kbd\nldap = {\nschema = mit\n}\n",
     "kdb, ldap, ldif:/path"},
    {TRUST "ldap = {\nschema = mit\n}\n", "no meaning with directory = kdb"},
    {LDAP "uris = ldaps://x\n}\n",
     "certmap ldap uris = ldaps://x: unknown; allowed: schema uri base"},
    {LDAP "schema = ad\n}\n", "given twice"},
    {TRUST "directory = ldap\nldap = {\nbase = dc=x\nschema = ad\n}\n",
     "certmap ldap uri: required"},
    {TRUST "directory = ldap\nldap = {\nuri = ldaps://a\nschema = ad\n}\n",
     "certmap ldap base: required"},
    {TRUST "directory = ldap\nldap = {\nuri = ldaps://a\nbase = dc=x\n}\n",
     "certmap ldap schema: required"},
    {LDAP "sasl_mech = GSSAPI\n}\n", "the very KDC that waits"},
    {LDAP "sasl_mech = PLAIN\n}\n", "allowed: EXTERNAL"},
    {LDAP "bind_dn = cn=kdc\n}\n", "needs password_file"},
    {LDAP "password_file = @/secret\n}\n", "needs bind_dn"},
    {LDAP "bind_dn = cn=kdc\npassword_file = @/absent\n}\n", "No such file"},
    {LDAP "bind_dn = cn=kdc\npassword_file = secret\n}\n",
     "password_file = secret: allowed: /path"},
    {LDAP "sasl_mech = EXTERNAL\nbind_dn = cn=kdc\n"
          "password_file = @/secret\n}\n",
     "not together with bind_dn"},
    {LDAP "ca_file = @/absent\n}\n", "No such file"},
    {LDAP "starttls = maybe\n}\n", "true, false"},
    {LDAP "upn_attribute = two words\n}\n", "upn_attribute"},
    {LDAP "}\ncertauth_wait = none\n",
     "with directory = ldap every login would be refused"},
    {TRUST "directory = ldap\nldap = {\nuri = ldap://ldap.example.com\n"
           "base = dc=x\nschema = ad\n}\n",
     "ldap.example.com"},
    {TRUST "directory = ldif:@/accounts.ldif\n",
     "certmap ldap schema: required"},
    {TRUST "directory = ldif:@/absent\nldap = {\nschema = mit\n}\n",
     "No such file"},
    {LDIF "schema = mit\nuri = ldaps://a\n}\n",
     "ldap uri: has no meaning with directory = ldif"},
    {LDIF "schema = mit\nstarttls = false\n}\n", "has no meaning"},

    /* indicators */
    {TRUST "indicators = {\na = sometimes\n}\n",
     "certmap indicators a = sometimes: allowed: always"},
    {TRUST "indicators = {\na = never\n}\n", "never is for hw_authent"},
    {TRUST "indicators = {\na = policy:2.5.29.32.0\n}\n",
     "anyPolicy never counts"},
    {TRUST "indicators = {\na = policy:1.2.x\n}\n", "object identifier"},
    {TRUST "indicators = {\na = issuer:00ff\n}\n", "64 hex digits"},
    {TRUST "indicators = {\na,b = always\n}\n", "an indicator's name"},
    {TRUST "indicators = {\na = {\nb = c\n}\n}\n",
     "a subsection where a condition belongs"},
    {TRUST "indicators = {\na = always # b\n}\n", "no trailing comments"},

    /* issuer blocks */
    {TRUST "issuer = {\nca1 = {\nrevocation = off\n}\n}\n",
     "certmap issuer ca1 certificate: required"},
    {TRUST "issuer = {\ncertificate = @/ca.pem\n}\n", "needed is a label"},
    {TRUST "issuer = {\nca1 = {\ncertificate = @/absent\n}\n}\n",
     "No such file"},
    {TRUST "issuer = {\nca1 = {\ncertificate = @/two.pem\n}\n}\n",
     "the file holds 2"},
    {TRUST "issuer = {\nca1 = {\ncertificate = @/secret\n}\n}\n",
     "certmap issuer ca1 certificate = "},
    {ISSUER "}\nca1 = {\ncertificate = @/ca.pem\n}\n}\n",
     "kdc.conf:12: [realms] EXAMPLE.COM certmap issuer ca1: the label is "
     "given twice"},
    {ISSUER "enforcement = full\n}\n}\n", "unknown; allowed: certificate"},
    {ISSUER "mappings = all\n}\n}\n", "is no mapping"},
    {ISSUER "upn_suffix = \aexample.com\n}\n}\n", "DNS domains"},
    {ISSUER "indicators = {\na = b\n}\n}\n}\n",
     "issuer ca1 indicators a = b: allowed: always"},
};

/* ---- acceptances: the summary line tells what was understood ---- */

static struct config_acceptance acceptances[] = {
    {TRUST, "mode=enforce directory=kdb weakened: nothing"},
    {"# a comment\n; another\n\n" TRUST,
     "mode=enforce directory=kdb weakened: nothing"},
    {"anchors = ntauth\nntauth = FILE:@/roots.pem\n", "weakened: nothing"},
    {"mode = off\n", "mode=off: the built-in modules decide"},
    {"mode = off\nanchors = FILE:@/absent\ndirectory = ldap\n",
     "mode=off: the built-in modules decide"},
    {TRUST "mode = \"observe\"\n", "weakened: mode=observe"},
    {TRUST "revocation = off\nenforcement = compatibility\n",
     "weakened: revocation=off enforcement=compatibility"},
    {TRUST "mappings = sid ski subject rfc822 sid-uri sid-alone\n",
     "weakened: mappings+subject,rfc822,sid-alone,sid-uri"},
    {TRUST "enforcement = disabled\nuse_subject_alt_name = false\n"
           "ski_trust_extension = true\nbackdating = 10m\n"
           "min_rsa_bits = 1024\nunavailable = discard\n",
     "weakened: enforcement=disabled use_subject_alt_name=false "
     "ski_trust_extension=true backdating=600s min_rsa_bits=1024 "
     "unavailable=discard"},
    {TRUST "staple_max_age = 2h\ncertauth_wait = all\n",
     "weakened: staple_max_age=7200s certauth_wait=all"},
    {TRUST "staple_max_age = 0\nanonymous = refuse\n", "weakened: nothing"},
    {TRUST "name_strong = 0123456789abcdef0123456789abcdef01234567;"
           "1.2.3;IssuerSubject\n",
     "weakened: name_strong=1"},
    {LDAP "bind_dn = cn=kdc,dc=example,dc=com\npassword_file = @/secret\n"
          "ca_file = @/roots.pem\nobject_filter = (objectClass=person)\n}\n",
     "directory=ldap weakened: nothing"},
    {TRUST "directory = ldap\nldap = {\nuri = ldapi:///\nbase = dc=x\n"
           "schema = posix\nsasl_mech = EXTERNAL\nupn_attribute = mail\n}\n"
           "timeout = 500ms\n",
     "directory=ldap weakened: nothing"},
    {LDIF "schema = ad\nbase = dc=example,dc=com\n}\n",
     "directory=ldif weakened: nothing"},
    {ISSUER "}\n}\n", "weakened: nothing"},
    {ISSUER "revocation = off\nmappings = ski subject\n}\n}\n",
     "weakened: issuer.ca1(revocation=off mappings+subject)"},
};

/* ---- the rest of what a block may say, field by field ---- */

static void
test_every_value_arrives(void **state)
{
    struct cm_config_errors errors = {{0}};
    struct cm_settings s;

    (void)state;
    config_write(TRUST
                 "intermediates = FILE:@/two.pem\n"
                 "key_purpose = pkinit-client client-auth\n"
                 "require_key_purpose = true\nmin_rsa_bits = 3072\n"
                 "timeout = 2s\ncertauth_wait = all\nsid_mismatch = refuse\n"
                 "anonymous = refuse\nstaple_max_age = 30m\n"
                 "dns_domain = ad.example.com\n"
                 "hw_authent = policy:1.2.3\nhw_authent = policy:1.2.4\n"
                 "indicators = {\npiv = policy:1.2.3\npiv = always\n"
                 "strong = strength:strong\n}\n"
                 "issuer = {\nca1 = {\ncertificate = FILE:@/ca.pem\n"
                 "upn_suffix = example.com example.net\n"
                 "hw_authent = never\nindicators = {\n}\n}\n}\n");
    assert_int_equal(config_load(&s, &errors), CM_CONFIG_FOUND);
    assert_int_equal(s.trust.anchors.kind, CM_LOCATION_FILE);
    assert_int_equal(s.trust.ntauth.kind, CM_LOCATION_DIR);
    assert_int_equal(s.trust.intermediates.kind, CM_LOCATION_FILE);
    assert_int_equal(s.logon.key_purposes,
                     CM_PURPOSE_CLIENT_AUTH | CM_PURPOSE_PKINIT_CLIENT);
    assert_true(s.logon.require_key_purpose);
    assert_int_equal(s.logon.min_rsa_bits, 3072);
    assert_int_equal(s.timeout_ms, 2000);
    assert_int_equal(s.certauth_wait, CM_WAIT_ALL);
    assert_true(s.anonymous_refused);
    assert_int_equal(s.staple_max_age, 1800);
    assert_true(s.policy.sid_mismatch_refuses);
    assert_string_equal(s.policy.dns_domain, "ad.example.com");
    assert_int_equal(s.revocation.mode, CM_REVOCATION_REQUIRE);
    assert_int_equal(s.hw_authent.count, 2);
    assert_int_equal(s.indicators.count, 3);
    assert_int_equal(s.issuer_count, 1);
    assert_string_equal(s.issuers[0].label, "ca1");
    assert_int_equal(s.issuers[0].upn_suffixes.count, 2);
    assert_true(s.issuers[0].has_hw_authent);
    assert_true(s.issuers[0].has_indicators);
    assert_int_equal(s.issuers[0].indicators.count, 0);
    assert_false(s.issuers[0].has_revocation);
    assert_false(s.issuers[0].has_mappings);
    cm_settings_clear(&s);
    cm_config_errors_clear(&errors);
}

static void
test_issuer_block_holds_the_key(void **state)
{
    struct cm_config_errors errors = {{0}};
    EVP_PKEY *key = tc_key(TC_EC_P256, 1);
    struct cm_settings settings;
    uint8_t digest[32];
    uint8_t *spki = NULL;
    int len = i2d_PUBKEY(key, &spki);

    (void)state;
    assert_true(len > 0);
    assert_int_equal(
        EVP_Digest(spki, (size_t)len, digest, NULL, EVP_sha256(), NULL), 1);
    OPENSSL_free(spki);
    config_write(ISSUER "}\n}\n");
    assert_int_equal(config_load(&settings, &errors), CM_CONFIG_FOUND);
    assert_memory_equal(settings.issuers[0].spki, digest, sizeof(digest));
    cm_settings_clear(&settings);
}

static void
test_all_findings_are_collected(void **state)
{
    struct cm_config_errors errors = {{0}};
    struct cm_settings settings;

    (void)state;
    config_write("mode = enforc\nrevocation = maybe\nfoo = bar\n"
                 "directory = ldap\nldap = {\nschema = x\nfoo = bar\n}\n"
                 "indicators = {\na = b\n}\n"
                 "issuer = {\nca1 = {\nfoo = bar\n}\n}\n");
    assert_int_equal(config_load(&settings, &errors), CM_CONFIG_BROKEN);
    /* mode, revocation, foo, schema, ldap foo, uri, base, a, issuer foo,
     * certificate, anchors, ntauth */
    assert_int_equal(errors.list.count, 12);
    cm_config_errors_clear(&errors);
}

static void
test_limits(void **state)
{
    struct cm_config_errors errors = {{0}};
    struct cm_settings settings;
    struct cm_buf buf = CM_BUF_INIT;
    char *text;

    (void)state;
    cm_buf_add_text(&buf, TRUST "indicators = {\n");
    for (int i = 0; i <= CM_MAX_INDICATORS; i++)
        cm_buf_addf(&buf, "i%d = always\n", i);
    cm_buf_add_text(&buf, "}\n");
    for (int i = 0; i <= CM_CONFIG_MAX_REPEATED + 1; i++)
        cm_buf_addf(&buf, "hw_authent = policy:1.2.%d\n", i);
    text = cm_buf_take(&buf);
    config_write(text);
    free(text);
    assert_int_equal(config_load(&settings, &errors), CM_CONFIG_BROKEN);
    assert_int_equal(errors.list.count, 2);
    assert_non_null(strstr(errors.list.items[0], "more than 64 times"));
    assert_non_null(strstr(errors.list.items[1], "more than 64 rules"));
    cm_config_errors_clear(&errors);
}

int
main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_every_value_arrives),
        cmocka_unit_test(test_issuer_block_holds_the_key),
        cmocka_unit_test(test_all_findings_are_collected),
        cmocka_unit_test(test_limits),
    };
    int failed;

    failed = config_run_rows(refusals, COUNT(refusals), acceptances,
                             COUNT(acceptances));
    return failed + cmocka_run_group_tests_name(
                        "blocks", others, config_set_up, config_tear_down);
}
