/*
 * Values of ldap { } and issuer { label { } }.
 */
#include "config_values.h"

#include <stdlib.h>
#include <string.h>

#include "config_words.h"

#define PARSER(name)                                                          \
    bool cm_parse_##name(struct cm_config_target *target, const char *value,  \
                         struct cm_detail *detail)

/* ---- relations of ldap { } ---- */

PARSER(ldap_schema)
{
    struct cm_schema *schema = &target->settings->directory.schema;
    struct cm_schema fresh;
    enum cm_schema_preset preset;

    if (!cm_schema_preset_parse(value, &preset))
        return false;
    if (!cm_schema_init(&fresh, preset))
        return cm_out_of_memory(detail);
    cm_schema_clear(schema);
    *schema = fresh;
    return true;
}

PARSER(ldap_uri)
{
    struct cm_directory_config *directory = &target->settings->directory;
    const char *cursor = value, *word;
    size_t len;
    char *uri;

    while ((word = cm_word_next(&cursor, &len)) != NULL) {
        if (directory->uri_count == CM_DIRECTORY_MAX_URIS)
            return false;
        uri = strndup(word, len);
        if (uri == NULL)
            return cm_out_of_memory(detail);
        directory->uris[directory->uri_count++] = uri;
    }
    return true;
}

PARSER(ldap_base)
{
    return cm_text_replace(&target->settings->directory.base, value, detail);
}

PARSER(ldap_bind_dn)
{
    return cm_text_replace(&target->settings->directory.bind_dn, value,
                           detail);
}

PARSER(ldap_password_file)
{
    return cm_path_replace(&target->settings->directory.password_file, value,
                           detail);
}

PARSER(ldap_sasl_mech)
{
    if (strcmp(value, "GSSAPI") == 0) {
        cm_detail_set(detail,
                      "not supported yet: the certauth module would need a "
                      "ticket from the very KDC that waits for the "
                      "directory; allowed: EXTERNAL, or bind_dn with "
                      "password_file instead");
        return false;
    }
    if (strcmp(value, "EXTERNAL") != 0)
        return false;
    target->settings->directory.bind = CM_BIND_EXTERNAL;
    return true;
}

PARSER(ldap_ca_file)
{
    return cm_path_replace(&target->settings->directory.ca_file, value,
                           detail);
}

PARSER(ldap_starttls)
{
    (void)detail;
    return cm_boolean_parse(value, &target->settings->directory.starttls);
}

PARSER(ldap_ciphers)
{
    return cm_text_replace(&target->settings->directory.ciphers, value,
                           detail);
}

PARSER(ldap_ntauth_dn)
{
    return cm_text_replace(&target->settings->directory.ntauth_dn, value,
                           detail);
}

PARSER(ldap_object_filter)
{
    return cm_text_replace(&target->settings->directory.schema.object_filter,
                           value, detail);
}

#define OVERRIDE(relation)                                                    \
    PARSER(ldap_##relation)                                                   \
    {                                                                         \
        return cm_schema_override(&target->settings->directory.schema,        \
                                  #relation, value, detail);                  \
    }
OVERRIDE(principal_attribute)
OVERRIDE(account_name_attribute)
OVERRIDE(upn_attribute)
OVERRIDE(mapping_attribute)
OVERRIDE(sid_attribute)
OVERRIDE(created_attribute)

/* ---- relations of issuer { label { } } ---- */

bool
cm_config_read_file(const char *value, char **slot, struct cm_detail *detail)
{
    static const char file[] = "FILE:";

    if (strncmp(value, file, sizeof(file) - 1) == 0)
        value += sizeof(file) - 1;
    return cm_path_replace(slot, value, detail);
}

PARSER(issuer_certificate)
{
    return cm_config_read_file(value, &target->certificate, detail);
}

PARSER(issuer_mappings)
{
    struct cm_issuer_settings *issuer = target->issuer;

    issuer->has_mappings =
        cm_policy_parse_mappings(value, &issuer->mappings, detail);
    return issuer->has_mappings;
}

static bool
add_suffix(struct cm_text_list *suffixes, const char *word, size_t len,
           struct cm_detail *detail)
{
    char *suffix;
    bool ok;

    if (suffixes->count == CM_CONFIG_MAX_REPEATED)
        return false;
    suffix = strndup(word, len);
    if (suffix == NULL)
        return cm_out_of_memory(detail);
    ok = cm_policy_domain_is_valid(suffix);
    if (ok && !cm_text_list_add(suffixes, suffix))
        ok = cm_out_of_memory(detail);
    free(suffix);
    return ok;
}

PARSER(issuer_upn_suffix)
{
    struct cm_text_list suffixes = {0};
    const char *cursor = value, *word;
    size_t len;

    while ((word = cm_word_next(&cursor, &len)) != NULL) {
        if (!add_suffix(&suffixes, word, len, detail)) {
            cm_text_list_clear(&suffixes);
            return false;
        }
    }
    target->issuer->upn_suffixes = suffixes;
    return suffixes.count > 0;
}

PARSER(issuer_hw_authent)
{
    struct cm_issuer_settings *issuer = target->issuer;

    if (!cm_config_add_hw_authent(&issuer->hw_authent, value, detail))
        return false;
    issuer->has_hw_authent = true;
    return true;
}
