/* certmap ntauth on files: what it takes, what it writes, what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ntauth_command.h"
#include "runner.h"
#include "testcert.h"
#include "trust.h"

static struct {
    X509 *one, *two, *twin, *leaf, *expired, *future, *weak, *odd;
} certs;

static X509 *
make(const char *subject, enum tc_key_type type, unsigned slot,
     const char *from, const char *until, const char *serial)
{
    const struct tc_spec spec = {.subject = subject,
                                 .key = tc_key(type, slot),
                                 .serial_hex = serial,
                                 .not_before = from,
                                 .not_after = until,
                                 .basic_constraints = "critical,CA:TRUE",
                                 .key_usage = "critical,keyCertSign,cRLSign"};

    return tc_make(&spec);
}

static int
set_up(void **state)
{
    X509 *bag[2];

    (void)state;
    folder_enter();
    certs.one = make("CN=One", TC_EC_P256, 1, NULL, NULL, "01");
    certs.two = make("CN=Two", TC_EC_P256, 2, NULL, NULL, "02");
    certs.twin = make("CN=One", TC_EC_P256, 1, NULL, NULL, "03");
    certs.leaf = tc_make(&(struct tc_spec){.subject = "CN=Leaf"});
    certs.expired = make("CN=Expired", TC_EC_P256, 4, "20100101000000Z",
                         "20110101000000Z", NULL);
    certs.future = make("CN=Future", TC_EC_P256, 5, "20500101000000Z",
                        "20600101000000Z", NULL);
    certs.weak = make("CN=Weak", TC_RSA_1024, 1, NULL, NULL, NULL);
    certs.odd = make("CN=Odd\033[2J", TC_EC_P256, 6, NULL, NULL, NULL);
    folder_write_der("one", certs.one);
    folder_write_der("two", certs.two);
    folder_write_der("twin", certs.twin);
    folder_write_der("leaf", certs.leaf);
    folder_write_der("expired", certs.expired);
    folder_write_der("future", certs.future);
    folder_write_der("weak", certs.weak);
    folder_write_der("odd", certs.odd);
    folder_write("junk", "junk", 4);
    bag[0] = certs.one;
    bag[1] = certs.two;
    folder_write_pem("both", bag, 2);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    X509_free(certs.one);
    X509_free(certs.two);
    X509_free(certs.twin);
    X509_free(certs.leaf);
    X509_free(certs.expired);
    X509_free(certs.future);
    X509_free(certs.weak);
    X509_free(certs.odd);
    folder_leave();
    return 0;
}

/* A new list for each test, in a file or in a folder. */
static int
new_lists(void **state)
{
    (void)state;
    assert_int_equal(system("rm -rf dir file"), 0);
    assert_int_equal(mkdir("dir", 0755), 0);
    folder_write("file", "# ours\n", 7);
    return 0;
}

static size_t
count_in(const char *path)
{
    struct cm_detail detail;
    X509 **list;
    size_t count;

    (void)cm_certificates_load(path, &list, &count, &detail);
    cm_certificates_free(list, count);
    return count;
}

static const struct row {
    const char *line;
    enum cm_exit code;
    const char *err;
} refused[] = {
    {"", CM_EXIT_USAGE, "usage: certmap ntauth"},
    {"show", CM_EXIT_USAGE, "usage: certmap ntauth"},
    {"add --list DIR:dir", CM_EXIT_USAGE, "usage: certmap ntauth"},
    {"remove --list DIR:dir", CM_EXIT_USAGE, "usage: certmap ntauth"},
    {"list one --list DIR:dir", CM_EXIT_USAGE, "usage: certmap ntauth"},
    {"list --list dir", CM_EXIT_NO, ""},
    {"list --list DIR:dir --list DIR:dir", CM_EXIT_USAGE, "given once"},
    {"list --list DIR:dir --directory", CM_EXIT_USAGE, "exclude each other"},
    {"list --list DIR:missing", CM_EXIT_UNAVAILABLE, "missing: "},
    {"list --list FILE:missing", CM_EXIT_UNAVAILABLE, "missing: No such"},
    {"list --list FILE:junk", CM_EXIT_NO, ""},
    {"add leaf --list DIR:dir", CM_EXIT_NO, "CN=Leaf: it is not a CA"},
    {"add weak --list DIR:dir", CM_EXIT_NO, "CN=Weak: "},
    {"add expired --list DIR:dir", CM_EXIT_NO,
     "CN=Expired: it expired at 2011-01-01T00:00:00Z"},
    {"add one leaf --list DIR:dir", CM_EXIT_NO, "CN=Leaf: it is not a CA"},
    {"add junk --list DIR:dir", CM_EXIT_USAGE, "junk: holds no certificate"},
    {"add missing --list DIR:dir", CM_EXIT_USAGE, "cannot open missing"},
    {"add both --list DIR:dir", CM_EXIT_USAGE, "both holds 2 certificates"},
    {"add both --fingerprint 00 --list DIR:dir", CM_EXIT_USAGE,
     "--fingerprint is SHA-256"},
    {"add one --list DIR:dir --at 2024-01-01T00:00:00Z", CM_EXIT_USAGE,
     "--at goes with list"},
    {"remove one --list DIR:dir", CM_EXIT_NO, "no such certificate"},
    {"remove --fingerprint xy --list DIR:dir", CM_EXIT_USAGE,
     "name the certificate"},
};

/* What is refused writes nothing. */
static void
test_refused(void **state)
{
    char line[256];

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        snprintf(line, sizeof(line), "ntauth%s%s",
                 refused[i].line[0] == '\0' ? "" : " ", refused[i].line);
        run_says(line, refused[i].code, "", refused[i].err);
        assert_int_equal(rmdir("dir"), 0);
        assert_int_equal(mkdir("dir", 0755), 0);
    }
}

static void
test_folder(void **state)
{
    struct stat st;
    char path[128], *names;
    struct run run;

    (void)state;
    run_says("ntauth list --list DIR:dir", CM_EXIT_NO, "0 CA certificates",
             "");
    run_says("ntauth add one --list DIR:dir -n", CM_EXIT_YES,
             "Nothing was written", "");
    assert_int_equal(rmdir("dir"), 0);
    assert_int_equal(mkdir("dir", 0755), 0);
    run_says("ntauth add one two --list DIR:dir", CM_EXIT_YES,
             "2 added, 0 removed", "");
    run_says("ntauth add one --list DIR:dir", CM_EXIT_YES,
             "Nothing is to be changed", "");
    run = run_line("ntauth list --json --list DIR:dir", NULL, 0);
    assert_int_equal(run.code, CM_EXIT_YES);
    names = strstr(run.out, "\"sha256\": \"");
    assert_non_null(names);
    snprintf(path, sizeof(path), "dir/%.64s.pem", names + 11);
    run_clear(&run);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    run_says("ntauth remove one --list DIR:dir", CM_EXIT_YES,
             "0 added, 1 removed", "");
    run_says("ntauth list --list DIR:dir", CM_EXIT_YES, "1 CA certificate\n",
             "");
    run_says("ntauth remove two --list DIR:dir", CM_EXIT_NO, "",
             "EVERY smart-card login");
    run_says("ntauth remove two --list DIR:dir --yes", CM_EXIT_YES,
             "1 removed", "EVERY smart-card login");
    assert_int_equal(rmdir("dir"), 0);
}

static void
test_file(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(chmod("file", 0640), 0);
    run_says("ntauth add both --all --list FILE:file", CM_EXIT_YES, "2 added",
             "");
    assert_int_equal(count_in("file"), 2);
    run_says("ntauth add twin --list FILE:file", CM_EXIT_YES, "1 added", "");
    run_says("ntauth remove two --list FILE:file", CM_EXIT_YES, "1 removed",
             "");
    assert_int_equal(count_in("file"), 2);
    run_says("ntauth remove one --list FILE:file", CM_EXIT_YES, "1 removed",
             "the CA stays on the list");
    run_says("ntauth remove twin --list FILE:file --yes", CM_EXIT_YES,
             "1 removed", "");
    assert_int_equal(stat("file", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_size, 7); /* what was no certificate stays */
    run_says("ntauth list --list FILE:file", CM_EXIT_NO, "0 CA", "");
    /* A list in DER becomes one in PEM. */
    folder_write_der("file", certs.one);
    run_says("ntauth add two --list FILE:file", CM_EXIT_YES, "1 added", "");
    assert_int_equal(count_in("file"), 2);
}

/* The fingerprint as hex in `out`: of the certificate or of its key. */
static void
print_of(X509 *cert, bool sha512, bool key, char *out)
{
    struct cm_ntauth_items items = {NULL, 0};
    const uint8_t *bytes;

    assert_true(cm_ntauth_items_add_x509(&items, cert, NULL));
    bytes = key      ? items.list[0].spki_sha256
            : sha512 ? items.list[0].sha512
                     : items.list[0].sha256;
    for (size_t i = 0; i < (sha512 ? 64 : 32); i++)
        out += sprintf(out, "%s%02X", i > 0 ? ":" : "", bytes[i]);
    cm_ntauth_items_clear(&items);
}

static void
test_fingerprints(void **state)
{
    char print[256], line[512];

    (void)state;
    print_of(certs.two, false, false, print);
    snprintf(line, sizeof(line),
             "ntauth add both --fingerprint %s --list FILE:file", print);
    run_says(line, CM_EXIT_YES, "CN=Two", "");
    assert_int_equal(count_in("file"), 1);
    run_says("ntauth add one twin --list FILE:file", CM_EXIT_YES, "2 added",
             "");
    print_of(certs.two, true, false, print);
    snprintf(line, sizeof(line),
             "ntauth remove --fingerprint %s --list FILE:file", print);
    run_says(line, CM_EXIT_YES, "1 removed", "");
    /* A key's means all of its certificates: here the last ones. */
    print_of(certs.one, false, true, print);
    snprintf(line, sizeof(line),
             "ntauth remove --fingerprint %s --list FILE:file", print);
    run_says(line, CM_EXIT_NO, "", "EVERY smart-card login");
    snprintf(line, sizeof(line),
             "ntauth remove --fingerprint %s --list FILE:file --yes", print);
    run_says(line, CM_EXIT_YES, "2 removed", "");
}

static void
test_odd_certificates(void **state)
{
    (void)state;
    run_says("ntauth add expired --anyway --list FILE:file", CM_EXIT_YES,
             "expired", "warning: it expired at");
    run_says("ntauth add future --list FILE:file", CM_EXIT_YES, "not-yet",
             "warning: it is not valid before");
    run_says("ntauth add odd --list FILE:file", CM_EXIT_YES, "CN=#0c", "");
    run_says("ntauth list --json --list FILE:file", CM_EXIT_YES,
             "\"state\": \"expired\"", "");
    run_says("ntauth list --list FILE:file --at 2010-06-01T00:00:00Z",
             CM_EXIT_YES, "not-yet", "");
}

/* What a folder holds beside certificates is left alone, and said. */
static void
test_strangers(void **state)
{
    (void)state;
    folder_write("dir/readme", "junk", 4);
    folder_write("dir/.hidden", "junk", 4);
    run_says("ntauth add one --list DIR:dir", CM_EXIT_YES, "1 added",
             "dir/readme is left out");
    run_says("ntauth remove one --yes --list DIR:dir", CM_EXIT_YES,
             "1 removed", "");
    assert_int_equal(access("dir/readme", F_OK), 0);
}

/* Where it cannot be written nothing changes. */
static void
test_unwritable(void **state)
{
    (void)state;
    assert_int_equal(mkdir("gone", 0755), 0);
    run_says("ntauth add one --list FILE:gone/none/file", CM_EXIT_UNAVAILABLE,
             "", "No such file");
    assert_int_equal(rmdir("gone"), 0);
    run_says("ntauth add one --list FILE:one/file", CM_EXIT_UNAVAILABLE, "",
             "Not a directory");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_refused, new_lists),
        cmocka_unit_test_setup(test_folder, new_lists),
        cmocka_unit_test_setup(test_file, new_lists),
        cmocka_unit_test_setup(test_fingerprints, new_lists),
        cmocka_unit_test_setup(test_odd_certificates, new_lists),
        cmocka_unit_test_setup(test_strangers, new_lists),
        cmocka_unit_test_setup(test_unwritable, new_lists),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
