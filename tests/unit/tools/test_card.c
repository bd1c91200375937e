/* PKCS#11 URIs, and modules that misbehave; real tokens are the realm tests'.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define P11_KIT_FUTURE_UNSTABLE_API 1
#include <p11-kit/uri.h>

#include "card.h"
#include "card_list.h"
#include "card_uri.h"
#include "certfile.h"

/* NULL: it can be used. */
static const struct {
    const char *uri;
    const char *fault;
} uris[] = {
    {"pkcs11:", NULL},
    {"PKCS11:token=a%20card", NULL},
    {"pkcs11:token=card;object=alice;id=%01%02;type=cert", NULL},
    {"pkcs11:slot-id=3;library-manufacturer=x;serial=1", NULL},
    {"pkcs11:object=a?module-path=/usr/lib/m.so&pin-source=/run/pin", NULL},
    {"pkcs11:object=a?module-name=opensc&pin-value=12%3434", NULL},
    {"pkcs11:?pin-source=file:/run/pin", NULL},
    {"pkcs11:type=private", "another kind of object"},
    {"pkcs11:type=public;object=a", "another kind of object"},
    {"pkcs11:objekt=alice", "none of RFC 7512's"},
    {"pkcs11:type=certificate", "none of RFC 7512's"},
    {"pkcs11:object=a?pin_value=1", "none of RFC 7512's"},
    {"pkcs11:object=a?module-path=/m.so&", "none of RFC 7512's"},
    {"pkcs11:object=a?pin-values=1", "none of RFC 7512's"},
    {"pkcs11:object=%4", "cannot be used"},
    {"pkcs11:object=%zz", "cannot be used"},
    {"pkcs11:object", "cannot be used"},
    {"pkcs11:object=a;object=b", "given twice"},
    {"pkcs11:?pin-value=1&pin-value=2", "given twice"},
    {"pkcs11:object=a;token=b;id=%01;token=b", "given twice"},
    {"pkcs11:?pin-value=", "empty or too long"},
    {"pkcs11:?pin-source=pin", "with its whole path"},
    {"pkcs11:?pin-source=|cat%20pin", "with its whole path"},
    {"pkcs11:?pin-source=/pin&pin-value=1", "one of them"},
    {"pkcs11:?module-path=/m.so&module-name=m", "one of them"},
};

static void
uris_are_checked(void **state)
{
    struct cm_detail detail;
    const char *fault;
    P11KitUri *uri;
    bool right;

    (void)state;
    for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
        cm_detail_set(&detail, "nothing");
        uri = cm_card_uri_parse(uris[i].uri, &detail);
        fault = uris[i].fault;
        right = fault == NULL
                    ? uri != NULL
                    : uri == NULL && strstr(detail.text, fault) != NULL;
        if (!right)
            fail_msg("%s: %s", uris[i].uri, detail.text);
        p11_kit_uri_free(uri);
    }
}

static void
long_ones_are_refused(void **state)
{
    static char text[CM_CARD_MAX_URI + 64];
    struct cm_detail detail;
    P11KitUri *uri;

    (void)state;
    (void)memset(text, 'x', sizeof(text) - 1);
    (void)memcpy(text, "pkcs11:object=", strlen("pkcs11:object="));
    assert_null(cm_card_uri_parse(text, &detail));
    text[CM_CARD_MAX_URI] = '\0';
    uri = cm_card_uri_parse(text, &detail);
    assert_non_null(uri);
    p11_kit_uri_free(uri);
    (void)snprintf(text, sizeof(text), "pkcs11:?pin-value=%0*d",
                   CM_CARD_MAX_PIN + 1, 0);
    assert_null(cm_card_uri_parse(text, &detail));
    assert_non_null(strstr(detail.text, "pin-value"));
}

static void
files_are_no_uris(void **state)
{
    (void)state;
    assert_true(cm_card_is_uri("pkcs11:"));
    assert_true(cm_card_is_uri("Pkcs11:object=a"));
    assert_false(cm_card_is_uri("pkcs11"));
    assert_false(cm_card_is_uri("./pkcs11:object=a"));
    assert_false(cm_card_is_uri("-"));
    assert_string_equal(cm_certfile_name("a.pem"), "a.pem");
    assert_null(strstr(cm_certfile_name("pkcs11:?pin-value=1234"), "1234"));
}

static void
pin_files(void **state)
{
    (void)state;
    assert_string_equal(cm_card_pin_file("/run/pin"), "/run/pin");
    assert_string_equal(cm_card_pin_file("file:/run/pin"), "/run/pin");
    assert_string_equal(cm_card_pin_file("file:///run/pin"), "/run/pin");
    assert_null(cm_card_pin_file("file:run/pin"));
    assert_null(cm_card_pin_file(""));
    assert_null(cm_card_pin_file("|cat"));
}

#define FAKE "pkcs11:object=a?module-path=" FAKE_TOKEN_PATH

static const struct {
    const char *how; /* FAKE_TOKEN */
    const char *uri;
    int timeout_ms;
    const char *fault;
} modules[] = {
    {"hang", FAKE, 200, "did not answer in time"},
    {"crash", FAKE, 60000, "crashed (signal 11)"},
    {"exit", FAKE, 60000, "ended the conversation"},
    {"refuse", FAKE, 60000, "cannot be loaded"},
    {"refuse", "pkcs11:?module-path=/nowhere/m.so", 60000, "cannot be loaded"},
    {"refuse", "pkcs11:?module-path=/etc/passwd", 60000, "cannot be loaded"},
    {"refuse", "pkcs11:?module-name=no-such-module", 60000,
     "has no module no-such-module"},
    {"refuse", "pkcs11:token=certmap%20test;object=none", 60000, ""},
};

static void
bad_modules_are_errors(void **state)
{
    struct cm_card_objects objects;
    struct cm_detail detail;
    uint8_t *der = NULL;
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
        cm_detail_set(&detail, "nothing");
        assert_int_equal(setenv("FAKE_TOKEN", modules[i].how, 1), 0);
        if (cm_card_read(modules[i].uri, modules[i].timeout_ms, &der, &len,
                         &detail) ||
            strstr(detail.text, modules[i].fault) == NULL)
            fail_msg("%s %s: %s", modules[i].how, modules[i].uri, detail.text);
        assert_null(der);
        cm_detail_set(&detail, "nothing");
        if (cm_card_list(modules[i].uri, modules[i].timeout_ms, &objects,
                         &detail) ||
            strstr(detail.text, modules[i].fault) == NULL)
            fail_msg("list %s %s: %s", modules[i].how, modules[i].uri,
                     detail.text);
        assert_int_equal(objects.count, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uris_are_checked),
        cmocka_unit_test(long_ones_are_refused),
        cmocka_unit_test(files_are_no_uris),
        cmocka_unit_test(pin_files),
        cmocka_unit_test(bad_modules_are_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
