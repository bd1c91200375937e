/*
 * certmap map remove: by certificate, by value, or all that is weak.
 */
#include "map_command.h"

#include <string.h>

/* Is this one of the values that are to go? */
static bool
is_chosen(const struct cm_map *map, const struct cm_value *value)
{
    struct cm_altsecid parsed;

    if (map->has_cert)
        return cm_map_match(&map->candidates, value) != NULL;
    if (map->value != NULL)
        return strlen(map->value) == value->len &&
               memcmp(map->value, value->data, value->len) == 0;
    cm_altsecid_parse(value->data, value->len, &parsed);
    return cm_form_strength(parsed.form) == CM_STRENGTH_WEAK;
}

static bool
choose(const struct cm_map *map, struct cm_change *change)
{
    const char *attribute = cm_account_store_attribute(&map->store);
    const struct cm_account *account = &map->store.account;
    const struct cm_value *value;

    for (size_t i = 0; i < account->mapping_count; i++) {
        value = &account->mappings[i];
        if (is_chosen(map, value) &&
            !cm_change_remove(change, attribute, value->data, value->len))
            return false;
    }
    return true;
}

/* Is a strong value among those that stay? */
static bool
leaves_strong(const struct cm_map *map)
{
    const struct cm_account *account = &map->store.account;
    struct cm_altsecid parsed;

    for (size_t i = 0; i < account->mapping_count; i++) {
        cm_altsecid_parse(account->mappings[i].data, account->mappings[i].len,
                          &parsed);
        if (cm_form_strength(parsed.form) == CM_STRENGTH_STRONG &&
            !is_chosen(map, &account->mappings[i]))
            return true;
    }
    return false;
}

enum cm_exit
cm_map_remove(struct cm_map *map)
{
    struct cm_map_answer answer = {
        .action = "absent",
        .words = "The account has no such mapping; nothing was written.",
        .before = cm_map_json_texts(&map->store.account)};
    struct cm_change change;
    enum cm_exit code = CM_EXIT_UNAVAILABLE;

    answer.change = &change;
    if (cm_change_begin(&change, map->store.account.id) &&
        choose(map, &change)) {
        if (!cm_change_is_empty(&change)) {
            answer.action = map->dry_run ? "would-remove" : "removed";
            answer.words = "The mapping was removed.";
            if (!leaves_strong(map))
                cm_map_warn(map, "no-strong-mapping",
                            "the account is left without a strong value");
        }
        code = cm_map_finish(map, &answer);
    } else {
        json_decref(answer.before);
        cm_tool_error(map->options.tool, "out of memory");
    }
    cm_change_clear(&change);
    return code;
}
