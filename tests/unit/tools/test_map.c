/* certmap map against an LDIF file: what it takes, shows and would write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "host.h"
#include "runner.h"

#define SERIAL "X509:<I>DC=test,CN=CA 1<SR>7b0a"

static const struct run_row rows[] = {
    /* What is asked for. */
    {"map", CM_EXIT_USAGE, "", "usage: certmap map"},
    {"map list", CM_EXIT_USAGE, "", "usage: certmap map"},
    {"map show alice", CM_EXIT_USAGE, "", "usage: certmap map"},
    {"map list alice a b", CM_EXIT_USAGE, "", "usage: certmap map"},
    {"map add alice", CM_EXIT_USAGE, "", "add needs a certificate"},
    {"map remove alice", CM_EXIT_USAGE, "", "remove needs one of"},
    {"map remove --all-weak --value x alice", CM_EXIT_USAGE, "",
     "remove needs one of"},
    {"map remove --all-weak alice alice.pem", CM_EXIT_USAGE, "",
     "remove needs one of"},
    {"map list --shared alice", CM_EXIT_USAGE, "", "go with add"},
    {"map remove --form ski alice alice.pem", CM_EXIT_USAGE, "",
     "go with add"},
    {"map add --all-weak alice alice.pem", CM_EXIT_USAGE, "",
     "go with remove"},
    {"map list -n alice", CM_EXIT_USAGE, "", "-n goes with"},
    {"map add --form magic alice alice.pem", CM_EXIT_USAGE, "",
     "allowed are issuer-serial"},
    {"map add --form upn alice alice.pem", CM_EXIT_USAGE, "", "allowed are"},
    {"map list -H ldapi:/// alice", CM_EXIT_USAGE, "",
     "need directory = ldap"},
    {"map list alice@OTHER.COM", CM_EXIT_USAGE, "", "no certmap subsection"},
    {"map list -r OTHER.COM alice@EXAMPLE.COM", CM_EXIT_USAGE, "",
     "is not of the realm"},
    {"map list @", CM_EXIT_USAGE, "", "is not a principal"},
    {"map add alice missing.pem", CM_EXIT_USAGE, "", "missing.pem"},
    {"map add alice damaged", CM_EXIT_USAGE, "", "damaged"},
    {"map add alice roots.pem", CM_EXIT_NO, "", "is a CA certificate"},

    /* What is there. */
    {"map list alice", CM_EXIT_YES, "serial number 0a7b", ""},
    {"map list alice alice.pem", CM_EXIT_YES, "<- this certificate", ""},
    {"map list bob", CM_EXIT_YES, "weak", ""},
    {"map list carol", CM_EXIT_YES, "no mapping", ""},
    {"map list dave", CM_EXIT_NO, "", "no account for dave@EXAMPLE.COM"},
    {"map list --json carol", CM_EXIT_YES, "\"mappings\": []", ""},

    /* What would be written. */
    {"map add alice alice.pem", CM_EXIT_YES, "already", ""},
    {"map add carol alice.pem", CM_EXIT_NO, "", "uid=alice,dc=example,dc=com"},
    {"map add --shared carol alice.pem", CM_EXIT_USAGE, "", "only read"},
    {"map add -n --shared carol alice.pem", CM_EXIT_YES,
     "dn: uid=carol,dc=example,dc=com\nchangetype: modify\n"
     "add: altSecurityIdentities\naltSecurityIdentities: " SERIAL "\n-\n",
     ""},
    {"map add -n --form ski carol alice.pem", CM_EXIT_YES, "X509:<SKI>", ""},
    {"map add -n --form subject carol alice.pem", CM_EXIT_YES, "X509:<S>",
     "warning: this form is weak"},
    {"map add -n --form subject carol alice.pem", CM_EXIT_YES, "X509:<S>",
     "do not list this form"},
    {"map add -n --form rfc822 carol alice.pem", CM_EXIT_NO, "",
     "no mail address"},
    {"map add -n --form issuer-sid carol alice.pem", CM_EXIT_NO, "", "SID"},
    {"map add -n --form ski --at 2099-01-01T00:00:00Z carol alice.pem",
     CM_EXIT_YES, "X509:<SKI>", "warning: the certificate has expired"},
    {"map add -n --form ski --at 1999-01-01T00:00:00Z carol alice.pem",
     CM_EXIT_YES, "X509:<SKI>", "warning: the certificate is not yet valid"},
    {"map remove -n alice alice.pem", CM_EXIT_YES,
     "delete: altSecurityIdentities\naltSecurityIdentities: " SERIAL "\n-\n",
     "left without a strong value"},
    {"map remove alice alice.pem", CM_EXIT_USAGE, "", "only read"},
    {"map remove -n --all-weak bob", CM_EXIT_YES,
     "delete: altSecurityIdentities", ""},
    {"map remove -n --all-weak alice", CM_EXIT_YES, NULL, ""},
    {"map remove --all-weak alice", CM_EXIT_YES, "no such mapping", ""},
    {"map remove -n --value X509:<SKI>00 alice", CM_EXIT_YES, NULL, ""},
    {"map add --json -n --shared carol alice.pem", CM_EXIT_YES,
     "\"would-add\"", ""},
};

static void
test_rows(void **state)
{
    struct host host = {0};

    (void)state;
    host_configure(&host);
    run_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

/* The realm's mappings choose the form, and say what is accepted. */
static void
test_the_realms_mappings(void **state)
{
    struct host host = {.certmap = HOST_TRUST
                        "revocation = off\nmappings = ski issuer-subject\n"
                        "enforcement = compatibility\n" HOST_DIRECTORY};
    struct run run;

    (void)state;
    host_configure(&host);
    run = run_line("map add -n carol alice.pem", NULL, 0);
    assert_int_equal(run.code, CM_EXIT_YES);
    assert_non_null(strstr(run.out, "X509:<SKI>"));
    assert_string_equal(run.err, "");
    run_clear(&run);
    run = run_line("map list alice", NULL, 0);
    assert_non_null(strstr(run.out, "not among the realm's mappings"));
    run_clear(&run);
    run =
        run_line("map add -n --form issuer-subject carol alice.pem", NULL, 0);
    assert_int_equal(run.code, CM_EXIT_NO); /* bob has it */
    assert_non_null(strstr(run.err, "uid=bob,"));
    run_clear(&run);
}

static const struct run_row card_rows[] = {
    {"require-card", CM_EXIT_USAGE, NULL, "usage: certmap require-card"},
    {"require-card --method magic alice", CM_EXIT_USAGE, NULL,
     "allowed are hwauth, randkey"},
    {"require-card --undo --method hwauth alice", CM_EXIT_USAGE, NULL,
     "--undo goes without"},
    {"require-card --undo --anyway alice", CM_EXIT_USAGE, NULL,
     "--undo goes without"},
    {"require-card host/a.example.com", CM_EXIT_NO, NULL, "it is a service"},
    {"require-card K/M", CM_EXIT_NO, NULL, "KDC itself"},
    {"require-card alice", CM_EXIT_UNAVAILABLE, NULL,
     "cannot be opened for writing"},
};

/* There is no database here. */
static void
test_require_card(void **state)
{
    struct host host = {0};

    (void)state;
    host_configure(&host);
    run_rows(card_rows, sizeof(card_rows) / sizeof(card_rows[0]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_the_realms_mappings),
        cmocka_unit_test(test_require_card),
    };

    return cmocka_run_group_tests(tests, host_set_up, folder_tear_down);
}
