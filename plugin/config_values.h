/*
 * The relations that a certmap subsection may hold, and what their values
 * may say.  Pure: no file, profile or clock.
 */
#ifndef CM_CONFIG_VALUES_H
#define CM_CONFIG_VALUES_H

#include <stdbool.h>
#include <stddef.h>

#include "detail.h"
#include "settings.h"

enum {
    CM_CONFIG_MAX_REPEATED = 64, /* of one repeatable relation */
    CM_CONFIG_MAX_NAME = 64,     /* bytes of an indicator's name */
    CM_TIMEOUT_MIN_MS = 10,
    CM_MIN_RSA_BITS_LEAST = 1024 /* what min_rsa_bits may be lowered to */
};

/*
 * Relations with values: name, parser (cm_parse_...), shape, allowed values.
 * They are parsed in this order.
 */
#define CM_PARSED_RELATIONS(X)                                                \
    X("mode", mode, SINGLE, "enforce, observe, off")                          \
    X("anchors", anchors, SINGLE, "FILE:/path, DIR:/path, ntauth")            \
    X("intermediates", intermediates, SINGLE, "FILE:/path, DIR:/path")        \
    X("ntauth", ntauth, SINGLE, "FILE:/path, DIR:/path, ldap")                \
    X("ntauth_max_age", ntauth_max_age, SINGLE,                               \
      "a duration from 1m to 30d with its unit, s, m, h or d")                \
    X("key_purpose", key_purpose, SINGLE,                                     \
      "one or more of client-auth smartcard-logon pkinit-client, each once")  \
    X("require_key_purpose", require_key_purpose, SINGLE, "true, false")      \
    X("min_rsa_bits", min_rsa_bits, SINGLE, "a number from 1024 to 16384")    \
    X("revocation", revocation, SINGLE, "require, soft, off")                 \
    X("revocation_sources", revocation_sources, SINGLE,                       \
      "crl and ocsp, or one of them, in the order in which they are asked")   \
    X("stale_grace", stale_grace, SINGLE, "0, or a duration up to 30d")       \
    X("store", store, SINGLE, "/path")                                        \
    X("crl_url", crl_url, REPEATED,                                           \
      "up to 64 http:// or https:// URLs, each once, separated by blanks")    \
    X("ocsp_responder", ocsp_responder, REPEATED,                             \
      "up to 64 http:// or https:// URLs, each once, separated by blanks")    \
    X("http_proxy", http_proxy, SINGLE, "http://host:port")                   \
    X("http_proxy_hosts", http_proxy_hosts, SINGLE,                           \
      "up to 64 names of hosts, each once, separated by blanks")              \
    X("http_ca_file", http_ca_file, SINGLE, "/path")                          \
    X("timeout", timeout, SINGLE,                                             \
      "a duration from 10ms to 60s with its unit, ms or s")                   \
    X("certauth_wait", certauth_wait, SINGLE, "directory, none, all")         \
    X("anonymous", anonymous, SINGLE, "allow, refuse")                        \
    X("staple_max_age", staple_max_age, SINGLE, "0, or a duration up to 24h") \
    X("unavailable", unavailable, SINGLE, "refuse, discard")                  \
    X("enforcement", enforcement, SINGLE, "full, compatibility, disabled")    \
    X("mappings", mappings, SINGLE, "words of certmap(5), each once")         \
    X("use_subject_alt_name", use_subject_alt_name, SINGLE, "true, false")    \
    X("sid_mismatch", sid_mismatch, SINGLE, "warn, refuse")                   \
    X("ski_trust_extension", ski_trust_extension, SINGLE, "true, false")      \
    X("backdating", backdating, SINGLE, "0, or a duration such as 10m")       \
    X("name_strong", name_strong, REPEATED, "thumbprint;OID[,OID...];method") \
    X("dns_domain", dns_domain, SINGLE, "a DNS domain")                       \
    X("directory", directory, SINGLE, "kdb, ldap, ldif:/path")                \
    X("hw_authent", hw_authent, REPEATED,                                     \
      "never, policy:OID, issuer:SHA-256 in 64 hex digits")                   \
    X("ldap.schema", ldap_schema, SINGLE, "ad, mit, ipa, posix")              \
    X("ldap.uri", ldap_uri, SINGLE, "up to 8 URIs, separated by blanks")      \
    X("ldap.base", ldap_base, SINGLE, "a distinguished name")                 \
    X("ldap.bind_dn", ldap_bind_dn, SINGLE, "a distinguished name")           \
    X("ldap.password_file", ldap_password_file, SINGLE, "/path")              \
    X("ldap.sasl_mech", ldap_sasl_mech, SINGLE, "EXTERNAL")                   \
    X("ldap.ca_file", ldap_ca_file, SINGLE, "/path")                          \
    X("ldap.starttls", ldap_starttls, SINGLE, "true, false")                  \
    X("ldap.ciphers", ldap_ciphers, SINGLE, "the TLS library's syntax")       \
    X("ldap.principal_attribute", ldap_principal_attribute, SINGLE,           \
      "an attribute name")                                                    \
    X("ldap.account_name_attribute", ldap_account_name_attribute, SINGLE,     \
      "an attribute name")                                                    \
    X("ldap.upn_attribute", ldap_upn_attribute, SINGLE, "an attribute name")  \
    X("ldap.mapping_attribute", ldap_mapping_attribute, SINGLE,               \
      "an attribute name")                                                    \
    X("ldap.sid_attribute", ldap_sid_attribute, SINGLE, "an attribute name")  \
    X("ldap.created_attribute", ldap_created_attribute, SINGLE,               \
      "an attribute name")                                                    \
    X("ldap.ntauth_dn", ldap_ntauth_dn, SINGLE, "a distinguished name")       \
    X("ldap.object_filter", ldap_object_filter, SINGLE, "an LDAP filter")     \
    X("issuer.certificate", issuer_certificate, SINGLE, "/path, FILE:/path")  \
    X("issuer.mappings", issuer_mappings, SINGLE,                             \
      "words of certmap(5), each once")                                       \
    X("issuer.upn_suffix", issuer_upn_suffix, SINGLE,                         \
      "up to 64 DNS domains, separated by blanks")                            \
    X("issuer.hw_authent", issuer_hw_authent, REPEATED,                       \
      "never, policy:OID, issuer:SHA-256 in 64 hex digits")                   \
    X("issuer.revocation", issuer_revocation, SINGLE, "require, soft, off")   \
    X("issuer.revocation_sources", issuer_revocation_sources, SINGLE,         \
      "crl and ocsp, or one of them, in the order in which they are asked")   \
    X("issuer.stale_grace", issuer_stale_grace, SINGLE,                       \
      "0, or a duration up to 30d")                                           \
    X("issuer.crl_url", issuer_crl_url, REPEATED,                             \
      "up to 64 http:// or https:// URLs, each once, separated by blanks")    \
    X("issuer.ocsp_responder", issuer_ocsp_responder, REPEATED,               \
      "up to 64 http:// or https:// URLs, each once, separated by blanks")    \
    X("issuer.ocsp_responder_certificate", issuer_ocsp_responder_certificate, \
      SINGLE, "/path, FILE:/path")                                            \
    X("issuer.allow_private_addresses", issuer_allow_private_addresses,       \
      SINGLE, "true, false")

/* Relations without a parser: subsections. */
#define CM_OTHER_RELATIONS(X)                                                 \
    X("ldap", SECTION)                                                        \
    X("indicators", SECTION)                                                  \
    X("issuer", SECTION)                                                      \
    X("issuer.indicators", SECTION)

enum cm_relation_shape {
    CM_RELATION_SINGLE,   /* name = value, once */
    CM_RELATION_REPEATED, /* name = value, up to CM_CONFIG_MAX_REPEATED */
    CM_RELATION_SECTION   /* name = { ... } */
};

/* What values are parsed into. */
struct cm_config_target {
    struct cm_settings *settings;
    struct cm_issuer_settings *issuer; /* in an issuer block, else NULL */
    char *certificate;                 /* of that block: its path, owned */
    char *responder_certificate;       /* the same */
};

/* False: the setting is as it was; detail says why, or is empty where the
 * table says all. */
typedef bool (*cm_config_parser)(struct cm_config_target *target,
                                 const char *value, struct cm_detail *detail);

struct cm_relation {
    const char *name; /* "timeout", "ldap.uri", "issuer.certificate" */
    enum cm_relation_shape shape;
    cm_config_parser parse; /* SINGLE, REPEATED */
    const char *allowed;
};

#define CM_RELATION_ONE_PARSED(name, parser, shape, allowed) +1
#define CM_RELATION_ONE_OTHER(name, shape) +1
enum {
    CM_RELATION_COUNT = 0 CM_PARSED_RELATIONS(CM_RELATION_ONE_PARSED)
        CM_OTHER_RELATIONS(CM_RELATION_ONE_OTHER)
};
#undef CM_RELATION_ONE_PARSED
#undef CM_RELATION_ONE_OTHER

extern const struct cm_relation cm_relation_table[CM_RELATION_COUNT];

#define CM_RELATION_PARSER(name, parser, shape, allowed)                      \
    bool cm_parse_##parser(struct cm_config_target *target,                   \
                           const char *value, struct cm_detail *detail);
CM_PARSED_RELATIONS(CM_RELATION_PARSER)
#undef CM_RELATION_PARSER

/* The relation's name inside its section ("uri" of "ldap.uri" in "ldap");
 * NULL where it stands elsewhere.  section is "", "ldap" or "issuer". */
const char *cm_relation_in(const struct cm_relation *relation,
                           const char *section);

/*
 * What holds for every value: not empty, clean text, no trailing comment, no
 * subsection written on one line.  False: detail says what is wrong.
 */
bool cm_config_value_is_plain(const char *value, struct cm_detail *detail);

/* Appends one "name = condition" of an indicators subsection. */
bool cm_config_add_indicator(struct cm_indicator_rules *rules,
                             const char *name, const char *value,
                             struct cm_detail *detail);

/* Appends a condition of hw_authent, which knows fewer than indicators. */
bool cm_config_add_hw_authent(struct cm_conditions *conditions,
                              const char *value, struct cm_detail *detail);

/* An absolute path, with or without "FILE:" before it, into an owned slot. */
bool cm_config_read_file(const char *value, char **slot,
                         struct cm_detail *detail);

#endif
