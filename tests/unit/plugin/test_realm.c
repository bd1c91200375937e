/*
 * What a process keeps for its realms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

#include "realm.h"
#include "scratch.h"

static struct scratch scratch;
static krb5_context context;

/* Every line that was logged. */
static struct cm_text_list lines;

static void
keep_line(void *data, enum cm_severity severity, const char *text)
{
    (void)data;
    (void)severity;
    assert_true(cm_text_list_add(&lines, text));
}

static const struct cm_log keep = {keep_line, NULL};

static const char kdc_conf[] =
    "[realms]\n"
    "READY = {\ncertmap = {\nanchors = FILE:@/roots.pem\n"
    "ntauth = FILE:@/ca.pem\nrevocation = off\n}\n}\n"
    "OFF = {\ncertmap = {\nmode = off\n}\n}\n"
    "BROKEN = {\ncertmap = {\nmode = enforc\ntimeout = 1\n}\n}\n"
    "LATE = {\ncertmap = {\nanchors = FILE:@/roots.pem\n"
    "ntauth = FILE:@/late.pem\nrevocation = off\n}\n}\n"
    "ABSENT = {\nkdc = localhost\n}\n";

static int
set_up(void **state)
{
    (void)state;
    scratch_make(&scratch);
    scratch_fill(&scratch);
    scratch_write(&scratch, "kdc.conf", kdc_conf);
    scratch_write(&scratch, "krb5.conf", "");
    setenv("KRB5_KDC_PROFILE", scratch_path(&scratch, "kdc.conf"), 1);
    setenv("KRB5_CONFIG", scratch_path(&scratch, "krb5.conf"), 1);
    return krb5_init_context_profile(NULL, KRB5_INIT_CONTEXT_KDC, &context);
}

static int
tear_down(void **state)
{
    (void)state;
    krb5_free_context(context);
    scratch_remove(&scratch);
    return 0;
}

static int
forget_lines(void **state)
{
    (void)state;
    cm_text_list_clear(&lines);
    return 0;
}

static void
expect_line(size_t index, const char *begin, const char *words)
{
    assert_true(index < lines.count);
    assert_int_equal(strncmp(lines.items[index], begin, strlen(begin)), 0);
    assert_non_null(strstr(lines.items[index], words));
}

static void
test_ready(void **state)
{
    struct cm_realms *realms = cm_realms_new(&keep);
    const struct cm_realm *realm = cm_realms_get(realms, context, "READY");

    (void)state;
    assert_int_equal(realm->state, CM_REALM_READY);
    assert_non_null(realm->services.trust);
    assert_non_null(realm->services.directory);
    assert_non_null(realm->services.clock.now);
    assert_ptr_equal(cm_realms_get(realms, context, "READY"), realm);
    assert_int_equal(lines.count, 1);
    expect_line(0, "certmap: realm=\"READY\" mode=enforce ",
                "weakened: revocation=off");
    cm_realms_free(realms);
}

static void
test_off(void **state)
{
    struct cm_realms *realms = cm_realms_new(&keep);
    const struct cm_realm *realm = cm_realms_get(realms, context, "OFF");

    (void)state;
    assert_int_equal(realm->state, CM_REALM_OFF);
    assert_null(realm->services.trust);
    assert_int_equal(lines.count, 1);
    expect_line(0, "certmap: realm=\"OFF\" mode=off", "built-in");
    cm_realms_free(realms);
}

/* Every error once, and what follows from them. */
static void
test_broken(void **state)
{
    struct cm_realms *realms = cm_realms_new(&keep);
    const struct cm_realm *realm = cm_realms_get(realms, context, "BROKEN");

    (void)state;
    assert_int_equal(realm->state, CM_REALM_BROKEN);
    assert_null(realm->services.trust);
    assert_null(realm->settings.realm);
    assert_non_null(strstr(realm->why.text, "mode = enforc"));
    assert_ptr_equal(cm_realms_get(realms, context, "BROKEN"), realm);
    assert_int_equal(lines.count, 5);
    expect_line(0, "certmap: ", "mode = enforc");
    expect_line(1, "certmap: ", "timeout = 1");
    expect_line(2, "certmap: ", "anchors: required");
    expect_line(3, "certmap: ", "ntauth: required");
    expect_line(4, "certmap: realm=\"BROKEN\"",
                "every certificate is refused");
    cm_realms_free(realms);
}

static int64_t
stopped(void *data)
{
    return *(const int64_t *)data;
}

/* A file that comes late, as from a disk that is mounted after the KDC has
 * started. */
static void
test_late(void **state)
{
    int64_t now = 1000;
    const struct cm_clock clock = {stopped, stopped, &now};
    struct cm_realms *realms = cm_realms_new(&keep);
    const struct cm_realm *realm;
    char there[SCRATCH_PATH * 2];

    (void)state;
    cm_realms_set_clock(realms, &clock);
    realm = cm_realms_get(realms, context, "LATE");
    assert_int_equal(realm->state, CM_REALM_BROKEN);
    assert_int_equal(lines.count, 2);
    expect_line(0, "certmap: ", "late.pem");
    now += CM_REALM_RETRY_MS; /* the same error, which is not said again */
    assert_ptr_equal(cm_realms_get(realms, context, "LATE"), realm);
    assert_int_equal(realm->state, CM_REALM_BROKEN);
    assert_int_equal(lines.count, 2);
    (void)snprintf(there, sizeof(there), "%s",
                   scratch_path(&scratch, "ca.pem"));
    assert_int_equal(link(there, scratch_path(&scratch, "late.pem")), 0);
    now += CM_REALM_RETRY_MS - 1; /* not yet */
    assert_ptr_equal(cm_realms_get(realms, context, "LATE"), realm);
    assert_int_equal(realm->state, CM_REALM_BROKEN);
    assert_null(realm->services.trust);
    now++;
    assert_ptr_equal(cm_realms_get(realms, context, "LATE"), realm);
    assert_int_equal(realm->state, CM_REALM_READY);
    assert_non_null(realm->services.trust);
    assert_int_equal(lines.count, 3);
    expect_line(2, "certmap: realm=\"LATE\" mode=enforce ", "revocation=off");
    /* What is ready stays as it was read. */
    assert_int_equal(unlink(scratch_path(&scratch, "late.pem")), 0);
    now += CM_REALM_RETRY_MS;
    assert_int_equal(cm_realms_get(realms, context, "LATE")->state,
                     CM_REALM_READY);
    assert_int_equal(lines.count, 3);
    cm_realms_free(realms);
}

static void
test_absent(void **state)
{
    struct cm_realms *realms = cm_realms_new(&keep);
    const struct cm_realm *realm;

    (void)state;
    realm = cm_realms_get(realms, context, "ABSENT");
    assert_int_equal(realm->state, CM_REALM_ABSENT);
    realm = cm_realms_get(realms, context, "UNHEARD\n\"OF");
    assert_int_equal(realm->state, CM_REALM_ABSENT);
    assert_int_equal(lines.count, 2);
    expect_line(1, "certmap: realm=\"UNHEARD\\x0a\\x22OF\"", "(config)");
    cm_realms_free(realms);
}

/* A broken realm does not touch a good one, and there is a limit. */
static void
test_many(void **state)
{
    struct cm_realms *realms = cm_realms_new(NULL);
    const struct cm_realm *ready;
    char name[16];

    (void)state;
    assert_int_equal(cm_realms_get(realms, context, "BROKEN")->state,
                     CM_REALM_BROKEN);
    ready = cm_realms_get(realms, context, "READY");
    assert_int_equal(ready->state, CM_REALM_READY);
    for (int i = 0; i < CM_REALMS_MAX - 2; i++) {
        snprintf(name, sizeof(name), "R%d", i);
        assert_non_null(cm_realms_get(realms, context, name));
    }
    assert_null(cm_realms_get(realms, context, "ONE.MORE"));
    assert_ptr_equal(cm_realms_get(realms, context, "READY"), ready);
    cm_realms_free(realms);
}

/* In a worker: the same realm, with services of its own. */
static int
look_in_child(struct cm_realms *realms, const struct cm_realm *realm)
{
    struct cm_snapshot *snapshot = NULL;
    int status = 1;

    if (cm_realms_get(realms, context, "READY") == realm &&
        realm->state == CM_REALM_READY &&
        cm_trust_current(realm->services.trust, 0, &snapshot, NULL) == CM_OK)
        status = 0;
    cm_snapshot_release(snapshot);
    return status;
}

static void
test_fork(void **state)
{
    struct cm_realms *realms = cm_realms_new(NULL);
    const struct cm_realm *realm = cm_realms_get(realms, context, "READY");
    int status = -1;
    pid_t pid;

    (void)state;
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(look_in_child(realms, realm));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    cm_realms_free(realms);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_ready, forget_lines),
        cmocka_unit_test_teardown(test_off, forget_lines),
        cmocka_unit_test_teardown(test_broken, forget_lines),
        cmocka_unit_test_teardown(test_late, forget_lines),
        cmocka_unit_test_teardown(test_absent, forget_lines),
        cmocka_unit_test_teardown(test_many, forget_lines),
        cmocka_unit_test_teardown(test_fork, forget_lines),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
