#include "refresh_command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_words.h"
#include "name.h"

static enum cm_tone
tone_of(enum cm_refresh_outcome outcome)
{
    switch (outcome) {
    case CM_REFRESHED:
    case CM_REFRESH_UNCHANGED:
        return CM_TONE_GOOD;
    case CM_REFRESH_ELSEWHERE:
        return CM_TONE_PLAIN;
    case CM_REFRESH_FAILED:
    case CM_REFRESH_REFUSED:
    case CM_REFRESH_NO_STORE:
        return CM_TONE_BAD;
    }
    return CM_TONE_BAD;
}

/* Into a place that is empty; no text leaves it so. */
static bool
copy(const char *text, char **out)
{
    return text == NULL || text[0] == '\0' || cm_text_replace(out, text, NULL);
}

static struct cm_refresh_line *
add_line(struct cm_refresh_report *report)
{
    struct cm_refresh_line *list;

    if (report->line_count == CM_REFRESH_MAX_LINES)
        return NULL;
    list = reallocarray(report->lines, report->line_count + 1, sizeof(*list));
    if (list == NULL) {
        report->no_memory = true;
        return NULL;
    }
    report->lines = list;
    memset(&list[report->line_count], 0, sizeof(*list));
    return &list[report->line_count++];
}

void
cm_refresh_report_line(struct cm_refresh_report *report,
                       enum cm_refresh_kind kind, const char *url,
                       const char *outcome, enum cm_tone tone,
                       const char *detail, uint64_t bytes)
{
    struct cm_refresh_line *line = add_line(report);

    if (line == NULL)
        return;
    line->kind = kind;
    line->outcome = outcome;
    line->tone = tone;
    line->bytes = bytes;
    if (!copy(url, &line->url) || !copy(detail, &line->detail))
        report->no_memory = true;
}

void
cm_refresh_report_event(struct cm_refresh_report *report,
                        const struct cm_refresh_event *event)
{
    enum cm_tone tone = tone_of(event->outcome);
    size_t before = report->line_count;

    if (event->kind == CM_REFRESH_OCSP) {
        report->answers[event->outcome]++;
        if (tone != CM_TONE_BAD)
            return;
    }
    cm_refresh_report_line(report, event->kind, event->url,
                           cm_refresh_outcome_token(event->outcome), tone,
                           event->detail->text, event->bytes);
    if (event->cert == NULL || report->line_count == before)
        return;
    report->lines[before].subject =
        cm_name_rfc4514(X509_get_subject_name(event->cert));
    if (report->lines[before].subject == NULL)
        report->no_memory = true;
}

void
cm_refresh_report_alarm(struct cm_refresh_report *report, const char *format,
                        ...)
{
    char *text = NULL;
    va_list ap;
    int len;

    va_start(ap, format);
    len = vasprintf(&text, format, ap);
    va_end(ap);
    if (len < 0 || !cm_text_list_add(&report->alarms, text))
        report->no_memory = true;
    if (len >= 0)
        free(text);
    report->alarm_count++;
}

void
cm_refresh_report_view(struct cm_refresh_report *report,
                       const struct cm_view *view)
{
    for (size_t i = 0; i < view->alarms.count; i++)
        cm_refresh_report_alarm(report, "%s", view->alarms.items[i]);
    report->alarm_count += view->alarm_count - view->alarms.count;
}

void
cm_refresh_report_clear(struct cm_refresh_report *report)
{
    for (size_t i = 0; i < report->line_count; i++) {
        free(report->lines[i].url);
        free(report->lines[i].subject);
        free(report->lines[i].detail);
    }
    free(report->lines);
    cm_text_list_clear(&report->alarms);
    memset(report, 0, sizeof(*report));
}

bool
cm_refresh_report_matters(const struct cm_refresh_report *report)
{
    return report->line_count > 0 || report->alarm_count > 0 ||
           report->result.tried > 0 || report->failed || report->unavailable;
}

/* ---- For people ---- */

static bool
print_lines(const struct cm_refresh_report *report, FILE *out)
{
    struct cm_table table;
    char size[32];

    cm_table_init(&table, 4);
    for (size_t i = 0; i < report->line_count; i++) {
        const struct cm_refresh_line *line = &report->lines[i];
        const char *cells[4] = {line->outcome, line->url, size,
                                line->detail != NULL ? line->detail
                                                     : line->subject};

        size[0] = '\0';
        if (line->bytes > 0)
            cm_refresh_size_text(line->bytes, size);
        cm_table_row(&table, line->tone, cells);
    }
    return cm_table_print(&table, out, "  ");
}

static void
print_answers(const struct cm_refresh_report *report, FILE *out)
{
    bool any = false;

    for (int i = 0; i < CM_REFRESH_OUTCOMES; i++) {
        if (report->answers[i] == 0)
            continue;
        fprintf(out, "%s%zu %s", any ? ", " : "  OCSP: ", report->answers[i],
                cm_refresh_outcome_token((enum cm_refresh_outcome)i));
        any = true;
    }
    if (any)
        fputc('\n', out);
}

bool
cm_refresh_report_print(const struct cm_refresh_report *report, FILE *out)
{
    fputs("store ", out);
    cm_output_text(out, report->store);
    fputc('\n', out);
    if (!print_lines(report, out))
        return false;
    print_answers(report, out);
    if (report->result.not_due > 0)
        fprintf(out, "  not due yet: %zu\n", report->result.not_due);
    if (report->result.elsewhere > 0)
        fprintf(out, "  asked by another process: %zu\n",
                report->result.elsewhere);
    for (size_t i = 0; i < report->alarms.count; i++) {
        fputs("  ", out);
        cm_output_toned(out, CM_TONE_BAD, "alarm");
        fputs("  ", out);
        cm_output_text(out, report->alarms.items[i]);
        fputc('\n', out);
    }
    return !report->no_memory;
}

/* ---- For programs ---- */

static json_t *
line_json(const struct cm_refresh_line *line)
{
    json_t *o = json_object();

    cm_json_set(&o, "kind", json_string(cm_refresh_kind_token(line->kind)));
    cm_json_set(&o, "url", cm_json_text(line->url));
    cm_json_set(&o, "outcome", json_string(line->outcome));
    cm_json_set(&o, "subject", cm_json_text(line->subject));
    cm_json_set(&o, "detail", cm_json_text(line->detail));
    cm_json_set(&o, "bytes", json_integer((json_int_t)line->bytes));
    return o;
}

json_t *
cm_refresh_report_json(const struct cm_refresh_report *report)
{
    const struct cm_refresh_result *result = &report->result;
    json_t *o = json_object(), *lines = json_array(), *ocsp = json_object();

    for (size_t i = 0; i < report->line_count; i++)
        cm_json_append(&lines, line_json(&report->lines[i]));
    for (int i = 0; i < CM_REFRESH_OUTCOMES; i++)
        cm_json_set(&ocsp,
                    cm_refresh_outcome_token((enum cm_refresh_outcome)i),
                    json_integer((json_int_t)report->answers[i]));
    cm_json_set(&o, "store", cm_json_text(report->store));
    cm_json_set(&o, "sources", lines);
    cm_json_set(&o, "answers", ocsp);
    cm_json_set(&o, "tried", json_integer((json_int_t)result->tried));
    cm_json_set(&o, "published", json_integer((json_int_t)result->published));
    cm_json_set(&o, "unchanged", json_integer((json_int_t)result->unchanged));
    cm_json_set(&o, "elsewhere", json_integer((json_int_t)result->elsewhere));
    cm_json_set(&o, "failed", json_integer((json_int_t)result->failed));
    cm_json_set(&o, "not_due", json_integer((json_int_t)result->not_due));
    cm_json_set(&o, "next_due",
                result->next_due == 0 ? json_null()
                                      : cm_json_time(result->next_due));
    cm_json_set(&o, "alarms", cm_json_list(&report->alarms));
    return o;
}
