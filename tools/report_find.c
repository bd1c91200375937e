/* certmap report --ref: the lines of one refusal. */
#include "report_command.h"

#include <stdlib.h>
#include <string.h>

#include "log_line.h"
#include "output.h"
#include "timetext.h"

void
cm_report_find(struct cm_report *report, struct cm_span line,
               const struct cm_audit_fields *fields, int64_t when)
{
    char *text;

    if (!cm_span_is(fields->ref, report->reference) ||
        !cm_report_asks_for(report, fields, when))
        return;
    if (report->found_count == CM_REPORT_MAX_FOUND) {
        report->left_out++;
        return;
    }
    text = strndup(line.text, line.len);
    if (text == NULL) {
        report->failed = true;
        return;
    }
    report->found[report->found_count++] =
        (struct cm_report_line){.text = text, .when = when};
}

void
cm_report_find_clear(struct cm_report *report)
{
    for (size_t i = 0; i < report->found_count; i++)
        free(report->found[i].text);
    report->found_count = 0;
}

static bool
print_json(const struct cm_report *report, FILE *out)
{
    json_t *o = json_object(), *lines = json_array(), *one;

    for (size_t i = 0; i < report->found_count; i++) {
        const struct cm_report_line *line = &report->found[i];

        one = json_object();
        cm_json_set(&one, "at",
                    line->when == CM_LOG_NO_TIME ? json_null()
                                                 : cm_json_time(line->when));
        cm_json_set(&one, "line", cm_json_text(line->text));
        cm_json_append(&lines, one);
    }
    cm_json_set(&o, "reference", cm_json_text(report->reference));
    cm_json_set(&o, "lines", lines);
    return cm_json_print(o, out);
}

bool
cm_report_print_found(const struct cm_report *report, bool json, FILE *out)
{
    char at[CM_TIME_TEXT];

    if (json)
        return print_json(report, out);
    for (size_t i = 0; i < report->found_count; i++) {
        if (report->found[i].when != CM_LOG_NO_TIME) {
            cm_time_text(report->found[i].when, at);
            fprintf(out, "%s ", at);
        }
        cm_output_text(out, report->found[i].text);
        fputc('\n', out);
    }
    return true;
}
