#include "crl_parts.h"

#include <string.h>

#include <openssl/err.h>

enum { DER_TRUE = 0xff };

unsigned
cm_crl_oid(const struct cm_der *oid)
{
    static const uint8_t id_ce[] = {0x55, 0x1d};

    if (oid->len != sizeof(id_ce) + 1 ||
        memcmp(oid->bytes, id_ce, sizeof(id_ce)) != 0)
        return 0;
    return oid->bytes[sizeof(id_ce)];
}

/* Reads the next Extension.  An explicit FALSE is not DER, but common. */
static bool
read_extension(struct cm_der *list, struct cm_crl_extension *out)
{
    struct cm_der one, critical;

    if (!cm_der_read_tag(list, CM_DER_SEQUENCE, &one) ||
        !cm_der_read_tag(&one, CM_DER_OID, &out->oid) || out->oid.len == 0)
        return false;
    out->critical = false;
    if (one.len > 0 && one.bytes[0] == CM_DER_BOOLEAN) {
        if (!cm_der_read_tag(&one, CM_DER_BOOLEAN, &critical) ||
            critical.len != 1 ||
            (critical.bytes[0] != 0 && critical.bytes[0] != DER_TRUE))
            return false;
        out->critical = critical.bytes[0] == DER_TRUE;
    }
    return cm_der_read_tag(&one, CM_DER_OCTET_STRING, &out->value) &&
           one.len == 0;
}

/* Does the same OID stand before the extension that begins at `end`? */
static bool
stands_before(struct cm_der list, const uint8_t *end, const struct cm_der *oid)
{
    struct cm_crl_extension before;

    while (list.bytes < end && read_extension(&list, &before)) {
        if (cm_der_equals(oid, before.oid.bytes, before.oid.len))
            return true;
    }
    return false;
}

bool
cm_crl_extensions_each(struct cm_der list,
                       bool (*take)(void *context,
                                    const struct cm_crl_extension *one,
                                    struct cm_detail *detail),
                       void *context, struct cm_detail *detail)
{
    struct cm_crl_extension one;
    struct cm_der rest = list;
    const uint8_t *start;
    unsigned count = 0;

    if (list.len == 0) {
        cm_detail_set(detail, "empty list of extensions");
        return false;
    }
    while (rest.len > 0) {
        start = rest.bytes;
        if (count++ == CM_CRL_MAX_EXTENSIONS) {
            cm_detail_set(detail, "too many extensions");
            return false;
        }
        if (!read_extension(&rest, &one)) {
            cm_detail_set(detail, "extension does not decode");
            return false;
        }
        if (stands_before(list, start, &one.oid)) {
            cm_detail_set(detail, "an extension stands twice");
            return false;
        }
        if (!take(context, &one, detail))
            return false;
    }
    return true;
}

struct extensions {
    struct cm_crl_facts *facts;
    struct cm_der *idp;
};

static bool
is_known(unsigned oid)
{
    switch (oid) {
    case CM_CRL_OID_ISSUER_ALT_NAME:
    case CM_CRL_OID_CRL_NUMBER:
    case CM_CRL_OID_DELTA_INDICATOR:
    case CM_CRL_OID_ISSUING_DISTRIBUTION_POINT:
    case CM_CRL_OID_AUTHORITY_KEY_IDENTIFIER:
    case CM_CRL_OID_FRESHEST_CRL:
        return true;
    default:
        return false;
    }
}

/* RFC 5280 section 5.2.3. */
static bool
read_number(const struct cm_der *value, struct cm_crl_number *out)
{
    struct cm_der rest = *value, content;

    if (!cm_der_read_tag(&rest, CM_DER_INTEGER, &content) || rest.len != 0 ||
        content.bytes[0] >= 0x80)
        return false;
    while (content.len > 0 && content.bytes[0] == 0) {
        content.bytes++;
        content.len--;
    }
    if (content.len > CM_CRL_MAX_NUMBER)
        return false;
    memset(out->octets, 0, sizeof(out->octets));
    if (content.len > 0)
        memcpy(out->octets + sizeof(out->octets) - content.len, content.bytes,
               content.len);
    out->present = true;
    return true;
}

static bool
read_key_id(const struct cm_der *value, ASN1_OCTET_STRING **out)
{
    const uint8_t *p = value->bytes;
    AUTHORITY_KEYID *identifier;
    bool whole;

    identifier = d2i_AUTHORITY_KEYID(NULL, &p, (long)value->len);
    whole = identifier != NULL && p == value->bytes + value->len;
    if (whole) {
        *out = identifier->keyid;
        identifier->keyid = NULL;
    }
    AUTHORITY_KEYID_free(identifier);
    ERR_clear_error();
    return whole;
}

/* Nothing is decided by it: one that does not decode names nothing. */
static CRL_DIST_POINTS *
read_points(const struct cm_der *value)
{
    const uint8_t *p = value->bytes;
    CRL_DIST_POINTS *points;

    points = d2i_CRL_DIST_POINTS(NULL, &p, (long)value->len);
    ERR_clear_error();
    return points;
}

static bool
take_extension(void *context, const struct cm_crl_extension *one,
               struct cm_detail *detail)
{
    struct extensions *into = context;
    unsigned oid = cm_crl_oid(&one->oid);
    bool ok = true;

    if (!is_known(oid)) {
        if (one->critical)
            cm_detail_set(detail, "unknown critical extension");
        return !one->critical;
    }
    if (!cm_der_is_strict(one->value.bytes, one->value.len))
        ok = false;
    else if (oid == CM_CRL_OID_CRL_NUMBER)
        ok = read_number(&one->value, &into->facts->number);
    else if (oid == CM_CRL_OID_DELTA_INDICATOR)
        ok = read_number(&one->value, &into->facts->base);
    else if (oid == CM_CRL_OID_AUTHORITY_KEY_IDENTIFIER)
        ok = read_key_id(&one->value, &into->facts->key_id);
    else if (oid == CM_CRL_OID_FRESHEST_CRL)
        into->facts->freshest = read_points(&one->value);
    else if (oid == CM_CRL_OID_ISSUING_DISTRIBUTION_POINT)
        *into->idp = one->value;
    if (!ok)
        cm_detail_set(detail, "extension 2.5.29.%u does not decode", oid);
    return ok;
}

enum cm_reason
cm_crl_read_extensions(struct cm_der list, struct cm_crl_facts *facts,
                       struct cm_der *idp, struct cm_detail *detail)
{
    struct extensions into = {facts, idp};

    if (!cm_crl_extensions_each(list, take_extension, &into, detail))
        return CM_REVOCATION_UNKNOWN;
    if (idp->len == 0)
        return CM_OK;
    return cm_crl_read_scope(idp, facts->issuer, &facts->scope, detail);
}
