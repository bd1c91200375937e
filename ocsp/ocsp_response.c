#include "ocsp_parts.h"

#include <string.h>

#include <openssl/err.h>

#include "der.h"
#include "instant.h"

/* Content octets of id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1. */
static const uint8_t basic_type[] = {0x2b, 0x06, 0x01, 0x05, 0x05,
                                     0x07, 0x30, 0x01, 0x01};

static bool
refuse(struct cm_detail *detail, const char *what)
{
    cm_detail_set(detail, "OCSP response: %s", what);
    return false;
}

/* OCSPResponse (RFC 6960 section 4.2.1): finds the BasicOCSPResponse. */
static bool
unwrap(const uint8_t *bytes, size_t len, struct cm_der *basic,
       struct cm_detail *detail)
{
    struct cm_der rest = {bytes, len}, response, status, type, wrapped;

    if (!cm_der_is_strict(bytes, len) ||
        !cm_der_read_tag(&rest, CM_DER_SEQUENCE, &response) ||
        !cm_der_read_tag(&response, CM_DER_ENUMERATED, &status) ||
        status.len != 1)
        return refuse(detail, "is not DER");
    if (status.bytes[0] != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return refuse(detail, OCSP_response_status_str(status.bytes[0]));
    if (!cm_der_read_tag(&response, CM_DER_CONTEXT_CONSTRUCTED, &wrapped) ||
        !cm_der_read_tag(&wrapped, CM_DER_SEQUENCE, &rest) ||
        !cm_der_read_tag(&rest, CM_DER_OID, &type) ||
        !cm_der_read_tag(&rest, CM_DER_OCTET_STRING, basic) || rest.len != 0 ||
        wrapped.len != 0 || response.len != 0)
        return refuse(detail, "does not decode");
    if (!cm_der_equals(&type, basic_type, sizeof(basic_type)))
        return refuse(detail, "is of an unknown type");
    return true;
}

/* The signed bytes as they came: what libcrypto would write again need not
 * be what was signed. */
static ASN1_TYPE *
take_signed_part(const struct cm_der *basic, struct cm_detail *detail)
{
    struct cm_der rest = *basic, sequence, tbs, version;
    const uint8_t *start;
    ASN1_TYPE *out;

    if (!cm_der_is_strict(basic->bytes, basic->len) ||
        !cm_der_read_tag(&rest, CM_DER_SEQUENCE, &sequence)) {
        refuse(detail, "is not DER");
        return NULL;
    }
    start = sequence.bytes;
    if (!cm_der_read_tag(&sequence, CM_DER_SEQUENCE, &tbs)) {
        refuse(detail, "does not decode");
        return NULL;
    }
    /* Version 1 is the default and not written. */
    if (cm_der_read_tag(&tbs, CM_DER_CONTEXT_CONSTRUCTED, &version)) {
        refuse(detail, "is of an unknown version");
        return NULL;
    }
    out = d2i_ASN1_TYPE(NULL, &start, (long)(sequence.bytes - start));
    if (out == NULL)
        refuse(detail, "cannot be held in memory");
    return out;
}

static bool
decode_basic(const struct cm_der *basic, struct cm_ocsp_response *out,
             struct cm_detail *detail)
{
    const uint8_t *end = basic->bytes;

    out->signed_part = take_signed_part(basic, detail);
    if (out->signed_part == NULL)
        return false;
    out->basic = d2i_OCSP_BASICRESP(NULL, &end, (long)basic->len);
    if (out->basic == NULL || end != basic->bytes + basic->len)
        return refuse(detail, "does not decode");
    if (!cm_instant_read(OCSP_resp_get0_produced_at(out->basic),
                         &out->produced_at))
        return refuse(detail, "producedAt does not decode");
    if (OCSP_resp_count(out->basic) > CM_OCSP_MAX_SINGLES)
        return refuse(detail, "has too many answers");
    if (sk_X509_num(OCSP_resp_get0_certs(out->basic)) >
        CM_OCSP_MAX_CERTIFICATES)
        return refuse(detail, "has too many certificates");
    return cm_ocsp_response_extensions(out->basic, detail);
}

bool
cm_ocsp_decode(const uint8_t *bytes, size_t len, struct cm_ocsp_response *out,
               struct cm_detail *detail)
{
    struct cm_ocsp_response response = {NULL, NULL, 0};
    struct cm_der basic;

    if (len > CM_OCSP_MAX_RESPONSE)
        return refuse(detail, "is too large");
    if (!unwrap(bytes, len, &basic, detail))
        return false;
    if (!decode_basic(&basic, &response, detail)) {
        cm_ocsp_response_clear(&response);
        return false;
    }
    *out = response;
    return true;
}

void
cm_ocsp_response_clear(struct cm_ocsp_response *response)
{
    OCSP_BASICRESP_free(response->basic);
    ASN1_TYPE_free(response->signed_part);
    memset(response, 0, sizeof(*response));
}
