#include "card_wire.h"

#include <stdlib.h>
#include <string.h>

#include "certificate.h"
#include "text.h"

enum {
    /* A text that was cut ends with three dots. */
    MAX_TEXT = CM_CARD_MAX_OBJECT_LABEL + sizeof("...") - 1
};

void
cm_card_object_clear(struct cm_card_object *object)
{
    free(object->der);
    free(object->module);
    free(object->token);
    free(object->serial);
    free(object->label);
    memset(object, 0, sizeof(*object));
}

void
cm_card_objects_clear(struct cm_card_objects *objects)
{
    for (size_t i = 0; i < objects->count; i++)
        cm_card_object_clear(&objects->list[i]);
    free(objects->list);
    objects->list = NULL;
    objects->count = 0;
}

char *
cm_card_clean(const void *text, size_t len)
{
    struct cm_buf out = CM_BUF_INIT;

    if (len <= CM_CARD_MAX_OBJECT_LABEL && cm_text_is_clean(text, len))
        cm_buf_add(&out, text, len);
    else
        cm_text_escape(&out, text, len, CM_CARD_MAX_OBJECT_LABEL);
    return cm_buf_take(&out);
}

bool
cm_card_module_is_usable(const char *path)
{
    size_t len = strlen(path);

    return len > 0 && len <= CM_CARD_MAX_MODULE && strchr(path, ':') == NULL &&
           cm_text_is_clean((const uint8_t *)path, len);
}

/* ---- Writing ---- */

static void
pack_object(const struct cm_card_object *object, struct cm_buf *out)
{
    uint64_t slot = object->slot;

    cm_pack_bytes(out, object->der, object->der_len);
    cm_pack_text(out, object->module);
    cm_pack_number(out, (uint32_t)(slot >> 32));
    cm_pack_number(out, (uint32_t)slot);
    cm_pack_text(out, object->token);
    cm_pack_text(out, object->serial);
    cm_pack_text(out, object->label);
    cm_pack_bytes(out, object->id, object->id_len);
    cm_pack_number(out, object->pin);
}

void
cm_card_pack(const struct cm_card_objects *objects, struct cm_buf *out)
{
    cm_pack_number(out, (uint32_t)objects->count);
    for (size_t i = 0; i < objects->count; i++)
        pack_object(&objects->list[i], out);
}

/* ---- Reading ---- */

static bool
unpack_text(struct cm_unpack *in, size_t max, char **out)
{
    const char *text;
    size_t len;

    if (!cm_unpack_bytes(in, &text, &len) || len > max)
        return false;
    *out = cm_text_dup_clean((const uint8_t *)text, len);
    return *out != NULL;
}

static bool
unpack_der(struct cm_unpack *in, struct cm_card_object *out)
{
    const char *bytes;
    size_t len;

    if (!cm_unpack_bytes(in, &bytes, &len) || len == 0 ||
        len > CM_CERT_MAX_DER)
        return false;
    out->der = malloc(len);
    if (out->der == NULL)
        return false;
    memcpy(out->der, bytes, len);
    out->der_len = len;
    return true;
}

static bool
unpack_id(struct cm_unpack *in, struct cm_card_object *out)
{
    const char *bytes;
    size_t len;

    if (!cm_unpack_bytes(in, &bytes, &len) || len > sizeof(out->id))
        return false;
    if (len > 0)
        memcpy(out->id, bytes, len);
    out->id_len = len;
    return true;
}

static bool
unpack_numbers(struct cm_unpack *in, uint32_t *high, uint32_t *low,
               unsigned long *out)
{
    uint64_t slot;

    if (!cm_unpack_number(in, high) || !cm_unpack_number(in, low))
        return false;
    slot = (uint64_t)*high << 32 | *low;
    *out = (unsigned long)slot;
    return *out == slot;
}

static bool
unpack_object(struct cm_unpack *in, struct cm_card_object *out)
{
    uint32_t high, low, pin = 0;

    if (!unpack_der(in, out) ||
        !unpack_text(in, CM_CARD_MAX_MODULE, &out->module) ||
        !cm_card_module_is_usable(out->module) ||
        !unpack_numbers(in, &high, &low, &out->slot) ||
        !unpack_text(in, MAX_TEXT, &out->token) ||
        !unpack_text(in, MAX_TEXT, &out->serial) ||
        !unpack_text(in, MAX_TEXT, &out->label) || !unpack_id(in, out) ||
        !cm_unpack_number(in, &pin) ||
        (pin & ~(uint32_t)CM_CARD_PIN_BITS) != 0)
        return false;
    out->pin = pin;
    return true;
}

bool
cm_card_unpack(struct cm_unpack *in, struct cm_card_objects *out)
{
    struct cm_card_objects objects = {NULL, 0};
    uint32_t count;
    bool ok;

    *out = objects;
    if (!cm_unpack_number(in, &count) || count > CM_CARD_MAX_OBJECTS)
        return false;
    objects.list = calloc(count > 0 ? count : 1, sizeof(*objects.list));
    ok = objects.list != NULL;
    while (ok && objects.count < count) {
        struct cm_card_object object = {0};

        ok = unpack_object(in, &object);
        objects.list[objects.count++] = object; /* perhaps a part of it */
    }
    if (ok && in->at == in->end) {
        *out = objects;
        return true;
    }
    cm_card_objects_clear(&objects);
    return false;
}
