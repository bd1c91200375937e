/*
 * What certmap audit prints: for people, or as JSON; and the page beside it,
 * in the same one pass over the findings.
 */
#include <stdlib.h>
#include <string.h>

#include "audit_command.h"
#include "newfile.h"
#include "output.h"

enum { PAGE_MODE = 0600 /* it names accounts */ };

/* One pass over the findings. */
struct pass {
    struct cm_audit *audit;
    FILE *out;
    FILE *page; /* NULL: none is wanted */
    bool any;
    enum cm_audit_kind kind; /* of the finding before */
    uint64_t listed;         /* of this kind */
    bool ok;
};

/* 0: no limit. */
static uint64_t
limit_of(const struct cm_audit *audit, uint64_t otherwise)
{
    return audit->has_limit ? audit->limit : otherwise;
}

static bool
beyond(uint64_t limit, uint64_t listed)
{
    return limit > 0 && listed >= limit;
}

/* ---- JSON ---- */

static json_t *
number(uint64_t count)
{
    return json_integer((json_int_t)count);
}

static json_t *
json_accounts(const struct cm_audit_counts *counts)
{
    json_t *o = json_object();

    cm_json_set(&o, "read", number(counts->accounts));
    cm_json_set(&o, "strong", number(counts->strong));
    cm_json_set(&o, "weak", number(counts->weak));
    cm_json_set(&o, "none", number(counts->none));
    cm_json_set(&o, "disabled", number(counts->disabled));
    return o;
}

static json_t *
json_values(const struct cm_audit_counts *counts)
{
    json_t *o = json_object(), *forms = json_object();

    cm_json_set(&o, "certificate", number(counts->values));
    cm_json_set(&o, "other", number(counts->foreign));
    for (int i = CM_FORM_NONE; i <= CM_FORM_ISSUER_SID; i++)
        cm_json_set(&forms,
                    i == CM_FORM_NONE ? "malformed"
                                      : cm_form_token((enum cm_form)i),
                    number(counts->forms[i]));
    cm_json_set(&o, "forms", forms);
    return o;
}

static json_t *
json_certificates(const struct cm_audit *audit)
{
    const struct cm_audit_counts *counts = &audit->counts;
    json_t *o = json_object(), *months = json_object();
    char month[CM_AUDIT_MONTH_TEXT];

    cm_json_set(&o, "known", number(counts->certificates));
    cm_json_set(&o, "expired", number(counts->expired));
    for (int i = 0; i < CM_AUDIT_MONTHS; i++) {
        cm_audit_month_text(audit->now, i, month);
        cm_json_set(&months, month, number(counts->months[i]));
    }
    cm_json_set(&o, "end", months);
    cm_json_set(&o, "later", number(counts->later));
    return o;
}

static json_t *
json_issuer(const struct cm_audit_issuer *issuer)
{
    json_t *o = json_object();

    cm_json_set(&o, "name", cm_json_text(issuer->name));
    cm_json_set(&o, "ca", cm_json_text(cm_audit_ca_token(issuer->ca)));
    cm_json_set(&o, "strong", number(issuer->strong));
    cm_json_set(&o, "weak", number(issuer->weak));
    return o;
}

static json_t *
json_issuers(const struct cm_audit *audit)
{
    json_t *array = json_array();

    for (size_t i = 0; i < audit->issuer_count; i++)
        cm_json_append(&array, json_issuer(&audit->issuers[i]));
    if (audit->others.strong + audit->others.weak > 0)
        cm_json_append(&array, json_issuer(&audit->others));
    return array;
}

static json_t *
json_counts(const struct cm_audit *audit)
{
    json_t *o = json_object();

    for (int i = 0; i < CM_AUDIT_KINDS; i++)
        cm_json_set(&o, cm_audit_token((enum cm_audit_kind)i),
                    number(audit->findings.counts[i]));
    return o;
}

/* All but the findings; they are too many to be held. */
static bool
print_json_head(const struct cm_audit *audit, FILE *out)
{
    json_t *o = json_object();
    char *text;
    size_t len;

    cm_json_set(&o, "realm", cm_json_text(audit->target.realm));
    cm_json_set(&o, "time", cm_json_time(audit->now));
    cm_json_set(&o, "complete", json_boolean(audit->whole));
    cm_json_set(&o, "incomplete_why",
                cm_json_text(audit->whole ? NULL : audit->why.text));
    cm_json_set(&o, "revocation_unknown", number(audit->world.unbelieved));
    cm_json_set(&o, "accounts", json_accounts(&audit->counts));
    cm_json_set(&o, "values", json_values(&audit->counts));
    cm_json_set(&o, "certificates", json_certificates(audit));
    cm_json_set(&o, "issuers", json_issuers(audit));
    cm_json_set(&o, "counts", json_counts(audit));
    text = o == NULL ? NULL : json_dumps(o, JSON_INDENT(2));
    json_decref(o);
    len = text == NULL ? 0 : strlen(text);
    if (len > 2)
        fprintf(out, "%.*s,\n  \"findings\": [", (int)len - 2, text);
    free(text);
    return len > 2;
}

static bool
print_json_finding(const struct pass *pass, const struct cm_audit_finding *one)
{
    json_t *o = json_object();
    char *text;

    cm_json_set(&o, "kind", cm_json_text(cm_audit_token(one->kind)));
    cm_json_set(
        &o, "severity",
        cm_json_text(cm_audit_severity_token(cm_audit_severity(one->kind))));
    cm_json_set(&o, "account", cm_json_text(one->account));
    cm_json_set(&o, "value", cm_json_text(one->value));
    cm_json_set(&o, "detail", cm_json_text(one->detail));
    cm_json_set(&o, "meant", cm_json_text(one->meant));
    text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
    json_decref(o);
    if (text != NULL)
        fprintf(pass->out, "%s\n    %s", pass->any ? "," : "", text);
    free(text);
    return text != NULL;
}

/* ---- For people ---- */

static enum cm_tone
tone_of(enum cm_audit_severity severity)
{
    switch (severity) {
    case CM_AUDIT_IS_ERROR:
        return CM_TONE_BAD;
    case CM_AUDIT_IS_WARNING:
        return CM_TONE_CAUTION;
    case CM_AUDIT_IS_NOTE:
        break;
    }
    return CM_TONE_PLAIN;
}

static bool
print_counts(const struct cm_audit *audit, FILE *out)
{
    struct cm_table table;
    char count[24];

    cm_table_init(&table, 4);
    for (int i = 0; i < CM_AUDIT_KINDS; i++) {
        enum cm_audit_kind kind = (enum cm_audit_kind)i;
        enum cm_audit_severity severity = cm_audit_severity(kind);

        if (audit->findings.counts[i] == 0)
            continue;
        (void)snprintf(count, sizeof(count), "%llu",
                       (unsigned long long)audit->findings.counts[i]);
        cm_table_row(&table, tone_of(severity),
                     (const char *[]){cm_audit_severity_token(severity),
                                      cm_audit_token(kind), count,
                                      cm_audit_meaning(kind)});
    }
    if (table.rows == 0)
        fputs("  no findings\n", out);
    return cm_table_print(&table, out, "  ");
}

static bool
print_issuers(const struct cm_audit *audit, FILE *out)
{
    struct cm_table table;
    char strong[32], weak[32];

    cm_table_init(&table, 4);
    for (size_t i = 0; i < audit->issuer_count; i++) {
        const struct cm_audit_issuer *one = &audit->issuers[i];

        if (one->strong + one->weak == 0)
            continue;
        (void)snprintf(strong, sizeof(strong), "%llu strong",
                       (unsigned long long)one->strong);
        (void)snprintf(weak, sizeof(weak), "%llu weak",
                       (unsigned long long)one->weak);
        cm_table_row(&table,
                     one->ca == CM_AUDIT_CA_NTAUTH ? CM_TONE_GOOD
                                                   : CM_TONE_CAUTION,
                     (const char *[]){cm_audit_ca_token(one->ca), strong, weak,
                                      one->name});
    }
    if (table.rows > 0)
        fputs("\nvalues by issuer:\n", out);
    return cm_table_print(&table, out, "  ");
}

static bool
print_head(const struct cm_audit *audit, FILE *out)
{
    const struct cm_audit_counts *counts = &audit->counts;

    cm_output_text(out, audit->target.realm);
    fprintf(out, ": %llu accounts, %llu mapping values\n",
            (unsigned long long)counts->accounts,
            (unsigned long long)counts->values);
    if (!audit->whole) {
        cm_output_toned(out, CM_TONE_BAD, "INCOMPLETE");
        fputs(": not all accounts could be read: ", out);
        cm_output_text(out, audit->why.text);
        fputc('\n', out);
    }
    fprintf(out,
            "accounts: %llu with a strong mapping, %llu with weak ones only, "
            "%llu with none, %llu disabled\n",
            (unsigned long long)counts->strong,
            (unsigned long long)counts->weak, (unsigned long long)counts->none,
            (unsigned long long)counts->disabled);
    fprintf(out, "mapped certificates that are known: %llu, %llu expired\n\n",
            (unsigned long long)counts->certificates,
            (unsigned long long)counts->expired);
    return print_counts(audit, out) && print_issuers(audit, out);
}

static void
print_line(FILE *out, const char *before, const char *text)
{
    if (text == NULL)
        return;
    fputs(before, out);
    cm_output_text(out, text);
    fputc('\n', out);
}

static void
print_finding(const struct pass *pass, const struct cm_audit_finding *one)
{
    FILE *out = pass->out;

    if (pass->listed == 0) {
        fputc('\n', out);
        cm_output_toned(out, tone_of(cm_audit_severity(one->kind)),
                        cm_audit_token(one->kind));
        fprintf(out, ": %s\n", cm_audit_meaning(one->kind));
    }
    print_line(out, "  ", one->account);
    print_line(out, "      ", one->value);
    print_line(out, "      ", one->detail);
    print_line(out, "      meant: ", one->meant);
}

/* ---- The pass ---- */

static void
print_more(const struct pass *pass)
{
    const struct cm_audit *audit = pass->audit;
    uint64_t text = limit_of(audit, CM_AUDIT_LIMIT_TEXT);
    uint64_t html = limit_of(audit, CM_AUDIT_LIMIT_HTML);

    if (!audit->options.json && text > 0 && pass->listed > text)
        fprintf(pass->out, "  ... and %llu more (--limit 0 lists all)\n",
                (unsigned long long)(pass->listed - text));
    if (pass->page != NULL && pass->any)
        cm_audit_html_more(pass->page, html > 0 && pass->listed > html
                                           ? pass->listed - html
                                           : 0);
}

static bool
visit(void *context, const struct cm_audit_finding *one)
{
    struct pass *pass = context;
    const struct cm_audit *audit = pass->audit;

    if (!pass->any || pass->kind != one->kind) {
        print_more(pass);
        pass->kind = one->kind;
        pass->listed = 0;
    }
    if (audit->options.json) {
        if (!beyond(limit_of(audit, 0), pass->listed)) {
            if (!print_json_finding(pass, one))
                return cm_detail_no_memory(&pass->audit->why);
        }
    } else if (!beyond(limit_of(audit, CM_AUDIT_LIMIT_TEXT), pass->listed)) {
        print_finding(pass, one);
    }
    if (pass->page != NULL &&
        !beyond(limit_of(audit, CM_AUDIT_LIMIT_HTML), pass->listed))
        cm_audit_html_finding(audit, pass->page, one, pass->listed == 0);
    pass->any = true;
    pass->listed++;
    return true;
}

static bool
write_all(struct pass *pass)
{
    struct cm_audit *audit = pass->audit;
    bool ok = audit->options.json ? print_json_head(audit, pass->out)
                                  : print_head(audit, pass->out);

    if (!ok)
        return cm_detail_no_memory(&audit->why);
    if (pass->page != NULL)
        cm_audit_html_begin(audit, pass->page);
    if (!cm_audit_findings_each(&audit->findings, visit, pass, &audit->why))
        return false;
    print_more(pass);
    if (pass->page != NULL)
        cm_audit_html_end(pass->page);
    if (audit->options.json)
        fprintf(pass->out, "%s]\n}\n", pass->any ? "\n  " : "");
    return true;
}

bool
cm_audit_tell(struct cm_audit *audit)
{
    struct pass pass = {.audit = audit, .out = audit->options.tool->out};
    char *bytes = NULL;
    size_t len = 0;
    bool ok;

    if (audit->flags.html != NULL) {
        pass.page = open_memstream(&bytes, &len);
        if (pass.page == NULL)
            return cm_detail_no_memory(&audit->why);
    }
    ok = write_all(&pass);
    if (pass.page != NULL && fclose(pass.page) != 0 && ok)
        ok = cm_detail_no_memory(&audit->why);
    if (ok && pass.page != NULL)
        ok = cm_newfile_write(audit->flags.html, bytes, len, PAGE_MODE,
                              &audit->why);
    free(bytes);
    return ok;
}
