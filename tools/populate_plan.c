/*
 * The plan: the draft, without the changes whose values others hold.
 */
#include <stdlib.h>
#include <string.h>

#include "pack.h"
#include "populate.h"

/* Rows of one digest, as far as they were seen. */
struct equal {
    uint8_t digest[32];
    size_t digest_len;
    char *dn;     /* of the first one */
    bool shared;  /* another account was seen */
    bool pending; /* the first one is of a change that is still alone */
    uint64_t change;
};

struct value_row {
    bool planned;
    uint64_t change;
    const char *dn; /* the row's, without a NUL */
    size_t dn_len;
};

static bool
read_row(const struct cm_sorted *row, struct value_row *out)
{
    if (row->len < 1 + sizeof(out->change))
        return false;
    out->planned = row->data[0] == 'P';
    memcpy(&out->change, row->data + 1, sizeof(out->change));
    out->dn = (const char *)row->data + 1 + sizeof(out->change);
    out->dn_len = row->len - 1 - sizeof(out->change);
    return true;
}

/* Withholds a change: another account holds a value of it. */
static bool
withhold(struct cm_populate *populate, uint64_t change, const char *other,
         size_t len)
{
    uint8_t key[8];

    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)(change >> (56 - 8 * i));
    return cm_sorter_add(populate->shared, key, sizeof(key), other, len,
                         &populate->why);
}

static bool
begin_equal(struct cm_populate *populate, struct equal *equal,
            const struct cm_sorted *row, const struct value_row *value)
{
    free(equal->dn);
    *equal = (struct equal){.digest_len = row->key_len,
                            .pending = value->planned,
                            .change = value->change};
    memcpy(equal->digest, row->key, row->key_len);
    equal->dn = strndup(value->dn, value->dn_len);
    return equal->dn != NULL || cm_detail_no_memory(&populate->why);
}

static bool
is_dn(const struct value_row *value, const char *dn)
{
    return strlen(dn) == value->dn_len &&
           memcmp(dn, value->dn, value->dn_len) == 0;
}

static bool
take_value(struct cm_populate *populate, struct equal *equal,
           const struct cm_sorted *row, const struct value_row *value)
{
    if (row->key_len > sizeof(equal->digest))
        return cm_detail_no_memory(&populate->why);
    if (equal->dn == NULL || row->key_len != equal->digest_len ||
        memcmp(row->key, equal->digest, row->key_len) != 0)
        return begin_equal(populate, equal, row, value);
    if (!equal->shared && is_dn(value, equal->dn))
        return true; /* the account itself */
    equal->shared = true;
    if (equal->pending &&
        !withhold(populate, equal->change, value->dn, value->dn_len))
        return false;
    equal->pending = false;
    return !value->planned ||
           withhold(populate, value->change, equal->dn, strlen(equal->dn));
}

static bool
find_shared(struct cm_populate *populate)
{
    struct equal equal = {.dn = NULL};
    struct value_row value;
    struct cm_sorted row;
    enum cm_sorter_step step = CM_SORTER_RECORD;
    bool ok = true;

    while (ok && (step = cm_sorter_next(populate->values, &row,
                                        &populate->why)) == CM_SORTER_RECORD) {
        if (!read_row(&row, &value))
            ok = cm_detail_no_memory(&populate->why);
        else
            ok = take_value(populate, &equal, &row, &value);
    }
    free(equal.dn);
    return ok && step == CM_SORTER_END;
}

/* ---- Plans ---- */

bool
cm_populate_each_change(struct cm_populate *populate, FILE *plan,
                        bool (*visit)(struct cm_populate *populate,
                                      struct cm_change *change, void *context),
                        void *context)
{
    struct cm_buf record = CM_BUF_INIT;
    struct cm_change change;
    bool ok = true, failed = false;

    if (fflush(plan) != 0) {
        cm_detail_set(&populate->why, "a temporary file cannot be written "
                                      "(TMPDIR names another folder)");
        return false;
    }
    rewind(plan);
    while (ok && cm_record_read(plan, &record, &failed)) {
        struct cm_unpack in = {(const uint8_t *)record.data,
                               (const uint8_t *)record.data + record.len};

        if (!cm_unpack_change(&in, populate->schema->mappings, &change)) {
            ok = cm_detail_no_memory(&populate->why);
        } else {
            ok = visit(populate, &change, context);
            cm_change_clear(&change);
        }
    }
    cm_buf_clear(&record);
    if (failed)
        cm_detail_set(&populate->why, "a temporary file cannot be read");
    return ok && !failed;
}

/* Goes through the draft beside the list of what is withheld. */
struct cursor {
    uint64_t at; /* number of the change in the draft */
    struct cm_sorted row;
    enum cm_sorter_step step;
};

static uint64_t
number_of(const struct cm_sorted *row)
{
    uint64_t number = 0;

    for (size_t i = 0; i < row->key_len; i++)
        number = number << 8 | row->key[i];
    return number;
}

static bool
note_shared(struct cm_populate *populate, const struct cm_change *change,
            const struct cm_sorted *row)
{
    struct cm_detail detail = {""};

    cm_detail_set(&detail, "%.*s holds the value too (--shared allows that)",
                  row->len > 300 ? 300 : (int)row->len,
                  (const char *)row->data);
    return cm_populate_note(populate, CM_PROBLEM_SHARED, change->dn,
                            change->dn, detail.text);
}

static bool
keep_change(struct cm_populate *populate, const struct cm_change *change)
{
    struct cm_buf record = CM_BUF_INIT;
    bool ok;

    cm_pack_change(&record, change);
    ok = cm_record_write(populate->plan, &record);
    cm_buf_clear(&record);
    if (!ok)
        cm_detail_set(&populate->why, "a temporary file cannot be written "
                                      "(TMPDIR names another folder)");
    populate->planned++;
    populate->added += change->parts[0].add_count;
    populate->removed += change->parts[0].remove_count;
    return ok;
}

static bool
judge_change(struct cm_populate *populate, struct cm_change *change,
             void *context)
{
    struct cursor *cursor = context;
    bool withheld = false;

    while (cursor->step == CM_SORTER_RECORD &&
           number_of(&cursor->row) == cursor->at) {
        if (!withheld && !note_shared(populate, change, &cursor->row))
            return false;
        withheld = true;
        cursor->step =
            cm_sorter_next(populate->shared, &cursor->row, &populate->why);
    }
    cursor->at++;
    if (cursor->step == CM_SORTER_FAILED)
        return false;
    return withheld || keep_change(populate, change);
}

bool
cm_populate_plan(struct cm_populate *populate)
{
    struct cursor cursor = {0};

    if (!cm_sorter_finish(populate->values, &populate->why) ||
        !find_shared(populate) ||
        !cm_sorter_finish(populate->shared, &populate->why))
        return false;
    cursor.step =
        cm_sorter_next(populate->shared, &cursor.row, &populate->why);
    if (cursor.step == CM_SORTER_FAILED)
        return false;
    return cm_populate_each_change(populate, populate->draft, judge_change,
                                   &cursor) &&
           fflush(populate->plan) == 0;
}
