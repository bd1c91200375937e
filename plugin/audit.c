#include "audit.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "timetext.h"

/* Bytes of one escaped value in a line that would be too long otherwise:
 * with these every line fits. */
enum { AUDIT_SHORT_FIELD = 100 };

/* Everything a line is made of. */
struct line {
    const struct cm_settings *settings;
    const struct cm_login *login;
    const char *requested;
    const struct cm_outcome *outcome;
    const long *stock; /* the code with which stock PKINIT refused, or NULL */
};

/* A value of our own vocabulary: no blank or quotation mark is in it. */
static void
add_token(struct cm_buf *buf, const char *name, const char *token)
{
    cm_buf_addf(buf, " %s=%s", name, token);
}

/* A value from outside.  "-" without quotation marks: there is none. */
static void
add_text(struct cm_buf *buf, const char *name, const char *text, size_t max)
{
    if (text == NULL || *text == '\0') {
        add_token(buf, name, "-");
        return;
    }
    cm_buf_addf(buf, " %s=\"", name);
    cm_text_escape(buf, text, strlen(text), max);
    cm_buf_add_char(buf, '"');
}

static void
add_time(struct cm_buf *buf, const char *name, int64_t seconds)
{
    char text[CM_TIME_TEXT];

    cm_time_text(seconds, text);
    add_token(buf, name, text);
}

static void
add_serial(struct cm_buf *buf, const struct cm_certificate *cert)
{
    cm_buf_add_text(buf, " serial=");
    if (cert->serial_negative)
        cm_buf_add_char(buf, '-');
    if (cert->serial_len == 0)
        cm_buf_add_text(buf, "00");
    cm_buf_add_hex(buf, cert->serial, cert->serial_len);
}

static void
add_certificate(struct cm_buf *buf, const struct cm_certificate *cert,
                size_t max)
{
    if (cert->x509 == NULL) {
        cm_buf_add_text(buf, " sha256=- serial=- not_after=- issuer=-"
                             " subject=- upn=-");
        return;
    }
    cm_buf_add_text(buf, " sha256=");
    cm_buf_add_hex(buf, cert->sha256, sizeof(cert->sha256));
    add_serial(buf, cert);
    add_time(buf, "not_after", cert->not_after);
    add_text(buf, "issuer", cert->issuer_rfc4514, max);
    add_text(buf, "subject", cert->subject_rfc4514, max);
    if (cert->upn_state == CM_FAULTY)
        add_token(buf, "upn", "faulty");
    else
        add_text(buf, "upn", cert->upn, max);
}

/* Begins a list at its first item, goes on with a comma. */
static void
add_item(struct cm_buf *buf, bool *any, const char *item)
{
    if (*any)
        cm_buf_add_char(buf, ',');
    cm_buf_add_text(buf, item);
    *any = true;
}

static void
end_list(struct cm_buf *buf, bool any)
{
    if (!any)
        cm_buf_add_char(buf, '-');
}

static void
add_warnings(struct cm_buf *buf, unsigned warnings)
{
    bool any = false;

    cm_buf_add_text(buf, " warnings=");
    for (unsigned i = 0; i < CM_WARNING_COUNT; i++) {
        if ((warnings & 1U << i) != 0)
            add_item(buf, &any, cm_warning_token(i));
    }
    end_list(buf, any);
}

static void
add_indicators(struct cm_buf *buf, const struct cm_text_list *indicators,
               size_t max)
{
    struct cm_buf joined = CM_BUF_INIT;
    bool any = false;
    char *text;

    for (size_t i = 0; i < indicators->count; i++)
        add_item(&joined, &any, indicators->items[i]);
    text = cm_buf_take(&joined);
    if (text == NULL)
        buf->failed = true;
    add_text(buf, "indicators", text, max);
    free(text);
}

static const char *
revocation_token(const struct cm_revocation_outcome *revocation)
{
    if (revocation->checked)
        return "checked";
    return revocation->mode == CM_REVOCATION_OFF ? "off" : "unchecked";
}

/* "good:crl:720:store" for each certificate, leaf first: what is known, what
 * said so, how many seconds old it is, and how it came to us. */
static void
add_status(struct cm_buf *buf, const struct cm_outcome *outcome)
{
    const struct cm_revocation_outcome *revocation = &outcome->revocation;
    const struct cm_status *status;
    bool any = false;

    cm_buf_add_text(buf, " status=");
    for (size_t i = 0; i < revocation->count; i++) {
        status = &revocation->asked[i].status;
        add_item(buf, &any, cm_status_token(status->state));
        cm_buf_addf(buf, ":%s:", cm_status_source_token(status->source));
        if (cm_status_has_time(status))
            cm_buf_addf(buf, "%lld:%s",
                        (long long)(outcome->now - status->this_update),
                        cm_status_origin_token(status->origin));
        else
            cm_buf_add_text(buf, "-:-");
    }
    end_list(buf, any);
}

static void
add_enforcement_choice(struct cm_buf *buf, bool *any,
                       enum cm_enforcement enforcement)
{
    switch (enforcement) {
    case CM_ENFORCE_FULL:
        return;
    case CM_ENFORCE_COMPATIBILITY:
        add_item(buf, any, "enforcement=compatibility");
        return;
    case CM_ENFORCE_DISABLED:
        add_item(buf, any, "enforcement=disabled");
        return;
    }
}

/* The administrator's choices without which this login might have ended
 * otherwise. */
static void
add_choices(struct cm_buf *buf, const struct line *line)
{
    const struct cm_outcome *outcome = line->outcome;
    const struct cm_settings *settings = line->settings;
    const char *softening;
    bool any = false;

    cm_buf_add_text(buf, " choices=");
    if (settings != NULL && settings->mode == CM_MODE_OBSERVE)
        add_item(buf, &any, "mode=observe");
    if (settings != NULL && outcome->reason == CM_OK) {
        softening = cm_outcome_softening(outcome);
        if (softening != NULL)
            add_item(buf, &any, softening);
        if (outcome->strength != CM_STRENGTH_STRONG)
            add_enforcement_choice(buf, &any, settings->policy.enforcement);
        if (outcome->mapping == CM_FORM_SKI &&
            !outcome->certificate.ski_is_key_hash)
            add_item(buf, &any, "ski_trust_extension=true");
        if (!settings->policy.use_subject_alt_name)
            add_item(buf, &any, "use_subject_alt_name=false");
    }
    end_list(buf, any);
}

static void
add_names(struct cm_buf *buf, const struct line *line, size_t max)
{
    const struct cm_principal *principal = line->login->principal;
    const struct cm_settings *settings = line->settings;

    if (principal != NULL)
        add_text(buf, "realm", principal->realm, max);
    else
        add_text(buf, "realm", settings != NULL ? settings->realm : NULL, max);
    add_token(buf, "mode",
              settings != NULL ? cm_mode_token(settings->mode) : "-");
    add_text(buf, "principal", principal != NULL ? principal->text : NULL,
             max);
    add_text(buf, "requested", line->requested, max);
    add_text(buf, "account", line->outcome->account, max);
}

/* Who says what. */
static void
add_verdict(struct cm_buf *buf, const struct line *line)
{
    enum cm_reason reason = line->outcome->reason;

    if (line->stock != NULL)
        cm_buf_addf(buf, "certmap: refused reason=pkinit code=%ld",
                    *line->stock);
    else
        cm_buf_addf(buf, "certmap: %s reason=%s",
                    reason == CM_OK ? "authorized" : "refused",
                    cm_reason_token(reason));
}

/* The whole line with at most max bytes of each value from outside. */
static char *
build(const struct line *line, size_t max, size_t *len)
{
    const struct cm_outcome *outcome = line->outcome;
    struct cm_buf buf = CM_BUF_INIT;

    add_verdict(&buf, line);
    add_names(&buf, line, max);
    add_token(&buf, "mapping", cm_form_token(outcome->mapping));
    add_token(&buf, "strength", cm_strength_token(outcome->strength));
    add_token(&buf, "revocation", revocation_token(&outcome->revocation));
    add_status(&buf, outcome);
    add_choices(&buf, line);
    add_warnings(&buf, outcome->warnings);
    add_token(&buf, "hw_authent", outcome->hw_authent ? "true" : "false");
    cm_buf_addf(&buf, " ms=%lld", (long long)outcome->ms);
    add_token(&buf, "ref",
              *outcome->reference != '\0' ? outcome->reference : "-");
    add_certificate(&buf, &outcome->certificate, max);
    add_indicators(&buf, &outcome->indicators, max);
    add_text(&buf, "detail", outcome->detail.text, max);
    *len = buf.len;
    return cm_buf_take(&buf);
}

/* Shorter values, never a line cut at its end. */
static char *
fit(const struct line *line)
{
    size_t len = 0;
    char *text = build(line, CM_AUDIT_MAX_FIELD, &len);

    if (text != NULL && len > CM_AUDIT_MAX_LINE) {
        free(text);
        text = build(line, AUDIT_SHORT_FIELD, &len);
    }
    return text;
}

char *
cm_audit_line(const struct cm_settings *settings, const struct cm_login *login,
              const char *requested, const struct cm_outcome *outcome)
{
    return fit(&(struct line){settings, login, requested, outcome, NULL});
}

char *
cm_audit_stock_line(const struct cm_settings *settings,
                    const struct cm_login *login, const char *requested,
                    const struct cm_outcome *outcome, long code)
{
    return fit(&(struct line){settings, login, requested, outcome, &code});
}
