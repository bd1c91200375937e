/*
 * What a login costs us in CPU, beside what OpenSSL's path check alone costs
 * in the same run: bench_login [ROUNDS [LOGINS PER ROUND]]
 *
 * The rounds of both take turns, so that whatever else the machine does hits
 * both alike.  README.md says what was measured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "bench_clock.h"
#include "certificate.h"
#include "decide.h"
#include "logon.h"
#include "path.h"
#include "strength.h"
#include "testcert.h"
#include "trust.h"

#define NOW 1800000000 /* 2027-01-15, within every certificate's validity */
#define LOGIN_LIMIT_US 250.0
#define DECISION_LIMIT_US 1000.0
#define ISSUER_DN "DC=com,DC=example,CN=Issuing CA"
#define OTHER_VALUE "X509:<I>" ISSUER_DN "<SR>%06zx2b"
#define OWN_VALUE "X509:<I>" ISSUER_DN "<SR>1200000000ac11000000002b"

enum {
    ROUNDS = 31,
    LOGINS = 200,
    DECISIONS = 20,
    MANY_VALUES = 1000,
    TOO_MANY_VALUES = 10000
};

/* One realm: root, issuing CA, card; and the account it maps to. */
struct realm {
    X509 *root, *issuing;
    uint8_t *leaf; /* DER, as a client sends it */
    size_t leaf_len;

    X509_STORE *store; /* what OpenSSL alone is given */
    STACK_OF(X509) * untrusted;

    struct cm_snapshot *snapshot;
    struct cm_policy policy;
    struct cm_account account;
    struct cm_certificate cert; /* decoded once, for cm_decide() alone */
};

static void
require(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "bench_login: %s\n", what);
        exit(1);
    }
}

static void
make_certificates(struct realm *realm, enum tc_key_type type)
{
    struct tc_spec card = {
        .subject = "DC=com,DC=example,OU=Users,CN=Alice",
        .issuer_key = tc_key(type, 1),
        .key = tc_key(type, 2),
        .serial_hex = "2B0000000011AC0000000012",
        .key_usage = "critical,digitalSignature",
        .eku = "clientAuth,1.3.6.1.4.1.311.20.2.2",
        .san = "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:alice@example.com",
        .policies = "1.2.3.4",
        .ski = "hash",
        .aki = "keyid",
        .sid = "S-1-5-21-11-22-33-1101",
    };
    X509 *leaf;

    realm->root = tc_make_ca("DC=com,DC=example,CN=Root CA", tc_key(type, 0),
                             NULL, NULL);
    realm->issuing =
        tc_make_ca(ISSUER_DN, tc_key(type, 1), realm->root, tc_key(type, 0));
    card.issuer = realm->issuing;
    leaf = tc_make(&card);
    realm->leaf = tc_der(leaf, &realm->leaf_len);
    X509_free(leaf);
}

static void
make_trust(struct realm *realm)
{
    realm->store = X509_STORE_new();
    realm->untrusted = sk_X509_new_null();
    require(realm->store != NULL && realm->untrusted != NULL &&
                X509_STORE_add_cert(realm->store, realm->root) == 1 &&
                sk_X509_push(realm->untrusted, realm->issuing) == 1,
            "OpenSSL's trust store");
    realm->snapshot = cm_snapshot_build(&realm->root, 1, &realm->issuing, 1,
                                        &realm->issuing, 1);
    require(realm->snapshot != NULL, "snapshot");
}

static char *
copy(const char *text)
{
    char *out = strdup(text);

    if (out == NULL)
        abort();
    return out;
}

/* `values` mappings, of which the last is the card's. */
static void
make_account(struct realm *realm, size_t values)
{
    struct cm_account *account = &realm->account;
    struct cm_value *value;
    char text[128];
    size_t i;

    cm_account_clear(account);
    *account = (struct cm_account){.named = true,
                                   .id = copy("cn=alice"),
                                   .account_name = copy("alice"),
                                   .upn_state = CM_PRESENT,
                                   .upn = copy("alice@example.com"),
                                   .has_sid_attribute = true,
                                   .sid_state = CM_PRESENT,
                                   .sid = copy("S-1-5-21-11-22-33-1101"),
                                   .created_state = CM_PRESENT,
                                   .created = 1,
                                   .mapping_count = values};
    account->mappings = calloc(values, sizeof(*account->mappings));
    require(account->mappings != NULL, "memory");
    for (i = 0; i < values; i++) {
        value = &account->mappings[i];
        snprintf(text, sizeof(text), OTHER_VALUE, i);
        value->data = copy(i + 1 == values ? OWN_VALUE : text);
        value->len = strlen(value->data);
    }
}

static void
make_realm(struct realm *realm, enum tc_key_type type)
{
    memset(realm, 0, sizeof(*realm));
    make_certificates(realm, type);
    make_trust(realm);
    make_account(realm, 1);
    require(cm_policy_init(&realm->policy, "example.com"), "policy");
    require(cm_certificate_decode(realm->leaf, realm->leaf_len, &realm->cert,
                                  NULL) == CM_OK,
            "certificate");
}

static void
clear_realm(struct realm *realm)
{
    cm_certificate_clear(&realm->cert);
    cm_policy_clear(&realm->policy);
    cm_account_clear(&realm->account);
    cm_snapshot_release(realm->snapshot);
    sk_X509_free(realm->untrusted);
    X509_STORE_free(realm->store);
    free(realm->leaf);
    X509_free(realm->issuing);
    X509_free(realm->root);
}

/* The yardstick: parse the leaf, verify its path, nothing else. */
static void
openssl_alone(void *context)
{
    struct realm *realm = context;
    const uint8_t *p = realm->leaf;
    X509 *leaf = d2i_X509(NULL, &p, (long)realm->leaf_len);
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();

    require(leaf != NULL && ctx != NULL &&
                X509_STORE_CTX_init(ctx, realm->store, leaf,
                                    realm->untrusted) == 1,
            "OpenSSL's context");
    X509_STORE_CTX_set_time(ctx, 0, NOW);
    require(X509_verify_cert(ctx) == 1, "OpenSSL refuses the path");
    X509_STORE_CTX_free(ctx);
    X509_free(leaf);
}

static void
identify(struct realm *realm, struct cm_certificate *cert)
{
    static const struct cm_logon_rules rules = {
        .key_purposes = CM_PURPOSE_CLIENT_AUTH | CM_PURPOSE_SMARTCARD_LOGON |
                        CM_PURPOSE_PKINIT_CLIENT,
        .min_rsa_bits = CM_MIN_RSA_BITS_DEFAULT,
    };

    require(cm_certificate_decode(realm->leaf, realm->leaf_len, cert, NULL) ==
                CM_OK,
            "certificate refused");
    require(cm_logon_check(cert, &rules, NOW, NULL) == CM_OK, "logon refused");
}

static void
identity_alone(void *context)
{
    struct cm_certificate cert;

    identify(context, &cert);
    cm_certificate_clear(&cert);
}

static void
decide(struct realm *realm, const struct cm_certificate *cert,
       const struct cm_path *path)
{
    struct cm_accounts accounts = {&realm->account, 1};
    struct cm_evidence evidence = {
        .cert = cert, .policy = &realm->policy, .accounts = &accounts};
    struct cm_verdict verdict;

    if (path != NULL) {
        evidence.issuer_thumbprints = path->ntauth;
        evidence.issuer_thumbprint_count = path->ntauth_count;
    }
    cm_decide(&evidence, &verdict);
    require(verdict.reason == CM_OK && verdict.form == CM_FORM_ISSUER_SERIAL,
            "decision refused");
}

static void
decision_alone(void *context)
{
    struct realm *realm = context;

    decide(realm, &realm->cert, NULL);
}

/* Identity, path and NTAuth membership, decision. */
static void
whole_login(void *context)
{
    struct realm *realm = context;
    struct cm_path_rules rules = {.now = NOW,
                                  .min_rsa_bits = CM_MIN_RSA_BITS_DEFAULT,
                                  .require_ntauth = true};
    struct cm_certificate cert;
    struct cm_path path;

    identify(realm, &cert);
    require(cm_path_find(realm->snapshot, cert.x509, &rules, NULL, NULL, &path,
                         NULL) == CM_OK &&
                path.count == 3,
            "path refused");
    decide(realm, &cert, &path);
    cm_path_clear(&path);
    cm_certificate_clear(&cert);
}

static void
print_line(const char *what, const struct bench_series *series,
           const struct bench_series *anchor, double limit)
{
    double median = bench_median(series);

    printf("  %-38s %9.1f %9.1f", what, bench_minimum(series), median);
    if (anchor != NULL)
        printf(" %7.2f", median / bench_median(anchor));
    else if (limit > 0)
        printf(" %7s", "");
    if (limit > 0)
        printf("  %7.0f %s", limit, median <= limit ? "kept" : "EXCEEDED");
    putchar('\n');
}

/* False: over the limit; 0 is none. */
static bool
compare_logins(const char *name, enum tc_key_type type, double limit,
               size_t rounds, size_t logins)
{
    static struct bench_series openssl, login, identity;
    struct realm realm;
    size_t i;

    openssl.count = login.count = identity.count = 0;
    make_realm(&realm, type);
    openssl_alone(&realm); /* fills OpenSSL's caches */
    whole_login(&realm);
    for (i = 0; i < rounds; i++) {
        bench_round(&openssl, logins, openssl_alone, &realm);
        bench_round(&login, logins, whole_login, &realm);
        bench_round(&identity, logins, identity_alone, &realm);
    }
    printf("%s\n", name);
    print_line("OpenSSL: parse, verify the path", &openssl, &openssl, 0);
    print_line("certmap: identity, path, decision", &login, &openssl, limit);
    print_line("  of which identity", &identity, &openssl, 0);
    clear_realm(&realm);
    return limit == 0 || bench_median(&login) <= limit;
}

static bool
measure_decision(struct realm *realm, size_t values, double limit,
                 size_t rounds)
{
    static struct bench_series series;
    char what[64];
    size_t i;

    series.count = 0;
    make_account(realm, values);
    for (i = 0; i < rounds; i++)
        bench_round(&series, DECISIONS, decision_alone, realm);
    snprintf(what, sizeof(what), "cm_decide, mapping values: %zu", values);
    print_line(what, &series, NULL, limit);
    return limit == 0 || bench_median(&series) <= limit;
}

static size_t
number(const char *text, size_t most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text < '1' || *text > '9' || *end != '\0' || value > most) {
        fprintf(stderr, "bench_login: not a number from 1 to %zu: %s\n", most,
                text);
        exit(2);
    }
    return value;
}

int
main(int argc, char **argv)
{
    size_t rounds = argc > 1 ? number(argv[1], BENCH_MAX_ROUNDS) : ROUNDS;
    size_t logins = argc > 2 ? number(argv[2], 1000000) : LOGINS;
    struct realm realm;
    bool kept = true;

    printf("CPU microseconds, %zu rounds of %zu logins\n", rounds, logins);
    printf("  %-38s %9s %9s %7s  %7s\n", "", "minimum", "median", "ratio",
           "limit");
    kept &= compare_logins("RSA 2048, three certificates", TC_RSA_2048,
                           LOGIN_LIMIT_US, rounds, logins);
    /* Here the curve alone costs more than the limit: OpenSSL shows it. */
    kept &= compare_logins("EC P-256, three certificates", TC_EC_P256, 0,
                           rounds, logins);
    printf("decision\n");
    make_realm(&realm, TC_EC_P256);
    kept &= measure_decision(&realm, 1, 0, rounds);
    kept &= measure_decision(&realm, MANY_VALUES, DECISION_LIMIT_US, rounds);
    kept &= measure_decision(&realm, TOO_MANY_VALUES, 0, rounds);
    clear_realm(&realm);
    return kept ? 0 : 1;
}
