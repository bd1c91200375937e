/*
 * Relation by relation, subsection by subsection.
 */
#include "config_profile.h"

#include <stdlib.h>
#include <string.h>

#include "trusted.h"

static void
parse_value(struct cm_config_reader *reader, const struct cm_place *place,
            const struct cm_relation *relation,
            const struct cm_config_entry *entry,
            struct cm_config_target *target)
{
    struct cm_detail detail = {{0}};

    if (entry->value == NULL)
        cm_detail_set(&detail,
                      "a subsection where a plain value belongs; "
                      "allowed: %s",
                      relation->allowed);
    else if (cm_config_value_is_plain(entry->value, &detail) &&
             relation->parse(target, entry->value, &detail))
        return;
    if (detail.text[0] == '\0')
        cm_detail_set(&detail, "allowed: %s", relation->allowed);
    reader->bad[relation - cm_relation_table] = true;
    cm_config_report(reader, place, entry->name, entry->value, entry->nth,
                     "%s", detail.text);
}

static void
read_rules(struct cm_config_reader *reader, const struct cm_place *place,
           struct cm_indicator_rules *rules)
{
    struct cm_config_entries entries;
    struct cm_detail detail;
    const struct cm_config_entry *entry;

    if (!cm_config_list(reader, place, &entries))
        return;
    for (size_t i = 0; i < entries.count; i++) {
        entry = &entries.list[i];
        if (entry->value == NULL)
            cm_detail_set(&detail, "a subsection where a condition belongs");
        else if (cm_config_value_is_plain(entry->value, &detail) &&
                 cm_config_add_indicator(rules, entry->name, entry->value,
                                         &detail))
            continue;
        cm_config_report(reader, place, entry->name, entry->value, entry->nth,
                         "%s", detail.text);
    }
    cm_config_entries_clear(&entries);
}

static void
read_indicators(struct cm_config_reader *reader, const struct cm_place *place,
                struct cm_config_target *target)
{
    read_rules(reader, place, &target->settings->indicators);
}

static void
read_issuer_indicators(struct cm_config_reader *reader,
                       const struct cm_place *place,
                       struct cm_config_target *target)
{
    target->issuer->has_indicators = true;
    read_rules(reader, place, &target->issuer->indicators);
}

static void
read_ldap(struct cm_config_reader *reader, const struct cm_place *place,
          struct cm_config_target *target)
{
    /* Overrides need a schema to override, also where `schema` is missing:
     * that is reported later, beside what is wrong with them. */
    if (!cm_schema_init(&target->settings->directory.schema, CM_SCHEMA_MIT)) {
        reader->failed = true;
        return;
    }
    cm_config_read_section(reader, place, "ldap", target);
}

/* The key of the issuer block's one certificate. */
static void
load_issuer(struct cm_config_reader *reader, const struct cm_place *place,
            const char *path, struct cm_issuer_settings *issuer)
{
    struct cm_detail detail = {{0}};
    struct cm_trusted trusted;
    X509 **list = NULL;
    size_t count = 0;

    if (!cm_certificates_load(path, &list, &count, &detail)) {
        cm_config_report(reader, place, "certificate", path, 0, "%s",
                         detail.text);
        return;
    }
    if (count != 1) {
        cm_config_report(reader, place, "certificate", path, 0,
                         "one certificate is needed, the file holds %zu",
                         count);
    } else if (cm_trusted_init(&trusted, list[0])) {
        memcpy(issuer->spki, trusted.spki_sha256, sizeof(issuer->spki));
        cm_trusted_clear(&trusted);
    } else {
        reader->failed = true;
    }
    cm_certificates_free(list, count);
}

/* The certificates of the issuer block's own responders. */
static void
load_responders(struct cm_config_reader *reader, const struct cm_place *place,
                const char *path, struct cm_issuer_rules *rules)
{
    struct cm_detail detail = {{0}};
    X509 **list = NULL;
    size_t count = 0;

    if (!cm_certificates_load(path, &list, &count, &detail)) {
        cm_config_report(reader, place, "ocsp_responder_certificate", path, 0,
                         "%s", detail.text);
    } else if (count > CM_RULES_MAX_RESPONDERS) {
        cm_config_report(reader, place, "ocsp_responder_certificate", path, 0,
                         "more than %d certificates", CM_RULES_MAX_RESPONDERS);
        cm_certificates_free(list, count);
    } else {
        rules->responders = list;
        rules->responder_count = count;
    }
}

/* The files that an issuer block names. */
static void
load_issuer_files(struct cm_config_reader *reader,
                  const struct cm_place *place,
                  const struct cm_config_target *target)
{
    if (target->certificate == NULL)
        cm_config_report(reader, place, "certificate", NULL, 0,
                         "required: the issuing CA's certificate");
    if (target->settings->mode == CM_MODE_OFF)
        return;
    if (target->certificate != NULL)
        load_issuer(reader, place, target->certificate, target->issuer);
    if (target->responder_certificate != NULL)
        load_responders(reader, place, target->responder_certificate,
                        &target->issuer->rules);
}

/* One label { ... } in the settings' list. */
static void
read_issuer(struct cm_config_reader *reader, const struct cm_place *place,
            const char *label, struct cm_settings *settings)
{
    struct cm_issuer_settings *list;
    struct cm_config_target target = {.settings = settings};

    list = reallocarray(settings->issuers, settings->issuer_count + 1,
                        sizeof(*list));
    if (list == NULL) {
        reader->failed = true;
        return;
    }
    settings->issuers = list;
    target.issuer = &list[settings->issuer_count++];
    memset(target.issuer, 0, sizeof(*target.issuer));
    target.issuer->label = strdup(label);
    if (target.issuer->label == NULL)
        reader->failed = true;
    cm_config_read_section(reader, place, "issuer", &target);
    load_issuer_files(reader, place, &target);
    free(target.certificate);
    free(target.responder_certificate);
}

static void
read_issuers(struct cm_config_reader *reader, const struct cm_place *place,
             struct cm_config_target *target)
{
    struct cm_config_entries entries;
    const struct cm_config_entry *entry;
    struct cm_place block;

    if (!cm_config_list(reader, place, &entries))
        return;
    for (size_t i = 0; i < entries.count; i++) {
        entry = &entries.list[i];
        block = cm_place_in(place, entry->name);
        if (entry->value != NULL)
            cm_config_report(reader, place, entry->name, entry->value,
                             entry->nth,
                             "needed is a label with a subsection: "
                             "label = { certificate = ... }");
        else if (cm_config_openings(reader, place, entry->name) > 1)
            cm_config_report(reader, place, entry->name, NULL, 1,
                             "the label is given twice");
        else if (target->settings->issuer_count == CM_MAX_ISSUERS)
            cm_config_report(reader, place, entry->name, NULL, 0,
                             "more than %d issuer blocks", CM_MAX_ISSUERS);
        else
            read_issuer(reader, &block, entry->name, target->settings);
    }
    cm_config_entries_clear(&entries);
}

static const struct {
    const char *name;
    void (*read)(struct cm_config_reader *reader, const struct cm_place *place,
                 struct cm_config_target *target);
} sections[] = {
    {"ldap", read_ldap},
    {"indicators", read_indicators},
    {"issuer", read_issuers},
    {"issuer.indicators", read_issuer_indicators},
};

static void
read_subsection(struct cm_config_reader *reader, const struct cm_place *place,
                const struct cm_relation *relation,
                const struct cm_config_entry *entry,
                struct cm_config_target *target)
{
    struct cm_place inner = cm_place_in(place, entry->name);
    struct cm_detail detail = {{0}};

    if (entry->value != NULL) {
        reader->bad[relation - cm_relation_table] = true;
        if (cm_config_value_is_plain(entry->value, &detail))
            cm_detail_set(&detail, "a plain value where a subsection belongs");
        cm_config_report(reader, place, entry->name, entry->value, entry->nth,
                         "%s", detail.text);
        return;
    }
    if (cm_config_openings(reader, place, entry->name) > 1) {
        cm_config_report(reader, place, entry->name, NULL, 1,
                         "the subsection is given twice");
        return;
    }
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        if (strcmp(sections[i].name, relation->name) == 0)
            sections[i].read(reader, &inner, target);
    }
}

static void
read_entry(struct cm_config_reader *reader, const struct cm_place *place,
           const struct cm_relation *relation,
           const struct cm_config_entry *entry,
           struct cm_config_target *target)
{
    switch (relation->shape) {
    case CM_RELATION_SINGLE:
        if (entry->nth > 0)
            cm_config_report(reader, place, entry->name, entry->value,
                             entry->nth, "given twice");
        else
            parse_value(reader, place, relation, entry, target);
        return;
    case CM_RELATION_REPEATED:
        if (entry->nth == CM_CONFIG_MAX_REPEATED)
            cm_config_report(reader, place, entry->name, entry->value,
                             entry->nth, "given more than %d times",
                             CM_CONFIG_MAX_REPEATED);
        else if (entry->nth < CM_CONFIG_MAX_REPEATED)
            parse_value(reader, place, relation, entry, target);
        return;
    case CM_RELATION_SECTION:
        if (entry->nth == 0)
            read_subsection(reader, place, relation, entry, target);
        return;
    }
}

static void
report_unknown(struct cm_config_reader *reader, const struct cm_place *place,
               const char *section, const struct cm_config_entry *entry)
{
    struct cm_buf known = CM_BUF_INIT;
    const struct cm_relation *relation;
    const char *name;
    char *text;

    for (size_t i = 0; i < CM_RELATION_COUNT; i++) {
        relation = &cm_relation_table[i];
        name = cm_relation_in(relation, section);
        if (name != NULL)
            cm_buf_addf(&known, " %s", name);
    }
    text = cm_buf_take(&known);
    if (text == NULL)
        reader->failed = true;
    else
        cm_config_report(reader, place, entry->name, entry->value, entry->nth,
                         "unknown; allowed:%s", text);
    free(text);
}

/* The library must see as many relations here as the files hold: else a file
 * is hidden from one of the two, and duplicates in it from us. */
static void
compare_with_files(struct cm_config_reader *reader,
                   const struct cm_place *place,
                   const struct cm_config_entries *entries)
{
    size_t seen = cm_config_relations_seen(reader, place), count = 0;

    for (size_t i = 0; i < entries->count; i++)
        count += entries->list[i].value != NULL;
    if (count != seen)
        cm_config_report(reader, place, NULL, NULL, 0,
                         "the profile library has %zu relations here, the "
                         "profile files %zu; does a \"*\" hide a section, or "
                         "is there a file that this process does not see?",
                         count, seen);
}

void
cm_config_read_section(struct cm_config_reader *reader,
                       const struct cm_place *place, const char *section,
                       struct cm_config_target *target)
{
    struct cm_config_entries entries;
    const char *name;

    if (!cm_config_list(reader, place, &entries))
        return;
    compare_with_files(reader, place, &entries);
    for (size_t i = 0; i < CM_RELATION_COUNT; i++) {
        name = cm_relation_in(&cm_relation_table[i], section);
        for (size_t j = 0; name != NULL && j < entries.count; j++) {
            if (strcmp(entries.list[j].name, name) != 0)
                continue;
            entries.list[j].known = true;
            reader->given[i] = true;
            read_entry(reader, place, &cm_relation_table[i], &entries.list[j],
                       target);
        }
    }
    for (size_t i = 0; i < entries.count; i++) {
        if (!entries.list[i].known)
            report_unknown(reader, place, section, &entries.list[i]);
    }
    cm_config_entries_clear(&entries);
}
