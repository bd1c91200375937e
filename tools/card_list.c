/*
 * The answer of the conversation is one number, and the list or, as text, why
 * there is none.
 */
#include "card_list.h"

#include <stdlib.h>
#include <string.h>

#define P11_KIT_FUTURE_UNSTABLE_API 1 /* that of URIs */
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "card_child.h"
#include "card_objects.h"
#include "card_pin.h"
#include "card_uri.h"
#include "card_wire.h"

enum { LISTED = 1, FAILED = 2 };

/* ---- The child ---- */

struct lister {
    P11KitUri *uri;
    struct cm_card_tokens tokens;
    char *module; /* of the token that is read */
    struct cm_card_objects objects;
    const char *fault; /* of the token that is read; NULL: none */
    bool too_many;
    struct cm_buf why; /* of what was passed over */
};

static bool
is_same_token(const struct cm_card_object *a, const struct cm_card_object *b)
{
    if (a->slot == b->slot && strcmp(a->module, b->module) == 0)
        return true;
    /* The same card, shown by two modules. */
    return a->serial[0] != '\0' && strcmp(a->serial, b->serial) == 0 &&
           strcmp(a->token, b->token) == 0;
}

static bool
is_listed(const struct cm_card_objects *objects,
          const struct cm_card_object *object)
{
    const struct cm_card_object *other;

    for (size_t i = 0; i < objects->count; i++) {
        other = &objects->list[i];
        if (other->der_len == object->der_len &&
            memcmp(other->der, object->der, object->der_len) == 0 &&
            other->id_len == object->id_len &&
            memcmp(other->id, object->id, object->id_len) == 0 &&
            is_same_token(other, object))
            return true;
    }
    return false;
}

static bool
make_object(const struct lister *lister, const struct cm_card_token *token,
            const struct cm_card_raw *raw, struct cm_card_object *out)
{
    memset(out, 0, sizeof(*out));
    out->der = malloc(raw->der_len);
    out->module = strdup(lister->module);
    out->token = cm_card_clean(token->label, strlen(token->label));
    out->serial = cm_card_clean(token->serial, strlen(token->serial));
    out->label = cm_card_clean(raw->label, raw->label_len);
    if (out->der == NULL || out->module == NULL || out->token == NULL ||
        out->serial == NULL || out->label == NULL)
        return false;
    memcpy(out->der, raw->der, raw->der_len);
    out->der_len = raw->der_len;
    memcpy(out->id, raw->id, raw->id_len);
    out->id_len = raw->id_len;
    out->slot = token->slot;
    out->pin = cm_card_pin_state(token->flags);
    return true;
}

static void
take_object(void *arg, const struct cm_card_token *token,
            const struct cm_card_raw *raw)
{
    struct lister *lister = arg;
    struct cm_card_objects *objects = &lister->objects;
    struct cm_card_object object;

    if (raw->der == NULL || lister->fault != NULL)
        return;
    if (!make_object(lister, token, raw, &object)) {
        lister->fault = "out of memory";
    } else if (is_listed(objects, &object)) {
        ;
    } else if (objects->count == CM_CARD_MAX_OBJECTS) {
        lister->too_many = true;
    } else {
        objects->list[objects->count++] = object;
        return;
    }
    cm_card_object_clear(&object);
}

/* What is there of a token that failed is not listed either. */
static void
list_token(struct lister *lister, const struct cm_card_token *token)
{
    size_t before = lister->objects.count;
    const char *fault;

    lister->fault = NULL;
    lister->module = p11_kit_module_get_filename(token->module);
    if (lister->module == NULL || !cm_card_module_is_usable(lister->module))
        fault = "libkrb5 cannot be told its path";
    else
        fault = cm_card_each(lister->uri, token, take_object, lister);
    fault = fault != NULL ? fault : lister->fault;
    free(lister->module);
    if (fault == NULL)
        return;
    while (lister->objects.count > before)
        cm_card_object_clear(&lister->objects.list[--lister->objects.count]);
    cm_buf_clear(&lister->why);
    cm_buf_add_text(&lister->why, "the PKCS#11 module: ");
    cm_buf_add_text(&lister->why, fault);
}

/* False: why tells the reason. */
static bool
list_tokens(struct lister *lister)
{
    lister->objects.list =
        calloc(CM_CARD_MAX_OBJECTS, sizeof(*lister->objects.list));
    if (lister->objects.list == NULL) {
        cm_buf_add_text(&lister->why, "out of memory");
        return false;
    }
    if (!cm_card_open_tokens(lister->uri, &lister->tokens, &lister->why))
        return false;
    for (size_t i = 0; i < lister->tokens.count && !lister->too_many; i++)
        list_token(lister, &lister->tokens.list[i]);
    if (lister->too_many) {
        cm_buf_clear(&lister->why);
        cm_buf_addf(&lister->why,
                    "more than %d certificates: name the token or the "
                    "certificate by a PKCS#11 URI",
                    CM_CARD_MAX_OBJECTS);
        return false;
    }
    return lister->objects.count > 0 || lister->why.len == 0;
}

static void
talk(void *arg, struct cm_buf *answer)
{
    struct lister lister = {.uri = arg};

    if (list_tokens(&lister)) {
        cm_pack_number(answer, LISTED);
        cm_card_pack(&lister.objects, answer);
    }
    if (answer->len > 0 && !answer->failed)
        return;
    cm_buf_clear(answer);
    cm_pack_number(answer, FAILED);
    cm_pack_bytes(answer, lister.why.data, lister.why.len);
}

/* ---- The parent ---- */

static bool
take_answer(const struct cm_buf *answer, struct cm_card_objects *out,
            struct cm_detail *detail)
{
    struct cm_unpack in = {(const uint8_t *)answer->data,
                           (const uint8_t *)answer->data + answer->len};
    uint32_t end;
    char *why;

    cm_detail_set(detail, "the PKCS#11 module's answer is damaged");
    if (!cm_unpack_number(&in, &end))
        return false;
    if (end == LISTED)
        return cm_card_unpack(&in, out);
    why = end == FAILED ? cm_unpack_text(&in) : NULL;
    if (why != NULL)
        cm_detail_set(detail, "%s",
                      *why != '\0' ? why : "the certificates are too large");
    free(why);
    return false;
}

bool
cm_card_list(const char *text, int timeout_ms, struct cm_card_objects *out,
             struct cm_detail *detail)
{
    struct cm_buf answer = CM_BUF_INIT;
    P11KitUri *uri;
    bool ok;

    memset(out, 0, sizeof(*out));
    uri = cm_card_uri_parse(text != NULL ? text : "pkcs11:", detail);
    if (uri == NULL)
        return false;
    ok = cm_card_ask(talk, uri, timeout_ms, &answer, detail) &&
         take_answer(&answer, out, detail);
    cm_buf_clear(&answer);
    p11_kit_uri_free(uri);
    return ok;
}
