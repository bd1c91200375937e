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
fail(struct cm_buf *out, const char *what, const char *why)
{
    cm_buf_clear(out);
    cm_buf_add_text(out, what);
    cm_buf_add_text(out, why);
}

/* ---- Modules ---- */

static const char *
last_message(void)
{
    const char *text = p11_kit_message();

    return text != NULL ? text : "no reason given";
}

CK_FUNCTION_LIST *
cm_card_load_module(const char *path, struct cm_buf *why)
{
    CK_FUNCTION_LIST *module = p11_kit_module_load(path, 0);
    CK_RV code;

    if (module == NULL) {
        fail(why, "the PKCS#11 module cannot be loaded: ", last_message());
        return NULL;
    }
    code = p11_kit_module_initialize(module);
    if (code == CKR_OK)
        return module;
    fail(why, "the PKCS#11 module does not start: ", p11_kit_strerror(code));
    return NULL;
}

static bool
load_path(struct tokens *tokens, const char *path)
{
    tokens->one[0] = cm_card_load_module(path, tokens->why);
    tokens->modules = tokens->one;
    return tokens->one[0] != NULL;
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
        fail(tokens->why,
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
    fail(tokens->why,
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

/* To the first NUL, without the spaces at the end. */
static void
copy_padded(char *out, const CK_UTF8CHAR *text, size_t size)
{
    size_t len = strnlen((const char *)text, size);

    while (len > 0 && text[len - 1] == ' ')
        len--;
    memcpy(out, text, len);
    out[len] = '\0';
}

static void
keep_token(CK_FUNCTION_LIST *module, CK_SLOT_ID slot,
           const CK_TOKEN_INFO *info, struct cm_card_token *out)
{
    out->module = module;
    out->slot = slot;
    out->flags = info->flags;
    copy_padded(out->label, info->label, sizeof(info->label));
    copy_padded(out->serial, info->serialNumber, sizeof(info->serialNumber));
}

bool
cm_card_read_token(CK_FUNCTION_LIST *module, unsigned long slot,
                   struct cm_card_token *out)
{
    CK_TOKEN_INFO info;

    memset(&info, 0, sizeof(info));
    if (module->C_GetTokenInfo(slot, &info) != CKR_OK)
        return false;
    keep_token(module, slot, &info, out);
    return true;
}

/* Is it a slot that the URI means? */
static bool
is_meant_slot(P11KitUri *uri, CK_FUNCTION_LIST *module, CK_SLOT_ID slot)
{
    CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(uri);
    CK_SLOT_INFO info;

    memset(&info, 0, sizeof(info));
    return (wanted == (CK_SLOT_ID)-1 || wanted == slot) &&
           module->C_GetSlotInfo(slot, &info) == CKR_OK &&
           p11_kit_uri_match_slot_info(uri, &info) == 1;
}

/* Does the URI match the token in the slot?  One that cannot be read matches
 * nothing: why says so, in case that there is no other.  Nor does one that
 * nobody ever set up. */
static bool
is_meant(struct tokens *tokens, CK_FUNCTION_LIST *module, CK_SLOT_ID slot,
         CK_TOKEN_INFO *token)
{
    CK_RV code;

    memset(token, 0, sizeof(*token));
    if (!is_meant_slot(tokens->uri, module, slot))
        return false;
    code = module->C_GetTokenInfo(slot, token);
    if (code != CKR_OK && code != CKR_TOKEN_NOT_PRESENT)
        fail(tokens->why,
             "the card in a reader cannot be read: ", p11_kit_strerror(code));
    return code == CKR_OK && (token->flags & CKF_TOKEN_INITIALIZED) != 0 &&
           p11_kit_uri_match_token_info(tokens->uri, token) == 1;
}

/* The slots of the module, if the URI matches it. */
static CK_RV
list_slots(P11KitUri *uri, CK_FUNCTION_LIST *module, CK_SLOT_ID *slots,
           CK_ULONG *count)
{
    CK_INFO info;
    CK_RV code;

    memset(&info, 0, sizeof(info));
    code = module->C_GetInfo(&info);
    if (code != CKR_OK || p11_kit_uri_match_module_info(uri, &info) != 1) {
        *count = 0;
        return code;
    }
    code = module->C_GetSlotList(CK_TRUE, slots, count);
    return code == CKR_OK && *count > CM_CARD_MAX_SLOTS ? CKR_DATA_LEN_RANGE
                                                        : code;
}

/* False: too many. */
static bool
list_module(struct tokens *tokens, CK_FUNCTION_LIST *module)
{
    struct cm_card_tokens *out = tokens->out;
    CK_SLOT_ID slots[CM_CARD_MAX_SLOTS];
    CK_ULONG count = CM_CARD_MAX_SLOTS;
    CK_TOKEN_INFO token;
    CK_RV code = list_slots(tokens->uri, module, slots, &count);

    if (code != CKR_OK) {
        fail(tokens->why, "the PKCS#11 module: ", p11_kit_strerror(code));
        out->incomplete = true;
        return true;
    }
    for (CK_ULONG i = 0; i < count; i++) {
        if (!is_meant(tokens, module, slots[i], &token))
            continue;
        if (out->count == CM_CARD_MAX_TOKENS) {
            fail(tokens->why, "too many tokens match the URI: ", "add token=");
            return false;
        }
        keep_token(module, slots[i], &token, &out->list[out->count++]);
    }
    return true;
}

bool
cm_card_open_tokens(P11KitUri *uri, struct cm_card_tokens *out,
                    struct cm_buf *why)
{
    struct tokens tokens = {.uri = uri, .out = out, .why = why};

    out->count = 0;
    out->incomplete = false;
    if (!load_modules(&tokens))
        return false;
    for (CK_FUNCTION_LIST **p = tokens.modules; *p != NULL; p++) {
        if (!list_module(&tokens, *p))
            return false;
    }
    if (out->count > 0)
        return true;
    if (why->len == 0)
        fail(why, "no token matches the URI: ", "is the card inserted?");
    return false;
}
