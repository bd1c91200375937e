/* The command line: what is printed, what is an error, and the exit codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <openssl/pem.h>

#include "runner.h"
#include "certfile.h"
#include "testcert.h"

static X509 *root, *ca, *other, *alice, *tall, *bare;

static const struct run_row usage[] = {
    {"", CM_EXIT_USAGE, NULL, "usage: certmap VERB"},
    {"help", CM_EXIT_YES, "usage: certmap VERB", NULL},
    {"--help", CM_EXIT_YES, "usage: certmap VERB", NULL},
    {"-h", CM_EXIT_YES, "usage: certmap VERB", NULL},
    {"--version", CM_EXIT_YES, "certmap (krb5-certmap) ", NULL},
    {"help show", CM_EXIT_YES, "usage: certmap show [options] CERT", NULL},
    {"help verify", CM_EXIT_YES, "--anchor", NULL},
    {"show --help", CM_EXIT_YES, "usage: certmap show", NULL},
    {"verify -h", CM_EXIT_YES, "--policy OID", NULL},
    {"help nothing", CM_EXIT_USAGE, NULL, "there is no verb \"nothing\""},
    {"help show verify", CM_EXIT_USAGE, NULL, "one verb"},
    {"frob", CM_EXIT_USAGE, NULL, "there is no verb \"frob\""},
    {"SHOW alice.pem", CM_EXIT_USAGE, NULL, "there is no verb"},
    {"--json show alice.pem", CM_EXIT_USAGE, NULL, "before a verb"},
    {"fr\033ob", CM_EXIT_USAGE, NULL, "\"fr\\x1bob\""},
    {"show", CM_EXIT_USAGE, NULL, "usage: certmap show"},
    {"show alice.pem alice.pem", CM_EXIT_USAGE, NULL, "usage: certmap show"},
    {"show --bogus alice.pem", CM_EXIT_USAGE, NULL,
     "--bogus is not an option here"},
    {"show -z alice.pem", CM_EXIT_USAGE, NULL, "-z is not an option here"},
    {"show --json=yes alice.pem", CM_EXIT_USAGE, NULL, "--json=yes"},
    {"show alice.pem -r", CM_EXIT_USAGE, NULL, "-r needs a value"},
    {"show alice.pem --at", CM_EXIT_USAGE, NULL, "--at needs a value"},
    {"show --at yesterday alice.pem", CM_EXIT_USAGE, NULL, "RFC 3339"},
    {"show --at 2024-02-01T00:00:00Z --at 2024-02-01T00:00:00Z alice.pem",
     CM_EXIT_USAGE, NULL, "--at may be given once"},
    {"show -r A -r B alice.pem", CM_EXIT_USAGE, NULL,
     "--realm may be given once"},
    {"show --realm= alice.pem", CM_EXIT_USAGE, NULL, "--realm needs a value"},
    {"verify --ocps x.ors alice.pem", CM_EXIT_USAGE, NULL,
     "--ocps is not an option here"},
    {"verify alice.pem", CM_EXIT_USAGE, NULL, "at least one with --anchor"},
    {"verify --anchor root.pem", CM_EXIT_USAGE, NULL, "usage: certmap verify"},
    {"verify --anchor root.pem --policy 1.2.x alice.pem", CM_EXIT_USAGE, NULL,
     "--policy 1.2.x is not an object identifier"},
};

static void
usage_is_checked(void **state)
{
    (void)state;
    run_rows(usage, sizeof(usage) / sizeof(usage[0]));
}

static const struct run_row inputs[] = {
    {"show alice.pem", CM_EXIT_YES, "CN=alice", NULL},
    {"show alice.der", CM_EXIT_YES, "CN=alice", NULL},
    {"show with-key.pem", CM_EXIT_YES, "CN=alice", NULL},
    {"show nowhere.pem", CM_EXIT_USAGE, NULL, "cannot open nowhere.pem"},
    {"show .", CM_EXIT_USAGE, NULL, "cannot read ."},
    {"show empty", CM_EXIT_USAGE, NULL, "holds no certificate"},
    {"show key.pem", CM_EXIT_USAGE, NULL, "holds no certificate"},
    {"show text", CM_EXIT_USAGE, NULL, "holds no certificate"},
    {"show two.pem", CM_EXIT_USAGE, NULL, "two.pem holds 2 certificates"},
    {"show twice.pem", CM_EXIT_USAGE, NULL, "twice.pem holds 2 certificates"},
    {"show damaged.pem", CM_EXIT_USAGE, NULL, "a damaged PEM block"},
    {"show unended.pem", CM_EXIT_USAGE, NULL, "a damaged PEM block"},
    {"show unseen.pem", CM_EXIT_USAGE, NULL, "a damaged PEM block"},
    {"show huge", CM_EXIT_USAGE, NULL, "larger than 1048576 bytes"},
    {"show short.der", CM_EXIT_NO, NULL, "cert-malformed"},
    {"show long.der", CM_EXIT_NO, NULL, "cert-malformed"},
    {"show double.der", CM_EXIT_NO, NULL, "cert-malformed"},
    {"verify --anchor nowhere.pem alice.pem", CM_EXIT_USAGE, NULL,
     "cannot open nowhere.pem"},
    {"verify --anchor empty alice.pem", CM_EXIT_USAGE, NULL, "empty"},
    {"verify --anchor key.pem alice.pem", CM_EXIT_USAGE, NULL, "key.pem"},
    {"verify --anchor hollow alice.pem", CM_EXIT_USAGE, NULL,
     "hollow holds no certificate"},
    {"verify --anchor . alice.pem", CM_EXIT_USAGE, NULL, "certmap: "},
    {"verify --anchor root.pem --intermediate text alice.pem", CM_EXIT_USAGE,
     NULL, "text"},
    {"verify --anchor root.pem --ntauth nowhere alice.pem", CM_EXIT_USAGE,
     NULL, "cannot open nowhere"},
    {"verify --anchor root.pem nowhere", CM_EXIT_USAGE, NULL, "cannot open"},
    {"verify --anchor root.pem two.pem", CM_EXIT_USAGE, NULL,
     "2 certificates"},
};

static void
inputs_are_checked(void **state)
{
    (void)state;
    run_rows(inputs, sizeof(inputs) / sizeof(inputs[0]));
}

static void
standard_input_is_read(void **state)
{
    size_t len;
    uint8_t *der = tc_der(alice, &len);
    struct run run = run_line("show -", der, len);

    (void)state;
    assert_int_equal(run.code, CM_EXIT_YES);
    assert_non_null(strstr(run.out, "CN=alice"));
    run_clear(&run);
    run = run_line("show -", NULL, 0);
    assert_int_equal(run.code, CM_EXIT_USAGE);
    assert_non_null(strstr(run.err, "holds no certificate"));
    run_clear(&run);
    free(der);
}

#define VIA " --intermediate ca.pem "

static const struct run_row verdicts[] = {
    {"verify --anchor root.pem" VIA "alice.pem", CM_EXIT_YES,
     "accepted: ok\n  0 CN=alice,DC=test\n  1 CN=CA 1,DC=test\n"
     "  2 CN=Root,DC=test\n",
     NULL},
    {"verify --anchor root.pem --intermediate folder alice.pem", CM_EXIT_YES,
     "accepted", NULL},
    {"verify --anchor root.pem --anchor other.pem" VIA "alice.pem",
     CM_EXIT_YES, "accepted", NULL},
    {"verify --anchor ca.pem alice.pem", CM_EXIT_YES, "accepted", NULL},
    {"verify --anchor root.pem ca.pem", CM_EXIT_YES, "accepted", NULL},
    {"verify --anchor root.pem --ntauth ca.pem" VIA "alice.pem", CM_EXIT_YES,
     "accepted", NULL},
    {"verify --anchor root.pem alice.pem", CM_EXIT_NO,
     "refused: path-untrusted", NULL},
    {"verify --anchor other.pem" VIA "alice.pem", CM_EXIT_NO,
     "refused: path-untrusted", NULL},
    {"verify --anchor root.pem --ntauth root.pem" VIA "alice.pem", CM_EXIT_NO,
     "refused: ntauth-absent", NULL},
    {"verify --anchor root.pem --at 2034-12-31T00:00:00Z" VIA "alice.pem",
     CM_EXIT_YES, "accepted", NULL},
    {"verify --anchor root.pem --at 2036-01-01T00:00:00Z" VIA "alice.pem",
     CM_EXIT_NO, "refused: cert-validity", NULL},
    {"verify --anchor root.pem --at 2022-01-01T00:00:00Z" VIA "alice.pem",
     CM_EXIT_NO, "refused: cert-validity", NULL},
    {"verify --anchor root.pem --explicit-policy" VIA "alice.pem", CM_EXIT_NO,
     "refused: path-untrusted", NULL},
    {"verify --anchor root.pem short.der", CM_EXIT_NO,
     "refused: cert-malformed", NULL},
    {"verify --anchor root.pem double.der", CM_EXIT_NO,
     "refused: cert-malformed", NULL},
};

static void
paths_are_judged(void **state)
{
    (void)state;
    run_rows(verdicts, sizeof(verdicts) / sizeof(verdicts[0]));
}

static const struct run_row shown[] = {
    {"show alice.pem", CM_EXIT_YES,
     "  strong  issuer-serial   X509:<I>DC=test,CN=CA 1<SR>7b0a\n"
     "  strong  ski",
     NULL},
    {"show alice.pem", CM_EXIT_YES, "Use issuer-serial", NULL},
    {"show alice.pem", CM_EXIT_YES, "serial     0a7b\n", NULL},
    {"show --at 2041-01-01T00:00:00Z alice.pem", CM_EXIT_YES, "(expired)",
     NULL},
    {"show --at 2019-01-01T00:00:00Z alice.pem", CM_EXIT_YES,
     "(not yet valid)", NULL},
    {"show tall.pem", CM_EXIT_YES, "No ski value: the key identifier is not",
     NULL},
    {"show tall.pem", CM_EXIT_YES, "X509:<I>DC=test,CN=CA 1<S>O=\"Acme, Inc\"",
     NULL},
    {"show tall.pem", CM_EXIT_YES, "faulty: damaged, or given twice", NULL},
    {"show ca.pem", CM_EXIT_YES, "not a logon certificate", NULL},
    {"show bare.pem", CM_EXIT_YES, "No ski value: the certificate has no key",
     NULL},
};

static void
fields_are_shown(void **state)
{
    (void)state;
    run_rows(shown, sizeof(shown) / sizeof(shown[0]));
}

static void
write_copies(void)
{
    size_t len;
    uint8_t *der = tc_der(alice, &len);
    uint8_t *twice = malloc(2 * len);
    char *huge = calloc(1, CM_CERTFILE_MAX + 1);

    assert_non_null(twice);
    assert_non_null(huge);
    memcpy(twice, der, len);
    memcpy(twice + len, der, len);
    folder_write("short.der", der, len - 1);
    folder_write("double.der", twice, 2 * len);
    folder_write("long.der", twice, len + 1);
    folder_write("huge", huge, CM_CERTFILE_MAX + 1);
    free(huge);
    free(twice);
    free(der);
}

static void
write_broken_files(void)
{
    static const char damaged[] = "-----BEGIN CERTIFICATE-----\n!!!\n"
                                  "-----END CERTIFICATE-----\n";
    static const char unended[] = "-----BEGIN CERTIFICATE-----\nMIIB\n";
    static const char unseen[] = "-----BEGIN CERTIFICATE----\nMIIB\n";
    static const char text[] = "0 is not a certificate\n";

    folder_write("damaged.pem", damaged, sizeof(damaged) - 1);
    folder_write("unended.pem", unended, sizeof(unended) - 1);
    folder_write("unseen.pem", unseen, sizeof(unseen) - 1);
    folder_write("text", text, sizeof(text) - 1);
    folder_write("empty", "", 0);
    assert_int_equal(mkdir("hollow", 0700), 0);
    folder_write("hollow/.hidden", text, sizeof(text) - 1);
    write_copies();
}

static void
write_key(const char *name, const X509 *cert)
{
    FILE *file = fopen(name, "wb");

    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, tc_key(TC_EC_P256, 3), NULL,
                                          NULL, 0, NULL, NULL),
                     1);
    if (cert != NULL)
        assert_int_equal(PEM_write_X509(file, cert), 1);
    fclose(file);
}

static void
make_certificates(void)
{
    struct tc_spec spec = {.subject = "DC=test,CN=alice",
                           .key = tc_key(TC_EC_P256, 3),
                           .issuer_key = tc_key(TC_EC_P256, 1),
                           .serial_hex = "0a7b",
                           .not_before = "20240101000000Z",
                           .not_after = "20350101000000Z",
                           .ski = "hash"};

    root = tc_make_ca("DC=test,CN=Root", tc_key(TC_EC_P256, 0), NULL, NULL);
    ca = tc_make_ca("DC=test,CN=CA 1", tc_key(TC_EC_P256, 1), root,
                    tc_key(TC_EC_P256, 0));
    other = tc_make_ca("CN=Other", tc_key(TC_EC_P256, 2), NULL, NULL);
    spec.issuer = ca;
    alice = tc_make(&spec);
    /* A name to quote, a foreign key identifier, a damaged SID. */
    spec.subject = "O=Acme\\, Inc,CN=tall";
    spec.ski = "0102030405";
    spec.raw[0].oid = "1.3.6.1.4.1.311.25.2";
    spec.raw[0].value_hex = "3000";
    tall = tc_make(&spec);
    spec.ski = NULL;
    bare = tc_make(&spec);
}

static int
set_up(void **state)
{
    X509 *pair[2], *same[2];

    (void)state;
    folder_enter();
    make_certificates();
    pair[0] = alice;
    pair[1] = ca;
    same[0] = same[1] = alice;
    folder_write_pem("root.pem", &root, 1);
    folder_write_pem("ca.pem", &ca, 1);
    folder_write_pem("other.pem", &other, 1);
    folder_write_pem("alice.pem", &alice, 1);
    folder_write_pem("tall.pem", &tall, 1);
    folder_write_pem("bare.pem", &bare, 1);
    folder_write_pem("two.pem", pair, 2);
    folder_write_pem("twice.pem", same, 2);
    folder_write_der("alice.der", alice);
    assert_int_equal(mkdir("folder", 0700), 0);
    folder_write_pem("folder/a.pem", &ca, 1);
    folder_write_der("folder/b.der", other);
    write_key("key.pem", NULL);
    write_key("with-key.pem", alice);
    write_broken_files();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    folder_leave();
    X509_free(root);
    X509_free(ca);
    X509_free(other);
    X509_free(alice);
    X509_free(tall);
    X509_free(bare);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage_is_checked),
        cmocka_unit_test(inputs_are_checked),
        cmocka_unit_test(standard_input_is_read),
        cmocka_unit_test(paths_are_judged),
        cmocka_unit_test(fields_are_shown),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
