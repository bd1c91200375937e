/*
 * What was not written and why, and what was: for people, and as JSON.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "populate.h"
#include "writer.h"

static const struct {
    const char *token;
    const char *text;
} problems[CM_PROBLEM_COUNT] = {
    [CM_PROBLEM_UNREADABLE] = {"unreadable", "cannot be read"},
    [CM_PROBLEM_EXPIRED] = {"expired", "expired certificate"},
    [CM_PROBLEM_CA] = {"ca", "a CA's certificate"},
    [CM_PROBLEM_UNKNOWN_ISSUER] = {"unknown-issuer",
                                   "issued by a CA that the realm does not "
                                   "know"},
    [CM_PROBLEM_NO_VALUE] = {"no-value", "yields no value of this form"},
    [CM_PROBLEM_NO_KEY] = {"no-key", "nothing to match it by"},
    [CM_PROBLEM_NOBODY] = {"nobody", "matches no account"},
    [CM_PROBLEM_SEVERAL] = {"several", "matches several accounts"},
    [CM_PROBLEM_SHARED] = {"shared", "another account holds the value"},
    [CM_PROBLEM_CONFLICT] = {"conflict", "the entry was changed meanwhile"},
    [CM_PROBLEM_REFUSED] = {"refused", "refused by the directory"},
    [CM_PROBLEM_UNKNOWN] = {"unknown", "the connection was lost: unknown"},
};

const char *
cm_problem_token(enum cm_problem problem)
{
    return problems[problem].token;
}

uint64_t
cm_populate_problems(const struct cm_populate *populate)
{
    uint64_t count = 0;

    for (size_t i = 0; i < CM_PROBLEM_COUNT; i++)
        count += populate->counts[i];
    return count;
}

bool
cm_populate_note(struct cm_populate *populate, enum cm_problem problem,
                 const char *what, const char *account, const char *detail)
{
    json_t *object = json_object();
    char *line;
    bool ok;

    cm_json_set(&object, "problem", json_string(cm_problem_token(problem)));
    cm_json_set(&object, "what", cm_json_text(what));
    cm_json_set(&object, "account", cm_json_text(account));
    cm_json_set(&object, "detail", cm_json_text(detail));
    line = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    ok = line != NULL && fprintf(populate->problems, "%s\n", line) > 0;
    free(line);
    json_decref(object);
    populate->counts[problem]++;
    if (!ok)
        cm_detail_set(&populate->why, "a temporary file cannot be written "
                                      "(TMPDIR names another folder)");
    return ok;
}

/* ---- For people ---- */

static const char *
plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void
print_plan(const struct cm_populate *populate, FILE *out)
{
    fprintf(out,
            "%" PRIu64 " certificate%s read, %" PRIu64 " account%s seen\n"
            "%" PRIu64 " account%s to change: %" PRIu64
            " value%s to add, %" PRIu64 " to remove\n",
            populate->certificates, plural(populate->certificates),
            populate->swept, plural(populate->swept), populate->planned,
            plural(populate->planned), populate->added,
            plural(populate->added), populate->removed);
    if (populate->unchanged > 0)
        fprintf(out, "%" PRIu64 " account%s need%s nothing\n",
                populate->unchanged, plural(populate->unchanged),
                populate->unchanged == 1 ? "s" : "");
}

static void
print_counts(const struct cm_populate *populate, FILE *out)
{
    if (cm_populate_problems(populate) == 0)
        return;
    fputs("not written:\n", out);
    for (size_t i = 0; i < CM_PROBLEM_COUNT; i++) {
        if (populate->counts[i] > 0)
            fprintf(out, "  %8" PRIu64 "  %-14s %s\n", populate->counts[i],
                    problems[i].token, problems[i].text);
    }
}

static void
print_problem(const char *line, FILE *out)
{
    json_t *object = json_loads(line, 0, NULL);
    const char *token = json_string_value(json_object_get(object, "problem"));
    const char *what = json_string_value(json_object_get(object, "what"));
    const char *account =
        json_string_value(json_object_get(object, "account"));
    const char *detail = json_string_value(json_object_get(object, "detail"));

    if (token != NULL && what != NULL) {
        fprintf(out, "  %s: ", token);
        cm_output_text(out, what);
        if (account != NULL && strcmp(account, what) != 0) {
            fputs(" (", out);
            cm_output_text(out, account);
            fputc(')', out);
        }
        if (detail != NULL && detail[0] != '\0') {
            fputs(": ", out);
            cm_output_text(out, detail);
        }
        fputc('\n', out);
    }
    json_decref(object);
}

/* The first ones; the report has them all. */
static bool
print_problems(struct cm_populate *populate, FILE *out)
{
    uint64_t count = cm_populate_problems(populate);
    char *line = NULL;
    size_t capacity = 0;

    if (count == 0)
        return true;
    if (fflush(populate->problems) != 0)
        return false;
    rewind(populate->problems);
    for (uint64_t i = 0; i < CM_POPULATE_FIRST &&
                         getline(&line, &capacity, populate->problems) > 0;
         i++)
        print_problem(line, out);
    free(line);
    if (fseeko(populate->problems, 0, SEEK_END) != 0)
        return false;
    if (count > CM_POPULATE_FIRST)
        fprintf(out, "  ... and %" PRIu64 " more: --report FILE or --json\n",
                count - CM_POPULATE_FIRST);
    return true;
}

struct first {
    FILE *out;
    uint64_t shown;
};

static void
print_values(FILE *out, char sign, const struct cm_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "    %c ", sign);
        cm_output_text(out, values[i].data);
        fputc('\n', out);
    }
}

static bool
print_change(struct cm_populate *populate, struct cm_change *change,
             void *context)
{
    struct first *first = context;

    if (first->shown++ == CM_POPULATE_FIRST) {
        cm_detail_set(&populate->why, "%s", "");
        return false; /* enough */
    }
    fputs("  ", first->out);
    cm_output_text(first->out, change->dn);
    fputc('\n', first->out);
    print_values(first->out, '-', change->parts[0].remove,
                 change->parts[0].remove_count);
    print_values(first->out, '+', change->parts[0].add,
                 change->parts[0].add_count);
    return true;
}

static void
print_first(struct cm_populate *populate, FILE *out)
{
    struct first first = {out, 0};

    if (populate->planned == 0)
        return;
    fputs(populate->planned > CM_POPULATE_FIRST ? "the first changes:\n"
                                                : "changes:\n",
          out);
    (void)cm_populate_each_change(populate, populate->plan, print_change,
                                  &first);
}

static void
print_written(const struct cm_populate *populate, FILE *out)
{
    uint64_t left = populate->planned - populate->tried;

    fprintf(out, "written: %" PRIu64 " of %" PRIu64 " account%s\n",
            populate->written, populate->planned, plural(populate->planned));
    if (left > 0)
        fprintf(out,
                "not tried: %" PRIu64 "; the same command goes on where this "
                "one ended\n",
                left);
    if (populate->undo != NULL) {
        fputs("to take it back: ldapmodify -c -f ", out);
        cm_output_text(out, populate->undo);
        fputc('\n', out);
    }
}

bool
cm_populate_summary(struct cm_populate *populate)
{
    /* LDIF alone goes to standard output, so that it can be piped. */
    FILE *out = populate->flags.ldif ? populate->options.tool->err
                                     : populate->options.tool->out;

    print_plan(populate, out);
    if (!populate->flags.apply && !populate->flags.ldif)
        print_first(populate, out);
    if (populate->flags.apply)
        print_written(populate, out);
    print_counts(populate, out);
    if (!print_problems(populate, out)) {
        cm_detail_set(&populate->why, "a temporary file cannot be read");
        return false;
    }
    if (!populate->flags.apply && populate->planned > 0)
        fputs("Nothing was written; --apply writes.\n", out);
    return true;
}

/* ---- JSON ---- */

static json_t *
number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *
counts_json(const struct cm_populate *populate)
{
    json_t *counts = json_object();

    for (size_t i = 0; i < CM_PROBLEM_COUNT; i++)
        cm_json_set(&counts, problems[i].token, number(populate->counts[i]));
    return counts;
}

/* Everything but the list of problems, which may be long. */
static json_t *
head_json(const struct cm_populate *populate)
{
    json_t *head = json_object();
    uint64_t left = populate->planned - populate->tried;

    cm_json_set(&head, "realm", cm_json_text(populate->target.realm));
    cm_json_set(&head, "applied", json_boolean(populate->flags.apply));
    cm_json_set(&head, "interrupted", json_boolean(populate->interrupted));
    cm_json_set(&head, "form", json_string(cm_form_token(populate->form)));
    cm_json_set(&head, "certificates", number(populate->certificates));
    cm_json_set(&head, "accounts", number(populate->swept));
    cm_json_set(&head, "unchanged", number(populate->unchanged));
    cm_json_set(&head, "planned", number(populate->planned));
    cm_json_set(&head, "values_added", number(populate->added));
    cm_json_set(&head, "values_removed", number(populate->removed));
    cm_json_set(&head, "written", number(populate->written));
    cm_json_set(&head, "not_tried",
                number(populate->flags.apply ? left : populate->planned));
    cm_json_set(&head, "transactions", json_boolean(populate->transactions));
    cm_json_set(&head, "undo", cm_json_text(populate->undo));
    cm_json_set(&head, "error",
                cm_json_text(populate->why.text[0] != '\0' ? populate->why.text
                                                           : NULL));
    cm_json_set(&head, "counts", counts_json(populate));
    return head;
}

static bool
copy_problems(struct cm_populate *populate, FILE *out)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t n;
    bool first = true;

    if (fflush(populate->problems) != 0)
        return false;
    rewind(populate->problems);
    while ((n = getline(&line, &capacity, populate->problems)) > 0) {
        fprintf(out, first ? "\n  %.*s" : ",\n  %.*s", (int)(n - 1), line);
        first = false;
    }
    free(line);
    return ferror(populate->problems) == 0 &&
           fseeko(populate->problems, 0, SEEK_END) == 0;
}

bool
cm_populate_report(struct cm_populate *populate, FILE *out)
{
    json_t *head = head_json(populate);
    char *text = head != NULL ? json_dumps(head, JSON_INDENT(2)) : NULL;
    size_t len = text != NULL ? strlen(text) : 0;
    bool ok = len > 2;

    json_decref(head);
    if (ok) {
        fwrite(text, 1, len - 2, out); /* without "\n}" */
        fputs(",\n  \"problems\": [", out);
        ok = copy_problems(populate, out);
        fputs("]\n}\n", out);
    }
    free(text);
    ok = ok && fflush(out) == 0 && ferror(out) == 0;
    if (!ok)
        cm_detail_set(&populate->why, "the report cannot be written: %s",
                      strerror(errno));
    return ok;
}
