#include "card_objects.h"

#include <stdbool.h>
#include <stdlib.h>

#define P11_KIT_FUTURE_UNSTABLE_API 1 /* that of URIs */
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "card_list.h"
#include "certificate.h"

enum { MAX_LABEL = 1024, PIECE = 64 };

/* The values of one object. */
struct values {
    uint8_t der[CM_CERT_MAX_DER];
    uint8_t label[MAX_LABEL];
    uint8_t id[CM_CARD_MAX_ID];
};

struct reader {
    CK_FUNCTION_LIST *module;
    CK_SESSION_HANDLE session;
    CK_RV code; /* the token's first failure */
    struct values *values;
};

/* ---- One object ---- */

/* Is it the object or the attribute that failed, and not the token? */
static bool
is_small(CK_RV code)
{
    return code == CKR_ATTRIBUTE_TYPE_INVALID ||
           code == CKR_ATTRIBUTE_VALUE_INVALID ||
           code == CKR_ATTRIBUTE_SENSITIVE || code == CKR_BUFFER_TOO_SMALL ||
           code == CKR_OBJECT_HANDLE_INVALID;
}

/* The length that was read into out; 0: no such value, or a longer one. */
static size_t
read_value(struct reader *reader, CK_OBJECT_HANDLE object,
           CK_ATTRIBUTE_TYPE type, void *out, size_t max)
{
    CK_ATTRIBUTE wanted = {type, out, max};
    CK_RV code = reader->module->C_GetAttributeValue(reader->session, object,
                                                     &wanted, 1);

    if (code != CKR_OK && !is_small(code) && reader->code == CKR_OK)
        reader->code = code;
    return code == CKR_OK && wanted.ulValueLen <= max ? wanted.ulValueLen : 0;
}

/* One that does not say its kind may be one. */
static bool
is_x509(struct reader *reader, CK_OBJECT_HANDLE object)
{
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    size_t len =
        read_value(reader, object, CKA_CERTIFICATE_TYPE, &type, sizeof(type));

    return len != sizeof(type) || type == CKC_X_509;
}

static void
read_object(struct reader *reader, CK_OBJECT_HANDLE object,
            struct cm_card_raw *out)
{
    struct values *values = reader->values;

    out->der_len = read_value(reader, object, CKA_VALUE, values->der,
                              sizeof(values->der));
    out->der = out->der_len > 0 ? values->der : NULL;
    out->label_len = read_value(reader, object, CKA_LABEL, values->label,
                                sizeof(values->label));
    out->label = values->label;
    out->id_len =
        read_value(reader, object, CKA_ID, values->id, sizeof(values->id));
    out->id = values->id;
}

/* ---- All of them ---- */

/* Finds at most max; their number. */
static size_t
find_handles(struct reader *reader, P11KitUri *uri, CK_OBJECT_HANDLE *out,
             size_t max)
{
    CK_ULONG count = 0, found = 1;
    CK_ATTRIBUTE *wanted = p11_kit_uri_get_attributes(uri, &count);
    size_t total = 0;

    reader->code =
        reader->module->C_FindObjectsInit(reader->session, wanted, count);
    if (reader->code != CKR_OK)
        return 0;
    while (reader->code == CKR_OK && found > 0 && total < max) {
        CK_ULONG room = max - total < PIECE ? max - total : PIECE;

        found = 0;
        reader->code = reader->module->C_FindObjects(
            reader->session, out + total, room, &found);
        if (found > room) /* it wrote behind the end, or lies */
            reader->code = CKR_GENERAL_ERROR;
        else
            total += found;
    }
    (void)reader->module->C_FindObjectsFinal(reader->session);
    return total;
}

static const char *
show_objects(struct reader *reader, P11KitUri *uri,
             const struct cm_card_token *token, cm_card_object_fn *fn,
             void *arg)
{
    CK_OBJECT_HANDLE handles[CM_CARD_MAX_HANDLES + 1];
    size_t count = find_handles(reader, uri, handles, CM_CARD_MAX_HANDLES + 1);
    struct cm_card_raw raw;

    if (count > CM_CARD_MAX_HANDLES)
        return "too many certificates on one token: add id= or object=";
    for (size_t i = 0; i < count && reader->code == CKR_OK; i++) {
        if (!is_x509(reader, handles[i]))
            continue;
        read_object(reader, handles[i], &raw);
        if (reader->code == CKR_OK)
            fn(arg, token, &raw);
    }
    return reader->code == CKR_OK ? NULL : p11_kit_strerror(reader->code);
}

const char *
cm_card_each(P11KitUri *uri, const struct cm_card_token *token,
             cm_card_object_fn *fn, void *arg)
{
    struct reader reader = {.module = token->module};
    const char *fault;
    CK_RV code;

    reader.values = malloc(sizeof(*reader.values));
    if (reader.values == NULL)
        return "out of memory";
    code = token->module->C_OpenSession(token->slot, CKF_SERIAL_SESSION, NULL,
                                        NULL, &reader.session);
    if (code == CKR_OK) {
        fault = show_objects(&reader, uri, token, fn, arg);
        (void)token->module->C_CloseSession(reader.session);
    } else {
        fault = p11_kit_strerror(code);
    }
    free(reader.values);
    return fault;
}
