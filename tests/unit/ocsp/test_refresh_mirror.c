/*
 * The mirror of the directory's list: what is in it afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "refresh_mirror.h"
#include "testcert.h"
#include "trust.h"

enum { MAX = 4 };

static X509 *cert_a, *cert_b;
static struct cm_mirror_value a, b;
static char store_folder[4096];
static struct cm_store_writer *writer;
static int warnings;

static void
count_line(void *context, enum cm_severity severity, const char *text)
{
    (void)context;
    (void)text;
    warnings += severity == CM_LOG_WARNING ? 1 : 0;
}

static const struct cm_log counting = {count_line, NULL};

static int
make(void **state)
{
    struct tc_spec spec = {.subject = "CN=A", .basic_constraints = "CA:TRUE"};

    (void)state;
    cert_a = tc_make(&spec);
    spec.subject = "CN=B";
    cert_b = tc_make(&spec);
    a.bytes = tc_der(cert_a, &a.len);
    b.bytes = tc_der(cert_b, &b.len);
    return 0;
}

static int
drop(void **state)
{
    (void)state;
    free((void *)(uintptr_t)a.bytes);
    free((void *)(uintptr_t)b.bytes);
    X509_free(cert_a);
    X509_free(cert_b);
    return 0;
}

static int
set_up(void **state)
{
    struct cm_detail why;

    (void)state;
    files_make();
    files_make_folder("store");
    strcpy(store_folder, files_path("store"));
    assert_int_equal(chmod(store_folder, 0755), 0);
    writer = cm_store_writer_open(store_folder, 0, &why);
    assert_non_null(writer);
    warnings = 0;
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    cm_store_writer_free(writer);
    files_remove();
    return 0;
}

static struct cm_mirror_result
write_mirror(const struct cm_mirror_value *values, size_t count)
{
    struct cm_mirror_result result;
    struct cm_detail why = {""};

    if (!cm_mirror_write(writer, store_folder, values, count, &counting,
                         &result, &why))
        fail_msg("%s", why.text);
    return result;
}

/* How many certificates a realm would find. */
static size_t
listed(void)
{
    X509 **list = NULL;
    size_t count = 0;
    struct cm_detail why;

    if (access(files_path("store/" CM_MIRROR_FILE), F_OK) != 0)
        return 0;
    assert_true(cm_certificates_load(files_path("store/" CM_MIRROR_FILE),
                                     &list, &count, &why));
    cm_certificates_free(list, count);
    return count;
}

static void
test_values(void **state)
{
    static const uint8_t nothing[] = {0}, rubbish[] = {0x30, 0x03, 1, 2, 3};
    uint8_t *tail = malloc(a.len + 1);
    const struct cm_mirror_value none = {nothing, 1}, empty = {nothing, 0},
                                 bad = {rubbish, sizeof(rubbish)},
                                 longer = {tail, a.len + 1},
                                 shorter = {a.bytes, a.len - 1};
    const struct {
        const char *what;
        struct cm_mirror_value values[MAX];
        size_t count, certificates, undecodable;
    } rows[] = {
        {"two", {a, b}, 2, 2, 0},
        {"one", {b}, 1, 1, 0},
        {"no value at all", {a}, 0, 0, 0},
        {"two again", {a, b}, 2, 2, 0},
        {"the value that says none", {none}, 1, 0, 0},
        {"the same beside one", {none, a}, 2, 1, 0},
        {"an empty value", {empty, a}, 2, 1, 0},
        {"one that is no certificate", {a, bad, b}, 3, 2, 1},
        {"with something after it", {longer, b}, 2, 1, 1},
        {"cut", {shorter}, 1, 0, 1},
    };

    (void)state;
    assert_non_null(tail);
    memcpy(tail, a.bytes, a.len);
    tail[a.len] = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cm_mirror_result result =
            write_mirror(rows[i].values, rows[i].count);

        if (result.certificates != rows[i].certificates ||
            result.undecodable != rows[i].undecodable ||
            listed() != rows[i].certificates)
            fail_msg("%s: %zu, %zu, %zu", rows[i].what, result.certificates,
                     result.undecodable, listed());
    }
    assert_int_equal(warnings, 3);
    free(tail);
}

/* Its time is its age: the same content is written again. */
static void
test_written_anew(void **state)
{
    struct stat before, after;

    (void)state;
    write_mirror(&a, 1);
    assert_int_equal(stat(files_path("store/" CM_MIRROR_FILE), &before), 0);
    write_mirror(&a, 1);
    assert_int_equal(stat(files_path("store/" CM_MIRROR_FILE), &after), 0);
    assert_int_equal(after.st_size, before.st_size);
    assert_int_not_equal(after.st_ino, before.st_ino);
}

static void
test_strangers(void **state)
{
    (void)state;
    files_write_text("store/ntauth/mine.pem", "x");
    files_write_text("store/ntauth/.hidden", "x");
    write_mirror(&a, 1);
    assert_int_not_equal(access(files_path("store/ntauth/mine.pem"), F_OK), 0);
    assert_int_equal(access(files_path("store/ntauth/.hidden"), F_OK), 0);
    assert_int_equal(warnings, 1);
    assert_int_equal(listed(), 1);
}

static void
test_interval(void **state)
{
    (void)state;
    assert_int_equal(cm_mirror_interval(24 * 3600), 600);
    assert_int_equal(cm_mirror_interval(3600), 600);
    assert_int_equal(cm_mirror_interval(1200), 300);
    assert_int_equal(cm_mirror_interval(60), 60);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_written_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_strangers, set_up, tear_down),
        cmocka_unit_test(test_interval),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
