#include "certificate_parts.h"

#include <stdlib.h>
#include <string.h>

#include "sid.h"

/* GeneralName's alternatives (RFC 5280 section 4.2.1.6). */
enum {
    NAME_OTHER = 0xa0,
    NAME_RFC822 = 0x81,
    NAME_DNS = 0x82,
    NAME_X400 = 0xa3,
    NAME_DIRECTORY = 0xa4,
    NAME_EDI_PARTY = 0xa5,
    NAME_URI = 0x86,
    NAME_IP = 0x87,
    NAME_REGISTERED_ID = 0x88
};

enum { DNS_NAME_MAX = 253 }; /* octets (RFC 1035 section 2.3.4) */

/* 1.3.6.1.4.1.311.20.2.3, the userPrincipalName */
static const uint8_t oid_upn[] = {0x2b, 0x06, 0x01, 0x04, 0x01,
                                  0x82, 0x37, 0x14, 0x02, 0x03};
/* 1.3.6.1.4.1.311.25.2.1, the SID inside the SID extension */
static const uint8_t oid_sid[] = {0x2b, 0x06, 0x01, 0x04, 0x01,
                                  0x82, 0x37, 0x19, 0x02, 0x01};

static const char sid_uri_prefix[] = "tag:microsoft.com,2022-09-14:sid:";

/* A value that may stand once.  A second one makes it faulty, as does one
 * that is not as it should be; and faulty it stays. */
static enum cm_reason
record_once(enum cm_presence *state, char **slot, struct cm_der text,
            bool well_formed)
{
    if (*state != CM_ABSENT || !well_formed) {
        free(*slot);
        *slot = NULL;
        *state = CM_FAULTY;
        return CM_OK;
    }
    *slot = cm_text_dup_clean(text.bytes, text.len);
    if (*slot == NULL)
        return CM_NO_MEMORY;
    *state = CM_PRESENT;
    return CM_OK;
}

/* Appends text that was found clean. */
static enum cm_reason
add_text(struct cm_text_list *list, struct cm_der text)
{
    char *copy = cm_text_dup_clean(text.bytes, text.len);
    bool added = copy != NULL && cm_text_list_add(list, copy);

    free(copy);
    return added ? CM_OK : CM_NO_MEMORY;
}

/* OtherName: an object identifier and one value of any type. */
static bool
read_other_name(struct cm_der content, struct cm_der *oid,
                struct cm_der_element *value)
{
    struct cm_der explicit;

    return cm_der_read_tag(&content, CM_DER_OID, oid) &&
           cm_der_read_tag(&content, CM_DER_CONTEXT_CONSTRUCTED, &explicit) &&
           content.len == 0 && cm_der_read(&explicit, value) &&
           explicit.len == 0;
}

static bool
is_upn(const struct cm_der_element *value)
{
    const struct cm_der *text = &value->value;
    const uint8_t *at;

    if (value->tag != CM_DER_UTF8_STRING || text->len == 0 ||
        text->len > CM_CERT_MAX_UPN ||
        !cm_text_is_clean(text->bytes, text->len))
        return false;
    at = memchr(text->bytes, '@', text->len);
    return at != NULL && at != text->bytes &&
           at != text->bytes + text->len - 1 &&
           memchr(at + 1, '@', text->len - (size_t)(at + 1 - text->bytes)) ==
               NULL;
}

static enum cm_reason
add_other_name(struct cm_der content, struct cm_certificate *cert,
               struct cm_detail *detail)
{
    struct cm_der_element value;
    struct cm_der oid;
    enum cm_reason reason = CM_OK;
    bool well_formed;

    if (!read_other_name(content, &oid, &value)) {
        cm_detail_set(detail, "subjectAltName: otherName does not decode");
        return CM_CERT_MALFORMED;
    }
    if (!cm_der_equals(&oid, oid_upn, sizeof(oid_upn)))
        return CM_OK;
    well_formed = is_upn(&value);
    if (well_formed)
        reason = add_text(&cert->upn_texts, value.value);
    if (reason != CM_OK)
        return reason;
    return record_once(&cert->upn_state, &cert->upn, value.value, well_formed);
}

static bool
is_printable_ascii(const struct cm_der *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if (text->bytes[i] < 0x20 || text->bytes[i] > 0x7e)
            return false;
    }
    return text->len > 0;
}

/* Letters, digits, hyphens, dots and, as Windows names have them,
 * underscores.  A wildcard names no host. */
static bool
is_host_text(const struct cm_der *text)
{
    uint8_t c;

    if (text->len == 0 || text->len > DNS_NAME_MAX)
        return false;
    for (size_t i = 0; i < text->len; i++) {
        c = text->bytes[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'))
            return false;
    }
    return true;
}

static enum cm_reason
add_rfc822(struct cm_der text, struct cm_certificate *cert)
{
    if (is_printable_ascii(&text))
        return add_text(&cert->rfc822, text);
    cert->rfc822_faulty = true;
    return CM_OK;
}

static enum cm_reason
add_dns(struct cm_der text, struct cm_certificate *cert)
{
    if (is_host_text(&text))
        return add_text(&cert->dns, text);
    cert->dns_faulty = true;
    return CM_OK;
}

static bool
is_sid(const struct cm_der *text)
{
    return cm_sid_text_is_canonical((const char *)text->bytes, text->len);
}

/* Only the URI that carries a SID is of interest. */
static enum cm_reason
add_uri(struct cm_der text, struct cm_certificate *cert)
{
    const size_t prefix = sizeof(sid_uri_prefix) - 1;

    if (text.len < prefix || memcmp(text.bytes, sid_uri_prefix, prefix) != 0)
        return CM_OK;
    text.bytes += prefix;
    text.len -= prefix;
    return record_once(&cert->sid_uri_state, &cert->sid_uri, text,
                       is_sid(&text));
}

static enum cm_reason
add_name(const struct cm_der_element *name, struct cm_certificate *cert,
         struct cm_detail *detail)
{
    switch (name->tag) {
    case NAME_OTHER:
        return add_other_name(name->value, cert, detail);
    case NAME_RFC822:
        return add_rfc822(name->value, cert);
    case NAME_DNS:
        return add_dns(name->value, cert);
    case NAME_URI:
        return add_uri(name->value, cert);
    case NAME_X400:
    case NAME_DIRECTORY:
    case NAME_EDI_PARTY:
    case NAME_IP:
    case NAME_REGISTERED_ID:
        return CM_OK;
    default:
        cm_detail_set(detail, "subjectAltName: unknown kind of name");
        return CM_CERT_MALFORMED;
    }
}

enum cm_reason
cm_certificate_read_san(struct cm_der value, struct cm_certificate *cert,
                        struct cm_detail *detail)
{
    struct cm_der_element name;
    enum cm_reason reason;
    struct cm_der names;
    size_t count = 0;

    if (!cm_der_read_tag(&value, CM_DER_SEQUENCE, &names) || value.len != 0) {
        cm_detail_set(detail, "subjectAltName does not decode");
        return CM_CERT_MALFORMED;
    }
    while (names.len > 0) {
        if (++count > CM_CERT_MAX_NAMES || !cm_der_read(&names, &name)) {
            cm_detail_set(detail, "subjectAltName does not decode, or holds "
                                  "too many names");
            return CM_CERT_MALFORMED;
        }
        reason = add_name(&name, cert, detail);
        if (reason != CM_OK)
            return reason;
    }
    return CM_OK;
}

/* GeneralNames with exactly one otherName, an OCTET STRING of SID text. */
static bool
read_sid_extension(struct cm_der value, struct cm_der *text)
{
    struct cm_der names, name, oid;
    struct cm_der_element inner;

    if (!cm_der_is_strict(value.bytes, value.len) ||
        !cm_der_read_tag(&value, CM_DER_SEQUENCE, &names) ||
        !cm_der_read_tag(&names, NAME_OTHER, &name) || names.len != 0 ||
        !read_other_name(name, &oid, &inner) ||
        !cm_der_equals(&oid, oid_sid, sizeof(oid_sid)) ||
        inner.tag != CM_DER_OCTET_STRING || !is_sid(&inner.value))
        return false;
    *text = inner.value;
    return true;
}

enum cm_reason
cm_certificate_read_sid(struct cm_der value, struct cm_certificate *cert)
{
    struct cm_der text = {NULL, 0};
    bool well_formed = read_sid_extension(value, &text);

    return record_once(&cert->sid_state, &cert->sid, text, well_formed);
}
