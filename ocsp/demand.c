#include "demand_parts.h"

#include <stdlib.h>
#include <string.h>

#include "monotonic.h"
#include "refresh_sources.h"
#include "refresh_urls.h"

struct cm_demand *
cm_demand_new(const char *store_path, struct cm_store *store,
              const struct cm_http_settings *http, const struct cm_log *log)
{
    struct cm_demand *demand = calloc(1, sizeof(*demand));

    if (demand == NULL)
        return NULL;
    if (!cm_responders_init(&demand->responders, log)) {
        free(demand);
        return NULL;
    }
    if (pthread_mutex_init(&demand->mutex, NULL) != 0) {
        cm_responders_clear(&demand->responders);
        free(demand);
        return NULL;
    }
    demand->path = store_path;
    demand->store = store;
    demand->http = http;
    demand->log = log;
    return demand;
}

void
cm_demand_free(struct cm_demand *demand)
{
    if (demand == NULL)
        return;
    cm_responders_clear(&demand->responders);
    pthread_mutex_destroy(&demand->mutex);
    free(demand);
}

/* Prepares what an answer is judged by: as the store's are. */
static void
prepare(struct cm_demand_asking *asking)
{
    const struct cm_demand_question *question = asking->question;
    size_t i = question->position;

    asking->status = (struct cm_status_question){
        .path = question->path,
        .position = i,
        .snapshot = question->snapshot,
        .rules = question->rules,
        .crls = cm_store_crls(asking->demand->store)};
    asking->ocsp = (struct cm_ocsp_question){
        .cert = question->path->certs[i],
        .issuer = question->path->certs[i + 1],
        .responders = question->issuer->responders,
        /* As cm_revocation_check() believes them. */
        .responder_count = i == 0 ? question->issuer->responder_count : 0,
        .rules = question->rules,
        .delegate_status = cm_status_of_delegate,
        .context = &asking->status};
}

/* One responder, in turn with everyone else who asks it the same. */
static enum cm_reason
ask_one(struct cm_demand_asking *asking, const char *url, int64_t deadline,
        struct cm_detail *detail)
{
    enum cm_reason reason = CM_REVOCATION_UNAVAILABLE;
    struct cm_refresh_lock lock;
    int left;

    switch (cm_demand_take_turn(asking, url, deadline, &lock)) {
    case CM_FLIGHT_OURS:
        break;
    case CM_FLIGHT_ANSWERED:
        return CM_OK;
    case CM_FLIGHT_TOO_LATE:
        cm_detail_set(detail, "another login is still asking the same");
        return reason;
    }
    left = cm_monotonic_left(deadline);
    if (left > 0)
        reason = cm_demand_fetch(asking, url, left, detail);
    else
        cm_detail_set(detail, "no time is left");
    if (reason == CM_OK)
        cm_demand_publish(asking);
    cm_demand_end_turn(&lock);
    return reason;
}

/* One after the other, until one has an answer; what time is left is shared
 * among those that are left. */
static enum cm_reason
ask_each(struct cm_demand_asking *asking, const struct cm_text_list *urls,
         struct cm_detail *detail)
{
    int64_t end = cm_monotonic_ms() + asking->question->timeout_ms, share;
    enum cm_reason reason, worst = CM_REVOCATION_UNKNOWN;
    struct cm_detail why;

    for (size_t i = 0; i < urls->count; i++) {
        share = cm_monotonic_left(end) / (int64_t)(urls->count - i);
        why.text[0] = '\0';
        reason =
            ask_one(asking, urls->items[i], cm_monotonic_ms() + share, &why);
        if (reason == CM_OK || reason == CM_NO_MEMORY)
            return reason;
        if (reason == CM_REVOCATION_UNAVAILABLE ||
            worst == CM_REVOCATION_UNKNOWN)
            cm_detail_set(detail, "%s: %s", urls->items[i], why.text);
        if (reason == CM_REVOCATION_UNAVAILABLE)
            worst = reason;
    }
    return worst;
}

/* The responders that may be asked.  False: no memory. */
static bool
find_urls(const struct cm_demand_asking *asking, struct cm_text_list *urls,
          struct cm_detail *detail)
{
    const struct cm_issuer_rules *issuer = asking->question->issuer;
    struct cm_text_list skipped = {0};
    bool ok = true;

    for (size_t i = 0; ok && i < issuer->ocsp_urls.count; i++)
        ok = cm_text_list_add(urls, issuer->ocsp_urls.items[i]);
    if (issuer->ocsp_urls.count == 0)
        ok = cm_urls_of_responders(asking->ocsp.cert, urls, &skipped);
    if (ok && urls->count == 0)
        cm_detail_set(detail, "%s",
                      skipped.count > 0
                          ? "its responders have no http: or https: URL"
                          : "no OCSP responder is known");
    cm_text_list_clear(&skipped);
    return ok;
}

enum cm_reason
cm_demand_ask(struct cm_demand *demand,
              const struct cm_demand_question *question, uint8_t **response,
              size_t *len, struct cm_detail *detail)
{
    struct cm_demand_asking asking = {.demand = demand, .question = question};
    enum cm_reason reason = CM_NO_MEMORY;
    struct cm_text_list urls = {0};

    if (!cm_refresh_asks(question->issuer, CM_SOURCE_OCSP)) {
        cm_detail_set(detail, "revocation_sources has no ocsp");
        return CM_REVOCATION_UNKNOWN;
    }
    prepare(&asking);
    if (find_urls(&asking, &urls, detail))
        reason = ask_each(&asking, &urls, detail);
    cm_text_list_clear(&urls);
    if (reason == CM_OK) {
        *response = asking.response;
        *len = asking.len;
    }
    return reason;
}
