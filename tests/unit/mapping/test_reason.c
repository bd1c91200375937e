#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "detail.h"
#include "log.h"
#include "reason.h"

/* Tokens and numbers are a contract with logs, scripts and clients: written
 * down here a second time, so that none changes by accident. */
static const struct {
    enum cm_reason reason;
    const char *token;
    int number;
} reasons[] = {
    {CM_OK, "ok", 0},
    {CM_CERT_MALFORMED, "cert-malformed", 71},
    {CM_CERT_VALIDITY, "cert-validity", 71},
    {CM_CERT_KEY_PURPOSE, "cert-key-purpose", 77},
    {CM_CERT_WEAK_CRYPTO, "cert-weak-crypto", 71},
    {CM_PATH_UNTRUSTED, "path-untrusted", 70},
    {CM_NTAUTH_ABSENT, "ntauth-absent", 62},
    {CM_REVOKED, "revoked", 72},
    {CM_REVOCATION_UNKNOWN, "revocation-unknown", 73},
    {CM_REVOCATION_UNAVAILABLE, "revocation-unavailable", 74},
    {CM_ACCOUNT_NOT_FOUND, "account-not-found", 75},
    {CM_ACCOUNT_AMBIGUOUS, "account-ambiguous", 66},
    {CM_ACCOUNT_DISABLED, "account-disabled", 62},
    {CM_NAME_MISMATCH, "name-mismatch", 75},
    {CM_NO_MAPPING, "no-mapping", 75},
    {CM_WEAK_MAPPING, "weak-mapping", 66},
    {CM_CERT_PREDATES_ACCOUNT, "cert-predates-account", 66},
    {CM_SID_MISMATCH, "sid-mismatch", 66},
    {CM_SID_MALFORMED, "sid-malformed", 66},
    {CM_DIRECTORY_UNAVAILABLE, "directory-unavailable", 24},
    {CM_BUSY, "busy", 24},
    {CM_CONFIG, "config", 24},
    {CM_NO_MEMORY, "no-memory", 24},
    {CM_INTERNAL, "internal", 24},
};
enum { REASONS = sizeof(reasons) / sizeof(reasons[0]) };

static void
every_reason(void **state)
{
    (void)state;
    assert_int_equal(REASONS, CM_INTERNAL + 1);
    for (size_t i = 0; i < REASONS; i++) {
        assert_int_equal(reasons[i].reason, i);
        assert_string_equal(cm_reason_token(reasons[i].reason),
                            reasons[i].token);
        assert_int_equal(cm_reason_number(reasons[i].reason),
                         reasons[i].number);
        assert_true(strlen(cm_reason_text(reasons[i].reason)) > 5);
    }
}

/* No refusal may look like an acceptance by its number. */
static void
only_ok_is_zero(void **state)
{
    (void)state;
    assert_int_equal(CM_OK, 0);
    for (size_t i = 1; i < REASONS; i++)
        assert_int_not_equal(cm_reason_number(reasons[i].reason), 0);
}

static void
foreign_values_are_internal(void **state)
{
    static const unsigned foreign[] = {REASONS, 0x7fffffff, 0xffffffff};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        enum cm_reason reason = (enum cm_reason)foreign[i];

        assert_string_equal(cm_reason_token(reason), "internal");
        assert_int_equal(cm_reason_number(reason), 24);
        assert_string_equal(cm_reason_text(reason),
                            cm_reason_text(CM_INTERNAL));
    }
}

static void
detail_is_cut(void **state)
{
    struct cm_detail detail;
    char *much = malloc(2 * CM_DETAIL_SIZE);

    (void)state;
    assert_non_null(much);
    memset(much, 'a', 2 * CM_DETAIL_SIZE - 1);
    much[2 * CM_DETAIL_SIZE - 1] = '\0';
    cm_detail_set(&detail, "%s is %d", "this", 1);
    assert_string_equal(detail.text, "this is 1");
    cm_detail_set(&detail, "%s", much);
    assert_int_equal(strlen(detail.text), CM_DETAIL_SIZE - 1);
    cm_detail_set(&detail, "%s", "");
    assert_string_equal(detail.text, "");
    cm_detail_set(NULL, "%s", "nobody listens");
    free(much);
}

struct heard {
    enum cm_severity severity;
    char text[64];
    int lines;
};

static void
hear(void *context, enum cm_severity severity, const char *text)
{
    struct heard *heard = context;

    heard->severity = severity;
    heard->lines++;
    strncpy(heard->text, text, sizeof(heard->text) - 1);
}

static void
log_hands_over_lines(void **state)
{
    struct heard heard = {.lines = 0};
    const struct cm_log log = {hear, &heard}, deaf = {NULL, NULL};

    (void)state;
    cm_log_write(&log, CM_LOG_WARNING, "%s %d", "line", 1);
    assert_int_equal(heard.lines, 1);
    assert_int_equal(heard.severity, CM_LOG_WARNING);
    assert_string_equal(heard.text, "line 1");
    cm_log_write(&deaf, CM_LOG_ERROR, "%s", "x");
    cm_log_write(NULL, CM_LOG_ERROR, "%s", "x");
    assert_int_equal(heard.lines, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason),
        cmocka_unit_test(only_ok_is_zero),
        cmocka_unit_test(foreign_values_are_internal),
        cmocka_unit_test(detail_is_cut),
        cmocka_unit_test(log_hands_over_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
