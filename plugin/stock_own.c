#include "stock_own.h"

#include <stdlib.h>
#include <string.h>

#include <profile.h>

#include "pem_file.h"
#include "source.h"
#include "stock_watch.h"

/* ---- Which files ---- */

static bool
take_values(profile_t profile, const char *const *names,
            struct cm_text_list *out)
{
    char **values = NULL;
    bool ok = true;

    if (profile_get_values(profile, names, &values) != 0)
        return true;
    for (char **value = values; ok && *value != NULL; value++)
        ok = cm_text_list_add(out, *value);
    profile_free_list(values);
    return ok;
}

/* As stock PKINIT reads them: the realm's, or else the defaults. */
static bool
read_values(profile_t profile, const char *realm, const char *relation,
            struct cm_text_list *out)
{
    const char *own[] = {"realms", realm, relation, NULL};
    const char *defaults[] = {"kdcdefaults", relation, NULL};

    return take_values(profile, own, out) &&
           (out->count > 0 || take_values(profile, defaults, out));
}

/* The certificate of "FILE:CERTIFICATE[,KEY]". */
static bool
take_certificate(const struct cm_text_list *identities,
                 struct cm_own_files *out)
{
    const char *files = identities->count > 0
                            ? cm_stock_identity_files(identities->items[0])
                            : NULL;

    if (files == NULL)
        return true;
    out->certificate = strndup(files, strcspn(files, ","));
    return out->certificate != NULL;
}

bool
cm_own_files_read(profile_t profile, const char *realm,
                  struct cm_own_files *out)
{
    struct cm_text_list identities = {0};
    bool ok;

    memset(out, 0, sizeof(*out));
    ok = read_values(profile, realm, "pkinit_identity", &identities) &&
         take_certificate(&identities, out) &&
         read_values(profile, realm, "pkinit_anchors", &out->anchors) &&
         read_values(profile, realm, "pkinit_pool", &out->pool);
    cm_text_list_clear(&identities);
    if (!ok)
        cm_own_files_clear(out);
    return ok;
}

void
cm_own_files_clear(struct cm_own_files *files)
{
    free(files->certificate);
    cm_text_list_clear(&files->anchors);
    cm_text_list_clear(&files->pool);
    memset(files, 0, sizeof(*files));
}

/* ---- What is in them ---- */

/* Certificates, referenced. */
struct bag {
    X509 **list;
    size_t count;
};

static void
bag_clear(struct bag *bag)
{
    for (size_t i = 0; i < bag->count; i++)
        X509_free(bag->list[i]);
    free(bag->list);
}

static bool
bag_add(struct bag *bag, const struct cm_trusted_list *from)
{
    X509 **list;

    if (from->count == 0)
        return true;
    list = reallocarray(bag->list, bag->count + from->count, sizeof(*list));
    if (list == NULL)
        return false;
    bag->list = list;
    for (size_t i = 0; i < from->count; i++) {
        X509_up_ref(from->list[i].x509);
        list[bag->count++] = from->list[i].x509;
    }
    return true;
}

/* One "FILE:" or "DIR:"; another kind, or one that cannot be read, is as if
 * it were empty.  False: no memory. */
static bool
read_place(const char *place, struct bag *into)
{
    struct cm_location location = {CM_LOCATION_NONE, NULL};
    struct cm_source source = {
        .label = "pkinit", .location = &location, .may_be_empty = true};
    struct cm_detail ignored;
    enum cm_reason reason;
    bool ok;

    if (!cm_location_parse(place, &location, &ignored))
        return true;
    reason = cm_source_look(&source, 0);
    ok = reason != CM_NO_MEMORY &&
         (reason != CM_OK || bag_add(into, &source.good));
    cm_source_clear(&source);
    cm_location_clear(&location);
    return ok;
}

static bool
read_places(const struct cm_text_list *places,
            const struct cm_trusted_list *realm, struct bag *into)
{
    bool ok = realm == NULL || bag_add(into, realm);

    for (size_t i = 0; ok && i < places->count; i++)
        ok = read_place(places->items[i], into);
    return ok;
}

static struct cm_snapshot *
read_snapshot(const struct cm_own_files *files,
              const struct cm_snapshot *realm)
{
    struct bag anchors = {NULL, 0}, pool = {NULL, 0};
    struct cm_snapshot *snapshot = NULL;

    if (read_places(&files->anchors, realm != NULL ? &realm->anchors : NULL,
                    &anchors) &&
        read_places(&files->pool, realm != NULL ? &realm->intermediates : NULL,
                    &pool))
        snapshot = cm_snapshot_build(anchors.list, anchors.count, pool.list,
                                     pool.count, NULL, 0);
    bag_clear(&anchors);
    bag_clear(&pool);
    return snapshot;
}

enum cm_reason
cm_own_load(const struct cm_own_files *files, const struct cm_snapshot *realm,
            struct cm_own *out, struct cm_detail *detail)
{
    struct cm_own own = {NULL, NULL};

    memset(out, 0, sizeof(*out));
    if (files->certificate == NULL) {
        cm_detail_set(detail, "pkinit_identity names no PEM file");
        return CM_CONFIG;
    }
    own.cert = cm_pem_certificate(files->certificate, NULL);
    if (own.cert == NULL) {
        cm_detail_set(detail, "%s: no certificate can be read from it",
                      files->certificate);
        return CM_CONFIG;
    }
    own.snapshot = read_snapshot(files, realm);
    if (own.snapshot == NULL) {
        X509_free(own.cert);
        return CM_NO_MEMORY;
    }
    *out = own;
    return CM_OK;
}

void
cm_own_clear(struct cm_own *own)
{
    X509_free(own->cert);
    cm_snapshot_release(own->snapshot);
    memset(own, 0, sizeof(*own));
}
