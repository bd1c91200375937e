/* The certificates of an NTAuth list, and how they are named. */
#include "ntauth_command.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "instant.h"
#include "strength.h"
#include "timetext.h"
#include "trusted.h"

static void
clear_item(struct cm_ntauth_item *item)
{
    X509_free(item->x509);
    free(item->der);
    free(item->where);
    memset(item, 0, sizeof(*item));
}

void
cm_ntauth_items_clear(struct cm_ntauth_items *items)
{
    for (size_t i = 0; i < items->count; i++)
        clear_item(&items->list[i]);
    free(items->list);
    memset(items, 0, sizeof(*items));
}

/* NULL: it is not one certificate and nothing else. */
static X509 *
decode(const uint8_t *der, size_t len)
{
    const uint8_t *p = der;
    X509 *x509 = d2i_X509(NULL, &p, (long)len);

    ERR_clear_error();
    if (x509 != NULL && p == der + len)
        return x509;
    X509_free(x509);
    return NULL;
}

static bool
make_item(struct cm_ntauth_item *item, const uint8_t *der, size_t len,
          const char *where)
{
    memset(item, 0, sizeof(*item));
    item->der = malloc(len > 0 ? len : 1);
    item->where = where == NULL ? NULL : strdup(where);
    if (item->der == NULL || (where != NULL && item->where == NULL))
        return false;
    if (len > 0)
        memcpy(item->der, der, len);
    item->len = len;
    item->x509 = decode(item->der, len);
    return EVP_Digest(der, len, item->sha256, NULL, EVP_sha256(), NULL) == 1 &&
           EVP_Digest(der, len, item->sha512, NULL, EVP_sha512(), NULL) == 1 &&
           (item->x509 == NULL ||
            cm_trusted_spki(item->x509, item->spki_sha256));
}

bool
cm_ntauth_items_add(struct cm_ntauth_items *items, const uint8_t *der,
                    size_t len, const char *where)
{
    struct cm_ntauth_item item, *list;

    list = make_item(&item, der, len, where)
               ? reallocarray(items->list, items->count + 1, sizeof(*list))
               : NULL;
    if (list == NULL) {
        clear_item(&item);
        return false;
    }
    list[items->count] = item;
    items->list = list;
    items->count++;
    return true;
}

bool
cm_ntauth_items_add_x509(struct cm_ntauth_items *items, X509 *x509,
                         const char *where)
{
    uint8_t *der = NULL;
    int len = i2d_X509(x509, &der);
    bool ok = len > 0 && cm_ntauth_items_add(items, der, (size_t)len, where);

    OPENSSL_free(der);
    return ok;
}

const struct cm_ntauth_item *
cm_ntauth_items_find(const struct cm_ntauth_items *items,
                     const uint8_t sha256[32])
{
    for (size_t i = 0; i < items->count; i++) {
        if (memcmp(items->list[i].sha256, sha256, 32) == 0)
            return &items->list[i];
    }
    return NULL;
}

size_t
cm_ntauth_items_distinct(const struct cm_ntauth_items *items)
{
    size_t count = 0;

    for (size_t i = 0; i < items->count; i++) {
        const struct cm_ntauth_item *item = &items->list[i];

        if (item->x509 != NULL &&
            cm_ntauth_items_find(items, item->sha256) == item)
            count++;
    }
    return count;
}

bool
cm_ntauth_print_parse(const char *text, struct cm_ntauth_print *out)
{
    char digits[2 * sizeof(out->bytes) + 1];
    size_t len = 0;

    for (; *text != '\0'; text++) {
        /* As openssl x509 -fingerprint writes it. */
        if (*text == ':' && len > 0 && len % 2 == 0 && text[1] != ':' &&
            text[1] != '\0')
            continue;
        if (len + 1 == sizeof(digits))
            return false;
        digits[len++] = *text;
    }
    return cm_hex_decode(digits, len, out->bytes, sizeof(out->bytes),
                         &out->len) &&
           (out->len == 32 || out->len == 64);
}

bool
cm_ntauth_print_names(const struct cm_ntauth_print *print,
                      const struct cm_ntauth_item *item)
{
    if (print->len == sizeof(item->sha512))
        return memcmp(print->bytes, item->sha512, print->len) == 0;
    return memcmp(print->bytes, item->sha256, print->len) == 0 ||
           (item->x509 != NULL &&
            memcmp(print->bytes, item->spki_sha256, print->len) == 0);
}

/* False: outside its validity, and not wanted anyway. */
static bool
fits_time(X509 *x509, int64_t now, bool anyway, struct cm_detail *warning,
          struct cm_detail *detail)
{
    char text[CM_TIME_TEXT];
    int64_t from, until;

    if (!cm_instant_read(X509_get0_notBefore(x509), &from) ||
        !cm_instant_read(X509_get0_notAfter(x509), &until)) {
        cm_detail_set(detail, "its validity period cannot be read");
        return false;
    }
    cm_time_text(until < now ? until : from, text);
    if (until < now && !anyway) {
        cm_detail_set(detail,
                      "it expired at %s; with --anyway it is taken for its "
                      "key, which is what is compared",
                      text);
        return false;
    }
    if (until < now)
        cm_detail_set(warning, "it expired at %s", text);
    else if (from > now)
        cm_detail_set(warning, "it is not valid before %s", text);
    return true;
}

bool
cm_ntauth_item_fits(const struct cm_ntauth_item *item, int min_rsa_bits,
                    int64_t now, bool anyway, struct cm_detail *warning,
                    struct cm_detail *detail)
{
    enum { CA_BY_BASIC_CONSTRAINTS = 1 };

    warning->text[0] = '\0';
    if (item->x509 == NULL) {
        cm_detail_set(detail, "it cannot be decoded");
        return false;
    }
    if (X509_check_ca(item->x509) != CA_BY_BASIC_CONSTRAINTS) {
        cm_detail_set(detail, "it is not a CA certificate");
        return false;
    }
    /* Nobody verifies what a root says about itself. */
    if (!cm_strength_key(item->x509, min_rsa_bits, detail) ||
        ((X509_get_extension_flags(item->x509) & EXFLAG_SS) == 0 &&
         !cm_strength_signature(item->x509, detail)))
        return false;
    return fits_time(item->x509, now, anyway, warning, detail);
}
