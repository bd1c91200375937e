/*
 * What is remembered about a URL, and the lock that keeps others away from
 * it.
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
#include "refresh_lock.h"
#include "refresh_state.h"

#define NOW 1767225600
#define NOW_MS (INT64_C(1767225600) * 1000)
#define URL "http://crl.example/ca.crl"

static char store_folder[4096];
static struct cm_store *store;

static int
set_up(void **state)
{
    (void)state;
    files_make();
    files_make_folder("store");
    strcpy(store_folder, files_path("store"));
    assert_int_equal(chmod(store_folder, 0755), 0);
    store = cm_store_new(store_folder, false, NULL);
    assert_non_null(store);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    cm_store_free(store);
    files_remove();
    return 0;
}

static void
fill(struct cm_refresh_state *state)
{
    assert_true(cm_refresh_state_init(state, CM_REFRESH_CRL, URL));
    state->last_try = NOW;
    state->last_try_ms = 250;
    state->last_success = NOW - 60;
    state->next_due = NOW + 120;
    state->failures = 2;
    cm_detail_set(&state->error, "connection refused, twice");
    state->has_crl = true;
    memset(state->spki, 0x0a, sizeof(state->spki));
    memset(state->scope, 0xb0, sizeof(state->scope));
    memset(state->sha256, 0xff, sizeof(state->sha256));
    state->window = (struct cm_refresh_window){true, NOW - 99, true, NOW + 99};
    strcpy(state->etag, "\"5f-1 a\"");
    strcpy(state->last_modified, "Thu, 01 Jan 2026 00:00:00 GMT");
    assert_true(cm_text_list_add(&state->deltas, "http://crl.example/d1"));
    assert_true(cm_text_list_add(&state->deltas, "http://crl.example/d2"));
}

static void
assert_same(const struct cm_refresh_state *a, const struct cm_refresh_state *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_string_equal(a->url, b->url);
    assert_int_equal(a->last_try, b->last_try);
    assert_int_equal(a->last_try_ms, b->last_try_ms);
    assert_int_equal(a->last_success, b->last_success);
    assert_int_equal(a->next_due, b->next_due);
    assert_int_equal(a->failures, b->failures);
    assert_string_equal(a->error.text, b->error.text);
    assert_int_equal(a->has_crl, b->has_crl);
    assert_memory_equal(a->spki, b->spki, 32);
    assert_memory_equal(a->scope, b->scope, 32);
    assert_memory_equal(a->sha256, b->sha256, 32);
    assert_memory_equal(&a->window, &b->window, sizeof(a->window));
    assert_string_equal(a->etag, b->etag);
    assert_string_equal(a->last_modified, b->last_modified);
    assert_int_equal(a->deltas.count, b->deltas.count);
    for (size_t i = 0; i < a->deltas.count; i++)
        assert_string_equal(a->deltas.items[i], b->deltas.items[i]);
}

/* ---- The text ---- */

static void
test_text(void **state)
{
    struct cm_refresh_state full, none, read;
    char *text;

    (void)state;
    fill(&full);
    text = cm_refresh_state_format(&full);
    assert_non_null(text);
    assert_non_null(strstr(text, "next-try 2026-01-01T00:02:00Z\n"));
    assert_true(cm_refresh_state_parse(text, strlen(text), &read));
    assert_same(&read, &full);
    cm_refresh_state_clear(&read);
    free(text);

    assert_true(cm_refresh_state_init(&none, CM_REFRESH_OCSP, URL));
    text = cm_refresh_state_format(&none);
    assert_string_equal(text, "kind ocsp\nurl " URL "\n");
    assert_true(cm_refresh_state_parse(text, strlen(text), &read));
    assert_same(&read, &none);
    free(text);
    cm_refresh_state_clear(&read);
    cm_refresh_state_clear(&none);
    cm_refresh_state_clear(&full);
}

#define HEX32                                                                 \
    "aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899"
#define HEAD "kind crl\nurl " URL "\n"

static void
test_not_a_state(void **state)
{
    static const char *const texts[] = {
        "",
        "kind crl\n",
        "url " URL,
        "kind\nurl " URL "\n",
        " kind crl\nurl " URL "\n",
        "kind crlx\nurl " URL "\n",
        HEAD "url http://other.example\n",
        HEAD "failures -1\n",
        HEAD "failures 1x\n",
        HEAD "failures 99999999999999\n",
        HEAD "last-try yesterday\n",
        HEAD "last-try-ms 1000\n",
        HEAD "next-try 2026-13-01T00:00:00Z\n",
        HEAD "crl " HEX32 " " HEX32 "\n",
        HEAD "crl " HEX32 " " HEX32 " " HEX32 " \n",
        HEAD "crl " HEX32 " " HEX32 " " HEX32 "aa\n",
        HEAD "error a\tb\n",
        HEAD "etag \xff\n",
        HEAD "no-newline at the end",
    };
    struct cm_refresh_state read;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (cm_refresh_state_parse(texts[i], strlen(texts[i]), &read))
            fail_msg("read: %s", texts[i]);
    }
    /* A NUL, and a validator longer than any that is sent. */
    assert_false(cm_refresh_state_parse(
        HEAD "error \0x\n", sizeof(HEAD "error \0x\n") - 1, &read));
    {
        char long_text[1024] = HEAD "etag ";
        size_t len = strlen(long_text);

        memset(long_text + len, 'a', CM_FETCH_MAX_VALIDATOR);
        strcpy(long_text + len + CM_FETCH_MAX_VALIDATOR, "\n");
        assert_false(
            cm_refresh_state_parse(long_text, strlen(long_text), &read));
    }
}

static void
test_lines_of_later_releases(void **state)
{
    static const char text[] = HEAD "priority high\nfailures 3\n";
    struct cm_refresh_state read;

    (void)state;
    assert_true(cm_refresh_state_parse(text, sizeof(text) - 1, &read));
    assert_int_equal(read.failures, 3);
    cm_refresh_state_clear(&read);
}

/* ---- What is noted ---- */

static void
test_succeed_and_fail(void **state)
{
    struct cm_refresh_state one;

    (void)state;
    assert_true(cm_refresh_state_init(&one, CM_REFRESH_CRL, URL));
    assert_false(cm_refresh_state_tried_since(&one, NOW_MS));
    cm_refresh_state_fail(&one, NOW_MS + 5, "bad\nthing");
    assert_int_equal(one.failures, 1);
    assert_int_equal(one.next_due, NOW + 60);
    assert_string_equal(one.error.text, "bad\\x0athing");
    assert_true(cm_refresh_state_tried_since(&one, NOW_MS + 5));
    assert_false(cm_refresh_state_tried_since(&one, NOW_MS + 6));
    cm_refresh_state_fail(&one, NOW_MS + 60000, "again");
    assert_int_equal(one.failures, 2);
    assert_int_equal(one.next_due, NOW + 60 + 120);
    assert_int_equal(one.last_success, 0);
    cm_refresh_state_succeed(&one, NOW_MS + 90000, NOW + 999);
    assert_int_equal(one.failures, 0);
    assert_int_equal(one.last_success, NOW + 90);
    assert_int_equal(one.next_due, NOW + 999);
    assert_string_equal(one.error.text, "");
    cm_refresh_state_clear(&one);
}

/* ---- In the store ---- */

static void
test_store(void **state)
{
    char name[CM_REFRESH_STATE_NAME];
    struct cm_store_writer *writer;
    struct cm_refresh_state full, read;
    struct cm_detail why = {""};

    (void)state;
    fill(&full);
    writer = cm_store_writer_open(store_folder, 0, &why);
    assert_non_null(writer);
    assert_true(cm_refresh_state_write(writer, &full, &why));
    assert_true(cm_refresh_state_read(store, CM_REFRESH_CRL, URL, &read));
    assert_same(&read, &full);
    cm_refresh_state_clear(&read);

    /* Another kind, or URL, is another state. */
    assert_true(cm_refresh_state_read(store, CM_REFRESH_OCSP, URL, &read));
    assert_int_equal(read.failures, 0);
    cm_refresh_state_clear(&read);
    assert_true(cm_refresh_state_read(store, CM_REFRESH_CRL, URL "x", &read));
    assert_int_equal(read.last_try, 0);
    assert_string_equal(read.url, URL "x");
    cm_refresh_state_clear(&read);

    /* What is damaged, or says that it is another's, costs one try. */
    cm_refresh_state_name(CM_REFRESH_CRL, URL, name);
    assert_true(cm_store_write_file(writer, name, "rubbish", 7, &why));
    assert_true(cm_refresh_state_read(store, CM_REFRESH_CRL, URL, &read));
    assert_int_equal(read.last_try, 0);
    cm_refresh_state_clear(&read);
    assert_true(cm_store_write_file(
        writer, name, "kind crl\nurl http://x.example\nfailures 7\n", 41,
        &why));
    assert_true(cm_refresh_state_read(store, CM_REFRESH_CRL, URL, &read));
    assert_int_equal(read.failures, 0);
    cm_refresh_state_clear(&read);
    cm_store_writer_free(writer);
    cm_refresh_state_clear(&full);
}

static void
age(const char *name, int64_t when)
{
    const struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};
    char path[8192];

    snprintf(path, sizeof(path), "%s/%s", store_folder, name);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Two months after the last try; what is not a state stays out of it. */
static void
test_forget(void **state)
{
    char name[CM_REFRESH_STATE_NAME];
    struct cm_store_writer *writer;
    struct cm_refresh_state one;
    struct cm_detail why = {""};

    (void)state;
    fill(&one);
    writer = cm_store_writer_open(store_folder, 0, &why);
    assert_non_null(writer);
    /* Nothing there yet. */
    cm_refresh_state_forget(writer, store_folder, NOW);
    assert_true(cm_refresh_state_write(writer, &one, &why));
    assert_true(cm_store_write_file(writer, "state/other", "x", 1, &why));
    cm_refresh_state_clear(&one);
    cm_refresh_state_name(CM_REFRESH_CRL, URL, name);
    age(name, NOW - CM_REFRESH_FORGET + 1);
    age("state/other", 0);
    cm_refresh_state_forget(writer, store_folder, NOW);
    assert_true(cm_refresh_state_read(store, CM_REFRESH_CRL, URL, &one));
    assert_int_equal(one.failures, 2);
    cm_refresh_state_clear(&one);
    cm_refresh_state_forget(writer, store_folder, NOW + 1);
    assert_true(cm_refresh_state_read(store, CM_REFRESH_CRL, URL, &one));
    assert_int_equal(one.failures, 0);
    cm_refresh_state_clear(&one);
    assert_int_equal(access(files_path("store/state/other"), F_OK), 0);
    cm_store_writer_free(writer);
}

/* ---- The lock ---- */

static void
test_lock(void **state)
{
    struct cm_refresh_lock a, b;
    struct cm_detail why = {""};

    (void)state;
    cm_store_writer_free(cm_store_writer_open(store_folder, 0, &why));
    assert_true(cm_refresh_lock_open(store_folder, &a, &why));
    assert_true(cm_refresh_lock_open(store_folder, &b, &why));
    assert_true(cm_refresh_lock_try(&a, URL));
    assert_true(cm_refresh_lock_try(&a, URL));
    assert_false(cm_refresh_lock_try(&b, URL));
    assert_true(cm_refresh_lock_try(&b, URL "x"));
    assert_false(cm_refresh_lock_try(&a, URL "x"));
    cm_refresh_lock_give(&a, URL);
    assert_true(cm_refresh_lock_try(&b, URL));
    /* Who goes away holds nothing. */
    cm_refresh_lock_close(&b);
    assert_true(cm_refresh_lock_try(&a, URL));
    assert_true(cm_refresh_lock_try(&a, URL "x"));
    cm_refresh_lock_close(&a);
}

static void
test_lock_refused(void **state)
{
    struct cm_refresh_lock lock;
    struct cm_detail why = {""};

    (void)state;
    /* No store. */
    assert_false(cm_refresh_lock_open(files_path("none"), &lock, &why));
    cm_store_writer_free(cm_store_writer_open(store_folder, 0, &why));
    /* A link to elsewhere. */
    files_write_text("elsewhere", "");
    assert_int_equal(
        symlink(files_path("elsewhere"), files_path("store/state/flight")), 0);
    assert_false(cm_refresh_lock_open(store_folder, &lock, &why));
    files_delete("store/state/flight");
    /* Others could hold it for ever. */
    files_write_text("store/state/flight", "");
    assert_int_equal(chmod(files_path("store/state/flight"), 0666), 0);
    assert_false(cm_refresh_lock_open(store_folder, &lock, &why));
    assert_int_equal(lock.fd, -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_not_a_state),
        cmocka_unit_test(test_lines_of_later_releases),
        cmocka_unit_test(test_succeed_and_fail),
        cmocka_unit_test_setup_teardown(test_store, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forget, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lock_refused, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
