#include "config_values.h"

#include <stdlib.h>
#include <string.h>

#include "config_words.h"
#include "indicators.h"
#include "strength.h"

#define PARSER(name)                                                          \
    bool cm_parse_##name(struct cm_config_target *target, const char *value,  \
                         struct cm_detail *detail)

PARSER(mode)
{
    static const struct cm_word words[] = {{"enforce", CM_MODE_ENFORCE},
                                           {"observe", CM_MODE_OBSERVE},
                                           {"off", CM_MODE_OFF},
                                           {NULL, 0}};
    int mode;

    (void)detail;
    if (!cm_word_parse(value, words, &mode))
        return false;
    target->settings->mode = (enum cm_mode)mode;
    return true;
}

PARSER(anchors)
{
    struct cm_trust_config *trust = &target->settings->trust;

    if (strcmp(value, "ntauth") == 0) {
        trust->anchors_are_ntauth = true;
        return true;
    }
    return cm_location_parse(value, &trust->anchors, detail);
}

PARSER(intermediates)
{
    return cm_location_parse(value, &target->settings->trust.intermediates,
                             detail);
}

PARSER(ntauth)
{
    struct cm_settings *settings = target->settings;

    if (strcmp(value, "ldap") == 0) {
        settings->ntauth.from_ldap = true;
        return true;
    }
    return cm_location_parse(value, &settings->trust.ntauth, detail);
}

/* The purpose that a word of len bytes names, or 0. */
static unsigned
key_purpose(const char *word, size_t len)
{
    static const struct cm_word words[] = {
        {"client-auth", CM_PURPOSE_CLIENT_AUTH},
        {"smartcard-logon", CM_PURPOSE_SMARTCARD_LOGON},
        {"pkinit-client", CM_PURPOSE_PKINIT_CLIENT},
        {NULL, 0}};
    char text[sizeof("smartcard-logon")];
    int value = 0;

    if (len >= sizeof(text))
        return 0;
    memcpy(text, word, len);
    text[len] = '\0';
    return cm_word_parse(text, words, &value) ? (unsigned)value : 0;
}

PARSER(key_purpose)
{
    const char *cursor = value, *word;
    unsigned bit, purposes = 0;
    size_t len;

    (void)detail;
    while ((word = cm_word_next(&cursor, &len)) != NULL) {
        bit = key_purpose(word, len);
        if (bit == 0 || (purposes & bit) != 0)
            return false;
        purposes |= bit;
    }
    if (purposes == 0)
        return false;
    target->settings->logon.key_purposes = purposes;
    return true;
}

PARSER(require_key_purpose)
{
    (void)detail;
    return cm_boolean_parse(value,
                            &target->settings->logon.require_key_purpose);
}

PARSER(min_rsa_bits)
{
    (void)detail;
    return cm_number_parse(value, strlen(value), CM_MIN_RSA_BITS_LEAST,
                           CM_MAX_RSA_BITS,
                           &target->settings->logon.min_rsa_bits);
}

/* "500ms" or "2s". */
PARSER(timeout)
{
    size_t digits = strspn(value, "0123456789");
    int *out = &target->settings->timeout_ms, number;

    (void)detail;
    if (strcmp(value + digits, "ms") == 0)
        return cm_number_parse(value, digits, CM_TIMEOUT_MIN_MS,
                               CM_TIMEOUT_MAX_MS, out);
    if (strcmp(value + digits, "s") != 0 ||
        !cm_number_parse(value, digits, 1, CM_TIMEOUT_MAX_MS / 1000, &number))
        return false;
    *out = number * 1000;
    return true;
}

PARSER(certauth_wait)
{
    static const struct cm_word words[] = {{"directory", CM_WAIT_DIRECTORY},
                                           {"none", CM_WAIT_NONE},
                                           {"all", CM_WAIT_ALL},
                                           {NULL, 0}};
    int wait;

    (void)detail;
    if (!cm_word_parse(value, words, &wait))
        return false;
    target->settings->certauth_wait = (enum cm_wait)wait;
    return true;
}

PARSER(anonymous)
{
    static const struct cm_word words[] = {
        {"allow", 0}, {"refuse", 1}, {NULL, 0}};
    int refused;

    (void)detail;
    if (!cm_word_parse(value, words, &refused))
        return false;
    target->settings->anonymous_refused = refused == 1;
    return true;
}

PARSER(unavailable)
{
    static const struct cm_word words[] = {
        {"refuse", 0}, {"discard", 1}, {NULL, 0}};
    int discard;

    (void)detail;
    if (!cm_word_parse(value, words, &discard))
        return false;
    target->settings->unavailable_discards = discard == 1;
    return true;
}

PARSER(enforcement)
{
    static const struct cm_word words[] = {
        {"full", CM_ENFORCE_FULL},
        {"compatibility", CM_ENFORCE_COMPATIBILITY},
        {"disabled", CM_ENFORCE_DISABLED},
        {NULL, 0}};
    int enforcement;

    (void)detail;
    if (!cm_word_parse(value, words, &enforcement))
        return false;
    target->settings->policy.enforcement = (enum cm_enforcement)enforcement;
    return true;
}

PARSER(mappings)
{
    return cm_policy_parse_mappings(value, &target->settings->policy.accept,
                                    detail);
}

PARSER(use_subject_alt_name)
{
    (void)detail;
    return cm_boolean_parse(value,
                            &target->settings->policy.use_subject_alt_name);
}

PARSER(sid_mismatch)
{
    static const struct cm_word words[] = {
        {"warn", 0}, {"refuse", 1}, {NULL, 0}};
    int refuses;

    (void)detail;
    if (!cm_word_parse(value, words, &refuses))
        return false;
    target->settings->policy.sid_mismatch_refuses = refuses == 1;
    return true;
}

PARSER(ski_trust_extension)
{
    (void)detail;
    return cm_boolean_parse(value,
                            &target->settings->policy.ski_trust_extension);
}

PARSER(backdating)
{
    return cm_policy_parse_duration(
        value, &target->settings->policy.backdating, detail);
}

PARSER(name_strong)
{
    struct cm_policy *policy = &target->settings->policy;
    struct cm_name_strong tuple, *list;

    if (!cm_policy_parse_name_strong(value, &tuple, detail))
        return false;
    list = reallocarray(policy->name_strong, policy->name_strong_count + 1,
                        sizeof(*list));
    if (list == NULL) {
        cm_name_strong_clear(&tuple);
        return cm_out_of_memory(detail);
    }
    list[policy->name_strong_count++] = tuple;
    policy->name_strong = list;
    return true;
}

PARSER(dns_domain)
{
    return cm_policy_domain_is_valid(value) &&
           cm_text_replace(&target->settings->policy.dns_domain, value,
                           detail);
}

PARSER(directory)
{
    static const struct cm_word words[] = {
        {"kdb", CM_DIRECTORY_KDB}, {"ldap", CM_DIRECTORY_LDAP}, {NULL, 0}};
    struct cm_directory_config *directory = &target->settings->directory;
    static const char ldif[] = "ldif:";
    int kind;

    if (strncmp(value, ldif, sizeof(ldif) - 1) == 0) {
        if (!cm_path_replace(&directory->ldif_path, value + sizeof(ldif) - 1,
                             detail))
            return false;
        directory->kind = CM_DIRECTORY_LDIF;
        return true;
    }
    if (!cm_word_parse(value, words, &kind))
        return false;
    directory->kind = (enum cm_directory_kind)kind;
    return true;
}

/* "never" stands alone: beside another condition it would say nothing. */
static bool
contradicts_never(const struct cm_conditions *conditions, bool never)
{
    return conditions->count > 0 &&
           (never || conditions->list[0].kind == CM_CONDITION_NEVER);
}

bool
cm_config_add_hw_authent(struct cm_conditions *conditions, const char *value,
                         struct cm_detail *detail)
{
    struct cm_condition condition, *list;
    bool never = strcmp(value, "never") == 0;

    if (strncmp(value, "policy:", 7) != 0 &&
        strncmp(value, "issuer:", 7) != 0 && !never)
        return false;
    if (contradicts_never(conditions, never)) {
        cm_detail_set(detail, "never beside another condition");
        return false;
    }
    if (!cm_condition_parse(value, &condition, detail))
        return false;
    list =
        reallocarray(conditions->list, conditions->count + 1, sizeof(*list));
    if (list == NULL) {
        cm_condition_clear(&condition);
        return cm_out_of_memory(detail);
    }
    list[conditions->count++] = condition;
    conditions->list = list;
    return true;
}

PARSER(hw_authent)
{
    return cm_config_add_hw_authent(&target->settings->hw_authent, value,
                                    detail);
}
