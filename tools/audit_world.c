/*
 * The realm's CAs, and whether a certificate is revoked, as far as the store
 * knows.
 *
 * The path of a CA is looked for once; that of a certificate is the CA's with
 * the certificate before it.
 */
#include "audit_known.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "audit_world.h"
#include "monotonic.h"
#include "path.h"
#include "revocation.h"
#include "trusted.h"

/* One CA certificate, and its way to an anchor. */
struct cm_audit_chain {
    const struct cm_trusted *ca; /* the snapshot's */
    bool leads;
    struct cm_path path; /* of the CA itself */
    struct cm_issuer_rules rules;
};

static void
log_nothing(void *context, enum cm_severity severity, const char *text)
{
    (void)context;
    (void)severity;
    (void)text;
}

static const struct cm_log quiet = {log_nothing, NULL};

enum cm_reason
cm_audit_world_open(struct cm_audit_world *world,
                    const struct cm_settings *settings, int64_t now,
                    struct cm_detail *why)
{
    memset(world, 0, sizeof(*world));
    world->settings = settings;
    world->now = now;
    world->trust = cm_trust_new(&settings->trust, &quiet);
    world->store =
        cm_store_new(settings->store, settings->store_given, &quiet);
    if (world->trust == NULL || world->store == NULL)
        return CM_NO_MEMORY;
    return cm_trust_current(world->trust, cm_monotonic_ms(), &world->snapshot,
                            why);
}

void
cm_audit_world_close(struct cm_audit_world *world)
{
    for (size_t i = 0; i < world->chain_count; i++) {
        cm_path_clear(&world->chains[i].path);
        cm_issuer_rules_clear(&world->chains[i].rules);
    }
    free(world->chains);
    if (world->snapshot != NULL)
        cm_snapshot_release(world->snapshot);
    cm_store_free(world->store);
    cm_trust_free(world->trust);
    memset(world, 0, sizeof(*world));
}

static struct cm_path_rules
path_rules(const struct cm_audit_world *world)
{
    return (struct cm_path_rules){.now = world->now,
                                  .min_rsa_bits =
                                      world->settings->logon.min_rsa_bits};
}

/* The chain of a CA, looked for where it is not there yet; NULL: no memory, or
 * too many. */
static const struct cm_audit_chain *
chain_of(struct cm_audit_world *world, const struct cm_trusted *ca)
{
    struct cm_path_rules rules = path_rules(world);
    struct cm_audit_chain *chains, one = {.ca = ca};

    for (size_t i = 0; i < world->chain_count; i++) {
        if (world->chains[i].ca == ca)
            return &world->chains[i];
    }
    if (world->chain_count == CM_AUDIT_MAX_CHAINS)
        return NULL;
    chains =
        reallocarray(world->chains, world->chain_count + 1, sizeof(*chains));
    if (chains == NULL)
        return NULL;
    world->chains = chains;
    if (!cm_settings_rules_for(world->settings, ca->spki_sha256, &one.rules))
        return NULL;
    one.leads = cm_path_find(world->snapshot, ca->x509, &rules, NULL, NULL,
                             &one.path, NULL) == CM_OK &&
                one.path.count < CM_PATH_MAX_LENGTH;
    chains[world->chain_count] = one;
    return &chains[world->chain_count++];
}

static bool
has_issued(const struct cm_trusted *ca, X509 *cert)
{
    EVP_PKEY *key = X509_get0_pubkey(ca->x509);
    bool issued = key != NULL && X509_verify(cert, key) == 1;

    ERR_clear_error();
    return issued;
}

/* What the store says about the certificate as one of this CA's. */
static bool
is_revoked_by(struct cm_audit_world *world, X509 *cert,
              const struct cm_audit_chain *chain)
{
    struct cm_path_rules rules = path_rules(world);
    struct cm_path path = {.count = chain->path.count + 1};
    const struct cm_revocation_policy policy = {
        .mode = chain->rules.mode == CM_REVOCATION_OFF ? CM_REVOCATION_OFF
                                                       : CM_REVOCATION_SOFT,
        .responders = chain->rules.responders,
        .responder_count = chain->rules.responder_count};
    const struct cm_revocation_question question = {.store = world->store,
                                                    .path = &path,
                                                    .snapshot =
                                                        world->snapshot,
                                                    .rules = &rules,
                                                    .policy = &policy};
    struct cm_revocation_result result;
    struct cm_detail detail = {""};
    enum cm_reason reason;

    path.certs[0] = cert; /* borrowed, as the others: not cleared */
    memcpy(path.certs + 1, chain->path.certs,
           chain->path.count * sizeof(path.certs[0]));
    memcpy(path.issuer_spki_sha256, chain->ca->spki_sha256,
           sizeof(path.issuer_spki_sha256));
    reason =
        cm_revocation_check(&question, cm_monotonic_ms(), &result, &detail);
    if (reason != CM_OK && reason != CM_REVOKED && world->unbelieved++ == 0)
        world->unbelieved_why = detail;
    return reason == CM_REVOKED;
}

/* Who has issued it is verified last: it is dear, and few are revoked. */
static bool
is_revoked_in(struct cm_audit_world *world, X509 *cert, bool verified,
              const struct cm_trusted_list *list, uint8_t asked[32])
{
    const struct cm_audit_chain *chain;
    const struct cm_trusted *ca;
    size_t first, count;

    cm_trusted_list_named(list, X509_get_issuer_name(cert), &first, &count);
    for (size_t i = first; i < first + count; i++) {
        ca = &list->list[i];
        if (memcmp(asked, ca->spki_sha256, sizeof(ca->spki_sha256)) == 0)
            continue;
        chain = chain_of(world, ca);
        if (chain == NULL || !chain->leads)
            continue;
        memcpy(asked, ca->spki_sha256, sizeof(ca->spki_sha256));
        if (is_revoked_by(world, cert, chain) &&
            ((verified && count == 1) || has_issued(ca, cert)))
            return true;
    }
    return false;
}

bool
cm_audit_is_revoked(struct cm_audit_world *world, X509 *cert, bool verified)
{
    const struct cm_snapshot *snapshot = world->snapshot;
    const struct cm_trusted_list *const lists[] = {
        &snapshot->ntauth, &snapshot->intermediates, &snapshot->anchors};
    uint8_t asked[32] = {0}; /* the key that was asked about last */

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (is_revoked_in(world, cert, verified, lists[i], asked))
            return true;
    }
    return false;
}
