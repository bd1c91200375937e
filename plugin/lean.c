#include "lean.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

/* Since then OpenSSL remembers what it has found. */
#define FIRST_WITHOUT_SEARCH 0x30200000UL

/*
 * The one exception to "no state of the process": OpenSSL's call that sets up
 * a provider tells it nothing but its handle.
 */
static struct {
    pthread_mutex_t lock; /* of what follows */
    size_t users;
    OSSL_LIB_CTX *whole;     /* which nobody but `defaults` is for */
    OSSL_PROVIDER *defaults; /* whose algorithms are handed on */
    OSSL_LIB_CTX *lean;
    OSSL_PROVIDER *filter;
} shared = {PTHREAD_MUTEX_INITIALIZER, 0, NULL, NULL, NULL, NULL};

/* ---- the provider ---- */

/* Is it among an algorithm's names ("RSA:rsaEncryption:1.2...")? */
static bool
has_name(const char *names, const char *name)
{
    size_t len = strlen(name);

    return strncmp(names, name, len) == 0 &&
           (names[len] == ':' || names[len] == '\0');
}

static bool
is_key_of_logon(const OSSL_ALGORITHM *algorithm)
{
    static const char *const wanted[] = {"RSA", "RSA-PSS", "EC", "ED25519",
                                         "ED448"};

    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
        if (has_name(algorithm->algorithm_names, wanted[i]))
            return true;
    }
    return false;
}

static bool
is_wanted(const OSSL_ALGORITHM *algorithm, int operation)
{
    const char *properties = algorithm->property_definition;

    if (!is_key_of_logon(algorithm))
        return false;
    return operation != OSSL_OP_DECODER ||
           (strstr(properties, "input=der") != NULL &&
            strstr(properties, "structure=SubjectPublicKeyInfo") != NULL);
}

/* A list of its own, which forget() frees. */
static const OSSL_ALGORITHM *
select_some(const OSSL_ALGORITHM *all, int operation)
{
    OSSL_ALGORITHM *some;
    size_t count = 0;

    if (all == NULL)
        return NULL;
    while (all[count].algorithm_names != NULL)
        count++;
    some = calloc(count + 1, sizeof(*some));
    if (some == NULL)
        return NULL;
    for (count = 0; all->algorithm_names != NULL; all++) {
        if (is_wanted(all, operation))
            some[count++] = *all;
    }
    return some;
}

static const OSSL_ALGORITHM *
query(void *context, int operation, int *no_cache)
{
    const OSSL_ALGORITHM *all =
        OSSL_PROVIDER_query_operation(shared.defaults, operation, no_cache);

    (void)context;
    switch (operation) {
    case OSSL_OP_DIGEST:
    case OSSL_OP_SIGNATURE:
        return all;
    case OSSL_OP_KEYMGMT:
    case OSSL_OP_DECODER:
        return select_some(all, operation);
    default:
        return NULL;
    }
}

static void
forget(void *context, int operation, const OSSL_ALGORITHM *list)
{
    union {
        const OSSL_ALGORITHM *in;
        void *out;
    } own = {list};

    (void)context;
    if (operation == OSSL_OP_KEYMGMT || operation == OSSL_OP_DECODER)
        free(own.out);
}

/* The algorithms are called with the context that they are the default
 * provider's with. */
static int
init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
     const OSSL_DISPATCH **out, void **context)
{
    static const OSSL_DISPATCH functions[] = {
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
        {OSSL_FUNC_PROVIDER_UNQUERY_OPERATION, (void (*)(void))forget},
        {0, NULL}};

    (void)handle;
    (void)core;
    *context = OSSL_PROVIDER_get0_provider_ctx(shared.defaults);
    *out = functions;
    return 1;
}

/* ---- the library context ---- */

static int
note_unusual(OSSL_PROVIDER *provider, void *context)
{
    const char *name = OSSL_PROVIDER_get0_name(provider);
    bool *unusual = context;

    if (strcmp(name, "default") != 0 && strcmp(name, "legacy") != 0 &&
        strcmp(name, "base") != 0)
        *unusual = true;
    return 1;
}

/* Whoever has chosen other implementations is to get those. */
static bool
is_usual(void)
{
    bool unusual = false;

    return EVP_default_properties_is_fips_enabled(NULL) == 0 &&
           OSSL_PROVIDER_do_all(NULL, note_unusual, &unusual) == 1 &&
           !unusual && OSSL_PROVIDER_available(NULL, "default") == 1;
}

static void
tear_down(void)
{
    OSSL_PROVIDER_unload(shared.filter);
    OSSL_LIB_CTX_free(shared.lean);
    OSSL_PROVIDER_unload(shared.defaults);
    OSSL_LIB_CTX_free(shared.whole);
    shared.filter = shared.defaults = NULL;
    shared.lean = shared.whole = NULL;
}

static bool
set_up(void)
{
    if (OpenSSL_version_num() >= FIRST_WITHOUT_SEARCH || !is_usual())
        return false;
    shared.whole = OSSL_LIB_CTX_new();
    shared.lean = OSSL_LIB_CTX_new();
    if (shared.whole != NULL)
        shared.defaults = OSSL_PROVIDER_load(shared.whole, "default");
    if (shared.lean != NULL && shared.defaults != NULL &&
        OSSL_PROVIDER_add_builtin(shared.lean, "certmap", init) == 1)
        shared.filter = OSSL_PROVIDER_load(shared.lean, "certmap");
    if (shared.filter != NULL)
        return true;
    tear_down();
    return false;
}

OSSL_LIB_CTX *
cm_lean_hold(void)
{
    OSSL_LIB_CTX *held = NULL;

    if (pthread_mutex_lock(&shared.lock) != 0)
        return NULL;
    if (shared.users > 0 || set_up()) {
        shared.users++;
        held = shared.lean;
    }
    pthread_mutex_unlock(&shared.lock);
    ERR_clear_error();
    return held;
}

void
cm_lean_release(OSSL_LIB_CTX *library)
{
    if (library == NULL || pthread_mutex_lock(&shared.lock) != 0)
        return;
    if (--shared.users == 0)
        tear_down();
    pthread_mutex_unlock(&shared.lock);
}
