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

enum { KINDS = CM_LEAN_STOCK + 1 };

/* One library context, and what its provider offers of some operations. */
struct context {
    OSSL_LIB_CTX *library;
    OSSL_PROVIDER *filter;
    OSSL_ALGORITHM *keys, *decoders; /* owned */
};

/*
 * The one exception to "no state of the process": OpenSSL's call that sets up
 * a provider tells it nothing but its handle.
 */
static struct {
    pthread_mutex_t lock; /* of what follows */
    size_t users;
    OSSL_LIB_CTX *whole;     /* which nobody but `defaults` is for */
    OSSL_PROVIDER *defaults; /* whose algorithms are handed on */
    struct context contexts[KINDS];
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- the providers ---- */

/* Is it among an algorithm's names ("RSA:rsaEncryption:1.2...")? */
static bool
has_name(const OSSL_ALGORITHM *algorithm, const char *name)
{
    const char *names = algorithm->algorithm_names;
    size_t len = strlen(name);

    return strncmp(names, name, len) == 0 &&
           (names[len] == ':' || names[len] == '\0');
}

static bool
has_property(const OSSL_ALGORITHM *algorithm, const char *property)
{
    return strstr(algorithm->property_definition, property) != NULL;
}

static bool
has_one_of(const OSSL_ALGORITHM *algorithm, const char *const *names)
{
    while (*names != NULL && !has_name(algorithm, *names))
        names++;
    return *names != NULL;
}

static bool
is_key_of_logon(const OSSL_ALGORITHM *algorithm)
{
    static const char *const wanted[] = {"RSA",     "RSA-PSS", "EC",
                                         "ED25519", "ED448",   NULL};

    return has_one_of(algorithm, wanted);
}

static bool
decodes(const OSSL_ALGORITHM *algorithm, const char *structure)
{
    return has_property(algorithm, "input=der") &&
           has_property(algorithm, structure);
}

static bool
decodes_key_of_logon(const OSSL_ALGORITHM *algorithm)
{
    return is_key_of_logon(algorithm) &&
           decodes(algorithm, "structure=SubjectPublicKeyInfo");
}

/* Whatever signs, and both sides of a key exchange. */
static bool
decodes_for_stock(const OSSL_ALGORITHM *algorithm)
{
    static const char *const signs[] = {"DSA", NULL};
    static const char *const exchanges[] = {"DH", "DHX", "EC", NULL};

    if (has_one_of(algorithm, exchanges))
        return decodes(algorithm, "structure=SubjectPublicKeyInfo") ||
               decodes(algorithm, "structure=type-specific");
    return decodes_key_of_logon(algorithm) ||
           (has_one_of(algorithm, signs) &&
            decodes(algorithm, "structure=SubjectPublicKeyInfo"));
}

/* A list of our own of those that are wanted.  NULL: no memory. */
static OSSL_ALGORITHM *
select_some(int operation, bool (*is_wanted)(const OSSL_ALGORITHM *))
{
    int no_cache = 0;
    const OSSL_ALGORITHM *all =
        OSSL_PROVIDER_query_operation(shared.defaults, operation, &no_cache);
    OSSL_ALGORITHM *some = NULL;
    size_t count = 0;

    while (all != NULL && all[count].algorithm_names != NULL)
        count++;
    if (all != NULL && no_cache == 0)
        some = calloc(count + 1, sizeof(*some));
    if (some == NULL)
        return NULL;
    for (count = 0; all->algorithm_names != NULL; all++) {
        if (is_wanted(all))
            some[count++] = *all;
    }
    return some;
}

static const OSSL_ALGORITHM *
query_logon(void *provider, int operation, int *no_cache)
{
    const struct context *own = &shared.contexts[CM_LEAN_LOGON];

    (void)provider;
    *no_cache = 0;
    switch (operation) {
    case OSSL_OP_DIGEST:
    case OSSL_OP_SIGNATURE:
        return OSSL_PROVIDER_query_operation(shared.defaults, operation,
                                             no_cache);
    case OSSL_OP_KEYMGMT:
        return own->keys;
    case OSSL_OP_DECODER:
        return own->decoders;
    default:
        return NULL;
    }
}

static const OSSL_ALGORITHM *
query_stock(void *provider, int operation, int *no_cache)
{
    (void)provider;
    *no_cache = 0;
    if (operation == OSSL_OP_DECODER)
        return shared.contexts[CM_LEAN_STOCK].decoders;
    return OSSL_PROVIDER_query_operation(shared.defaults, operation, no_cache);
}

static int
get_capabilities(void *provider, const char *capability,
                 OSSL_CALLBACK *callback, void *argument)
{
    (void)provider;
    return OSSL_PROVIDER_get_capabilities(shared.defaults, capability,
                                          callback, argument);
}

/* The algorithms are called with the context that they are the default
 * provider's with. */
static int
init_logon(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
           const OSSL_DISPATCH **out, void **provider)
{
    static const OSSL_DISPATCH functions[] = {
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query_logon},
        {0, NULL}};

    (void)handle;
    (void)core;
    *provider = OSSL_PROVIDER_get0_provider_ctx(shared.defaults);
    *out = functions;
    return 1;
}

static int
init_stock(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
           const OSSL_DISPATCH **out, void **provider)
{
    static const OSSL_DISPATCH functions[] = {
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query_stock},
        {OSSL_FUNC_PROVIDER_GET_CAPABILITIES,
         (void (*)(void))get_capabilities},
        {0, NULL}};

    (void)handle;
    (void)core;
    *provider = OSSL_PROVIDER_get0_provider_ctx(shared.defaults);
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
drop(struct context *context)
{
    OSSL_PROVIDER_unload(context->filter);
    OSSL_LIB_CTX_free(context->library);
    free(context->keys);
    free(context->decoders);
    memset(context, 0, sizeof(*context));
}

static void
tear_down(void)
{
    for (size_t i = 0; i < KINDS; i++)
        drop(&shared.contexts[i]);
    OSSL_PROVIDER_unload(shared.defaults);
    OSSL_LIB_CTX_free(shared.whole);
    shared.defaults = NULL;
    shared.whole = NULL;
}

static bool
load(struct context *context, OSSL_provider_init_fn *init)
{
    context->library = OSSL_LIB_CTX_new();
    if (context->library != NULL &&
        OSSL_PROVIDER_add_builtin(context->library, "certmap", init) == 1)
        context->filter = OSSL_PROVIDER_load(context->library, "certmap");
    return context->filter != NULL;
}

static bool
load_defaults(void)
{
    shared.whole = OSSL_LIB_CTX_new();
    if (shared.whole != NULL)
        shared.defaults = OSSL_PROVIDER_load(shared.whole, "default");
    return shared.defaults != NULL;
}

static bool
make_contexts(void)
{
    struct context *logon = &shared.contexts[CM_LEAN_LOGON];
    struct context *stock = &shared.contexts[CM_LEAN_STOCK];

    logon->keys = select_some(OSSL_OP_KEYMGMT, is_key_of_logon);
    logon->decoders = select_some(OSSL_OP_DECODER, decodes_key_of_logon);
    stock->decoders = select_some(OSSL_OP_DECODER, decodes_for_stock);
    return logon->keys != NULL && logon->decoders != NULL &&
           stock->decoders != NULL && load(logon, init_logon) &&
           load(stock, init_stock);
}

static bool
set_up(void)
{
    if (OpenSSL_version_num() >= FIRST_WITHOUT_SEARCH || !is_usual())
        return false;
    if (load_defaults() && make_contexts())
        return true;
    tear_down();
    return false;
}

OSSL_LIB_CTX *
cm_lean_hold(enum cm_lean which)
{
    OSSL_LIB_CTX *held = NULL;

    if (pthread_mutex_lock(&shared.lock) != 0)
        return NULL;
    if (shared.users > 0 || set_up()) {
        shared.users++;
        held = shared.contexts[which].library;
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

OSSL_LIB_CTX *
cm_lean_enter(OSSL_LIB_CTX *library)
{
    return library != NULL ? OSSL_LIB_CTX_set0_default(library) : NULL;
}

void
cm_lean_leave(OSSL_LIB_CTX *before)
{
    if (before != NULL)
        (void)OSSL_LIB_CTX_set0_default(before);
}
