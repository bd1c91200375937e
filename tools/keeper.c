#include "keeper.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "config_words.h"
#include "monotonic.h"
#include "output.h"

/* Warnings and errors of the parts; what went well is in the answer. */
static void
hear(void *context, enum cm_severity severity, const char *text)
{
    if (severity != CM_LOG_INFO)
        cm_tool_error(context, "%s", text);
}

static void
clear_realm(struct cm_keeper_realm *realm)
{
    cm_snapshot_release(realm->snapshot);
    cm_trust_free(realm->trust);
    cm_own_clear(&realm->own);
    cm_own_files_clear(&realm->own_files);
    cm_settings_clear(&realm->settings);
    free(realm->store);
    free(realm->name);
}

void
cm_keeper_close(struct cm_keeper *keeper)
{
    for (size_t i = 0; i < keeper->count; i++)
        clear_realm(&keeper->realms[i]);
    free(keeper->realms);
    cm_text_list_clear(&keeper->stores);
    cm_host_close(keeper->host);
    free(keeper->log);
    memset(keeper, 0, sizeof(*keeper));
}

/* Two names of one folder are one store. */
static char *
real_path(const char *path)
{
    char *real = realpath(path, NULL);

    return real != NULL ? real : strdup(path);
}

/* Makes room for one more realm.  NULL: no memory. */
static struct cm_keeper_realm *
next_realm(struct cm_keeper *keeper)
{
    struct cm_keeper_realm *list;

    list = reallocarray(keeper->realms, keeper->count + 1, sizeof(*list));
    if (list == NULL)
        return NULL;
    keeper->realms = list;
    memset(&list[keeper->count], 0, sizeof(*list));
    return &list[keeper->count++];
}

/* Takes the settings over. */
static bool
keep_realm(struct cm_keeper *keeper, const char *name, bool selected,
           struct cm_settings *settings)
{
    struct cm_keeper_realm *realm = next_realm(keeper);
    char *path;
    bool ok;

    if (realm == NULL) {
        cm_settings_clear(settings);
        return false;
    }
    realm->settings = *settings;
    realm->selected = selected;
    path = real_path(settings->store);
    ok = path != NULL && cm_text_replace(&realm->name, name, NULL) &&
         cm_text_replace(&realm->store, path, NULL);
    free(path);
    return ok && cm_host_own_files(keeper->host, name, &realm->own_files) &&
           (!selected || cm_text_list_has(&keeper->stores, realm->store) ||
            cm_text_list_add(&keeper->stores, realm->store));
}

/* False: no memory. */
static bool
load_realm(struct cm_keeper *keeper, const char *name, bool selected,
           bool *found)
{
    struct cm_settings settings;
    struct cm_text_list errors = {0};
    bool ok = true;

    switch (cm_host_settings(keeper->host, name, &settings, &errors)) {
    case CM_HOST_FOUND:
        *found = true;
        if (settings.mode == CM_MODE_OFF)
            cm_settings_clear(&settings);
        else
            ok = keep_realm(keeper, name, selected, &settings);
        break;
    case CM_HOST_BROKEN:
        *found = true;
        keeper->broken = true;
        keeper->unsettled = keeper->unsettled || selected;
        for (size_t i = 0; selected && i < errors.count; i++)
            cm_tool_error(keeper->tool, "%s", errors.items[i]);
        break;
    case CM_HOST_ABSENT:
        break;
    }
    cm_text_list_clear(&errors);
    return ok;
}

/* The handles point into the list of realms, which no longer moves. */
static bool
open_trust(struct cm_keeper *keeper)
{
    for (size_t i = 0; i < keeper->count; i++) {
        struct cm_keeper_realm *realm = &keeper->realms[i];

        realm->trust = cm_trust_new(&realm->settings.trust, keeper->log);
        if (realm->trust == NULL)
            return false;
    }
    return true;
}

static enum cm_exit
load_realms(struct cm_keeper *keeper, const char *realm)
{
    struct cm_text_list names = {0};
    bool ok = cm_host_realms(keeper->host, CM_HOST_MERGED, &names);
    bool found = false, this_one, selected;

    for (size_t i = 0; ok && i < names.count; i++) {
        selected = realm == NULL || strcmp(names.items[i], realm) == 0;
        this_one = false;
        ok = load_realm(keeper, names.items[i], selected, &this_one);
        found = found || (selected && this_one);
    }
    cm_text_list_clear(&names);
    if (!ok || !open_trust(keeper))
        return cm_tool_no_memory(keeper->tool);
    if (found)
        return CM_EXIT_YES;
    if (realm == NULL)
        cm_tool_error(keeper->tool,
                      "no realm has a certmap subsection; see certmap(5), or "
                      "name the file with -c");
    else
        cm_tool_error(keeper->tool,
                      "realm %s has no certmap subsection in kdc.conf; see "
                      "certmap(5), or name the file with -c",
                      realm);
    return CM_EXIT_USAGE;
}

enum cm_exit
cm_keeper_open(struct cm_keeper *keeper, struct cm_tool *tool,
               const char *kdc_conf, const char *realm)
{
    struct cm_detail why = {""};

    memset(keeper, 0, sizeof(*keeper));
    keeper->tool = tool;
    keeper->log = calloc(1, sizeof(*keeper->log));
    if (keeper->log == NULL)
        return cm_tool_no_memory(tool);
    keeper->log->line = hear;
    keeper->log->context = tool;
    keeper->host = cm_host_open(kdc_conf, &why);
    if (keeper->host == NULL) {
        cm_tool_error(tool, "%s", why.text);
        return CM_EXIT_USAGE;
    }
    return load_realms(keeper, realm);
}

void
cm_keeper_move(struct cm_keeper *from, struct cm_keeper *to)
{
    *to = *from;
    memset(from, 0, sizeof(*from));
}

void
cm_keeper_look(struct cm_keeper *keeper)
{
    for (size_t i = 0; i < keeper->count; i++) {
        struct cm_keeper_realm *realm = &keeper->realms[i];

        cm_snapshot_release(realm->snapshot);
        realm->snapshot = NULL;
        realm->why.text[0] = '\0';
        (void)cm_trust_current(realm->trust, cm_monotonic_ms(),
                               &realm->snapshot, &realm->why);
        cm_own_clear(&realm->own);
        (void)cm_own_load(&realm->own_files, realm->snapshot, &realm->own,
                          &realm->own_why);
    }
}

bool
cm_keeper_uses(const struct cm_keeper_realm *realm, const char *store)
{
    return strcmp(realm->store, store) == 0;
}

/* ---- For ocsp/ ---- */

struct collection {
    X509 **list;
    size_t count;
};

static bool
collect(struct collection *to, const struct cm_trusted_list *from)
{
    X509 **list;

    if (from->count == 0)
        return true;
    list = reallocarray(to->list, to->count + from->count, sizeof(*list));
    if (list == NULL)
        return false;
    to->list = list;
    for (size_t i = 0; i < from->count; i++)
        list[to->count++] = from->list[i].x509;
    return true;
}

struct cm_snapshot *
cm_keeper_trusted(const struct cm_keeper *keeper, const char *store,
                  bool *whole)
{
    struct collection all = {NULL, 0};
    struct cm_snapshot *trusted = NULL;
    bool ok = true;

    *whole = !keeper->broken;
    for (size_t i = 0; ok && i < keeper->count; i++) {
        const struct cm_snapshot *snapshot = keeper->realms[i].snapshot;
        const struct cm_snapshot *own = keeper->realms[i].own.snapshot;

        if (!cm_keeper_uses(&keeper->realms[i], store))
            continue;
        if (own != NULL)
            ok = collect(&all, &own->anchors) &&
                 collect(&all, &own->intermediates);
        else if (keeper->realms[i].own_files.certificate != NULL)
            *whole = false;
        if (snapshot == NULL)
            *whole = false;
        else
            ok = ok && collect(&all, &snapshot->anchors) &&
                 collect(&all, &snapshot->intermediates) &&
                 collect(&all, &snapshot->ntauth);
    }
    if (ok)
        trusted = cm_snapshot_build(all.list, all.count, NULL, 0, NULL, 0);
    free(all.list);
    return trusted;
}

static bool
rules_for(void *context, const uint8_t spki[32], struct cm_issuer_rules *out)
{
    const struct cm_keeper_realm *realm = context;

    return cm_settings_rules_for(&realm->settings, spki, out);
}

/* The response of a CA that also issues cards, or of one that does not: its
 * issuer block says where, else the certificate.  The realm's ocsp_responder
 * is about cards. */
static bool
own_rules_for(void *context, const uint8_t spki[32],
              struct cm_issuer_rules *out)
{
    const struct cm_keeper_realm *realm = context;
    struct cm_effective effective;
    bool named = false;

    if (!cm_settings_for_issuer(&realm->settings, spki, &effective))
        return false;
    for (size_t i = 0; i < effective.block_count; i++)
        named = named || effective.blocks[i]->rules.ocsp_urls.count > 0;
    cm_effective_clear(&effective);
    if (!cm_settings_rules_for(&realm->settings, spki, out))
        return false;
    if (!named)
        cm_text_list_clear(&out->ocsp_urls);
    cm_text_list_clear(&out->crl_urls);
    out->sources[0] = CM_SOURCE_OCSP;
    out->source_count = 1;
    return true;
}

static struct cm_refresh_realm
refresh_realm(struct cm_keeper_realm *realm, bool own)
{
    return (struct cm_refresh_realm){
        .name = realm->name,
        .snapshot = own ? realm->own.snapshot : realm->snapshot,
        .min_rsa_bits = realm->settings.logon.min_rsa_bits,
        .http = &realm->settings.http,
        .rules_for = own ? own_rules_for : rules_for,
        .context = realm,
        .own = own ? realm->own.cert : NULL};
}

bool
cm_keeper_realms(const struct cm_keeper *keeper, const char *store,
                 struct cm_refresh_realm **out, size_t *count)
{
    const size_t most = 2 * keeper->count + 1;

    *count = 0;
    *out = calloc(most, sizeof(**out));
    if (*out == NULL)
        return false;
    for (int own = 0; own < 2; own++) {
        for (size_t i = 0; i < keeper->count; i++) {
            struct cm_keeper_realm *realm = &keeper->realms[i];

            if (realm->selected && cm_keeper_uses(realm, store) &&
                (own != 0 ? realm->own.cert != NULL : realm->snapshot != NULL))
                (*out)[(*count)++] = refresh_realm(realm, own != 0);
        }
    }
    return true;
}
