/* What is listed of tokens that are odd, lie, or fail; real ones are the
 * realm tests'. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "card.h"
#include "card_list.h"

#define FAKE "pkcs11:?module-path=" FAKE_TOKEN_PATH

enum { LONG_MS = 60000, SHORT_MS = 200 };

static bool
list(const char *how, int timeout_ms, struct cm_card_objects *out,
     struct cm_detail *detail)
{
    cm_detail_set(detail, "nothing");
    assert_int_equal(setenv("FAKE_TOKEN", how, 1), 0);
    return cm_card_list(FAKE, timeout_ms, out, detail);
}

/* ---- One object ---- */

#define L20 "llllllllllllllllllll"
#define L128 L20 L20 L20 L20 L20 L20 "llllllll"
#define LABEL "label"

/* The texts of the only object, or NULL where there is none. */
static const struct {
    const char *how;
    const char *label;
    const char *token;
    size_t der_len;
    size_t id_len;
    unsigned pin;
} ones[] = {
    {"plain", LABEL, "token", 8, 1, 0},
    {"prints", LABEL, "token", 8, 1, 0},
    {"forks", LABEL, "token", 8, 1, 0},
    {"value=junk", LABEL, "token", 4, 1, 0},
    {"value=none", NULL, NULL, 0, 0, 0},
    {"value=hidden", NULL, NULL, 0, 0, 0},
    {"value=empty", NULL, NULL, 0, 0, 0},
    {"value=big", NULL, NULL, 0, 0, 0},
    {"value=boast", NULL, NULL, 0, 0, 0},
    {"value=first,objects=1000", LABEL, "token", 8, 1, 0},
    {"objects=0", NULL, NULL, 0, 0, 0},
    {"type=other", NULL, NULL, 0, 0, 0},
    {"type=none", LABEL, "token", 8, 1, 0},
    {"label=none", "", "token", 8, 1, 0},
    {"label=huge", "", "token", 8, 1, 0},
    {"label=boast", "", "token", 8, 1, 0},
    {"label=long", L128 "...", "token", 8, 1, 0},
    {"label=wild", "\\x1b[2J\\xff\\x00x", "to\\x1bken", 8, 1, 0},
    {"label=quoted", "\"G\xc3\xb6the\"", "token", 8, 1, 0},
    {"id=none", LABEL, "token", 8, 0, 0},
    {"id=huge", LABEL, "token", 8, 0, 0},
    {"id=large", LABEL, "token", 8, 64, 0},
    {"id=same,twins,objects=3", LABEL, "token", 8, 1, 0},
    {"tokens=3,same-serial", LABEL, "token", 8, 1, 0},
    {"low", LABEL, "token", 8, 1, CM_PIN_FEW_TRIES},
    {"final", LABEL, "token", 8, 1, CM_PIN_LAST_TRY},
    {"low,final", LABEL, "token", 8, 1, CM_PIN_FEW_TRIES | CM_PIN_LAST_TRY},
    {"locked", LABEL, "token", 8, 1, CM_PIN_LOCKED},
    {"pad", LABEL, "token", 8, 1, CM_PIN_PAD},
    {"unset", LABEL, "token", 8, 1, CM_PIN_UNSET},
    {"expired", LABEL, "token", 8, 1, CM_PIN_EXPIRED},
    {"no-login", LABEL, "token", 8, 1, CM_PIN_NONE},
    {"no-login,unset,locked", LABEL, "token", 8, 1, CM_PIN_NONE},
};

static void
objects_are_as_they_are(void **state)
{
    struct cm_card_objects got;
    struct cm_detail detail;
    const struct cm_card_object *one;

    (void)state;
    for (size_t i = 0; i < sizeof(ones) / sizeof(ones[0]); i++) {
        if (!list(ones[i].how, LONG_MS, &got, &detail))
            fail_msg("%s: %s", ones[i].how, detail.text);
        if (got.count != (ones[i].label != NULL))
            fail_msg("%s: %zu objects", ones[i].how, got.count);
        one = got.list;
        if (got.count > 0 && (strcmp(one->label, ones[i].label) != 0 ||
                              strcmp(one->token, ones[i].token) != 0 ||
                              strcmp(one->module, FAKE_TOKEN_PATH) != 0 ||
                              one->der_len != ones[i].der_len ||
                              one->id_len != ones[i].id_len ||
                              one->pin != ones[i].pin || one->slot != 7))
            fail_msg("%s: %s, %s, %zu, %zu, %x", ones[i].how, one->label,
                     one->token, one->der_len, one->id_len, one->pin);
        cm_card_objects_clear(&got);
    }
}

/* ---- Several ---- */

static const struct {
    const char *how;
    size_t count;
} several[] = {
    {"objects=2", 2},
    {"objects=2,twins", 2}, /* two ids */
    {"objects=2,id=same", 2},
    {"objects=64", 64},
    {"objects=1000,value=none", 0},
    {"tokens=2", 2},
    {"tokens=2,objects=3", 6},
    {"tokens=32", 32},
    {"tokens=2,fail=session,slot=7", 1},
    {"tokens=2,fail=session,slot=8", 1},
    {"tokens=2,fail=find,slot=7", 1},
    {"tokens=2,objects=9,fail=value,slot=7", 9},
    {"tokens=2,objects=9,fail=later,slot=7", 9},
    {"tokens=2,fail=token,slot=8", 1},
};

static void
several_are_listed(void **state)
{
    struct cm_card_objects got;
    struct cm_detail detail;

    (void)state;
    for (size_t i = 0; i < sizeof(several) / sizeof(several[0]); i++) {
        if (!list(several[i].how, LONG_MS, &got, &detail) ||
            got.count != several[i].count)
            fail_msg("%s: %zu, %s", several[i].how, got.count, detail.text);
        cm_card_objects_clear(&got);
    }
}

/* ---- None ---- */

static const struct {
    const char *how;
    int timeout_ms;
    const char *fault;
} faults[] = {
    {"hang=start", SHORT_MS, "did not answer in time"},
    {"hang=slots", SHORT_MS, "did not answer in time"},
    {"hang=value", SHORT_MS, "did not answer in time"},
    {"crash=start", LONG_MS, "crashed (signal 11)"},
    {"crash=token", LONG_MS, "crashed (signal 11)"},
    {"crash=value", LONG_MS, "crashed (signal 11)"},
    {"writes", LONG_MS, "is damaged"},
    {"writes=zeros", LONG_MS, "ended the conversation"},
    {"closes", LONG_MS, "ended the conversation"},
    {"fail=start", LONG_MS, "does not start"},
    {"fail=slots", LONG_MS, "the PKCS#11 module: "},
    {"fail=session", LONG_MS, "the PKCS#11 module: "},
    {"fail=find", LONG_MS, "the PKCS#11 module: "},
    {"fail=value", LONG_MS, "the PKCS#11 module: "},
    {"objects=9,fail=later", LONG_MS, "the PKCS#11 module: "},
    {"tokens=2,fail=value", LONG_MS, "the PKCS#11 module: "},
    {"fail=token", LONG_MS, "the card in a reader cannot be read: "},
    {"tokens=2,objects=0,fail=token,slot=8", LONG_MS, "cannot be read: "},
    {"tokens=0", LONG_MS, "is the card inserted?"},
    {"new", LONG_MS, "is the card inserted?"},
    {"tokens=33", LONG_MS, "too many tokens"},
    {"many-slots", LONG_MS, "the PKCS#11 module: "},
    {"many-found", LONG_MS, "the PKCS#11 module: Internal error"},
    {"objects=65", LONG_MS, "more than 64 certificates"},
    {"objects=1000", LONG_MS, "more than 64 certificates"},
    {"objects=1025", LONG_MS, "too many certificates on one token"},
    {"objects=1000000000", LONG_MS, "too many certificates on one token"},
};

static void
faults_are_said(void **state)
{
    struct cm_card_objects got;
    struct cm_detail detail;

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        if (list(faults[i].how, faults[i].timeout_ms, &got, &detail) ||
            strstr(detail.text, faults[i].fault) == NULL)
            fail_msg("%s: %s", faults[i].how, detail.text);
        assert_null(got.list);
        assert_int_equal(got.count, 0);
    }
}

/* X509_user_identity has colons between its parts. */
static void
colons_are_no_path(void **state)
{
    char folder[] = "/tmp/certmap-card-XXXXXX", path[64], uri[128];
    struct cm_card_objects got;
    struct cm_detail detail;
    bool ok;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/a:b.so", folder);
    (void)snprintf(uri, sizeof(uri), "pkcs11:?module-path=%s", path);
    assert_int_equal(setenv("FAKE_TOKEN", "plain", 1), 0);
    assert_int_equal(symlink(FAKE_TOKEN_PATH, path), 0);
    ok = cm_card_list(uri, LONG_MS, &got, &detail);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_false(ok);
    assert_non_null(strstr(detail.text, "cannot be told its path"));
}

/* ---- One certificate ---- */

/* As certmap show reads it; NULL: it is found. */
static const struct {
    const char *how;
    const char *fault;
} reads[] = {
    {"plain", NULL},
    {"twins,objects=3", NULL}, /* one certificate, whatever its ids */
    {"tokens=2,same-serial", NULL},
    {"value=first,objects=3", NULL},
    {"tokens=2,fail=token,slot=8", NULL},
    {"writes=zeros", "ended the conversation"},
    {"objects=2", "matches 2 certificates; add id= or object="},
    {"objects=33", "matches more than 32 certificates"},
    {"objects=2000", "too many certificates on one token"},
    {"value=none", "no certificate matches the URI"},
    {"value=big", "no certificate matches the URI"},
    {"tokens=2,fail=session,slot=8", "the PKCS#11 module: "},
    {"objects=0,final", "is blocked or has one try left"},
    {"objects=0,locked", "is blocked or has one try left"},
    {"objects=0,pad", "a PIN pad cannot be used here"},
    {"objects=0,no-login", "no certificate matches the URI"},
    {"objects=0,tokens=2", "several tokens have a PIN"},
};

static void
one_certificate_is_read(void **state)
{
    struct cm_detail detail;
    uint8_t *der;
    size_t len;
    bool ok, right;

    (void)state;
    for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
        der = NULL;
        cm_detail_set(&detail, "nothing");
        assert_int_equal(setenv("FAKE_TOKEN", reads[i].how, 1), 0);
        ok = cm_card_read(FAKE, LONG_MS, &der, &len, &detail);
        right = reads[i].fault == NULL
                    ? ok
                    : !ok && strstr(detail.text, reads[i].fault) != NULL;
        if (!right)
            fail_msg("%s: %s", reads[i].how, detail.text);
        assert_true(!ok || len == 8);
        free(der);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_as_they_are),
        cmocka_unit_test(several_are_listed),
        cmocka_unit_test(faults_are_said),
        cmocka_unit_test(colons_are_no_path),
        cmocka_unit_test(one_certificate_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
