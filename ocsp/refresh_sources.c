#include "refresh_sources.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "issuers.h"
#include "trusted.h"

/* While the CAs of one realm are found. */
struct search {
    const struct cm_refresh_world *world;
    const struct cm_refresh_realm *realm;
    struct cm_refresh_map *map;
    size_t first; /* of this realm's members */
    /* What is demanded of those who are above: that of whom they are above. */
    bool required;
};

bool
cm_refresh_asks(const struct cm_issuer_rules *rules,
                enum cm_status_source source)
{
    for (size_t i = 0; i < rules->source_count; i++) {
        if (rules->sources[i] == source)
            return true;
    }
    return false;
}

struct cm_path_rules
cm_refresh_path_rules(const struct cm_refresh_realm *realm, int64_t now)
{
    struct cm_path_rules rules = {.now = now,
                                  .min_rsa_bits = realm->min_rsa_bits};

    return rules;
}

struct cm_refresh_ca *
cm_refresh_ca_find(const struct cm_refresh_map *map,
                   const struct cm_refresh_realm *realm,
                   const uint8_t spki[32])
{
    for (size_t i = 0; i < map->count; i++) {
        if (map->cas[i].realm == realm &&
            memcmp(map->cas[i].spki, spki, sizeof(map->cas[i].spki)) == 0)
            return &map->cas[i];
    }
    return NULL;
}

static void
clear_ca(struct cm_refresh_ca *ca)
{
    X509_free(ca->cert);
    cm_issuer_rules_clear(&ca->rules);
    cm_url_groups_clear(&ca->crls);
    cm_url_groups_clear(&ca->deltas);
    cm_text_list_clear(&ca->skipped);
}

void
cm_refresh_map_clear(struct cm_refresh_map *map)
{
    for (size_t i = 0; i < map->count; i++)
        clear_ca(&map->cas[i]);
    free(map->cas);
    for (size_t i = 0; i < map->member_count; i++)
        X509_free(map->members[i].cert);
    free(map->members);
    memset(map, 0, sizeof(*map));
}

/* ---- CAs ---- */

/* What the configuration says about it. */
static bool
configure_ca(struct cm_refresh_ca *ca)
{
    const struct cm_text_list *urls = &ca->rules.crl_urls;

    ca->asks_crl = cm_refresh_asks(&ca->rules, CM_SOURCE_CRL);
    ca->asks_ocsp = cm_refresh_asks(&ca->rules, CM_SOURCE_OCSP);
    ca->has_responder = ca->rules.ocsp_urls.count > 0;
    ca->configured = urls->count > 0;
    for (size_t i = 0; i < urls->count; i++) {
        if (!cm_url_groups_add(&ca->crls, urls->items[i]))
            return false;
    }
    return true;
}

/* NULL: no memory. */
static struct cm_refresh_ca *
add_ca(struct search *search, const struct cm_trusted *trusted)
{
    struct cm_refresh_map *map = search->map;
    struct cm_refresh_ca *list, *ca;

    ca = cm_refresh_ca_find(map, search->realm, trusted->spki_sha256);
    if (ca != NULL)
        return ca;
    list = reallocarray(map->cas, map->count + 1, sizeof(*list));
    if (list == NULL)
        return NULL;
    map->cas = list;
    ca = &list[map->count];
    memset(ca, 0, sizeof(*ca));
    if (!search->realm->rules_for(search->realm->context, trusted->spki_sha256,
                                  &ca->rules))
        return NULL;
    map->count++;
    X509_up_ref(trusted->x509);
    ca->cert = trusted->x509;
    ca->realm = search->realm;
    memcpy(ca->spki, trusted->spki_sha256, sizeof(ca->spki));
    return configure_ca(ca) ? ca : NULL;
}

/* True if it was added now. */
static bool
add_member(struct search *search, X509 *cert, bool *failed)
{
    struct cm_refresh_map *map = search->map;
    struct cm_refresh_member *list;

    for (size_t i = search->first; i < map->member_count; i++) {
        if (X509_cmp(map->members[i].cert, cert) == 0)
            return false;
    }
    list = reallocarray(map->members, map->member_count + 1, sizeof(*list));
    *failed = list == NULL;
    if (list == NULL)
        return false;
    map->members = list;
    X509_up_ref(cert);
    list[map->member_count].cert = cert;
    list[map->member_count++].realm = search->realm;
    return true;
}

/* CM_OK, CM_NO_MEMORY, or a reason why it leads nowhere. */
static enum cm_reason
find_path(const struct cm_refresh_world *world,
          const struct cm_refresh_realm *realm, X509 *cert, bool logon,
          struct cm_path *out)
{
    struct cm_path_rules rules = cm_refresh_path_rules(realm, world->now);

    rules.require_ntauth = logon;
    return cm_path_find(realm->snapshot, cert, &rules, NULL, NULL, out, NULL);
}

static bool
leads_to_anchor(struct search *search, X509 *cert, bool *failed)
{
    struct cm_path path;
    enum cm_reason reason =
        find_path(search->world, search->realm, cert, false, &path);

    cm_path_clear(&path);
    *failed = *failed || reason == CM_NO_MEMORY;
    return reason == CM_OK;
}

static bool
has_signed(const struct cm_trusted *issuer, X509 *cert)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer->x509);
    bool ok = key != NULL && X509_verify(cert, key) == 1;

    ERR_clear_error();
    return ok;
}

/* The NTAuth CA and everyone above it.  Recursion ends at certificates that
 * were visited, of which there are no more than CAs; and a path is no longer
 * than CM_PATH_MAX_LENGTH. */
static bool
climb(struct search *search, const struct cm_trusted *trusted, bool anchor,
      unsigned depth)
{
    static const struct cm_trusted_list none = {NULL, 0};
    struct cm_issuer *issuers = NULL;
    struct cm_refresh_ca *ca;
    size_t count = 0;
    bool failed = false, raised;

    if (depth >= CM_PATH_MAX_LENGTH ||
        (!anchor && !leads_to_anchor(search, trusted->x509, &failed)))
        return !failed;
    ca = add_ca(search, trusted);
    if (ca == NULL)
        return false;
    raised = search->required && !ca->required;
    ca->required = ca->required || search->required;
    ca->logon = ca->logon || depth == 0;
    if (anchor)
        return true;
    if (!add_member(search, trusted->x509, &failed) && !raised)
        return !failed;
    if (failed || !cm_issuers_find(search->realm->snapshot, &none, trusted,
                                   search->world->now, &issuers, &count))
        return false;
    for (size_t i = 0; i < count && !failed; i++) {
        if (has_signed(issuers[i].trusted, trusted->x509))
            failed = !climb(search, issuers[i].trusted, issuers[i].anchor,
                            depth + 1);
    }
    free(issuers);
    return !failed;
}

/* One CA of the NTAuth list, unless nothing is asked about what it issues. */
static bool
add_logon_ca(struct search *search, const struct cm_trusted *trusted)
{
    const struct cm_refresh_realm *realm = search->realm;
    struct cm_issuer_rules rules;
    bool off;

    if (!realm->rules_for(realm->context, trusted->spki_sha256, &rules))
        return false;
    off = rules.mode == CM_REVOCATION_OFF;
    search->required = rules.mode == CM_REVOCATION_REQUIRE;
    cm_issuer_rules_clear(&rules);
    return off ||
           climb(search, trusted,
                 cm_trusted_list_has(&realm->snapshot->anchors, trusted), 0);
}

/* The CA that has issued the KDC's certificate, and nobody above it. */
static bool
add_own_ca(struct search *search)
{
    struct cm_path path;
    struct cm_trusted issuer;
    enum cm_reason reason = find_path(search->world, search->realm,
                                      search->realm->own, false, &path);
    bool ok = reason != CM_NO_MEMORY;

    if (reason == CM_OK && path.count > 1) {
        ok = cm_trusted_init(&issuer, path.certs[1]);
        if (ok) {
            ok = add_ca(search, &issuer) != NULL;
            cm_trusted_clear(&issuer);
        }
    }
    cm_path_clear(&path);
    return ok;
}

static bool
add_realm(const struct cm_refresh_world *world,
          const struct cm_refresh_realm *realm, struct cm_refresh_map *map)
{
    struct search search = {.world = world,
                            .realm = realm,
                            .map = map,
                            .first = map->member_count};
    const struct cm_trusted_list *ntauth = &realm->snapshot->ntauth;

    if (realm->own != NULL)
        return add_own_ca(&search);
    for (size_t i = 0; i < ntauth->count; i++) {
        if (!add_logon_ca(&search, &ntauth->list[i]))
            return false;
    }
    return true;
}

/* ---- Certificates ---- */

struct walk {
    const struct cm_refresh_world *world;
    const struct cm_refresh_map *map;
    bool (*visit)(void *context, const struct cm_refresh_card *card);
    void *context;
    bool stopped;
};

static bool
visit_card(struct walk *walk, const struct cm_refresh_realm *realm, X509 *cert,
           bool seen)
{
    struct cm_refresh_card card = {.seen = seen, .own = realm->own == cert};
    uint8_t spki[32];
    struct cm_path path;
    enum cm_reason reason = find_path(walk->world, realm, cert, seen, &path);

    walk->stopped = reason == CM_NO_MEMORY;
    if (reason == CM_OK && path.count > 1) {
        memcpy(spki, path.issuer_spki_sha256, sizeof(spki));
        card.path = &path;
        card.issuer = cm_refresh_ca_find(walk->map, realm, spki);
        if (card.issuer != NULL)
            walk->stopped = !walk->visit(walk->context, &card);
    }
    cm_path_clear(&path);
    return !walk->stopped;
}

static bool
visit_seen(void *context, X509 *cert, int64_t when)
{
    struct walk *walk = context;
    const struct cm_refresh_world *world = walk->world;
    bool more = true;

    (void)when;
    for (size_t i = 0; more && i < world->realm_count; i++) {
        if (world->realms[i].own == NULL)
            more = visit_card(walk, &world->realms[i], cert, true);
    }
    return more;
}

bool
cm_refresh_each_card(const struct cm_refresh_world *world,
                     const struct cm_refresh_map *map,
                     bool (*visit)(void *context,
                                   const struct cm_refresh_card *card),
                     void *context)
{
    struct walk walk = {world, map, visit, context, false};

    for (size_t i = 0; i < map->member_count && !walk.stopped; i++)
        visit_card(&walk, map->members[i].realm, map->members[i].cert, false);
    for (size_t i = 0; i < world->realm_count && !walk.stopped; i++) {
        if (world->realms[i].own != NULL)
            visit_card(&walk, &world->realms[i], world->realms[i].own, false);
    }
    if (!walk.stopped)
        cm_store_each_seen(world->store, world->now, visit_seen, &walk);
    return !walk.stopped;
}

/* ---- What they name ---- */

static bool
take_responders(struct cm_refresh_ca *ca, X509 *cert)
{
    struct cm_text_list urls = {0};
    bool ok = cm_urls_of_responders(cert, &urls, &ca->skipped);

    ca->has_responder = ca->has_responder || urls.count > 0;
    cm_text_list_clear(&urls);
    return ok;
}

static bool
take_urls(void *context, const struct cm_refresh_card *card)
{
    struct cm_refresh_ca *ca =
        cm_refresh_ca_find(context, card->issuer->realm, card->issuer->spki);
    X509 *cert = card->path->certs[0];

    if (ca == NULL)
        return true; /* it would not have been visited */
    ca->cards += card->seen ? 1 : 0;
    if (ca->asks_crl && !ca->configured &&
        ca->crls.count < CM_REFRESH_MAX_GROUPS &&
        !cm_urls_of_crls(cert, &ca->crls))
        return false;
    if (ca->asks_crl && ca->deltas.count < CM_REFRESH_MAX_GROUPS &&
        !cm_urls_of_deltas(cert, &ca->deltas))
        return false;
    return !ca->asks_ocsp || take_responders(ca, cert);
}

bool
cm_refresh_map_make(const struct cm_refresh_world *world,
                    struct cm_refresh_map *out)
{
    bool ok = true;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; ok && i < world->realm_count; i++)
        ok = add_realm(world, &world->realms[i], out);
    ok = ok && cm_refresh_each_card(world, out, take_urls, out);
    if (!ok)
        cm_refresh_map_clear(out);
    return ok;
}
