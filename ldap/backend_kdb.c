/*
 * kdb: the account is the KDC's entry, and its string attributes speak for
 * it.  Nothing is asked of anybody.
 */
#include "backend.h"

#include <stdlib.h>
#include <string.h>

#include "field.h"
#include "schema_rules.h"

static enum cm_reason
read_account(const struct cm_principal *principal,
             const struct cm_entry *entry, struct cm_account *out,
             struct cm_detail *detail)
{
    out->named = true;
    out->id = strdup(principal->text);
    if (out->id == NULL)
        return CM_NO_MEMORY;
    if (principal->component_count == 1) {
        out->account_name = strdup(principal->components[0]);
        if (out->account_name == NULL)
            return CM_NO_MEMORY;
    }
    /* An entry without the string has no SID, rather than a missing one. */
    out->has_sid_attribute = cm_entry_get(entry, "objectSid") != NULL;
    if (!cm_field_sid(entry, "objectSid", &out->sid_state, &out->sid) ||
        !cm_field_text(entry, "userPrincipalName", &out->upn_state, &out->upn))
        return CM_NO_MEMORY;
    /* kdb_entry.h gives altSecurityIdentities.2 and so on this name too. */
    return cm_account_read_mappings(entry, "altSecurityIdentities", out,
                                    detail);
}

enum cm_reason
cm_kdb_find(const struct cm_directory_query *query, struct cm_accounts *out,
            struct cm_detail *detail)
{
    struct cm_account *account;

    if (query->kdb_entry == NULL) {
        cm_detail_set(detail, "the KDC's entry was not handed over");
        return CM_DIRECTORY_UNAVAILABLE;
    }
    account = calloc(1, sizeof(*account));
    if (account == NULL)
        return CM_NO_MEMORY;
    out->list = account;
    out->count = 1;
    return read_account(query->lookup.principal, query->kdb_entry, account,
                        detail);
}
