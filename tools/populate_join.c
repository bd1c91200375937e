/*
 * Certificates and accounts, joined key by key.
 */
#include <stdlib.h>
#include <string.h>

#include "pack.h"
#include "populate.h"
#include "text.h"

/* The account of one key, and what is to become of it. */
struct group {
    char *key;
    size_t key_len;
    size_t accounts;           /* that have the key: 0, 1, or more */
    struct cm_account account; /* the first one: id and mappings */
    uint8_t *marks;            /* for each of its values */
    struct cm_change change;
    bool touched;
};

/* Of a value that the account holds. */
enum { MARK_KEEP = 1, MARK_REPLACE = 2, MARK_PRUNE = 4 };

static void
clear_group(struct group *group)
{
    free(group->key);
    free(group->marks);
    cm_account_clear(&group->account);
    cm_change_clear(&group->change);
    memset(group, 0, sizeof(*group));
}

/* ---- The account of a key ---- */

static bool
load_value(struct cm_unpack *in, struct cm_value *out)
{
    const char *text;
    char *copy;
    size_t len;

    if (!cm_unpack_bytes(in, &text, &len))
        return false;
    copy = malloc(len + 1);
    if (copy == NULL)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    out->data = copy;
    out->len = len;
    return true;
}

static bool
load_values(struct cm_unpack *in, struct cm_account *out)
{
    uint32_t count;

    if (!cm_unpack_number(in, &count))
        return false;
    out->mappings = calloc(count + (size_t)1, sizeof(*out->mappings));
    if (out->mappings == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct cm_value value;

        if (!load_value(in, &value))
            return false;
        out->mappings[out->mapping_count++] = value;
    }
    return true;
}

static bool
load_account(struct group *group, const struct cm_sorted *row)
{
    struct cm_unpack in = {row->data, row->data + row->len};

    group->account.id = cm_unpack_text(&in);
    if (group->account.id == NULL || !load_values(&in, &group->account))
        return false;
    group->marks = calloc(group->account.mapping_count + 1, 1);
    return group->marks != NULL &&
           cm_change_begin(&group->change, group->account.id);
}

/* Does the row stand for the account that the group holds? */
static bool
is_same_account(const struct group *group, const struct cm_sorted *row)
{
    struct cm_unpack in = {row->data, row->data + row->len};
    const char *dn;
    size_t len;

    return cm_unpack_bytes(&in, &dn, &len) &&
           len == strlen(group->account.id) &&
           memcmp(dn, group->account.id, len) == 0;
}

/* The rows of the directory, one ahead. */
struct side {
    struct cm_sorter *sorter;
    struct cm_sorted row;
    enum cm_sorter_step step;
};

static bool
step(struct cm_populate *populate, struct side *side)
{
    side->step = cm_sorter_next(side->sorter, &side->row, &populate->why);
    return side->step != CM_SORTER_FAILED;
}

/* Goes to the group's key, and takes every account that has it. */
static bool
find_accounts(struct cm_populate *populate, struct side *accounts,
              struct group *group)
{
    int order;

    while (accounts->step == CM_SORTER_RECORD) {
        order = cm_sorter_compare(accounts->row.key, accounts->row.key_len,
                                  (const uint8_t *)group->key, group->key_len);
        if (order > 0)
            return true;
        if (order == 0 && group->accounts == 0 &&
            !load_account(group, &accounts->row))
            return cm_detail_no_memory(&populate->why);
        if (order == 0 &&
            (group->accounts == 0 || !is_same_account(group, &accounts->row)))
            group->accounts++;
        if (!step(populate, accounts))
            return false;
    }
    return accounts->step == CM_SORTER_END;
}

/* ---- What a certificate asks for ---- */

static bool
is_being_added(const struct group *group, const struct cm_candidate *candidate)
{
    const struct cm_change_part *part = &group->change.parts[0];

    for (size_t i = 0; group->change.count > 0 && i < part->add_count; i++) {
        if (cm_candidate_matches(candidate, part->add[i].data,
                                 part->add[i].len))
            return true;
    }
    return false;
}

/* One value of the certificate against those of the account. */
static bool
take_candidate(struct cm_populate *populate, struct group *group,
               const struct cm_candidate *candidate, bool expired)
{
    bool chosen = candidate->form == populate->form, held = false;
    uint8_t mark = expired ? MARK_PRUNE : chosen ? MARK_KEEP : MARK_REPLACE;

    for (size_t i = 0; i < group->account.mapping_count; i++) {
        const struct cm_value *value = &group->account.mappings[i];

        if (cm_candidate_matches(candidate, value->data, value->len)) {
            group->marks[i] |= mark;
            held = true;
        }
    }
    if (expired || !chosen || held || is_being_added(group, candidate))
        return true;
    if (!cm_change_add(&group->change, populate->schema->mappings,
                       candidate->value, candidate->len))
        return cm_detail_no_memory(&populate->why);
    return true;
}

static bool
take_candidates(struct cm_populate *populate, struct group *group,
                struct cm_unpack *in)
{
    uint32_t expired, count, form;
    struct cm_candidate candidate;
    const char *value;
    bool ok;

    if (!cm_unpack_number(in, &expired) || !cm_unpack_number(in, &count))
        return cm_detail_no_memory(&populate->why);
    for (uint32_t i = 0; i < count; i++) {
        if (!cm_unpack_number(in, &form) ||
            !cm_unpack_bytes(in, &value, &candidate.len))
            return cm_detail_no_memory(&populate->why);
        candidate.form = (enum cm_form)form;
        candidate.value = strndup(value, candidate.len);
        if (candidate.value == NULL)
            return cm_detail_no_memory(&populate->why);
        ok = take_candidate(populate, group, &candidate, expired != 0);
        free(candidate.value);
        if (!ok)
            return false;
    }
    return true;
}

static bool
take_wish(struct cm_populate *populate, struct group *group,
          const struct cm_sorted *row)
{
    struct cm_unpack in = {row->data, row->data + row->len};
    struct cm_detail detail = {""};
    char *what = cm_unpack_text(&in);
    bool ok;

    if (what == NULL)
        return cm_detail_no_memory(&populate->why);
    cm_detail_set(&detail, "%.*s", (int)group->key_len, group->key);
    if (group->accounts == 0)
        ok = cm_populate_note(populate, CM_PROBLEM_NOBODY, what, NULL,
                              detail.text);
    else if (group->accounts > 1)
        ok = cm_populate_note(populate, CM_PROBLEM_SEVERAL, what,
                              group->account.id, detail.text);
    else
        ok = take_candidates(populate, group, &in);
    group->touched = true;
    free(what);
    return ok;
}

/* ---- What becomes of the account ---- */

/* A value that names an issuer which the realm does not know. */
static bool
is_of_unknown_issuer(const struct cm_populate *populate,
                     const struct cm_value *value)
{
    struct cm_altsecid parsed;

    cm_altsecid_parse(value->data, value->len, &parsed);
    if (parsed.form == CM_FORM_NONE || parsed.issuer.len == 0)
        return false;
    for (size_t i = 0; i < populate->issuers.count; i++) {
        const char *known = populate->issuers.items[i];

        if (strlen(known) == parsed.issuer.len &&
            cm_text_equal_fold_n(known, parsed.issuer.data, parsed.issuer.len))
            return false;
    }
    return true;
}

static bool
is_to_go(const struct cm_populate *populate, const struct group *group,
         size_t i)
{
    uint8_t marks = group->marks[i];

    if ((marks & (MARK_REPLACE | MARK_PRUNE)) != 0 && (marks & MARK_KEEP) == 0)
        return true;
    return populate->flags.prune_unknown_issuer &&
           is_of_unknown_issuer(populate, &group->account.mappings[i]);
}

static bool
write_draft(struct cm_populate *populate, const struct cm_change *change)
{
    const struct cm_change_part *part = &change->parts[0];
    struct cm_buf record = CM_BUF_INIT;
    bool ok = true;

    for (size_t i = 0; ok && i < part->add_count; i++)
        ok = cm_populate_add_value(populate, change->dn, part->add[i].data,
                                   part->add[i].len, false, populate->drafted);
    cm_pack_change(&record, change);
    if (ok && !cm_record_write(populate->draft, &record)) {
        cm_detail_set(&populate->why, "a temporary file cannot be written "
                                      "(TMPDIR names another folder)");
        ok = false;
    }
    cm_buf_clear(&record);
    populate->drafted++;
    cm_meter_step(&populate->meter, populate->drafted);
    return ok;
}

static bool
finish_group(struct cm_populate *populate, struct group *group)
{
    if (group->accounts != 1)
        return true;
    for (size_t i = 0; i < group->account.mapping_count; i++) {
        const struct cm_value *value = &group->account.mappings[i];

        if (is_to_go(populate, group, i) &&
            !cm_change_remove(&group->change, populate->schema->mappings,
                              value->data, value->len))
            return cm_detail_no_memory(&populate->why);
    }
    if (!cm_change_is_empty(&group->change))
        return write_draft(populate, &group->change);
    populate->unchanged++;
    return true;
}

/* ---- The join ---- */

static bool
begin_group(struct cm_populate *populate, struct group *group,
            const struct cm_sorted *row, struct side *accounts)
{
    group->key = malloc(row->key_len + 1);
    if (group->key == NULL)
        return cm_detail_no_memory(&populate->why);
    memcpy(group->key, row->key, row->key_len);
    group->key[row->key_len] = '\0';
    group->key_len = row->key_len;
    return find_accounts(populate, accounts, group);
}

static bool
belongs(const struct group *group, const struct side *wishes)
{
    return wishes->step == CM_SORTER_RECORD &&
           cm_sorter_compare(wishes->row.key, wishes->row.key_len,
                             (const uint8_t *)group->key, group->key_len) == 0;
}

bool
cm_populate_join(struct cm_populate *populate)
{
    struct side wishes = {.sorter = populate->wishes};
    struct side accounts = {.sorter = populate->accounts};
    struct group group = {0};
    bool ok = cm_sorter_finish(populate->wishes, &populate->why) &&
              cm_sorter_finish(populate->accounts, &populate->why) &&
              step(populate, &wishes) && step(populate, &accounts);

    cm_meter_start(&populate->meter, populate->options.tool->err,
                   "changes planned", 0);
    while (ok && wishes.step == CM_SORTER_RECORD) {
        ok = begin_group(populate, &group, &wishes.row, &accounts);
        while (ok && belongs(&group, &wishes))
            ok = take_wish(populate, &group, &wishes.row) &&
                 step(populate, &wishes);
        ok = ok && finish_group(populate, &group);
        clear_group(&group);
    }
    cm_meter_end(&populate->meter);
    return ok;
}
