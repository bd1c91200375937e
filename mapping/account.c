#include "account.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

void
cm_account_clear(struct cm_account *account)
{
    for (size_t i = 0; i < account->mapping_count; i++)
        free(account->mappings[i].data);
    free(account->mappings);
    free(account->id);
    free(account->disabled_why);
    free(account->account_name);
    free(account->upn);
    free(account->sid);
    memset(account, 0, sizeof(*account));
}

void
cm_accounts_clear(struct cm_accounts *accounts)
{
    for (size_t i = 0; i < accounts->count; i++)
        cm_account_clear(&accounts->list[i]);
    free(accounts->list);
    memset(accounts, 0, sizeof(*accounts));
}

/* Is the UPN `name`, "@", `domain`? */
static bool
is_implicit_upn(const char *upn, const char *name, const char *domain)
{
    size_t name_len = strlen(name);

    return name_len > 0 && strlen(upn) > name_len && upn[name_len] == '@' &&
           cm_text_equal_fold_n(upn, name, name_len) &&
           cm_text_equal_fold(upn + name_len + 1, domain);
}

bool
cm_account_has_upn(const struct cm_account *account, const char *upn,
                   const char *dns_domain)
{
    if (account->upn_state == CM_PRESENT &&
        cm_text_equal_fold(account->upn, upn))
        return true;
    /* An explicit UPN does not take the implicit one away. */
    return account->account_name != NULL &&
           is_implicit_upn(upn, account->account_name, dns_domain);
}

bool
cm_account_has_dns_name(const struct cm_account *account, const char *dns_name,
                        const char *dns_domain)
{
    const char *name = account->account_name;
    const char *dot = strchr(dns_name, '.');
    size_t len = name != NULL ? strlen(name) : 0;

    if (dot == NULL || len < 2 || name[len - 1] != '$')
        return false;
    return (size_t)(dot - dns_name) == len - 1 &&
           cm_text_equal_fold_n(dns_name, name, len - 1) &&
           cm_text_equal_fold(dot + 1, dns_domain);
}
