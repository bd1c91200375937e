/*
 * A PKCS#11 module that is another one, SoftHSM2, except that its tokens
 * count wrong PINs as cards do: after the last try the PIN is locked, and the
 * token's flags say where it stands.
 *
 * In the environment:
 * CERTMAP_PIN_INNER  path of the other module; absent: SoftHSM2's
 * CERTMAP_PIN_TRIES  a file with the number of tries that are left ("3"),
 *                    which this module keeps up to date; absent: nothing is
 *                    counted
 * CERTMAP_PIN_SAYS   words between commas, in addition to that: "low",
 *                    "final" and "locked" are flags; "blocked" answers every
 *                    PIN with CKR_PIN_LOCKED; "pad" a keypad on the reader;
 *                    "expired" a PIN that must be changed
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

#include "card_tries.h"

#define TRIES "CERTMAP_PIN_TRIES"
#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR out);

static CK_FUNCTION_LIST *inner;
static CK_FUNCTION_LIST ours;

/* ---- What the environment says ---- */

static int
says(const char *word)
{
    const char *words = getenv("CERTMAP_PIN_SAYS");
    size_t len = strlen(word);

    for (; words != NULL; words = strchr(words, ',')) {
        words += *words == ',';
        if (strncmp(words, word, len) == 0 &&
            (words[len] == '\0' || words[len] == ','))
            return 1;
    }
    return 0;
}

/* ---- What is done otherwise ---- */

static CK_RV
get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    CK_RV code = inner->C_GetTokenInfo(slot, info);
    int tries = card_tries_left(TRIES);

    if (code != CKR_OK)
        return code;
    info->flags &= ~(CK_FLAGS)CKF_USER_PIN_COUNT_LOW;
    if (tries < CARD_TRIES || says("low"))
        info->flags |= CKF_USER_PIN_COUNT_LOW;
    if (tries == 1 || says("final"))
        info->flags |= CKF_USER_PIN_FINAL_TRY;
    if (tries <= 0 || says("locked"))
        info->flags |= CKF_USER_PIN_LOCKED;
    if (says("pad"))
        info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
    if (says("expired"))
        info->flags |= CKF_USER_PIN_TO_BE_CHANGED;
    return code;
}

static CK_RV
log_in(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin,
       CK_ULONG len)
{
    int tries = card_tries_left(TRIES);
    CK_RV code;

    if (tries <= 0 || says("blocked"))
        return CKR_PIN_LOCKED;
    code = inner->C_Login(session, user, pin, len);
    if (code == CKR_PIN_INCORRECT)
        card_tries_keep(TRIES, tries - 1);
    else if (code == CKR_OK)
        card_tries_keep(TRIES, CARD_TRIES);
    return code;
}

__attribute__((visibility("default"))) CK_RV
C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR out)
{
    const char *path = getenv("CERTMAP_PIN_INNER");
    void *handle = dlopen(path != NULL ? path : SOFTHSM, RTLD_NOW);
    CK_C_GetFunctionList get = NULL;

    *out = NULL;
    if (handle != NULL)
        *(void **)&get = dlsym(handle, "C_GetFunctionList");
    if (get == NULL || get(&inner) != CKR_OK)
        return CKR_GENERAL_ERROR;
    ours = *inner;
    ours.C_GetTokenInfo = get_token_info;
    ours.C_Login = log_in;
    *out = &ours;
    return CKR_OK;
}
