#include "card_find.h"

#include <stdlib.h>
#include <string.h>

#define P11_KIT_FUTURE_UNSTABLE_API 1 /* that of URIs */
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "card_objects.h"
#include "card_tokens.h"

enum { MAX_MATCHES = 32, MAX_SHOWN = 4 };

/* One certificate that was found, and the URI that names it. */
struct match {
    uint8_t *der;
    size_t len;
    char *name;
};

struct find {
    P11KitUri *uri;
    struct cm_card_tokens tokens;
    struct match matches[MAX_MATCHES];
    size_t count;
    bool more;     /* than MAX_MATCHES */
    bool unusable; /* a match without its value */
    struct cm_buf *out;
};

/* Says why, once. */
static enum cm_card_end
fail(struct find *find, const char *what, const char *why)
{
    cm_buf_clear(find->out);
    cm_buf_add_text(find->out, what);
    if (why != NULL)
        cm_buf_add_text(find->out, why);
    return CM_CARD_FAILED;
}

/* ---- Certificates ---- */

/* A URI by which the certificate can be named alone; NULL: no memory. */
static char *
name_of(const struct cm_card_token *token, const struct cm_card_raw *raw)
{
    P11KitUri *uri = p11_kit_uri_new();
    CK_ATTRIBUTE label = {CKA_LABEL, raw->label, raw->label_len};
    CK_ATTRIBUTE id = {CKA_ID, raw->id, raw->id_len};
    CK_TOKEN_INFO *info;
    char *text = NULL;

    if (uri == NULL)
        return NULL;
    info = p11_kit_uri_get_token_info(uri);
    memset(info->label, ' ', sizeof(info->label));
    memcpy(info->label, token->label, strlen(token->label));
    if (label.ulValueLen > 0)
        (void)p11_kit_uri_set_attribute(uri, &label);
    if (id.ulValueLen > 0)
        (void)p11_kit_uri_set_attribute(uri, &id);
    if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, &text) !=
        P11_KIT_URI_OK)
        text = NULL;
    p11_kit_uri_free(uri);
    return text;
}

static bool
is_known(const struct find *find, const struct cm_card_raw *raw)
{
    for (size_t i = 0; i < find->count; i++) {
        if (find->matches[i].len == raw->der_len &&
            memcmp(find->matches[i].der, raw->der, raw->der_len) == 0)
            return true;
    }
    return false;
}

/* False: no memory. */
static bool
keep(struct find *find, const struct cm_card_token *token,
     const struct cm_card_raw *raw)
{
    char *name = name_of(token, raw);
    uint8_t *der = malloc(raw->der_len);

    if (der == NULL) {
        free(name);
        return false;
    }
    memcpy(der, raw->der, raw->der_len);
    find->matches[find->count].der = der;
    find->matches[find->count].len = raw->der_len;
    find->matches[find->count++].name = name;
    return true;
}

static void
take_object(void *arg, const struct cm_card_token *token,
            const struct cm_card_raw *raw)
{
    struct find *find = arg;

    if (raw->der == NULL)
        find->unusable = true;
    else if (is_known(find, raw))
        return;
    else if (find->count == MAX_MATCHES)
        find->more = true;
    else if (!keep(find, token, raw))
        find->unusable = find->more = true;
}

static enum cm_card_end
found(struct find *find)
{
    cm_buf_clear(find->out);
    cm_buf_add(find->out, find->matches[0].der, find->matches[0].len);
    return find->out->failed ? fail(find, "the certificate is too large", NULL)
                             : CM_CARD_FOUND;
}

static enum cm_card_end
several(struct find *find)
{
    cm_buf_clear(find->out);
    cm_buf_addf(find->out,
                "the URI matches %s%zu certificates; add id= or "
                "object= (and token=):",
                find->more ? "more than " : "", find->count);
    for (size_t i = 0; i < find->count && i < MAX_SHOWN; i++) {
        cm_buf_add_text(find->out, i == 0 ? " " : ", ");
        cm_buf_add_text(find->out, find->matches[i].name != NULL
                                       ? find->matches[i].name
                                       : "?");
    }
    if (find->count > MAX_SHOWN)
        cm_buf_add_text(find->out, ", ...");
    return CM_CARD_FAILED;
}

/* ---- Logging in ---- */

/* Nothing public matches: may the PIN of one token show more? */
static enum cm_card_end
judge_tokens(struct find *find, const struct cm_card_token **out)
{
    const struct cm_card_token *locked = NULL;
    size_t count = 0;

    for (size_t i = 0; i < find->tokens.count; i++) {
        if ((find->tokens.list[i].flags & CKF_LOGIN_REQUIRED) != 0) {
            locked = &find->tokens.list[i];
            count++;
        }
    }
    if (count == 0 || find->unusable)
        return fail(find, "no certificate matches the URI", NULL);
    if (count > 1)
        return fail(find,
                    "no public certificate matches the URI, and several "
                    "tokens have a PIN: add token=",
                    NULL);
    if ((locked->flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0)
        return fail(find,
                    "no public certificate matches the URI, and a PIN pad "
                    "cannot be used here",
                    NULL);
    if ((locked->flags & (CKF_USER_PIN_LOCKED | CKF_USER_PIN_FINAL_TRY)) != 0)
        return fail(find,
                    "no public certificate matches the URI, and the token's "
                    "PIN is blocked or has one try left",
                    NULL);
    *out = locked;
    cm_buf_clear(find->out);
    cm_buf_add_text(find->out, locked->label);
    return CM_CARD_LOCKED;
}

/* Its session stays open: what it may see, all of this process may. */
static bool
log_in(struct find *find, const struct cm_card_token *token, const char *pin)
{
    CK_UTF8CHAR copy[256];
    size_t len = strlen(pin);
    CK_SESSION_HANDLE session;
    CK_RV code;

    if (len > sizeof(copy)) {
        fail(find, "the PIN is too long", NULL);
        return false;
    }
    memcpy(copy, pin, len);
    code = token->module->C_OpenSession(token->slot, CKF_SERIAL_SESSION, NULL,
                                        NULL, &session);
    if (code == CKR_OK)
        code = token->module->C_Login(session, CKU_USER, copy, len);
    explicit_bzero(copy, sizeof(copy));
    if (code == CKR_OK || code == CKR_USER_ALREADY_LOGGED_IN)
        return true;
    fail(find, "the token does not take the PIN: ", p11_kit_strerror(code));
    return false;
}

/* CM_CARD_LOCKED: nothing matches. */
static enum cm_card_end
search(struct find *find)
{
    const char *fault = NULL;

    for (size_t i = 0; i < find->tokens.count && fault == NULL; i++)
        fault =
            cm_card_each(find->uri, &find->tokens.list[i], take_object, find);
    if (fault != NULL)
        return fail(find, "the PKCS#11 module: ", fault);
    if (find->count == 1 && !find->more)
        return found(find);
    return find->count > 1 ? several(find) : CM_CARD_LOCKED;
}

static enum cm_card_end
find_with_pin(struct find *find, const char *pin)
{
    const struct cm_card_token *token = NULL;
    enum cm_card_end end = judge_tokens(find, &token);

    if (end != CM_CARD_LOCKED || pin == NULL)
        return end;
    if (!log_in(find, token, pin))
        return CM_CARD_FAILED;
    end = search(find);
    return end == CM_CARD_LOCKED
               ? fail(find, "no certificate matches the URI", NULL)
               : end;
}

enum cm_card_end
cm_card_find(P11KitUri *uri, const char *pin, struct cm_buf *out)
{
    struct find find = {.uri = uri, .out = out};
    enum cm_card_end end;

    if (!cm_card_open_tokens(uri, &find.tokens, out) || find.tokens.incomplete)
        return CM_CARD_FAILED;
    end = search(&find);
    return end == CM_CARD_LOCKED ? find_with_pin(&find, pin) : end;
}
