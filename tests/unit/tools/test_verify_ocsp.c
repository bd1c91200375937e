/* OCSP responses in `certmap verify`: what is printed, and the exit codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>

#include "crlgen.h"
#include "runner.h"
#include "testcert.h"
#include "testocsp.h"

#define ISSUED INT64_C(1780272000) /* 2026-06-01T00:00:00Z */
#define AT " --at 2026-06-01T00:10:00Z "
#define VERIFY "verify --anchor ca.pem" AT
#define WHOLE "verify --anchor root.pem --intermediate ca.pem" AT
#define TIMES "2026-06-01T00:00:00Z to 2026-06-01T01:00:00Z  "

static X509 *root, *ca, *alice, *delegate, *checked, *responder;

static const struct run_row rows[] = {
    {VERIFY "--ocsp good.ors alice.pem", CM_EXIT_YES,
     "accepted: ok\n  0 CN=alice,DC=test\n  1 CN=CA 1,DC=test\n"
     "  good  ocsp  " TIMES "CN=alice,DC=test\n",
     NULL},
    {VERIFY "--ocsp folder alice.pem", CM_EXIT_YES, "accepted: ok\n", NULL},
    {VERIFY "--ocsp bad.ors alice.pem", CM_EXIT_NO,
     "refused: revoked, a certificate is revoked or on hold\n"
     "  OCSP response: keyCompromise\n",
     NULL},
    {VERIFY "--ocsp unknown.ors alice.pem", CM_EXIT_NO,
     "refused: revocation-unknown", NULL},
    {VERIFY "--ocsp later.ors alice.pem", CM_EXIT_NO,
     "OCSP response: trylater", NULL},
    {VERIFY "--ocsp stale.ors alice.pem", CM_EXIT_NO,
     "OCSP response: has expired\n", NULL},
    {VERIFY "--ocsp forged.ors alice.pem", CM_EXIT_NO,
     "the signature does not fit", NULL},

    /* Beside each other, in any order. */
    {VERIFY "--ocsp forged.ors --ocsp good.ors alice.pem", CM_EXIT_YES,
     "accepted", NULL},
    {VERIFY "--ocsp good.ors --ocsp forged.ors alice.pem", CM_EXIT_YES,
     "accepted", NULL},
    {VERIFY "--ocsp good.ors --ocsp bad.ors alice.pem", CM_EXIT_NO,
     "refused: revoked", NULL},
    {VERIFY "--ocsp bad.ors --ocsp good.ors alice.pem", CM_EXIT_NO,
     "refused: revoked", NULL},
    {VERIFY "--ocsp bad.ors --ocsp newer.ors alice.pem", CM_EXIT_YES,
     "accepted", NULL},
    {VERIFY "--ocsp newer.ors --ocsp bad.ors alice.pem", CM_EXIT_YES,
     "accepted", NULL},
    {VERIFY "--ocsp stale.ors --ocsp good.ors alice.pem", CM_EXIT_YES,
     "accepted", NULL},

    /* Every certificate below the anchor. */
    {WHOLE "--ocsp good.ors alice.pem", CM_EXIT_NO,
     "  good     ocsp  " TIMES "CN=alice,DC=test\n  unknown  none  ", NULL},
    {WHOLE "--ocsp good.ors --ocsp ca.ors alice.pem", CM_EXIT_YES, "accepted",
     NULL},
    {WHOLE "--ocsp ca.ors ca.pem", CM_EXIT_YES, "accepted", NULL},

    /* CRLs beside them. */
    {WHOLE "--ocsp good.ors --crl root.crl alice.pem", CM_EXIT_YES, "accepted",
     NULL},
    {VERIFY "--ocsp newer.ors --crl lists-alice.crl alice.pem", CM_EXIT_NO,
     "refused: revoked", NULL},
    {VERIFY "--ocsp bad.ors --crl ca.crl alice.pem", CM_EXIT_NO,
     "refused: revoked", NULL},
    {VERIFY "--ocsp stale.ors --crl ca.crl alice.pem", CM_EXIT_YES, "accepted",
     NULL},
    {VERIFY "--ocsp unknown.ors --crl ca.crl alice.pem", CM_EXIT_YES,
     "accepted", NULL},

    /* Delegates, and CRLs about them. */
    {VERIFY "--ocsp delegated.ors alice.pem", CM_EXIT_YES, "accepted", NULL},
    {VERIFY "--ocsp checked.ors alice.pem", CM_EXIT_NO,
     "nothing current says that it is not revoked", NULL},
    {VERIFY "--ocsp checked.ors --crl ca.crl alice.pem", CM_EXIT_YES,
     "accepted", NULL},
    {VERIFY "--ocsp checked-bad.ors --crl ca.crl alice.pem", CM_EXIT_NO,
     "refused: revoked", NULL},
    {VERIFY "--ocsp checked-bad.ors --crl lists-delegate.crl alice.pem",
     CM_EXIT_YES, "accepted", NULL},

    /* Configured responders. */
    {VERIFY "--ocsp configured.ors alice.pem", CM_EXIT_NO,
     "its extended key usage is not OCSP signing", NULL},
    {VERIFY "--ocsp configured.ors --ocsp-signer responder.pem alice.pem",
     CM_EXIT_YES, "accepted", NULL},
    {VERIFY "--ocsp configured.ors --ocsp-signer ca.pem alice.pem", CM_EXIT_NO,
     "its extended key usage is not OCSP signing", NULL},

    {VERIFY "--ocsp-signer responder.pem alice.pem", CM_EXIT_USAGE, NULL,
     "--ocsp-signer means nothing without --ocsp"},
    {VERIFY "--ocsp nowhere alice.pem", CM_EXIT_USAGE, NULL, "nowhere"},
    {VERIFY "--ocsp alice.pem alice.pem", CM_EXIT_USAGE, NULL,
     "alice.pem holds no OCSP response"},
    {VERIFY "--ocsp alice.der alice.pem", CM_EXIT_USAGE, NULL,
     "alice.der holds no OCSP response"},
    {VERIFY "--ocsp cut.ors alice.pem", CM_EXIT_USAGE, NULL,
     "cut.ors holds no OCSP response"},
    {VERIFY "--ocsp longer.ors alice.pem", CM_EXIT_USAGE, NULL,
     "longer.ors holds no OCSP response"},
    {VERIFY "--ocsp hollow alice.pem", CM_EXIT_USAGE, NULL,
     "hollow holds no OCSP response"},
    {VERIFY "--ocsp good.ors --ocsp-signer nowhere alice.pem", CM_EXIT_USAGE,
     NULL, "nowhere"},
};

static void
test_rows(void **state)
{
    (void)state;
    run_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void
test_json(void **state)
{
    struct run run =
        run_line(VERIFY "--json --ocsp bad.ors alice.pem", NULL, 0);
    json_t *told = json_loads(run.out, 0, NULL), *wanted;

    (void)state;
    wanted = json_loads("[{\"subject\": \"CN=alice,DC=test\", "
                        "\"state\": \"revoked\", \"source\": \"ocsp\", "
                        "\"reason\": \"keyCompromise\", "
                        "\"this_update\": \"2026-06-01T00:00:00Z\", "
                        "\"next_update\": \"2026-06-01T01:00:00Z\"}]",
                        0, NULL);
    assert_non_null(told);
    assert_non_null(wanted);
    assert_int_equal(json_equal(json_object_get(told, "revocation"), wanted),
                     1);
    json_decref(told);
    json_decref(wanted);
    run_clear(&run);
}

/* ---- Files ---- */

static EVP_PKEY *
key(unsigned slot)
{
    return tc_key(TC_EC_P256, slot);
}

static void
write_response(const char *name, const struct to_spec *spec)
{
    size_t len;
    uint8_t *der = to_make(spec, &len);

    folder_write(name, der, len);
    free(der);
}

/* What the CA itself says. */
static void
write_direct(void)
{
    const struct to_spec good = {
        .responder = ca,
        .key = key(1),
        .produced_at = ISSUED,
        .answers = {{.cert = alice,
                     .issuer = ca,
                     .status = TO_GOOD,
                     .this_update = ISSUED,
                     .next_update = ISSUED + 3600}},
    };
    struct to_spec spec = good;

    write_response("good.ors", &spec);
    write_response("folder/good.ors", &spec);
    spec.answers[0].status = TO_KEY_COMPROMISE;
    write_response("bad.ors", &spec);
    spec.answers[0].status = TO_UNKNOWN;
    write_response("unknown.ors", &spec);
    spec = good;
    spec.answers[0].next_update = ISSUED + 60;
    spec.answers[0].this_update = ISSUED - 60;
    write_response("stale.ors", &spec);
    spec = good;
    spec.answers[0].this_update = ISSUED + 60;
    write_response("newer.ors", &spec);
    spec = good;
    spec.key = key(0);
    write_response("forged.ors", &spec);
    spec = good;
    spec.responder = root;
    spec.key = key(0);
    spec.answers[0].cert = ca;
    spec.answers[0].issuer = root;
    write_response("ca.ors", &spec);
}

/* What others say for it. */
static void
write_delegated(void)
{
    struct to_spec spec = {
        .responder = delegate,
        .key = key(3),
        .produced_at = ISSUED,
        .answers = {{.cert = alice,
                     .issuer = ca,
                     .status = TO_GOOD,
                     .this_update = ISSUED,
                     .next_update = ISSUED + 3600}},
        .certs = {delegate},
    };

    write_response("delegated.ors", &spec);
    spec.responder = spec.certs[0] = checked;
    write_response("checked.ors", &spec);
    spec.answers[0].status = TO_REVOKED;
    write_response("checked-bad.ors", &spec);
    spec.answers[0].status = TO_GOOD;
    spec.responder = spec.certs[0] = responder;
    write_response("configured.ors", &spec);
}

static void
write_crl(const char *name, X509 *issuer, EVP_PKEY *signer,
          const char *entries)
{
    struct crlgen_spec spec = {.key = signer,
                               .issuer = X509_get_subject_name(issuer),
                               .entries = entries};
    size_t len;
    uint8_t *der = crlgen_make(&spec, &len);

    folder_write(name, der, len);
    free(der);
}

static void
write_others(void)
{
    static const uint8_t later[] = {0x30, 0x03, 0x0a, 0x01, 0x03};
    static const uint8_t longer[] = {0x30, 0x03, 0x0a, 0x01, 0x03, 0x00};

    folder_write_pem("root.pem", &root, 1);
    folder_write_pem("ca.pem", &ca, 1);
    folder_write_pem("alice.pem", &alice, 1);
    folder_write_pem("responder.pem", &responder, 1);
    folder_write_der("alice.der", alice);
    folder_write("later.ors", later, sizeof(later));
    folder_write("longer.ors", longer, sizeof(longer));
    folder_write("cut.ors", later, sizeof(later) - 1);
    write_crl("root.crl", root, key(0), NULL);
    write_crl("ca.crl", ca, key(1), NULL);
    write_crl("lists-alice.crl", ca, key(1),
              "30( 02:0a7b 17'260101000000Z' )");
    write_crl("lists-delegate.crl", ca, key(1),
              "30( 02:0a7c 17'260101000000Z' )");
}

static X509 *
issue(const char *subject, unsigned slot, const char *serial, const char *eku,
      bool no_check)
{
    struct tc_spec spec = {.subject = subject,
                           .key = key(slot),
                           .issuer = ca,
                           .issuer_key = key(1),
                           .serial_hex = serial,
                           .eku = eku};

    if (no_check)
        spec.raw[0] = (struct tc_extension){"1.3.6.1.5.5.7.48.1.5", 0, "0500"};
    return tc_make(&spec);
}

static int
set_up(void **state)
{
    (void)state;
    folder_enter();
    root = tc_make_ca("DC=test,CN=Root", key(0), NULL, NULL);
    ca = tc_make_ca("DC=test,CN=CA 1", key(1), root, key(0));
    alice = issue("DC=test,CN=alice", 2, "0a7b", NULL, false);
    delegate = issue("DC=test,CN=OCSP 1", 3, "0a7d", "OCSPSigning", true);
    checked = issue("DC=test,CN=OCSP 2", 3, "0a7c", "OCSPSigning", false);
    responder = issue("DC=test,CN=OCSP 3", 3, "0a7e", "clientAuth", false);
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_int_equal(mkdir("hollow", 0700), 0);
    write_others();
    write_direct();
    write_delegated();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    folder_leave();
    X509_free(root);
    X509_free(ca);
    X509_free(alice);
    X509_free(delegate);
    X509_free(checked);
    X509_free(responder);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_json),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
