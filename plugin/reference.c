#include "reference.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>

#include "der.h"

enum {
    INT32_OCTETS = 4,
    TAG = CM_DER_CONTEXT_CONSTRUCTED /* plus its number */
};

/* One element of e-data in either of its forms. */
struct element {
    int32_t type;
    struct cm_der value; /* empty if there is none */
};

/* The two forms differ in their tags, and in whether a value may be left
 * out. */
struct form {
    uint8_t type_tag;
    uint8_t value_tag;
    bool value_is_optional;
};

static const struct form typed_data = {TAG + 0, TAG + 1, true};
static const struct form method_data = {TAG + 1, TAG + 2, false};

bool
cm_reference_draw(char out[CM_REFERENCE_SIZE])
{
    static const char alphabet[] = CM_REFERENCE_ALPHABET;
    unsigned char random[CM_REFERENCE_LEN];

    out[0] = '\0';
    if (RAND_bytes(random, sizeof(random)) != 1) {
        ERR_clear_error();
        return false;
    }
    for (size_t i = 0; i < CM_REFERENCE_LEN; i++)
        out[i] = alphabet[random[i] % (sizeof(alphabet) - 1)];
    out[CM_REFERENCE_LEN] = '\0';
    return true;
}

/* ---- What people say ---- */

/* '\0': it is none of the alphabet. */
static char
meant_by(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c == 'O')
        return '0';
    if (c == 'I' || c == 'L')
        return '1';
    return c != '\0' && strchr(CM_REFERENCE_ALPHABET, c) != NULL ? c : '\0';
}

bool
cm_reference_read(const char *text, char out[CM_REFERENCE_SIZE])
{
    char read[CM_REFERENCE_SIZE] = "";
    size_t len = 0;
    char c;

    out[0] = '\0';
    for (; *text != '\0'; text++) {
        if (*text == ' ' || *text == '-')
            continue;
        c = meant_by(*text);
        if (c == '\0' || len == CM_REFERENCE_LEN)
            return false;
        read[len++] = c;
    }
    if (len != CM_REFERENCE_LEN)
        return false;
    memcpy(out, read, sizeof(read));
    return true;
}

/* ---- What a server sends ---- */

/* An INTEGER's octets: known to be minimal, since all of e-data is strict. */
static bool
read_int32(struct cm_der outer, int32_t *out)
{
    struct cm_der octets;
    uint32_t value;

    if (!cm_der_read_tag(&outer, CM_DER_INTEGER, &octets) || outer.len != 0 ||
        octets.len == 0 || octets.len > INT32_OCTETS)
        return false;
    value = octets.bytes[0] >= 0x80 ? UINT32_MAX : 0;
    for (size_t i = 0; i < octets.len; i++)
        value = value << 8 | octets.bytes[i];
    *out = value > INT32_MAX ? -(int32_t)(UINT32_MAX - value) - 1
                             : (int32_t)value;
    return true;
}

static bool
read_octets(struct cm_der outer, struct cm_der *out)
{
    return cm_der_read_tag(&outer, CM_DER_OCTET_STRING, out) && outer.len == 0;
}

static bool
read_element(struct cm_der *list, const struct form *form,
             struct element *element)
{
    struct cm_der inside, type, value;

    element->value = (struct cm_der){NULL, 0};
    if (!cm_der_read_tag(list, CM_DER_SEQUENCE, &inside) ||
        !cm_der_read_tag(&inside, form->type_tag, &type) ||
        !read_int32(type, &element->type))
        return false;
    if (inside.len == 0)
        return form->value_is_optional;
    return cm_der_read_tag(&inside, form->value_tag, &value) &&
           inside.len == 0 && read_octets(value, &element->value);
}

static bool
is_reference(const struct cm_der *value)
{
    static const char alphabet[] = CM_REFERENCE_ALPHABET;

    if (value->len != CM_REFERENCE_LEN)
        return false;
    for (size_t i = 0; i < value->len; i++) {
        if (memchr(alphabet, value->bytes[i], sizeof(alphabet) - 1) == NULL)
            return false;
    }
    return true;
}

/* All of the list is read, in one form, whatever it is about. */
static bool
find_in(struct cm_der list, const struct form *form, struct cm_der *found)
{
    struct element element;
    size_t count = 0, references = 0;

    while (list.len > 0) {
        if (count++ == CM_REFERENCE_MAX_ELEMENTS ||
            !read_element(&list, form, &element))
            return false;
        if (element.type != CM_REFERENCE_TYPE)
            continue;
        if (references++ > 0 || !is_reference(&element.value))
            return false;
        *found = element.value;
    }
    return references == 1;
}

bool
cm_reference_find(const uint8_t *e_data, size_t len,
                  char out[CM_REFERENCE_SIZE])
{
    struct cm_der whole = {e_data, len}, list, found = {NULL, 0};

    out[0] = '\0';
    if (e_data == NULL || len > CM_REFERENCE_MAX_ERROR_DATA ||
        !cm_der_is_strict(e_data, len) ||
        !cm_der_read_tag(&whole, CM_DER_SEQUENCE, &list))
        return false;
    if (!find_in(list, &typed_data, &found) &&
        !find_in(list, &method_data, &found))
        return false;
    memcpy(out, found.bytes, CM_REFERENCE_LEN);
    out[CM_REFERENCE_LEN] = '\0';
    return true;
}
