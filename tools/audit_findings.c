#include "audit_findings.h"

#include <stdlib.h>
#include <string.h>

#include "pack.h"
#include "text.h"

static const struct {
    enum cm_audit_severity severity;
    const char *token;
    const char *meaning;
} kinds[] = {
#define KIND(id, severity, token, meaning)                                    \
    [CM_AUDIT_##id] = {CM_AUDIT_IS_##severity, token, meaning},
    CM_AUDIT_FINDINGS(KIND)
#undef KIND
};

static const char *const severities[] = {"error", "warning", "note"};

enum { KEY = 10, TEXTS = 4 };

const char *
cm_audit_token(enum cm_audit_kind kind)
{
    return kinds[kind].token;
}

const char *
cm_audit_meaning(enum cm_audit_kind kind)
{
    return kinds[kind].meaning;
}

enum cm_audit_severity
cm_audit_severity(enum cm_audit_kind kind)
{
    return kinds[kind].severity;
}

const char *
cm_audit_severity_token(enum cm_audit_severity severity)
{
    return severities[severity];
}

bool
cm_audit_severity_parse(const char *text, enum cm_audit_severity *out)
{
    for (int i = 0; i <= CM_AUDIT_IS_NOTE; i++) {
        if (strcmp(text, severities[i]) == 0) {
            *out = (enum cm_audit_severity)i;
            return true;
        }
    }
    return false;
}

bool
cm_audit_findings_open(struct cm_audit_findings *findings,
                       struct cm_detail *why)
{
    memset(findings, 0, sizeof(*findings));
    findings->sorter = cm_sorter_new(why);
    return findings->sorter != NULL;
}

void
cm_audit_findings_close(struct cm_audit_findings *findings)
{
    cm_sorter_free(findings->sorter);
    findings->sorter = NULL;
}

/* NULL stays one: a flag stands before each text. */
static void
pack(struct cm_buf *row, const char *text, size_t len)
{
    struct cm_buf escaped = CM_BUF_INIT;

    cm_pack_number(row, text != NULL);
    if (text == NULL)
        return;
    if (len <= CM_AUDIT_MAX_TEXT &&
        cm_text_is_clean((const uint8_t *)text, len)) {
        cm_pack_bytes(row, text, len);
        return;
    }
    cm_text_escape(&escaped, text, len, CM_AUDIT_MAX_TEXT);
    cm_pack_bytes(row, escaped.data, escaped.len);
    row->failed = row->failed || escaped.failed;
    cm_buf_clear(&escaped);
}

static void
pack_text(struct cm_buf *row, const char *text)
{
    pack(row, text, text != NULL ? strlen(text) : 0);
}

bool
cm_audit_findings_add(struct cm_audit_findings *findings,
                      const struct cm_audit_finding *finding,
                      struct cm_detail *why)
{
    uint8_t key[KEY] = {(uint8_t)kinds[finding->kind].severity,
                        (uint8_t)finding->kind};
    struct cm_buf row = CM_BUF_INIT;
    bool ok;

    for (size_t i = 0; i < 8; i++)
        key[2 + i] = (uint8_t)(findings->number >> (56 - 8 * i));
    pack_text(&row, finding->account);
    pack(&row, finding->value, finding->value_len);
    pack_text(&row, finding->detail);
    pack_text(&row, finding->meant);
    if (row.failed)
        cm_detail_set(why, "out of memory");
    ok = !row.failed && cm_sorter_add(findings->sorter, key, sizeof(key),
                                      row.data, row.len, why);
    cm_buf_clear(&row);
    if (ok) {
        findings->number++;
        findings->counts[finding->kind]++;
    }
    return ok;
}

uint64_t
cm_audit_findings_count(const struct cm_audit_findings *findings,
                        enum cm_audit_severity least)
{
    uint64_t count = 0;

    for (int i = 0; i < CM_AUDIT_KINDS; i++) {
        if (kinds[i].severity <= least)
            count += findings->counts[i];
    }
    return count;
}

static bool
unpack(struct cm_unpack *in, char **out)
{
    uint32_t there;

    *out = NULL;
    if (!cm_unpack_number(in, &there))
        return false;
    if (there == 0)
        return true;
    *out = cm_unpack_text(in);
    return *out != NULL;
}

static bool
visit_row(const struct cm_sorted *row,
          bool (*visit)(void *context, const struct cm_audit_finding *one),
          void *context, struct cm_detail *why)
{
    struct cm_unpack in = {row->data, row->data + row->len};
    char *texts[TEXTS] = {NULL};
    struct cm_audit_finding one = {.kind = (enum cm_audit_kind)row->key[1]};
    bool ok = true;

    for (size_t i = 0; ok && i < TEXTS; i++)
        ok = unpack(&in, &texts[i]);
    if (!ok)
        cm_detail_set(why, "out of memory");
    one.account = texts[0];
    one.value = texts[1];
    one.detail = texts[2];
    one.meant = texts[3];
    ok = ok && visit(context, &one);
    for (size_t i = 0; i < TEXTS; i++)
        free(texts[i]);
    return ok;
}

bool
cm_audit_findings_each(struct cm_audit_findings *findings,
                       bool (*visit)(void *context,
                                     const struct cm_audit_finding *one),
                       void *context, struct cm_detail *why)
{
    enum cm_sorter_step step = CM_SORTER_RECORD;
    struct cm_sorted row;
    bool ok = cm_sorter_finish(findings->sorter, why);

    while (ok && (step = cm_sorter_next(findings->sorter, &row, why)) ==
                     CM_SORTER_RECORD)
        ok = visit_row(&row, visit, context, why);
    return ok && step == CM_SORTER_END;
}
