#include "kdb_module_parts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kdcpreauth_answer.h"

/* The second exception to "no global state": see the header. */
static struct {
    pthread_mutex_t lock;
    struct cm_realms *realms;
    const struct cm_realm *known[CM_REALMS_MAX];
    struct cm_kdb_lookup *lookups[CM_REALMS_MAX]; /* of known[i] */
    size_t count;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

void
cm_kdb_module_lock(void)
{
    (void)pthread_mutex_lock(&state.lock);
}

void
cm_kdb_module_unlock(void)
{
    (void)pthread_mutex_unlock(&state.lock);
}

void
cm_kdb_module_forget(void)
{
    cm_kdb_module_lock();
    for (size_t i = 0; i < state.count; i++)
        cm_kdb_lookup_free(state.lookups[i]);
    state.count = 0;
    cm_realms_free(state.realms);
    state.realms = NULL;
    cm_kdb_module_unlock();
}

/* NULL: no memory. */
static struct cm_kdb_lookup *
lookup_of(const struct cm_realm *realm)
{
    struct cm_kdb_lookup *lookup;

    for (size_t i = 0; i < state.count; i++) {
        if (state.known[i] == realm)
            return state.lookups[i];
    }
    if (state.count == CM_REALMS_MAX)
        return NULL;
    lookup = cm_kdb_lookup_new(&realm->settings, &realm->services.clock,
                               realm->log);
    if (lookup == NULL)
        return NULL;
    state.known[state.count] = realm;
    state.lookups[state.count++] = lookup;
    return lookup;
}

static enum cm_kdb_module_state
judge(const struct cm_realm *realm)
{
    switch (realm->state) {
    case CM_REALM_READY:
        return realm->settings.mode == CM_MODE_ENFORCE ? CM_KDB_MODULE_OURS
                                                       : CM_KDB_MODULE_NOT;
    case CM_REALM_OFF:
    case CM_REALM_ABSENT:
        return CM_KDB_MODULE_NOT;
    case CM_REALM_BROKEN:
        return CM_KDB_MODULE_BROKEN;
    }
    return CM_KDB_MODULE_BROKEN;
}

/*
 * A KDC of one realm looks up whatever realm a client writes.  Only the one
 * that the context is for is ours: of others nothing is read or kept.
 */
static bool
is_own(krb5_context context, const krb5_data *name)
{
    char *own = NULL;
    bool equal;

    if (krb5_get_default_realm(context, &own) != 0)
        return false;
    equal = strlen(own) == name->length &&
            memcmp(own, name->data, name->length) == 0;
    krb5_free_default_realm(context, own);
    return equal;
}

enum cm_kdb_module_state
cm_kdb_module_realm(krb5_context context, const krb5_data *name,
                    struct cm_kdb_module_realm *out)
{
    enum cm_kdb_module_state found;
    char *text;

    memset(out, 0, sizeof(*out));
    if (!is_own(context, name))
        return CM_KDB_MODULE_NOT;
    text = cm_text_dup_clean((const uint8_t *)name->data, name->length);
    if (text == NULL)
        return CM_KDB_MODULE_BROKEN;
    if (state.realms == NULL)
        state.realms = cm_realms_new(&cm_kdc_log);
    if (state.realms != NULL)
        out->realm = cm_realms_get(state.realms, context, text);
    free(text);
    if (out->realm == NULL)
        return CM_KDB_MODULE_BROKEN;
    found = judge(out->realm);
    if (found != CM_KDB_MODULE_OURS)
        return found;
    out->realms = state.realms;
    out->lookup = lookup_of(out->realm);
    return out->lookup != NULL ? CM_KDB_MODULE_OURS : CM_KDB_MODULE_BROKEN;
}
