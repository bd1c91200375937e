/* Revocation in `certmap verify`: what is printed, and the exit codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/pem.h>

#include "crlgen.h"
#include "runner.h"
#include "testcert.h"

static X509 *root, *ca, *alice;

#define AT " --at 2026-06-01T00:00:00Z "
#define PATH                                                                  \
    "verify --anchor root.pem --intermediate ca.pem" AT "--crl root.crl "
#define NAMES                                                                 \
    "  0 CN=alice,DC=test\n  1 CN=CA 1,DC=test\n  2 CN=Root,DC=test\n"
#define TIMES "  crl  2026-01-01T00:00:00Z to 2036-01-01T00:00:00Z  "

static const struct run_row rows[] = {
    {PATH "--crl good.crl alice.pem", CM_EXIT_YES,
     "accepted: ok\n" NAMES "  good" TIMES "CN=alice,DC=test\n"
     "  good" TIMES "CN=CA 1,DC=test\n",
     NULL},
    {PATH "--crl good.pem alice.pem", CM_EXIT_YES, "accepted: ok\n", NULL},
    {PATH "--crl folder alice.pem", CM_EXIT_YES, "accepted: ok\n", NULL},
    {PATH "--crl bad.crl alice.pem", CM_EXIT_NO,
     "refused: revoked, a certificate is revoked or on hold\n"
     "  \"CN=alice,DC=test\": keyCompromise\n  revoked" TIMES,
     NULL},
    {PATH "--crl bad.crl --crl folder alice.pem", CM_EXIT_NO,
     "refused: revoked", NULL},
    {PATH "alice.pem", CM_EXIT_NO,
     "refused: revocation-unknown, no source says anything current about the "
     "certificate's status\n"
     "  \"CN=alice,DC=test\": no CRL that counts speaks about it\n"
     "  unknown  none  ",
     NULL},
    {PATH "ca.pem", CM_EXIT_YES, "accepted: ok\n", NULL},
    {PATH "root.pem", CM_EXIT_YES, "accepted: ok\n", NULL},
    {PATH "--crl expired.crl alice.pem", CM_EXIT_NO,
     "\"CN=alice,DC=test\": its CRL has expired\n  stale", NULL},
    {PATH "--crl forged.crl alice.pem", CM_EXIT_NO,
     "refused: revocation-unknown", "forged.crl is left out: no certificate"},
    {PATH "--crl forged.crl --crl good.crl alice.pem", CM_EXIT_YES, "accepted",
     "forged.crl is left out: no certificate"},
    {PATH "--crl odd.crl --crl good.crl alice.pem", CM_EXIT_YES, "accepted",
     "odd.crl is left out: "},
    {"verify --anchor root.pem" AT "--crl good.crl alice.pem", CM_EXIT_NO,
     "refused: path-untrusted", "good.crl is left out"},
    {"verify --anchor ca.pem" AT "--crl good.crl alice.pem", CM_EXIT_YES,
     "accepted", NULL},

    {PATH "--crl nowhere alice.pem", CM_EXIT_USAGE, NULL,
     "cannot open nowhere"},
    {PATH "--crl alice.pem alice.pem", CM_EXIT_USAGE, NULL,
     "alice.pem holds no CRL"},
    {PATH "--crl alice.der alice.pem", CM_EXIT_USAGE, NULL,
     "alice.der holds no CRL"},
    {PATH "--crl cut.crl alice.pem", CM_EXIT_USAGE, NULL,
     "cut.crl holds no CRL"},
    {PATH "--crl empty alice.pem", CM_EXIT_USAGE, NULL, "empty holds no CRL"},
    {PATH "--crl pipe alice.pem", CM_EXIT_USAGE, NULL, "pipe holds no CRL"},
    {PATH "--crl hollow alice.pem", CM_EXIT_USAGE, NULL,
     "hollow holds no CRL"},
    {PATH "--crl mixed alice.pem", CM_EXIT_USAGE, NULL, "holds no CRL"},
};

static void
test_rows(void **state)
{
    (void)state;
    run_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static json_t *
run_json(const char *line)
{
    struct run run = run_line(line, NULL, 0);
    json_t *told = json_loads(run.out, 0, NULL);

    assert_non_null(told);
    run_clear(&run);
    return json_object_get(told, "revocation") == NULL ? NULL : told;
}

#define GOOD_CA                                                               \
    "{\"subject\": \"CN=CA 1,DC=test\", \"state\": \"good\", "                \
    "\"source\": \"crl\", \"reason\": null, "                                 \
    "\"this_update\": \"2026-01-01T00:00:00Z\", "                             \
    "\"next_update\": \"2036-01-01T00:00:00Z\"}"
#define ALICE "{\"subject\": \"CN=alice,DC=test\", "

static const struct {
    const char *line;
    const char *revocation;
} objects[] = {
    {"verify --json --anchor root.pem --intermediate ca.pem" AT "alice.pem",
     "[]"},
    {PATH "--json --crl bad.crl alice.pem",
     "[" ALICE "\"state\": \"revoked\", \"source\": \"crl\", "
     "\"reason\": \"keyCompromise\", "
     "\"this_update\": \"2026-01-01T00:00:00Z\", "
     "\"next_update\": \"2036-01-01T00:00:00Z\"}, " GOOD_CA "]"},
    {PATH "--json alice.pem",
     "[" ALICE "\"state\": \"unknown\", \"source\": \"none\", "
     "\"reason\": null, \"this_update\": null, \"next_update\": "
     "null}, " GOOD_CA "]"},
    {PATH "--json --crl endless.crl alice.pem",
     "[" ALICE "\"state\": \"stale\", \"source\": \"crl\", "
     "\"reason\": null, \"this_update\": \"2026-01-01T00:00:00Z\", "
     "\"next_update\": null}, " GOOD_CA "]"},
};

static void
test_json(void **state)
{
    json_t *told, *wanted;

    (void)state;
    for (size_t i = 0; i < sizeof(objects) / sizeof(*objects); i++) {
        told = run_json(objects[i].line);
        wanted = json_loads(objects[i].revocation, 0, NULL);
        assert_non_null(told);
        assert_non_null(wanted);
        if (json_equal(json_object_get(told, "revocation"), wanted) != 1)
            fail_msg("certmap %s: not %s", objects[i].line,
                     objects[i].revocation);
        json_decref(told);
        json_decref(wanted);
    }
}

/* ---- Files ---- */

#define LISTED                                                                \
    "30( 02:0a7b 17'260101000000Z' 30( 30( 06:551d15 04( 0a:01 ) ) ) )"
#define UNKNOWN_CRITICAL "30( 06:2b060104018137 01:ff 04( 05: ) )"

static void
write_crl(const char *name, const struct crlgen_spec *spec)
{
    size_t len;
    uint8_t *der = crlgen_make(spec, &len);

    folder_write(name, der, len);
    free(der);
}

static void
write_pem_crl(const char *name, const struct crlgen_spec *spec)
{
    FILE *file = fopen(name, "wb");
    const uint8_t *p;
    X509_CRL *crl;
    uint8_t *der;
    size_t len;

    der = crlgen_make(spec, &len);
    p = der;
    crl = d2i_X509_CRL(NULL, &p, (long)len);
    assert_non_null(file);
    assert_non_null(crl);
    assert_int_equal(PEM_write_X509_CRL(file, crl), 1);
    fclose(file);
    X509_CRL_free(crl);
    free(der);
}

static void
write_crls(void)
{
    struct crlgen_spec spec = {.key = tc_key(TC_EC_P256, 0),
                               .issuer = X509_get_subject_name(root)};
    const struct crlgen_spec of_ca = {.key = tc_key(TC_EC_P256, 1),
                                      .issuer = X509_get_subject_name(ca)};

    write_crl("root.crl", &spec);
    spec = of_ca;
    write_crl("good.crl", &spec);
    write_crl("folder/good.crl", &spec);
    write_crl("mixed/good.crl", &spec);
    write_pem_crl("good.pem", &spec);
    spec.entries = LISTED;
    write_crl("bad.crl", &spec);
    spec = of_ca;
    spec.next_update = "17'260201000000Z'";
    write_crl("expired.crl", &spec);
    spec.next_update = "";
    write_crl("endless.crl", &spec);
    spec = of_ca;
    spec.key = tc_key(TC_EC_P256, 0);
    write_crl("forged.crl", &spec);
    spec = of_ca;
    spec.extensions = UNKNOWN_CRITICAL;
    write_crl("odd.crl", &spec);
}

static void
write_others(void)
{
    static const uint8_t cut[] = {0x30, 0x82, 0x10, 0x00, 0x30};

    folder_write_pem("root.pem", &root, 1);
    folder_write_pem("ca.pem", &ca, 1);
    folder_write_pem("alice.pem", &alice, 1);
    folder_write_der("alice.der", alice);
    folder_write_der("mixed/alice.der", alice);
    folder_write("cut.crl", cut, sizeof(cut));
    folder_write("empty", "", 0);
    folder_write("hollow/.hidden", "", 0);
    assert_int_equal(mkfifo("pipe", 0600), 0);
}

static int
set_up(void **state)
{
    struct tc_spec spec = {.subject = "DC=test,CN=alice",
                           .key = tc_key(TC_EC_P256, 2),
                           .issuer_key = tc_key(TC_EC_P256, 1),
                           .serial_hex = "0a7b"};

    (void)state;
    folder_enter();
    root = tc_make_ca("DC=test,CN=Root", tc_key(TC_EC_P256, 0), NULL, NULL);
    ca = tc_make_ca("DC=test,CN=CA 1", tc_key(TC_EC_P256, 1), root,
                    tc_key(TC_EC_P256, 0));
    spec.issuer = ca;
    alice = tc_make(&spec);
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_int_equal(mkdir("mixed", 0700), 0);
    assert_int_equal(mkdir("hollow", 0700), 0);
    write_others();
    write_crls();
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
