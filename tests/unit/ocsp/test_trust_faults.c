/*
 * Snapshots of the trusted certificates: what is left out, tolerated for a
 * while and refused.
 */
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

#include "files.h"
#include "trust.h"
#include "trust_fixture.h"

static void
test_bad_file_is_left_out(void **state)
{
    (void)state;
    files_write_text("inter/bad\n.pem", "rubbish");
    assert_counts(1, 2, 1);
    assert_int_equal(logged("inter/bad\\x0a.pem is left out: "), 1);
    /* Once per change, whatever else changes. */
    assert_counts(1, 2, 1);
    files_put_one("inter/3.pem", certs[3]);
    assert_counts(1, 3, 1);
    assert_counts(1, 3, 1);
    assert_int_equal(logged("is left out"), 1);
    files_write_text("inter/bad\n.pem", "other rubbish");
    assert_counts(1, 3, 1);
    assert_counts(1, 3, 1);
    assert_int_equal(logged("is left out"), 2);
    /* A good file that turns bad takes its certificates along. */
    files_write_text("inter/3.pem", "rubbish");
    assert_counts(1, 2, 1);
    assert_int_equal(logged("is left out"), 3);
    assert_int_equal(logged("intermediates: certificate removed"), 1);
    assert_int_equal(symlink("nothing", files_path("inter/dangling")), 0);
    assert_counts(1, 2, 1);
    assert_counts(1, 2, 1);
    assert_int_equal(logged("inter/dangling is left out: No such file"), 1);
}

static void
break_roots(void)
{
    char *pem = files_pem(certs, 1);

    pem[strlen(pem) / 2] = '\0';
    files_write_text("roots.pem", pem);
    free(pem);
}

static void
test_broken_file_has_a_grace(void **state)
{
    struct cm_snapshot *snapshot;
    struct cm_detail detail;
    int64_t broken;

    (void)state;
    assert_counts(1, 2, 1);
    break_roots();
    assert_counts(1, 2, 1);
    broken = now;
    assert_int_equal(logged("error anchors: "), 1);
    assert_int_equal(logged("roots.pem does not load"), 1);
    /* Breaking it anew does not start again. */
    now = broken + CM_TRUST_GRACE_MS / 2;
    files_write_text("roots.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n");
    assert_counts(1, 2, 1);
    assert_int_equal(cm_trust_current(trust, broken + CM_TRUST_GRACE_MS - 1,
                                      &snapshot, &detail),
                     CM_OK);
    cm_snapshot_release(snapshot);
    assert_int_equal(cm_trust_current(trust, broken + CM_TRUST_GRACE_MS,
                                      &snapshot, &detail),
                     CM_CONFIG);
    assert_null(snapshot);
    assert_non_null(strstr(detail.text, "anchors "));
    assert_non_null(strstr(detail.text, "roots.pem"));
    assert_int_equal(logged("refuses every login"), 1);
    now = broken + CM_TRUST_GRACE_MS;
    assert_false(look_is_good());
    assert_int_equal(logged("refuses every login"), 1);
    files_put_one("roots.pem", certs[0]);
    assert_counts(1, 2, 1);
    assert_int_equal(logged("loads again"), 1);
}

/* Gone is gone: what was good before does not come back. */
static void
test_deletion_ends_the_grace(void **state)
{
    (void)state;
    assert_true(look_is_good());
    break_roots();
    assert_true(look_is_good());
    files_delete("roots.pem");
    assert_false(look_is_good());
    break_roots();
    assert_false(look_is_good());
    files_put_one("roots.pem", certs[0]);
    assert_true(look_is_good());
}

/* Never good, no grace. */
static void
test_first_load_must_succeed(void **state)
{
    (void)state;
    break_roots();
    assert_false(look_is_good());
    assert_int_equal(logged("roots.pem refuses every login"), 1);
}

static void
empty_folder(const char *name)
{
    char command[64];

    snprintf(command, sizeof(command), "%s/1.pem", name);
    files_delete(command);
}

static void
delete_roots(void)
{
    files_delete("roots.pem");
}

static void
empty_roots(void)
{
    files_write_text("roots.pem", "");
}

static void
fill_roots_with_text(void)
{
    files_write_text("roots.pem", "nothing to see here\n");
}

static void
put_fifo_at_roots(void)
{
    files_delete("roots.pem");
    assert_int_equal(mkfifo(files_path("roots.pem"), 0600), 0);
}

static void
put_folder_at_roots(void)
{
    files_delete("roots.pem");
    files_make_folder("roots.pem");
}

static void
put_dangling_link_at_roots(void)
{
    files_delete("roots.pem");
    assert_int_equal(symlink("nothing", files_path("roots.pem")), 0);
}

static void
empty_ntauth(void)
{
    empty_folder("ntauth");
}

static void
delete_ntauth(void)
{
    empty_folder("ntauth");
    files_delete("ntauth");
}

static void
break_all_of_ntauth(void)
{
    files_write_text("ntauth/1.pem", "rubbish");
}

static void
put_file_at_ntauth(void)
{
    delete_ntauth();
    files_put_one("ntauth", certs[1]);
}

static void
fill_ntauth(void)
{
    char name[32];

    for (int i = 0; i < CM_TRUST_MAX_FILES; i++) {
        snprintf(name, sizeof(name), "ntauth/%d", i);
        files_write_text(name, "");
    }
}

static void
delete_intermediates(void)
{
    empty_folder("inter");
    files_delete("inter/2.pem");
    files_delete("inter");
}

static const struct {
    const char *name;
    void (*happen)(void);
    const char *detail;
} at_once[] = {
    {"FILE deleted", delete_roots, "No such file"},
    {"FILE empty", empty_roots, "holds no certificate"},
    {"FILE without certificate", fill_roots_with_text, "holds no certificate"},
    {"FIFO", put_fifo_at_roots, "not a regular file"},
    {"folder for a FILE", put_folder_at_roots, "not a regular file"},
    {"dangling link", put_dangling_link_at_roots, "No such file"},
    {"DIR empty", empty_ntauth, "holds no certificate"},
    {"DIR deleted", delete_ntauth, "No such file"},
    {"DIR of rubbish", break_all_of_ntauth, "holds no certificate"},
    {"file for a DIR", put_file_at_ntauth, "Not a directory"},
    {"DIR with too many files", fill_ntauth, "more than 4096 files"},
    {"intermediates deleted", delete_intermediates, "No such file"},
};

static void
test_refuses_at_once(void **state)
{
    struct cm_snapshot *snapshot;
    struct cm_detail detail;

    (void)state;
    fixture_tear_down(NULL);
    for (size_t i = 0; i < sizeof(at_once) / sizeof(*at_once); i++) {
        fixture_set_up(NULL);
        assert_true(look_is_good());
        at_once[i].happen();
        now += CM_TRUST_LOOK_MS;
        detail.text[0] = '\0';
        if (cm_trust_current(trust, now, &snapshot, &detail) != CM_CONFIG ||
            snapshot != NULL || strstr(detail.text, at_once[i].detail) == NULL)
            fail_msg("%s: %s", at_once[i].name, detail.text);
        assert_int_equal(logged("refuses every login"), 1);
        fixture_tear_down(NULL);
    }
    fixture_set_up(NULL);
}

static void
test_intermediates_may_be_empty(void **state)
{
    (void)state;
    empty_folder("inter");
    files_delete("inter/2.pem");
    assert_counts(1, 0, 1);
    files_delete("inter");
    assert_false(look_is_good());
    files_write_text("inter", "none yet\n");
    config.intermediates.kind = CM_LOCATION_FILE;
    assert_counts(1, 0, 1);
    config.intermediates.kind = CM_LOCATION_NONE;
    assert_counts(1, 0, 1);
}

/* A mirror: its files count for as long as they are young. */
static struct age_case {
    const char *name;
    const char *file; /* beside 1.pem, or NULL */
    int64_t written;  /* seconds before now */
    int64_t max_age;
    enum cm_reason expected;
    const char *detail;
} ages[] = {
    {"no maximum", NULL, 1000000, 0, CM_OK, ""},
    {"young", NULL, 59, 60, CM_OK, ""},
    {"just young enough", NULL, 60, 60, CM_OK, ""},
    {"too old", NULL, 61, 60, CM_CONFIG, "1.pem is older than its maximum"},
    {"a little ahead", NULL, -CM_TRUST_SKEW, 60, CM_OK, ""},
    {"from the future", NULL, -CM_TRUST_SKEW - 1, 60, CM_CONFIG,
     "1.pem is from the future"},
    {"rubbish beside it", "ntauth/2.pem", 0, 60, CM_CONFIG,
     "2.pem does not load"},
    {"a hidden file beside it", "ntauth/.2.pem", 0, 60, CM_OK, ""},
};

static void
test_age(void **state)
{
    enum { WALL = 1717200000 };
    const struct age_case *row = *state;
    struct timespec times[2] = {{0}};
    struct cm_detail detail = {""};

    fixture_set_up(NULL);
    times[0].tv_sec = times[1].tv_sec = WALL - row->written;
    if (row->file != NULL) {
        files_write_text(row->file, "rubbish");
        assert_int_equal(utimensat(AT_FDCWD, files_path(row->file), times, 0),
                         0);
    }
    assert_int_equal(utimensat(AT_FDCWD, files_path("ntauth/1.pem"), times, 0),
                     0);
    config.ntauth_max_age = row->max_age;
    assert_true(look_is_good());
    assert_int_equal(cm_trust_check_age(trust, WALL, &detail), row->expected);
    assert_true((row->detail[0] == '\0') == (detail.text[0] == '\0'));
    assert_non_null(strstr(detail.text, row->detail));
    fixture_tear_down(NULL);
}

int
main(void)
{
    enum { AGES = sizeof(ages) / sizeof(*ages) };
    struct CMUnitTest aging[AGES];

    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_bad_file_is_left_out),
        FIXTURE_TEST(test_broken_file_has_a_grace),
        FIXTURE_TEST(test_deletion_ends_the_grace),
        FIXTURE_TEST(test_first_load_must_succeed),
        FIXTURE_TEST(test_refuses_at_once),
        FIXTURE_TEST(test_intermediates_may_be_empty),
    };

    int failed;

    for (size_t i = 0; i < AGES; i++)
        aging[i] =
            (struct CMUnitTest){ages[i].name, test_age, NULL, NULL, &ages[i]};
    failed = cmocka_run_group_tests(tests, fixture_make_certificates,
                                    fixture_free_certificates);
    return failed + cmocka_run_group_tests(aging, fixture_make_certificates,
                                           fixture_free_certificates);
}
