/*
 * Why the Windows text is injective.  It can be read back in one way only:
 *
 *   - A type never holds "=", so it ends at the first one.  No two object
 *     identifiers share a type text: the fixed names hold no ".", all others
 *     are "OID." and the dotted number.
 *   - A quoted value begins with '"', which no bare value holds.  Inside,
 *     '"' is doubled, and after the value stands ",", a blank or the end; so
 *     a '"' that no other follows ends it.
 *   - A bare value is not empty and holds neither "," nor "=", nor an outer
 *     blank.  If a "," or the end comes before the next "=", the value ends
 *     there.  Else that "=" belongs to the type of the next value of the same
 *     RDN; a type holds no blank, so the value ends at the last blank before.
 *   - What has no character string, no clean UTF-8, or no value at all (an
 *     empty RDN) gets no text.
 *
 * The string type is not part of the text: two names that differ in it alone
 * are the same name.
 */
#include "name.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include "buf.h"
#include "certificate.h"
#include "der.h"
#include "text.h"

/* Attribute types with a name.  NULL: by number in that notation. */
static const struct attribute_type {
    int nid;
    const char *windows;
    const char *ldap;
} attribute_types[] = {
    {NID_commonName, "CN", "CN"},
    {NID_surname, "SN", "SN"},
    {NID_serialNumber, "SERIALNUMBER", "serialNumber"},
    {NID_countryName, "C", "C"},
    {NID_localityName, "L", "L"},
    {NID_stateOrProvinceName, "S", "ST"},
    {NID_streetAddress, "STREET", "STREET"},
    {NID_organizationName, "O", "O"},
    {NID_organizationalUnitName, "OU", "OU"},
    {NID_title, "T", "title"},
    {NID_description, "Description", "description"},
    {NID_postalCode, "PostalCode", "postalCode"},
    {NID_postOfficeBox, "POBox", "postOfficeBox"},
    {NID_givenName, "G", "givenName"},
    {NID_initials, "I", "initials"},
    {NID_dnQualifier, "dnQualifier", "dnQualifier"},
    {NID_domainComponent, "DC", "DC"},
    {NID_userId, NULL, "UID"},
    {NID_pkcs9_emailAddress, "E", "emailAddress"},
};

static const struct attribute_type *
find_type(const ASN1_OBJECT *object)
{
    int nid = OBJ_obj2nid(object);

    for (size_t i = 0;
         i < sizeof(attribute_types) / sizeof(attribute_types[0]); i++) {
        if (attribute_types[i].nid == nid)
            return &attribute_types[i];
    }
    return NULL;
}

/* Appends the dotted number.  False: it has none, or too long a one. */
static bool
add_oid(struct cm_buf *out, const ASN1_OBJECT *object)
{
    char text[CM_CERT_MAX_OID_TEXT + 1];
    int len;

    /* An octet becomes two characters at least, and some versions of
     * libcrypto write a long number in quadratic time. */
    if (OBJ_length(object) > CM_CERT_MAX_OID_TEXT)
        return false;
    len = OBJ_obj2txt(text, sizeof(text), object, 1);
    ERR_clear_error();
    if (len <= 0 || len > CM_CERT_MAX_OID_TEXT)
        return false;
    cm_buf_add_text(out, text);
    return true;
}

/* One octet a character, of which only ASCII is the same everywhere. */
static bool
is_octet_string_type(int type)
{
    return type == V_ASN1_PRINTABLESTRING || type == V_ASN1_IA5STRING ||
           type == V_ASN1_T61STRING || type == V_ASN1_NUMERICSTRING ||
           type == V_ASN1_VISIBLESTRING;
}

static bool
is_wide_string_type(int type)
{
    return type == V_ASN1_UTF8STRING || type == V_ASN1_BMPSTRING ||
           type == V_ASN1_UNIVERSALSTRING;
}

static bool
is_ascii(const ASN1_STRING *value)
{
    const unsigned char *data = ASN1_STRING_get0_data(value);

    for (int i = 0; i < ASN1_STRING_length(value); i++) {
        if (data[i] >= 0x80)
            return false;
    }
    return true;
}

/*
 * The value as clean UTF-8 in out, which the caller clears.  False: it is not
 * a character string, or does not decode, or holds a control character; or
 * memory is short, then out has failed.
 */
static bool
decode_value(const ASN1_STRING *value, struct cm_buf *out)
{
    int len, type = ASN1_STRING_type(value);
    unsigned char *text = NULL;
    bool ok;

    if (!is_wide_string_type(type) &&
        !(is_octet_string_type(type) && is_ascii(value)))
        return false;
    if (ASN1_STRING_length(value) == 0)
        return true;
    len = ASN1_STRING_to_UTF8(&text, value);
    if (len < 0 &&
        ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE)
        out->failed = true;
    ERR_clear_error();
    if (len < 0)
        return false;
    ok = cm_text_is_clean(text, (size_t)len);
    if (ok)
        cm_buf_add(out, text, (size_t)len);
    OPENSSL_free(text);
    return ok && !out->failed;
}

static bool
needs_quotes(const char *text, size_t len)
{
    return len == 0 || text[0] == ' ' || text[len - 1] == ' ' ||
           strpbrk(text, ",+=\"<>#;") != NULL;
}

static void
add_windows_value(struct cm_buf *out, const struct cm_buf *value)
{
    const char *text = value->data != NULL ? value->data : "";

    if (!needs_quotes(text, value->len)) {
        cm_buf_add(out, text, value->len);
        return;
    }
    cm_buf_add_char(out, '"');
    for (size_t i = 0; i < value->len; i++) {
        if (text[i] == '"')
            cm_buf_add_char(out, '"');
        cm_buf_add_char(out, text[i]);
    }
    cm_buf_add_char(out, '"');
}

static bool
add_windows_entry(struct cm_buf *out, const X509_NAME_ENTRY *entry)
{
    const ASN1_OBJECT *object = X509_NAME_ENTRY_get_object(entry);
    const struct attribute_type *type = find_type(object);
    struct cm_buf value = CM_BUF_INIT;
    bool ok = false;

    if (type != NULL && type->windows != NULL) {
        cm_buf_add_text(out, type->windows);
    } else {
        cm_buf_add_text(out, "OID.");
        if (!add_oid(out, object))
            return false;
    }
    cm_buf_add_char(out, '=');
    if (decode_value(X509_NAME_ENTRY_get_data(entry), &value)) {
        add_windows_value(out, &value);
        ok = out->len <= CM_CERT_MAX_NAME_TEXT;
    }
    cm_buf_clear(&value);
    return ok;
}

/*
 * True if every RDN holds a value.  Asked of the encoding, because OpenSSL's
 * list of entries does not show an RDN without any.
 */
static bool
rdns_are_filled(const X509_NAME *name)
{
    struct cm_der der, rdns, rdn;

    int ok = X509_NAME_get0_der(name, &der.bytes, &der.len);

    ERR_clear_error();
    if (!ok || !cm_der_read_tag(&der, CM_DER_SEQUENCE, &rdns))
        return false;
    while (rdns.len > 0) {
        if (!cm_der_read_tag(&rdns, CM_DER_SET, &rdn) || rdn.len == 0)
            return false;
    }
    return true;
}

char *
cm_name_windows(const X509_NAME *name)
{
    struct cm_buf out = CM_BUF_INIT;
    const X509_NAME_ENTRY *entry;
    int count, set, last_set = -1;

    if (!rdns_are_filled(name))
        return NULL;
    count = X509_NAME_entry_count(name);
    for (int i = 0; i < count; i++) {
        entry = X509_NAME_get_entry(name, i);
        set = X509_NAME_ENTRY_set(entry);
        if (i > 0)
            cm_buf_add_char(&out, set == last_set ? ' ' : ',');
        last_set = set;
        if (!add_windows_entry(&out, entry)) {
            cm_buf_clear(&out);
            return NULL;
        }
    }
    return cm_buf_take(&out);
}

/* "#" and the value's whole DER (RFC 4514 section 2.4). */
static void
add_hex_value(struct cm_buf *out, ASN1_STRING *value)
{
    ASN1_TYPE any = {0};
    unsigned char *der = NULL;
    int len;

    any.type = ASN1_STRING_type(value);
    any.value.asn1_string = value;
    cm_buf_add_char(out, '#');
    len = i2d_ASN1_TYPE(&any, &der);
    ERR_clear_error();
    if (len > 0)
        cm_buf_add_hex(out, der, (size_t)len);
    else
        out->failed = true;
    OPENSSL_free(der);
}

/* Backslashes as RFC 4514 section 2.4 asks. */
static void
add_rfc4514_value(struct cm_buf *out, const struct cm_buf *value)
{
    for (size_t i = 0; i < value->len; i++) {
        char c = value->data[i];

        if (strchr("\"+,;<>\\", c) != NULL || (i == 0 && c == '#') ||
            (c == ' ' && (i == 0 || i == value->len - 1)))
            cm_buf_add_char(out, '\\');
        cm_buf_add_char(out, c);
    }
}

static void
add_rfc4514_entry(struct cm_buf *out, const X509_NAME_ENTRY *entry)
{
    const ASN1_OBJECT *object = X509_NAME_ENTRY_get_object(entry);
    const struct attribute_type *type = find_type(object);
    ASN1_STRING *data = X509_NAME_ENTRY_get_data(entry);
    struct cm_buf value = CM_BUF_INIT;

    if (type != NULL)
        cm_buf_add_text(out, type->ldap);
    else if (!add_oid(out, object))
        cm_buf_add_char(out, '?'); /* no dotted form of this length */
    cm_buf_add_char(out, '=');
    if (type != NULL && decode_value(data, &value))
        add_rfc4514_value(out, &value);
    else if (value.failed)
        out->failed = true; /* one name must not have two texts */
    else
        add_hex_value(out, data);
    cm_buf_clear(&value);
}

/* Index of the first value of the RDN that ends before `end`. */
static int
rdn_start(const X509_NAME *name, int end)
{
    int start = end - 1;
    int set = X509_NAME_ENTRY_set(X509_NAME_get_entry(name, start));

    while (start > 0 &&
           X509_NAME_ENTRY_set(X509_NAME_get_entry(name, start - 1)) == set)
        start--;
    return start;
}

char *
cm_name_rfc4514(const X509_NAME *name)
{
    struct cm_buf out = CM_BUF_INIT;
    int start;

    /* The last RDN comes first; inside an RDN the order stays. */
    for (int end = X509_NAME_entry_count(name); end > 0; end = start) {
        start = rdn_start(name, end);
        for (int i = start; i < end; i++) {
            if (out.len > 0)
                cm_buf_add_char(&out, i == start ? ',' : '+');
            add_rfc4514_entry(&out, X509_NAME_get_entry(name, i));
        }
    }
    return cm_buf_take(&out);
}
