/*
 * The input is an LDIF file, and every entry in it an account or none: of
 * each schema, for one principal and one UPN.
 */
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "ldif_file.h"
#include "text.h"

#define UPN "alice@example.com"

static bool
has_value(const struct cm_entry *entry, const char *name, const char *text)
{
    const struct cm_attribute *attribute = cm_entry_get(entry, name);

    for (size_t i = 0; attribute != NULL && i < attribute->count; i++) {
        if (attribute->values[i].len == strlen(text) &&
            cm_text_equal_fold(attribute->values[i].data, text))
            return true;
    }
    return false;
}

static bool
is_clean(const char *text)
{
    return cm_text_is_clean((const uint8_t *)text, strlen(text));
}

/* What every account must be, whatever the entry said. */
static void
check_account(const struct cm_account *account, const struct cm_entry *entry,
              const char *principal)
{
    FUZZ_REQUIRE(account->named ||
                 cm_account_has_upn(account, UPN, "example.com") ||
                 account->upn_state == CM_FAULTY);
    if (account->named)
        FUZZ_REQUIRE(has_value(entry, "krbPrincipalName", principal) ||
                     has_value(entry, "uid", "alice") ||
                     has_value(entry, "sAMAccountName", "alice"));
    FUZZ_REQUIRE(account->id != NULL && is_clean(account->id));
    FUZZ_REQUIRE(account->disabled == (account->disabled_why != NULL));
    FUZZ_REQUIRE((account->upn_state == CM_PRESENT) == (account->upn != NULL));
    FUZZ_REQUIRE((account->sid_state == CM_PRESENT) == (account->sid != NULL));
    FUZZ_REQUIRE(account->upn == NULL || is_clean(account->upn));
    FUZZ_REQUIRE(account->account_name == NULL ||
                 is_clean(account->account_name));
    for (size_t i = 0; i < account->mapping_count; i++)
        FUZZ_REQUIRE(account->mappings[i].data[account->mappings[i].len] ==
                     '\0');
}

static void
check_entries(const struct cm_schema *schema,
              const struct cm_ldif_content *content,
              const struct cm_principal *principal)
{
    const struct cm_lookup lookup = {principal, UPN, "example.com", 0};
    struct cm_account account;
    bool relevant;
    enum cm_reason reason;

    for (size_t i = 0; i < content->count; i++) {
        FUZZ_REQUIRE(content->entries[i].dn != NULL);
        reason = cm_schema_account(schema, &lookup, &content->entries[i],
                                   &account, &relevant, NULL);
        FUZZ_REQUIRE(reason == CM_OK || !relevant);
        if (relevant)
            check_account(&account, &content->entries[i], principal->text);
        else
            FUZZ_REQUIRE(account.id == NULL && account.mappings == NULL);
        cm_account_clear(&account);
    }
}

static void
check_schema(enum cm_schema_preset preset,
             const struct cm_principal *principal, const char *text,
             size_t size)
{
    const char *wanted[CM_SCHEMA_MAX_ATTRIBUTES];
    struct cm_ldif_content content;
    struct cm_schema schema;
    struct cm_detail detail = {""};
    char *copy = malloc(size + 1);

    FUZZ_REQUIRE(copy != NULL && cm_schema_init(&schema, preset));
    memcpy(copy, text, size);
    copy[size] = '\0';
    cm_schema_attributes(&schema, wanted);
    if (cm_ldif_parse("file", copy, size, wanted, &content, &detail) == CM_OK)
        check_entries(&schema, &content, principal);
    else
        FUZZ_REQUIRE(content.count == 0 && detail.text[0] != '\0');
    cm_ldif_content_clear(&content);
    cm_schema_clear(&schema);
    free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cm_principal principal;

    FUZZ_REQUIRE(cm_principal_parse("alice@EXAMPLE.COM", NULL, &principal));
    for (int preset = CM_SCHEMA_AD; preset <= CM_SCHEMA_POSIX; preset++)
        check_schema((enum cm_schema_preset)preset, &principal,
                     (const char *)data, size);
    cm_principal_clear(&principal);
    return 0;
}
