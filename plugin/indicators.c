#include "indicators.h"

#include <stdlib.h>
#include <string.h>

static const char any_policy[] = "2.5.29.32.0";

static const char allowed[] =
    "allowed: always, never, strength:strong, policy:OID, "
    "issuer:SHA-256 of the CA's key in 64 hex digits, revocation:checked";

/* The part after "prefix", or NULL. */
static const char *
after(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static bool
parse_policy(const char *oid, struct cm_condition *out,
             struct cm_detail *detail)
{
    if (!cm_policy_oid_is_valid(oid)) {
        cm_detail_set(detail, "not a dotted object identifier");
        return false;
    }
    if (strcmp(oid, any_policy) == 0) {
        cm_detail_set(detail, "anyPolicy never counts; name a policy");
        return false;
    }
    out->oid = strdup(oid);
    if (out->oid == NULL) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    out->kind = CM_CONDITION_POLICY;
    return true;
}

static bool
parse_issuer(const char *hex, struct cm_condition *out,
             struct cm_detail *detail)
{
    uint8_t spki[sizeof(out->spki)];
    size_t len;

    if (!cm_hex_decode(hex, strlen(hex), spki, sizeof(spki), &len) ||
        len != sizeof(spki)) {
        cm_detail_set(detail, "issuer: needs the SHA-256 of the CA's "
                              "SubjectPublicKeyInfo in 64 hex digits");
        return false;
    }
    memcpy(out->spki, spki, sizeof(spki));
    out->kind = CM_CONDITION_ISSUER;
    return true;
}

bool
cm_condition_parse(const char *text, struct cm_condition *out,
                   struct cm_detail *detail)
{
    static const struct {
        const char *word;
        enum cm_condition_kind kind;
    } words[] = {
        {"always", CM_CONDITION_ALWAYS},
        {"never", CM_CONDITION_NEVER},
        {"strength:strong", CM_CONDITION_STRENGTH_STRONG},
        {"revocation:checked", CM_CONDITION_REVOCATION_CHECKED},
    };
    struct cm_condition parsed = {.kind = CM_CONDITION_NEVER};
    const char *rest;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i].word) != 0)
            continue;
        parsed.kind = words[i].kind;
        *out = parsed;
        return true;
    }
    if ((rest = after(text, "policy:")) != NULL) {
        if (!parse_policy(rest, &parsed, detail))
            return false;
    } else if ((rest = after(text, "issuer:")) != NULL) {
        if (!parse_issuer(rest, &parsed, detail))
            return false;
    } else {
        cm_detail_set(detail, "%s", allowed);
        return false;
    }
    *out = parsed;
    return true;
}

void
cm_condition_clear(struct cm_condition *condition)
{
    free(condition->oid);
    memset(condition, 0, sizeof(*condition));
    condition->kind = CM_CONDITION_NEVER;
}

/* What conditions are judged by. */
struct facts {
    const struct cm_path *path;
    enum cm_strength strength;
    bool revocation_checked;
    /* The valid policy set for the realm's rules, the leaf's policies for
     * those of an issuer block. */
    const struct cm_text_list *policies;
};

static bool
holds(const struct cm_condition *condition, const struct facts *facts)
{
    switch (condition->kind) {
    case CM_CONDITION_ALWAYS:
        return true;
    case CM_CONDITION_STRENGTH_STRONG:
        return facts->strength == CM_STRENGTH_STRONG;
    case CM_CONDITION_POLICY:
        return strcmp(condition->oid, any_policy) != 0 &&
               cm_text_list_has(facts->policies, condition->oid);
    case CM_CONDITION_ISSUER:
        return memcmp(condition->spki, facts->path->issuer_spki_sha256,
                      sizeof(condition->spki)) == 0;
    case CM_CONDITION_REVOCATION_CHECKED:
        return facts->revocation_checked;
    case CM_CONDITION_NEVER:
        return false;
    }
    return false;
}

static bool
any_holds(const struct cm_conditions *conditions, const struct facts *facts)
{
    for (size_t i = 0; i < conditions->count; i++) {
        if (holds(&conditions->list[i], facts))
            return true;
    }
    return false;
}

/* Do the rules assert the indicator?  Any rule of its name suffices. */
static bool
asserts(const struct cm_indicator_rules *rules, const char *name,
        const struct facts *facts)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (strcmp(rules->list[i].name, name) == 0 &&
            holds(&rules->list[i].condition, facts))
            return true;
    }
    return false;
}

/* Appends what the rules assert, as far as every block that brings rules of
 * its own asserts it too. */
static bool
add_asserted(const struct cm_indicator_rules *rules, const struct facts *facts,
             const struct cm_effective *effective, struct cm_text_list *list)
{
    const struct cm_issuer_settings *block;
    const char *name;
    bool all;

    for (size_t i = 0; i < rules->count; i++) {
        name = rules->list[i].name;
        all = !cm_text_list_has(list, name) && asserts(rules, name, facts);
        for (size_t j = 0; all && j < effective->block_count; j++) {
            block = effective->blocks[j];
            all = !block->has_indicators ||
                  asserts(&block->indicators, name, facts);
        }
        if (all && !cm_text_list_add(list, name))
            return false;
    }
    return true;
}

/* Every block that says something about hw-authent must agree. */
static bool
blocks_say_hardware(const struct cm_effective *effective,
                    const struct facts *facts)
{
    const struct cm_issuer_settings *block;
    bool said = false;

    for (size_t i = 0; i < effective->block_count; i++) {
        block = effective->blocks[i];
        if (!block->has_hw_authent)
            continue;
        if (!any_holds(&block->hw_authent, facts))
            return false;
        said = true;
    }
    return said;
}

/* The first block whose rules replace the realm's, or NULL. */
static const struct cm_issuer_settings *
first_with_indicators(const struct cm_effective *effective)
{
    for (size_t i = 0; i < effective->block_count; i++) {
        if (effective->blocks[i]->has_indicators)
            return effective->blocks[i];
    }
    return NULL;
}

bool
cm_indicators_evaluate(const struct cm_effective *effective,
                       const struct cm_certificate *cert,
                       const struct cm_path *path, enum cm_strength strength,
                       bool revocation_checked,
                       struct cm_text_list *indicators, bool *hw_authent)
{
    struct facts in_realm = {path, strength, revocation_checked,
                             &path->policies};
    struct facts in_block = {path, strength, revocation_checked,
                             &cert->policies};
    const struct cm_issuer_settings *block = first_with_indicators(effective);
    struct cm_text_list list = {0};
    bool ok = true;

    if (block != NULL)
        ok = add_asserted(&block->indicators, &in_block, effective, &list);
    else if (effective->indicators != NULL)
        ok = add_asserted(effective->indicators, &in_realm, effective, &list);
    if (!ok) {
        cm_text_list_clear(&list);
        return false;
    }
    *indicators = list;
    *hw_authent = effective->hw_authent != NULL
                      ? any_holds(effective->hw_authent, &in_realm)
                      : blocks_say_hardware(effective, &in_block);
    return true;
}
