#include "search.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "chain.h"
#include "issuers.h"
#include "name.h"
#include "trusted.h"

/* How far a candidate came; the furthest gives the reason. */
enum stage {
    STAGE_NONE,
    STAGE_DEAD_END, /* no issuer at hand */
    STAGE_INVALID,  /* a chain, refused by RFC 5280 */
    STAGE_WEAK,
    STAGE_UNLISTED, /* issuing CA not on the NTAuth list */
    STAGE_VALIDITY, /* of the leaf alone */
    STAGE_JUDGED
};

struct search {
    const struct cm_snapshot *snapshot;
    const struct cm_path_rules *rules;
    cm_path_judge judge;
    void *context;
    struct cm_search_effort *effort;

    struct cm_trusted leaf;
    struct cm_trusted_list extra;
    X509_STORE *store;
    struct cm_chain chain; /* the one being tried */

    bool done; /* accepted, out of memory, or at a bound */
    enum cm_reason reason;
    enum stage stage;
    size_t length; /* of the chain that gave the reason */
    struct cm_detail detail;
    struct cm_path *out;
};

/* Remembers a refusal if its candidate came further than the others.  Of two
 * verdicts of the judge, the earlier in the list of reasons stands. */
static void
note(struct search *search, enum stage stage, enum cm_reason reason,
     const struct cm_detail *detail)
{
    bool further = stage > search->stage;

    if (search->done)
        return;
    if (stage == search->stage && stage == STAGE_DEAD_END)
        further = search->chain.count > search->length;
    if (stage == search->stage && stage == STAGE_JUDGED)
        further = reason < search->reason;
    if (!further)
        return;
    search->stage = stage;
    search->reason = reason;
    search->length = search->chain.count;
    search->detail = *detail;
}

static void
stop(struct search *search, enum cm_reason reason)
{
    search->done = true;
    search->reason = reason;
    search->detail.text[0] = '\0';
}

/* The search is over without having tried everything. */
static void
give_up(struct search *search, const char *what, unsigned limit)
{
    struct cm_detail why;

    search->done = true;
    if (search->stage > STAGE_INVALID)
        return;
    cm_detail_set(&why, "gave up after %u %s", limit, what);
    search->reason = CM_PATH_UNTRUSTED;
    search->detail = why;
}

static void
note_dead_end(struct search *search, size_t named)
{
    X509 *child = search->chain.certs[search->chain.count - 1]->x509;
    char *issuer = cm_name_rfc4514(X509_get_issuer_name(child));
    struct cm_detail detail, what;

    if (named == 0)
        cm_detail_set(&what,
                      "no certificate of its issuer \"%.200s\" is at "
                      "hand",
                      issuer != NULL ? issuer : "?");
    else
        cm_detail_set(&what,
                      "no certificate named \"%.200s\" can have "
                      "issued it",
                      issuer != NULL ? issuer : "?");
    free(issuer);
    cm_chain_blame(child, what.text, &detail);
    note(search, STAGE_DEAD_END, CM_PATH_UNTRUSTED, &detail);
}

static bool
has_key(const struct cm_trusted *a, const uint8_t spki_sha256[32])
{
    return memcmp(a->spki_sha256, spki_sha256, sizeof(a->spki_sha256)) == 0;
}

static void
set_thumbprint(struct cm_thumbprint *out, const uint8_t *digest, size_t len)
{
    memcpy(out->bytes, digest, len);
    out->len = len;
}

/* Lists the NTAuth certificates that hold the issuing CA's key, each by both
 * of its thumbprints. */
static bool
fill_ntauth(const struct cm_trusted_list *ntauth, struct cm_path *path)
{
    const struct cm_trusted *trusted;
    struct cm_thumbprint *next;
    size_t matches = 0;

    for (size_t i = 0; i < ntauth->count; i++)
        matches += has_key(&ntauth->list[i], path->issuer_spki_sha256);
    if (matches == 0)
        return true;
    path->ntauth = calloc(2 * matches, sizeof(*path->ntauth));
    if (path->ntauth == NULL)
        return false;
    path->ntauth_count = 2 * matches;
    next = path->ntauth;
    for (size_t i = 0; i < ntauth->count; i++) {
        trusted = &ntauth->list[i];
        if (!has_key(trusted, path->issuer_spki_sha256))
            continue;
        set_thumbprint(next++, trusted->sha1, sizeof(trusted->sha1));
        set_thumbprint(next++, trusted->sha256, sizeof(trusted->sha256));
    }
    return true;
}

/* Makes a path of the verified chain; takes the policies.  False: no memory,
 * path is empty. */
static bool
make_path(const struct search *search, struct cm_text_list *policies,
          struct cm_path *path)
{
    const struct cm_chain *chain = &search->chain;

    memset(path, 0, sizeof(*path));
    path->policies = *policies;
    memset(policies, 0, sizeof(*policies));
    for (; path->count < chain->count; path->count++) {
        if (X509_up_ref(chain->certs[path->count]->x509) != 1) {
            cm_path_clear(path);
            return false;
        }
        path->certs[path->count] = chain->certs[path->count]->x509;
    }
    if (chain->count < 2)
        return true;
    memcpy(path->issuer_spki_sha256, chain->certs[1]->spki_sha256,
           sizeof(path->issuer_spki_sha256));
    if (!fill_ntauth(&search->snapshot->ntauth, path)) {
        cm_path_clear(path);
        return false;
    }
    return true;
}

/* Asks the judge about a path that is valid and listed. */
static void
ask_judge(struct search *search, struct cm_path *path)
{
    struct cm_detail detail = {""};
    enum cm_reason reason = CM_OK;

    if (search->judge != NULL)
        reason = search->judge(search->context, path, &detail);
    if (reason == CM_OK) {
        *search->out = *path;
        memset(path, 0, sizeof(*path));
        stop(search, CM_OK);
    } else if (reason == CM_NO_MEMORY) {
        stop(search, reason);
    } else {
        note(search, STAGE_JUDGED, reason, &detail);
    }
}

/* validity: CM_OK, or CM_CERT_VALIDITY with its detail. */
static void
judge_path(struct search *search, struct cm_path *path,
           enum cm_reason validity, const struct cm_detail *validity_detail)
{
    struct cm_detail detail;

    if (search->rules->require_ntauth && path->ntauth_count == 0) {
        cm_chain_blame(path->certs[1], "its key is not on the NTAuth list",
                       &detail);
        note(search, STAGE_UNLISTED, CM_NTAUTH_ABSENT, &detail);
    } else if (validity != CM_OK) {
        note(search, STAGE_VALIDITY, validity, validity_detail);
    } else {
        ask_judge(search, path);
    }
}

/* Judges the chain, which has reached an anchor. */
static void
judge_chain(struct search *search)
{
    struct cm_detail detail = {""}, weakness = {""};
    struct cm_text_list policies = {NULL, 0};
    struct cm_path path;
    enum cm_reason reason;

    if (search->effort->chains == CM_PATH_MAX_CANDIDATES) {
        give_up(search, "candidate paths", CM_PATH_MAX_CANDIDATES);
        return;
    }
    search->effort->chains++;
    reason = cm_chain_verify(search->store, &search->chain, search->rules,
                             &policies, &detail);
    if (reason == CM_NO_MEMORY) {
        stop(search, reason);
    } else if (reason != CM_OK && reason != CM_CERT_VALIDITY) {
        note(search, STAGE_INVALID, reason, &detail);
    } else if (cm_chain_strength(&search->chain, search->rules->min_rsa_bits,
                                 &weakness) != CM_OK) {
        note(search, STAGE_WEAK, CM_CERT_WEAK_CRYPTO, &weakness);
    } else if (!make_path(search, &policies, &path)) {
        stop(search, CM_NO_MEMORY);
    } else {
        judge_path(search, &path, reason, &detail);
        cm_path_clear(&path);
    }
    cm_text_list_clear(&policies);
}

/* The same certificate, or the same CA again by another certificate. */
static bool
is_loop(const struct search *search, const struct cm_trusted *next)
{
    const struct cm_trusted *seen;

    for (size_t i = 0; i < search->chain.count; i++) {
        seen = search->chain.certs[i];
        if (memcmp(seen->sha256, next->sha256, sizeof(seen->sha256)) == 0)
            return true;
        if (has_key(seen, next->spki_sha256) &&
            X509_NAME_cmp(X509_get_subject_name(seen->x509),
                          X509_get_subject_name(next->x509)) == 0)
            return true;
    }
    return false;
}

static bool
is_signed_by(struct search *search, X509 *child, X509 *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    bool ok;

    search->effort->signatures++;
    ok = key != NULL && X509_verify(child, key) == 1;
    ERR_clear_error();
    return ok;
}

static void extend(struct search *search);

/* Follows one candidate issuer.  False: it cannot have issued the child. */
static bool
follow(struct search *search, const struct cm_issuer *issuer, bool alone)
{
    struct cm_chain *chain = &search->chain;
    X509 *child = chain->certs[chain->count - 1]->x509;

    if (search->effort->steps == CM_PATH_MAX_STEPS) {
        give_up(search, "candidate issuers", CM_PATH_MAX_STEPS);
        return true;
    }
    search->effort->steps++;
    if (is_loop(search, issuer->trusted))
        return false;
    /* A candidate without rivals is left to the verification of the whole
     * chain: each signature is then checked once. */
    if (!alone && !is_signed_by(search, child, issuer->trusted->x509))
        return false;
    chain->certs[chain->count++] = issuer->trusted;
    if (issuer->anchor)
        judge_chain(search);
    else
        extend(search);
    chain->count--;
    return true;
}

/* Looks for issuers of the chain's last certificate. */
static void
extend(struct search *search)
{
    struct cm_chain *chain = &search->chain;
    const struct cm_trusted *child = chain->certs[chain->count - 1];
    struct cm_issuer *issuers;
    struct cm_detail detail;
    bool followed = false;
    size_t count;

    if (chain->count == CM_PATH_MAX_LENGTH) {
        cm_detail_set(&detail, "longer than %d certificates",
                      CM_PATH_MAX_LENGTH);
        note(search, STAGE_DEAD_END, CM_PATH_UNTRUSTED, &detail);
        return;
    }
    if (!cm_issuers_find(search->snapshot, &search->extra, child,
                         search->rules->now, &issuers, &count)) {
        stop(search, CM_NO_MEMORY);
        return;
    }
    for (size_t i = 0; i < count && !search->done; i++)
        followed |= follow(search, &issuers[i], count == 1);
    free(issuers);
    if (!followed)
        note_dead_end(search, count);
}

/* Starts at the leaf.  One that is itself an anchor has no issuer to look
 * for: alone it is a path only where no issuing CA is asked for. */
static void
start(struct search *search)
{
    struct cm_detail detail;

    search->chain.certs[0] = &search->leaf;
    search->chain.count = 1;
    if (!cm_trusted_list_has(&search->snapshot->anchors, &search->leaf)) {
        extend(search);
    } else if (!search->rules->require_ntauth) {
        judge_chain(search);
    } else {
        cm_chain_blame(search->leaf.x509, "is itself a trust anchor", &detail);
        note(search, STAGE_DEAD_END, CM_PATH_UNTRUSTED, &detail);
    }
}

enum cm_reason
cm_search(const struct cm_snapshot *snapshot, X509 *leaf,
          const struct cm_path_rules *rules, cm_path_judge judge,
          void *context, struct cm_path *out, struct cm_search_effort *effort,
          struct cm_detail *detail)
{
    struct search search = {0};

    memset(out, 0, sizeof(*out));
    memset(effort, 0, sizeof(*effort));
    search.snapshot = snapshot;
    search.rules = rules;
    search.judge = judge;
    search.context = context;
    search.effort = effort;
    search.out = out;
    search.reason = CM_PATH_UNTRUSTED;
    search.store = cm_chain_store_new();
    if (rules->extra_count > CM_PATH_MAX_EXTRA)
        cm_detail_set(&search.detail, "more than %d certificates beside it",
                      CM_PATH_MAX_EXTRA);
    else if (search.store == NULL || !cm_trusted_init(&search.leaf, leaf) ||
             !cm_trusted_list_build(rules->extra, rules->extra_count,
                                    &search.extra))
        search.reason = CM_NO_MEMORY;
    else
        start(&search);
    cm_trusted_clear(&search.leaf);
    cm_trusted_list_clear(&search.extra);
    X509_STORE_free(search.store);
    if (search.reason != CM_OK)
        cm_detail_set(detail, "%s", search.detail.text);
    return search.reason;
}
