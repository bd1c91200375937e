/*
 * The answer of the conversation is one octet, an enum cm_card_end, and what
 * belongs to it.
 */
#include "card.h"

#include <stdlib.h>
#include <string.h>

#define P11_KIT_FUTURE_UNSTABLE_API 1 /* that of URIs */
#include <p11-kit/uri.h>

#include "card_child.h"
#include "card_find.h"
#include "card_uri.h"
#include "ldap_connection.h"
#include "password.h"

/* ---- The child ---- */

struct question {
    P11KitUri *uri;
    const char *pin; /* NULL: nobody logs in */
};

static void
talk(void *arg, struct cm_buf *answer)
{
    const struct question *question = arg;
    struct cm_buf out = CM_BUF_INIT;
    enum cm_card_end end = cm_card_find(question->uri, question->pin, &out);

    cm_buf_add_char(answer, (char)end);
    if (!out.failed && out.len > 0)
        cm_buf_add(answer, out.data, out.len);
    cm_buf_clear(&out);
}

/* ---- The parent ---- */

/* False: no answer; detail says why. */
static bool
ask(P11KitUri *uri, const char *pin, int timeout_ms, struct cm_buf *out,
    struct cm_detail *detail)
{
    struct question question = {uri, pin};

    return cm_card_ask(talk, &question, timeout_ms, out, detail);
}

/* The PIN, into CM_LDAP_MAX_SECRET + 1 bytes that the caller wipes. */
static bool
find_pin(P11KitUri *uri, const char *label, char *out,
         struct cm_detail *detail)
{
    const char *value = p11_kit_uri_get_pin_value(uri);
    const char *source = p11_kit_uri_get_pin_source(uri);
    struct cm_detail why = {""}, prompt;

    if (value != NULL) {
        (void)stpcpy(out, value); /* cm_card_uri_parse() knows its length */
        return true;
    }
    if (source != NULL)
        return cm_ldap_read_secret(cm_card_pin_file(source), out, detail);
    cm_detail_set(&prompt, "PIN of the token %s", label);
    if (cm_password_ask(prompt.text, out, CM_CARD_MAX_PIN + 1, &why))
        return true;
    cm_detail_set(detail,
                  "no public certificate matches the URI, and the PIN of the "
                  "token \"%s\" is not known: %s",
                  label, why.text);
    return false;
}

/* Asks again with the PIN, where the first answer was that it may help. */
static bool
ask_with_pin(P11KitUri *uri, int timeout_ms, struct cm_buf *answer,
             struct cm_detail *detail)
{
    char pin[CM_LDAP_MAX_SECRET + 1];
    char *label = strndup(answer->data + 1, answer->len - 1);
    bool ok = false;

    cm_buf_clear(answer);
    if (label == NULL) {
        cm_detail_set(detail, "out of memory");
    } else if (find_pin(uri, label, pin, detail)) {
        ok = ask(uri, pin, timeout_ms, answer, detail);
    }
    explicit_bzero(pin, sizeof(pin));
    free(label);
    return ok;
}

static bool
take_answer(struct cm_buf *answer, uint8_t **der, size_t *len,
            struct cm_detail *detail)
{
    size_t size = answer->len - 1;

    if (answer->data[0] != (char)CM_CARD_FOUND) {
        cm_detail_set(detail, "%s",
                      size > 0 ? answer->data + 1 : "out of memory");
        return false;
    }
    *der = malloc(size > 0 ? size : 1);
    if (*der == NULL) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    memcpy(*der, answer->data + 1, size);
    *len = size;
    return true;
}

bool
cm_card_read(const char *text, int timeout_ms, uint8_t **der, size_t *len,
             struct cm_detail *detail)
{
    P11KitUri *uri = cm_card_uri_parse(text, detail);
    struct cm_buf answer = CM_BUF_INIT;
    bool ok;

    if (uri == NULL)
        return false;
    ok = ask(uri, NULL, timeout_ms, &answer, detail);
    if (ok && answer.data[0] == (char)CM_CARD_LOCKED)
        ok = ask_with_pin(uri, timeout_ms, &answer, detail);
    ok = ok && take_answer(&answer, der, len, detail);
    cm_buf_clear(&answer);
    p11_kit_uri_free(uri);
    return ok;
}
