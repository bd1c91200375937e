/*
 * Allocations fail while a status is asked, ours and OpenSSL's, one in each
 * run: the answer is what it would have been, or a refusal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "crl_scenes.h"
#include "no_memory.h"

static const struct crl_scene *
find(const struct crl_scenes *scenes, const char *name)
{
    for (size_t i = 0; i < scenes->count; i++) {
        if (strcmp(scenes->list[i].name, name) == 0)
            return &scenes->list[i];
    }
    print_error("no scene named %s\n", name);
    abort();
}

/* What else may be the answer: a CRL less may be one that lifts a hold. */
static bool
is_cautious(enum cm_status_state state)
{
    return state == CM_STATUS_UNKNOWN || state == CM_STATUS_REVOKED;
}

/* Fails allocation number n.  False: there were not so many. */
static bool
fail_once(const struct crl_scene *scene, struct crl_stage *stage, long *left,
          long n)
{
    struct cm_status status;
    bool failed;

    *left = n;
    cm_crl_status(&stage->question, &status);
    failed = *left < 0;
    *left = -1;
    if (status.state != scene->state && !(failed && is_cautious(status.state)))
        fail_msg("%s, allocation %ld: %s", scene->name, n,
                 cm_status_token(status.state));
    return failed;
}

static void
check(const struct crl_scenes *scenes, const char *name)
{
    const struct crl_scene *scene = find(scenes, name);
    struct crl_stage stage;
    long n;

    crl_stage_make(scene, false, &stage);
    for (n = 0; fail_once(scene, &stage, &no_memory_ours, n); n++)
        ;
    assert_true(n > 1);
    for (n = 0; fail_once(scene, &stage, &no_memory_openssl, n); n++)
        ;
    assert_true(n > 1);
    crl_stage_clear(&stage);
}

static void
test_scenes(void **state)
{
    (void)state;
    check(&crl_scenes_complete, "not listed");
    check(&crl_scenes_complete, "listed");
    check(&crl_scenes_complete, "a newer one lists");
    check(&crl_scenes_complete, "expired");
    check(&crl_scenes_scopes, "listed in one");
    check(&crl_scenes_scopes, "listed there");
    check(&crl_scenes_scopes, "a relative name");
    check(&crl_scenes_deltas, "listed");
    check(&crl_scenes_deltas, "lifts a hold");
    check(&crl_scenes_keys, "listed by it");
    check(&crl_scenes_keys, "old key by the next one");
    check(&crl_scenes_keys, "the next key lists too");
    check(&crl_scenes_indirect, "listed");
    check(&crl_scenes_indirect, "the issuing CA lists");
    check(&crl_scenes_indirect, "on behalf of another");
}

static int
set_up(void **state)
{
    struct cm_status status;

    crl_world_set_up(state);
    /* OpenSSL's own tables are made at first use and kept. */
    for (size_t i = 0; i < crl_scenes_keys.count; i++)
        crl_world_ask(&crl_scenes_keys.list[i], false, &status);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scenes),
    };

    if (!no_memory_prepare())
        return 1;
    return cmocka_run_group_tests(tests, set_up, crl_world_tear_down);
}
