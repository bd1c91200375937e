/*
 * What checking an OCSP response costs us in CPU, beside what OpenSSL's
 * helpers cost for the same response in the same run:
 * bench_ocsp [ROUNDS [CHECKS PER ROUND]]
 *
 * The rounds of both take turns.  README.md says what was measured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/ocsp.h>

#include "bench_clock.h"
#include "ocsp.h"
#include "path.h"
#include "strength.h"
#include "testcert.h"
#include "testocsp.h"

enum { ROUNDS = 31, CHECKS = 200 };

#define RATIO_LIMIT 1.25

/* One CA, its card, its delegate, and a response about the card. */
struct scene {
    X509 *ca, *card, *delegate;
    X509_STORE *store;
    STACK_OF(X509) * issuers; /* where OpenSSL finds who signed */
    int64_t now;
    uint8_t *response;
    size_t len;
};

static void
require(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "bench_ocsp: %s\n", what);
        exit(1);
    }
}

static void
make_certificates(struct scene *scene, enum tc_key_type type)
{
    struct tc_spec spec = {.subject = "CN=card",
                           .issuer_key = tc_key(type, 0),
                           .key = tc_key(type, 1),
                           .serial_hex = "2B0000000011AC0000000012"};

    scene->ca = tc_make_ca("DC=com,DC=example,CN=Issuing CA", tc_key(type, 0),
                           NULL, NULL);
    spec.issuer = scene->ca;
    scene->card = tc_make(&spec);
    spec.subject = "DC=com,DC=example,CN=OCSP";
    spec.key = tc_key(type, 2);
    spec.eku = "OCSPSigning";
    spec.key_usage = "critical,digitalSignature";
    spec.ski = "hash";
    spec.aki = "keyid";
    spec.raw[0] = (struct tc_extension){"1.3.6.1.5.5.7.48.1.5", 0, "0500"};
    scene->delegate = tc_make(&spec);
    scene->store = X509_STORE_new();
    scene->issuers = sk_X509_new_null();
    require(scene->store != NULL && scene->issuers != NULL &&
                X509_STORE_add_cert(scene->store, scene->ca) == 1 &&
                sk_X509_push(scene->issuers, scene->ca) == 1,
            "OpenSSL's trust store");
}

static void
make_scene(struct scene *scene, enum tc_key_type type, bool delegated)
{
    struct to_spec spec = {.by_key = true};

    memset(scene, 0, sizeof(*scene));
    scene->now = (int64_t)time(NULL);
    make_certificates(scene, type);
    spec.responder = delegated ? scene->delegate : scene->ca;
    spec.key = tc_key(type, delegated ? 2 : 0);
    spec.produced_at = scene->now;
    spec.certs[0] = delegated ? scene->delegate : NULL;
    spec.answers[0] = (struct to_answer){.cert = scene->card,
                                         .issuer = scene->ca,
                                         .status = TO_GOOD,
                                         .this_update = scene->now,
                                         .next_update = scene->now + 3600};
    scene->response = to_make(&spec, &scene->len);
}

static void
clear_scene(struct scene *scene)
{
    sk_X509_free(scene->issuers);
    X509_STORE_free(scene->store);
    X509_free(scene->delegate);
    X509_free(scene->card);
    X509_free(scene->ca);
    free(scene->response);
}

/* The yardstick: what a program does that trusts these helpers. */
static void
openssl_helpers(void *context)
{
    struct scene *scene = context;
    const uint8_t *p = scene->response;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &p, (long)scene->len);
    OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), scene->card, scene->ca);
    ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL;
    int status = -1;

    require(OCSP_basic_verify(basic, scene->issuers, scene->store, 0) == 1 &&
                OCSP_resp_find_status(basic, id, &status, NULL, NULL,
                                      &this_update, &next_update) == 1 &&
                OCSP_check_validity(this_update, next_update, 300, -1) == 1 &&
                status == V_OCSP_CERTSTATUS_GOOD,
            "OpenSSL refuses the response");
    OCSP_CERTID_free(id);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
}

static void
our_check(void *context)
{
    struct scene *scene = context;
    const struct cm_path_rules rules = {
        .now = scene->now, .min_rsa_bits = CM_MIN_RSA_BITS_DEFAULT};
    const struct cm_ocsp_question question = {
        .cert = scene->card, .issuer = scene->ca, .rules = &rules};
    struct cm_status status;

    cm_ocsp_check(&question, scene->response, scene->len, &status);
    require(status.state == CM_STATUS_GOOD, status.detail.text);
}

/* False: over the limit. */
static bool
compare(const char *name, enum tc_key_type type, bool delegated, size_t rounds,
        size_t checks)
{
    static struct bench_series openssl, ours;
    struct scene scene;
    double ratio;

    openssl.count = ours.count = 0;
    make_scene(&scene, type, delegated);
    openssl_helpers(&scene); /* fills OpenSSL's caches */
    our_check(&scene);
    for (size_t i = 0; i < rounds; i++) {
        bench_round(&openssl, checks, openssl_helpers, &scene);
        bench_round(&ours, checks, our_check, &scene);
    }
    clear_scene(&scene);
    ratio = bench_median(&ours) / bench_median(&openssl);
    printf("%-22s %9.1f %9.1f %7.2f  %7.2f %s\n", name, bench_median(&openssl),
           bench_median(&ours), ratio, RATIO_LIMIT,
           ratio <= RATIO_LIMIT ? "kept" : "EXCEEDED");
    return ratio <= RATIO_LIMIT;
}

static size_t
number(const char *text, size_t most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text < '1' || *text > '9' || *end != '\0' || value > most) {
        fprintf(stderr, "bench_ocsp: not a number from 1 to %zu: %s\n", most,
                text);
        exit(2);
    }
    return value;
}

int
main(int argc, char **argv)
{
    size_t rounds = argc > 1 ? number(argv[1], BENCH_MAX_ROUNDS) : ROUNDS;
    size_t checks = argc > 2 ? number(argv[2], 1000000) : CHECKS;
    bool kept = true;

    printf("CPU microseconds, median of %zu rounds of %zu checks\n", rounds,
           checks);
    printf("%-22s %9s %9s %7s  %7s\n", "", "OpenSSL", "certmap", "ratio",
           "limit");
    kept &= compare("RSA 2048, by the CA", TC_RSA_2048, false, rounds, checks);
    kept &= compare("RSA 2048, delegated", TC_RSA_2048, true, rounds, checks);
    kept &= compare("P-256, by the CA", TC_EC_P256, false, rounds, checks);
    kept &= compare("P-256, delegated", TC_EC_P256, true, rounds, checks);
    return kept ? 0 : 1;
}
