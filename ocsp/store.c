/*
 * The handle: the held folder, and when it is looked at.
 */
#include "store_parts.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source.h"

static bool
make_mutex(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;
    bool ok;

    if (pthread_mutexattr_init(&attributes) != 0)
        return false;
    ok =
        pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE) == 0 &&
        pthread_mutex_init(mutex, &attributes) == 0;
    pthread_mutexattr_destroy(&attributes);
    return ok;
}

/* cm_response_provider.each: there is one response a certificate. */
static bool
each_response(void *context, X509 *cert, X509 *issuer,
              bool (*visit)(void *visit_context, const uint8_t *response,
                            size_t len),
              void *visit_context)
{
    struct cm_store *store = context;
    char name[CM_STORE_MAX_PATH];
    struct cm_detail why = {""};
    enum cm_store_file outcome;
    uint8_t *data = NULL;
    bool ok = false;
    size_t len;

    if (!cm_store_ocsp_name(cert, issuer, name)) {
        cm_store_enter(store);
        cm_store_note_fault(store, "out of memory");
        cm_store_leave(store);
        return false;
    }
    outcome = cm_store_read_file(store, name, CM_OCSP_MAX_RESPONSE, &data,
                                 &len, &why);
    switch (outcome) {
    case CM_STORE_FILE_READ:
        ok = visit(visit_context, data, len);
        break;
    case CM_STORE_FILE_MISSING:
        ok = true;
        break;
    case CM_STORE_FILE_REFUSED:
        cm_store_enter(store);
        cm_store_note_fault(store, "%s: %s", name, why.text);
        cm_store_leave(store);
        break;
    }
    free(data);
    return ok;
}

struct cm_store *
cm_store_new(const char *path, bool must_exist, const struct cm_log *log)
{
    struct cm_store *store = calloc(1, sizeof(*store));

    if (store == NULL)
        return NULL;
    store->path = strdup(path);
    if (store->path == NULL || !make_mutex(&store->mutex)) {
        free(store->path);
        free(store);
        return NULL;
    }
    store->must_exist = must_exist;
    store->log = log;
    store->crls.each = cm_store_each_crl;
    store->crls.context = store;
    store->responses.each = each_response;
    store->responses.context = store;
    store->root = -1;
    store->deny.fd = -1;
    store->state = CM_REVOCATION_UNAVAILABLE;
    return store;
}

static void
drop_root(struct cm_store *store)
{
    if (store->root >= 0)
        close(store->root);
    store->root = -1;
}

void
cm_store_free(struct cm_store *store)
{
    if (store == NULL)
        return;
    for (size_t i = 0; i < store->shelf_count; i++)
        cm_store_shelf_free(store->shelves[i]);
    free(store->shelves);
    cm_store_deny_clear(&store->deny);
    drop_root(store);
    pthread_mutex_destroy(&store->mutex);
    free(store->path);
    free(store);
}

/* Says so in the log when the folder begins or ceases to serve. */
static void
log_change(const struct cm_store *store, enum cm_reason before)
{
    char *path, *why;

    if (store->look == 1 ? store->state == CM_OK : store->state == before)
        return;
    path = cm_source_escape(store->path);
    why = cm_source_escape(store->why.text);
    if (path != NULL && why != NULL && store->state == CM_OK)
        cm_log_write(store->log, CM_LOG_INFO, "store: %s serves again", path);
    else if (path != NULL && why != NULL)
        cm_log_write(store->log, CM_LOG_ERROR, "store: %s", why);
    free(path);
    free(why);
}

/* Opens the folder anew: its name may stand for another one by now. */
static void
look(struct cm_store *store)
{
    enum cm_reason before = store->state;
    struct cm_detail why = {""};

    store->look++;
    drop_root(store);
    store->why.text[0] = '\0';
    store->state = CM_REVOCATION_UNAVAILABLE;
    /* Not below a folder: everything above the store is the system's. */
    switch (cm_store_open_root(store->path, &store->root, &why)) {
    case CM_STORE_FILE_READ:
        store->seen = true;
        store->state = CM_OK;
        break;
    case CM_STORE_FILE_MISSING:
        if (store->must_exist || store->seen)
            cm_detail_set(&store->why, "%s%s is missing",
                          store->must_exist ? "the store "
                                            : "it was there before: ",
                          store->path);
        else
            store->state = CM_OK;
        break;
    case CM_STORE_FILE_REFUSED:
        cm_detail_set(&store->why, "the store %s cannot be believed: %s",
                      store->path, why.text);
        break;
    }
    log_change(store, before);
}

void
cm_store_enter(struct cm_store *store)
{
    pthread_mutex_lock(&store->mutex);
    if (store->look == 0)
        look(store);
}

void
cm_store_leave(struct cm_store *store)
{
    pthread_mutex_unlock(&store->mutex);
}

enum cm_reason
cm_store_check(struct cm_store *store, int64_t now_ms,
               struct cm_detail *detail)
{
    enum cm_reason state;

    pthread_mutex_lock(&store->mutex);
    if (!store->timed || now_ms < store->looked_at ||
        now_ms - store->looked_at >= CM_STORE_LOOK_MS) {
        look(store);
        store->timed = true;
        store->looked_at = now_ms;
    }
    state = store->state;
    if (state != CM_OK)
        cm_detail_set(detail, "%s", store->why.text);
    pthread_mutex_unlock(&store->mutex);
    return state;
}

const struct cm_crl_provider *
cm_store_crls(struct cm_store *store)
{
    return &store->crls;
}

const struct cm_response_provider *
cm_store_responses(struct cm_store *store)
{
    return &store->responses;
}

void
cm_store_note_fault(struct cm_store *store, const char *format, ...)
{
    char text[CM_DETAIL_SIZE];
    va_list ap;

    if (store->faulty)
        return;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    store->faulty = true;
    cm_detail_set(&store->fault, "%s", text);
}

void
cm_store_begin(struct cm_store *store)
{
    cm_store_enter(store);
    store->faulty = false;
}

bool
cm_store_end(struct cm_store *store, struct cm_detail *why)
{
    bool faulty = store->faulty;

    if (faulty)
        cm_detail_set(why, "%s", store->fault.text);
    cm_store_leave(store);
    return !faulty;
}

enum cm_store_file
cm_store_read_file(struct cm_store *store, const char *name, size_t max,
                   uint8_t **data, size_t *len, struct cm_detail *detail)
{
    enum cm_store_file outcome;

    *data = NULL;
    *len = 0;
    cm_store_enter(store);
    if (store->state != CM_OK) {
        cm_detail_set(detail, "%s", store->why.text);
        outcome = CM_STORE_FILE_REFUSED;
    } else if (store->root < 0) {
        outcome = CM_STORE_FILE_MISSING;
    } else {
        outcome = cm_store_slurp(store->root, name, max, data, len, detail);
    }
    cm_store_leave(store);
    return outcome;
}
