/* CRLs on their way into the store, and out of it at logins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "store_fixture.h"

#define MUCH_LATER " 17'260101000300Z' "
#define EARLIER " 17'251231235900Z' "

static bool
fd_is_open(const char *name)
{
    char path[64], target[512];
    ssize_t len;

    for (int fd = 0; fd < 1024; fd++) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        len = readlink(path, target, sizeof(target) - 1);
        if (len < 0)
            continue;
        target[len] = '\0';
        if (strstr(target, name) != NULL)
            return true;
    }
    return false;
}

static void
test_publishing(void **state)
{
    (void)state;
    assert_int_equal(put(NUMBER("01"), NOBODY, NULL), CM_PUBLISHED);
    assert_true(store_has(published(".crl")));
    assert_true(store_has(published(".idx")));
    assert_int_equal(count_files(crl_name(ca_spki, "")), 2);
    look();
    assert_int_equal(ask(ca_spki), ASK_NOT_LISTED);
    assert_int_equal(ask(other_spki), ASK_NOBODY);
    /* The newer one is seen at the next look, and not before. */
    assert_int_equal(put(NUMBER("02"), LEAF, LATER), CM_PUBLISHED);
    assert_int_equal(count_files(crl_name(ca_spki, "")), 2);
    assert_int_equal(ask(ca_spki), ASK_NOT_LISTED);
    look();
    assert_int_equal(ask(ca_spki), ASK_LISTED);
    assert_false(fd_is_open("(deleted)"));
    /* And gone when it is gone. */
    assert_int_equal(unlink(store_path(published(".idx"))), 0);
    look();
    assert_int_equal(ask(ca_spki), ASK_NOBODY);
    assert_false(fd_is_open("(deleted)"));
}

/* The very same CRL again costs no more than reading it; unless what is there
 * is not whole. */
static void
test_unchanged(void **state)
{
    struct crlgen_spec spec = crl_of(ca, ca_key(), NUMBER("01"), LEAF, NULL);
    int fd = crlgen_file(&spec);
    struct stat before, after;

    (void)state;
    assert_int_equal(publish_fd(fd, ca_key(), ca_spki, false), CM_PUBLISHED);
    assert_int_equal(stat(store_path(published(".idx")), &before), 0);
    assert_int_equal(publish_fd(fd, ca_key(), ca_spki, false), CM_UNCHANGED);
    assert_int_equal(publish_fd(fd, ca_key(), ca_spki, true), CM_UNCHANGED);
    assert_int_equal(stat(store_path(published(".idx")), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(unlink(store_path(published(".crl"))), 0);
    assert_int_equal(publish_fd(fd, ca_key(), ca_spki, false), CM_PUBLISHED);
    assert_int_equal(truncate(store_path(published(".idx")), 4097), 0);
    assert_int_equal(publish_fd(fd, ca_key(), ca_spki, false), CM_PUBLISHED);
    close(fd);
    look();
    assert_int_equal(ask(ca_spki), ASK_LISTED);
}

/* ---- What is not published ---- */

static const struct refusal {
    const char *extensions, *entries, *this_update;
    enum cm_publish outcome;
    const char *why;
} refusals[] = {
    {NUMBER("04"), LEAF, NULL, CM_PUBLISH_OLDER, "number went back"},
    {NUMBER("05"), LEAF, EARLIER, CM_PUBLISH_OLDER, "thisUpdate went back"},
    {NUMBER("06"), LEAF, EARLIER, CM_PUBLISH_OLDER,
     "from 2026-01-01T00:00:00Z to 2025-12-31T23:59:00Z"},
    {NULL, LEAF, EARLIER, CM_PUBLISH_OLDER, "thisUpdate went back"},
    {NUMBER("06"), LEAF, " 17'260101001000Z' ", CM_PUBLISH_REFUSED,
     "in the future"},
    {"30( 06:2a03 01:ff 04( 05: ) )", LEAF, NULL, CM_PUBLISH_REFUSED, ""},
};

/* The same, and nothing is left behind. */
static void
check_unharmed(const char *what)
{
    look();
    if (ask(ca_spki) != ASK_NOT_LISTED)
        fail_msg("%s: the old CRL does not stand", what);
    if (count_files(crl_name(ca_spki, "")) != 2)
        fail_msg("%s: something is left", what);
}

static void
test_refusals(void **state)
{
    const struct refusal *row;
    enum cm_publish outcome;

    (void)state;
    assert_int_equal(put(NUMBER("05"), NOBODY, NULL), CM_PUBLISHED);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        row = &refusals[i];
        outcome = put(row->extensions, row->entries, row->this_update);
        if (outcome != row->outcome || strstr(why.text, row->why) == NULL)
            fail_msg("row %zu: %d, %s", i, (int)outcome, why.text);
        check_unharmed(row->why);
    }
}

static void
test_wrong_signer(void **state)
{
    struct crlgen_spec spec;
    struct stat before, after;

    (void)state;
    assert_int_equal(put(NUMBER("05"), NOBODY, NULL), CM_PUBLISHED);
    assert_int_equal(stat(store_path(published(".idx")), &before), 0);
    spec = crl_of(ca, other_key(), NUMBER("06"), LEAF, LATER);
    {
        int fd = crlgen_file(&spec);

        assert_int_equal(publish_fd(fd, ca_key(), ca_spki, false),
                         CM_PUBLISH_REFUSED);
        /* Not even with a rollback accepted. */
        assert_int_equal(publish_fd(fd, ca_key(), ca_spki, true),
                         CM_PUBLISH_REFUSED);
        close(fd);
    }
    check_unharmed("wrong signer");
    assert_int_equal(stat(store_path(published(".idx")), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
}

/* ---- Rollback ---- */

static void
test_rollback_outlives_the_files(void **state)
{
    struct crlgen_spec old = crl_of(ca, ca_key(), NUMBER("01"), LEAF, NULL);

    (void)state;
    assert_int_equal(put(NUMBER("02"), NOBODY, LATER), CM_PUBLISHED);
    assert_int_equal(unlink(store_path(published(".idx"))), 0);
    assert_int_equal(unlink(store_path(published(".crl"))), 0);
    assert_int_equal(publish(&old, ca_spki, false), CM_PUBLISH_OLDER);
    /* The administrator's way out, from then on the new height. */
    assert_int_equal(publish(&old, ca_spki, true), CM_PUBLISHED);
    look();
    assert_int_equal(ask(ca_spki), ASK_LISTED);
    assert_int_equal(put(NUMBER("01"), NOBODY, " 17'260101000030Z' "),
                     CM_PUBLISHED);
    assert_int_equal(publish(&old, ca_spki, false), CM_PUBLISH_OLDER);
}

static const char *
floor_name(void)
{
    static char name[256];

    snprintf(name, sizeof(name), "state/%s", published(""));
    return name;
}

/* Without the note, what is published still tells. */
static void
test_rollback_without_its_note(void **state)
{
    (void)state;
    assert_int_equal(put(NUMBER("02"), NOBODY, LATER), CM_PUBLISHED);
    assert_int_equal(unlink(store_path(floor_name())), 0);
    assert_int_equal(put(NUMBER("01"), LEAF, LATER), CM_PUBLISH_OLDER);
    assert_int_equal(put(NUMBER("03"), LEAF, NULL), CM_PUBLISH_OLDER);
    assert_int_equal(put(NUMBER("03"), LEAF, MUCH_LATER), CM_PUBLISHED);
}

/* 21 octets. */
#define LONG_NUMBER                                                           \
    "number 000102030405060708090a0b0c0d0e0f1011121314 this_update "          \
    "2026-01-01T00:00:00Z\n"

static void
test_damaged_note(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        "number 01 this_update 2026-01-01T00:00:00Z",
        "number 01 this_update 2026-01-01T00:00:00Z x\n",
        "number 1 this_update 2026-01-01T00:00:00Z\n",
        "number 01 this_update yesterday\n",
        "01 2026-01-01T00:00:00Z\n",
        "number 000102030405060708090a0b0c0d0e0f1011121314 this_update -\n",
        LONG_NUMBER,
    };
    struct crlgen_spec spec =
        crl_of(ca, ca_key(), NUMBER("03"), LEAF, MUCH_LATER);
    char path[512];

    (void)state;
    assert_int_equal(put(NUMBER("02"), NOBODY, LATER), CM_PUBLISHED);
    snprintf(path, sizeof(path), "store/%s", floor_name());
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        files_write_text(path, texts[i]);
        if (put(NUMBER("03"), LEAF, MUCH_LATER) != CM_PUBLISH_FAILED)
            fail_msg("row %zu", i);
        assert_non_null(strstr(why.text, "--accept-rollback"));
        check_unharmed("damaged note");
    }
    assert_int_equal(publish(&spec, ca_spki, true), CM_PUBLISHED);
    assert_int_equal(put(NUMBER("03"), LEAF, MUCH_LATER), CM_PUBLISHED);
}

/* ---- Trouble while writing ---- */

static void
limit_files(rlim_t bytes)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* No room at any point: what was there stands, and nothing is left. */
static void
test_no_room(void **state)
{
    enum cm_publish outcome = CM_PUBLISH_FAILED;
    struct crlgen_spec spec =
        crl_of(ca, ca_key(), NUMBER("02"), NOBODY NOBODY, LATER);
    int fd = crlgen_file(&spec);
    unsigned failures = 0;

    (void)state;
    assert_int_equal(put(NUMBER("01"), NOBODY, NULL), CM_PUBLISHED);
    for (rlim_t bytes = 0; outcome != CM_PUBLISHED; bytes += 61) {
        limit_files(bytes);
        outcome = publish_fd(fd, ca_key(), ca_spki, false);
        limit_files(RLIM_INFINITY);
        if (outcome == CM_PUBLISHED)
            break;
        assert_int_equal(outcome, CM_PUBLISH_FAILED);
        assert_true(why.text[0] != '\0');
        failures++;
        check_unharmed("no room");
    }
    assert_true(failures > 2);
    close(fd);
}

/* A crash between the CRL and its index leaves the old index standing. */
static void
test_crash_between(void **state)
{
    char name[256];

    (void)state;
    assert_int_equal(put(NUMBER("01"), NOBODY, NULL), CM_PUBLISHED);
    snprintf(name, sizeof(name), "store/%s", published(".crl"));
    files_write_text(name, "half of another CRL");
    look();
    assert_int_equal(ask(ca_spki), ASK_NOT_LISTED);
    files_delete(name);
    look();
    assert_int_equal(ask(ca_spki), ASK_NOT_LISTED);
}

/* ---- Forms ---- */

static void
test_pem(void **state)
{
    struct crlgen_spec spec = crl_of(ca, ca_key(), NUMBER("01"), LEAF, NULL);
    size_t len;
    uint8_t *der = crlgen_make(&spec, &len);
    char *text;
    BIO *bio = BIO_new(BIO_s_mem());
    long size;
    int fd;

    (void)state;
    assert_non_null(bio);
    assert_true(PEM_write_bio(bio, "X509 CRL", "", der, (long)len) > 0);
    size = BIO_get_mem_data(bio, &text);
    fd = crlgen_bytes_file((const uint8_t *)text, (size_t)size);
    assert_int_equal(publish_fd(fd, ca_key(), ca_spki, false), CM_PUBLISHED);
    assert_int_equal(publish_fd(fd, ca_key(), ca_spki, false), CM_UNCHANGED);
    close(fd);
    look();
    assert_int_equal(ask(ca_spki), ASK_LISTED);
    BIO_free(bio);
    free(der);
}

static void
test_not_a_crl(void **state)
{
    int fd = crlgen_bytes_file((const uint8_t *)"<html>404</html>", 16);

    (void)state;
    assert_int_equal(publish_fd(fd, ca_key(), ca_spki, true),
                     CM_PUBLISH_REFUSED);
    close(fd);
    fd = open("/dev/zero", O_RDONLY);
    assert_int_equal(publish_fd(fd, ca_key(), ca_spki, true),
                     CM_PUBLISH_REFUSED);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_publishing),
        STORE_TEST(test_unchanged),
        STORE_TEST(test_refusals),
        STORE_TEST(test_wrong_signer),
        STORE_TEST(test_rollback_outlives_the_files),
        STORE_TEST(test_rollback_without_its_note),
        STORE_TEST(test_damaged_note),
        STORE_TEST(test_no_room),
        STORE_TEST(test_crash_between),
        STORE_TEST(test_pem),
        STORE_TEST(test_not_a_crl),
    };

    return cmocka_run_group_tests(tests, store_make_certificates,
                                  store_free_certificates);
}
