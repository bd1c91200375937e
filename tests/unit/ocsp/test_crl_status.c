/*
 * What a set of CRLs says about one certificate.  Every scene is asked twice,
 * with CRLs and certificates in both orders.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "crl_scenes.h"

static void
run(const struct crl_scenes *scenes)
{
    const struct crl_scene *scene;
    struct cm_status status;
    unsigned differences = 0;

    for (size_t i = 0; i < 2 * scenes->count; i++) {
        scene = &scenes->list[i / 2];
        crl_world_ask(scene, i % 2 == 1, &status);
        if (status.state == scene->state && status.reason == scene->reason)
            continue;
        print_error("%s (%s): %s %d: %s\n", scene->name,
                    i % 2 == 1 ? "backward" : "forward",
                    cm_status_token(status.state), status.reason,
                    status.detail.text);
        differences++;
    }
    assert_int_equal(differences, 0);
}

static void
test_complete(void **state)
{
    (void)state;
    run(&crl_scenes_complete);
}

static void
test_keys(void **state)
{
    (void)state;
    run(&crl_scenes_keys);
}

static void
test_scopes(void **state)
{
    (void)state;
    run(&crl_scenes_scopes);
}

static void
test_deltas(void **state)
{
    (void)state;
    run(&crl_scenes_deltas);
}

static void
test_indirect(void **state)
{
    (void)state;
    run(&crl_scenes_indirect);
}

enum {
    DECEMBER_1 = 1701388800,
    DECEMBER_15 = 1702598400,
    DECEMBER_31 = 1703980800,
    JANUARY_2 = 1704153600,
    FEBRUARY_1 = 1706745600
};

/* How old an answer is, and until when it lasts. */
static const struct {
    struct crl_scene scene;
    enum cm_status_source source;
    int64_t this_update, next_update; /* 0: none */
} times[] = {
    {{"none", "leaf", 0, NULL, "", "", UNKNOWN}, CM_SOURCE_NONE, 0, 0},
    {{"one", "leaf", 0, NULL, "", "good", GOOD},
     CM_SOURCE_CRL,
     DECEMBER_1,
     FEBRUARY_1},
    {{"the one that lasts", "leaf", 0, NULL, "", "good-sooner users", GOOD},
     CM_SOURCE_CRL,
     DECEMBER_1,
     FEBRUARY_1},
    {{"expired", "leaf", 0, NULL, "", "expired", STALE},
     CM_SOURCE_CRL,
     DECEMBER_1,
     DECEMBER_31},
    {{"no end", "leaf", 0, NULL, "", "endless", STALE},
     CM_SOURCE_CRL,
     DECEMBER_1,
     0},
    {{"the weakest of two", "leaf", 0, NULL, "",
      "key-reasons other-reasons-expired", STALE},
     CM_SOURCE_CRL,
     DECEMBER_1,
     DECEMBER_31},
    {{"with a delta", "leaf", 0, NULL, "", "expired delta", GOOD},
     CM_SOURCE_CRL,
     DECEMBER_15,
     FEBRUARY_1},
    {{"revoked", "leaf", 0, NULL, "", "bad-expired", REVOKED(KEY)},
     CM_SOURCE_CRL,
     DECEMBER_1,
     DECEMBER_31},
    {{"no longer than its issuer is good", "leaf-by-name", 0, NULL, "lists",
      "root-soon lists", GOOD},
     CM_SOURCE_CRL,
     DECEMBER_1,
     JANUARY_2},
};

static void
test_times(void **state)
{
    struct cm_status status;

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        crl_world_ask(&times[i].scene, false, &status);
        if (status.state != times[i].scene.state ||
            status.source != times[i].source ||
            status.this_update != times[i].this_update ||
            status.has_next_update != (times[i].next_update != 0) ||
            status.next_update != times[i].next_update)
            fail_msg("%s: %s %s %lld %lld", times[i].scene.name,
                     cm_status_token(status.state),
                     cm_status_source_token(status.source),
                     (long long)status.this_update,
                     (long long)status.next_update);
    }
}

/* Every CRL so often that the bound is passed. */
static bool
each_too_often(void *context, const uint8_t spki[32],
               bool (*visit)(void *visit_context, struct cm_crl_index *index),
               void *visit_context)
{
    const struct cm_crl_provider *real = context;

    for (unsigned i = 0; i <= CM_STATUS_MAX_CRLS; i++) {
        if (!real->each(real->context, spki, visit, visit_context))
            return false;
    }
    return true;
}

/* Asks through a provider that stands before the scene's own. */
static void
ask_through(const struct crl_scene *scene,
            bool (*each)(void *context, const uint8_t spki[32],
                         bool (*visit)(void *visit_context,
                                       struct cm_crl_index *index),
                         void *visit_context),
            struct cm_status *out)
{
    struct cm_crl_provider real;
    struct crl_stage stage;

    crl_stage_make(scene, false, &stage);
    real = stage.provider;
    stage.provider.each = each;
    stage.provider.context = &real;
    cm_crl_status(&stage.question, out);
    crl_stage_clear(&stage);
}

/* Beyond the bound nothing is good; what was found by then still revokes. */
static void
test_bound(void **state)
{
    const struct crl_scene good = {"", "leaf", 0, NULL, "", "good", GOOD};
    const struct crl_scene bad = {"", "leaf", 0,           NULL,
                                  "", "bad",  REVOKED(KEY)};
    struct cm_status status;

    (void)state;
    ask_through(&good, each_too_often, &status);
    assert_int_equal(status.state, CM_STATUS_UNKNOWN);
    assert_non_null(strstr(status.detail.text, "gave up"));
    ask_through(&bad, each_too_often, &status);
    assert_int_equal(status.state, CM_STATUS_REVOKED);
}

/* A provider that could not show everything. */
static bool
each_but_fail(void *context, const uint8_t spki[32],
              bool (*visit)(void *visit_context, struct cm_crl_index *index),
              void *visit_context)
{
    const struct cm_crl_provider *real = context;

    real->each(real->context, spki, visit, visit_context);
    return false;
}

static void
test_failing_provider(void **state)
{
    const struct crl_scene good = {"", "leaf", 0, NULL, "", "good", GOOD};
    const struct crl_scene bad = {"", "leaf", 0,           NULL,
                                  "", "bad",  REVOKED(KEY)};
    struct cm_status status;

    (void)state;
    ask_through(&good, each_but_fail, &status);
    assert_int_equal(status.state, CM_STATUS_UNKNOWN);
    ask_through(&bad, each_but_fail, &status);
    assert_int_equal(status.state, CM_STATUS_REVOKED);
}

static void
test_words(void **state)
{
    (void)state;
    assert_string_equal(cm_status_token(CM_STATUS_UNKNOWN), "unknown");
    assert_string_equal(cm_status_token(CM_STATUS_GOOD), "good");
    assert_string_equal(cm_status_token(CM_STATUS_STALE), "stale");
    assert_string_equal(cm_status_token(CM_STATUS_REVOKED), "revoked");
    assert_string_equal(cm_status_source_token(CM_SOURCE_NONE), "none");
    assert_string_equal(cm_status_source_token(CM_SOURCE_CRL), "crl");
    assert_string_equal(cm_status_source_token(CM_SOURCE_OCSP), "ocsp");
    assert_string_equal(cm_status_source_token(CM_SOURCE_DENY), "deny");
    assert_string_equal(cm_status_origin_token(CM_ORIGIN_STORE), "store");
    assert_string_equal(cm_status_origin_token(CM_ORIGIN_FETCHED), "fetched");
    assert_string_equal(cm_status_origin_token(CM_ORIGIN_STAPLED), "stapled");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_deltas),
        cmocka_unit_test(test_indirect),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_failing_provider),
        cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, crl_world_set_up,
                                  crl_world_tear_down);
}
