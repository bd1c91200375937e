#include "card_rules.h"

#include <string.h>

#include "altsecid.h"
#include "text.h"

/* ---- Names ---- */

static const char *const kdc_names[] = {"krbtgt", "kadmin", "kiprop", "K",
                                        "WELLKNOWN"};
static const char *const service_names[] = {
    "host",     "HTTP",     "ldap",
    "nfs",      "cifs",     "smtp",
    "imap",     "pop",      "ftp",
    "sip",      "xmpp",     "afs",
    "DNS",      "ipp",      "rcmd",
    "krbsvr",   "postgres", "sieve",
    "MSSQLSvc", "TERMSRV",  "RestrictedKrbHost"};

enum {
    KDC_COUNT = sizeof(kdc_names) / sizeof(kdc_names[0]),
    SERVICE_COUNT = sizeof(service_names) / sizeof(service_names[0])
};

static bool
is_among(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (cm_text_equal_fold(names[i], name))
            return true;
    }
    return false;
}

const char *
cm_cardonly_refusal(const struct cm_principal *principal)
{
    const char *first = principal->components[0];
    size_t count = principal->component_count;

    if (strcmp(first, "krbtgt") == 0 ||
        (count > 1 && is_among(kdc_names, KDC_COUNT, first)))
        return "it belongs to the KDC itself";
    if (count == 1)
        return NULL;
    /* alice/admin is somebody; host/pc1.example.com is a machine. */
    if (count > 2 || is_among(service_names, SERVICE_COUNT, first) ||
        strchr(principal->components[1], '.') != NULL)
        return "it is a service, which logs in with a keytab";
    return NULL;
}

/* ---- Mappings ---- */

static bool
accepts(const struct cm_policy *policy, enum cm_form form)
{
    return (policy->accept & CM_ACCEPT(form)) != 0;
}

/* Can something weak be enough? */
static bool
weak_counts(const struct cm_policy *policy, const struct cm_account *account)
{
    return policy->enforcement != CM_ENFORCE_FULL ||
           policy->name_strong_count > 0 ||
           (account->sid_state == CM_PRESENT &&
            (policy->accept & (CM_ACCEPT_SID | CM_ACCEPT_SID_URI)) != 0);
}

static bool
value_counts(const struct cm_policy *policy, const struct cm_account *account,
             const struct cm_value *value)
{
    struct cm_altsecid parsed;

    cm_altsecid_parse(value->data, value->len, &parsed);
    if (parsed.form == CM_FORM_NONE || !accepts(policy, parsed.form))
        return false;
    return cm_form_strength(parsed.form) == CM_STRENGTH_STRONG ||
           weak_counts(policy, account);
}

bool
cm_cardonly_could_log_in(const struct cm_settings *settings,
                         const struct cm_account *account)
{
    const struct cm_policy *policy = &settings->policy;
    enum cm_form name = account->computer ? CM_FORM_DNS : CM_FORM_UPN;

    for (size_t i = 0; i < account->mapping_count; i++) {
        if (value_counts(policy, account, &account->mappings[i]))
            return true;
    }
    if (accepts(policy, CM_FORM_SID) && account->sid_state == CM_PRESENT)
        return true;
    return policy->use_subject_alt_name && accepts(policy, name) &&
           (account->upn_state == CM_PRESENT ||
            account->account_name != NULL) &&
           weak_counts(policy, account);
}

/* ---- hw-authent ---- */

static bool
asserts(const struct cm_conditions *conditions)
{
    for (size_t i = 0; i < conditions->count; i++) {
        if (conditions->list[i].kind != CM_CONDITION_NEVER)
            return true;
    }
    return false;
}

bool
cm_cardonly_has_hw_authent(const struct cm_settings *settings)
{
    bool found = asserts(&settings->hw_authent);

    for (size_t i = 0; i < settings->issuer_count; i++)
        found = found || (settings->issuers[i].has_hw_authent &&
                          asserts(&settings->issuers[i].hw_authent));
    return found;
}
