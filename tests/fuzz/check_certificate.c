#include "check_certificate.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/err.h>

#include "altsecid.h"
#include "certificate.h"
#include "fuzz.h"
#include "logon.h"
#include "sid.h"
#include "strength.h"

static bool
is_clean(const char *text)
{
    return cm_text_is_clean((const uint8_t *)text, strlen(text));
}

static void
check_list(const struct cm_text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        FUZZ_REQUIRE(is_clean(list->items[i]));
}

/* A value is there exactly when its state says so. */
static void
check_once(enum cm_presence state, const char *text)
{
    FUZZ_REQUIRE((state == CM_PRESENT) == (text != NULL));
    FUZZ_REQUIRE(text == NULL || is_clean(text));
}

static void
check_names(const struct cm_certificate *cert)
{
    FUZZ_REQUIRE(cert->subject == NULL || is_clean(cert->subject));
    FUZZ_REQUIRE(cert->issuer == NULL || is_clean(cert->issuer));
    FUZZ_REQUIRE(is_clean(cert->subject_rfc4514));
    FUZZ_REQUIRE(is_clean(cert->issuer_rfc4514));
    check_list(&cert->rfc822);
    check_list(&cert->dns);
    check_list(&cert->upn_texts);
    check_list(&cert->eku);
    check_list(&cert->policies);
    FUZZ_REQUIRE(cert->eku.count <= CM_CERT_MAX_POLICIES);
    FUZZ_REQUIRE(cert->policies.count <= CM_CERT_MAX_POLICIES);
    FUZZ_REQUIRE(cert->rfc822.count + cert->dns.count +
                     cert->upn_texts.count <=
                 CM_CERT_MAX_NAMES);
}

static void
check_values(const struct cm_certificate *cert)
{
    check_once(cert->upn_state, cert->upn);
    check_once(cert->sid_state, cert->sid);
    check_once(cert->sid_uri_state, cert->sid_uri);
    if (cert->upn != NULL) {
        const char *at = strchr(cert->upn, '@');

        FUZZ_REQUIRE(at != NULL && at != cert->upn && at[1] != '\0' &&
                     at == strrchr(cert->upn, '@'));
    }
    if (cert->sid != NULL)
        FUZZ_REQUIRE(cm_sid_text_is_canonical(cert->sid, strlen(cert->sid)));
    if (cert->sid_uri != NULL)
        FUZZ_REQUIRE(
            cm_sid_text_is_canonical(cert->sid_uri, strlen(cert->sid_uri)));
    FUZZ_REQUIRE(cert->ski_len <= CM_CERT_MAX_SKI);
    FUZZ_REQUIRE(cert->serial_len <= CM_CERT_MAX_SERIAL);
    FUZZ_REQUIRE(cert->serial_len == 0 || cert->serial[0] != 0);
    FUZZ_REQUIRE(!cert->ski_is_key_hash || cert->ski_len > 0);
}

/* What passes as DER is what libcrypto would write. */
static void
check_encoding(const struct cm_certificate *cert, const uint8_t *der,
               size_t len)
{
    unsigned char *again = NULL;
    int n = i2d_X509(cert->x509, &again);

    FUZZ_REQUIRE(n > 0 && (size_t)n == len && memcmp(again, der, len) == 0);
    OPENSSL_free(again);
}

/* Every candidate is well formed and matches itself. */
static void
check_candidates(const struct cm_certificate *cert)
{
    struct cm_candidates candidates;
    struct cm_altsecid parsed;

    if (!cm_candidates_build(cert, true, &candidates))
        return;
    for (size_t i = 0; i < candidates.count; i++) {
        const struct cm_candidate *one = &candidates.list[i];

        FUZZ_REQUIRE(
            cm_candidate_matches(one, one->value, strlen(one->value)));
        cm_altsecid_parse(one->value, strlen(one->value), &parsed);
        FUZZ_REQUIRE(parsed.is_x509 && parsed.form == one->form);
    }
    cm_candidates_clear(&candidates);
}

void
check_certificate(const uint8_t *der, size_t len)
{
    static const struct cm_certificate zero;
    const struct cm_logon_rules rules = {CM_PURPOSE_CLIENT_AUTH, false,
                                         CM_MIN_RSA_BITS_DEFAULT};
    struct cm_certificate cert;
    struct cm_detail detail;
    enum cm_reason reason;

    reason = cm_certificate_decode(der, len, &cert, &detail);
    FUZZ_REQUIRE(ERR_peek_error() == 0);
    if (reason != CM_OK) {
        FUZZ_REQUIRE(reason == CM_CERT_MALFORMED && detail.text[0] != '\0');
        FUZZ_REQUIRE(memcmp(&cert, &zero, sizeof(zero)) == 0);
        return;
    }
    check_names(&cert);
    check_values(&cert);
    check_encoding(&cert, der, len);
    check_candidates(&cert);
    cm_logon_check(&cert, &rules, cert.not_before, &detail);
    FUZZ_REQUIRE(ERR_peek_error() == 0);
    cm_certificate_clear(&cert);
}
