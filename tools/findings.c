#include "findings.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

static const struct kind {
    enum cm_finding_severity severity;
    const char *token;
    const char *remedy;
} kinds[] = {
#define CM_FINDING_ROW(id, severity, token, remedy)                           \
    {CM_FINDING_IS_##severity, token, remedy},
    CM_FINDINGS(CM_FINDING_ROW)
#undef CM_FINDING_ROW
};

/* Whether the finding was made before, perhaps for another realm: what is
 * wrong in [plugins] concerns all of them. */
static bool
is_known(const struct cm_findings *findings, enum cm_finding_kind kind,
         const char *text)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->list[i].kind == kind &&
            strcmp(findings->list[i].text, text) == 0)
            return true;
    }
    return false;
}

/* Takes text. */
static bool
append(struct cm_findings *findings, enum cm_finding_kind kind,
       const char *realm, char *text)
{
    char *copy = realm == NULL ? NULL : strdup(realm);
    struct cm_finding *list;

    if (realm != NULL && copy == NULL)
        return false;
    list = reallocarray(findings->list, findings->count + 1, sizeof(*list));
    if (list == NULL) {
        free(copy);
        return false;
    }
    list[findings->count].kind = kind;
    list[findings->count].realm = copy;
    list[findings->count++].text = text;
    findings->list = list;
    return true;
}

void
cm_findings_add(struct cm_findings *findings, enum cm_finding_kind kind,
                const char *realm, const char *format, ...)
{
    char *text = NULL;
    va_list ap;
    int len;

    va_start(ap, format);
    len = vasprintf(&text, format, ap);
    va_end(ap);
    if (len < 0) {
        findings->failed = true;
        return;
    }
    if (is_known(findings, kind, text)) {
        free(text);
    } else if (!append(findings, kind, realm, text)) {
        findings->failed = true;
        free(text);
    }
}

void
cm_findings_clear(struct cm_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->list[i].realm);
        free(findings->list[i].text);
    }
    free(findings->list);
    memset(findings, 0, sizeof(*findings));
}

bool
cm_findings_matter(const struct cm_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (kinds[findings->list[i].kind].severity != CM_FINDING_IS_NOTE)
            return true;
    }
    return false;
}

static const char *
severity_token(enum cm_finding_severity severity)
{
    switch (severity) {
    case CM_FINDING_IS_ERROR:
        return "error";
    case CM_FINDING_IS_WARNING:
        return "warning";
    case CM_FINDING_IS_NOTE:
        return "note";
    }
    return "error";
}

static enum cm_tone
severity_tone(enum cm_finding_severity severity)
{
    switch (severity) {
    case CM_FINDING_IS_ERROR:
        return CM_TONE_BAD;
    case CM_FINDING_IS_WARNING:
        return CM_TONE_CAUTION;
    case CM_FINDING_IS_NOTE:
        return CM_TONE_PLAIN;
    }
    return CM_TONE_BAD;
}

static json_t *
json_finding(const struct cm_finding *finding)
{
    const struct kind *kind = &kinds[finding->kind];
    json_t *o = json_object();

    cm_json_set(&o, "severity", cm_json_text(severity_token(kind->severity)));
    cm_json_set(&o, "token", cm_json_text(kind->token));
    cm_json_set(&o, "realm", cm_json_text(finding->realm));
    cm_json_set(&o, "text", cm_json_text(finding->text));
    cm_json_set(&o, "remedy", cm_json_text(kind->remedy));
    return o;
}

static void
print_finding(const struct cm_finding *finding, FILE *out)
{
    const struct kind *kind = &kinds[finding->kind];

    cm_output_toned(out, severity_tone(kind->severity),
                    severity_token(kind->severity));
    fprintf(out, " %s: ", kind->token);
    if (finding->realm != NULL) {
        cm_output_text(out, finding->realm);
        fputs(": ", out);
    }
    cm_output_text(out, finding->text);
    fprintf(out, "\n    %s\n", kind->remedy);
}

bool
cm_findings_print(const struct cm_findings *findings, bool json, FILE *out)
{
    json_t *array = json ? json_array() : NULL;

    for (int severity = CM_FINDING_IS_ERROR; severity <= CM_FINDING_IS_NOTE;
         severity++) {
        for (size_t i = 0; i < findings->count; i++) {
            const struct cm_finding *finding = &findings->list[i];

            if ((int)kinds[finding->kind].severity != severity)
                continue;
            if (json)
                cm_json_append(&array, json_finding(finding));
            else
                print_finding(finding, out);
        }
    }
    if (json)
        return cm_json_print(array, out) && !findings->failed;
    if (!cm_findings_matter(findings))
        cm_output_toned(out, CM_TONE_GOOD, "nothing wrong was found\n");
    return !findings->failed;
}
