#include "kdc_cert.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

static const char pkinit_kdc_oid[] = "1.3.6.1.5.2.3.5";
static const char pkinit_san_oid[] = "1.3.6.1.5.2.2";

enum { OID_TEXT = 80 };

static bool
is_oid(const ASN1_OBJECT *object, const char *dotted)
{
    char text[OID_TEXT];
    int len = OBJ_obj2txt(text, sizeof(text), object, 1);

    return len > 0 && len < OID_TEXT && strcmp(text, dotted) == 0;
}

bool
cm_kdc_cert_has_eku(const X509 *cert)
{
    EXTENDED_KEY_USAGE *eku =
        X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
    bool found = false;

    for (int i = 0; i < sk_ASN1_OBJECT_num(eku); i++)
        found = found || is_oid(sk_ASN1_OBJECT_value(eku, i), pkinit_kdc_oid);
    EXTENDED_KEY_USAGE_free(eku);
    ERR_clear_error();
    return found;
}

/* A stretch of DER that is still to be read. */
struct der {
    const unsigned char *bytes;
    long len;
};

/* Takes the next element off `from`; false: it is not of this tag. */
static bool
take(struct der *from, int class, int tag, struct der *content)
{
    const unsigned char *p = from->bytes;
    int got_tag, got_class, flags;
    long len;

    if (from->len <= 0)
        return false;
    flags = ASN1_get_object(&p, &len, &got_tag, &got_class, from->len);
    if ((flags & 0x80) != 0 || (flags & 1) != 0 || got_tag != tag ||
        got_class != class)
        return false;
    content->bytes = p;
    content->len = len;
    from->len -= (long)(p - from->bytes) + len;
    from->bytes = p + len;
    return true;
}

/* A GeneralString with exactly this text. */
static bool
take_text(struct der *from, const char *text)
{
    struct der content;

    return take(from, V_ASN1_UNIVERSAL, V_ASN1_GENERALSTRING, &content) &&
           (size_t)content.len == strlen(text) &&
           memcmp(content.bytes, text, strlen(text)) == 0;
}

/*
 * KRB5PrincipalName ::= SEQUENCE {
 *     realm         [0] Realm,
 *     principalName [1] PrincipalName }
 * PrincipalName ::= SEQUENCE {
 *     name-type     [0] Int32,
 *     name-string   [1] SEQUENCE OF KerberosString }
 */
static bool
is_krbtgt(const ASN1_STRING *name, const char *realm)
{
    struct der whole = {ASN1_STRING_get0_data(name), ASN1_STRING_length(name)};
    struct der outer, field, inner, type, strings;
    const int context = V_ASN1_CONTEXT_SPECIFIC, plain = V_ASN1_UNIVERSAL;

    if (!take(&whole, plain, V_ASN1_SEQUENCE, &outer) || whole.len != 0 ||
        !take(&outer, context, 0, &field) || !take_text(&field, realm) ||
        field.len != 0)
        return false;
    if (!take(&outer, context, 1, &field) || outer.len != 0 ||
        !take(&field, plain, V_ASN1_SEQUENCE, &inner) || field.len != 0 ||
        !take(&inner, context, 0, &type))
        return false;
    return take(&inner, context, 1, &field) && inner.len == 0 &&
           take(&field, plain, V_ASN1_SEQUENCE, &strings) && field.len == 0 &&
           take_text(&strings, "krbtgt") && take_text(&strings, realm) &&
           strings.len == 0;
}

bool
cm_kdc_cert_names(const X509 *cert, const char *realm)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    const GENERAL_NAME *name;
    bool found = false;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_OTHERNAME &&
            is_oid(name->d.otherName->type_id, pkinit_san_oid) &&
            name->d.otherName->value->type == V_ASN1_SEQUENCE)
            found = found ||
                    is_krbtgt(name->d.otherName->value->value.sequence, realm);
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return found;
}
