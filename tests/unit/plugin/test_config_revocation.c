/*
 * What kdc.conf says about revocation, read strictly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_rows.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define LDAP                                                                  \
    TRUST "directory = ldap\nldap = {\nuri = ldaps://ldap.example.com\n"      \
          "base = dc=example,dc=com\nschema = mit\n"
/* Mirrors the NTAuth list; the rows say from where. */
#define MIRROR                                                                \
    "anchors = FILE:@/roots.pem\nntauth = ldap\ndirectory = ldap\n"           \
    "ldap = {\nbase = dc=example,dc=com\nschema = ad\n"

static struct config_refusal refusals[] = {
    {TRUST "revocation = Require\n", "allowed: require, soft, off"},
    {TRUST "revocation = soft off\n", "allowed: require, soft, off"},
    {TRUST "revocation_sources = crl,ocsp\n", "crl and ocsp, or one"},
    {TRUST "revocation_sources = crl crl\n", "crl and ocsp, or one"},
    {TRUST "revocation_sources = ldap\n", "crl and ocsp, or one"},
    {TRUST "revocation_sources = crl ocsp crl\n", "crl and ocsp, or one"},
    {TRUST "stale_grace = 1\n", "has no unit"},
    {TRUST "stale_grace = 31d\n", "0, or a duration up to 30d"},
    {TRUST "stale_grace = -1h\n", "stale_grace = -1h"},
    {TRUST "store = certmap\n", "store = certmap: allowed: /path"},
    {TRUST "store = FILE:/var/lib\n", "allowed: /path"},
    {TRUST "crl_url = ldap://ca.example.com/\n", "http:// or https://"},
    {TRUST "crl_url = ca.example.com\n", "http:// or https://"},
    {TRUST "crl_url = HTTP://ca.example.com\n", "http:// or https://"},
    {TRUST "crl_url = http://\n", "http:// or https://"},
    {TRUST "crl_url = http:///ca.crl\n", "http:// or https://"},
    {TRUST "crl_url = http://:80/ca.crl\n", "http:// or https://"},
    {TRUST "crl_url = http://kdc:pw\aca.example.com/\n",
     "http:// or https://"},
    {TRUST "crl_url = http://a http://a\n", "each once"},
    {TRUST "crl_url = http://a\ncrl_url = http://b http://a\n", "each once"},
    {TRUST "crl_url = http://b\xc3\xbc/\n", "http:// or https://"},
    {TRUST "crl_url = http://a/#b\n", "no trailing comments"},
    {TRUST "ocsp_responder = file:///etc/passwd\n", "http:// or https://"},
    {TRUST "ocsp_responder = {\nurl = http://a\n}\n",
     "a subsection where a plain value belongs"},
    {TRUST "http_proxy = proxy.example.com:3128\n", "http://host:port"},
    {TRUST "http_proxy = https://proxy.example.com:3128\n",
     "http://host:port"},
    {TRUST "http_proxy = http://proxy.example.com\n", "http://host:port"},
    {TRUST "http_proxy = http://proxy.example.com:0\n", "http://host:port"},
    {TRUST "http_proxy = http://proxy.example.com:70000\n",
     "http://host:port"},
    {TRUST "http_proxy = http://proxy.example.com:3128/\n",
     "http://host:port"},
    {TRUST "http_proxy_hosts = crl.example.com\n",
     "http_proxy_hosts: has no meaning without http_proxy"},
    {TRUST "http_proxy = http://p:1\nhttp_proxy_hosts = *.example.com\n",
     "up to 64 names of hosts"},
    {TRUST "http_proxy = http://p:1\nhttp_proxy_hosts = http://a\n",
     "up to 64 names of hosts"},
    {TRUST "http_ca_file = ca.pem\n", "allowed: /path"},
    {TRUST "http_ca_file = @/absent\n", "No such file"},
    {TRUST "http_ca_file = @/ntauth\n", "not a regular file"},

    /* ntauth = ldap */
    {"anchors = FILE:@/roots.pem\nntauth = ldap\n",
     "certmap ntauth = ldap: needs directory = ldap"},
    {"anchors = FILE:@/roots.pem\nntauth = LDAP\n", "FILE:"},
    {TRUST "ntauth_max_age = 24h\n",
     "ntauth_max_age: has no meaning without ntauth = ldap"},
    {MIRROR "uri = ldaps://a\n}\nntauth_max_age = 24\n", "has no unit"},
    {MIRROR "uri = ldaps://a\n}\nntauth_max_age = 0\n",
     "a duration from 1m to 30d"},
    {MIRROR "uri = ldaps://a\n}\nntauth_max_age = 59s\n",
     "a duration from 1m to 30d"},
    {MIRROR "uri = ldaps://a\n}\nntauth_max_age = 31d\n",
     "a duration from 1m to 30d"},
    {LDAP "ntauth_dn = cn=list\n}\n",
     "ldap ntauth_dn: has no meaning without ntauth = ldap"},
    {MIRROR "uri = ldap://127.0.0.1\n}\n",
     "ntauth = ldap: only over ldaps://, ldapi:// or starttls = true"},
    {MIRROR "uri = ldaps://a ldap://localhost ldapi:///\n}\n", "only over"},
    {MIRROR "uri = ldap://127.0.0.1\nstarttls = false\n}\n", "only over"},
    {MIRROR "uri = ldaps://a\nntauth_dn = nonsense\n}\n",
     "ntauth_dn: \"nonsense\" is not a distinguished name"},
    {"anchors = ntauth\nntauth = ldap\ndirectory = ldap\nldap = {\n"
     "uri = ldaps://a\nbase = dc=x\nschema = ad\n}\n",
     "not with anchors = ntauth"},

    /* issuer blocks */
    {ISSUER "revocation = on\n}\n}\n", "allowed: require, soft, off"},
    {ISSUER "revocation_sources = all\n}\n}\n", "crl and ocsp, or one"},
    {ISSUER "stale_grace = 1\n}\n}\n", "has no unit"},
    {ISSUER "crl_url = ftp://a\n}\n}\n", "issuer ca1 crl_url = ftp://a: "},
    {ISSUER "ocsp_responder = a\n}\n}\n", "http:// or https://"},
    {ISSUER "allow_private_addresses = yes\n}\n}\n", "true, false"},
    {ISSUER "ocsp_responder_certificate = ca.pem\n}\n}\n", "/path, FILE:"},
    {ISSUER "ocsp_responder_certificate = @/absent\n}\n}\n",
     "issuer ca1 ocsp_responder_certificate = "},
    {ISSUER "ocsp_responder_certificate = @/secret\n}\n}\n",
     "ocsp_responder_certificate = "},
    {ISSUER "store = /var/lib\n}\n}\n", "unknown; allowed: certificate"},
};

static struct config_acceptance acceptances[] = {
    {TRUST "revocation = soft\nstale_grace = 2h\n",
     "weakened: revocation=soft stale_grace=7200s"},
    {TRUST "store = @/store\nrevocation_sources = ocsp\n"
           "http_proxy = http://proxy.example.com:3128\n"
           "http_proxy_hosts = crl.example.com 192.0.2.1\n"
           "http_ca_file = @/roots.pem\n",
     "weakened: nothing"},
    {MIRROR "uri = ldaps://a ldapi:///\n}\nntauth_max_age = 30d\n",
     "directory=ldap weakened: nothing"},
    {MIRROR "uri = ldap://127.0.0.1\nstarttls = true\n"
            "ntauth_dn = cn=list,dc=x\n}\nntauth_max_age = 1m\n",
     "directory=ldap weakened: nothing"},
    {ISSUER "stale_grace = 1d\nallow_private_addresses = true\n"
            "ocsp_responder_certificate = FILE:@/two.pem\n}\n}\n",
     "weakened: issuer.ca1(stale_grace=86400s allow_private_addresses=true)"},
    {TRUST "stale_grace = 2h\nissuer = {\nca1 = {\ncertificate = @/ca.pem\n"
           "revocation = require\nstale_grace = 1h\n}\n}\n",
     "weakened: stale_grace=7200s"},
};

static void
test_every_revocation_value_arrives(void **state)
{
    struct cm_config_errors errors = {{0}};
    const struct cm_issuer_rules *rules;
    struct cm_settings s;

    (void)state;
    config_write(TRUST
                 "revocation = soft\nrevocation_sources = ocsp crl\n"
                 "stale_grace = 90m\nstore = @/store\n"
                 "crl_url = http://a/1 https://b/2\ncrl_url = http://c/3\n"
                 "ocsp_responder = http://d:8080\n"
                 "http_proxy = http://p:3128\nhttp_proxy_hosts = a.b c\n"
                 "http_ca_file = @/roots.pem\n"
                 "issuer = {\nca1 = {\ncertificate = @/ca.pem\n"
                 "revocation = off\nrevocation_sources = crl\n"
                 "stale_grace = 0\ncrl_url = http://e\n"
                 "ocsp_responder = http://f http://g\n"
                 "ocsp_responder_certificate = @/two.pem\n"
                 "allow_private_addresses = false\n}\n}\n");
    assert_int_equal(config_load(&s, &errors), CM_CONFIG_FOUND);
    rules = &s.revocation;
    assert_int_equal(rules->mode, CM_REVOCATION_SOFT);
    assert_int_equal(rules->source_count, 2);
    assert_int_equal(rules->sources[0], CM_SOURCE_OCSP);
    assert_int_equal(rules->sources[1], CM_SOURCE_CRL);
    assert_int_equal(rules->stale_grace, 5400);
    assert_int_equal(rules->crl_urls.count, 3);
    assert_string_equal(rules->crl_urls.items[2], "http://c/3");
    assert_string_equal(rules->ocsp_urls.items[0], "http://d:8080");
    assert_true(s.store_given);
    assert_string_equal(s.store, scratch_path(&config_scratch, "store"));
    assert_string_equal(s.http.proxy, "http://p:3128");
    assert_int_equal(s.http.proxy_hosts.count, 2);
    assert_string_equal(s.http.ca_file,
                        scratch_path(&config_scratch, "roots.pem"));
    assert_true(s.issuers[0].has_revocation && s.issuers[0].has_sources &&
                s.issuers[0].has_stale_grace &&
                s.issuers[0].has_allow_private);
    rules = &s.issuers[0].rules;
    assert_int_equal(rules->mode, CM_REVOCATION_OFF);
    assert_int_equal(rules->source_count, 1);
    assert_int_equal(rules->stale_grace, 0);
    assert_int_equal(rules->crl_urls.count, 1);
    assert_int_equal(rules->ocsp_urls.count, 2);
    assert_int_equal(rules->responder_count, 2);
    assert_false(rules->allow_private_addresses);
    cm_settings_clear(&s);
    cm_config_errors_clear(&errors);
}

/* The mirror lies in the store, wherever `store` stands in the block. */
static void
test_mirror_lies_in_the_store(void **state)
{
    struct cm_config_errors errors = {{0}};
    struct cm_settings s;

    (void)state;
    config_write(MIRROR "uri = ldaps://a\nntauth_dn = cn=list,dc=x\n}\n"
                        "ntauth_max_age = 2h\nstore = @/store\n");
    assert_int_equal(config_load(&s, &errors), CM_CONFIG_FOUND);
    assert_true(s.ntauth.from_ldap);
    assert_int_equal(s.trust.ntauth.kind, CM_LOCATION_DIR);
    assert_string_equal(s.trust.ntauth.path,
                        scratch_path(&config_scratch, "store/ntauth"));
    assert_int_equal(s.trust.ntauth_max_age, 7200);
    assert_string_equal(s.directory.ntauth_dn, "cn=list,dc=x");
    cm_settings_clear(&s);
    config_write(MIRROR "uri = ldaps://a\n}\n");
    assert_int_equal(config_load(&s, &errors), CM_CONFIG_FOUND);
    assert_string_equal(s.trust.ntauth.path, CM_STORE_PATH "/ntauth");
    assert_int_equal(s.trust.ntauth_max_age, 86400);
    assert_null(s.directory.ntauth_dn);
    cm_settings_clear(&s);
    cm_config_errors_clear(&errors);
}

int
main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_every_revocation_value_arrives),
        cmocka_unit_test(test_mirror_lies_in_the_store),
    };
    int failed;

    failed = config_run_rows(refusals, COUNT(refusals), acceptances,
                             COUNT(acceptances));
    return failed + cmocka_run_group_tests_name(
                        "blocks", others, config_set_up, config_tear_down);
}
