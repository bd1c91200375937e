/*
 * Step 4 of a login: what the store says is gathered, then judged.
 */
#include "revocation.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "buf.h"
#include "name.h"
#include "status.h"

enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

/* One check, on its way. */
struct check {
    struct cm_revocation_question asked;
    struct cm_revocation_result *out;
    struct cm_detail *detail;
};

/* ---- Words ---- */

/* "90 s", "12 min", "5 h", "3 d": whole units, so that it is read at once. */
static void
add_age(struct cm_buf *buf, int64_t seconds)
{
    if (seconds < 0)
        seconds = 0;
    if (seconds < 2 * MINUTE)
        cm_buf_addf(buf, "%" PRId64 " s", seconds);
    else if (seconds < 2 * HOUR)
        cm_buf_addf(buf, "%" PRId64 " min", seconds / MINUTE);
    else if (seconds < 2 * DAY)
        cm_buf_addf(buf, "%" PRId64 " h", seconds / HOUR);
    else
        cm_buf_addf(buf, "%" PRId64 " d", seconds / DAY);
}

static void
add_subject(struct cm_buf *buf, X509 *cert)
{
    char *subject = cm_name_rfc4514(X509_get_subject_name(cert));

    cm_buf_add_text(buf, subject == NULL ? "?" : subject);
    free(subject);
}

/* "CN=alice: good by crl, 12 min old" and what its source adds. */
static void
add_status(struct cm_buf *buf, const struct check *check, size_t i)
{
    const struct cm_status *status = &check->out->status[i];
    int64_t now = check->asked.rules->now;

    add_subject(buf, check->asked.path->certs[i]);
    cm_buf_addf(buf, ": %s", cm_status_token(status->state));
    if (status->state == CM_STATUS_REVOKED)
        cm_buf_addf(buf, " (%s)", cm_crl_reason_token(status->reason));
    if (status->source != CM_SOURCE_NONE &&
        status->state != CM_STATUS_UNKNOWN) {
        cm_buf_addf(buf, " by %s", cm_status_source_token(status->source));
        if (status->origin != CM_ORIGIN_STORE)
            cm_buf_addf(buf, " (%s)", cm_status_origin_token(status->origin));
        cm_buf_add_text(buf, ", ");
        add_age(buf, now - status->this_update);
        cm_buf_add_text(buf, " old");
    }
    if (status->state == CM_STATUS_STALE && status->has_next_update) {
        cm_buf_add_text(buf, ", ended ");
        add_age(buf, now - status->next_update);
        cm_buf_add_text(buf, " ago");
    }
    if (status->state != CM_STATUS_GOOD && status->detail.text[0] != '\0')
        cm_buf_addf(buf, ": %s", status->detail.text);
}

static void
set_detail(struct cm_detail *detail, struct cm_buf *buf)
{
    char *text = cm_buf_take(buf);

    cm_detail_set(detail, "%s", text == NULL ? "out of memory" : text);
    free(text);
}

/* Why this certificate refuses. */
static void
blame(const struct check *check, size_t i)
{
    struct cm_buf buf = CM_BUF_INIT;

    add_status(&buf, check, i);
    set_detail(check->detail, &buf);
}

/* What answered for each; `how` says what was passed over. */
static void
praise(const struct check *check, const char *how)
{
    struct cm_buf buf = CM_BUF_INIT;

    cm_buf_add_text(&buf, how);
    for (size_t i = 0; i < check->out->count; i++) {
        if (buf.len > 0)
            cm_buf_add_text(&buf, "; ");
        add_status(&buf, check, i);
    }
    set_detail(check->detail, &buf);
}

/* ---- Gathering ---- */

static X509 *
issuer_of(const struct cm_path *path, size_t i)
{
    return path->certs[i + 1 < path->count ? i + 1 : i];
}

/* The deny list, for every certificate, the anchor included. */
static enum cm_reason
ask_deny_list(struct check *check)
{
    const struct cm_path *path = check->asked.path;
    struct cm_buf buf = CM_BUF_INIT;
    struct cm_detail why = {""};

    for (size_t i = 0; i < path->count; i++) {
        switch (cm_store_denied(check->asked.store, path->certs[i],
                                issuer_of(path, i), check->asked.rules->now,
                                &why)) {
        case CM_NOT_DENIED:
            continue;
        case CM_DENIED:
            add_subject(&buf, path->certs[i]);
            cm_buf_addf(&buf, ": %s", why.text);
            set_detail(check->detail, &buf);
            check->out->status[i].state = CM_STATUS_REVOKED;
            check->out->status[i].source = CM_SOURCE_DENY;
            check->out->status[i].detail = why;
            check->out->count = i + 1;
            return CM_REVOKED;
        case CM_DENY_UNREADABLE:
            break;
        }
        *check->detail = why;
        return CM_REVOCATION_UNAVAILABLE;
    }
    return CM_OK;
}

/* All that the store says about the certificates below the anchor. */
static enum cm_reason
ask_store(struct check *check)
{
    struct cm_status_question question = {
        .path = check->asked.path,
        .snapshot = check->asked.snapshot,
        .rules = check->asked.rules,
        .crls = cm_store_crls(check->asked.store),
        .responses = cm_store_responses(check->asked.store),
        .extra = check->asked.extra,
        .responders = check->asked.policy->responders,
    };
    struct cm_status *status;
    struct cm_detail why;
    bool believed;

    for (size_t i = 0; i + 1 < check->asked.path->count; i++) {
        status = &check->out->status[i];
        question.position = i;
        /* Those of the issuing CA speak about what it has issued, not about
         * its own certificate. */
        question.responder_count =
            i == 0 ? check->asked.policy->responder_count : 0;
        cm_store_begin(check->asked.store);
        cm_status_find(&question, status);
        check->out->count = i + 1;
        believed = cm_store_end(check->asked.store, &why);
        if (status->state == CM_STATUS_REVOKED)
            continue;
        if (!believed) {
            cm_detail_set(check->detail,
                          "the store cannot be believed until it is "
                          "repaired: %s",
                          why.text);
            return CM_REVOCATION_UNAVAILABLE;
        }
        if (status->incomplete) {
            blame(check, i);
            return CM_REVOCATION_UNAVAILABLE;
        }
    }
    return CM_OK;
}

/* ---- Judging ---- */

/* When a stale answer ended, as far as grace can be counted from there. */
static bool
is_within_grace(const struct cm_status *status, int64_t grace, int64_t now)
{
    int64_t end = status->next_update;

    if (!status->has_next_update) {
        if (status->source != CM_SOURCE_OCSP)
            return false;
        end = status->this_update + CM_OCSP_MAX_AGE;
    }
    return grace > 0 && now - end <= grace;
}

static bool
is_enough(const struct check *check, const struct cm_status *status)
{
    switch (status->state) {
    case CM_STATUS_GOOD:
        return true;
    case CM_STATUS_STALE:
        return is_within_grace(status, check->asked.policy->stale_grace,
                               check->asked.rules->now);
    case CM_STATUS_UNKNOWN:
    case CM_STATUS_REVOKED:
        break;
    }
    return false;
}

/* Something is not good enough for `require`: is it softened? */
static enum cm_reason
soften(struct check *check, size_t lacking)
{
    struct cm_override override;
    struct cm_buf buf = CM_BUF_INIT;
    char *how;

    if (check->asked.policy->mode == CM_REVOCATION_SOFT) {
        praise(check, "soft");
        return CM_OK;
    }
    if (check->asked.policy->mode != CM_REVOCATION_REQUIRE ||
        !cm_store_override(check->asked.store, check->asked.rules->now,
                           &override)) {
        blame(check, lacking);
        return CM_REVOCATION_UNKNOWN;
    }
    cm_buf_addf(&buf, "override (%s)", override.reason);
    cm_override_clear(&override);
    how = cm_buf_take(&buf);
    praise(check, how == NULL ? "override" : how);
    free(how);
    check->out->override_used = true;
    return CM_OK;
}

/* Revoked first, whichever certificate it is; then what is lacking. */
static enum cm_reason
judge(struct check *check)
{
    struct cm_revocation_result *out = check->out;
    size_t lacking = out->count;
    bool current = out->count > 0;

    for (size_t i = 0; i < out->count; i++) {
        if (out->status[i].state == CM_STATUS_REVOKED) {
            blame(check, i);
            return CM_REVOKED;
        }
        if (out->status[i].state != CM_STATUS_GOOD)
            current = false;
        if (lacking == out->count && !is_enough(check, &out->status[i]))
            lacking = i;
    }
    if (lacking < out->count)
        return soften(check, lacking);
    if (out->count == 0) {
        cm_detail_set(check->detail,
                      "the certificate is itself an anchor: nobody speaks "
                      "about it");
        return check->asked.policy->mode == CM_REVOCATION_SOFT
                   ? CM_OK
                   : CM_REVOCATION_UNKNOWN;
    }
    praise(check, current ? "" : "within stale_grace");
    out->current = current;
    return CM_OK;
}

static enum cm_reason
run(struct check *check, int64_t now_ms)
{
    enum cm_reason reason;

    reason = cm_store_check(check->asked.store, now_ms, check->detail);
    if (reason != CM_OK)
        return reason;
    reason = ask_deny_list(check);
    if (reason != CM_OK)
        return reason;
    if (check->asked.policy->mode == CM_REVOCATION_OFF) {
        cm_detail_set(check->detail, "only the deny list: revocation = off");
        return CM_OK;
    }
    reason = ask_store(check);
    if (reason != CM_OK)
        return reason;
    return judge(check);
}

enum cm_reason
cm_revocation_check(const struct cm_revocation_question *question,
                    int64_t now_ms, struct cm_revocation_result *out,
                    struct cm_detail *detail)
{
    struct check check = {*question, out, detail};
    enum cm_reason reason;

    memset(out, 0, sizeof(*out));
    reason = run(&check, now_ms);
    ERR_clear_error();
    return reason;
}
