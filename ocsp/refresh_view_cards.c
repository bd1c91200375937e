/*
 * What is known about each certificate whose status is kept fresh.
 */
#include "refresh_view_parts.h"

#include <limits.h>
#include <string.h>

#include "name.h"
#include "refresh.h"
#include "status.h"

/* The responders of the configuration, else those in the certificate. */
static bool
responders_of(const struct cm_refresh_card *card, struct cm_text_list *out)
{
    struct cm_text_list skipped = {0};
    bool ok;

    if (card->issuer->rules.ocsp_urls.count > 0)
        return true;
    ok = cm_urls_of_responders(card->path->certs[0], out, &skipped);
    cm_text_list_clear(&skipped);
    return ok;
}

/* How often those that may answer about it have failed, the best of them. */
static unsigned
failures_of(const struct cm_view *view, const struct cm_text_list *urls)
{
    unsigned least = UINT_MAX;

    for (size_t i = 0; i < view->source_count; i++) {
        const struct cm_refresh_state *state = &view->sources[i];

        if (state->kind == CM_REFRESH_OCSP &&
            cm_text_list_has(urls, state->url) && state->failures < least)
            least = state->failures;
    }
    return least == UINT_MAX ? 0 : least;
}

/* False: nobody is asked about it. */
static bool
ask_responders(struct cm_view_maker *maker, const struct cm_refresh_card *card,
               unsigned *failures)
{
    const struct cm_text_list *configured = &card->issuer->rules.ocsp_urls;
    struct cm_text_list own = {0};
    const struct cm_text_list *urls =
        configured->count > 0 ? configured : &own;
    bool asked;

    if (!card->issuer->asks_ocsp)
        return false;
    maker->failed = !responders_of(card, &own);
    for (size_t i = 0; !maker->failed && i < own.count; i++)
        maker->failed =
            !cm_view_add_source(maker, CM_REFRESH_OCSP, own.items[i]);
    *failures = failures_of(maker->view, urls);
    asked = urls->count > 0;
    cm_text_list_clear(&own);
    return asked;
}

static void
count_answer(struct cm_view_answers *answers,
             const struct cm_refresh_window *window, int64_t now)
{
    int64_t end = cm_refresh_end(window);

    if (!window->known) {
        answers->missing++;
        return;
    }
    if (answers->soonest == 0 || end < answers->soonest)
        answers->soonest = end;
    if (end <= now)
        return;
    answers->current++;
    if (answers->oldest == 0 || window->this_update < answers->oldest)
        answers->oldest = window->this_update;
}

static unsigned
failures_about(struct cm_view_maker *maker, X509 *cert)
{
    char name[CM_REFRESH_DIGEST_TEXT];
    struct cm_refresh_state state;
    unsigned failures;

    if (!cm_refresh_card_name(cert, name) ||
        !cm_refresh_state_read(maker->world->store, CM_REFRESH_CARD, name,
                               &state)) {
        maker->failed = true;
        return 0;
    }
    failures = state.failures;
    cm_refresh_state_clear(&state);
    return failures;
}

/* What a login would find out about it now. */
static void
find_status(const struct cm_view_maker *maker,
            const struct cm_refresh_card *card, struct cm_status *out)
{
    const struct cm_refresh_realm *realm = card->issuer->realm;
    struct cm_path_rules rules =
        cm_refresh_path_rules(realm, maker->world->now);
    const struct cm_status_question question = {
        .path = card->path,
        .position = 0,
        .snapshot = realm->snapshot,
        .rules = &rules,
        .crls = cm_store_crls(maker->world->store),
        .responses = cm_store_responses(maker->world->store),
        .responders = card->issuer->rules.responders,
        .responder_count = card->issuer->rules.responder_count};

    cm_status_find(&question, out);
}

/* The next of the places that cm_view_make() made: one for each realm. */
static bool
add_own(struct cm_view_maker *maker, const struct cm_refresh_card *card)
{
    struct cm_view_own own = {0};
    X509 *cert = card->path->certs[0];
    struct cm_status status;
    unsigned failures = 0;

    own.asked = ask_responders(maker, card, &failures);
    cm_refresh_card_window(maker->world, card, &own.window);
    failures += failures_about(maker, cert);
    own.health = cm_refresh_judge(&own.window, maker->world->now, failures);
    find_status(maker, card, &status);
    own.revoked = status.state == CM_STATUS_REVOKED;
    own.subject = cm_name_rfc4514(X509_get_subject_name(cert));
    own.realm = strdup(card->issuer->realm->name);
    if (own.subject == NULL || own.realm == NULL)
        maker->failed = true;
    maker->view->own[maker->view->own_count] = own;
    maker->view->own_count++;
    return !maker->failed;
}

static bool
visit_card(void *context, const struct cm_refresh_card *card)
{
    struct cm_view_maker *maker = context;
    struct cm_view_ca *ca = cm_view_find_ca(maker->view, card->issuer->spki);
    struct cm_refresh_window window = {.known = false};
    struct cm_status status;
    unsigned failures = 0;
    bool ending = false;

    if (card->own)
        return add_own(maker, card);
    if (ca == NULL)
        return true;
    if (ask_responders(maker, card, &failures)) {
        ca->answers.asked++;
        cm_refresh_card_window(maker->world, card, &window);
        count_answer(&ca->answers, &window, maker->world->now);
        failures += failures_about(maker, card->path->certs[0]);
        ending = cm_refresh_judge(&window, maker->world->now, failures) ==
                 CM_REFRESH_ENDING;
    }
    find_status(maker, card, &status);
    if (status.state == CM_STATUS_UNKNOWN || status.state == CM_STATUS_STALE)
        ca->uncovered++;
    else if (ending && status.source == CM_SOURCE_OCSP)
        ca->ending++;
    return !maker->failed;
}

static bool
count_seen(void *context, X509 *cert, int64_t when)
{
    struct cm_view_maker *maker = context;

    (void)cert;
    (void)when;
    maker->view->cards++;
    return true;
}

bool
cm_view_add_cards(struct cm_view_maker *maker)
{
    if (!cm_refresh_each_card(maker->world, maker->map, visit_card, maker))
        return false;
    cm_store_each_seen(maker->world->store, maker->world->now, count_seen,
                       maker);
    return true;
}
