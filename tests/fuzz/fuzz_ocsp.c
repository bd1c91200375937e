/*
 * The input is an OCSP response, after an octet that says how much of it: the
 * whole, the BasicOCSPResponse, or the part that is signed, which is then
 * signed here, as no mutation finds a signature.  KEY_HASH in it stands for
 * the hash of the issuing key, which is another one in every run.
 */
#include <string.h>

#include "fuzz.h"
#include "ocsp.h"
#include "path.h"
#include "testcert.h"
#include "testocsp.h"

#define NOW INT64_C(1717243200) /* 2024-06-01T12:00:00Z */
#define KEY_HASH "issuer-key-hash-here"

enum { WHOLE, BASIC, SIGNED_PART };
enum { HASH = sizeof(KEY_HASH) - 1 };

static X509 *ca, *card;

static void
make_certificates(void)
{
    const struct tc_spec spec = {.subject = "CN=card",
                                 .issuer_key = tc_key(TC_EC_P256, 0),
                                 .key = tc_key(TC_EC_P256, 1),
                                 .serial_hex = "4711"};
    struct tc_spec with_issuer = spec;

    ca = tc_make_ca("CN=CA", tc_key(TC_EC_P256, 0), NULL, NULL);
    with_issuer.issuer = ca;
    card = tc_make(&with_issuer);
}

static uint8_t *
copy_with_key_hash(const uint8_t *data, size_t size)
{
    uint8_t hash[EVP_MAX_MD_SIZE], *copy = malloc(size + 1), *at;

    FUZZ_REQUIRE(copy != NULL &&
                 X509_pubkey_digest(ca, EVP_sha1(), hash, NULL) == 1);
    memcpy(copy, data, size);
    while ((at = memmem(copy, size, KEY_HASH, HASH)) != NULL)
        memcpy(at, hash, HASH);
    return copy;
}

/* What was signed may speak, but only as far as its times allow. */
static void
check_status(const struct cm_status *status, bool is_signed)
{
    if (status->state == CM_STATUS_UNKNOWN) {
        FUZZ_REQUIRE(status->source == CM_SOURCE_NONE);
        return;
    }
    FUZZ_REQUIRE(is_signed && status->source == CM_SOURCE_OCSP);
    FUZZ_REQUIRE(status->this_update <= NOW + CM_STATUS_SKEW);
    FUZZ_REQUIRE(!status->has_next_update ||
                 status->next_update >= status->this_update);
    if (status->state == CM_STATUS_GOOD && status->has_next_update)
        FUZZ_REQUIRE(status->next_update >= NOW);
    if (status->state == CM_STATUS_GOOD && !status->has_next_update)
        FUZZ_REQUIRE(NOW - status->this_update <= CM_OCSP_MAX_AGE);
}

static void
check(const uint8_t *response, size_t len, bool is_signed)
{
    const struct cm_path_rules rules = {.now = NOW, .min_rsa_bits = 2048};
    const struct cm_ocsp_question question = {
        .cert = card, .issuer = ca, .rules = &rules};
    struct cm_status status;

    cm_ocsp_check(&question, response, len, &status);
    check_status(&status, is_signed);
}

static void
check_wrapped(uint8_t *basic, size_t basic_len, bool is_signed)
{
    uint8_t *response;
    size_t len;

    response = to_wrap(basic, basic_len, &len);
    check(response, len, is_signed);
    free(response);
}

static void
check_signed_part(const uint8_t *part, size_t part_len)
{
    uint8_t *basic;
    size_t len;

    basic = to_sign(part, part_len, tc_key(TC_EC_P256, 0), &len);
    if (basic != NULL)
        check_wrapped(basic, len, true);
    free(basic);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy;

    if (size == 0 || data[0] > SIGNED_PART || size > CM_OCSP_MAX_RESPONSE / 4)
        return 0;
    if (ca == NULL)
        make_certificates();
    copy = copy_with_key_hash(data + 1, size - 1);
    if (data[0] == WHOLE)
        check(copy, size - 1, false);
    else if (data[0] == BASIC)
        check_wrapped(copy, size - 1, false);
    else
        check_signed_part(copy, size - 1);
    free(copy);
    return 0;
}
