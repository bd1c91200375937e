/*
 * Which account a certificate belongs to: keys.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <ldap.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include "populate.h"
#include "text.h"

static const struct {
    const char *name;
    enum cm_match_field field;
} fields[] = {
    {"upn", CM_FIELD_UPN},   {"upn-name", CM_FIELD_UPN_NAME},
    {"mail", CM_FIELD_MAIL}, {"cn", CM_FIELD_CN},
    {"uid", CM_FIELD_UID},   {"serial-number", CM_FIELD_SERIAL_NUMBER},
};

static bool
is_attribute(const char *text, size_t len)
{
    if (len == 0 || !isalpha((unsigned char)text[0]))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)text[i]) && text[i] != '-')
            return false;
    }
    return true;
}

static bool
parse_attribute(const char *text, struct cm_match_rule *out,
                struct cm_detail *detail)
{
    const char *equals = strchr(text, '=');
    size_t i = 0, count = sizeof(fields) / sizeof(fields[0]);

    if (equals != NULL) {
        while (i < count && strcmp(fields[i].name, equals + 1) != 0)
            i++;
    }
    if (equals == NULL || i == count ||
        !is_attribute(text, (size_t)(equals - text))) {
        cm_detail_set(detail,
                      "--match %.100s: allowed are upn, mail, and "
                      "ATTRIBUTE=FIELD, where FIELD is upn, upn-name, mail, "
                      "cn, uid or serial-number",
                      text);
        return false;
    }
    out->kind = CM_MATCH_ATTRIBUTE;
    out->field = fields[i].field;
    out->attribute = strndup(text, (size_t)(equals - text));
    return true;
}

bool
cm_match_parse(const char *text, struct cm_match_rule *out,
               struct cm_detail *detail)
{
    memset(out, 0, sizeof(*out));
    if (strcmp(text, "upn") == 0) {
        out->kind = CM_MATCH_UPN;
        return true;
    }
    if (strcmp(text, "mail") == 0) {
        out->kind = CM_MATCH_MAIL;
        out->field = CM_FIELD_MAIL;
        out->attribute = strdup("mail");
    } else if (!parse_attribute(text, out, detail)) {
        return false;
    }
    if (out->attribute == NULL)
        cm_detail_set(detail, "out of memory");
    return out->attribute != NULL;
}

void
cm_match_clear(struct cm_match_rule *rule)
{
    free(rule->attribute);
    memset(rule, 0, sizeof(*rule));
}

char *
cm_key_fold(const char *text, size_t len)
{
    char *key = strndup(text, len);

    for (char *p = key; p != NULL && *p != '\0'; p++) {
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    }
    return key;
}

static int
compare_parts(const void *a, const void *b)
{
    const LDAPAVA *one = *(LDAPAVA *const *)a, *other = *(LDAPAVA *const *)b;
    ber_len_t len = one->la_attr.bv_len < other->la_attr.bv_len
                        ? one->la_attr.bv_len
                        : other->la_attr.bv_len;
    int order =
        strncasecmp(one->la_attr.bv_val, other->la_attr.bv_val, (size_t)len);

    if (order != 0 || one->la_attr.bv_len == other->la_attr.bv_len)
        return order;
    return one->la_attr.bv_len < other->la_attr.bv_len ? -1 : 1;
}

/* The parts of one RDN are a set (RFC 4512 section 2.3.1), and 389-DS gives
 * them in an order of its own. */
static void
sort_parts(LDAPDN dn)
{
    for (size_t i = 0; dn != NULL && dn[i] != NULL; i++) {
        size_t count = 0;

        while (dn[i][count] != NULL)
            count++;
        qsort(dn[i], count, sizeof(*dn[i]), compare_parts);
    }
}

char *
cm_key_dn(const char *dn)
{
    LDAPDN parsed = NULL;
    char *text = NULL, *key = NULL;

    if (ldap_str2dn(dn, &parsed, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
        return NULL;
    sort_parts(parsed);
    if (ldap_dn2str(parsed, &text, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS)
        key = cm_key_fold(text, strlen(text));
    ldap_memfree(text);
    ldap_dnfree(parsed);
    return key;
}

static char *
key_of_upn(const struct cm_certificate *cert, bool name_only, const char **why)
{
    switch (cert->upn_state) {
    case CM_PRESENT:
        return cm_key_fold(cert->upn, name_only ? strcspn(cert->upn, "@")
                                                : strlen(cert->upn));
    case CM_ABSENT:
        *why = "the certificate has no UPN";
        return NULL;
    case CM_FAULTY:
        break;
    }
    *why = "the certificate's UPN is damaged, or it has two";
    return NULL;
}

static char *
key_of_mail(const struct cm_certificate *cert, const char **why)
{
    if (cert->rfc822.count == 1 && !cert->rfc822_faulty)
        return cm_key_fold(cert->rfc822.items[0],
                           strlen(cert->rfc822.items[0]));
    *why = cert->rfc822.count == 0 ? "the certificate has no mail address"
                                   : "the certificate has several mail "
                                     "addresses, or a damaged one";
    return NULL;
}

static char *
key_of_subject(const struct cm_certificate *cert, int nid, const char **why)
{
    const X509_NAME *name = X509_get_subject_name(cert->x509);
    int at = X509_NAME_get_index_by_NID(name, nid, -1);
    unsigned char *bytes = NULL;
    char *text = NULL, *key = NULL;
    int len;

    *why = "the certificate's subject has no such part";
    if (at < 0)
        return NULL;
    *why = "the certificate's subject has it twice, or damaged";
    if (X509_NAME_get_index_by_NID(name, nid, at) >= 0)
        return NULL;
    len = ASN1_STRING_to_UTF8(
        &bytes, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (len > 0)
        text = cm_text_dup_clean(bytes, (size_t)len);
    OPENSSL_free(bytes);
    if (text != NULL)
        key = cm_key_fold(text, strlen(text));
    free(text);
    return key;
}

static char *
key_of_field(enum cm_match_field field, const struct cm_certificate *cert,
             const char **why)
{
    switch (field) {
    case CM_FIELD_UPN:
        return key_of_upn(cert, false, why);
    case CM_FIELD_UPN_NAME:
        return key_of_upn(cert, true, why);
    case CM_FIELD_MAIL:
        return key_of_mail(cert, why);
    case CM_FIELD_CN:
        return key_of_subject(cert, NID_commonName, why);
    case CM_FIELD_UID:
        return key_of_subject(cert, NID_userId, why);
    case CM_FIELD_SERIAL_NUMBER:
        return key_of_subject(cert, NID_serialNumber, why);
    }
    return NULL;
}

char *
cm_match_key(const struct cm_match_rule *rule,
             const struct cm_certificate *cert, const char **why)
{
    *why = NULL;
    switch (rule->kind) {
    case CM_MATCH_UPN:
        return key_of_field(CM_FIELD_UPN, cert, why);
    case CM_MATCH_MAIL:
    case CM_MATCH_ATTRIBUTE:
        return key_of_field(rule->field, cert, why);
    case CM_MATCH_NONE:
    case CM_MATCH_PRINCIPAL:
    case CM_MATCH_DN:
        break;
    }
    *why = "nothing says whose it is";
    return NULL;
}
