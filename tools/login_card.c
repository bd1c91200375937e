/*
 * Certificates on cards as candidates for a login.
 */
#include "login_identity.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define P11_KIT_FUTURE_UNSTABLE_API 1 /* that of URIs */
#include <p11-kit/uri.h>

#include "buf.h"
#include "card.h"
#include "card_uri.h"

const char *
cm_login_uri_fault(const char *text)
{
    struct cm_detail detail = {""};
    P11KitUri *uri = cm_card_uri_parse(text, &detail);
    bool has_pin = uri != NULL && p11_kit_uri_get_pin_value(uri) != NULL;

    p11_kit_uri_free(uri);
    return has_pin ? "a PIN in the URI is seen by everybody on this machine; "
                     "leave pin-value out, or name a file by pin-source"
                   : NULL;
}

/* ---- What each is called ---- */

/* libkrb5 splits its value at colons, and knows no way to write one. */
static bool
can_be_told(const char *text)
{
    return text[0] != '\0' && strchr(text, ':') == NULL;
}

/* Which token; false: libkrb5 cannot be told. */
static bool
add_token(struct cm_buf *value, const struct cm_card_object *card)
{
    if (card->slot <= INT_MAX)
        cm_buf_addf(value, ":slotid=%lu", card->slot);
    else if (can_be_told(card->token))
        cm_buf_addf(value, ":token=%s", card->token);
    else
        return false;
    return true;
}

static bool
add_certificate(struct cm_buf *value, const struct cm_card_object *card)
{
    if (card->id_len > 0) {
        cm_buf_add_text(value, ":certid=");
        cm_buf_add_hex(value, card->id, card->id_len);
    } else if (can_be_told(card->label)) {
        cm_buf_addf(value, ":certlabel=%s", card->label);
    } else {
        return false;
    }
    return true;
}

/* NULL: there is no such value, or no memory. */
static char *
krb5_value(const struct cm_card_object *card)
{
    struct cm_buf value = CM_BUF_INIT;
    bool ok = can_be_told(card->module);

    cm_buf_addf(&value, "PKCS11:module_name=%s", card->module);
    ok = ok && add_token(&value, card) && add_certificate(&value, card);
    if (ok)
        return cm_buf_take(&value);
    cm_buf_clear(&value);
    return NULL;
}

/* Copies the bytes, of which there are none where the object has no such. */
static bool
set_attribute(P11KitUri *uri, CK_ATTRIBUTE_TYPE type, const void *bytes,
              size_t len)
{
    uint8_t copy[CM_CARD_MAX_OBJECT_LABEL + 1];
    CK_ATTRIBUTE attribute = {type, copy, (CK_ULONG)len};

    if (len == 0)
        return true;
    if (len > sizeof(copy))
        return false;
    memcpy(copy, bytes, len);
    return p11_kit_uri_set_attribute(uri, &attribute) == P11_KIT_URI_OK;
}

/* Padded with blanks, in place of a NUL. */
static void
pad(unsigned char *out, size_t size, const char *text)
{
    memset(out, ' ', size);
    memcpy(out, text, strnlen(text, size));
}

static void
set_token(P11KitUri *uri, const struct cm_card_object *card)
{
    CK_TOKEN_INFO *info = p11_kit_uri_get_token_info(uri);

    pad(info->label, sizeof(info->label), card->token);
    if (card->serial[0] != '\0')
        pad(info->serialNumber, sizeof(info->serialNumber), card->serial);
}

/* The module that the user named: another one may not know the token. */
static void
set_module(P11KitUri *uri, const char *given)
{
    struct cm_detail detail;
    P11KitUri *from = given == NULL ? NULL : cm_card_uri_parse(given, &detail);

    if (from != NULL) {
        p11_kit_uri_set_module_path(uri, p11_kit_uri_get_module_path(from));
        p11_kit_uri_set_module_name(uri, p11_kit_uri_get_module_name(from));
        p11_kit_uri_set_pin_source(uri, p11_kit_uri_get_pin_source(from));
    }
    p11_kit_uri_free(from);
}

static char *
uri_value(const struct cm_card_object *card, const char *given)
{
    P11KitUri *uri = p11_kit_uri_new();
    char *text = NULL;

    if (uri == NULL)
        return NULL;
    set_token(uri, card);
    set_module(uri, given);
    if (!set_attribute(uri, CKA_ID, card->id, card->id_len) ||
        !set_attribute(uri, CKA_LABEL, card->label, strlen(card->label)) ||
        p11_kit_uri_format(uri, P11_KIT_URI_FOR_ANY, &text) != P11_KIT_URI_OK)
        text = NULL;
    p11_kit_uri_free(uri);
    return text;
}

static char *
place(const struct cm_card_object *card)
{
    struct cm_buf text = CM_BUF_INIT;

    cm_buf_add_text(&text, card->token);
    if (card->label[0] != '\0')
        cm_buf_addf(&text, "/%s", card->label);
    return cm_buf_take(&text);
}

/* ---- The list ---- */

/* Takes what the object owns.  False: no memory. */
static bool
take_object(struct cm_card_object *object, const char *given, int64_t now,
            struct cm_login_identity *out)
{
    struct cm_login_identity made = {.on_card = true, .card = *object};
    bool ok;

    memset(object, 0, sizeof(*object));
    ok = cm_login_identity_describe(&made, made.card.der, made.card.der_len,
                                    now);
    made.where = ok ? place(&made.card) : NULL;
    made.value = ok ? uri_value(&made.card, given) : NULL;
    made.krb5 = ok ? krb5_value(&made.card) : NULL;
    if (made.usable && made.krb5 == NULL) {
        made.usable = false;
        cm_detail_set(&made.why, "the module, the token or the certificate "
                                 "has no name that libkrb5 can be told");
    }
    *out = made;
    return ok && made.where != NULL;
}

/* The one of the same certificate that another module has shown; NULL: none.
 * In one module it is another object, perhaps without the key. */
static struct cm_login_identity *
find_twin(struct cm_login_identities *all, const struct cm_login_identity *one)
{
    const struct cm_card_object *card = &one->card, *other;

    for (size_t i = 0; i < all->count; i++) {
        other = &all->list[i].card;
        if (other->der_len == card->der_len &&
            memcmp(other->der, card->der, card->der_len) == 0 &&
            strcmp(other->module, card->module) != 0)
            return &all->list[i];
    }
    return NULL;
}

/* Two modules that know one reader show its certificates twice; either way
 * leads to the same key. */
static void
add_once(struct cm_login_identities *all, struct cm_login_identity *one)
{
    struct cm_login_identity *twin = find_twin(all, one), spare;

    if (twin == NULL) {
        all->list[all->count++] = *one;
        return;
    }
    spare = *one;
    if (!twin->usable && one->usable) {
        spare = *twin;
        *twin = *one;
    }
    cm_login_identity_clear(&spare);
}

bool
cm_login_cards_take(struct cm_card_objects *objects, const char *uri,
                    int64_t now, struct cm_login_identities *out)
{
    struct cm_login_identities all = {NULL, 0};
    struct cm_login_identity one;
    bool ok;

    memset(out, 0, sizeof(*out));
    all.list = calloc(objects->count + 1, sizeof(*all.list));
    ok = all.list != NULL;
    for (size_t i = 0; ok && i < objects->count; i++) {
        ok = take_object(&objects->list[i], uri, now, &one);
        if (ok)
            add_once(&all, &one);
        else
            cm_login_identity_clear(&one);
    }
    cm_card_objects_clear(objects);
    if (!ok) {
        cm_login_identities_clear(&all);
        return false;
    }
    *out = all;
    return true;
}

bool
cm_login_cards(const char *uri, int64_t now, struct cm_login_identities *out,
               struct cm_detail *detail)
{
    struct cm_card_objects objects = {NULL, 0};

    memset(out, 0, sizeof(*out));
    if (!cm_card_list(uri, CM_CARD_TIMEOUT_MS, &objects, detail))
        return false;
    if (cm_login_cards_take(&objects, uri, now, out))
        return true;
    cm_detail_set(detail, "out of memory");
    return false;
}
