/*
 * certmap deny list: the deny list for people and programs.
 */
#include "deny_command.h"

#include <stdlib.h>

#include "output.h"
#include "timetext.h"

static bool
is_in_force(const struct cm_deny_entry *entry, int64_t now)
{
    return !entry->expires || now < entry->until;
}

json_t *
cm_deny_json(const struct cm_deny_entry *entry, size_t number, int64_t now)
{
    bool by_key = entry->kind == CM_DENY_SERIAL_KEY;
    json_t *o = json_object();

    cm_json_set(&o, "number", json_integer((json_int_t)number));
    cm_json_set(&o, "kind", cm_json_text(cm_deny_kind_token(entry->kind)));
    cm_json_set(&o, "value",
                entry->value_len == 0
                    ? json_string("00")
                    : cm_json_hex(entry->value, entry->value_len));
    cm_json_set(&o, "issuer", cm_json_text(entry->issuer));
    cm_json_set(&o, "issuer_key",
                by_key ? cm_json_hex(entry->issuer_spki, 32) : json_null());
    cm_json_set(&o, "expires",
                entry->expires ? cm_json_time(entry->until) : json_null());
    cm_json_set(&o, "added", cm_json_time(entry->added));
    cm_json_set(&o, "reason", cm_json_text(entry->reason));
    cm_json_set(&o, "in_force", json_boolean(is_in_force(entry, now)));
    return o;
}

static bool
add_row(struct cm_table *table, const struct cm_deny_entry *entry,
        size_t number, int64_t now)
{
    bool in_force = is_in_force(entry, now);
    char place[32], until[CM_TIME_TEXT], *selector, *end;
    struct cm_buf buf = CM_BUF_INIT;

    cm_time_text(entry->until, until);
    cm_buf_addf(&buf, "%s%s", entry->expires ? until : "never",
                in_force ? "" : " (expired)");
    end = cm_buf_take(&buf);
    selector = cm_deny_selector(entry);
    snprintf(place, sizeof(place), "%zu", number);
    if (end != NULL && selector != NULL) {
        const char *cells[] = {place, selector, end, entry->reason};

        cm_table_row(table, in_force ? CM_TONE_BAD : CM_TONE_PLAIN, cells);
    } else {
        table->failed = true;
    }
    free(end);
    free(selector);
    return !table->failed;
}

static bool
print_table(const struct cm_deny_list *list, int64_t now, FILE *out)
{
    struct cm_table table;
    bool ok = true;
    size_t i = 0;

    if (list->count == 0)
        fputs("Nobody is blocked.\n", out);
    while (ok && i < list->count) {
        cm_table_init(&table, 4);
        do {
            ok = add_row(&table, &list->list[i], i + 1, now);
            i++;
        } while (ok && i < list->count && i % CM_TABLE_MAX_ROWS != 0);
        ok = cm_table_print(&table, out, "") && ok;
    }
    return ok;
}

bool
cm_deny_print(const struct cm_deny_list *list, bool json, int64_t now,
              FILE *out)
{
    json_t *array;

    if (!json)
        return print_table(list, now, out);
    array = json_array();
    for (size_t i = 0; i < list->count; i++)
        cm_json_append(&array, cm_deny_json(&list->list[i], i + 1, now));
    return cm_json_print(array, out);
}
