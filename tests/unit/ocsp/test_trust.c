/*
 * Snapshots of the trusted certificates: what is loaded and noticed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "source.h"
#include "trust.h"
#include "trust_fixture.h"

enum { RELOADS = 1000 };

static void
test_loads(void **state)
{
    (void)state;
    assert_counts(1, 2, 1);
    assert_int_equal(logged("info anchors: certificate added: sha256="), 1);
    assert_int_equal(logged("info intermediates: certificate added"), 2);
    assert_int_equal(logged("info ntauth: certificate added"), 1);
    assert_int_equal(logged("subject=\"CN=CA 1\""), 2);
    assert_int_equal(logged("error"), 0);
}

/* Nothing changed: the same snapshot, and silence. */
static void
test_unchanged(void **state)
{
    struct cm_snapshot *first = look(), *next;

    (void)state;
    forget_log();
    for (int i = 0; i < 5; i++) {
        next = look();
        assert_ptr_equal(next, first);
        cm_snapshot_release(next);
    }
    assert_int_equal(first->generation, 1);
    cm_snapshot_release(first);
    assert_int_equal(logged("\n"), 0);
}

static void
test_change_is_noticed(void **state)
{
    struct cm_snapshot *first = look(), *next;

    (void)state;
    forget_log();
    files_put_one("ntauth/1.pem", certs[2]);
    next = look();
    assert_int_equal(next->generation, 2);
    assert_memory_equal(next->ntauth.list[0].sha256,
                        next->intermediates.list[1].sha256, 32);
    assert_int_equal(logged("info ntauth: certificate added"), 1);
    assert_int_equal(logged("info ntauth: certificate removed"), 1);
    assert_int_equal(logged("\n"), 2);
    /* Who still holds the old snapshot keeps an unchanged one. */
    assert_int_equal(first->generation, 1);
    assert_int_equal(first->ntauth.count, 1);
    assert_memory_equal(first->ntauth.list[0].sha256,
                        first->intermediates.list[0].sha256, 32);
    cm_snapshot_release(first);
    cm_snapshot_release(next);
}

/* A snapshot outlives the handle that made it. */
static void
test_snapshot_outlives_handle(void **state)
{
    struct cm_snapshot *snapshot = look();

    (void)state;
    cm_trust_free(trust);
    trust = NULL;
    assert_int_equal(snapshot->anchors.count, 1);
    assert_non_null(X509_get0_pubkey(snapshot->anchors.list[0].x509));
    cm_snapshot_release(snapshot);
}

static unsigned long
generation_at(int64_t at_ms)
{
    struct cm_snapshot *snapshot;
    unsigned long generation;

    assert_int_equal(cm_trust_current(trust, at_ms, &snapshot, NULL), CM_OK);
    generation = snapshot->generation;
    cm_snapshot_release(snapshot);
    return generation;
}

static void
test_looks_are_rare(void **state)
{
    (void)state;
    assert_int_equal(generation_at(now), 1);
    files_put_one("inter/3.pem", certs[3]);
    assert_int_equal(generation_at(now + CM_TRUST_LOOK_MS - 1), 1);
    assert_int_equal(generation_at(now + CM_TRUST_LOOK_MS), 2);
}

static void
test_duplicates_count_once(void **state)
{
    X509 *twice[] = {certs[1], certs[2], certs[1]};

    (void)state;
    files_put("inter/both.pem", twice, 3);
    files_put_one("inter/again.pem", certs[2]);
    assert_counts(1, 2, 1);
}

/* Files appear in any order; the lists do not show it. */
static void
test_order_does_not_show(void **state)
{
    X509 *forward[] = {certs[0], certs[1], certs[2], certs[3]};
    X509 *backward[] = {certs[3], certs[2], certs[1], certs[0]};
    struct cm_snapshot *a, *b;

    (void)state;
    a = cm_snapshot_build(forward, 4, NULL, 0, NULL, 0);
    b = cm_snapshot_build(backward, 4, NULL, 0, NULL, 0);
    for (size_t i = 0; i < 4; i++)
        assert_memory_equal(a->anchors.list[i].sha256,
                            b->anchors.list[i].sha256, 32);
    cm_snapshot_release(a);
    cm_snapshot_release(b);
}

static void
test_what_is_no_file_of_a_folder(void **state)
{
    (void)state;
    files_write_text("inter/.hidden", "rubbish");
    files_make_folder("inter/sub");
    files_put_one("inter/sub/3.pem", certs[3]);
    assert_int_equal(mkfifo(files_path("inter/fifo"), 0600), 0);
    assert_int_equal(
        symlink(files_path("roots.pem"), files_path("inter/link.pem")), 0);
    assert_counts(1, 3, 1);
    assert_int_equal(logged("error"), 0);
}

static void
test_anchors_may_be_ntauth(void **state)
{
    (void)state;
    config.anchors.kind = CM_LOCATION_NONE;
    assert_false(look_is_good());
    config.anchors_are_ntauth = true;
    assert_counts(1, 2, 1);
    files_put_one("ntauth/2.pem", certs[2]);
    assert_counts(2, 2, 2);
    files_delete("ntauth/1.pem");
    files_delete("ntauth/2.pem");
    assert_false(look_is_good());
}

static void
test_warnings_and_escaping(void **state)
{
    (void)state;
    files_put_one("ntauth/leaf.pem", certs[FIXTURE_NOT_A_CA]);
    assert_counts(1, 2, 2);
    assert_int_equal(logged("warning ntauth: not a CA certificate"), 1);
    assert_int_equal(logged("\n"), 6);
    assert_int_equal(logged("\x1b"), 0);
}

/*
 * Two contents under one stamp, as two writes within one tick of the file
 * system's clock leave them: the second reading sees the second.
 */
static void
test_same_stamp(void **state)
{
    struct cm_source source = {0};
    struct cm_location location = {CM_LOCATION_FILE,
                                   strdup(files_path("roots.pem"))};
    struct stat st;

    (void)state;
    source.label = "anchors";
    source.location = &location;
    assert_int_equal(cm_source_look(&source, 0), CM_OK);
    files_put("roots.pem", certs, 2);
    assert_int_equal(stat(location.path, &st), 0);
    cm_file_stamp_set(&source.seen.files[0].stamp, &st);
    assert_int_equal(cm_source_look(&source, 1), CM_OK);
    assert_int_equal(source.good.count, 2);
    assert_false(source.settled);
    assert_int_equal(cm_source_look(&source, 2), CM_OK);
    assert_true(source.settled);
    cm_source_clear(&source);
    cm_location_clear(&location);
}

/* Written in place, with size and modification time as before. */
static void
test_forged_time(void **state)
{
    char *other = files_pem(&certs[1], 1);
    struct timespec times[2];
    struct stat st;

    (void)state;
    assert_true(look_is_good());
    assert_true(look_is_good());
    forget_log();
    assert_int_equal(stat(files_path("roots.pem"), &st), 0);
    times[0] = st.st_atim;
    times[1] = st.st_mtim;
    files_write_text("roots.pem", other);
    assert_int_equal(truncate(files_path("roots.pem"), st.st_size), 0);
    assert_int_equal(utimensat(AT_FDCWD, files_path("roots.pem"), times, 0),
                     0);
    look_is_good();
    assert_true(logged("\n") > 0);
    free(other);
}

static void
test_many_reloads(void **state)
{
    struct cm_snapshot *held = NULL, *next;

    (void)state;
    for (size_t i = 0; i < RELOADS; i++) {
        files_put("roots.pem", certs, 1 + i % 2);
        next = look();
        assert_int_equal(next->anchors.count, 1 + i % 2);
        assert_int_equal(next->generation, i + 1);
        cm_snapshot_release(held);
        held = next;
        forget_log();
    }
    cm_snapshot_release(held);
}

/* Takes and drops snapshots while another thread's looks replace them. */
static void *
use_snapshots(void *context)
{
    int64_t *start = context;
    struct cm_snapshot *snapshot;
    size_t seen = 0;

    for (int64_t i = 0; i < 2000; i++) {
        if (cm_trust_current(trust, *start + i, &snapshot, NULL) != CM_OK)
            return NULL;
        for (size_t j = 0; j < snapshot->anchors.count; j++)
            seen += snapshot->anchors.list[j].x509 != NULL;
        cm_snapshot_release(snapshot);
    }
    return seen >= 2000 ? context : NULL;
}

static void
test_threads(void **state)
{
    pthread_t threads[4];
    int64_t start;
    void *result;

    (void)state;
    assert_true(look_is_good());
    start = now;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, use_snapshots, &start), 0);
    for (size_t i = 0; i < 50; i++) {
        files_put("roots.pem", certs, 1 + i % 2);
        assert_true(look_is_good());
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &start);
    }
}

static void
test_locations(void **state)
{
    static const struct {
        const char *text;
        enum cm_location_kind kind;
        const char *path;
    } rows[] = {
        {"FILE:/a/b", CM_LOCATION_FILE, "/a/b"},
        {"DIR:/a", CM_LOCATION_DIR, "/a"},
        {"DIR:/", CM_LOCATION_DIR, "/"},
        {"", CM_LOCATION_NONE, NULL},
        {"/a/b", CM_LOCATION_NONE, NULL},
        {"FILE:", CM_LOCATION_NONE, NULL},
        {"FILE:a/b", CM_LOCATION_NONE, NULL},
        {"DIR: /a", CM_LOCATION_NONE, NULL},
        {"file:/a", CM_LOCATION_NONE, NULL},
        {"ENV:HOME", CM_LOCATION_NONE, NULL},
        {"ntauth", CM_LOCATION_NONE, NULL},
    };
    struct cm_location location;
    struct cm_detail detail;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        location.kind = CM_LOCATION_NONE;
        location.path = NULL;
        assert_int_equal(cm_location_parse(rows[i].text, &location, &detail),
                         rows[i].path != NULL);
        assert_int_equal(location.kind, rows[i].kind);
        if (rows[i].path != NULL)
            assert_string_equal(location.path, rows[i].path);
        else
            assert_non_null(strstr(detail.text, "FILE:"));
        cm_location_clear(&location);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_loads),
        FIXTURE_TEST(test_unchanged),
        FIXTURE_TEST(test_change_is_noticed),
        FIXTURE_TEST(test_snapshot_outlives_handle),
        FIXTURE_TEST(test_looks_are_rare),
        FIXTURE_TEST(test_duplicates_count_once),
        FIXTURE_TEST(test_order_does_not_show),
        FIXTURE_TEST(test_what_is_no_file_of_a_folder),
        FIXTURE_TEST(test_anchors_may_be_ntauth),
        FIXTURE_TEST(test_warnings_and_escaping),
        FIXTURE_TEST(test_same_stamp),
        FIXTURE_TEST(test_forged_time),
        FIXTURE_TEST(test_many_reloads),
        FIXTURE_TEST(test_threads),
        cmocka_unit_test(test_locations),
    };

    return cmocka_run_group_tests(tests, fixture_make_certificates,
                                  fixture_free_certificates);
}
