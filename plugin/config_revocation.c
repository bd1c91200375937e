/*
 * Values about revocation: what is asked, where it is fetched, how the
 * network is reached.
 */
#include "config_values.h"

#include <stdlib.h>
#include <string.h>

#include "config_words.h"
#include "fetch.h"

#define PARSER(name)                                                          \
    bool cm_parse_##name(struct cm_config_target *target, const char *value,  \
                         struct cm_detail *detail)

/* ---- kinds of values ---- */

static bool
read_mode(const char *value, enum cm_revocation_mode *out)
{
    static const struct cm_word words[] = {{"require", CM_REVOCATION_REQUIRE},
                                           {"soft", CM_REVOCATION_SOFT},
                                           {"off", CM_REVOCATION_OFF},
                                           {NULL, 0}};
    int mode;

    if (!cm_word_parse(value, words, &mode))
        return false;
    *out = (enum cm_revocation_mode)mode;
    return true;
}

/* A duration that policy.h knows, from least to most seconds. */
static bool
read_duration(const char *value, int64_t least, int64_t most, int64_t *out,
              struct cm_detail *detail)
{
    int64_t seconds;

    if (!cm_policy_parse_duration(value, &seconds, detail) ||
        seconds < least || seconds > most)
        return false;
    *out = seconds;
    return true;
}

/* A source that is not there yet, appended. */
static bool
add_source(const char *word, size_t len, struct cm_issuer_rules *rules)
{
    enum cm_status_source source;

    if (len == 3 && memcmp(word, "crl", len) == 0)
        source = CM_SOURCE_CRL;
    else if (len == 4 && memcmp(word, "ocsp", len) == 0)
        source = CM_SOURCE_OCSP;
    else
        return false;
    for (size_t i = 0; i < rules->source_count; i++) {
        if (rules->sources[i] == source)
            return false;
    }
    rules->sources[rules->source_count++] = source;
    return true;
}

static bool
read_sources(const char *value, struct cm_issuer_rules *out)
{
    struct cm_issuer_rules rules = {0};
    const char *cursor = value, *word;
    size_t len;

    while ((word = cm_word_next(&cursor, &len)) != NULL) {
        if (!add_source(word, len, &rules))
            return false;
    }
    if (rules.source_count == 0)
        return false;
    memcpy(out->sources, rules.sources, sizeof(out->sources));
    out->source_count = rules.source_count;
    return true;
}

/* What stands behind http:// or https://; NULL: neither. */
static const char *
skip_scheme(const char *url)
{
    static const char *const schemes[] = {"http://", "https://"};
    size_t len;

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        len = strlen(schemes[i]);
        if (strncmp(url, schemes[i], len) == 0)
            return url + len;
    }
    return NULL;
}

/* Catches slips of the pen: the fetcher looks at it closely. */
static bool
is_url(const char *url)
{
    const char *host = skip_scheme(url);
    size_t len = host != NULL ? strcspn(host, "/?") : 0;

    if (len == 0 || *host == ':' || strlen(url) > CM_FETCH_MAX_URL ||
        memchr(host, '@', len) != NULL)
        return false;
    for (const char *p = url; *p != '\0'; p++) {
        if (*p < '!' || *p > '~')
            return false;
    }
    return true;
}

static bool
is_host(const char *text)
{
    return cm_policy_domain_is_valid(text);
}

/* Appends the words of value, each once and each as is_valid likes it. */
static bool
add_words(struct cm_text_list *list, const char *value, size_t most,
          bool (*is_valid)(const char *word), struct cm_detail *detail)
{
    const char *cursor = value, *word;
    char *copy;
    size_t len;
    bool ok = true;

    while (ok && (word = cm_word_next(&cursor, &len)) != NULL) {
        copy = strndup(word, len);
        if (copy == NULL)
            return cm_out_of_memory(detail);
        ok = list->count < most && is_valid(copy) &&
             !cm_text_list_has(list, copy);
        if (ok && !cm_text_list_add(list, copy))
            ok = cm_out_of_memory(detail);
        free(copy);
    }
    return ok;
}

static bool
add_urls(struct cm_text_list *list, const char *value,
         struct cm_detail *detail)
{
    return add_words(list, value, CM_RULES_MAX_URLS, is_url, detail);
}

/* ---- relations of the realm ---- */

PARSER(revocation)
{
    (void)detail;
    return read_mode(value, &target->settings->revocation.mode);
}

PARSER(revocation_sources)
{
    (void)detail;
    return read_sources(value, &target->settings->revocation);
}

PARSER(stale_grace)
{
    return read_duration(value, 0, CM_STALE_GRACE_MOST,
                         &target->settings->revocation.stale_grace, detail);
}

PARSER(crl_url)
{
    return add_urls(&target->settings->revocation.crl_urls, value, detail);
}

PARSER(ocsp_responder)
{
    return add_urls(&target->settings->revocation.ocsp_urls, value, detail);
}

PARSER(store)
{
    struct cm_settings *settings = target->settings;

    settings->store_given = cm_path_replace(&settings->store, value, detail);
    return settings->store_given;
}

PARSER(ntauth_max_age)
{
    return read_duration(value, CM_NTAUTH_MAX_AGE_LEAST,
                         CM_NTAUTH_MAX_AGE_MOST,
                         &target->settings->ntauth.max_age, detail);
}

PARSER(staple_max_age)
{
    return read_duration(value, 0, CM_STAPLE_MAX_AGE_MOST,
                         &target->settings->staple_max_age, detail);
}

PARSER(http_proxy)
{
    static const char scheme[] = "http://";
    const char *host = value + sizeof(scheme) - 1, *port;
    int number;

    if (strncmp(value, scheme, sizeof(scheme) - 1) != 0 || !is_url(value))
        return false;
    port = strrchr(host, ':');
    if (port == NULL || strpbrk(host, "/?") != NULL ||
        !cm_number_parse(port + 1, strlen(port + 1), 1, UINT16_MAX, &number))
        return false;
    return cm_text_replace(&target->settings->http.proxy, value, detail);
}

PARSER(http_proxy_hosts)
{
    return add_words(&target->settings->http.proxy_hosts, value,
                     CM_CONFIG_MAX_REPEATED, is_host, detail);
}

PARSER(http_ca_file)
{
    return cm_path_replace(&target->settings->http.ca_file, value, detail);
}

/* ---- relations of issuer { label { } } ---- */

PARSER(issuer_revocation)
{
    struct cm_issuer_settings *issuer = target->issuer;

    (void)detail;
    issuer->has_revocation = read_mode(value, &issuer->rules.mode);
    return issuer->has_revocation;
}

PARSER(issuer_revocation_sources)
{
    struct cm_issuer_settings *issuer = target->issuer;

    (void)detail;
    issuer->has_sources = read_sources(value, &issuer->rules);
    return issuer->has_sources;
}

PARSER(issuer_stale_grace)
{
    struct cm_issuer_settings *issuer = target->issuer;

    issuer->has_stale_grace = read_duration(
        value, 0, CM_STALE_GRACE_MOST, &issuer->rules.stale_grace, detail);
    return issuer->has_stale_grace;
}

PARSER(issuer_crl_url)
{
    return add_urls(&target->issuer->rules.crl_urls, value, detail);
}

PARSER(issuer_ocsp_responder)
{
    return add_urls(&target->issuer->rules.ocsp_urls, value, detail);
}

PARSER(issuer_ocsp_responder_certificate)
{
    return cm_config_read_file(value, &target->responder_certificate, detail);
}

PARSER(issuer_allow_private_addresses)
{
    struct cm_issuer_settings *issuer = target->issuer;

    (void)detail;
    issuer->has_allow_private =
        cm_boolean_parse(value, &issuer->rules.allow_private_addresses);
    return issuer->has_allow_private;
}
