#include "logon.h"

#include "strength.h"

static const struct purpose {
    enum cm_key_purpose bit;
    const char *oid;
} purposes[] = {
    {CM_PURPOSE_CLIENT_AUTH, "1.3.6.1.5.5.7.3.2"},
    {CM_PURPOSE_SMARTCARD_LOGON, "1.3.6.1.4.1.311.20.2.2"},
    {CM_PURPOSE_PKINIT_CLIENT, "1.3.6.1.5.2.3.4"},
};
enum { PURPOSE_COUNT = sizeof(purposes) / sizeof(purposes[0]) };

/* RFC 5280 section 4.1.2.5: both ends belong to the period. */
static enum cm_reason
check_validity(const struct cm_certificate *cert, int64_t now,
               struct cm_detail *detail)
{
    if (now >= cert->not_before && now <= cert->not_after)
        return CM_OK;
    cm_detail_set(detail, "%s",
                  now < cert->not_before ? "not valid yet" : "expired");
    return CM_CERT_VALIDITY;
}

static bool
has_purpose(const struct cm_certificate *cert, unsigned wanted)
{
    for (size_t i = 0; i < PURPOSE_COUNT; i++) {
        if ((wanted & purposes[i].bit) != 0 &&
            cm_text_list_has(&cert->eku, purposes[i].oid))
            return true;
    }
    return false;
}

static enum cm_reason
check_purpose(const struct cm_certificate *cert,
              const struct cm_logon_rules *rules, struct cm_detail *detail)
{
    const char *fault = NULL;

    if (cert->is_ca)
        fault = "a CA certificate";
    else if (cert->has_key_usage && !cert->digital_signature)
        fault = "key usage without digitalSignature";
    else if (!cert->has_eku && rules->require_key_purpose)
        fault = "no extended key usage";
    else if (cert->has_eku && !has_purpose(cert, rules->key_purposes))
        fault = "extended key usage without a purpose that allows logon";
    if (fault == NULL)
        return CM_OK;
    cm_detail_set(detail, "%s", fault);
    return CM_CERT_KEY_PURPOSE;
}

enum cm_reason
cm_logon_check(const struct cm_certificate *cert,
               const struct cm_logon_rules *rules, int64_t now,
               struct cm_detail *detail)
{
    enum cm_reason reason = check_validity(cert, now, detail);

    if (reason == CM_OK)
        reason = check_purpose(cert, rules, detail);
    if (reason != CM_OK)
        return reason;
    if (!cm_strength_key(cert->x509, rules->min_rsa_bits, detail) ||
        !cm_strength_signature(cert->x509, detail))
        return CM_CERT_WEAK_CRYPTO;
    return CM_OK;
}
