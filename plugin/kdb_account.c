/*
 * The values of one entry of the KDC's database.
 */
#include <stdlib.h>
#include <string.h>

#include "kdb_write.h"
#include "text.h"

static const char mapping_name[] = "altSecurityIdentities";

bool
cm_kdb_account_add(struct cm_kdb_account *account, const char *key,
                   const char *value)
{
    char *own_key = strdup(key), *own_value = strdup(value);
    struct cm_kdb_string *grown = NULL;

    if (own_key != NULL && own_value != NULL)
        grown =
            reallocarray(account->strings, account->count + 1, sizeof(*grown));
    if (grown == NULL) {
        free(own_key);
        free(own_value);
        return false;
    }
    grown[account->count].key = own_key;
    grown[account->count].value = own_value;
    account->strings = grown;
    account->count++;
    return true;
}

void
cm_kdb_account_clear(struct cm_kdb_account *account)
{
    for (size_t i = 0; i < account->count; i++) {
        free(account->strings[i].key);
        free(account->strings[i].value);
    }
    free(account->strings);
    memset(account, 0, sizeof(*account));
}

const char *
cm_kdb_account_get(const struct cm_kdb_account *account, const char *key)
{
    for (size_t i = 0; i < account->count; i++) {
        if (strcmp(account->strings[i].key, key) == 0)
            return account->strings[i].value;
    }
    return NULL;
}

bool
cm_kdb_is_mapping(const char *key)
{
    size_t len = sizeof(mapping_name) - 1;

    if (strlen(key) < len || !cm_text_equal_fold_n(key, mapping_name, len))
        return false;
    key += len;
    return *key == '\0' || (*key == '.' && key[1] != '\0' &&
                            strspn(key + 1, "0123456789") == strlen(key + 1));
}
