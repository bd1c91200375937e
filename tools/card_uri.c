#include "card_uri.h"

#include <string.h>
#include <strings.h>

#define P11_KIT_FUTURE_UNSTABLE_API 1 /* that of URIs: as it is since 2010 */
#include <p11-kit/uri.h>

#include "card.h"

bool
cm_card_is_uri(const char *text)
{
    /* Schemes fold case (RFC 3986 section 3.1). */
    return strncasecmp(text, "pkcs11:", strlen("pkcs11:")) == 0;
}

/* Certificates, or what can still become one. */
static bool
wants_certificate(P11KitUri *uri)
{
    const CK_ATTRIBUTE *class = p11_kit_uri_get_attribute(uri, CKA_CLASS);

    return class == NULL ||
           (class->ulValueLen == sizeof(CK_OBJECT_CLASS) &&
            *(const CK_OBJECT_CLASS *)class->pValue == CKO_CERTIFICATE);
}

static bool
set_class(P11KitUri *uri)
{
    CK_OBJECT_CLASS value = CKO_CERTIFICATE;
    CK_ATTRIBUTE class = {CKA_CLASS, &value, sizeof(value)};

    return p11_kit_uri_set_attribute(uri, &class) == P11_KIT_URI_OK;
}

const char *
cm_card_pin_file(const char *pin_source)
{
    if (strncasecmp(pin_source, "file:", strlen("file:")) == 0)
        pin_source += strlen("file:");
    if (strncmp(pin_source, "///", 3) == 0)
        pin_source += 2;
    return *pin_source == '/' ? pin_source : NULL;
}

/* The next attribute of the path or the query; NULL: none is left. */
static const char *
next_attribute(const char *p)
{
    p = strpbrk(p, ";?&");
    return p == NULL ? NULL : p + 1;
}

static size_t
name_length(const char *attribute)
{
    return strcspn(attribute, "=;?&");
}

/* Of two of a name, p11-kit takes the last. */
static bool
has_twins(const char *text)
{
    size_t len;

    for (const char *p = text; p != NULL; p = next_attribute(p)) {
        len = name_length(p);
        for (const char *q = next_attribute(p); q != NULL;
             q = next_attribute(q)) {
            if (len > 0 && name_length(q) == len && memcmp(p, q, len) == 0)
                return true;
        }
    }
    return false;
}

/* p11-kit takes any name after "?" for a vendor's. */
static bool
knows_query(const char *text)
{
    static const char *const names[] = {"module-name", "module-path",
                                        "pin-source", "pin-value"};
    const char *p = strchr(text, '?');
    bool known = true;

    p = p == NULL ? NULL : p + 1;
    for (; known && p != NULL; p = next_attribute(p)) {
        known = false;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            known = known || (strlen(names[i]) == name_length(p) &&
                              memcmp(p, names[i], strlen(names[i])) == 0);
    }
    return known;
}

static const char *
find_fault(P11KitUri *uri, const char *text)
{
    const char *source = p11_kit_uri_get_pin_source(uri);
    const char *value = p11_kit_uri_get_pin_value(uri);

    if (p11_kit_uri_any_unrecognized(uri) || !knows_query(text))
        return "an attribute is none of RFC 7512's, or its value is none";
    if (has_twins(strchr(text, ':') + 1))
        return "an attribute is given twice";
    if (!wants_certificate(uri))
        return "it names another kind of object; leave type out, or write "
               "type=cert";
    if (source != NULL && value != NULL)
        return "pin-source and pin-value: one of them";
    if (source != NULL && cm_card_pin_file(source) == NULL)
        return "pin-source: a file, with its whole path";
    if (value != NULL && (*value == '\0' || strlen(value) > CM_CARD_MAX_PIN))
        return "pin-value: empty or too long";
    if (p11_kit_uri_get_module_path(uri) != NULL &&
        p11_kit_uri_get_module_name(uri) != NULL)
        return "module-path and module-name: one of them";
    return set_class(uri) ? NULL : "out of memory";
}

P11KitUri *
cm_card_uri_parse(const char *text, struct cm_detail *detail)
{
    P11KitUri *uri =
        strlen(text) <= CM_CARD_MAX_URI ? p11_kit_uri_new() : NULL;
    const char *fault = "too long, or out of memory";
    int code;

    if (uri != NULL) {
        code = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri);
        fault = code == P11_KIT_URI_OK ? find_fault(uri, text)
                                       : p11_kit_uri_message(code);
        if (fault == NULL)
            return uri;
    }
    p11_kit_uri_free(uri);
    cm_detail_set(detail, "the PKCS#11 URI cannot be used: %s", fault);
    return NULL;
}
