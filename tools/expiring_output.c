/* certmap expiring: for people and programs. */
#include "expiring_command.h"

#include <stdio.h>

#include "output.h"
#include "timetext.h"

/* Days until then, rounded down; below 0: it has passed. */
static long
days_left(int64_t until, int64_t now)
{
    int64_t seconds = until - now;

    return (long)(seconds >= 0 ? seconds / CM_DAY
                               : -((-seconds + CM_DAY - 1) / CM_DAY));
}

static const char *
state_of(const struct cm_expiries *list, const struct cm_expiry *one,
         int64_t now)
{
    if (one->until < now)
        return "expired";
    return cm_expiry_counts(list, one) ? "expiring" : "later";
}

static json_t *
row_json(const struct cm_expiries *list, const struct cm_expiry *one,
         int64_t now)
{
    json_t *o = json_object();

    cm_json_set(&o, "kind", json_string(cm_expiry_token(one->kind)));
    cm_json_set(&o, "name", cm_json_text(one->name));
    cm_json_set(&o, "where", cm_json_text(one->where));
    cm_json_set(&o, "until", cm_json_time(one->until));
    cm_json_set(&o, "days", json_integer(days_left(one->until, now)));
    cm_json_set(&o, "state", json_string(state_of(list, one, now)));
    cm_json_set(&o, "id", cm_json_hex(one->id, sizeof(one->id)));
    return o;
}

static bool
print_json(const struct cm_expiries *list, int64_t now, FILE *out)
{
    json_t *o = json_object(), *rows = json_array();

    for (size_t i = 0; i < list->count; i++)
        cm_json_append(&rows, row_json(list, &list->list[i], now));
    cm_json_set(&o, "at", cm_json_time(now));
    cm_json_set(&o, "until", cm_json_time(list->limit));
    cm_json_set(&o, "expiring", rows);
    cm_json_set(&o, "left_out", json_integer((json_int_t)list->left_out));
    cm_json_set(&o, "problems", cm_json_list(&list->problems));
    return cm_json_print(o, out);
}

static void
add_row(struct cm_table *table, const struct cm_expiries *list,
        const struct cm_expiry *one, int64_t now)
{
    enum cm_tone tone = one->until < now              ? CM_TONE_BAD
                        : cm_expiry_counts(list, one) ? CM_TONE_CAUTION
                                                      : CM_TONE_PLAIN;
    char until[CM_TIME_TEXT], when[CM_TIME_TEXT + 32];
    const char *cells[] = {when, cm_expiry_token(one->kind), one->name,
                           one->where};
    long days = days_left(one->until, now);

    cm_time_text(one->until, until);
    if (one->until < now)
        (void)snprintf(when, sizeof(when), "%s expired", until);
    else
        (void)snprintf(when, sizeof(when), "%s in %ld day%s", until, days,
                       days == 1 ? "" : "s");
    cm_table_row(table, tone, cells);
}

bool
cm_expiring_print(struct cm_expiries *list, bool json, int64_t now, FILE *out)
{
    struct cm_table table;

    if (json)
        return print_json(list, now, out);
    if (list->count == 0)
        fputs("Nothing expires.\n", out);
    cm_table_init(&table, 4);
    for (size_t i = 0; i < list->count; i++)
        add_row(&table, list, &list->list[i], now);
    if (!cm_table_print(&table, out, ""))
        return false;
    if (list->left_out > 0)
        fprintf(out, "%zu more are not shown.\n", list->left_out);
    return true;
}
