/* Opening the store and its files: everything that is refused. */
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

enum { NOBODYS_UID = 65534, FILE_MAX_BYTES = 64 };

/* ---- Ways to spoil a file or folder ---- */

static void
by_nothing(const char *path)
{
    (void)path;
}

static void
by_group_write(const char *path)
{
    assert_int_equal(chmod(path, 0664), 0);
}

static void
by_group_write_folder(const char *path)
{
    assert_int_equal(chmod(path, 0775), 0);
}

static void
by_other_write(const char *path)
{
    assert_int_equal(chmod(path, 0646), 0);
}

static void
by_other_write_folder(const char *path)
{
    assert_int_equal(chmod(path, 0757), 0);
}

static void
by_owner(const char *path)
{
    assert_int_equal(lchown(path, NOBODYS_UID, (gid_t)-1), 0);
}

/* What was there moves aside, and a link leads to it. */
static void
by_link(const char *path)
{
    char aside[512];

    snprintf(aside, sizeof(aside), "%s-aside", path);
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(symlink(aside, path), 0);
}

static void
by_loop(const char *path)
{
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(path, path), 0);
}

static void
by_fifo(const char *path)
{
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0644), 0);
}

static void
by_folder(const char *path)
{
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void
by_file(const char *path)
{
    char aside[512];
    int fd;

    snprintf(aside, sizeof(aside), "%s-aside", path);
    assert_int_equal(rename(path, aside), 0);
    fd = open(path, O_CREAT | O_WRONLY, 0644);
    assert_true(fd >= 0);
    close(fd);
}

static void
by_size(const char *path)
{
    assert_int_equal(truncate(path, FILE_MAX_BYTES + 1), 0);
}

static void
by_removal(const char *path)
{
    assert_int_equal(unlink(path), 0);
}

static void
by_moving_away(const char *path)
{
    char aside[512];

    snprintf(aside, sizeof(aside), "%s-aside", path);
    assert_int_equal(rename(path, aside), 0);
}

/* ---- Files ---- */

static const struct file_row {
    const char *what; /* below the store */
    void (*spoil)(const char *path);
    enum cm_store_file outcome;
    const char *why;
    bool as_root; /* only root can spoil it so */
} file_rows[] = {
    {"a/b/file", by_nothing, CM_STORE_FILE_READ, "", false},
    {"a/b/file", by_removal, CM_STORE_FILE_MISSING, "", false},
    {"a/b/file", by_link, CM_STORE_FILE_REFUSED, "symbolic link", false},
    {"a/b/file", by_loop, CM_STORE_FILE_REFUSED, "symbolic link", false},
    {"a/b/file", by_owner, CM_STORE_FILE_REFUSED, "belongs to user 65534",
     true},
    {"a/b/file", by_group_write, CM_STORE_FILE_REFUSED, "may write", false},
    {"a/b/file", by_other_write, CM_STORE_FILE_REFUSED, "may write", false},
    {"a/b/file", by_fifo, CM_STORE_FILE_REFUSED, "not a regular file", false},
    {"a/b/file", by_folder, CM_STORE_FILE_REFUSED, "not a regular file",
     false},
    {"a/b/file", by_size, CM_STORE_FILE_REFUSED, "longer than 64 bytes",
     false},
    {"a/b", by_moving_away, CM_STORE_FILE_MISSING, "", false},
    {"a/b", by_link, CM_STORE_FILE_REFUSED, "", false},
    {"a/b", by_owner, CM_STORE_FILE_REFUSED, "belongs to user 65534", true},
    {"a/b", by_group_write_folder, CM_STORE_FILE_REFUSED, "may write", false},
    {"a/b", by_other_write_folder, CM_STORE_FILE_REFUSED, "may write", false},
    {"a/b", by_file, CM_STORE_FILE_REFUSED, "", false},
    {"a", by_link, CM_STORE_FILE_REFUSED, "", false},
    {"a", by_owner, CM_STORE_FILE_REFUSED, "belongs to user 65534", true},
    {"a", by_group_write_folder, CM_STORE_FILE_REFUSED, "may write", false},
};

static void
make_file(void)
{
    files_make_folder("store");
    files_make_folder("store/a");
    files_make_folder("store/a/b");
    files_write_text("store/a/b/file", "what it says");
    assert_int_equal(chmod(store_path("a/b/file"), 0644), 0);
}

static void
check_file_row(const struct file_row *row)
{
    enum cm_store_file outcome;
    uint8_t *data;
    size_t len;

    make_file();
    row->spoil(store_path(row->what));
    restart(true);
    why.text[0] = '\0';
    outcome = cm_store_read_file(store, "a/b/file", FILE_MAX_BYTES, &data,
                                 &len, &why);
    if (outcome != row->outcome || strstr(why.text, row->why) == NULL)
        fail_msg("%s, row %td: %d, %s", row->what, row - file_rows,
                 (int)outcome, why.text);
    if (outcome == CM_STORE_FILE_READ) {
        assert_int_equal(len, strlen("what it says"));
        assert_string_equal((char *)data, "what it says");
    } else {
        assert_null(data);
    }
    free(data);
    files_remove();
    files_make();
}

static void
test_files(void **state)
{
    bool skipped = false;

    (void)state;
    for (size_t i = 0; i < sizeof(file_rows) / sizeof(file_rows[0]); i++) {
        if (file_rows[i].as_root && geteuid() != 0)
            skipped = true;
        else
            check_file_row(&file_rows[i]);
    }
    if (skipped)
        print_message("foreign owners were not tried: this is not root\n");
}

/* Names that lead elsewhere are no names of the store. */
static void
test_names(void **state)
{
    static const char *const bad[] = {"",     "/etc/passwd", "../x", "a/../x",
                                      "a//b", ".hidden",     "a/",   "./x"};
    struct cm_store_writer *writer;

    (void)state;
    writer = cm_store_writer_open(files_path("store"), 0, &why);
    assert_non_null(writer);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(cm_store_write_file(writer, bad[i], "x", 1, &why));
        assert_non_null(strstr(why.text, "cannot be a file of the store"));
        assert_false(cm_store_remove_file(writer, bad[i], &why));
    }
    cm_store_writer_free(writer);
}

/* ---- The store itself ---- */

static const struct root_row {
    void (*spoil)(const char *path);
    bool must_exist;
    enum cm_reason reason;
    const char *why;
    bool as_root;
} root_rows[] = {
    {by_nothing, true, CM_OK, "", false},
    {by_moving_away, false, CM_OK, "", false},
    {by_moving_away, true, CM_REVOCATION_UNAVAILABLE, "is missing", false},
    {by_link, false, CM_REVOCATION_UNAVAILABLE, "cannot be believed", false},
    {by_file, false, CM_REVOCATION_UNAVAILABLE, "cannot be believed", false},
    {by_group_write_folder, false, CM_REVOCATION_UNAVAILABLE, "may write",
     false},
    {by_other_write_folder, false, CM_REVOCATION_UNAVAILABLE, "may write",
     false},
    {by_owner, false, CM_REVOCATION_UNAVAILABLE, "belongs to user", true},
};

static void
test_root(void **state)
{
    const struct root_row *row;

    (void)state;
    for (size_t i = 0; i < sizeof(root_rows) / sizeof(root_rows[0]); i++) {
        row = &root_rows[i];
        if (row->as_root && geteuid() != 0) {
            print_message("a foreign owner was not tried: not root\n");
            continue;
        }
        make_file();
        row->spoil(files_path("store"));
        restart(row->must_exist);
        why.text[0] = '\0';
        if (look() != row->reason || strstr(why.text, row->why) == NULL)
            fail_msg("row %zu: %s", i, why.text);
        if (row->reason != CM_OK) {
            assert_true(logged("store: "));
            assert_int_equal(ask(ca_spki), ASK_FAULT);
            assert_int_equal(cm_store_denied(store, leaf, ca, STORE_NOW, &why),
                             CM_DENY_UNREADABLE);
        }
        files_remove();
        files_make();
        forget_log();
    }
}

/* A link with a slash after it is a link. */
static void
test_slash(void **state)
{
    char path[512];

    (void)state;
    make_file();
    by_link(files_path("store"));
    snprintf(path, sizeof(path), "%s//", files_path("store"));
    cm_store_free(store);
    store = cm_store_new(path, true, NULL);
    assert_int_equal(look(), CM_REVOCATION_UNAVAILABLE);
}

/* What has been there and is gone is an error, whatever was configured; and
 * nobody looks more often than CM_STORE_LOOK_MS. */
static void
test_disappearance(void **state)
{
    (void)state;
    assert_int_equal(look(), CM_OK);
    assert_int_equal(ask(ca_spki), ASK_NOBODY);
    make_file();
    assert_int_equal(look(), CM_OK);
    by_moving_away(files_path("store"));
    assert_int_equal(
        cm_store_check(store, now_ms + CM_STORE_LOOK_MS - 1, &why), CM_OK);
    assert_int_equal(look(), CM_REVOCATION_UNAVAILABLE);
    assert_non_null(strstr(why.text, "there before"));
    assert_true(logged("e store: "));
    assert_int_equal(rename(files_path("store-aside"), files_path("store")),
                     0);
    assert_int_equal(look(), CM_OK);
    assert_true(logged("serves again"));
    /* A clock that goes back is looked at anew. */
    by_moving_away(files_path("store"));
    assert_int_equal(cm_store_check(store, 0, &why),
                     CM_REVOCATION_UNAVAILABLE);
}

/* ---- Writing ---- */

static void
test_lock(void **state)
{
    struct cm_store_writer *one, *two;

    (void)state;
    one = cm_store_writer_open(files_path("store"), 0, &why);
    assert_non_null(one);
    two = cm_store_writer_open(files_path("store"), 50, &why);
    assert_null(two);
    assert_non_null(strstr(why.text, "another process is writing"));
    cm_store_writer_free(one);
    two = cm_store_writer_open(files_path("store"), 0, &why);
    assert_non_null(two);
    cm_store_writer_free(two);
}

static const struct writer_row {
    const char *what;
    void (*spoil)(const char *path);
} writer_rows[] = {
    {"", by_group_write_folder},
    {"state", by_group_write_folder},
    {"state", by_link},
    {"state/lock", by_link},
    {"state/lock", by_group_write},
    {"state/lock", by_fifo},
    {"crl", by_file},
};

static void
test_writer_refuses(void **state)
{
    struct cm_store_writer *writer;

    (void)state;
    for (size_t i = 0; i < sizeof(writer_rows) / sizeof(writer_rows[0]); i++) {
        writer = cm_store_writer_open(files_path("store"), 0, &why);
        assert_non_null(writer);
        cm_store_writer_free(writer);
        writer_rows[i].spoil(store_path(writer_rows[i].what));
        writer = cm_store_writer_open(files_path("store"), 0, &why);
        if (writer != NULL)
            fail_msg("row %zu was opened", i);
        assert_non_null(strstr(why.text, "the store"));
        files_remove();
        files_make();
    }
    writer = cm_store_writer_open(files_path("none/store"), 0, &why);
    assert_null(writer);
    assert_non_null(strstr(why.text, "cannot be made"));
}

static void
test_write_and_remove(void **state)
{
    struct cm_store_writer *writer;
    struct stat st, before;
    uint8_t *data;
    size_t len;

    (void)state;
    writer = cm_store_writer_open(files_path("store"), 0, &why);
    assert_non_null(writer);
    assert_true(cm_store_write_file(writer, "x/y/z", "one", 3, &why));
    assert_int_equal(stat(store_path("x/y/z"), &before), 0);
    assert_true(cm_store_write_file(writer, "x/y/z", "two", 3, &why));
    assert_int_equal(stat(store_path("x/y/z"), &st), 0);
    assert_int_equal(st.st_mode & 022, 0);
    assert_int_equal(count_files("x/y"), 1);
    assert_int_equal(cm_store_read_file(store, "x/y/z", 3, &data, &len, &why),
                     CM_STORE_FILE_READ);
    assert_string_equal((char *)data, "two");
    free(data);
    assert_true(cm_store_remove_file(writer, "x/y/z", &why));
    assert_true(cm_store_remove_file(writer, "x/y/z", &why));
    assert_false(store_has("x/y/z"));
    assert_true(store_has("incoming"));
    cm_store_writer_free(writer);
}

/* ---- Certificates seen ---- */

enum { DAY = 24 * 3600 };

static unsigned seen_count;
static int64_t seen_when;

static bool
take_seen(void *context, X509 *cert, int64_t when)
{
    (void)context;
    assert_true(X509_cmp(cert, leaf) == 0 || X509_cmp(cert, ca) == 0);
    seen_count++;
    seen_when = when;
    return true;
}

static unsigned
count_seen(int64_t now)
{
    seen_count = 0;
    cm_store_each_seen(store, now, take_seen, NULL);
    return seen_count;
}

static void
test_seen(void **state)
{
    struct cm_snapshot *trusted = cm_snapshot_build(&root, 1, NULL, 0, &ca, 1);

    (void)state;
    assert_non_null(trusted);
    /* Without a store nothing is written, and nothing fails. */
    cm_store_note_seen(store, leaf, STORE_NOW);
    assert_false(store_has(""));
    assert_true(repair(trusted));
    look();
    cm_store_note_seen(store, leaf, STORE_NOW);
    assert_int_equal(count_seen(STORE_NOW), 1);
    assert_int_equal(seen_when, STORE_NOW);
    /* Within a day nothing is touched. */
    cm_store_note_seen(store, leaf, STORE_NOW + DAY - 1);
    assert_int_equal(count_seen(STORE_NOW), 1);
    assert_int_equal(seen_when, STORE_NOW);
    cm_store_note_seen(store, leaf, STORE_NOW + DAY);
    assert_int_equal(count_seen(STORE_NOW), 1);
    assert_int_equal(seen_when, STORE_NOW + DAY);
    cm_store_note_seen(store, ca, STORE_NOW - CM_STORE_SEEN_DAYS * DAY);
    assert_int_equal(count_seen(STORE_NOW), 1);
    assert_int_equal(count_seen(STORE_NOW - DAY), 2);
    assert_true(repair(trusted));
    assert_int_equal(count_seen(STORE_NOW - DAY), 1);
    cm_snapshot_release(trusted);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_files),          STORE_TEST(test_names),
        STORE_TEST(test_root),           STORE_TEST(test_slash),
        STORE_TEST(test_disappearance),  STORE_TEST(test_lock),
        STORE_TEST(test_writer_refuses), STORE_TEST(test_write_and_remove),
        STORE_TEST(test_seen),
    };

    return cmocka_run_group_tests(tests, store_make_certificates,
                                  store_free_certificates);
}
