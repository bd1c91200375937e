#include "schema.h"

#include <stdlib.h>
#include <string.h>

#include "schema_rules.h"
#include "text.h"

/* What a preset names; NULL: it has none. */
struct preset {
    enum cm_schema_preset preset;
    const char *token;
    const char *principal;
    const char *account_name;
    const char *upn;
    const char *mappings;
    const char *sid;
    const char *created;
};

static const struct preset presets[] = {
    {CM_SCHEMA_AD, "ad", "sAMAccountName", "sAMAccountName",
     "userPrincipalName", "altSecurityIdentities", "objectSid", "whenCreated"},
    {CM_SCHEMA_MIT, "mit", CM_ATTR_KRB_PRINCIPAL, NULL, "userPrincipalName",
     "altSecurityIdentities", NULL, "createTimestamp"},
    {CM_SCHEMA_IPA, "ipa", CM_ATTR_KRB_PRINCIPAL, "uid", "userPrincipalName",
     "altSecurityIdentities", "ipaNTSecurityIdentifier", "createTimestamp"},
    {CM_SCHEMA_POSIX, "posix", "uid", "uid", "userPrincipalName",
     "altSecurityIdentities", NULL, "createTimestamp"},
};
enum { PRESET_COUNT = sizeof(presets) / sizeof(presets[0]) };

/* One attribute of a schema that a relation may rename. */
struct slot {
    const char *relation;
    size_t offset;
};

static const struct slot slots[] = {
    {"principal_attribute", offsetof(struct cm_schema, principal)},
    {"account_name_attribute", offsetof(struct cm_schema, account_name)},
    {"upn_attribute", offsetof(struct cm_schema, upn)},
    {"mapping_attribute", offsetof(struct cm_schema, mappings)},
    {"sid_attribute", offsetof(struct cm_schema, sid)},
    {"created_attribute", offsetof(struct cm_schema, created)},
};
enum { SLOT_COUNT = sizeof(slots) / sizeof(slots[0]) };

static const struct preset *
find_preset(enum cm_schema_preset preset)
{
    for (size_t i = 0; i < PRESET_COUNT; i++) {
        if (presets[i].preset == preset)
            return &presets[i];
    }
    return NULL;
}

static bool
copy_name(char **out, const char *name)
{
    if (name == NULL)
        return true;
    *out = strdup(name);
    return *out != NULL;
}

bool
cm_schema_init(struct cm_schema *schema, enum cm_schema_preset preset)
{
    const struct preset *from = find_preset(preset);

    memset(schema, 0, sizeof(*schema));
    if (from == NULL)
        return false;
    schema->preset = preset;
    if (copy_name(&schema->principal, from->principal) &&
        copy_name(&schema->account_name, from->account_name) &&
        copy_name(&schema->upn, from->upn) &&
        copy_name(&schema->mappings, from->mappings) &&
        copy_name(&schema->sid, from->sid) &&
        copy_name(&schema->created, from->created))
        return true;
    cm_schema_clear(schema);
    return false;
}

void
cm_schema_clear(struct cm_schema *schema)
{
    free(schema->principal);
    free(schema->account_name);
    free(schema->upn);
    free(schema->mappings);
    free(schema->sid);
    free(schema->created);
    free(schema->object_filter);
    memset(schema, 0, sizeof(*schema));
}

bool
cm_schema_preset_parse(const char *text, enum cm_schema_preset *out)
{
    for (size_t i = 0; i < PRESET_COUNT; i++) {
        if (strcmp(presets[i].token, text) == 0) {
            *out = presets[i].preset;
            return true;
        }
    }
    return false;
}

const char *
cm_schema_preset_token(enum cm_schema_preset preset)
{
    const struct preset *found = find_preset(preset);

    return found == NULL ? "" : found->token;
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_keychar(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-';
}

/*
 * A name of RFC 4512 section 2.5 with options.  Not an OID in figures: a
 * directory answers with the name, and nothing would ever match.
 */
static bool
is_attribute_name(const char *text)
{
    if (!is_letter(*text))
        return false;
    while (is_keychar(*text))
        text++;
    while (*text == ';') {
        text++;
        if (!is_keychar(*text))
            return false;
        while (is_keychar(*text))
            text++;
    }
    return *text == '\0';
}

bool
cm_schema_override(struct cm_schema *schema, const char *relation,
                   const char *attribute, struct cm_detail *detail)
{
    const struct slot *slot = NULL;
    char **name, *copy;

    for (size_t i = 0; i < SLOT_COUNT; i++) {
        if (strcmp(slots[i].relation, relation) == 0)
            slot = &slots[i];
    }
    if (slot == NULL) {
        cm_detail_set(detail, "%s is not a relation of the schema", relation);
        return false;
    }
    if (!is_attribute_name(attribute)) {
        cm_detail_set(detail,
                      "%s: \"%s\" is not the name of an LDAP attribute "
                      "(letters, digits and hyphens, not an OID)",
                      relation, attribute);
        return false;
    }
    copy = strdup(attribute);
    if (copy == NULL) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    name = (char **)(void *)((char *)schema + slot->offset);
    free(*name);
    *name = copy;
    return true;
}

/* Adds a name once, folding case; NULL is none. */
static size_t
add_once(const char **out, size_t count, const char *name)
{
    if (name == NULL)
        return count;
    for (size_t i = 0; i < count; i++) {
        if (cm_text_equal_fold(out[i], name))
            return count;
    }
    out[count] = name;
    return count + 1;
}

void
cm_schema_attributes(const struct cm_schema *schema,
                     const char *out[CM_SCHEMA_MAX_ATTRIBUTES])
{
    const char *const own[] = {schema->principal, schema->account_name,
                               schema->upn,       schema->mappings,
                               schema->sid,       schema->created};
    const char *const *state = cm_schema_state_attributes(schema->preset);
    size_t count = 0;

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        count = add_once(out, count, own[i]);
    for (size_t i = 0; state[i] != NULL; i++)
        count = add_once(out, count, state[i]);
    out[count] = NULL;
}

bool
cm_schema_names_whole_principal(const struct cm_schema *schema)
{
    return schema->preset == CM_SCHEMA_MIT || schema->preset == CM_SCHEMA_IPA;
}

bool
cm_schema_knows_principal(const struct cm_schema *schema,
                          const struct cm_principal *principal)
{
    return principal->component_count == 1 ||
           (principal->component_count > 1 &&
            cm_schema_names_whole_principal(schema));
}
