/*
 * The question of who.h as a filter, and an entry held against it.
 */
#include <stdlib.h>
#include <string.h>

#include "schema_rules.h"
#include "text.h"
#include "who_parts.h"

/* A principal that is nobody's: the realm alone matters here. */
struct nobody {
    struct cm_principal principal;
    char realm[CM_PRINCIPAL_MAX_TEXT + 1];
    char empty[1];
};

static bool
lookup_of(const struct cm_who_question *question, struct nobody *nobody,
          struct cm_lookup *out)
{
    size_t len = strlen(question->realm);

    memset(nobody, 0, sizeof(*nobody));
    if (len > CM_PRINCIPAL_MAX_TEXT)
        return false;
    memcpy(nobody->realm, question->realm, len + 1);
    nobody->principal.realm = nobody->realm;
    nobody->principal.text = nobody->empty;
    /* Without components it is no schema's: no entry is its account. */
    *out = (struct cm_lookup){.principal = &nobody->principal,
                              .upn = question->upn,
                              .dns_domain = question->dns_domain};
    return true;
}

bool
cm_who_filter(const struct cm_schema *schema,
              const struct cm_who_question *question, struct cm_buf *out)
{
    struct nobody nobody;
    struct cm_lookup lookup;

    if (!lookup_of(question, &nobody, &lookup))
        return false;
    cm_buf_add_text(out, "(&");
    if (schema->object_filter != NULL)
        cm_buf_add_text(out, schema->object_filter);
    cm_buf_add_text(out, "(|");
    if (question->upn != NULL && !cm_filter_add_upn(out, schema, &lookup))
        return false;
    for (size_t i = 0; i < question->mapping_count; i++)
        cm_filter_add_equality(out, schema->mappings,
                               question->mappings[i].value,
                               question->mappings[i].len);
    cm_buf_add_text(out, "))");
    return !out->failed;
}

static bool
has_mapping(const struct cm_schema *schema, const struct cm_entry *entry,
            const struct cm_who_question *question)
{
    const struct cm_attribute *values = cm_entry_get(entry, schema->mappings);

    for (size_t i = 0; values != NULL && i < values->count; i++) {
        for (size_t j = 0; j < question->mapping_count; j++) {
            if (cm_candidate_matches(&question->mappings[j],
                                     values->values[i].data,
                                     values->values[i].len))
                return true;
        }
    }
    return false;
}

/* By the rules of a login: explicit or implicit, and a faulty UPN counts. */
static enum cm_reason
has_upn(const struct cm_schema *schema, const struct cm_entry *entry,
        const struct cm_who_question *question, bool *has,
        struct cm_detail *detail)
{
    struct cm_account account;
    struct cm_lookup lookup;
    struct nobody nobody;
    enum cm_reason reason;

    *has = false;
    if (question->upn == NULL)
        return CM_OK;
    if (!lookup_of(question, &nobody, &lookup))
        return CM_NO_MEMORY;
    reason = cm_schema_account(schema, &lookup, entry, &account, has, detail);
    if (*has)
        cm_account_clear(&account);
    return reason;
}

/* The one value that names the entry's principal, or NULL. */
static const struct cm_value *
naming_value(const struct cm_schema *schema, const struct cm_entry *entry)
{
    const struct cm_attribute *values = NULL;

    if (cm_text_equal_fold(schema->principal, CM_ATTR_KRB_PRINCIPAL))
        values = cm_entry_get(entry, CM_ATTR_KRB_CANONICAL);
    if (values == NULL)
        values = cm_entry_get(entry, schema->principal);
    return values != NULL && values->count == 1 ? &values->values[0] : NULL;
}

/* out stays empty where there is none that could be used. */
static void
read_principal(const struct cm_schema *schema, const struct cm_entry *entry,
               const char *realm, struct cm_principal *out)
{
    const struct cm_value *value = naming_value(schema, entry);
    const char *component;

    memset(out, 0, sizeof(*out));
    if (value == NULL || memchr(value->data, '\0', value->len) != NULL)
        return;
    component = value->data;
    if (!cm_schema_names_whole_principal(schema)) {
        (void)cm_principal_build(&component, &value->len, 1, realm,
                                 strlen(realm), out);
        return;
    }
    if (cm_principal_parse(value->data, NULL, out) &&
        strcmp(out->realm, realm) != 0)
        cm_principal_clear(out);
}

enum cm_reason
cm_who_take(struct cm_who *who, const struct cm_schema *schema,
            const struct cm_entry *entry, struct cm_detail *detail)
{
    const struct cm_who_question *question = who->question;
    const char *id = entry->dn != NULL ? entry->dn : "";
    enum cm_reason reason = CM_OK;
    bool meant = has_mapping(schema, entry, question);

    if (!meant)
        reason = has_upn(schema, entry, question, &meant, detail);
    if (reason != CM_OK || !meant)
        return reason;
    if (who->count < 2) {
        who->ids[who->count] = strdup(id);
        if (who->ids[who->count] == NULL)
            return CM_NO_MEMORY;
    }
    if (who->count == 0)
        read_principal(schema, entry, question->realm, &who->principal);
    who->count++;
    return CM_OK;
}
