#include "revocation_settings.h"

#include <stdlib.h>
#include <string.h>

static bool
copy_list(const struct cm_text_list *list, struct cm_text_list *out)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!cm_text_list_add(out, list->items[i]))
            return false;
    }
    return true;
}

static bool
copy_responders(const struct cm_issuer_rules *rules,
                struct cm_issuer_rules *out)
{
    if (rules->responder_count == 0)
        return true;
    out->responders = calloc(rules->responder_count, sizeof(X509 *));
    if (out->responders == NULL)
        return false;
    for (size_t i = 0; i < rules->responder_count; i++) {
        if (X509_up_ref(rules->responders[i]) != 1)
            return false;
        out->responders[out->responder_count++] = rules->responders[i];
    }
    return true;
}

bool
cm_issuer_rules_copy(const struct cm_issuer_rules *rules,
                     struct cm_issuer_rules *out)
{
    *out = *rules;
    memset(&out->crl_urls, 0, sizeof(out->crl_urls));
    memset(&out->ocsp_urls, 0, sizeof(out->ocsp_urls));
    out->responders = NULL;
    out->responder_count = 0;
    if (copy_list(&rules->crl_urls, &out->crl_urls) &&
        copy_list(&rules->ocsp_urls, &out->ocsp_urls) &&
        copy_responders(rules, out))
        return true;
    cm_issuer_rules_clear(out);
    return false;
}

void
cm_issuer_rules_clear(struct cm_issuer_rules *rules)
{
    cm_text_list_clear(&rules->crl_urls);
    cm_text_list_clear(&rules->ocsp_urls);
    for (size_t i = 0; i < rules->responder_count; i++)
        X509_free(rules->responders[i]);
    free(rules->responders);
    memset(rules, 0, sizeof(*rules));
}

void
cm_http_settings_clear(struct cm_http_settings *http)
{
    free(http->proxy);
    cm_text_list_clear(&http->proxy_hosts);
    free(http->ca_file);
    memset(http, 0, sizeof(*http));
}
