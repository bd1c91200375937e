/*
 * OCSP responses that are damaged, cut, or not DER: none of them says
 * anything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "derasm.h"
#include "ocsp.h"
#include "ocsp_world.h"
#include "path.h"

#define BASIC "06:2b0601050507300101"

static const struct cm_path_rules rules = {.now = OCSP_WORLD_NOW,
                                           .min_rsa_bits = 2048};

static void
check(const uint8_t *response, size_t len, struct cm_status *out)
{
    const struct cm_ocsp_question question = {.cert = ocsp_world_cert("card"),
                                              .issuer = ocsp_world_cert("ca"),
                                              .rules = &rules};

    cm_ocsp_check(&question, response, len, out);
}

/* A BasicOCSPResponse by the CA that says good. */
static uint8_t *
make_good(size_t *len)
{
    const struct to_spec spec = {
        .responder = ocsp_world_cert("ca"),
        .key = ocsp_world_key("ca"),
        .produced_at = OCSP_WORLD_NOW,
        .answers = {{.cert = ocsp_world_cert("card"),
                     .issuer = ocsp_world_cert("ca"),
                     .status = TO_GOOD,
                     .this_update = OCSP_WORLD_NOW,
                     .next_update = OCSP_WORLD_NOW + 60}},
    };

    return to_make_basic(&spec, len);
}

static char *
hex_of(const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char *hex = malloc(2 * len + 1);

    assert_non_null(hex);
    for (size_t i = 0; i < len; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 0x0f];
    }
    hex[2 * len] = '\0';
    return hex;
}

/* What stands before and after the good BasicOCSPResponse, in the language
 * of derasm.h; without it where after is NULL. */
static const struct frame {
    const char *name;
    const char *before, *after;
    enum cm_status_state state;
    const char *words;
} frames[] = {
    {"as it should be", "30(0a:00 a0(30(" BASIC " 04(#", "))))",
     CM_STATUS_GOOD, ""},
    {"malformedRequest", "30(0a:01)", NULL, CM_STATUS_UNKNOWN,
     "malformedrequest"},
    {"internalError", "30(0a:02)", NULL, CM_STATUS_UNKNOWN, "internalerror"},
    {"tryLater", "30(0a:03)", NULL, CM_STATUS_UNKNOWN, "trylater"},
    {"sigRequired", "30(0a:05)", NULL, CM_STATUS_UNKNOWN, "sigrequired"},
    {"unauthorized", "30(0a:06)", NULL, CM_STATUS_UNKNOWN, "unauthorized"},
    {"an unknown status", "30(0a:63)", NULL, CM_STATUS_UNKNOWN, "(UNKNOWN)"},
    {"a status of two octets", "30(0a:0100)", NULL, CM_STATUS_UNKNOWN,
     "is not DER"},
    {"a failure that carries good", "30(0a:03 a0(30(" BASIC " 04(#", "))))",
     CM_STATUS_UNKNOWN, "trylater"},
    {"successful and nothing else", "30(0a:00)", NULL, CM_STATUS_UNKNOWN,
     "does not decode"},
    {"an INTEGER for a status", "30(02:00 a0(30(" BASIC " 04(#", "))))",
     CM_STATUS_UNKNOWN, "is not DER"},
    {"another type", "30(0a:00 a0(30(06:2b0601050507300102 04(#", "))))",
     CM_STATUS_UNKNOWN, "unknown type"},
    {"a longer type", "30(0a:00 a0(30(06:2b060105050730010101 04(#", "))))",
     CM_STATUS_UNKNOWN, "unknown type"},
    {"bytes after the response", "30(0a:00 a0(30(" BASIC " 04(#",
     ")))) 05:", CM_STATUS_UNKNOWN, "is not DER"},
    {"bytes after responseBytes", "30(0a:00 a0(30(" BASIC " 04(#", "))) 05:)",
     CM_STATUS_UNKNOWN, "does not decode"},
    {"bytes after the sequence", "30(0a:00 a0(30(" BASIC " 04(#", ")) 05:))",
     CM_STATUS_UNKNOWN, "does not decode"},
    {"bytes after the string", "30(0a:00 a0(30(" BASIC " 04(#", ") 05:)))",
     CM_STATUS_UNKNOWN, "does not decode"},
    {"bytes after the basic response", "30(0a:00 a0(30(" BASIC " 04(#",
     " 05:))))", CM_STATUS_UNKNOWN, "is not DER"},
    {"a constructed string", "30(0a:00 a0(30(" BASIC " 24(04(#", ")))))",
     CM_STATUS_UNKNOWN, "is not DER"},
    {"an indefinite length", "#3080 0a:00 a0(30(" BASIC " 04(#", "))) #0000",
     CM_STATUS_UNKNOWN, "is not DER"},
    {"an empty string", "30(0a:00 a0(30(" BASIC " 04:)))", NULL,
     CM_STATUS_UNKNOWN, "is not DER"},
    {"an empty basic response", "30(0a:00 a0(30(" BASIC " 04(30:))))", NULL,
     CM_STATUS_UNKNOWN, "does not decode"},
    {"a string of zeroes", "30(0a:00 a0(30(" BASIC " 04:0000)))", NULL,
     CM_STATUS_UNKNOWN, "is not DER"},
    {"an empty sequence", "30:", NULL, CM_STATUS_UNKNOWN, "is not DER"},
    {"HTML", "#3c68746d6c3e", NULL, CM_STATUS_UNKNOWN, "is not DER"},
};

static void
test_frames(void **state)
{
    size_t basic_len, len;
    uint8_t *basic = make_good(&basic_len), *response;
    char *hex = hex_of(basic, basic_len), text[8192];
    struct cm_status status;
    unsigned differences = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        snprintf(text, sizeof(text), "%s%s%s", frames[i].before,
                 frames[i].after != NULL ? hex : "",
                 frames[i].after != NULL ? frames[i].after : "");
        response = da_bytes(text, &len);
        check(response, len, &status);
        free(response);
        if (status.state == frames[i].state &&
            strstr(status.detail.text, frames[i].words) != NULL)
            continue;
        print_error("%s: state %d: %s\n", frames[i].name, (int)status.state,
                    status.detail.text);
        differences++;
    }
    free(hex);
    free(basic);
    assert_int_equal(differences, 0);
}

/* Every byte of a response that carries no certificate counts. */
static void
test_every_byte(void **state)
{
    size_t basic_len, len;
    uint8_t *basic = make_good(&basic_len);
    uint8_t *response = to_wrap(basic, basic_len, &len);
    struct cm_status status;

    (void)state;
    check(response, len, &status);
    assert_int_equal(status.state, CM_STATUS_GOOD);
    for (size_t i = 0; i < len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            response[i] ^= (uint8_t)(1U << bit);
            check(response, len, &status);
            if (status.state != CM_STATUS_UNKNOWN)
                fail_msg("byte %zu, bit %u: state %d", i, bit,
                         (int)status.state);
            response[i] ^= (uint8_t)(1U << bit);
        }
    }
    free(response);
    free(basic);
}

/* Each cut is its own allocation, so that a read past it is noticed. */
static void
test_cut(void **state)
{
    size_t basic_len, len;
    uint8_t *basic = make_good(&basic_len), *cut;
    uint8_t *response = to_wrap(basic, basic_len, &len);
    struct cm_status status;

    (void)state;
    for (size_t i = 0; i < len; i++) {
        cut = malloc(i > 0 ? i : 1);
        assert_non_null(cut);
        memcpy(cut, response, i);
        check(cut, i, &status);
        assert_int_equal(status.state, CM_STATUS_UNKNOWN);
        free(cut);
    }
    free(response);
    free(basic);
}

static void
test_too_large(void **state)
{
    uint8_t *bytes = calloc(1, CM_OCSP_MAX_RESPONSE + 1);
    struct cm_status status;

    (void)state;
    assert_non_null(bytes);
    check(bytes, CM_OCSP_MAX_RESPONSE + 1, &status);
    assert_int_equal(status.state, CM_STATUS_UNKNOWN);
    assert_non_null(strstr(status.detail.text, "is too large"));
    check(bytes, CM_OCSP_MAX_RESPONSE, &status);
    assert_non_null(strstr(status.detail.text, "is not DER"));
    free(bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_too_large),
    };

    return cmocka_run_group_tests(tests, ocsp_world_setup,
                                  ocsp_world_teardown);
}
