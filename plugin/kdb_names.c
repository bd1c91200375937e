#include "kdb_names.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

static bool
take(enum cm_client_name_kind kind, enum cm_form form, const char *bytes,
     size_t len, struct cm_client_name *out)
{
    out->text = cm_text_dup_clean((const uint8_t *)bytes, len);
    if (out->text == NULL)
        return false;
    out->kind = kind;
    out->form = form;
    out->len = len;
    return true;
}

bool
cm_client_name_upn(const char *bytes, size_t len, struct cm_client_name *out)
{
    const char *at;

    memset(out, 0, sizeof(*out));
    if (len == 0 || len > CM_CLIENT_NAME_MAX)
        return false;
    at = memchr(bytes, '@', len);
    if (at == NULL || at == bytes || at == bytes + len - 1 ||
        memchr(at + 1, '@', len - (size_t)(at + 1 - bytes)) != NULL)
        return false;
    return take(CM_CLIENT_NAME_UPN, CM_FORM_NONE, bytes, len, out);
}

static bool
is_lower_hex(const char *digits, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (digits[i] >= 'A' && digits[i] <= 'F')
            return false;
    }
    return true; /* that they are digits was seen by the parser */
}

bool
cm_client_name_mapping(const char *bytes, size_t len,
                       struct cm_client_name *out)
{
    static const char start[] = "X509:<";
    struct cm_altsecid value;

    memset(out, 0, sizeof(*out));
    if (len > CM_CLIENT_NAME_MAX || len < sizeof(start) ||
        memcmp(bytes, start, sizeof(start) - 1) != 0)
        return false;
    cm_altsecid_parse(bytes, len, &value);
    if ((value.form != CM_FORM_ISSUER_SERIAL && value.form != CM_FORM_SKI) ||
        !is_lower_hex(value.other.data, value.other.len))
        return false;
    return take(CM_CLIENT_NAME_MAPPING, value.form, bytes, len, out);
}

void
cm_client_name_clear(struct cm_client_name *name)
{
    free(name->text);
    memset(name, 0, sizeof(*name));
}

bool
cm_principal_is_nobody(const struct cm_principal *principal)
{
    return principal->component_count == 2 &&
           strcmp(principal->components[0], CM_NOBODY_FIRST) == 0 &&
           strcmp(principal->components[1], CM_NOBODY_SECOND) == 0;
}
