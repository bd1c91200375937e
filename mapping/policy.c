#include "policy.h"

#include <stdlib.h>
#include <string.h>

bool
cm_policy_init(struct cm_policy *policy, const char *dns_domain)
{
    memset(policy, 0, sizeof(*policy));
    policy->enforcement = CM_ENFORCE_FULL;
    policy->accept = CM_ACCEPT_DEFAULT;
    policy->use_subject_alt_name = true;
    policy->dns_domain = strdup(dns_domain);
    return policy->dns_domain != NULL;
}

void
cm_name_strong_clear(struct cm_name_strong *tuple)
{
    cm_text_list_clear(&tuple->oids);
    cm_text_list_clear(&tuple->upn_suffixes);
    memset(tuple, 0, sizeof(*tuple));
}

void
cm_policy_clear(struct cm_policy *policy)
{
    for (size_t i = 0; i < policy->name_strong_count; i++)
        cm_name_strong_clear(&policy->name_strong[i]);
    free(policy->name_strong);
    free(policy->dns_domain);
    cm_text_list_clear(&policy->upn_suffixes);
    memset(policy, 0, sizeof(*policy));
}
