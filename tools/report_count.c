/* certmap report: what the lines say, kept by principal and card. */
#include "report_command.h"

#include <stdlib.h>
#include <string.h>

#include "log_line.h"

/* ---- Tallies ---- */

static void
count_list(struct cm_report *report, struct cm_tally **tallies,
           enum cm_tally_kind kind, struct cm_span list)
{
    struct cm_span item;
    const char *word;

    while (cm_span_next(&list, &item)) {
        word = cm_words_keep(&report->words, item, &report->failed);
        if (!cm_tally_count(tallies, kind, word))
            report->failed = true;
    }
}

static void
count_line(struct cm_report *report, struct cm_tally **tallies,
           const struct cm_audit_fields *fields)
{
    count_list(report, tallies, CM_TALLY_REASON, fields->reason);
    count_list(report, tallies, CM_TALLY_CHOICE, fields->choices);
    count_list(report, tallies, CM_TALLY_WARNING, fields->warnings);
    if (!fields->authorized)
        return;
    count_list(report, tallies, CM_TALLY_MAPPING, fields->mapping);
    count_list(report, tallies, CM_TALLY_STRENGTH, fields->strength);
}

/* ---- Cards ---- */

static void
free_card(struct cm_report_card *card)
{
    free(card->serial);
    free(card);
}

/* Of a full principal the card that was not seen for longest goes. */
static void
drop_oldest(struct cm_report_principal *principal)
{
    struct cm_report_card **oldest = &principal->cards, *gone;

    if (principal->card_count < CM_REPORT_MAX_CARDS)
        return;
    for (struct cm_report_card **at = oldest; *at != NULL; at = &(*at)->next) {
        if ((*at)->sequence < (*oldest)->sequence)
            oldest = at;
    }
    gone = *oldest;
    *oldest = gone->next;
    free_card(gone);
    principal->card_count--;
    principal->cards_dropped++;
}

static struct cm_report_card *
new_card(struct cm_report *report, const struct cm_audit_fields *fields)
{
    struct cm_report_card *card = calloc(1, sizeof(*card));

    if (card == NULL)
        return NULL;
    card->last = CM_LOG_NO_TIME;
    card->has_certificate = fields->has_certificate;
    card->not_after = fields->not_after;
    memcpy(card->sha256, fields->sha256, sizeof(card->sha256));
    card->issuer =
        cm_words_keep(&report->words, fields->issuer, &report->failed);
    if (fields->serial.text != NULL) {
        card->serial = strndup(fields->serial.text, fields->serial.len);
        if (card->serial == NULL) {
            free(card);
            return NULL;
        }
    }
    return card;
}

static struct cm_report_card *
find_card(struct cm_report *report, struct cm_report_principal *principal,
          const struct cm_audit_fields *fields)
{
    struct cm_report_card *card;

    for (card = principal->cards; card != NULL; card = card->next) {
        if (card->has_certificate == fields->has_certificate &&
            memcmp(card->sha256, fields->sha256, sizeof(card->sha256)) == 0)
            return card;
    }
    card = new_card(report, fields);
    if (card == NULL) {
        report->failed = true;
        return NULL;
    }
    drop_oldest(principal);
    card->next = principal->cards;
    principal->cards = card;
    principal->card_count++;
    return card;
}

/* What may be otherwise at the next try. */
static bool
is_passing(struct cm_span reason)
{
    static const char *const passing[] = {"pkinit",
                                          "revocation-unavailable",
                                          "directory-unavailable",
                                          "busy",
                                          "config",
                                          "no-memory",
                                          "internal"};

    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
        if (cm_span_is(reason, passing[i]))
            return true;
    }
    return false;
}

static void
judge(struct cm_report *report, struct cm_report_card *card,
      const struct cm_audit_fields *fields)
{
    struct cm_words *words = &report->words;
    bool *failed = &report->failed;
    bool passing = !fields->authorized && is_passing(fields->reason);

    if (passing && card->judgement.there && !card->judgement.passing)
        return;
    card->judgement = (struct cm_judgement){
        .there = true,
        .authorized = fields->authorized,
        .observing = cm_span_is(fields->mode, "observe"),
        .passing = passing,
        .weak = cm_span_is(fields->strength, "weak"),
        .reason = cm_words_keep(words, fields->reason, failed),
        .mode = cm_words_keep(words, fields->mode, failed),
        .mapping = cm_words_keep(words, fields->mapping, failed),
        .strength = cm_words_keep(words, fields->strength, failed),
        .choices = cm_words_keep(words, fields->choices, failed),
        .warnings = cm_words_keep(words, fields->warnings, failed)};
}

/* Files may be named in any order, and lines of one file stand in the order of
 * time whatever year we take them to be of. */
static bool
is_older(const struct cm_report *report, const struct cm_report_card *card,
         int64_t when)
{
    return card->judgement.there && card->source != report->source &&
           when != CM_LOG_NO_TIME && card->last != CM_LOG_NO_TIME &&
           when < card->last;
}

static void
add_to_card(struct cm_report *report, struct cm_report_card *card,
            const struct cm_audit_fields *fields, int64_t when)
{
    if (fields->authorized)
        card->accepted++;
    else
        card->refused++;
    if (is_older(report, card, when))
        return;
    judge(report, card, fields);
    card->sequence = ++report->sequence;
    card->source = report->source;
    if (when != CM_LOG_NO_TIME)
        card->last = when;
}

/* ---- Principals ---- */

static void
free_principal(struct cm_report_principal *principal)
{
    struct cm_report_card *card, *next;

    for (card = principal->cards; card != NULL; card = next) {
        next = card->next;
        free_card(card);
    }
    cm_tallies_free(principal->tallies);
    free(principal->named.name);
    free(principal);
}

/* NULL: no memory. */
static struct cm_report_principal *
new_principal(struct cm_report *report, const struct cm_audit_fields *fields)
{
    struct cm_report_principal *one = calloc(1, sizeof(*one));

    if (one == NULL)
        return NULL;
    one->last = CM_LOG_NO_TIME;
    one->realm = cm_words_keep(&report->words, fields->realm, &report->failed);
    one->named.name = strndup(fields->principal.text, fields->principal.len);
    if (one->named.name == NULL ||
        !cm_name_index_add(&report->principals, &one->named)) {
        free_principal(one);
        return NULL;
    }
    return one;
}

/* NULL: too many, or no memory. */
static struct cm_report_principal *
find_principal(struct cm_report *report, const struct cm_audit_fields *fields)
{
    struct cm_report_principal *one =
        (struct cm_report_principal *)cm_name_index_find(
            &report->principals, fields->principal.text,
            fields->principal.len);

    if (one != NULL)
        return one;
    if (report->principals.count >= CM_REPORT_MAX_PRINCIPALS) {
        report->left_out++;
        return NULL;
    }
    one = new_principal(report, fields);
    if (one == NULL)
        report->failed = true;
    return one;
}

static void
add_to_principal(struct cm_report *report,
                 const struct cm_audit_fields *fields, int64_t when)
{
    struct cm_report_principal *one = find_principal(report, fields);
    struct cm_report_card *card;

    if (one == NULL)
        return;
    if (fields->authorized)
        one->accepted++;
    else
        one->refused++;
    if (when != CM_LOG_NO_TIME && when > one->last)
        one->last = when;
    count_line(report, &one->tallies, fields);
    card = find_card(report, one, fields);
    if (card != NULL)
        add_to_card(report, card, fields, when);
}

/* ---- The whole ---- */

void
cm_report_init(struct cm_report *report)
{
    memset(report, 0, sizeof(*report));
    report->since = INT64_MIN;
    report->until = INT64_MAX;
    report->first = CM_LOG_NO_TIME;
    report->last = CM_LOG_NO_TIME;
}

void
cm_report_clear(struct cm_report *report)
{
    struct cm_named *one;
    size_t at = 0;

    while ((one = cm_name_index_next(&report->principals, &at)) != NULL)
        free_principal((struct cm_report_principal *)one);
    cm_name_index_clear(&report->principals);
    cm_tallies_free(report->tallies);
    cm_words_clear(&report->words);
    cm_report_find_clear(report);
    memset(report, 0, sizeof(*report));
}

/* What has no time is never filtered by it: rather too much than a lack. */
bool
cm_report_asks_for(const struct cm_report *report,
                   const struct cm_audit_fields *fields, int64_t when)
{
    if (report->realm != NULL && !cm_span_is(fields->realm, report->realm))
        return false;
    return when == CM_LOG_NO_TIME ||
           (when >= report->since && when <= report->until);
}

void
cm_report_add(struct cm_report *report, const struct cm_audit_fields *fields,
              int64_t when)
{
    if (!cm_report_asks_for(report, fields, when))
        return;
    if (when == CM_LOG_NO_TIME)
        report->undated++;
    else if (report->first == CM_LOG_NO_TIME || when < report->first)
        report->first = when;
    if (when != CM_LOG_NO_TIME && when > report->last)
        report->last = when;
    if (fields->authorized)
        report->accepted++;
    else
        report->refused++;
    count_line(report, &report->tallies, fields);
    if (fields->principal.text == NULL)
        report->nameless++;
    else
        add_to_principal(report, fields, when);
}
