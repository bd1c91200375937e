/* Responses on their way into the store, and out of it at logins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store_fixture.h"
#include "store_parts.h"

/* ---- Responses ---- */

enum { HOUR = 3600 };

static enum cm_publish
put_response(const char *status, int64_t this_update, int64_t next_update)
{
    size_t len;
    uint8_t *bytes = response_about(leaf, ca, ca_key(), status, this_update,
                                    next_update, &len);
    enum cm_publish outcome;

    why.text[0] = '\0';
    outcome = publish_response(leaf, ca, bytes, len, STORE_NOW);
    free(bytes);
    return outcome;
}

static bool
check_response(void *context, const uint8_t *response, size_t len)
{
    struct cm_path_rules rules = store_rules(STORE_NOW);
    struct cm_ocsp_question question = {
        .cert = leaf, .issuer = ca, .rules = &rules};

    cm_ocsp_check(&question, response, len, context);
    return true;
}

static enum cm_status_state
stored_response(void)
{
    const struct cm_response_provider *responses = cm_store_responses(store);
    struct cm_status status = {.state = CM_STATUS_UNKNOWN};

    look();
    assert_true(responses->each(responses->context, leaf, ca, check_response,
                                &status));
    return status.state;
}

static void
test_responses(void **state)
{
    (void)state;
    assert_int_equal(stored_response(), CM_STATUS_UNKNOWN);
    assert_int_equal(put_response(TO_GOOD, STORE_NOW - HOUR, STORE_NOW + HOUR),
                     CM_PUBLISHED);
    assert_int_equal(stored_response(), CM_STATUS_GOOD);
    /* Older ones never come back; of equal ones the worse counts. */
    assert_int_equal(
        put_response(TO_REVOKED, STORE_NOW - 2 * HOUR, STORE_NOW + HOUR),
        CM_PUBLISH_OLDER);
    assert_int_equal(
        put_response(TO_REVOKED, STORE_NOW - HOUR, STORE_NOW + HOUR),
        CM_PUBLISHED);
    assert_int_equal(stored_response(), CM_STATUS_REVOKED);
    assert_int_equal(
        put_response(TO_GOOD, STORE_NOW - HOUR, STORE_NOW + 2 * HOUR),
        CM_PUBLISH_OLDER);
    assert_int_equal(stored_response(), CM_STATUS_REVOKED);
    assert_int_equal(put_response(TO_GOOD, STORE_NOW, STORE_NOW + HOUR),
                     CM_PUBLISHED);
    assert_int_equal(stored_response(), CM_STATUS_GOOD);
    assert_int_equal(count_files("ocsp"), 1);
}

static void
test_response_refusals(void **state)
{
    size_t len;
    uint8_t *foreign = response_about(leaf, ca, other_key(), TO_GOOD,
                                      STORE_NOW, STORE_NOW + HOUR, &len);
    uint8_t *large = calloc(1, CM_OCSP_MAX_RESPONSE + 1);

    (void)state;
    assert_int_equal(publish_response(leaf, ca, foreign, len, STORE_NOW),
                     CM_PUBLISH_REFUSED);
    assert_int_equal(put_response(TO_UNKNOWN, STORE_NOW, STORE_NOW + HOUR),
                     CM_PUBLISH_REFUSED);
    assert_int_equal(put_response(TO_GOOD, STORE_NOW - HOUR, STORE_NOW - 1),
                     CM_PUBLISH_REFUSED);
    assert_int_equal(
        put_response(TO_GOOD, STORE_NOW + HOUR, STORE_NOW + 2 * HOUR),
        CM_PUBLISH_REFUSED);
    assert_non_null(large);
    assert_int_equal(
        publish_response(leaf, ca, large, CM_OCSP_MAX_RESPONSE + 1, STORE_NOW),
        CM_PUBLISH_REFUSED);
    assert_int_equal(count_files("ocsp"), 0);
    free(foreign);
    free(large);
}

/* A response that the store cannot have written gives way to a good one. */
static void
test_response_garbage(void **state)
{
    char name[512];

    (void)state;
    assert_int_equal(put_response(TO_GOOD, STORE_NOW, STORE_NOW + HOUR),
                     CM_PUBLISHED);
    assert_true(cm_store_ocsp_name(leaf, ca, name));
    {
        char path[600];

        snprintf(path, sizeof(path), "store/%s", name);
        files_write_text(path, "garbage");
    }
    assert_int_equal(stored_response(), CM_STATUS_UNKNOWN);
    assert_int_equal(put_response(TO_GOOD, STORE_NOW - HOUR, STORE_NOW + HOUR),
                     CM_PUBLISHED);
    assert_int_equal(stored_response(), CM_STATUS_GOOD);
    /* One that may say "revoked" and cannot be believed is a fault. */
    assert_int_equal(chmod(store_path(name), 0666), 0);
    cm_store_begin(store);
    assert_false(cm_store_responses(store)->each(store, leaf, ca,
                                                 check_response, NULL));
    assert_false(cm_store_end(store, &why));
    assert_non_null(strstr(why.text, "may write"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_responses),
        STORE_TEST(test_response_refusals),
        STORE_TEST(test_response_garbage),
    };

    return cmocka_run_group_tests(tests, store_make_certificates,
                                  store_free_certificates);
}
