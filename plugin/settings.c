#include "settings.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "indicators.h"
#include "strength.h"

enum { MAX_REALM_TEXT = 200 };

static char *
lower_case(const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        return NULL;
    for (char *p = copy; *p != '\0'; p++) {
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    }
    return copy;
}

bool
cm_settings_init(struct cm_settings *settings, const char *realm)
{
    char *dns_domain = lower_case(realm);
    bool ok = false;

    memset(settings, 0, sizeof(*settings));
    settings->mode = CM_MODE_ENFORCE;
    settings->logon.key_purposes = CM_PURPOSE_CLIENT_AUTH |
                                   CM_PURPOSE_SMARTCARD_LOGON |
                                   CM_PURPOSE_PKINIT_CLIENT;
    settings->logon.min_rsa_bits = CM_MIN_RSA_BITS_DEFAULT;
    settings->revocation.mode = CM_REVOCATION_REQUIRE;
    settings->revocation.sources[0] = CM_SOURCE_CRL;
    settings->revocation.sources[1] = CM_SOURCE_OCSP;
    settings->revocation.source_count = 2;
    settings->ntauth.max_age = CM_NTAUTH_MAX_AGE_DEFAULT;
    settings->store = strdup(CM_STORE_PATH);
    settings->timeout_ms = CM_TIMEOUT_DEFAULT_MS;
    settings->staple_max_age = CM_STAPLE_MAX_AGE_DEFAULT;
    settings->certauth_wait = CM_WAIT_DIRECTORY;
    settings->directory.kind = CM_DIRECTORY_KDB;
    settings->realm = strdup(realm);
    if (settings->realm != NULL && settings->store != NULL &&
        dns_domain != NULL)
        ok = cm_policy_init(&settings->policy, dns_domain);
    free(dns_domain);
    if (!ok)
        cm_settings_clear(settings);
    return ok;
}

static void
indicator_rules_clear(struct cm_indicator_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++) {
        free(rules->list[i].name);
        cm_condition_clear(&rules->list[i].condition);
    }
    free(rules->list);
}

static void
conditions_clear(struct cm_conditions *conditions)
{
    for (size_t i = 0; i < conditions->count; i++)
        cm_condition_clear(&conditions->list[i]);
    free(conditions->list);
}

static void
issuer_clear(struct cm_issuer_settings *issuer)
{
    free(issuer->label);
    cm_issuer_rules_clear(&issuer->rules);
    cm_text_list_clear(&issuer->upn_suffixes);
    indicator_rules_clear(&issuer->indicators);
    conditions_clear(&issuer->hw_authent);
}

void
cm_settings_clear(struct cm_settings *settings)
{
    free(settings->realm);
    cm_trust_config_clear(&settings->trust);
    cm_issuer_rules_clear(&settings->revocation);
    free(settings->store);
    cm_http_settings_clear(&settings->http);
    cm_policy_clear(&settings->policy);
    cm_directory_config_clear(&settings->directory);
    indicator_rules_clear(&settings->indicators);
    conditions_clear(&settings->hw_authent);
    for (size_t i = 0; i < settings->issuer_count; i++)
        issuer_clear(&settings->issuers[i]);
    free(settings->issuers);
    memset(settings, 0, sizeof(*settings));
}

/* The forms and words that `mappings` has beyond the default. */
static void
add_extra_mappings(struct cm_buf *buf, unsigned accept)
{
    unsigned extra = accept & ~CM_ACCEPT_DEFAULT;
    const char *separator = " mappings+";

    for (int form = CM_FORM_ISSUER_SUBJECT; form <= CM_FORM_SID; form++) {
        if ((extra & CM_ACCEPT((unsigned)form)) == 0)
            continue;
        cm_buf_add_text(buf, separator);
        cm_buf_add_text(buf, cm_form_token((enum cm_form)form));
        separator = ",";
    }
    if ((extra & CM_ACCEPT_SID_URI) != 0) {
        cm_buf_add_text(buf, separator);
        cm_buf_add_text(buf, "sid-uri");
    }
}

static const char *
revocation_choice(enum cm_revocation_mode mode)
{
    switch (mode) {
    case CM_REVOCATION_REQUIRE:
        return NULL;
    case CM_REVOCATION_SOFT:
        return " revocation=soft";
    case CM_REVOCATION_OFF:
        return " revocation=off";
    }
    return NULL;
}

static void
add_stale_grace(struct cm_buf *buf, const struct cm_issuer_rules *rules)
{
    if (rules->stale_grace > 0)
        cm_buf_addf(buf, " stale_grace=%llds", (long long)rules->stale_grace);
}

static const char *
enforcement_choice(enum cm_enforcement enforcement)
{
    switch (enforcement) {
    case CM_ENFORCE_FULL:
        return NULL;
    case CM_ENFORCE_COMPATIBILITY:
        return " enforcement=compatibility";
    case CM_ENFORCE_DISABLED:
        return " enforcement=disabled";
    }
    return NULL;
}

static void
add_choice(struct cm_buf *buf, const char *choice)
{
    if (choice != NULL)
        cm_buf_add_text(buf, choice);
}

static void
add_policy_choices(struct cm_buf *buf, const struct cm_policy *policy)
{
    add_choice(buf, enforcement_choice(policy->enforcement));
    add_extra_mappings(buf, policy->accept);
    if (!policy->use_subject_alt_name)
        cm_buf_add_text(buf, " use_subject_alt_name=false");
    if (policy->ski_trust_extension)
        cm_buf_add_text(buf, " ski_trust_extension=true");
    if (policy->backdating > 0)
        cm_buf_addf(buf, " backdating=%llds", (long long)policy->backdating);
    if (policy->name_strong_count > 0)
        cm_buf_addf(buf, " name_strong=%zu", policy->name_strong_count);
}

/* What an issuer block allows that the realm does not. */
static void
add_issuer_choices(struct cm_buf *buf, const struct cm_settings *settings,
                   const struct cm_issuer_settings *issuer)
{
    struct cm_buf inner = CM_BUF_INIT;
    char *text;

    if (issuer->has_revocation &&
        issuer->rules.mode > settings->revocation.mode)
        add_choice(&inner, revocation_choice(issuer->rules.mode));
    if (issuer->has_stale_grace &&
        issuer->rules.stale_grace > settings->revocation.stale_grace)
        add_stale_grace(&inner, &issuer->rules);
    if (issuer->rules.allow_private_addresses)
        cm_buf_add_text(&inner, " allow_private_addresses=true");
    if (issuer->has_mappings)
        add_extra_mappings(&inner,
                           issuer->mappings & ~settings->policy.accept);
    text = cm_buf_take(&inner);
    if (text == NULL)
        buf->failed = true;
    else if (*text != '\0')
        cm_buf_addf(buf, " issuer.%s(%s)", issuer->label, text + 1);
    free(text);
}

static void
add_choices(struct cm_buf *buf, const struct cm_settings *settings)
{
    if (settings->mode == CM_MODE_OBSERVE)
        cm_buf_add_text(buf, " mode=observe");
    add_choice(buf, revocation_choice(settings->revocation.mode));
    add_stale_grace(buf, &settings->revocation);
    if (settings->staple_max_age > CM_STAPLE_MAX_AGE_DEFAULT)
        cm_buf_addf(buf, " staple_max_age=%llds",
                    (long long)settings->staple_max_age);
    if (settings->certauth_wait == CM_WAIT_ALL)
        cm_buf_add_text(buf, " certauth_wait=all");
    add_policy_choices(buf, &settings->policy);
    if (settings->logon.min_rsa_bits < CM_MIN_RSA_BITS_DEFAULT)
        cm_buf_addf(buf, " min_rsa_bits=%d", settings->logon.min_rsa_bits);
    if (settings->unavailable_discards)
        cm_buf_add_text(buf, " unavailable=discard");
    for (size_t i = 0; i < settings->issuer_count; i++)
        add_issuer_choices(buf, settings, &settings->issuers[i]);
}

const char *
cm_mode_token(enum cm_mode mode)
{
    switch (mode) {
    case CM_MODE_ENFORCE:
        return "enforce";
    case CM_MODE_OBSERVE:
        return "observe";
    case CM_MODE_OFF:
        return "off";
    }
    return "enforce";
}

static const char *
directory_token(enum cm_directory_kind kind)
{
    switch (kind) {
    case CM_DIRECTORY_KDB:
        return "kdb";
    case CM_DIRECTORY_LDAP:
        return "ldap";
    case CM_DIRECTORY_LDIF:
        return "ldif";
    }
    return "kdb";
}

char *
cm_settings_summary(const struct cm_settings *settings)
{
    struct cm_buf buf = CM_BUF_INIT;
    size_t before;

    cm_buf_add_text(&buf, "realm=\"");
    cm_text_escape(&buf, settings->realm, strlen(settings->realm),
                   MAX_REALM_TEXT);
    cm_buf_addf(&buf, "\" mode=%s", cm_mode_token(settings->mode));
    if (settings->mode == CM_MODE_OFF) {
        cm_buf_add_text(&buf, ": the built-in modules decide");
        return cm_buf_take(&buf);
    }
    cm_buf_addf(&buf, " directory=%s weakened:",
                directory_token(settings->directory.kind));
    before = buf.len;
    add_choices(&buf, settings);
    if (buf.len == before)
        cm_buf_add_text(&buf, " nothing");
    return cm_buf_take(&buf);
}
