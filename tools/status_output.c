#include "status_command.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "timetext.h"

enum { SPAN_TEXT = 32, MINUTE = 60, HOUR = 3600, DAY = 24 * 3600 };

/* "3 d", "2 h", "5 min", "40 s": the largest unit that is not 0. */
static void
span_text(int64_t seconds, char out[SPAN_TEXT])
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{DAY, "d"}, {HOUR, "h"}, {MINUTE, "min"}, {1, "s"}};
    size_t i = 0;

    if (seconds < 0)
        seconds = 0;
    while (units[i].seconds > 1 && seconds < 2 * units[i].seconds)
        i++;
    (void)snprintf(out, SPAN_TEXT, "%" PRId64 " %s",
                   seconds / units[i].seconds, units[i].name);
}

static enum cm_tone
tone_of(enum cm_refresh_health health)
{
    switch (health) {
    case CM_REFRESH_FRESH:
        return CM_TONE_GOOD;
    case CM_REFRESH_ENDING:
        return CM_TONE_CAUTION;
    case CM_REFRESH_ENDED:
    case CM_REFRESH_MISSING:
        return CM_TONE_BAD;
    }
    return CM_TONE_BAD;
}

/* ---- For people ---- */

static void
row(struct cm_table *table, enum cm_tone tone, const char *name,
    const char *value)
{
    const char *cells[2] = {name, value};

    cm_table_row(table, tone, cells);
}

static void
row_text(struct cm_table *table, enum cm_tone tone, const char *name,
         struct cm_buf *value)
{
    char *text = cm_buf_take(value);

    if (text == NULL)
        table->failed = true;
    else
        row(table, tone, name, text);
    free(text);
}

static const char *
kind_of(const struct cm_view_crl *crl)
{
    if (crl->delta)
        return crl->partial ? "partial delta CRL" : "delta CRL";
    return crl->partial ? "partial CRL" : "CRL";
}

static void
add_source(struct cm_table *table, const struct cm_refresh_state *source,
           int64_t now)
{
    struct cm_buf buf = CM_BUF_INIT;
    char span[SPAN_TEXT];

    cm_buf_add_text(&buf, source->url);
    if (source->failures > 0)
        cm_buf_addf(&buf, ", failed %u times: %s", source->failures,
                    source->error.text);
    if (source->next_due > now) {
        span_text(source->next_due - now, span);
        cm_buf_addf(&buf, ", next try in %s", span);
    } else if (source->last_try == 0) {
        cm_buf_add_text(&buf, ", not asked yet");
    }
    row_text(table, CM_TONE_PLAIN,
             source->kind == CM_REFRESH_CRL ? "  from" : "  responder", &buf);
}

static void
add_crl(struct cm_table *table, const struct cm_view_crl *crl, int64_t now)
{
    int64_t end = cm_refresh_end(&crl->window);
    struct cm_buf buf = CM_BUF_INIT;
    char span[SPAN_TEXT], text[CM_TIME_TEXT];

    cm_buf_addf(&buf, "%s", kind_of(crl));
    if (crl->number != NULL)
        cm_buf_addf(&buf, " number %s", crl->number);
    span_text(now - crl->window.this_update, span);
    cm_buf_addf(&buf, ", %zu entries, %s old", crl->entries, span);
    cm_time_text(end, text);
    span_text(end > now ? end - now : now - end, span);
    cm_buf_addf(&buf, ", %s %s (%s %s)", end > now ? "until" : "ended", text,
                span, end > now ? "left" : "ago");
    row_text(table, tone_of(crl->health), cm_refresh_health_token(crl->health),
             &buf);
    if (crl->source != NULL)
        add_source(table, crl->source, now);
    else
        row(table, CM_TONE_PLAIN, "  from", "by hand");
}

static void
add_answers(struct cm_table *table, const struct cm_view_ca *ca, int64_t now)
{
    const struct cm_view_answers *answers = &ca->answers;
    struct cm_buf buf = CM_BUF_INIT;
    char span[SPAN_TEXT];

    if (answers->asked == 0)
        return;
    cm_buf_addf(&buf, "%zu of %zu current", answers->current, answers->asked);
    if (answers->missing > 0)
        cm_buf_addf(&buf, ", %zu missing", answers->missing);
    if (answers->oldest != 0) {
        span_text(now - answers->oldest, span);
        cm_buf_addf(&buf, ", the oldest %s old", span);
    }
    if (answers->soonest > now) {
        span_text(answers->soonest - now, span);
        cm_buf_addf(&buf, ", the first ends in %s", span);
    }
    row_text(table, CM_TONE_PLAIN, "OCSP", &buf);
}

static void
add_ca(struct cm_table *table, const struct cm_view *view,
       const struct cm_view_ca *ca, int64_t now)
{
    struct cm_buf buf = CM_BUF_INIT;

    for (size_t i = 0; i < view->crl_count; i++) {
        if (memcmp(view->crls[i].spki, ca->spki, sizeof(ca->spki)) == 0)
            add_crl(table, &view->crls[i], now);
    }
    add_answers(table, ca, now);
    if (ca->logon) {
        cm_buf_addf(&buf, "%zu kept warm", ca->cards);
        row_text(table, CM_TONE_PLAIN, "cards", &buf);
    }
    if (ca->skipped > 0) {
        cm_buf_addf(&buf, "%zu, of schemes that are not fetched", ca->skipped);
        row_text(table, CM_TONE_PLAIN, "skipped", &buf);
    }
}

static bool
print_ca(const struct cm_view *view, const struct cm_view_ca *ca, int64_t now,
         FILE *out)
{
    struct cm_table table;

    fputs("  ", out);
    cm_output_text(out, ca->name);
    fputs(ca->logon ? "\n" : " (above)\n", out);
    cm_table_init(&table, 2);
    add_ca(&table, view, ca, now);
    return cm_table_print(&table, out, "    ");
}

/* Sources that nothing in the store came from, yet or any more. */
static bool
print_other_sources(const struct cm_view *view, int64_t now, FILE *out)
{
    struct cm_table table;
    bool shown;

    cm_table_init(&table, 2);
    for (size_t i = 0; i < view->source_count; i++) {
        shown = false;
        for (size_t j = 0; j < view->crl_count && !shown; j++)
            shown = view->crls[j].source == &view->sources[i];
        if (!shown)
            add_source(&table, &view->sources[i], now);
    }
    return cm_table_print(&table, out, "");
}

static void
print_mirror(const struct cm_status_mirror *mirror, int64_t now, FILE *out)
{
    char span[SPAN_TEXT];

    fprintf(out, "  NTAuth list of %s: ", mirror->realm->name);
    if (mirror->there) {
        span_text(now - mirror->written, span);
        fprintf(out, "%s old", span);
    } else {
        fputs("none", out);
    }
    if (mirror->state.failures > 0) {
        fprintf(out, ", failed %u times: ", mirror->state.failures);
        cm_output_text(out, mirror->state.error.text);
    }
    fputc('\n', out);
}

/* What is stapled to replies. */
static void
print_own(const struct cm_view_own *own, int64_t now, FILE *out)
{
    const struct cm_refresh_window *window = &own->window;
    char span[SPAN_TEXT];

    fprintf(out, "  KDC certificate of %s, ", own->realm);
    cm_output_text(out, own->subject);
    fputs(": ", out);
    if (own->revoked) {
        cm_output_toned(out, CM_TONE_BAD, "revoked");
    } else if (!own->asked && !window->known) {
        fputs("no responder", out);
    } else {
        cm_output_toned(out, tone_of(own->health),
                        cm_refresh_health_token(own->health));
    }
    if (window->known) {
        span_text(now - window->this_update, span);
        fprintf(out, ", OCSP response %s old", span);
    }
    if (window->known && cm_refresh_end(window) > now) {
        span_text(cm_refresh_end(window) - now, span);
        fprintf(out, ", ends in %s", span);
    }
    fputc('\n', out);
}

static void
print_in_force(const struct cm_status_report *report, int64_t now, FILE *out)
{
    char until[CM_TIME_TEXT];

    fprintf(out, "  cards kept warm: %zu\n", report->view.cards);
    fprintf(out, "  denied by hand: ");
    if (report->deny_readable)
        fprintf(out, "%zu\n", report->denied);
    else
        fputs("unreadable\n", out);
    if (report->override.soft) {
        cm_time_text(report->override.until, until);
        fputs("  ", out);
        cm_output_toned(out, CM_TONE_BAD, "override");
        fprintf(out, ": revocation is soft until %s: ", until);
        cm_output_text(out, report->override.reason);
        fputc('\n', out);
    }
    for (size_t i = 0; i < report->mirror_count; i++)
        print_mirror(&report->mirrors[i], now, out);
    for (size_t i = 0; i < report->view.own_count; i++)
        print_own(&report->view.own[i], now, out);
}

static void
print_alarms(const struct cm_view *view, FILE *out)
{
    for (size_t i = 0; i < view->alarms.count; i++) {
        fputs("  ", out);
        cm_output_toned(out, CM_TONE_BAD, "alarm");
        fputs("  ", out);
        cm_output_text(out, view->alarms.items[i]);
        fputc('\n', out);
    }
    if (view->alarm_count > view->alarms.count)
        fprintf(out, "  and %zu alarms more\n",
                view->alarm_count - view->alarms.count);
}

bool
cm_status_print(const struct cm_status_report *report, int64_t now, FILE *out)
{
    bool ok = true;

    fputs("store ", out);
    cm_output_text(out, report->store);
    fputc('\n', out);
    if (report->state != CM_OK) {
        fputs("  ", out);
        cm_output_toned(out, CM_TONE_BAD, "unusable");
        fputs(": ", out);
        cm_output_text(out, report->why.text);
        fputc('\n', out);
        return true;
    }
    for (size_t i = 0; ok && i < report->view.ca_count; i++)
        ok = print_ca(&report->view, &report->view.cas[i], now, out);
    ok = ok && print_other_sources(&report->view, now, out);
    print_in_force(report, now, out);
    print_alarms(&report->view, out);
    return ok;
}

/* ---- For programs ---- */

static json_t *
time_or_null(int64_t when)
{
    return when == 0 ? json_null() : cm_json_time(when);
}

static json_t *
count_json(size_t count)
{
    return json_integer((json_int_t)count);
}

static json_t *
source_json(const struct cm_refresh_state *source)
{
    json_t *o = json_object();

    cm_json_set(&o, "kind", json_string(cm_refresh_kind_token(source->kind)));
    cm_json_set(&o, "url", cm_json_text(source->url));
    cm_json_set(&o, "last_try", time_or_null(source->last_try));
    cm_json_set(&o, "last_success", time_or_null(source->last_success));
    cm_json_set(&o, "next_try", time_or_null(source->next_due));
    cm_json_set(&o, "failures", count_json(source->failures));
    cm_json_set(&o, "error",
                source->failures > 0 ? cm_json_text(source->error.text)
                                     : json_null());
    return o;
}

static json_t *
crl_json(const struct cm_view_crl *crl, int64_t now)
{
    const struct cm_refresh_window *window = &crl->window;
    json_t *o = json_object();

    cm_json_set(&o, "scope", cm_json_hex(crl->scope, sizeof(crl->scope)));
    cm_json_set(&o, "issuer", cm_json_text(crl->issuer));
    cm_json_set(&o, "state",
                json_string(cm_refresh_health_token(crl->health)));
    cm_json_set(&o, "delta", json_boolean(crl->delta));
    cm_json_set(&o, "partial", json_boolean(crl->partial));
    cm_json_set(&o, "number", cm_json_text(crl->number));
    cm_json_set(&o, "entries", count_json(crl->entries));
    cm_json_set(&o, "this_update", cm_json_time(window->this_update));
    cm_json_set(&o, "next_update",
                window->has_next_update ? cm_json_time(window->next_update)
                                        : json_null());
    cm_json_set(&o, "age", json_integer(now - window->this_update));
    cm_json_set(&o, "source",
                crl->source == NULL ? json_null() : source_json(crl->source));
    return o;
}

static json_t *
answers_json(const struct cm_view_answers *answers)
{
    json_t *o = json_object();

    cm_json_set(&o, "asked", count_json(answers->asked));
    cm_json_set(&o, "current", count_json(answers->current));
    cm_json_set(&o, "missing", count_json(answers->missing));
    cm_json_set(&o, "oldest", time_or_null(answers->oldest));
    cm_json_set(&o, "soonest_end", time_or_null(answers->soonest));
    return o;
}

static json_t *
ca_json(const struct cm_view *view, const struct cm_view_ca *ca, int64_t now)
{
    json_t *o = json_object(), *crls = json_array();

    for (size_t i = 0; i < view->crl_count; i++) {
        if (memcmp(view->crls[i].spki, ca->spki, sizeof(ca->spki)) == 0)
            cm_json_append(&crls, crl_json(&view->crls[i], now));
    }
    cm_json_set(&o, "subject", cm_json_text(ca->name));
    cm_json_set(&o, "spki_sha256", cm_json_hex(ca->spki, sizeof(ca->spki)));
    cm_json_set(&o, "realms", cm_json_list(&ca->realms));
    cm_json_set(&o, "logon", json_boolean(ca->logon));
    cm_json_set(&o, "required", json_boolean(ca->required));
    cm_json_set(&o, "crls", crls);
    cm_json_set(&o, "ocsp", answers_json(&ca->answers));
    cm_json_set(&o, "cards", count_json(ca->cards));
    cm_json_set(&o, "uncovered", count_json(ca->uncovered));
    cm_json_set(&o, "skipped_urls", count_json(ca->skipped));
    return o;
}

static json_t *
override_json(const struct cm_override *override)
{
    json_t *o;

    if (!override->soft)
        return json_null();
    o = json_object();
    cm_json_set(&o, "until", cm_json_time(override->until));
    cm_json_set(&o, "reason", cm_json_text(override->reason));
    return o;
}

static json_t *
mirror_json(const struct cm_status_mirror *mirror, int64_t now)
{
    json_t *o = json_object();

    cm_json_set(&o, "realm", cm_json_text(mirror->realm->name));
    cm_json_set(&o, "written",
                mirror->there ? cm_json_time(mirror->written) : json_null());
    cm_json_set(&o, "age",
                mirror->there ? json_integer(now - mirror->written)
                              : json_null());
    cm_json_set(&o, "max_age",
                json_integer(mirror->realm->settings.ntauth.max_age));
    cm_json_set(&o, "source", source_json(&mirror->state));
    return o;
}

static json_t *
own_json(const struct cm_view_own *own)
{
    const struct cm_refresh_window *window = &own->window;
    json_t *o = json_object();

    cm_json_set(&o, "realm", cm_json_text(own->realm));
    cm_json_set(&o, "subject", cm_json_text(own->subject));
    cm_json_set(&o, "responder", json_boolean(own->asked));
    cm_json_set(&o, "revoked", json_boolean(own->revoked));
    cm_json_set(&o, "state",
                json_string(cm_refresh_health_token(own->health)));
    cm_json_set(&o, "this_update",
                window->known ? cm_json_time(window->this_update)
                              : json_null());
    cm_json_set(&o, "end",
                window->known ? cm_json_time(cm_refresh_end(window))
                              : json_null());
    return o;
}

static void
add_lists(json_t **o, const struct cm_status_report *report, int64_t now)
{
    json_t *cas = json_array(), *sources = json_array(),
           *mirrors = json_array(), *own = json_array();

    for (size_t i = 0; i < report->view.ca_count; i++)
        cm_json_append(&cas,
                       ca_json(&report->view, &report->view.cas[i], now));
    for (size_t i = 0; i < report->view.source_count; i++)
        cm_json_append(&sources, source_json(&report->view.sources[i]));
    for (size_t i = 0; i < report->mirror_count; i++)
        cm_json_append(&mirrors, mirror_json(&report->mirrors[i], now));
    cm_json_set(o, "cas", cas);
    cm_json_set(o, "sources", sources);
    for (size_t i = 0; i < report->view.own_count; i++)
        cm_json_append(&own, own_json(&report->view.own[i]));
    cm_json_set(o, "ntauth", mirrors);
    cm_json_set(o, "kdc_certificates", own);
}

json_t *
cm_status_json(const struct cm_status_report *report, int64_t now)
{
    json_t *o = json_object();

    cm_json_set(&o, "store", cm_json_text(report->store));
    cm_json_set(&o, "usable", json_boolean(report->state == CM_OK));
    cm_json_set(&o, "detail",
                report->state == CM_OK ? json_null()
                                       : cm_json_text(report->why.text));
    add_lists(&o, report, now);
    cm_json_set(&o, "cards", count_json(report->view.cards));
    cm_json_set(&o, "denied",
                report->deny_readable ? count_json(report->denied)
                                      : json_null());
    cm_json_set(&o, "override", override_json(&report->override));
    cm_json_set(&o, "alarms", cm_json_list(&report->view.alarms));
    cm_json_set(&o, "alarm_count", count_json(report->view.alarm_count));
    return o;
}
