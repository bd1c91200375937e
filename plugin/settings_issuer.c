/*
 * The settings as they hold for one issuing CA key: the realm's, replaced by
 * those of the blocks that name it.
 */
#include "settings.h"

#include <stdlib.h>
#include <string.h>

/*
 * Stands for "no suffix is allowed".  An empty list means any suffix, and no
 * UPN holds a control character, so this text equals the end of none.
 */
static const char no_suffix[] = "\x01";

/* What a block before this one has said: then the stricter of both counts,
 * else this block replaces what the realm says. */
struct said {
    bool revocation, stale_grace, sources, responders, allow_private;
    bool crl_urls, ocsp_urls;
};

static bool
applies(const struct cm_issuer_settings *issuer, const uint8_t spki[32])
{
    return memcmp(issuer->spki, spki, sizeof(issuer->spki)) == 0;
}

/* ---- revocation ---- */

static bool
has_source(const struct cm_issuer_rules *rules, enum cm_status_source source)
{
    for (size_t i = 0; i < rules->source_count; i++) {
        if (rules->sources[i] == source)
            return true;
    }
    return false;
}

/* Blocks that agree keep their order; else crl stands before ocsp, and what
 * either names is fetched. */
static void
merge_sources(struct cm_issuer_rules *out, const struct cm_issuer_rules *rules,
              bool said)
{
    static const enum cm_status_source order[CM_RULES_SOURCES] = {
        CM_SOURCE_CRL, CM_SOURCE_OCSP};
    struct cm_issuer_rules both = {0};

    if (said && (out->source_count != rules->source_count ||
                 out->sources[0] != rules->sources[0])) {
        for (size_t i = 0; i < CM_RULES_SOURCES; i++) {
            if (has_source(out, order[i]) || has_source(rules, order[i]))
                both.sources[both.source_count++] = order[i];
        }
        rules = &both;
    }
    memcpy(out->sources, rules->sources, sizeof(out->sources));
    out->source_count = rules->source_count;
}

/* The realm's URLs give way to a block's; those of several blocks add up. */
static bool
merge_urls(struct cm_text_list *out, const struct cm_text_list *urls,
           bool *said)
{
    if (urls->count == 0)
        return true;
    if (!*said)
        cm_text_list_clear(out);
    *said = true;
    for (size_t i = 0; i < urls->count; i++) {
        if (!cm_text_list_has(out, urls->items[i]) &&
            !cm_text_list_add(out, urls->items[i]))
            return false;
    }
    return true;
}

static bool
has_responder(const struct cm_issuer_rules *rules, const X509 *cert)
{
    for (size_t i = 0; i < rules->responder_count; i++) {
        if (X509_cmp(rules->responders[i], cert) == 0)
            return true;
    }
    return false;
}

/* Keeps what both have. */
static void
intersect_responders(struct cm_issuer_rules *out,
                     const struct cm_issuer_rules *rules)
{
    size_t kept = 0;

    for (size_t i = 0; i < out->responder_count; i++) {
        if (has_responder(rules, out->responders[i]))
            out->responders[kept++] = out->responders[i];
        else
            X509_free(out->responders[i]);
    }
    out->responder_count = kept;
}

static bool
merge_responders(struct cm_issuer_rules *out,
                 const struct cm_issuer_rules *rules, bool *said)
{
    struct cm_issuer_rules copy;

    if (rules->responder_count == 0)
        return true;
    if (*said) {
        intersect_responders(out, rules);
        return true;
    }
    if (!cm_issuer_rules_copy(rules, &copy))
        return false;
    free(out->responders);
    out->responders = copy.responders;
    out->responder_count = copy.responder_count;
    copy.responders = NULL;
    copy.responder_count = 0;
    cm_issuer_rules_clear(&copy);
    *said = true;
    return true;
}

static bool
merge_rules(struct cm_issuer_rules *out,
            const struct cm_issuer_settings *issuer, struct said *said)
{
    const struct cm_issuer_rules *rules = &issuer->rules;

    if (issuer->has_revocation &&
        (!said->revocation || rules->mode < out->mode))
        out->mode = rules->mode;
    said->revocation = said->revocation || issuer->has_revocation;
    if (issuer->has_stale_grace &&
        (!said->stale_grace || rules->stale_grace < out->stale_grace))
        out->stale_grace = rules->stale_grace;
    said->stale_grace = said->stale_grace || issuer->has_stale_grace;
    if (issuer->has_allow_private)
        out->allow_private_addresses =
            rules->allow_private_addresses &&
            (!said->allow_private || out->allow_private_addresses);
    said->allow_private = said->allow_private || issuer->has_allow_private;
    if (issuer->has_sources)
        merge_sources(out, rules, said->sources);
    said->sources = said->sources || issuer->has_sources;
    return merge_urls(&out->crl_urls, &rules->crl_urls, &said->crl_urls) &&
           merge_urls(&out->ocsp_urls, &rules->ocsp_urls, &said->ocsp_urls) &&
           merge_responders(out, rules, &said->responders);
}

bool
cm_settings_rules_for(const struct cm_settings *settings,
                      const uint8_t spki[32], struct cm_issuer_rules *out)
{
    struct said said = {0};

    if (!cm_issuer_rules_copy(&settings->revocation, out))
        return false;
    for (size_t i = 0; i < settings->issuer_count; i++) {
        if (applies(&settings->issuers[i], spki) &&
            !merge_rules(out, &settings->issuers[i], &said)) {
            cm_issuer_rules_clear(out);
            return false;
        }
    }
    return true;
}

/* ---- everything ---- */

/* Keeps what both lists have; "any" (empty) on either side keeps the other. */
static bool
intersect_suffixes(struct cm_text_list *list, const struct cm_text_list *other)
{
    struct cm_text_list both = {0};
    const struct cm_text_list *from = list->count > 0 ? list : other;
    bool found, ok = true;

    for (size_t i = 0; ok && i < from->count; i++) {
        found = list->count == 0;
        for (size_t j = 0; !found && j < other->count; j++)
            found = cm_text_equal_fold(from->items[i], other->items[j]);
        if (found)
            ok = cm_text_list_add(&both, from->items[i]);
    }
    if (ok && both.count == 0)
        ok = cm_text_list_add(&both, no_suffix);
    if (!ok) {
        cm_text_list_clear(&both);
        return false;
    }
    cm_text_list_clear(list);
    *list = both;
    return true;
}

/* Lets one more block that names the key count: the stricter value wins. */
static bool
apply_block(struct cm_effective *out, const struct cm_issuer_settings *issuer,
            bool *has_mappings)
{
    if (issuer->has_mappings) {
        out->policy.accept = *has_mappings
                                 ? out->policy.accept & issuer->mappings
                                 : issuer->mappings;
        *has_mappings = true;
    }
    if (issuer->has_indicators)
        out->indicators = NULL;
    if (issuer->has_hw_authent)
        out->hw_authent = NULL;
    out->blocks[out->block_count++] = issuer;
    return issuer->upn_suffixes.count == 0 ||
           intersect_suffixes(&out->policy.upn_suffixes,
                              &issuer->upn_suffixes);
}

bool
cm_settings_for_issuer(const struct cm_settings *settings,
                       const uint8_t spki[32], struct cm_effective *out)
{
    bool has_mappings = false;
    const struct cm_issuer_settings *issuer;

    memset(out, 0, sizeof(*out));
    if (!cm_settings_rules_for(settings, spki, &out->revocation))
        return false;
    out->policy = settings->policy;
    memset(&out->policy.upn_suffixes, 0, sizeof(out->policy.upn_suffixes));
    out->indicators = &settings->indicators;
    out->hw_authent = &settings->hw_authent;
    for (size_t i = 0; i < settings->issuer_count; i++) {
        issuer = &settings->issuers[i];
        if (!applies(issuer, spki))
            continue;
        if (out->block_count == CM_MAX_ISSUERS ||
            !apply_block(out, issuer, &has_mappings)) {
            cm_effective_clear(out);
            return false;
        }
    }
    return true;
}

void
cm_effective_clear(struct cm_effective *effective)
{
    cm_text_list_clear(&effective->policy.upn_suffixes);
    cm_issuer_rules_clear(&effective->revocation);
    memset(effective, 0, sizeof(*effective));
}
