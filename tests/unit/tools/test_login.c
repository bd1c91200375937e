/*
 * certmap login without a KDC: what libkrb5's words and numbers are taken
 * for, and what is asked of the user.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "login_fault.h"

#define STAMP "[4711] 1795375433.323457: "
#define NUMBER(n) (ERROR_TABLE_BASE_krb5 + (n))

enum { C_UNKNOWN = 6, PREAUTH_FAILED = 24, PREAUTH_REQUIRED = 25 };

/* ---- What is asked ---- */

static void
test_questions(void **state)
{
    static const struct {
        const char *identity, *question;
    } ROWS[] = {
        {"PKCS11:module_name=/usr/lib/x.so:token=Corp Card:certlabel=a",
         "PIN of Corp Card"},
        {"PKCS11:module_name=/usr/lib/token=x.so:slotid=3", "PIN"},
        {"PKCS11:token=:slotid=3", "PIN"},
        {"PKCS11:", "PIN"},
        {"FILE:/a/b.pem,/a/b.key", "Password of /a/b.key"},
        {"FILE:/a/b.pem", "Password of /a/b.pem"},
        {"PKCS12:/a/b.p12", "Password of /a/b.p12"},
        {"else", "Password of else"},
    };
    char question[CM_LOGIN_MAX_PROMPT];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(ROWS) / sizeof(*ROWS); i++) {
        cm_login_question(ROWS[i].identity, question);
        assert_string_equal(question, ROWS[i].question);
    }
}

/* ---- What is read from trace messages ---- */

static void
test_trace(void **state)
{
    static const struct {
        const char *message;
        krb5_error_code request, reply;
        const char *said, *token;
        bool request_called, reply_called, loading, making;
    } ROWS[] = {
        {.message = STAMP "Preauth module pkinit (16) (real) returned: "
                          "-1765328360/Preauthentication failed\n",
         .request = -1765328360,
         .said = "Preauthentication failed",
         .request_called = true},
        {.message = STAMP "Preauth module pkinit (16) (real) returned: "
                          "0/Success\n",
         .request_called = true},
        {.message = STAMP "Preauth module pkinit (17) (real) returned: "
                          "-1765328308/KDC name mismatch\n",
         .reply = -1765328308,
         .said = "KDC name mismatch",
         .reply_called = true},
        {.message = STAMP "Preauth module pkinit (147) (info) returned: "
                          "0/Success\n"},
        {.message = STAMP "Preauth module pkinit (16) (info) returned: 5/x"},
        {.message = STAMP "Preauth module spake (151) (real) returned: 5/x"},
        {.message = STAMP "Preauth module pkinit (16) (real) returned: /x"},
        {.message = STAMP "Preauth module pkinit ("},
        {.message = STAMP "PKINIT PKCS11 C_Login failed: pin incorrect\n",
         .token = "PKCS11 C_Login failed: pin incorrect"},
        {.message = STAMP "PKINIT loading CA certs and CRLs from FILE /x\n",
         .loading = true},
        {.message = STAMP "PKINIT client making DH request\n", .making = true},
        {.message = ""},
    };
    struct cm_login_watch watch;
    const char *said;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(ROWS) / sizeof(*ROWS); i++) {
        watch = (struct cm_login_watch){0};
        cm_login_watch_trace(&watch, ROWS[i].message);
        assert_int_equal(watch.request.code, ROWS[i].request);
        assert_int_equal(watch.reply.code, ROWS[i].reply);
        assert_int_equal(watch.request.called, ROWS[i].request_called);
        assert_int_equal(watch.reply.called, ROWS[i].reply_called);
        assert_int_equal(watch.loading, ROWS[i].loading);
        assert_int_equal(watch.making, ROWS[i].making);
        said = ROWS[i].reply_called ? watch.reply.said.text
                                    : watch.request.said.text;
        assert_string_equal(said, ROWS[i].said == NULL ? "" : ROWS[i].said);
        assert_string_equal(watch.token.text,
                            ROWS[i].token == NULL ? "" : ROWS[i].token);
    }
}

/* PKINIT is called again where it failed: the first failure is the cause. */
static void
test_first_failure(void **state)
{
    struct cm_login_watch watch = {0};

    (void)state;
    cm_login_watch_trace(
        &watch, STAMP "Preauth module pkinit (16) (real) returned: 5/first\n");
    cm_login_watch_trace(
        &watch, STAMP "Preauth module pkinit (16) (real) returned: 6/then\n");
    cm_login_watch_trace(
        &watch, STAMP "Preauth module pkinit (16) (real) returned: 0/Success");
    assert_int_equal(watch.request.code, 5);
    assert_string_equal(watch.request.said.text, "first");
}

/* ---- What is read from the KDC's messages ---- */

/* A KRB-ERROR with its fields from [4] on, which are all that it must have. */
#define KRB_ERROR(number)                                                     \
    "\x7e\x25\x30\x23\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x1e"                \
    "\xa4\x11\x18\x0f"                                                        \
    "20261122190000Z"                                                         \
    "\xa6\x03\x02\x01" number "\xa9\x00"

static void
test_replies(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        bool replied, errors;
        unsigned demands;
        int error;
    } ROWS[] = {
#define BYTES(text) text, sizeof(text) - 1
        {BYTES(KRB_ERROR("\x19")), false, true, 1, 25},
        {BYTES(KRB_ERROR("\x18")), false, true, 0, 24},
        {BYTES(KRB_ERROR("\xff")), false, true, 0, 0},
        /* Cut, or with a number of two octets: an error all the same. */
        {KRB_ERROR("\x19"), 20, false, true, 0, 0},
        {BYTES("\x7e\x08\x30\x06\xa6\x04\x02\x02\x01\x19"), false, true, 0, 0},
        {BYTES("\x7e\x00"), false, true, 0, 0},
        {BYTES("\x7e"), false, true, 0, 0},
        {BYTES("\x6b\x02\x30\x00"), true, false, 0, 0},
        {BYTES("\x6d\x02\x30\x00"), false, false, 0, 0},
        {"", 0, false, false, 0, 0},
#undef BYTES
    };
    struct cm_login_watch watch;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(ROWS) / sizeof(*ROWS); i++) {
        watch = (struct cm_login_watch){0};
        cm_login_watch_reply(&watch, (const uint8_t *)ROWS[i].bytes,
                             ROWS[i].len);
        assert_int_equal(watch.replied, ROWS[i].replied);
        assert_int_equal(watch.errors, ROWS[i].errors);
        assert_int_equal(watch.demands, ROWS[i].demands);
        assert_int_equal(watch.error, ROWS[i].error);
    }
}

/* ---- Whose fault it is ---- */

#define ASKED .traced = true, .asked = true
#define ANSWERED ASKED, .errors = true, .demands = 1
#define GOT ANSWERED, .replied = true

static const struct row {
    const char *what;
    struct cm_login_facts facts;
    struct cm_login_asker asker;
    struct cm_login_watch watch;
    enum cm_login_end end;
    enum cm_login_fault fault;
    int number;
} FAULTS[] = {
    {.what = "the KDC does not know the name",
     .facts = {.code = NUMBER(C_UNKNOWN), .error = C_UNKNOWN},
     .watch = {ANSWERED},
     .end = CM_LOGIN_REFUSED,
     .number = C_UNKNOWN},
    {.what = "the KDC says no to a signature",
     .facts = {.code = NUMBER(75), .error = 75},
     .asker = {.asked = true},
     .watch = {ANSWERED, .making = true},
     .end = CM_LOGIN_REFUSED,
     .number = 75},
    {.what = "a loop is the KDC's doing",
     .facts = {.code = KRB5_GET_IN_TKT_LOOP, .error = 71},
     .watch = {ANSWERED},
     .end = CM_LOGIN_REFUSED,
     .number = 71},
    {.what = "the user gives up: whatever else",
     .facts = {.code = KRB5_LIBOS_PWDINTR, .error = PREAUTH_REQUIRED},
     .asker = {.asked = true, .gave_up = true},
     .watch = {ANSWERED},
     .end = CM_LOGIN_GIVEN_UP},
    {.what = "no answer",
     .facts = {.code = KRB5_KDC_UNREACH},
     .watch = {ASKED},
     .end = CM_LOGIN_UNREACHABLE},
    {.what = "no answer to the second message",
     .facts = {.code = KRB5_KDC_UNREACH, .error = PREAUTH_REQUIRED},
     .watch = {ANSWERED},
     .end = CM_LOGIN_UNREACHABLE},
    {.what = "no such host",
     .facts = {.code = KRB5_REALM_CANT_RESOLVE},
     .end = CM_LOGIN_UNREACHABLE},
    {.what = "no host is known",
     .facts = {.code = KRB5_REALM_UNKNOWN},
     .end = CM_LOGIN_UNREACHABLE},
    {.what = "every KDC says that it is not available",
     .facts = {.code = KRB5KDC_ERR_SVC_UNAVAILABLE, .error = 29},
     .watch = {ANSWERED},
     .end = CM_LOGIN_UNREACHABLE},
    {.what = "the token says that its PIN is locked",
     .facts = {.code = KRB5_LIBOS_PWDINTR, .error = PREAUTH_REQUIRED},
     .asker = {.locked = true},
     .watch = {ANSWERED},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_LOCKED},
    {.what = "referred to another realm",
     .facts = {.code = NUMBER(68), .error = 68},
     .watch = {ANSWERED, .astray = true},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_REALM},
    {.what = "the armor is gone",
     .facts = {.code = KRB5_FCC_NOFILE, .armored = true},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_ARMOR},
    {.what = "nothing was sent, and no armor either",
     .facts = {.code = ENOMEM},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_OTHER},
    {.what = "libkrb5 has no PKINIT",
     .facts = {.code = KRB5_PREAUTH_FAILED, .error = PREAUTH_REQUIRED},
     .watch = {ANSWERED},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_MODULE},
    {.what = "the KDC offers no PKINIT",
     .facts = {.code = KRB5_PREAUTH_FAILED,
               .error = PREAUTH_REQUIRED,
               .module = true},
     .watch = {ANSWERED},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_NOT_OFFERED},
    {.what = "nothing was offered or not: libkrb5 began anew, again and again",
     .facts = {.code = KRB5_GET_IN_TKT_LOOP, .module = true},
     .watch = {ASKED, .errors = true},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_OTHER},
    {.what = "nobody knows whether it does",
     .facts = {.code = KRB5_PREAUTH_FAILED,
               .error = PREAUTH_REQUIRED,
               .module = true},
     .watch = {.asked = true, .errors = true, .demands = 1},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_OTHER},
    {.what = "the key cannot be read, or the PIN is wrong",
     .facts = {.code = KRB5_PREAUTH_FAILED,
               .error = PREAUTH_REQUIRED,
               .module = true},
     .watch = {ANSWERED,
               .request = {.called = true, .code = KRB5_PREAUTH_FAILED}},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_IDENTITY},
    {.what = "the key cannot sign",
     .facts = {.code = KRB5_PREAUTH_FAILED,
               .error = PREAUTH_REQUIRED,
               .module = true},
     .watch = {ANSWERED, .loading = true, .making = true,
               .request = {.called = true, .code = KRB5_PREAUTH_FAILED}},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_IDENTITY},
    {.what = "its path cannot be built",
     .facts = {.code = KRB5_PREAUTH_FAILED,
               .error = PREAUTH_REQUIRED,
               .module = true},
     .watch = {ANSWERED, .loading = true, .making = true,
               .request =
                   {.called = true,
                    .code = KRB5_PREAUTH_FAILED,
                    .said = {"Failed to verify own certificate "
                             "(depth 1): unable to get issuer certificate"}}},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_PATH},
    {.what = "it has expired",
     .facts = {.code = KRB5_PREAUTH_FAILED,
               .error = PREAUTH_REQUIRED,
               .module = true},
     .watch = {ANSWERED, .loading = true, .making = true,
               .request = {.called = true,
                           .code = KRB5_PREAUTH_FAILED,
                           .said = {"Failed to verify own certificate "
                                    "(depth 0): certificate has expired"}}},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_VALIDITY},
    {.what = "its CA is of tomorrow",
     .facts = {.code = KRB5_PREAUTH_FAILED,
               .error = PREAUTH_REQUIRED,
               .module = true},
     .watch =
         {ANSWERED, .loading = true, .making = true,
          .request = {.called = true,
                      .code = KRB5_PREAUTH_FAILED,
                      .said = {"Failed to verify own certificate "
                               "(depth 1): certificate is not yet valid"}}},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_VALIDITY},
    {.what = "no anchors are configured",
     .facts = {.code = KRB5_PREAUTH_FAILED,
               .error = PREAUTH_REQUIRED,
               .module = true},
     .watch = {ANSWERED, .request = {.called = true,
                                     .code = KRB5_PREAUTH_FAILED,
                                     .said = {"No pkinit_anchors supplied"}}},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_ANCHORS},
    {.what = "the anchors cannot be read",
     .facts = {.code = KRB5_PREAUTH_FAILED,
               .error = PREAUTH_REQUIRED,
               .module = true},
     .watch = {ANSWERED, .loading = true,
               .request = {.called = true, .code = KRB5_PREAUTH_FAILED}},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_ANCHORS},
    {.what = "a ticket before anything was asked",
     .facts = {.code = KRB5_LIBOS_CANTREADPWD, .module = true},
     .asker = {.password_wanted = true},
     .watch = {ASKED, .replied = true},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_NO_PREAUTH},
    {.what = "the KDC's certificate is not trusted",
     .facts = {.code = KRB5_LIBOS_CANTREADPWD, .module = true},
     .asker = {.password_wanted = true},
     .watch = {GOT, .reply = {.called = true, .code = NUMBER(70)}},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_KDC_CERTIFICATE},
    {.what = "the same where the trace is elsewhere",
     .facts = {.code = KRB5_LIBOS_CANTREADPWD, .module = true},
     .asker = {.password_wanted = true},
     .watch = {.asked = true, .errors = true, .replied = true},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_KDC_CERTIFICATE},
    {.what = "the KDC's certificate is another realm's",
     .facts = {.code = KRB5_LIBOS_CANTREADPWD, .module = true},
     .asker = {.password_wanted = true},
     .watch = {GOT, .reply = {.called = true,
                              .code = KRB5KDC_ERR_KDC_NAME_MISMATCH}},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_KDC_NAME},
    {.what = "the clocks differ",
     .facts = {.code = KRB5_KDCREP_SKEW, .module = true},
     .watch = {GOT, .reply = {.called = true}},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_CLOCK},
    {.what = "the ticket is not what was asked for",
     .facts = {.code = KRB5_KDCREP_MODIFIED, .module = true},
     .watch = {GOT, .reply = {.called = true}},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_REPLY},
    {.what = "the ticket cannot be read",
     .facts = {.code = NUMBER(31), .module = true},
     .watch = {GOT, .reply = {.called = true}},
     .end = CM_LOGIN_CLIENT,
     .fault = CM_LOGIN_FAULT_OTHER},
};

static void
test_faults(void **state)
{
    struct cm_login_result result;
    struct cm_login_facts facts;
    const struct row *row;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(FAULTS) / sizeof(*FAULTS); i++) {
        row = &FAULTS[i];
        facts = row->facts;
        facts.asker = &row->asker;
        facts.watch = &row->watch;
        result = (struct cm_login_result){.number = -1};
        cm_login_judge(&facts, &result);
        if (result.end != row->end || result.fault != row->fault ||
            result.number != row->number)
            fail_msg("%s: end %d, fault %d, number %d", row->what, result.end,
                     result.fault, result.number);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_questions),     cmocka_unit_test(test_trace),
        cmocka_unit_test(test_first_failure), cmocka_unit_test(test_replies),
        cmocka_unit_test(test_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
