/*
 * What certmap map prints.
 */
#include "map_command.h"

#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "policy.h"
#include "text.h"

const struct cm_candidate *
cm_map_match(const struct cm_candidates *candidates,
             const struct cm_value *value)
{
    for (size_t i = 0; i < candidates->count; i++) {
        if (cm_candidate_matches(&candidates->list[i], value->data,
                                 value->len))
            return &candidates->list[i];
    }
    return NULL;
}

/* ---- What a value says ---- */

/* Serial numbers stand there with their last octet first. */
static void
add_serial(struct cm_buf *out, const char *hex, size_t len)
{
    for (size_t i = len; i >= 2; i -= 2)
        cm_buf_add(out, hex + i - 2, 2);
}

static void
add_meaning(const struct cm_altsecid *parsed, struct cm_buf *out)
{
    switch (parsed->form) {
    case CM_FORM_ISSUER_SERIAL:
        cm_buf_add_text(out, "the certificate with serial number ");
        add_serial(out, parsed->other.data, parsed->other.len);
        break;
    case CM_FORM_SKI:
        cm_buf_add_text(out, "every certificate with this key identifier");
        break;
    case CM_FORM_SHA1_PUKEY:
        cm_buf_add_text(out, "the certificate with this SHA-1 fingerprint");
        break;
    case CM_FORM_ISSUER_SID:
        cm_buf_add_text(out, "every certificate of the issuer with this SID");
        break;
    case CM_FORM_ISSUER_SUBJECT:
        cm_buf_add_text(out, "every certificate of the issuer with this name");
        break;
    case CM_FORM_SUBJECT:
        cm_buf_add_text(out, "every certificate with this name, of any CA");
        break;
    case CM_FORM_RFC822:
        cm_buf_add_text(out, "every certificate with this mail address");
        break;
    case CM_FORM_NONE:
    case CM_FORM_UPN:
    case CM_FORM_DNS:
    case CM_FORM_SID:
        break;
    }
}

bool
cm_map_meaning(const struct cm_map *map, const struct cm_value *value,
               struct cm_buf *out)
{
    const struct cm_policy *policy = &map->target.settings.policy;
    struct cm_altsecid parsed;

    cm_altsecid_parse(value->data, value->len, &parsed);
    if (!parsed.is_x509)
        cm_buf_add_text(out, "not a certificate's mapping");
    else if (parsed.form == CM_FORM_NONE)
        cm_buf_addf(out, "malformed, never accepted: %s",
                    parsed.fault != NULL ? parsed.fault : "unknown form");
    else
        add_meaning(&parsed, out);
    if (parsed.form != CM_FORM_NONE &&
        (policy->accept & CM_ACCEPT(parsed.form)) == 0)
        cm_buf_add_text(out, "; not among the realm's mappings");
    return !out->failed;
}

/* ---- Tables ---- */

/* A value that holds NUL is escaped with it. */
static char *
escaped(const struct cm_value *value)
{
    struct cm_buf buf = CM_BUF_INIT;

    if (strlen(value->data) == value->len)
        cm_buf_add(&buf, value->data, value->len);
    else
        cm_text_escape(&buf, value->data, value->len, CM_OUTPUT_MAX_TEXT);
    return cm_buf_take(&buf);
}

static void
add_value_rows(struct cm_table *table, const struct cm_map *map,
               const struct cm_value *value, bool mark)
{
    struct cm_buf meaning = CM_BUF_INIT;
    char *text = escaped(value);
    struct cm_altsecid parsed;
    enum cm_strength strength;
    enum cm_tone tone;

    cm_altsecid_parse(value->data, value->len, &parsed);
    strength = cm_form_strength(parsed.form);
    tone = strength == CM_STRENGTH_STRONG ? CM_TONE_GOOD
           : strength == CM_STRENGTH_WEAK ? CM_TONE_CAUTION
                                          : CM_TONE_BAD;
    if (text == NULL || !cm_map_meaning(map, value, &meaning)) {
        table->failed = true;
    } else {
        const char *first[] = {
            cm_strength_token(strength), cm_form_token(parsed.form), text,
            mark && cm_map_match(&map->candidates, value) != NULL
                ? "<- this certificate"
                : ""};
        const char *second[] = {"", "", meaning.data, ""};

        cm_table_row(table, tone, first);
        cm_table_row(table, CM_TONE_PLAIN, second);
    }
    free(text);
    cm_buf_clear(&meaning);
}

bool
cm_map_print_values(const struct cm_map *map, bool mark, FILE *out)
{
    const struct cm_account *account = &map->store.account;
    struct cm_table table;

    if (account->mapping_count == 0) {
        fputs("  no mapping\n", out);
        return true;
    }
    cm_table_init(&table, 4);
    for (size_t i = 0; i < account->mapping_count; i++)
        add_value_rows(&table, map, &account->mappings[i], mark);
    return cm_table_print(&table, out, "  ");
}

static void
print_head(const struct cm_map *map, FILE *out)
{
    cm_output_text(out, map->principal.text);
    if (strcmp(map->store.account.id, map->principal.text) != 0) {
        fputs("  ", out);
        cm_output_text(out, map->store.account.id);
    }
    fputc('\n', out);
}

static void
print_warnings(const struct cm_map *map)
{
    for (size_t i = 0; i < map->warning_count; i++)
        cm_tool_error(map->options.tool, "warning: %s", map->warnings[i].text);
}

/* ---- JSON ---- */

static json_t *
json_value(const struct cm_value *value)
{
    char *text = escaped(value);
    json_t *json = text == NULL ? NULL : cm_json_text(text);

    free(text);
    return json;
}

json_t *
cm_map_json_texts(const struct cm_account *account)
{
    json_t *array = json_array();

    for (size_t i = 0; i < account->mapping_count; i++)
        cm_json_append(&array, json_value(&account->mappings[i]));
    return array;
}

json_t *
cm_map_json_values(const struct cm_map *map)
{
    const struct cm_account *account = &map->store.account;
    unsigned accept = map->target.settings.policy.accept;
    json_t *array = json_array(), *row;
    struct cm_altsecid parsed;

    for (size_t i = 0; i < account->mapping_count; i++) {
        const struct cm_value *value = &account->mappings[i];

        cm_altsecid_parse(value->data, value->len, &parsed);
        row = json_object();
        cm_json_set(&row, "value", json_value(value));
        cm_json_set(&row, "form", cm_json_text(cm_form_token(parsed.form)));
        cm_json_set(
            &row, "strength",
            cm_json_text(cm_strength_token(cm_form_strength(parsed.form))));
        cm_json_set(&row, "accepted",
                    json_boolean(parsed.form != CM_FORM_NONE &&
                                 (accept & CM_ACCEPT(parsed.form)) != 0));
        cm_json_set(&row, "fault", cm_json_text(parsed.fault));
        if (map->has_cert)
            cm_json_set(
                &row, "matches",
                json_boolean(cm_map_match(&map->candidates, value) != NULL));
        cm_json_append(&array, row);
    }
    return array;
}

static json_t *
json_head(const struct cm_map *map)
{
    json_t *o = json_object();

    cm_json_set(&o, "principal", cm_json_text(map->principal.text));
    cm_json_set(&o, "account", cm_json_text(map->store.account.id));
    return o;
}

static json_t *
json_warnings(const struct cm_map *map)
{
    json_t *array = json_array();

    for (size_t i = 0; i < map->warning_count; i++)
        cm_json_append(&array, cm_json_text(map->warnings[i].token));
    return array;
}

/* ---- list ---- */

enum cm_exit
cm_map_list(struct cm_map *map)
{
    FILE *out = map->options.tool->out;
    json_t *o;
    bool ok;

    if (map->options.json) {
        o = json_head(map);
        cm_json_set(&o, "mappings", cm_map_json_values(map));
        ok = cm_json_print(o, out);
    } else {
        print_head(map, out);
        ok = cm_map_print_values(map, map->has_cert, out);
    }
    return ok ? CM_EXIT_YES : cm_tool_no_memory(map->options.tool);
}

/* ---- add and remove ---- */

static bool
print_json(const struct cm_map *map, const struct cm_map_answer *answer,
           const struct cm_buf *plan)
{
    json_t *o = json_head(map);

    cm_json_set(&o, "action", cm_json_text(answer->action));
    cm_json_set(&o, "before", answer->before);
    cm_json_set(&o, "after", cm_map_json_texts(&map->store.account));
    if (answer->holders != NULL)
        cm_json_set(&o, "shared_with", cm_json_list(&answer->holders->names));
    cm_json_set(&o, "change", cm_json_text(plan->data));
    cm_json_set(&o, "warnings", json_warnings(map));
    return cm_json_print(o, map->options.tool->out);
}

/* LDIF, or commands of kadmin.local(8). */
static bool
print_lines(const struct cm_buf *plan, FILE *out)
{
    char *copy = strdup(plan->data != NULL ? plan->data : "");
    char *rest = copy, *line;

    while (rest != NULL && *rest != '\0') {
        line = strsep(&rest, "\n");
        cm_output_text(out, line);
        fputc('\n', out);
    }
    free(copy);
    return copy != NULL;
}

static bool
print_text(const struct cm_map *map, const struct cm_map_answer *answer,
           const struct cm_buf *plan)
{
    FILE *out = map->options.tool->out;
    bool ok = true;

    json_decref(answer->before);
    print_warnings(map);
    if (map->dry_run)
        return print_lines(plan, out);
    if (!cm_change_is_empty(answer->change)) {
        fputs("after: ", out);
        print_head(map, out);
        ok = cm_map_print_values(map, map->has_cert, out);
    }
    fprintf(out, "%s\n", answer->words);
    return ok;
}

enum cm_exit
cm_map_finish(struct cm_map *map, const struct cm_map_answer *answer)
{
    bool empty = cm_change_is_empty(answer->change);
    FILE *out = map->options.tool->out;
    struct cm_buf plan = CM_BUF_INIT;
    enum cm_exit code = CM_EXIT_YES;
    bool ok = cm_account_store_plan(&map->store, answer->change, &plan);

    if (ok && !map->options.json && !map->dry_run) {
        fputs(empty ? "" : "before: ", out);
        print_head(map, out);
        ok = cm_map_print_values(map, map->has_cert, out);
        (void)fflush(out); /* before what may go wrong now */
    }
    if (ok && !empty && !map->dry_run) {
        code = cm_account_store_write(&map->store, answer->change);
        if (code == CM_EXIT_YES)
            code = cm_account_store_reread(&map->store);
    }
    if (!ok || code != CM_EXIT_YES)
        json_decref(answer->before);
    else if (!(map->options.json ? print_json(map, answer, &plan)
                                 : print_text(map, answer, &plan)))
        ok = false;
    cm_buf_clear(&plan);
    return ok ? code : cm_tool_no_memory(map->options.tool);
}
