/* Indexes that cannot be believed, and more of them than may be held open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_fixture.h"

/* ---- What is there and cannot be believed ---- */

static void
cut(const char *path)
{
    assert_int_equal(truncate(path, 100), 0);
}

static void
empty(const char *path)
{
    assert_int_equal(truncate(path, 0), 0);
}

static void
write_byte(const char *path, off_t at)
{
    int fd = open(path, O_RDWR);
    uint8_t byte;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void
damage_header(const char *path)
{
    write_byte(path, 30);
}

/* The header is 4096 bytes for a CRL without anything unusual. */
static void
damage_block(const char *path)
{
    write_byte(path, 4096 + 10);
}

static void
let_others_write(const char *path)
{
    assert_int_equal(chmod(path, 0666), 0);
}

static void
link_away(const char *path)
{
    char aside[512];

    snprintf(aside, sizeof(aside), "%s.aside", path);
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(symlink(aside, path), 0);
}

/* The index of another CA's CRL. */
static void
swap(const char *path)
{
    struct crlgen_spec spec =
        crl_of(other, other_key(), NUMBER("01"), NOBODY, NULL);
    char scope[65], name[128], from[512];

    memcpy(scope, last_scope, sizeof(scope));
    assert_int_equal(publish(&spec, other_spki, false), CM_PUBLISHED);
    snprintf(name, sizeof(name), "%s.idx", last_scope);
    snprintf(from, sizeof(from), "%s", store_path(crl_name(other_spki, name)));
    assert_int_equal(rename(from, path), 0);
    memcpy(last_scope, scope, sizeof(scope));
}

static void (*const damages[])(const char *path) = {
    cut, empty, damage_header, damage_block, let_others_write, link_away, swap,
};

/* Damaged before it is opened, and while it is held open: either way it is
 * never as if the index were not there. */
static void
test_damage(void **state)
{
    const size_t count = sizeof(damages) / sizeof(damages[0]);
    char path[512];

    (void)state;
    for (size_t i = 0; i < 2 * count; i++) {
        assert_int_equal(put(NUMBER("01"), LEAF, NULL), CM_PUBLISHED);
        snprintf(path, sizeof(path), "%s", store_path(published(".idx")));
        restart(false);
        look();
        if (i >= count)
            assert_int_equal(ask(ca_spki), ASK_LISTED);
        damages[i % count](path);
        look();
        if (ask(ca_spki) != ASK_FAULT)
            fail_msg("row %zu", i);
        assert_non_null(strstr(why.text, last_scope));
        look();
        assert_int_equal(ask(ca_spki), ASK_FAULT);
        assert_int_equal(ask(root_spki), ASK_NOBODY);
        /* Published anew, it is believed again. */
        assert_int_equal(unlink(path), 0);
        assert_int_equal(put(NUMBER("01"), LEAF, NULL), CM_PUBLISHED);
        look();
        assert_int_equal(ask(ca_spki), ASK_LISTED);
        files_remove();
        files_make();
    }
}

/* In the time until the next look, too: a block that was cut away is not
 * "not listed". */
static void
test_cut_while_open(void **state)
{
    (void)state;
    assert_int_equal(put(NUMBER("01"), LEAF, NULL), CM_PUBLISHED);
    look();
    assert_int_equal(ask(ca_spki), ASK_LISTED);
    assert_int_equal(truncate(store_path(published(".idx")), 4096), 0);
    assert_int_equal(ask(ca_spki), ASK_FAULT);
}

static void
test_unsafe_folder(void **state)
{
    (void)state;
    assert_int_equal(put(NUMBER("01"), LEAF, NULL), CM_PUBLISHED);
    assert_int_equal(chmod(store_path(crl_name(ca_spki, "")), 0777), 0);
    look();
    assert_int_equal(ask(ca_spki), ASK_FAULT);
    assert_int_equal(chmod(store_path(crl_name(ca_spki, "")), 0755), 0);
    assert_int_equal(chmod(store_path("crl"), 0777), 0);
    look();
    assert_int_equal(ask(ca_spki), ASK_FAULT);
    assert_int_equal(ask(other_spki), ASK_FAULT);
}

/* ---- Many ---- */

static unsigned
open_files(void)
{
    char path[64];
    unsigned count = 0;

    for (int fd = 0; fd < 1024; fd++) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        count += access(path, F_OK) == 0;
    }
    return count;
}

static bool
ignore_index(void *context, struct cm_crl_index *index)
{
    (void)index;
    ++*(unsigned *)context;
    return true;
}

/* Ask for CRLs of another key while one is visited. */
static bool
visit_both(void *context, struct cm_crl_index *index)
{
    const struct cm_crl_provider *crls = cm_store_crls(store);

    (void)index;
    return crls->each(crls->context, ca_spki, ignore_index, context);
}

/* More scopes than may be held open: all are read, few are held. */
static void
test_many_scopes(void **state)
{
    enum { MANY = CM_STORE_MAX_OPEN + 10 };
    const struct cm_crl_provider *crls = cm_store_crls(store);
    char source[512], target[512], name[80];
    unsigned before, visited = 0;

    (void)state;
    assert_int_equal(put(NUMBER("01"), NOBODY, NULL), CM_PUBLISHED);
    snprintf(source, sizeof(source), "%s", store_path(published(".idx")));
    for (unsigned i = 1; i < MANY; i++) {
        snprintf(name, sizeof(name), "%064x.idx", i);
        snprintf(target, sizeof(target), "%s",
                 store_path(crl_name(ca_spki, name)));
        assert_int_equal(link(source, target), 0);
    }
    look();
    before = open_files();
    for (int round = 1; round <= 2; round++) {
        assert_true(
            crls->each(crls->context, ca_spki, ignore_index, &visited));
        assert_int_equal(visited, round * MANY);
        assert_true(open_files() <= before + CM_STORE_MAX_OPEN);
    }
    visited = 0;
    assert_true(crls->each(crls->context, ca_spki, visit_both, &visited));
    assert_int_equal(visited, MANY * MANY);
}

static void
test_too_many_scopes(void **state)
{
    char source[512], target[512], name[80];

    (void)state;
    assert_int_equal(put(NUMBER("01"), NOBODY, NULL), CM_PUBLISHED);
    snprintf(source, sizeof(source), "%s", store_path(published(".idx")));
    for (unsigned i = 1; i <= CM_STORE_MAX_SCOPES; i++) {
        snprintf(name, sizeof(name), "%064x.idx", i);
        snprintf(target, sizeof(target), "%s",
                 store_path(crl_name(ca_spki, name)));
        assert_int_equal(link(source, target), 0);
    }
    look();
    assert_int_equal(ask(ca_spki), ASK_FAULT);
    assert_non_null(strstr(why.text, "too many"));
    assert_int_equal(put(NUMBER("02"), NOBODY, LATER), CM_PUBLISH_FAILED);
    assert_int_equal(unlink(target), 0);
    assert_int_equal(put(NUMBER("02"), NOBODY, LATER), CM_PUBLISHED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_damage),          STORE_TEST(test_cut_while_open),
        STORE_TEST(test_unsafe_folder),   STORE_TEST(test_many_scopes),
        STORE_TEST(test_too_many_scopes),
    };

    return cmocka_run_group_tests(tests, store_make_certificates,
                                  store_free_certificates);
}
