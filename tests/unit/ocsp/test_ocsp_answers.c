/*
 * What an OCSP response says about a certificate, as a table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "ocsp_rows.h"

/* Extensions in the language of derasm.h: OID, critical or not, value. */
#define CRITICAL "01:ff"
#define EXTENSION(oid, critical) "30(06:" oid " " critical " 04(05:))"
#define NONCE "2b0601050507300102"
#define CRL_REFERENCES "2b0601050507300103"
#define ARCHIVE_CUTOFF "2b0601050507300106"
#define EXTENDED_REVOKE "2b0601050507300109"
#define REASON_CODE "551d15"
#define STRANGE "2a030405"

static const struct row answers[] = {
    {"good", SAYS({.status = TO_GOOD}), GOOD},
    {"good, SHA-256", SAYS({.status = TO_GOOD, .digest = EVP_sha256}), GOOD},
    {"SHA-384 is not asked for",
     SAYS({.status = TO_GOOD, .digest = EVP_sha384}),
     REFUSED("is not about the certificate")},
    {"revoked", SAYS({.status = TO_REVOKED}), REVOKED},
    {"revoked for a reason", SAYS({.status = TO_KEY_COMPROMISE}), REVOKED,
     .reason = CM_CRL_KEY_COMPROMISE},
    {"on hold", SAYS({.status = TO_HOLD}), REVOKED,
     .reason = CM_CRL_CERTIFICATE_HOLD},
    {"unknown", SAYS({.status = TO_UNKNOWN}), REFUSED("is not known to it")},
    {"no answer", SAYS({.status = NULL}),
     REFUSED("is not about the certificate")},
    {"good is not empty", SAYS({.status = "80:00"}),
     REFUSED("does not decode")},
    {"no such status", SAYS({.status = "83:"}), REFUSED("does not decode")},

    /* About whom. */
    {"about another serial", SAYS({.status = TO_GOOD, .about = "other"}),
     REFUSED("is not about the certificate")},
    {"about the CA",
     SAYS({.status = TO_GOOD, .about = "ca", .issuer = "root"}),
     REFUSED("is not about the certificate")},
    {"of a CA of another name",
     SAYS(
         {.status = TO_GOOD, .about = "card-of-renamed", .issuer = "renamed"}),
     REFUSED("is not about the certificate")},
    {"of a CA of that name", SAYS({.status = TO_GOOD, .issuer = "namesake"}),
     REFUSED("is not about the certificate")},
    {"among others",
     SAYS({.status = TO_REVOKED, .about = "other"}, {.status = TO_GOOD},
          {.status = TO_REVOKED, .about = "other"}),
     GOOD},

    /* Times. */
    {"thisUpdate within the skew",
     SAYS({.status = TO_GOOD, .at = CM_STATUS_SKEW}), GOOD},
    {"thisUpdate beyond the skew",
     SAYS({.status = TO_GOOD, .at = CM_STATUS_SKEW + 1}),
     REFUSED("thisUpdate is in the future")},
    {"revoked in the future",
     SAYS({.status = TO_REVOKED, .at = CM_STATUS_SKEW + 1}),
     REFUSED("thisUpdate is in the future")},
    {"nextUpdate a second ahead",
     SAYS({.status = TO_GOOD, .at = -9, .next = 1}), GOOD},
    {"nextUpdate a second ago",
     SAYS({.status = TO_GOOD, .at = -9, .next = -1}), STALE},
    {"revoked stays revoked",
     SAYS({.status = TO_REVOKED, .at = -9, .next = -1}), REVOKED},
    {"nextUpdate before thisUpdate",
     SAYS({.status = TO_GOOD, .at = 20, .next = 10}),
     REFUSED("nextUpdate is before thisUpdate")},
    {"revoked, nextUpdate before thisUpdate",
     SAYS({.status = TO_REVOKED, .at = 20, .next = 10}),
     REFUSED("nextUpdate is before thisUpdate")},
    {"no nextUpdate, young",
     SAYS({.status = TO_GOOD, .at = -CM_OCSP_MAX_AGE, .next = NO_NEXT}), GOOD},
    {"no nextUpdate, old",
     SAYS({.status = TO_GOOD, .at = -CM_OCSP_MAX_AGE - 1, .next = NO_NEXT}),
     STALE},
    {"no nextUpdate, old and revoked",
     SAYS({.status = TO_REVOKED, .at = -CM_OCSP_MAX_AGE - 1, .next = NO_NEXT}),
     REVOKED},
    {"thisUpdate with a fraction",
     SAYS({.status = TO_GOOD, .at_der = "18'20240601000000.5Z'"}),
     REFUSED("a time does not decode")},
    {"thisUpdate without seconds",
     SAYS({.status = TO_GOOD, .at_der = "18'202406010000Z'"}),
     REFUSED("a time does not decode")},
    {"thisUpdate with a zone",
     SAYS({.status = TO_GOOD, .at_der = "18'20240601000000+0100'"}),
     REFUSED("a time does not decode")},
    {"thisUpdate is no time",
     SAYS({.status = TO_GOOD, .at_der = "18'20241301000000Z'"}),
     REFUSED("a time does not decode")},
    {"thisUpdate is a UTCTime",
     SAYS({.status = TO_GOOD, .at_der = "17'240601000000Z'"}),
     REFUSED("does not decode")},
    {"a time of another's answer",
     SAYS({.status = TO_GOOD},
          {.status = TO_GOOD, .about = "other", .at_der = "18'2024'"}),
     GOOD},
    {"produced within the skew", SAYS({.status = TO_GOOD}), GOOD,
     .produced = CM_STATUS_SKEW},
    {"produced beyond the skew", SAYS({.status = TO_GOOD}),
     REFUSED("producedAt is in the future"), .produced = CM_STATUS_SKEW + 1},
    {"revoked, produced beyond the skew", SAYS({.status = TO_REVOKED}),
     REFUSED("producedAt is in the future"), .produced = CM_STATUS_SKEW + 1},
    {"produced long ago", SAYS({.status = TO_GOOD}), GOOD,
     .produced = -30 * DAY},
    {"produced before the CA was", SAYS({.status = TO_GOOD}),
     REFUSED("produced outside its validity"), .produced = -3000 * DAY},
    {"producedAt is no time", SAYS({.status = TO_GOOD}),
     REFUSED("producedAt does not decode"), .produced_der = "18'2024'"},

    /* Several answers for the certificate. */
    {"good, newer revoked",
     SAYS({.status = TO_GOOD, .at = -60}, {.status = TO_REVOKED, .at = -1}),
     REVOKED},
    {"revoked, newer good",
     SAYS({.status = TO_REVOKED, .at = -60}, {.status = TO_GOOD, .at = -1}),
     GOOD},
    {"newer good, revoked",
     SAYS({.status = TO_GOOD, .at = -1}, {.status = TO_REVOKED, .at = -60}),
     GOOD},
    {"good and revoked at once",
     SAYS({.status = TO_GOOD}, {.status = TO_REVOKED}), REVOKED},
    {"revoked and good at once",
     SAYS({.status = TO_REVOKED}, {.status = TO_GOOD}), REVOKED},
    {"good, revoked by SHA-256",
     SAYS({.status = TO_GOOD}, {.status = TO_REVOKED, .digest = EVP_sha256}),
     REVOKED},
    {"good and unknown at once",
     SAYS({.status = TO_GOOD}, {.status = TO_UNKNOWN}),
     REFUSED("is not known to it")},
    {"good, newer unknown",
     SAYS({.status = TO_GOOD, .at = -60}, {.status = TO_UNKNOWN}),
     REFUSED("is not known to it")},
    {"good, stale at once",
     SAYS({.status = TO_GOOD, .at = -60},
          {.status = TO_GOOD, .at = -60, .next = -1}),
     STALE},
    {"good, revoked in the future",
     SAYS({.status = TO_GOOD},
          {.status = TO_REVOKED, .at = CM_STATUS_SKEW + 1}),
     REFUSED("thisUpdate is in the future")},
    {"good, a time that is none",
     SAYS({.status = TO_GOOD}, {.status = TO_GOOD, .at_der = "18''"}),
     REFUSED("a time does not decode")},
    {"64 answers", SAYS({.status = TO_GOOD}), GOOD,
     .repeat = CM_OCSP_MAX_SINGLES - 1},
    {"65 answers", SAYS({.status = TO_GOOD}), REFUSED("has too many answers"),
     .repeat = CM_OCSP_MAX_SINGLES},

    /* Extensions. */
    {"nonce", SAYS({.status = TO_GOOD}), GOOD,
     .extensions = EXTENSION(NONCE, "")},
    {"critical nonce", SAYS({.status = TO_GOOD}), GOOD,
     .extensions = EXTENSION(NONCE, CRITICAL)},
    {"critical extended revoke", SAYS({.status = TO_GOOD}), GOOD,
     .extensions = EXTENSION(EXTENDED_REVOKE, CRITICAL)},
    {"strange", SAYS({.status = TO_GOOD}), GOOD,
     .extensions = EXTENSION(STRANGE, "")},
    {"strange and critical", SAYS({.status = TO_GOOD}),
     REFUSED("unknown critical extension"),
     .extensions = EXTENSION(STRANGE, CRITICAL)},
    {"revoked, strange and critical", SAYS({.status = TO_REVOKED}),
     REFUSED("unknown critical extension"),
     .extensions = EXTENSION(STRANGE, CRITICAL)},
    {"critical after another", SAYS({.status = TO_GOOD}),
     REFUSED("unknown critical extension"),
     .extensions = EXTENSION(NONCE, "") EXTENSION(STRANGE, CRITICAL)},
    {"nonce twice", SAYS({.status = TO_GOOD}),
     REFUSED("has an extension twice"),
     .extensions = EXTENSION(NONCE, "") EXTENSION(NONCE, "")},
    {"archive cutoff and CRL references",
     SAYS({.status = TO_GOOD,
           .extensions = EXTENSION(ARCHIVE_CUTOFF, CRITICAL)
               EXTENSION(CRL_REFERENCES, CRITICAL)}),
     GOOD},
    {"strange answer",
     SAYS({.status = TO_GOOD, .extensions = EXTENSION(STRANGE, "")}), GOOD},
    {"critical answer",
     SAYS({.status = TO_GOOD, .extensions = EXTENSION(STRANGE, CRITICAL)}),
     REFUSED("unknown critical extension")},
    {"critical reason code",
     SAYS({.status = TO_REVOKED,
           .extensions = EXTENSION(REASON_CODE, CRITICAL)}),
     REFUSED("unknown critical extension")},
    {"answer with an extension twice",
     SAYS({.status = TO_GOOD,
           .extensions = EXTENSION(STRANGE, "") EXTENSION(STRANGE, "")}),
     REFUSED("has an extension twice")},
    {"critical answer for another",
     SAYS({.status = TO_GOOD,
           .about = "other",
           .extensions = EXTENSION(STRANGE, CRITICAL)},
          {.status = TO_GOOD}),
     GOOD},
    {"critical answer, older",
     SAYS({.status = TO_REVOKED,
           .at = -60,
           .extensions = EXTENSION(STRANGE, CRITICAL)},
          {.status = TO_GOOD}),
     GOOD},
    {"critical answer, newer",
     SAYS({.status = TO_GOOD, .at = -60},
          {.status = TO_REVOKED, .extensions = EXTENSION(STRANGE, CRITICAL)}),
     REFUSED("unknown critical extension")},

    /* Versions. */
    {"version 1 written down", SAYS({.status = TO_GOOD}),
     REFUSED("unknown version"), .version = "a0(02:00)"},
    {"version 2", SAYS({.status = TO_GOOD}), REFUSED("unknown version"),
     .version = "a0(02:01)"},
};

static void
test_answers(void **state)
{
    (void)state;
    ocsp_rows_check(answers, sizeof(answers) / sizeof(answers[0]));
}

/* The times that are reported are those of the answer that counted. */
static void
test_times(void **state)
{
    const struct row both = {
        .says = {{.status = TO_GOOD, .at = -60, .next = 60},
                 {.status = TO_GOOD, .at = -30, .next = NO_NEXT}}};
    const struct row refused = {.says = {{.status = TO_UNKNOWN}}};
    struct cm_status status;

    (void)state;
    ocsp_row_judge(&both, &status);
    assert_int_equal(status.state, CM_STATUS_GOOD);
    assert_int_equal(status.this_update, OCSP_WORLD_NOW - 30);
    assert_false(status.has_next_update);
    ocsp_row_judge(&refused, &status);
    assert_int_equal(status.state, CM_STATUS_UNKNOWN);
    assert_int_equal(status.this_update, 0);
}

/* A question whose parts do not belong together is not answered. */
static void
test_question(void **state)
{
    struct cm_ocsp_question question = {.cert = ocsp_world_cert("card"),
                                        .issuer = ocsp_world_cert("renamed"),
                                        .rules = &ocsp_rows_rules};
    const struct row row = {.says = {{.status = TO_GOOD}}};
    struct cm_status status;
    uint8_t *response;
    size_t len;

    (void)state;
    response = ocsp_row_response(&row, &len);
    cm_ocsp_check(&question, response, len, &status);
    assert_int_equal(status.state, CM_STATUS_UNKNOWN);
    assert_non_null(strstr(status.detail.text, "names another issuer"));
    free(response);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_question),
    };

    return cmocka_run_group_tests(tests, ocsp_world_setup,
                                  ocsp_world_teardown);
}
