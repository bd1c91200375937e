#include "config_values.h"

#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "config_words.h"
#include "indicators.h"

#define PARSED(name, parser, shape, allowed)                                  \
    {name, CM_RELATION_##shape, cm_parse_##parser, allowed},
#define OTHER(name, shape) {name, CM_RELATION_##shape, NULL, NULL},
const struct cm_relation cm_relation_table[CM_RELATION_COUNT] = {
    CM_PARSED_RELATIONS(PARSED) CM_OTHER_RELATIONS(OTHER)};
#undef PARSED
#undef OTHER

#define PARSED(name, parser, shape, allowed) name,
#define OTHER(name, shape) name,
static const char *const names[CM_RELATION_COUNT + 1] = {
    CM_PARSED_RELATIONS(PARSED) CM_OTHER_RELATIONS(OTHER) NULL};
#undef PARSED
#undef OTHER

const char *const *
cm_config_relations(void)
{
    return names;
}

const char *
cm_relation_in(const struct cm_relation *relation, const char *section)
{
    const char *dot = strchr(relation->name, '.');
    size_t len = strlen(section);

    if (dot == NULL)
        return len == 0 ? relation->name : NULL;
    if (len != (size_t)(dot - relation->name) ||
        memcmp(relation->name, section, len) != 0)
        return NULL;
    return dot + 1;
}

/* The profile library has no trailing comments: "off  # for now" is a value.
 * A ";" belongs to name_strong where no blank stands before it. */
static bool
holds_comment(const char *value)
{
    return strchr(value, '#') != NULL || *value == ';' ||
           strstr(value, " ;") != NULL || strstr(value, "\t;") != NULL;
}

bool
cm_config_value_is_plain(const char *value, struct cm_detail *detail)
{
    if (*value == '\0')
        cm_detail_set(detail, "the value is empty");
    else if (*value == '{')
        cm_detail_set(detail,
                      "a subsection cannot be written on one line: \"{\" "
                      "ends its line, \"}\" has a line of its own");
    else if (holds_comment(value))
        cm_detail_set(detail,
                      "the profile library has no trailing comments, all of "
                      "this is the value; write comments on lines of their "
                      "own");
    else if (!cm_text_is_clean((const uint8_t *)value, strlen(value)))
        cm_detail_set(detail, "a tab, another control character, or bytes "
                              "that are not UTF-8");
    else
        return true;
    return false;
}

/* Names as they stand in require_auth, where a blank separates them. */
static bool
is_indicator_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_.:/+@";
    size_t len = strlen(name);

    return len > 0 && len <= CM_CONFIG_MAX_NAME &&
           strspn(name, allowed) == len;
}

bool
cm_config_add_indicator(struct cm_indicator_rules *rules, const char *name,
                        const char *value, struct cm_detail *detail)
{
    struct cm_indicator_rule rule = {0}, *list;

    if (!is_indicator_name(name)) {
        cm_detail_set(detail, "an indicator's name has up to 64 letters, "
                              "digits and characters of -_.:/+@");
        return false;
    }
    if (rules->count == CM_MAX_INDICATORS) {
        cm_detail_set(detail, "more than %d rules", CM_MAX_INDICATORS);
        return false;
    }
    if (strcmp(value, "never") == 0) {
        cm_detail_set(detail, "never is for hw_authent; leave the rule out");
        return false;
    }
    if (!cm_condition_parse(value, &rule.condition, detail))
        return false;
    rule.name = strdup(name);
    list = reallocarray(rules->list, rules->count + 1, sizeof(*list));
    if (list != NULL)
        rules->list = list;
    if (list == NULL || rule.name == NULL) {
        cm_condition_clear(&rule.condition);
        free(rule.name);
        return cm_out_of_memory(detail);
    }
    list[rules->count++] = rule;
    return true;
}
