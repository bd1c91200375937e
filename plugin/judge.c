#include "judge.h"

#include <stdlib.h>
#include <string.h>

#include "trusted.h"

/* One path on its way. */
struct inquiry {
    const struct cm_judge *judge;
    const struct cm_path *path;
    const struct cm_issuer_rules *issuer; /* of the issuing CA */
    struct cm_extra_response list[CM_PATH_MAX_LENGTH + 1];
    uint8_t *fetched[CM_PATH_MAX_LENGTH]; /* owned, by position */
    struct cm_extra_responses extra;
    bool unavailable; /* somebody did not answer in time */
    struct cm_detail why;
};

bool
cm_judge_can_fetch(const struct cm_judge *judge)
{
    return judge->services->demand != NULL && judge->services->fetcher != NULL;
}

/* Is something not current that an answer could make so? */
static bool
is_lacking(enum cm_reason reason, enum cm_revocation_mode mode,
           const struct cm_revocation_result *result)
{
    return mode != CM_REVOCATION_OFF && result->count > 0 &&
           !result->current &&
           (reason == CM_OK || reason == CM_REVOCATION_UNKNOWN);
}

static void
add_staple(struct inquiry *inquiry)
{
    const struct cm_blob *staple = &inquiry->judge->login->staple;

    if (staple->len == 0 || staple->len > CM_DEMAND_MAX_RESPONSE)
        return;
    inquiry->list[inquiry->extra.count++] =
        (struct cm_extra_response){.position = 0,
                                   .bytes = staple->data,
                                   .len = staple->len,
                                   .origin = CM_ORIGIN_STAPLED};
}

static enum cm_reason
check(struct inquiry *inquiry, struct cm_revocation_result *out,
      struct cm_detail *detail)
{
    const struct cm_judge *judge = inquiry->judge;
    const struct cm_issuer_rules *issuer = inquiry->issuer;
    struct cm_revocation_policy policy = {.mode = issuer->mode,
                                          .stale_grace = issuer->stale_grace,
                                          .responders = issuer->responders,
                                          .responder_count =
                                              issuer->responder_count};
    struct cm_revocation_question question = {.store = judge->services->store,
                                              .path = inquiry->path,
                                              .snapshot = judge->snapshot,
                                              .rules = judge->rules,
                                              .policy = &policy,
                                              .extra = &inquiry->extra};
    const struct cm_clock *clock = &judge->services->clock;

    return cm_revocation_check(&question, clock->monotonic_ms(clock->context),
                               out, detail);
}

static int
time_left(const struct cm_judge *judge)
{
    const struct cm_clock *clock = &judge->services->clock;
    int64_t left = judge->fetch_until_ms - clock->monotonic_ms(clock->context);

    if (left <= 0)
        return 0;
    return left < CM_TIMEOUT_MAX_MS ? (int)left : CM_TIMEOUT_MAX_MS;
}

/* Asks about one certificate, by the rules of the CA that issued it. */
static enum cm_reason
ask(struct inquiry *inquiry, size_t i, const struct cm_issuer_rules *issuer,
    size_t *len)
{
    const struct cm_judge *judge = inquiry->judge;
    struct cm_demand_question question = {.path = inquiry->path,
                                          .position = i,
                                          .snapshot = judge->snapshot,
                                          .rules = judge->rules,
                                          .issuer = issuer,
                                          .fetcher = judge->services->fetcher,
                                          .timeout_ms = time_left(judge)};
    struct cm_detail why = {""};
    enum cm_reason reason;

    reason = cm_demand_ask(judge->services->demand, &question,
                           &inquiry->fetched[i], len, &why);
    if (reason == CM_REVOCATION_UNAVAILABLE)
        inquiry->unavailable = true;
    if (reason != CM_OK && why.text[0] != '\0')
        inquiry->why = why;
    return reason;
}

static enum cm_reason
fetch(struct inquiry *inquiry, size_t i)
{
    const struct cm_path *path = inquiry->path;
    struct cm_issuer_rules issuer;
    enum cm_reason reason;
    uint8_t spki[32];
    size_t len = 0;

    if (!cm_trusted_spki(path->certs[i + 1], spki) ||
        !cm_settings_rules_for(inquiry->judge->settings, spki, &issuer))
        return CM_NO_MEMORY;
    reason = ask(inquiry, i, &issuer, &len);
    cm_issuer_rules_clear(&issuer);
    if (reason == CM_OK)
        inquiry->list[inquiry->extra.count++] =
            (struct cm_extra_response){.position = i,
                                       .bytes = inquiry->fetched[i],
                                       .len = len,
                                       .origin = CM_ORIGIN_FETCHED};
    return reason;
}

/* CM_NO_MEMORY, or CM_OK whatever came of it. */
static enum cm_reason
fetch_lacking(struct inquiry *inquiry,
              const struct cm_revocation_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        if (result->status[i].state != CM_STATUS_GOOD &&
            fetch(inquiry, i) == CM_NO_MEMORY)
            return CM_NO_MEMORY;
    }
    return CM_OK;
}

/* What was asked for in vain belongs to what is known. */
static void
add_why(const struct inquiry *inquiry, struct cm_detail *detail)
{
    enum { HALF = CM_DETAIL_SIZE / 2 - 8 };
    struct cm_detail known = *detail;

    if (inquiry->why.text[0] != '\0')
        cm_detail_set(detail, "%.*s; asked: %.*s", HALF, known.text, HALF,
                      inquiry->why.text);
}

static enum cm_reason
fetch_and_check(struct inquiry *inquiry, struct cm_revocation_result *out,
                struct cm_detail *detail)
{
    enum cm_reason reason;

    if (fetch_lacking(inquiry, out) != CM_OK) {
        cm_detail_set(detail, "out of memory");
        return CM_NO_MEMORY;
    }
    reason = check(inquiry, out, detail);
    if (reason == CM_REVOCATION_UNKNOWN && inquiry->unavailable)
        reason = CM_REVOCATION_UNAVAILABLE;
    if (!out->current && reason != CM_REVOKED)
        add_why(inquiry, detail);
    return reason;
}

enum cm_reason
cm_judge_path(const struct cm_judge *judge, const struct cm_path *path,
              const struct cm_issuer_rules *issuer,
              struct cm_revocation_result *out, struct cm_detail *detail)
{
    struct inquiry inquiry = {.judge = judge, .path = path, .issuer = issuer};
    enum cm_reason reason;

    inquiry.extra.list = inquiry.list;
    inquiry.extra.staple_max_age = judge->settings->staple_max_age;
    add_staple(&inquiry);
    reason = check(&inquiry, out, detail);
    if (judge->fetches && cm_judge_can_fetch(judge) &&
        is_lacking(reason, issuer->mode, out))
        reason = fetch_and_check(&inquiry, out, detail);
    for (size_t i = 0; i < CM_PATH_MAX_LENGTH; i++)
        free(inquiry.fetched[i]);
    return reason;
}
