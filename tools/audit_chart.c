/*
 * The charts of the page: bars, as tables whose last column is drawn, and
 * columns for the months.
 *
 * They are SVG of our own, not a charts library's: a bar is one element, a
 * library that draws it is 200 kB of script in every page and would make the
 * page need a script at all.  So the page is allowed none (audit_html.c), its
 * numbers are text that a screen reader finds, and it prints.
 */
#include <stdlib.h>
#include <string.h>

#include "audit_command.h"
#include "buf.h"
#include "text.h"

enum {
    MAX_BARS = 32, /* of one chart; the largest */
    COLUMN = 50,
    COLUMN_GAP = 8,
    COLUMNS_HIGH = 140
};

/* What HTML would take for its own. */
static void
put_markup(FILE *page, char c)
{
    switch (c) {
    case '<':
        fputs("&lt;", page);
        break;
    case '>':
        fputs("&gt;", page);
        break;
    case '&':
        fputs("&amp;", page);
        break;
    case '"':
        fputs("&quot;", page);
        break;
    case '\'':
        fputs("&#39;", page);
        break;
    default:
        fputc(c, page);
    }
}

void
cm_audit_html_text(FILE *page, const char *text)
{
    struct cm_buf run = CM_BUF_INIT;
    size_t span;

    while (*text != '\0') {
        span = strcspn(text, "\"\\");
        /* Control, direction and zero-width characters as on a terminal. */
        cm_text_escape(&run, text, span, CM_BUF_MAX);
        for (size_t i = 0; i < run.len; i++)
            put_markup(page, run.data[i]);
        cm_buf_clear(&run);
        text += span;
        if (*text != '\0')
            put_markup(page, *text++);
    }
}

struct bar {
    const char *label;
    const char *class; /* of its colour */
    uint64_t count;
};

static unsigned
percent(uint64_t count, uint64_t most)
{
    unsigned part = most == 0 ? 0 : (unsigned)(count * 100 / most);

    return part == 0 && count > 0 ? 1 : part;
}

static void
put_bar(FILE *page, const char *chart, const struct bar *bar, uint64_t most)
{
    fprintf(page,
            "<tr data-chart=\"%s\" data-count=\"%llu\"><th scope=\"row\">",
            chart, (unsigned long long)bar->count);
    cm_audit_html_text(page, bar->label);
    fprintf(page,
            "</th><td class=\"n\">%llu</td><td class=\"b\"><svg "
            "aria-hidden=\"true\" width=\"100%%\" height=\"14\"><rect "
            "class=\"t\" width=\"100%%\" height=\"14\" rx=\"3\"/><rect "
            "class=\"%s\" width=\"%u%%\" height=\"14\" "
            "rx=\"3\"/></svg></td></tr>\n",
            (unsigned long long)bar->count, bar->class,
            percent(bar->count, most));
}

static void
put_bars(FILE *page, const char *chart, const char *title,
         const struct bar *bars, size_t count)
{
    uint64_t most = 0;

    for (size_t i = 0; i < count; i++)
        most = bars[i].count > most ? bars[i].count : most;
    fprintf(page, "<figure><figcaption>%s</figcaption>\n", title);
    if (count == 0) {
        fputs("<p>Nothing to show.</p></figure>\n", page);
        return;
    }
    fputs("<table class=\"chart\">\n", page);
    for (size_t i = 0; i < count; i++)
        put_bar(page, chart, &bars[i], most);
    fputs("</table></figure>\n", page);
}

static void
chart_strength(const struct cm_audit *audit, FILE *page)
{
    const struct cm_audit_counts *counts = &audit->counts;
    const struct bar bars[] = {
        {"strong", "good", counts->strong},
        {"weak only", "warning", counts->weak},
        {"none", "note", counts->none},
    };

    put_bars(page, "strength", "Accounts by their strongest mapping", bars,
             sizeof(bars) / sizeof(bars[0]));
}

static void
chart_kinds(const struct cm_audit *audit, FILE *page)
{
    struct bar bars[CM_AUDIT_KINDS];
    size_t count = 0;

    for (int i = 0; i < CM_AUDIT_KINDS; i++) {
        enum cm_audit_kind kind = (enum cm_audit_kind)i;

        if (audit->findings.counts[i] > 0)
            bars[count++] =
                (struct bar){cm_audit_token(kind),
                             cm_audit_severity_token(cm_audit_severity(kind)),
                             audit->findings.counts[i]};
    }
    put_bars(page, "kinds", "Findings by kind", bars, count);
}

static int
compare_bars(const void *a, const void *b)
{
    const struct bar *one = a, *other = b;

    if (one->count != other->count)
        return one->count > other->count ? -1 : 1;
    return strcmp(one->label, other->label);
}

/* The largest; the rest together. */
static void
chart_issuers(const struct cm_audit *audit, FILE *page)
{
    struct bar *bars = calloc(audit->issuer_count + 1, sizeof(*bars));
    uint64_t rest = audit->others.strong + audit->others.weak;
    size_t count = 0, shown;

    if (bars == NULL)
        return;
    for (size_t i = 0; i < audit->issuer_count; i++) {
        const struct cm_audit_issuer *one = &audit->issuers[i];

        if (one->strong + one->weak > 0)
            bars[count++] = (struct bar){
                one->name, one->ca == CM_AUDIT_CA_NTAUTH ? "good" : "warning",
                one->strong + one->weak};
    }
    if (count > 1)
        qsort(bars, count, sizeof(*bars), compare_bars);
    shown = count < MAX_BARS ? count : MAX_BARS;
    for (size_t i = shown; i < count; i++)
        rest += bars[i].count;
    if (rest > 0)
        bars[shown++] = (struct bar){"all others", "note", rest};
    put_bars(page, "issuers",
             "Values by issuer (amber: not on the NTAuth list)", bars, shown);
    free(bars);
}

/* ---- Months ---- */

static void
put_column(FILE *page, int number, const char *label, const char *class,
           uint64_t count, uint64_t most)
{
    int x = number * (COLUMN + COLUMN_GAP);
    int high = most == 0 ? 0 : (int)(count * COLUMNS_HIGH / most);

    if (high == 0 && count > 0)
        high = 2;
    fprintf(page,
            "<g role=\"img\" aria-label=\"%s: %llu\" data-chart=\"expiry\" "
            "data-label=\"%s\" data-count=\"%llu\">"
            "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
            "rx=\"3\"/><text x=\"%d\" y=\"%d\">%llu</text>"
            "<text class=\"l\" x=\"%d\" y=\"%d\">%s</text></g>\n",
            label, (unsigned long long)count, label, (unsigned long long)count,
            class, x, 20 + COLUMNS_HIGH - high, COLUMN, high, x + COLUMN / 2,
            14 + COLUMNS_HIGH - high, (unsigned long long)count,
            x + COLUMN / 2, COLUMNS_HIGH + 40, label);
}

static uint64_t
most_of(const struct cm_audit_counts *counts)
{
    uint64_t most =
        counts->expired > counts->later ? counts->expired : counts->later;

    for (int i = 0; i < CM_AUDIT_MONTHS; i++)
        most = counts->months[i] > most ? counts->months[i] : most;
    return most;
}

static void
chart_expiry(const struct cm_audit *audit, FILE *page)
{
    const struct cm_audit_counts *counts = &audit->counts;
    uint64_t most = most_of(counts);
    char month[CM_AUDIT_MONTH_TEXT];

    fprintf(page,
            "<figure class=\"wide\"><figcaption>Mapped certificates that are "
            "known, by the month in which they end</figcaption>\n"
            "<svg class=\"columns\" role=\"group\" viewBox=\"0 0 %d %d\" "
            "aria-label=\"%llu mapped certificates are known; %llu have "
            "expired\">\n",
            (CM_AUDIT_MONTHS + 2) * (COLUMN + COLUMN_GAP), COLUMNS_HIGH + 48,
            (unsigned long long)counts->certificates,
            (unsigned long long)counts->expired);
    put_column(page, 0, "expired", "error", counts->expired, most);
    for (int i = 0; i < CM_AUDIT_MONTHS; i++) {
        cm_audit_month_text(audit->now, i, month);
        put_column(page, i + 1, month, i < 3 ? "warning" : "good",
                   counts->months[i], most);
    }
    put_column(page, CM_AUDIT_MONTHS + 1, "later", "good", counts->later,
               most);
    fputs("</svg></figure>\n", page);
}

void
cm_audit_charts(const struct cm_audit *audit, FILE *page)
{
    fputs("<div class=\"charts\">\n<div class=\"stack\">\n", page);
    chart_strength(audit, page);
    chart_issuers(audit, page);
    fputs("</div>\n", page);
    chart_kinds(audit, page);
    chart_expiry(audit, page);
    fputs("</div>\n", page);
}
