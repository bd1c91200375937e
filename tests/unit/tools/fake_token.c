/*
 * A PKCS#11 module with tokens that hold certificates, all of it as the words
 * in the environment variable FAKE_TOKEN say, between commas:
 *
 * hang, crash, exit, refuse     as soon as it is loaded
 * hang=STEP, crash=STEP, fail=STEP   at start, slots, token, session, find,
 *                               value, later (the second object's value),
 *                               login or logout; "fail" is
 *                               CKR_DEVICE_ERROR; only of the token in slot N
 *                               where slot=N is there too
 * tokens=N, objects=N           one of each otherwise; all different
 * twins                         objects differ in their id only
 * same-serial                   tokens show the same card
 * value=, label=, id=, type=    see fake_objects.c
 * low, final, locked, pad, no-login, unset, expired, new   token flags
 * login=CODE                    what C_Login answers, in decimal
 * swapped                       another card, as soon as it has a session
 * already                       somebody is logged in
 * many-slots, many-found        claims more than there was room for
 * writes, closes                writes junk (or "zeros") into every open
 *                               pipe, or closes all files and hangs
 * prints, forks                 prints, or leaves a process behind that
 *                               keeps the pipes open
 *
 * The PIN is 1234.  FAKE_TRIES may name a file with the number of tries that
 * are left, which is kept up to date.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "card_tries.h"
#include "fake_token.h"

#define TRIES "FAKE_TRIES"

enum { FIRST_SLOT = 7, MAX_FILES = 64, STAY_MS = 300000 };

static CK_SLOT_ID session_slot;
static int logged_in;

/* ---- Words ---- */

/* What follows the word and "=", or ""; NULL: the word is not there. */
const char *
fake_says(const char *word)
{
    const char *words = getenv("FAKE_TOKEN");
    size_t len = strlen(word);

    for (; words != NULL; words = strchr(words, ',')) {
        words += *words == ',';
        if (strncmp(words, word, len) == 0 &&
            strchr(",=", words[len]) != NULL) /* NUL too */
            return words + len + (words[len] == '=');
    }
    return NULL;
}

int
fake_is_said(const char *word, const char *value)
{
    const char *said = fake_says(word);
    size_t len = strlen(value);

    return said != NULL && strncmp(said, value, len) == 0 &&
           (said[len] == '\0' || said[len] == ',');
}

unsigned long
fake_number(const char *word, unsigned long otherwise)
{
    const char *said = fake_says(word);

    return said != NULL ? strtoul(said, NULL, 10) : otherwise;
}

static void
hang(void)
{
    for (;;)
        (void)pause();
}

static void
crash(void)
{
    (void)signal(SIGSEGV, SIG_DFL);
    (void)raise(SIGSEGV);
}

CK_RV
fake_step(const char *name, CK_SLOT_ID slot)
{
    if (fake_says("slot") != NULL && fake_number("slot", 0) != slot)
        return CKR_OK;
    if (fake_is_said("hang", name))
        hang();
    if (fake_is_said("crash", name))
        crash();
    return fake_is_said("fail", name) ? CKR_DEVICE_ERROR : CKR_OK;
}

/* ---- Mischief that is none of PKCS#11's ---- */

static int
is_pipe(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

/* Keeps the pipes open until nobody reads them. */
static void
stay_behind(void)
{
    struct pollfd pipes[MAX_FILES];
    nfds_t count = 0;

    for (int fd = STDERR_FILENO + 1; fd < MAX_FILES; fd++) {
        if (is_pipe(fd))
            pipes[count++] = (struct pollfd){.fd = fd};
    }
    (void)poll(pipes, count, STAY_MS);
    _exit(0);
}

static void
disturb(void)
{
    static const char junk[] = "\1\0\0\0junk", zeros[8];
    const char *text = fake_is_said("writes", "zeros") ? zeros : junk;

    if (fake_says("prints") != NULL) {
        (void)printf("what a module prints\n");
        (void)fflush(stdout);
    }
    for (int fd = STDERR_FILENO + 1; fd < MAX_FILES; fd++) {
        if (fake_says("writes") != NULL && is_pipe(fd) &&
            write(fd, text, sizeof(zeros)) < 0)
            continue;
        if (fake_says("closes") != NULL)
            (void)close(fd);
    }
    if (fake_says("closes") != NULL)
        hang();
    if (fake_says("forks") != NULL && fork() == 0)
        stay_behind();
}

/* ---- The module ---- */

static CK_RV
initialize(void *arguments)
{
    (void)arguments;
    disturb();
    return fake_step("start", 0);
}

static CK_RV
finalize(void *reserved)
{
    (void)reserved;
    return CKR_OK;
}

static void
pad(CK_UTF8CHAR *out, size_t size, const char *text)
{
    size_t len = strlen(text);

    memset(out, ' ', size);
    memcpy(out, text, len < size ? len : size);
}

static CK_RV
get_info(CK_INFO *info)
{
    memset(info, 0, sizeof(*info));
    info->cryptokiVersion.major = 2;
    info->cryptokiVersion.minor = 40;
    pad(info->manufacturerID, sizeof(info->manufacturerID), "fake");
    pad(info->libraryDescription, sizeof(info->libraryDescription), "fake");
    return CKR_OK;
}

static CK_RV
get_slot_list(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count)
{
    CK_ULONG tokens = fake_number("tokens", 1), room = *count;
    CK_RV code = fake_step("slots", 0);

    (void)present;
    if (code != CKR_OK)
        return code;
    *count = fake_says("many-slots") != NULL ? 100000 : tokens;
    if (slots == NULL)
        return CKR_OK;
    if (room < tokens)
        return CKR_BUFFER_TOO_SMALL;
    for (CK_ULONG i = 0; i < tokens; i++)
        slots[i] = FIRST_SLOT + i;
    return CKR_OK;
}

static CK_RV
get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    (void)slot;
    memset(info, 0, sizeof(*info));
    info->flags = CKF_TOKEN_PRESENT;
    pad(info->slotDescription, sizeof(info->slotDescription), "reader");
    pad(info->manufacturerID, sizeof(info->manufacturerID), "fake");
    return CKR_OK;
}

static CK_FLAGS
token_flags(void)
{
    CK_FLAGS flags = 0;
    int tries = card_tries_left(TRIES);

    if (fake_says("new") == NULL)
        flags |= CKF_TOKEN_INITIALIZED;
    if (fake_says("no-login") == NULL)
        flags |= CKF_LOGIN_REQUIRED;
    if (fake_says("unset") == NULL)
        flags |= CKF_USER_PIN_INITIALIZED;
    if (fake_says("low") != NULL || tries < CARD_TRIES)
        flags |= CKF_USER_PIN_COUNT_LOW;
    if (fake_says("final") != NULL || tries == 1)
        flags |= CKF_USER_PIN_FINAL_TRY;
    if (fake_says("locked") != NULL || tries <= 0)
        flags |= CKF_USER_PIN_LOCKED;
    if (fake_says("pad") != NULL)
        flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
    if (fake_says("expired") != NULL)
        flags |= CKF_USER_PIN_TO_BE_CHANGED;
    return flags;
}

static CK_RV
get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    char serial[sizeof(info->serialNumber) + 1];
    CK_RV code = fake_step("token", slot);
    int same = fake_says("same-serial") != NULL;

    if (code != CKR_OK)
        return code;
    /* Another card, since it was listed. */
    if (fake_says("swapped") != NULL && session_slot != 0)
        slot++;
    memset(info, 0, sizeof(*info));
    (void)snprintf(serial, sizeof(serial), "%lu",
                   same ? (unsigned long)FIRST_SLOT : slot);
    pad(info->label, sizeof(info->label),
        fake_is_said("label", "wild") ? "to\x1bken" : "token");
    pad(info->serialNumber, sizeof(info->serialNumber), serial);
    pad(info->manufacturerID, sizeof(info->manufacturerID), "fake");
    pad(info->model, sizeof(info->model), "fake");
    info->flags = token_flags();
    return CKR_OK;
}

/* ---- Sessions ---- */

static CK_RV
open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application,
             CK_NOTIFY notify, CK_SESSION_HANDLE *out)
{
    (void)flags;
    (void)application;
    (void)notify;
    session_slot = slot;
    *out = slot;
    return fake_step("session", slot);
}

static CK_RV
close_session(CK_SESSION_HANDLE session)
{
    (void)session;
    return CKR_OK;
}

static CK_RV
log_in(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin,
       CK_ULONG len)
{
    CK_RV code = fake_step("login", session);
    int tries = card_tries_left(TRIES);

    if (code != CKR_OK || user != CKU_USER)
        return code != CKR_OK ? code : CKR_USER_TYPE_INVALID;
    if (fake_says("already") != NULL && !logged_in++)
        return CKR_USER_ALREADY_LOGGED_IN;
    if (fake_says("login") != NULL)
        return fake_number("login", 0);
    if (tries <= 0)
        return CKR_PIN_LOCKED;
    if (len == 4 && memcmp(pin, "1234", 4) == 0) {
        card_tries_keep(TRIES, CARD_TRIES);
        return CKR_OK;
    }
    card_tries_keep(TRIES, tries - 1);
    return CKR_PIN_INCORRECT;
}

static CK_RV
log_out(CK_SESSION_HANDLE session)
{
    return fake_step("logout", session);
}

__attribute__((visibility("default"))) CK_RV
C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
    static CK_FUNCTION_LIST all = {
        .version = {2, 40},
        .C_Initialize = initialize,
        .C_Finalize = finalize,
        .C_GetInfo = get_info,
        .C_GetFunctionList = C_GetFunctionList,
        .C_GetSlotList = get_slot_list,
        .C_GetSlotInfo = get_slot_info,
        .C_GetTokenInfo = get_token_info,
        .C_OpenSession = open_session,
        .C_CloseSession = close_session,
        .C_CloseAllSessions = close_session,
        .C_Login = log_in,
        .C_Logout = log_out,
        .C_FindObjectsInit = fake_find_init,
        .C_FindObjects = fake_find,
        .C_FindObjectsFinal = fake_find_final,
        .C_GetAttributeValue = fake_get_value,
    };

    *list = NULL;
    if (fake_is_said("hang", ""))
        hang();
    if (fake_is_said("crash", ""))
        crash();
    if (fake_says("exit") != NULL)
        _exit(0);
    if (fake_says("refuse") != NULL || getenv("FAKE_TOKEN") == NULL)
        return CKR_GENERAL_ERROR;
    *list = &all;
    return CKR_OK;
}
