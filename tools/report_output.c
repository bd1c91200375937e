/* certmap report: for people and programs. */
#include "report_command.h"

#include <stdlib.h>
#include <string.h>

#include "log_line.h"
#include "output.h"
#include "timetext.h"

enum { SHORT_DIGEST = 16 /* digits */ };

static const char *const kinds[CM_TALLY_KINDS] = {
    [CM_TALLY_REASON] = "reasons",     [CM_TALLY_MAPPING] = "mappings",
    [CM_TALLY_STRENGTH] = "strengths", [CM_TALLY_CHOICE] = "choices",
    [CM_TALLY_WARNING] = "warnings",
};

size_t
cm_report_would_refuse(const struct cm_report_item *items, size_t count,
                       size_t *locked_out)
{
    size_t refused = 0;

    *locked_out = 0;
    for (size_t i = 0; i < count; i++) {
        refused += items[i].need <= CM_NEED_FULL;
        *locked_out += items[i].locked_out;
    }
    return refused;
}

/* How many principals need this. */
static size_t
count_need(const struct cm_report_item *items, size_t count, enum cm_need need)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        found += items[i].need == need;
    return found;
}

/* ---- For programs ---- */

static json_t *
time_json(int64_t when)
{
    return when == CM_LOG_NO_TIME ? json_null() : cm_json_time(when);
}

static json_t *
number_json(uint64_t number)
{
    return json_integer((json_int_t)number);
}

static json_t *
words_json(const char *words)
{
    struct cm_span list = {words, words == NULL ? 0 : strlen(words)}, item;
    json_t *array = json_array();

    while (cm_span_next(&list, &item))
        cm_json_append(&array, json_stringn(item.text, item.len));
    return array;
}

static void
set_tallies(json_t **o, const struct cm_tally *tallies)
{
    json_t *of[CM_TALLY_KINDS];

    for (int kind = 0; kind < CM_TALLY_KINDS; kind++)
        of[kind] = json_object();
    for (; tallies != NULL; tallies = tallies->next)
        cm_json_set(&of[tallies->kind], tallies->word,
                    number_json(tallies->count));
    for (int kind = 0; kind < CM_TALLY_KINDS; kind++)
        cm_json_set(o, kinds[kind], of[kind]);
}

static void
set_judgement(json_t **o, const struct cm_judgement *judgement)
{
    cm_json_set(o, "reason", cm_json_text(judgement->reason));
    cm_json_set(o, "mode", cm_json_text(judgement->mode));
    cm_json_set(o, "mapping", cm_json_text(judgement->mapping));
    cm_json_set(o, "strength", cm_json_text(judgement->strength));
    cm_json_set(o, "choices", words_json(judgement->choices));
    cm_json_set(o, "warnings", words_json(judgement->warnings));
}

static json_t *
card_json(const struct cm_report *report,
          const struct cm_report_principal *principal,
          const struct cm_report_card *card)
{
    enum cm_need need = cm_report_card_need(report, card);
    char *remedy = cm_report_remedy(report, principal, card);
    json_t *o = json_object();
    struct cm_detail why;

    cm_report_card_why(report, card, &why);
    cm_json_set(&o, "sha256",
                card->has_certificate
                    ? cm_json_hex(card->sha256, sizeof(card->sha256))
                    : json_null());
    cm_json_set(&o, "serial", cm_json_text(card->serial));
    cm_json_set(&o, "issuer", cm_json_text(card->issuer));
    cm_json_set(&o, "not_after",
                card->has_certificate ? cm_json_time(card->not_after)
                                      : json_null());
    cm_json_set(&o, "need", json_string(cm_need_token(need)));
    cm_json_set(&o, "why", cm_json_text(why.text));
    cm_json_set(&o, "remedy", remedy == NULL ? NULL : json_string(remedy));
    cm_json_set(&o, "accepted", number_json(card->accepted));
    cm_json_set(&o, "refused", number_json(card->refused));
    cm_json_set(&o, "last", time_json(card->last));
    set_judgement(&o, &card->judgement);
    free(remedy);
    return o;
}

static json_t *
principal_json(const struct cm_report *report,
               const struct cm_report_item *item)
{
    const struct cm_report_principal *principal = item->principal;
    json_t *o = json_object(), *cards = json_array();

    for (const struct cm_report_card *card = principal->cards; card != NULL;
         card = card->next)
        cm_json_append(&cards, card_json(report, principal, card));
    cm_json_set(&o, "principal", cm_json_text(principal->named.name));
    cm_json_set(&o, "realm", cm_json_text(principal->realm));
    cm_json_set(&o, "need", json_string(cm_need_token(item->need)));
    cm_json_set(&o, "locked_out", json_boolean(item->locked_out));
    cm_json_set(&o, "accepted", number_json(principal->accepted));
    cm_json_set(&o, "refused", number_json(principal->refused));
    cm_json_set(&o, "last", time_json(principal->last));
    set_tallies(&o, principal->tallies);
    cm_json_set(&o, "cards", cards);
    cm_json_set(&o, "cards_dropped", number_json(principal->cards_dropped));
    return o;
}

static json_t *
summary_json(const struct cm_report *report,
             const struct cm_report_item *items)
{
    size_t count = report->principals.count, locked_out;
    json_t *o = json_object(), *needs = json_object();

    for (int need = 0; need < CM_NEED_COUNT; need++)
        cm_json_set(&needs, cm_need_token((enum cm_need)need),
                    number_json(count_need(items, count, (enum cm_need)need)));
    cm_json_set(&o, "at", cm_json_time(report->now));
    cm_json_set(&o, "from", time_json(report->first));
    cm_json_set(&o, "to", time_json(report->last));
    cm_json_set(&o, "lines", number_json(report->lines));
    cm_json_set(&o, "audit_lines", number_json(report->audit_lines));
    cm_json_set(&o, "damaged", number_json(report->damaged));
    cm_json_set(&o, "undated", number_json(report->undated));
    cm_json_set(&o, "nameless", number_json(report->nameless));
    cm_json_set(&o, "left_out", number_json(report->left_out));
    cm_json_set(&o, "accepted", number_json(report->accepted));
    cm_json_set(&o, "refused", number_json(report->refused));
    set_tallies(&o, report->tallies);
    cm_json_set(&o, "principal_count", number_json(count));
    cm_json_set(&o, "needs", needs);
    cm_json_set(
        &o, "would_be_refused",
        number_json(cm_report_would_refuse(items, count, &locked_out)));
    cm_json_set(&o, "locked_out", number_json(locked_out));
    return o;
}

static bool
put_json(json_t *value, FILE *out)
{
    bool ok = value != NULL && json_dumpf(value, out, JSON_COMPACT) == 0;

    json_decref(value);
    return ok;
}

/* One principal a line: there may be a million. */
static bool
print_json(const struct cm_report *report, const struct cm_report_item *items,
           size_t shown, FILE *out)
{
    fputs("{\"summary\": ", out);
    if (!put_json(summary_json(report, items), out))
        return false;
    fputs(",\n \"principals\": [", out);
    for (size_t i = 0; i < shown; i++) {
        fputs(i == 0 ? "\n  " : ",\n  ", out);
        if (!put_json(principal_json(report, &items[i]), out))
            return false;
    }
    return fputs("]}\n", out) >= 0;
}

/* ---- For people ---- */

static void
print_count(FILE *out, uint64_t count, const char *one, const char *many)
{
    fprintf(out, "%llu %s", (unsigned long long)count,
            count == 1 ? one : many);
}

static void
print_span(const struct cm_report *report, FILE *out)
{
    char first[CM_TIME_TEXT], last[CM_TIME_TEXT];

    if (report->last == CM_LOG_NO_TIME)
        return;
    cm_time_text(report->first, first);
    cm_time_text(report->last, last);
    fprintf(out, ", %s to %s", first, last);
}

static void
print_tallies(const struct cm_tally *tallies, const char *indent, FILE *out)
{
    const char *separator;

    for (int kind = 0; kind < CM_TALLY_KINDS; kind++) {
        separator = NULL;
        for (const struct cm_tally *one = tallies; one != NULL;
             one = one->next) {
            if ((int)one->kind != kind)
                continue;
            if (separator == NULL)
                fprintf(out, "%s%s: ", indent, kinds[kind]);
            else
                fputs(separator, out);
            cm_output_text(out, one->word);
            fprintf(out, " %llu", (unsigned long long)one->count);
            separator = ", ";
        }
        if (separator != NULL)
            fputc('\n', out);
    }
}

static void
print_summary(const struct cm_report *report,
              const struct cm_report_item *items, FILE *out)
{
    size_t count = report->principals.count, locked_out;
    size_t refused = cm_report_would_refuse(items, count, &locked_out);

    print_count(out, report->accepted + report->refused, "login", "logins");
    fprintf(out, " (%llu accepted, %llu refused) of ",
            (unsigned long long)report->accepted,
            (unsigned long long)report->refused);
    print_count(out, count, "principal", "principals");
    print_span(report, out);
    fputs("\n", out);
    print_tallies(report->tallies, "    ", out);
    if (refused == 0) {
        cm_output_toned(out, CM_TONE_GOOD, "Nobody would be refused.\n");
        return;
    }
    print_count(out, refused, "principal", "principals");
    fprintf(out,
            " would be refused (%zu when observe mode ends, %zu under "
            "enforcement = full), %zu with every card\n",
            count_need(items, count, CM_NEED_OBSERVE),
            count_need(items, count, CM_NEED_FULL), locked_out);
}

static const char *
need_text(enum cm_need need)
{
    switch (need) {
    case CM_NEED_OBSERVE:
        return "refused when observe mode ends";
    case CM_NEED_FULL:
        return "refused under enforcement = full";
    case CM_NEED_REFUSED:
        return "refused already";
    case CM_NEED_LOOK:
        return "look at it";
    case CM_NEED_NONE:
        return "nothing to do";
    case CM_NEED_EXPIRED:
        return "expired";
    }
    return "?";
}

static enum cm_tone
tone_of(enum cm_need need)
{
    if (need <= CM_NEED_FULL)
        return CM_TONE_BAD;
    return need < CM_NEED_NONE ? CM_TONE_CAUTION : CM_TONE_PLAIN;
}

static void
print_certificate(const struct cm_report_card *card, FILE *out)
{
    char until[CM_TIME_TEXT];

    if (!card->has_certificate) {
        fputs("no certificate", out);
        return;
    }
    cm_time_text(card->not_after, until);
    fputs("card ", out);
    for (size_t i = 0; i < SHORT_DIGEST / 2; i++)
        fprintf(out, "%02x", card->sha256[i]);
    fputs("..., serial ", out);
    cm_output_text(out, card->serial == NULL ? "-" : card->serial);
    fputs(" of ", out);
    cm_output_text(out, card->issuer == NULL ? "-" : card->issuer);
    fprintf(out, ", until %s", until);
}

static bool
print_card(const struct cm_report *report,
           const struct cm_report_principal *principal,
           const struct cm_report_card *card, FILE *out)
{
    enum cm_need need = cm_report_card_need(report, card);
    char *remedy = cm_report_remedy(report, principal, card),
         last[CM_TIME_TEXT];
    struct cm_detail why;

    if (remedy == NULL)
        return false;
    cm_report_card_why(report, card, &why);
    fputs("    ", out);
    print_certificate(card, out);
    fprintf(out, ": %llu accepted, %llu refused",
            (unsigned long long)card->accepted,
            (unsigned long long)card->refused);
    if (card->last != CM_LOG_NO_TIME) {
        cm_time_text(card->last, last);
        fprintf(out, ", last %s", last);
    }
    fputs("\n        ", out);
    cm_output_toned(out, tone_of(need), need_text(need));
    fputs(why.text[0] != '\0' ? "; " : "", out);
    cm_output_text(out, why.text);
    if (remedy[0] != '\0') {
        fputs("\n        -> ", out);
        cm_output_text(out, remedy);
    }
    fputc('\n', out);
    free(remedy);
    return true;
}

static bool
print_principal(const struct cm_report *report,
                const struct cm_report_item *item, FILE *out)
{
    const struct cm_report_principal *principal = item->principal;

    fputc('\n', out);
    cm_output_text(out, principal->named.name);
    if (item->locked_out)
        cm_output_toned(out, CM_TONE_BAD, "  locked out");
    fputc('\n', out);
    print_tallies(principal->tallies, "    ", out);
    for (const struct cm_report_card *card = principal->cards; card != NULL;
         card = card->next) {
        if (!print_card(report, principal, card, out))
            return false;
    }
    if (principal->cards_dropped > 0)
        fprintf(out, "    %llu older cards are not shown\n",
                (unsigned long long)principal->cards_dropped);
    return true;
}

bool
cm_report_print(const struct cm_report *report,
                const struct cm_report_item *items,
                const struct cm_report_view *view, FILE *out)
{
    size_t count = report->principals.count, shown;

    /* Those who need nothing are at the end. */
    while (!view->json && !view->all && count > 0 &&
           items[count - 1].need >= CM_NEED_NONE)
        count--;
    shown = count < view->limit ? count : view->limit;
    if (view->json)
        return print_json(report, items, shown, out);
    print_summary(report, items, out);
    for (size_t i = 0; i < shown; i++) {
        if (!print_principal(report, &items[i], out))
            return false;
    }
    if (shown < count)
        fprintf(out, "\n%zu more; --limit 0 shows all.\n", count - shown);
    return true;
}
