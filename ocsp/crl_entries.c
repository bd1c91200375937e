#include "crl_parts.h"

#include <string.h>

#include <openssl/err.h>

#include "instant.h"

enum {
    TAG_UTC_TIME = 0x17,
    TAG_GENERALIZED_TIME = 0x18,
    TAG_DIRECTORY_NAME = CM_DER_CONTEXT_CONSTRUCTED + 4,
    MAX_REASON = CM_CRL_AA_COMPROMISE,
    UNUSED_REASON = 7
};

/* What the extensions of one entry say. */
struct entry_extensions {
    int reason;
    struct cm_der issuer; /* content of certificateIssuer; empty: absent */
};

static enum cm_reason
refuse(struct cm_detail *detail, const struct cm_crl_walk *walk,
       const char *why)
{
    cm_detail_set(detail, "entry %zu: %s", walk->count + 1, why);
    return CM_REVOCATION_UNKNOWN;
}

bool
cm_crl_serial_octets(const struct cm_der *content, uint8_t out[CM_CRL_SERIAL])
{
    const uint8_t *p = content->bytes;
    size_t len = content->len;

    if (len == 0 || len > CM_CRL_SERIAL ||
        (len > CM_CRL_MAX_SERIAL && p[0] != 0))
        return false;
    memset(out, p[0] >= 0x80 ? 0xff : 0, CM_CRL_SERIAL - len);
    memcpy(out + CM_CRL_SERIAL - len, p, len);
    return true;
}

/* X.690 section 8.3.2. */
static bool
is_minimal(const struct cm_der *content)
{
    const uint8_t *p = content->bytes;

    return content->len < 2 ||
           !((p[0] == 0x00 && p[1] < 0x80) || (p[0] == 0xff && p[1] >= 0x80));
}

static bool
two_digits(const uint8_t *p, unsigned low, unsigned high)
{
    unsigned tens = p[0] - (unsigned)'0', ones = p[1] - (unsigned)'0';

    return tens <= 9 && ones <= 9 && 10 * tens + ones >= low &&
           10 * tens + ones <= high;
}

/* revocationDate decides nothing, but must be one: RFC 5280 section 5.1.2.6.
 * Two million of them are too many for libcrypto's reader. */
static bool
is_time(const struct cm_der_element *element)
{
    const uint8_t *p = element->value.bytes;

    if (element->tag == TAG_GENERALIZED_TIME &&
        element->value.len == CM_INSTANT_GENERALIZED_LENGTH) {
        if (!two_digits(p, 0, 99))
            return false;
        p += 2;
    } else if (element->tag != TAG_UTC_TIME ||
               element->value.len != CM_INSTANT_UTC_LENGTH) {
        return false;
    }
    return two_digits(p, 0, 99) && two_digits(p + 2, 1, 12) &&
           two_digits(p + 4, 1, 31) && two_digits(p + 6, 0, 23) &&
           two_digits(p + 8, 0, 59) && two_digits(p + 10, 0, 59) &&
           p[12] == 'Z';
}

static bool
read_reason(const struct cm_der *value, int *out)
{
    struct cm_der rest = *value, content;

    if (!cm_der_read_tag(&rest, CM_DER_ENUMERATED, &content) ||
        rest.len != 0 || content.len != 1 || content.bytes[0] > MAX_REASON ||
        content.bytes[0] == UNUSED_REASON)
        return false;
    *out = content.bytes[0];
    return true;
}

static bool
read_invalidity_date(const struct cm_der *value)
{
    struct cm_der rest = *value;
    struct cm_der_element element;

    return cm_der_read(&rest, &element) && rest.len == 0 &&
           element.tag == TAG_GENERALIZED_TIME && is_time(&element);
}

static bool
take_extension(void *context, const struct cm_crl_extension *one,
               struct cm_detail *detail)
{
    struct entry_extensions *into = context;
    unsigned oid = cm_crl_oid(&one->oid);

    if (oid == CM_CRL_OID_REASON_CODE) {
        if (read_reason(&one->value, &into->reason))
            return true;
        cm_detail_set(detail, "no such reason code");
        return false;
    }
    if (oid == CM_CRL_OID_INVALIDITY_DATE) {
        if (read_invalidity_date(&one->value))
            return true;
        cm_detail_set(detail, "invalidityDate does not decode");
        return false;
    }
    if (oid == CM_CRL_OID_CERTIFICATE_ISSUER) {
        into->issuer = one->value;
        if (cm_der_is_strict(one->value.bytes, one->value.len))
            return true;
        cm_detail_set(detail, "certificateIssuer does not decode");
        return false;
    }
    if (one->critical)
        cm_detail_set(detail, "unknown critical extension");
    return !one->critical;
}

/* The one directoryName among the GeneralNames of certificateIssuer. */
static bool
find_directory_name(const struct cm_der *value, struct cm_der *name)
{
    struct cm_der rest = *value, names;
    struct cm_der_element element;
    unsigned count = 0;

    if (!cm_der_read_tag(&rest, CM_DER_SEQUENCE, &names))
        return false;
    while (cm_der_read(&names, &element)) {
        if (element.tag == TAG_DIRECTORY_NAME) {
            *name = element.value;
            count++;
        }
    }
    return count == 1;
}

/* Most entries that name their issuer repeat the one before. */
static bool
is_same_name(const X509_NAME *name, const struct cm_der *der)
{
    const uint8_t *bytes = NULL;
    size_t len = 0;

    return X509_NAME_get0_der(name, &bytes, &len) == 1 &&
           cm_der_equals(der, bytes, len);
}

/* certificateIssuer is in force until the next one. */
static enum cm_reason
change_issuer(struct cm_crl_walk *walk, const struct cm_der *value,
              struct cm_crl_entry *entry, struct cm_detail *detail)
{
    enum cm_crl_issuer outcome = CM_CRL_ISSUER_ABSENT;
    X509_NAME *name = NULL;
    struct cm_der der;
    const uint8_t *p;

    walk->has_issuer = true;
    if (!find_directory_name(value, &der))
        return refuse(detail, walk, "certificateIssuer is not one name");
    if (is_same_name(entry->issuer, &der))
        return CM_OK;
    p = der.bytes;
    name = d2i_X509_NAME(NULL, &p, (long)der.len);
    if (name != NULL && p == der.bytes + der.len)
        outcome =
            cm_crl_issuers_add(walk->issuers, name, &entry->issuer_index);
    X509_NAME_free(name);
    ERR_clear_error();
    switch (outcome) {
    case CM_CRL_ISSUER_KNOWN:
        entry->issuer = walk->issuers->names[entry->issuer_index];
        return CM_OK;
    case CM_CRL_ISSUER_ABSENT:
        return refuse(detail, walk, "certificateIssuer does not decode");
    case CM_CRL_ISSUER_FULL:
        return refuse(detail, walk, "too many certificate issuers");
    case CM_CRL_ISSUER_NO_MEMORY:
        break;
    }
    return CM_NO_MEMORY;
}

/* The place of such extensions among those that were seen. */
static struct cm_crl_common *
common_place(struct cm_crl_walk *walk, const struct cm_der *whole)
{
    return &walk->common[whole->bytes[whole->len - 1] % CM_CRL_COMMON];
}

/* What was parsed once, and names no issuer, needs no second look. */
static void
remember(struct cm_crl_walk *walk, const struct cm_der *whole, int reason)
{
    struct cm_crl_common *common = common_place(walk, whole);

    if (whole->len > sizeof(common->bytes))
        return;
    memcpy(common->bytes, whole->bytes, whole->len);
    common->len = whole->len;
    common->reason = reason;
}

static enum cm_reason
read_extensions(struct cm_crl_walk *walk, struct cm_der whole,
                struct cm_crl_entry *entry, struct cm_detail *detail)
{
    struct entry_extensions found = {CM_CRL_UNSPECIFIED, {NULL, 0}};
    struct cm_crl_common *common = common_place(walk, &whole);
    struct cm_der list, rest = whole;
    struct cm_detail why;

    if (cm_der_equals(&whole, common->bytes, common->len)) {
        entry->reason = common->reason;
        return CM_OK;
    }
    if (!cm_der_is_strict(whole.bytes, whole.len) ||
        !cm_der_read_tag(&rest, CM_DER_SEQUENCE, &list))
        return refuse(detail, walk, "not well-formed");
    if (!cm_crl_extensions_each(list, take_extension, &found, &why))
        return refuse(detail, walk, why.text);
    walk->has_extensions = true;
    entry->reason = found.reason;
    if (found.reason == CM_CRL_REMOVE_FROM_CRL)
        walk->has_removal = true;
    if (found.issuer.len > 0)
        return change_issuer(walk, &found.issuer, entry, detail);
    remember(walk, &whole, found.reason);
    return CM_OK;
}

static enum cm_reason
read_entry(struct cm_crl_walk *walk, struct cm_der rest,
           struct cm_crl_entry *entry, struct cm_detail *detail)
{
    struct cm_der_element element;
    struct cm_der serial;

    if (!cm_der_read_tag(&rest, CM_DER_INTEGER, &serial) || serial.len == 0)
        return refuse(detail, walk, "no serial number");
    if (!is_minimal(&serial))
        return refuse(detail, walk, "serial number is not DER");
    if (!cm_crl_serial_octets(&serial, entry->serial))
        return refuse(detail, walk, "serial number too long");
    if (!cm_der_read(&rest, &element) || !is_time(&element))
        return refuse(detail, walk, "revocationDate does not decode");
    entry->reason = CM_CRL_UNSPECIFIED;
    if (rest.len == 0)
        return CM_OK;
    return read_extensions(walk, rest, entry, detail);
}

enum cm_reason
cm_crl_walk_entries(struct cm_crl_walk *walk, uint64_t to,
                    struct cm_detail *detail)
{
    struct cm_crl_entry entry = {.issuer = walk->issuers->names[0]};
    struct cm_crl_window *window = walk->window;
    struct cm_der der, body;
    enum cm_reason reason;
    const uint8_t *start;
    uint64_t left;

    while ((left = to - cm_crl_window_at(window)) > 0) {
        der.len = left < CM_CRL_MAX_ENTRY ? (size_t)left : CM_CRL_MAX_ENTRY;
        der.bytes = start = cm_crl_window_peek(window, der.len, detail);
        if (start == NULL)
            return CM_REVOCATION_UNKNOWN;
        if (walk->count == CM_CRL_MAX_ENTRIES)
            return refuse(detail, walk, "too many entries");
        if (!cm_der_read_tag(&der, CM_DER_SEQUENCE, &body))
            return refuse(detail, walk, "not well-formed");
        reason = read_entry(walk, body, &entry, detail);
        if (reason != CM_OK)
            return reason;
        cm_crl_window_skip(window, (size_t)(der.bytes - start));
        walk->count++;
        if (walk->visit != NULL && !walk->visit(walk->context, &entry)) {
            walk->stopped = true;
            return CM_OK;
        }
    }
    return CM_OK;
}
