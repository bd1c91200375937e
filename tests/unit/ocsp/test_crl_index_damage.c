/*
 * Whatever happens to an index file, it answers rightly or says that it
 * cannot; and what is written is an index only once it is whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crl_fixture.h"
#include "testcert.h"

enum {
    BLOCK = 4096,
    COUNT = 300,               /* entries: two blocks */
    SIZE = 3 * BLOCK + 2 * 24, /* header, blocks, fence */
    SERIAL = 8
};

static const struct crlgen_series series = {.len = SERIAL,
                                            .reason = CM_CRL_SUPERSEDED};

/* Gives the fixture COUNT entries and builds their index. */
static void
build_small(struct crl_fixture *fixture)
{
    struct stat st;

    crl_fixture_setup(fixture);
    fixture->spec.count = COUNT;
    fixture->spec.entry = crlgen_series_entry;
    fixture->spec.context = &series;
    assert_int_equal(crl_fixture_build(fixture), CM_OK);
    assert_int_equal(fstat(fixture->fd, &st), 0);
    assert_int_equal(st.st_size, SIZE);
}

static struct cm_crl_index *
try_open(struct crl_fixture *fixture)
{
    return cm_crl_index_open(dup(fixture->fd), fixture->spki,
                             &fixture->detail);
}

/* Asks about entry i (from COUNT on: about no entry).  Fails the test for a
 * wrong answer; true for a right one, false for none. */
static bool
ask(struct cm_crl_index *index, const X509_NAME *name, size_t i)
{
    uint8_t content[CRLGEN_SERIAL], serial[CM_CRL_SERIAL];
    enum cm_crl_listing listing;
    int reason = -1;

    crlgen_serial(i, SERIAL, content);
    crl_serial(content, SERIAL, serial);
    listing = cm_crl_index_find(index, name, serial, &reason);
    if (listing == CM_CRL_UNREADABLE)
        return false;
    assert_int_equal(listing, i < COUNT ? CM_CRL_LISTED : CM_CRL_NOT_LISTED);
    assert_int_equal(reason, i < COUNT ? CM_CRL_SUPERSEDED : -1);
    return true;
}

/* How many of 64 questions are answered. */
static size_t
answered(struct cm_crl_index *index, const X509_NAME *name)
{
    size_t count = 0;

    for (size_t i = 0; i < 64; i++)
        count += ask(index, name, i * (2 * COUNT / 64)) ? 1U : 0U;
    return count;
}

static void
test_flipped(void **state)
{
    static const uint8_t masks[] = {0x01, 0x80, 0xff};
    struct crl_fixture fixture;
    struct cm_crl_index *index;
    uint8_t byte, flipped;

    (void)state;
    build_small(&fixture);
    for (off_t at = 0; at < SIZE; at++) {
        for (size_t i = 0; i < sizeof(masks); i++) {
            assert_int_equal(pread(fixture.fd, &byte, 1, at), 1);
            flipped = byte ^ masks[i];
            assert_int_equal(pwrite(fixture.fd, &flipped, 1, at), 1);
            index = try_open(&fixture);
            /* Header and fence are believed whole or not at all; a block
             * that is damaged answers nothing. */
            if (index != NULL) {
                assert_true(at >= BLOCK && at < 3 * BLOCK);
                assert_true(answered(index, fixture.name) < 64);
            }
            cm_crl_index_free(index);
            assert_int_equal(pwrite(fixture.fd, &byte, 1, at), 1);
        }
    }
    index = try_open(&fixture);
    assert_non_null(index);
    assert_int_equal(answered(index, fixture.name), 64);
    cm_crl_index_free(index);
    crl_fixture_clear(&fixture);
}

static void
test_length(void **state)
{
    struct crl_fixture fixture;
    struct cm_crl_index *index;

    (void)state;
    build_small(&fixture);
    assert_int_equal(ftruncate(fixture.fd, SIZE + 1), 0);
    assert_null(try_open(&fixture));
    assert_string_equal(fixture.detail.text,
                        "index has another length than it says");
    for (off_t size = SIZE - 1; size >= 0; size--) {
        assert_int_equal(ftruncate(fixture.fd, size), 0);
        index = try_open(&fixture);
        assert_null(index);
    }
    assert_string_equal(fixture.detail.text, "not an index of this format");
    crl_fixture_clear(&fixture);
}

/* Someone cuts the file while it is open. */
static void
test_cut_while_open(void **state)
{
    struct crl_fixture fixture;
    struct cm_crl_index *index;
    size_t before, after;

    (void)state;
    build_small(&fixture);
    index = try_open(&fixture);
    before = answered(index, fixture.name);
    assert_int_equal(before, 64);
    assert_int_equal(ftruncate(fixture.fd, 3 * BLOCK - 1), 0);
    after = answered(index, fixture.name);
    assert_true(after > 0 && after < before); /* the first block is whole */
    assert_int_equal(ftruncate(fixture.fd, 0), 0);
    assert_true(answered(index, fixture.name) < after);
    for (size_t i = 0; i < COUNT; i++)
        assert_false(ask(index, fixture.name, i));
    cm_crl_index_free(index);
    crl_fixture_clear(&fixture);
}

static void
read_block(int fd, off_t number, uint8_t block[BLOCK])
{
    assert_int_equal(pread(fd, block, BLOCK, number * BLOCK), BLOCK);
}

static void
write_block(int fd, off_t number, const uint8_t block[BLOCK])
{
    assert_int_equal(pwrite(fd, block, BLOCK, number * BLOCK), BLOCK);
}

static void
test_swapped(void **state)
{
    uint8_t first[BLOCK], second[BLOCK];
    struct crl_fixture fixture;
    struct cm_crl_index *index;

    (void)state;
    build_small(&fixture);
    read_block(fixture.fd, 1, first);
    read_block(fixture.fd, 2, second);
    write_block(fixture.fd, 1, second);
    index = try_open(&fixture);
    assert_non_null(index);
    assert_true(answered(index, fixture.name) < 64);
    write_block(fixture.fd, 2, first);
    for (size_t i = 0; i < COUNT; i++)
        assert_false(ask(index, fixture.name, i));
    cm_crl_index_free(index);
    crl_fixture_clear(&fixture);
}

/* The same entries in another CRL of the same CA: its blocks hold the same
 * records, but they are not this CRL's. */
static void
test_foreign_block(void **state)
{
    struct crl_fixture fixture, other;
    struct cm_crl_index *index;
    uint8_t block[BLOCK];

    (void)state;
    build_small(&fixture);
    crl_fixture_setup(&other);
    other.spec = fixture.spec;
    other.spec.this_update = "17'260102000000Z'";
    assert_int_equal(crl_fixture_build(&other), CM_OK);
    for (off_t i = 1; i <= 2; i++) {
        read_block(other.fd, i, block);
        write_block(fixture.fd, i, block);
    }
    index = try_open(&fixture);
    assert_non_null(index);
    for (size_t i = 0; i < COUNT; i++)
        assert_false(ask(index, fixture.name, i));
    cm_crl_index_free(index);
    /* Our header before its blocks does not help either. */
    read_block(fixture.fd, 0, block);
    write_block(other.fd, 0, block);
    index = try_open(&other);
    assert_non_null(index);
    for (size_t i = 0; i < COUNT; i++)
        assert_false(ask(index, fixture.name, i));
    cm_crl_index_free(index);
    crl_fixture_clear(&other);
    crl_fixture_clear(&fixture);
}

static void
test_another_key(void **state)
{
    struct crl_fixture fixture;

    (void)state;
    build_small(&fixture);
    fixture.spki[31] ^= 1;
    assert_null(try_open(&fixture));
    assert_string_equal(fixture.detail.text, "index belongs to another key");
    crl_fixture_clear(&fixture);
}

static void
test_not_an_index(void **state)
{
    static const char *const paths[] = {"/", "/dev/null", "/proc/self/status"};
    struct crl_fixture fixture;
    uint8_t bytes[3 * BLOCK];
    int fd;

    (void)state;
    crl_fixture_setup(&fixture);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        fd = open(paths[i], O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_null(cm_crl_index_open(fd, fixture.spki, &fixture.detail));
    }
    assert_null(cm_crl_index_open(-1, fixture.spki, &fixture.detail));
    for (unsigned fill = 0; fill <= 0xff; fill += 0x55) {
        memset(bytes, (int)fill, sizeof(bytes));
        fd = crlgen_bytes_file(bytes, sizeof(bytes));
        assert_null(cm_crl_index_open(fd, fixture.spki, &fixture.detail));
        assert_string_equal(fixture.detail.text,
                            "not an index of this format");
    }
    assert_null(cm_crl_index_open(crlgen_file(&fixture.spec), fixture.spki,
                                  &fixture.detail));
    crl_fixture_clear(&fixture);
}

/* ---- Building ---- */

static enum cm_reason
build_into(struct crl_fixture *fixture, EVP_PKEY *key, int out_fd)
{
    int crl = crlgen_file(&fixture->spec);
    struct cm_crl_source *source;
    enum cm_reason reason;

    source = cm_crl_source_open(crl, &fixture->detail);
    assert_non_null(source);
    reason = cm_crl_index_build(source, key, fixture->spki, out_fd,
                                &fixture->facts, &fixture->detail);
    cm_crl_source_free(source);
    close(crl);
    return reason;
}

/* Nothing that could be taken for an index is left behind. */
static void
test_not_signed(void **state)
{
    struct crl_fixture fixture;

    (void)state;
    crl_fixture_setup(&fixture);
    fixture.spec.entries = ENTRY("05");
    fixture.fd = crl_empty_file();
    assert_int_equal(build_into(&fixture, tc_key(TC_EC_P256, 1), fixture.fd),
                     CM_REVOCATION_UNKNOWN);
    assert_string_equal(fixture.detail.text, "CRL is not signed by this key");
    assert_null(fixture.facts.issuer);
    assert_null(try_open(&fixture));
    fixture.spec.entries = "30( 02:05 )";
    assert_int_equal(build_into(&fixture, fixture.key, fixture.fd),
                     CM_REVOCATION_UNKNOWN);
    assert_null(try_open(&fixture));
    crl_fixture_clear(&fixture);
}

static void
test_not_writable(void **state)
{
    struct crl_fixture fixture;
    int fd;

    (void)state;
    crl_fixture_setup(&fixture);
    fixture.spec.entries = ENTRY("05");
    fd = open("/dev/full", O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(build_into(&fixture, fixture.key, fd),
                     CM_REVOCATION_UNAVAILABLE);
    assert_string_equal(fixture.detail.text,
                        "index cannot be written: No space left on device");
    close(fd);
    fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_int_equal(build_into(&fixture, fixture.key, fd),
                     CM_REVOCATION_UNAVAILABLE);
    close(fd);
    crl_fixture_clear(&fixture);
}

/* The disk is full at every moment in turn. */
static void
test_full(void **state)
{
    struct rlimit before, limit;
    struct crl_fixture fixture;
    enum cm_reason reason;
    int crl;
    struct cm_crl_source *source;

    (void)state;
    build_small(&fixture);
    crl = crlgen_file(&fixture.spec);
    source = cm_crl_source_open(crl, &fixture.detail);
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    for (rlim_t size = 0; size < SIZE; size += 512) {
        cm_crl_facts_clear(&fixture.facts);
        assert_int_equal(ftruncate(fixture.fd, 0), 0);
        limit.rlim_cur = size;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        reason =
            cm_crl_index_build(source, fixture.key, fixture.spki, fixture.fd,
                               &fixture.facts, &fixture.detail);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(reason, CM_REVOCATION_UNAVAILABLE);
        assert_null(try_open(&fixture));
    }
    cm_crl_source_free(source);
    close(crl);
    crl_fixture_clear(&fixture);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_cut_while_open),
        cmocka_unit_test(test_swapped),
        cmocka_unit_test(test_foreign_block),
        cmocka_unit_test(test_another_key),
        cmocka_unit_test(test_not_an_index),
        cmocka_unit_test(test_not_signed),
        cmocka_unit_test(test_not_writable),
        cmocka_unit_test(test_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
