/*
 * Rows of the directory: one sweep, whatever the source.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "pack.h"
#include "populate.h"
#include "sweep.h"
#include "text.h"

enum { DIGEST = 16 /* bytes of a value's digest that rows are sorted by */ };

bool
cm_populate_add_value(struct cm_populate *populate, const char *dn,
                      const char *value, size_t len, bool held,
                      uint64_t change)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    char *folded;
    struct cm_buf row = CM_BUF_INIT;
    bool ok;

    if (populate->flags.shared)
        return true;
    /* Equality folds case in places: folding all of it finds no less. */
    folded = cm_key_fold(value, len);
    if (folded == NULL)
        return cm_detail_no_memory(&populate->why);
    (void)SHA256((const unsigned char *)folded, strlen(folded), digest);
    free(folded);
    /* Values that are held come first. */
    cm_buf_add_char(&row, held ? 'H' : 'P');
    cm_buf_add(&row, &change, sizeof(change));
    cm_buf_add_text(&row, dn);
    ok = row.failed ? cm_detail_no_memory(&populate->why)
                    : cm_sorter_add(populate->values, digest, DIGEST, row.data,
                                    row.len, &populate->why);
    cm_buf_clear(&row);
    return ok;
}

/* ---- Keys of an account ---- */

static bool
add_row(struct cm_populate *populate, char *key, const struct cm_buf *row)
{
    bool ok;

    if (key == NULL)
        return cm_detail_no_memory(&populate->why);
    ok = cm_sorter_add(populate->accounts, key, strlen(key), row->data,
                       row->len, &populate->why);
    free(key);
    return ok;
}

/* A row for each value of an attribute that is text. */
static bool
add_rows(struct cm_populate *populate, const struct cm_entry *entry,
         const char *name, bool fold, const struct cm_buf *row)
{
    const struct cm_attribute *one =
        name != NULL ? cm_entry_get(entry, name) : NULL;
    bool ok = true;

    for (size_t i = 0; ok && one != NULL && i < one->count; i++) {
        const struct cm_value *value = &one->values[i];

        if (value->len == 0 || value->len > CM_POPULATE_MAX_FIELD ||
            !cm_text_is_clean((const uint8_t *)value->data, value->len))
            continue;
        ok = add_row(populate,
                     fold ? cm_key_fold(value->data, value->len)
                          : strndup(value->data, value->len),
                     row);
    }
    return ok;
}

/* userPrincipalName; where there is none, the account's name in the realm's
 * domain, as a login has it. */
static bool
add_upn_rows(struct cm_populate *populate, const struct cm_entry *entry,
             const struct cm_buf *row)
{
    const struct cm_schema *schema = populate->schema;
    const struct cm_attribute *name;
    char *text = NULL, *key;
    bool ok = true;

    if (schema->upn != NULL && cm_entry_get(entry, schema->upn) != NULL)
        return add_rows(populate, entry, schema->upn, true, row);
    name = schema->account_name != NULL
               ? cm_entry_get(entry, schema->account_name)
               : NULL;
    for (size_t i = 0; ok && name != NULL && i < name->count; i++) {
        if (!cm_text_is_clean((const uint8_t *)name->values[i].data,
                              name->values[i].len))
            continue;
        if (asprintf(&text, "%s@%s", name->values[i].data,
                     populate->target.settings.policy.dns_domain) < 0)
            return cm_detail_no_memory(&populate->why);
        key = cm_key_fold(text, strlen(text));
        free(text);
        ok = add_row(populate, key, row);
    }
    return ok;
}

static bool
names_whole_principal(const struct cm_schema *schema)
{
    return schema->preset == CM_SCHEMA_MIT || schema->preset == CM_SCHEMA_IPA;
}

static bool
add_account_rows(struct cm_populate *populate, const struct cm_entry *entry,
                 const struct cm_buf *row)
{
    const struct cm_schema *schema = populate->schema;
    char *key;

    switch (populate->match.kind) {
    case CM_MATCH_PRINCIPAL:
        return add_rows(populate, entry, schema->principal,
                        !names_whole_principal(schema), row);
    case CM_MATCH_UPN:
        return add_upn_rows(populate, entry, row);
    case CM_MATCH_MAIL:
    case CM_MATCH_ATTRIBUTE:
        return add_rows(populate, entry, populate->match.attribute, true, row);
    case CM_MATCH_DN:
    case CM_MATCH_NONE:
        break;
    }
    key = cm_key_dn(entry->dn);
    return key == NULL || add_row(populate, key, row);
}

/* ---- One entry ---- */

static bool
take_certificates(struct cm_populate *populate, const struct cm_entry *entry)
{
    char *key = cm_key_dn(entry->dn);
    bool ok = true;

    if (key != NULL)
        ok = cm_populate_entry_certificates(populate, entry, key);
    free(key);
    return ok;
}

static bool
take_entry(struct cm_populate *populate, const struct cm_entry *entry)
{
    const struct cm_attribute *held =
        cm_entry_get(entry, populate->schema->mappings);
    size_t count = held != NULL ? held->count : 0;
    struct cm_buf row = CM_BUF_INIT;
    bool ok = true;

    populate->swept++;
    cm_meter_step(&populate->meter, populate->swept);
    if (populate->flags.source == CM_FROM_DIRECTORY)
        ok = take_certificates(populate, entry);
    cm_pack_text(&row, entry->dn);
    cm_pack_number(&row, (uint32_t)count);
    for (size_t i = 0; ok && i < count; i++) {
        cm_pack_bytes(&row, held->values[i].data, held->values[i].len);
        ok = cm_populate_add_value(populate, entry->dn, held->values[i].data,
                                   held->values[i].len, true, 0);
    }
    if (ok && row.failed)
        ok = cm_populate_note(populate, CM_PROBLEM_UNREADABLE, entry->dn,
                              entry->dn, "it holds too many values");
    else if (ok)
        ok = add_account_rows(populate, entry, &row);
    cm_buf_clear(&row);
    return ok;
}

/* ---- The sweep ---- */

static bool
visit(void *context, const struct cm_entry *entry)
{
    return take_entry(context, entry);
}

/* What is asked for, NULL-terminated, borrowed. */
static void
choose_attributes(const struct cm_populate *populate,
                  const char *out[CM_SWEEP_MAX_ATTRIBUTES + 1])
{
    const struct cm_schema *schema = populate->schema;
    const char *names[] = {schema->mappings, schema->principal, schema->upn,
                           schema->account_name, populate->match.attribute};
    size_t count = 0, known;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        known = 0;
        while (known < count && names[i] != NULL &&
               !cm_text_equal_fold(out[known], names[i]))
            known++;
        if (names[i] != NULL && known == count)
            out[count++] = names[i];
    }
    if (populate->flags.source == CM_FROM_DIRECTORY) {
        out[count++] = cm_populate_certificate_names[0];
        out[count++] = cm_populate_certificate_names[1];
    }
    out[count] = NULL;
}

static void
add_presence(struct cm_buf *filter, const char *name)
{
    if (name != NULL)
        cm_buf_addf(filter, "(%s=*)", name);
}

/* Accounts that may have a key, and whatever holds a value. */
static void
write_filter(const struct cm_populate *populate, struct cm_buf *filter)
{
    const struct cm_schema *schema = populate->schema;

    cm_buf_add_text(filter, "(&");
    if (schema->object_filter != NULL)
        cm_buf_add_text(filter, schema->object_filter);
    cm_buf_add_text(filter, "(|");
    add_presence(filter, schema->mappings);
    switch (populate->match.kind) {
    case CM_MATCH_PRINCIPAL:
        add_presence(filter, schema->principal);
        break;
    case CM_MATCH_UPN:
        add_presence(filter, schema->upn);
        add_presence(filter, schema->account_name);
        break;
    case CM_MATCH_MAIL:
    case CM_MATCH_ATTRIBUTE:
        add_presence(filter, populate->match.attribute);
        break;
    case CM_MATCH_DN:
    case CM_MATCH_NONE:
        add_presence(filter, populate->flags.source == CM_FROM_DIRECTORY
                                 ? cm_populate_certificate_names[1]
                                 : "objectClass");
        break;
    }
    cm_buf_add_text(filter, "))");
}

static bool
sweep_ldap(struct cm_populate *populate, const char *const *attributes)
{
    struct cm_buf filter = CM_BUF_INIT;
    struct cm_sweep sweep = {
        .attributes = attributes, .visit = visit, .context = populate};
    struct cm_detail detail = {""};
    enum cm_sweep_end end = CM_SWEEP_FAILED;

    write_filter(populate, &filter);
    if (filter.failed) {
        cm_buf_clear(&filter);
        return cm_detail_no_memory(&populate->why);
    }
    sweep.filter = filter.data;
    end = cm_sweep(populate->target.directory, &sweep, &detail);
    cm_buf_clear(&filter);
    if (end != CM_SWEEP_WHOLE && end != CM_SWEEP_STOPPED)
        cm_detail_set(&populate->why,
                      "the directory could not be read as a whole: %.400s",
                      detail.text);
    return end == CM_SWEEP_WHOLE;
}

/* All of the file or nothing, as a login has it. */
static bool
read_ldif(struct cm_populate *populate, const char *const *attributes)
{
    const char *path = populate->target.directory->ldif_path;
    uint64_t before = populate->counts[CM_PROBLEM_UNREADABLE];

    if (!cm_populate_each_record(populate, path, attributes, take_entry))
        return false;
    if (populate->counts[CM_PROBLEM_UNREADABLE] == before)
        return true;
    cm_detail_set(&populate->why, "%s cannot be read as a whole", path);
    return false;
}

bool
cm_populate_read_accounts(struct cm_populate *populate)
{
    const char *attributes[CM_SWEEP_MAX_ATTRIBUTES + 1];
    bool ok;

    choose_attributes(populate, attributes);
    cm_meter_start(&populate->meter, populate->options.tool->err,
                   "accounts read", 0);
    if (populate->target.directory->kind == CM_DIRECTORY_LDIF)
        ok = read_ldif(populate, attributes);
    else
        ok = sweep_ldap(populate, attributes);
    cm_meter_end(&populate->meter);
    return ok;
}
