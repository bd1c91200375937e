/*
 * What several accounts have: values, and UPNs.
 *
 * A record's key is a letter, V or U, and the digest; its data a letter, V
 * for a value, E for an explicit UPN and I for one that follows from a name,
 * then account and text.  Records of one key and letter come sorted by
 * account, so that each account is counted once.
 */
#include <stdlib.h>
#include <string.h>

#include "audit_command.h"
#include "pack.h"
#include "text.h"

enum { KEY = 1 + CM_AUDIT_DIGEST, NAMED = 3 /* other accounts by name */ };

static bool
note(struct cm_audit *audit, char table, char letter, const char *id,
     const struct cm_audit_digest *digest, const char *text, size_t len)
{
    uint8_t key[KEY] = {(uint8_t)table};
    struct cm_buf row = CM_BUF_INIT;
    bool ok;

    memcpy(key + 1, digest->bytes, CM_AUDIT_DIGEST);
    cm_buf_add_char(&row, letter);
    cm_pack_text(&row, id);
    cm_pack_bytes(&row, text, len);
    ok = row.failed ? cm_detail_no_memory(&audit->why)
                    : cm_sorter_add(audit->shared, key, sizeof(key), row.data,
                                    row.len, &audit->why);
    cm_buf_clear(&row);
    return ok;
}

bool
cm_audit_note_value(struct cm_audit *audit, const char *id,
                    const struct cm_audit_digest *digest,
                    const struct cm_value *value)
{
    return note(audit, 'V', 'V', id, digest, value->data, value->len);
}

bool
cm_audit_note_upn(struct cm_audit *audit, const char *id, const char *upn,
                  bool implicit)
{
    struct cm_audit_digest digest;

    cm_audit_digest_folded(upn, strlen(upn), &digest);
    return note(audit, 'U', implicit ? 'I' : 'E', id, &digest, upn,
                strlen(upn));
}

/* Records of one key, as far as they were seen. */
struct group {
    uint8_t key[KEY];
    bool begun;
    char *first, *value; /* of the first record; owned */
    struct cm_buf others;
    char *last; /* account of the record before; owned */
    uint64_t accounts, explicit_ones;
};

static void
clear(struct group *group)
{
    free(group->first);
    free(group->value);
    free(group->last);
    cm_buf_clear(&group->others);
    memset(group, 0, sizeof(*group));
}

static enum cm_audit_kind
kind_of(const struct group *group)
{
    if (group->key[0] == 'V')
        return CM_AUDIT_SHARED;
    return group->explicit_ones == group->accounts || group->explicit_ones == 0
               ? CM_AUDIT_UPN_DOUBLED
               : CM_AUDIT_UPN_CONFLICT;
}

/* What was seen of one key becomes a finding, or nothing. */
static bool
end_group(struct cm_audit *audit, struct group *group)
{
    struct cm_audit_finding finding = {.kind = kind_of(group),
                                       .account = group->first,
                                       .value = group->value};
    bool ok = true;

    if (group->begun && group->accounts > 1) {
        if (group->accounts > NAMED + 1)
            cm_buf_addf(&group->others, " and %llu more",
                        (unsigned long long)(group->accounts - NAMED - 1));
        finding.value_len = strlen(group->value);
        finding.detail = group->others.data;
        ok = group->others.failed
                 ? cm_detail_no_memory(&audit->why)
                 : cm_audit_findings_add(&audit->findings, &finding,
                                         &audit->why);
    }
    clear(group);
    return ok;
}

static bool
begin_group(struct group *group, const struct cm_sorted *row, char *id,
            const char *value, size_t len)
{
    struct cm_buf text = CM_BUF_INIT;

    memcpy(group->key, row->key, KEY);
    group->begun = true;
    group->accounts = 1;
    group->first = id;
    group->last = strdup(id);
    if (cm_text_is_clean((const uint8_t *)value, len))
        group->value = strndup(value, len);
    else
        cm_text_escape(&text, value, len, CM_AUDIT_MAX_TEXT);
    if (group->value == NULL)
        group->value = cm_buf_take(&text);
    return group->last != NULL && group->value != NULL;
}

/* An account beside the first.  Its own explicit and implicit UPN may be the
 * same. */
static bool
join_group(struct group *group, char *id)
{
    bool known = strcmp(id, group->last) == 0 || strcmp(id, group->first) == 0;

    if (!known) {
        group->accounts++;
        if (group->accounts <= NAMED + 1)
            cm_buf_addf(&group->others, "%s%s",
                        group->accounts == 2 ? "also " : "; ", id);
    }
    free(group->last);
    group->last = id;
    return !group->others.failed;
}

static bool
take_row(struct cm_audit *audit, struct group *group,
         const struct cm_sorted *row)
{
    struct cm_unpack in = {row->data + 1, row->data + row->len};
    const char *value;
    uint64_t before = group->accounts;
    size_t len;
    char *id;
    bool same = group->begun && memcmp(group->key, row->key, KEY) == 0, ok;

    if (!same && !end_group(audit, group))
        return false;
    id = cm_unpack_text(&in);
    if (id == NULL || !cm_unpack_bytes(&in, &value, &len)) {
        free(id);
        return cm_detail_no_memory(&audit->why);
    }
    if (!same)
        before = 0;
    ok =
        same ? join_group(group, id) : begin_group(group, row, id, value, len);
    if (row->data[0] == 'E' && group->accounts > before)
        group->explicit_ones++;
    return ok || cm_detail_no_memory(&audit->why);
}

bool
cm_audit_collide(struct cm_audit *audit)
{
    enum cm_sorter_step step = CM_SORTER_RECORD;
    struct group group = {.begun = false};
    struct cm_sorted row;
    bool ok = cm_sorter_finish(audit->shared, &audit->why);

    while (ok && (step = cm_sorter_next(audit->shared, &row, &audit->why)) ==
                     CM_SORTER_RECORD)
        ok = take_row(audit, &group, &row);
    ok = ok && step == CM_SORTER_END && end_group(audit, &group);
    clear(&group);
    return ok;
}
