#include "card_tokens.h"

#include <stdlib.h>
#include <string.h>

#define P11_KIT_FUTURE_UNSTABLE_API 1 /* that of URIs */
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

struct tokens {
    P11KitUri *uri;
    CK_FUNCTION_LIST *one[2]; /* the module that the URI says */
    CK_FUNCTION_LIST **modules;
    struct cm_card_tokens *out;
    struct cm_buf *why;
};

static void
fail(struct tokens *tokens, const char *what, const char *why)
{
    cm_buf_clear(tokens->why);
    cm_buf_add_text(tokens->why, what);
    cm_buf_add_text(tokens->why, why);
}

/* ---- Modules ---- */

static const char *
last_message(void)
{
    const char *text = p11_kit_message();

    return text != NULL ? text : "no reason given";
}

static bool
load_path(struct tokens *tokens, const char *path)
{
    CK_FUNCTION_LIST *module = p11_kit_module_load(path, 0);
    CK_RV code;

    if (module == NULL) {
        fail(tokens, "the PKCS#11 module cannot be loaded: ", last_message());
        return false;
    }
    code = p11_kit_module_initialize(module);
    if (code != CKR_OK) {
        fail(tokens,
             "the PKCS#11 module does not start: ", p11_kit_strerror(code));
        return false;
    }
    tokens->one[0] = module;
    tokens->modules = tokens->one;
    return true;
}

/* RFC 7512 section 2.3: the name of the file without "lib" and ".so". */
static bool
is_called(CK_FUNCTION_LIST *module, const char *name)
{
    char *own = p11_kit_module_get_name(module);
    char *file = p11_kit_module_get_filename(module);
    const char *base = file == NULL ? NULL : strrchr(file, '/');
    size_t len = strlen(name);
    bool same = own != NULL && strcmp(own, name) == 0;

    base = base != NULL ? base + 1 : file;
    if (base != NULL && strncmp(base, "lib", 3) == 0 &&
        strncmp(name, "lib", 3) != 0)
        base += 3;
    if (!same && base != NULL)
        same = strncmp(base, name, len) == 0 &&
               (base[len] == '\0' || base[len] == '.');
    free(own);
    free(file);
    return same;
}

/* What only says whom the system trusts is no card. */
static void
drop_trust_modules(CK_FUNCTION_LIST **modules)
{
    CK_FUNCTION_LIST **kept = modules;

    for (; *modules != NULL; modules++) {
        if ((p11_kit_module_get_flags(*modules) & P11_KIT_MODULE_TRUSTED) == 0)
            *kept++ = *modules;
    }
    *kept = NULL;
}

/* The system's modules, or the one of them with that name. */
static bool
load_system(struct tokens *tokens, const char *name)
{
    CK_FUNCTION_LIST **modules = p11_kit_modules_load_and_initialize(0);

    if (modules == NULL) {
        fail(tokens,
             "the system's PKCS#11 modules do not start: ", last_message());
        return false;
    }
    tokens->modules = modules;
    if (name == NULL) {
        drop_trust_modules(modules);
        return true;
    }
    for (; *modules != NULL; modules++) {
        if (!is_called(*modules, name))
            continue;
        tokens->one[0] = *modules;
        tokens->modules = tokens->one;
        return true;
    }
    fail(tokens,
         "module-name: the system's p11-kit configuration has no module ",
         name);
    return false;
}

static bool
load_modules(struct tokens *tokens)
{
    const char *path = p11_kit_uri_get_module_path(tokens->uri);
    const char *name = p11_kit_uri_get_module_name(tokens->uri);

    return path != NULL ? load_path(tokens, path) : load_system(tokens, name);
}

/* ---- Tokens ---- */

static void
read_token(CK_FUNCTION_LIST *module, CK_SLOT_ID slot,
           const CK_TOKEN_INFO *info, struct cm_card_token *out)
{
    size_t len = sizeof(info->label);

    out->module = module;
    out->slot = slot;
    out->flags = info->flags;
    while (len > 0 && info->label[len - 1] == ' ')
        len--;
    memcpy(out->label, info->label, len);
    out->label[len] = '\0';
}

/* Does the URI match the token in the slot?  One that cannot be read, or was
 * never given a PIN, matches nothing. */
static bool
is_meant(P11KitUri *uri, CK_FUNCTION_LIST *module, CK_SLOT_ID slot,
         CK_TOKEN_INFO *token)
{
    CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(uri);
    CK_SLOT_INFO info;

    memset(&info, 0, sizeof(info));
    memset(token, 0, sizeof(*token));
    return (wanted == (CK_SLOT_ID)-1 || wanted == slot) &&
           module->C_GetSlotInfo(slot, &info) == CKR_OK &&
           module->C_GetTokenInfo(slot, token) == CKR_OK &&
           (token->flags & CKF_TOKEN_INITIALIZED) != 0 &&
           p11_kit_uri_match_slot_info(uri, &info) == 1 &&
           p11_kit_uri_match_token_info(uri, token) == 1;
}

/* False: why is told. */
static bool
list_module(struct tokens *tokens, CK_FUNCTION_LIST *module)
{
    CK_SLOT_ID slots[CM_CARD_MAX_SLOTS];
    CK_ULONG count = CM_CARD_MAX_SLOTS;
    CK_TOKEN_INFO token;
    CK_INFO info;
    CK_RV code;

    memset(&info, 0, sizeof(info));
    if (module->C_GetInfo(&info) != CKR_OK ||
        p11_kit_uri_match_module_info(tokens->uri, &info) != 1)
        return true;
    code = module->C_GetSlotList(CK_TRUE, slots, &count);
    if (code != CKR_OK) {
        fail(tokens, "the PKCS#11 module: ", p11_kit_strerror(code));
        return false;
    }
    for (CK_ULONG i = 0; i < count && i < CM_CARD_MAX_SLOTS; i++) {
        if (!is_meant(tokens->uri, module, slots[i], &token))
            continue;
        if (tokens->out->count == CM_CARD_MAX_TOKENS) {
            fail(tokens, "too many tokens match the URI: ", "add token=");
            return false;
        }
        read_token(module, slots[i], &token,
                   &tokens->out->list[tokens->out->count++]);
    }
    return true;
}

bool
cm_card_open_tokens(P11KitUri *uri, struct cm_card_tokens *out,
                    struct cm_buf *why)
{
    struct tokens tokens = {.uri = uri, .out = out, .why = why};

    out->count = 0;
    if (!load_modules(&tokens))
        return false;
    for (CK_FUNCTION_LIST **p = tokens.modules; *p != NULL; p++) {
        if (!list_module(&tokens, *p))
            return false;
    }
    if (out->count > 0)
        return true;
    fail(&tokens, "no token matches the URI: ", "is the card inserted?");
    return false;
}
