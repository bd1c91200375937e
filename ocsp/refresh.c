#include "refresh.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "refresh_parts.h"

const char *
cm_refresh_outcome_token(enum cm_refresh_outcome outcome)
{
    switch (outcome) {
    case CM_REFRESHED:
        return "published";
    case CM_REFRESH_UNCHANGED:
        return "unchanged";
    case CM_REFRESH_ELSEWHERE:
        return "elsewhere";
    case CM_REFRESH_FAILED:
        return "failed";
    case CM_REFRESH_REFUSED:
        return "refused";
    case CM_REFRESH_NO_STORE:
        return "store";
    }
    return "failed";
}

/* ---- CRLs ---- */

/* What the state says about when to ask next. */
static int64_t
due_of(const struct cm_run *run, const struct cm_refresh_state *state)
{
    int64_t poll = run->options->poll;

    if (state->failures > 0)
        return state->next_due;
    /* What was there and is gone is wanted back. */
    if (!cm_run_may_ask_conditionally(run, state))
        return 0;
    if (poll > 0 && state->next_due > state->last_success + poll)
        return state->last_success + poll;
    return state->next_due;
}

/* A group is due when the URL that answered last is; where none did, when the
 * first of them may be tried again. */
static bool
is_crl_due(struct cm_run *run, const struct cm_text_list *urls)
{
    const struct cm_endpoint *endpoint, *best = NULL;
    int64_t due = INT64_MAX, own;

    for (size_t i = 0; i < urls->count; i++) {
        endpoint = cm_run_endpoint(run, CM_REFRESH_CRL, urls->items[i]);
        if (endpoint == NULL)
            return false;
        own = due_of(run, &endpoint->state);
        if (endpoint->state.failures == 0 &&
            endpoint->state.last_success != 0) {
            if (best == NULL ||
                endpoint->state.last_success > best->state.last_success) {
                best = endpoint;
                due = own;
            }
        } else if (best == NULL && own < due) {
            due = own;
        }
    }
    if (due <= cm_run_now(run))
        return true;
    cm_run_look_again(run, due);
    return false;
}

/* Was one of them looked at in this run already, for another CA or realm?
 * From now on all of them were. */
static bool
was_looked_at(struct cm_run *run, const struct cm_text_list *urls)
{
    struct cm_endpoint *endpoint;
    bool was = false;

    for (size_t i = 0; i < urls->count; i++) {
        endpoint = cm_run_endpoint(run, CM_REFRESH_CRL, urls->items[i]);
        if (endpoint == NULL)
            return true;
        was = was || endpoint->looked_at;
        endpoint->looked_at = true;
    }
    return was;
}

static void
ask_crl(struct cm_run *run, const struct cm_refresh_ca *ca,
        const struct cm_text_list *urls, bool from_certificate)
{
    struct cm_target target = {.kind = CM_REFRESH_CRL,
                               .ca = ca,
                               .urls = urls,
                               .from_certificate = from_certificate};

    if (was_looked_at(run, urls))
        return;
    if (run->options->due_only && !is_crl_due(run, urls)) {
        run->result->not_due++;
        return;
    }
    cm_run_submit(run, &target);
}

static void
ask_groups(struct cm_run *run, const struct cm_refresh_ca *ca,
           const struct cm_url_groups *groups, bool from_certificate)
{
    for (size_t i = 0; i < groups->count && !cm_run_must_end(run); i++)
        ask_crl(run, ca, &groups->list[i].urls, from_certificate);
}

/* URLs that the configuration names come first: where the same URL stands in
 * a certificate too, nobody needs to screen it. */
static void
ask_crls(struct cm_run *run, bool configured)
{
    const struct cm_refresh_map *map = run->options->map;

    for (size_t i = 0; i < map->count; i++) {
        if (map->cas[i].configured == configured)
            ask_groups(run, &map->cas[i], &map->cas[i].crls, !configured);
    }
}

/* Deltas that a CRL of the CA names. */
static void
ask_deltas_of(struct cm_run *run, const struct cm_refresh_ca *ca,
              const struct cm_refresh_state *state)
{
    struct cm_text_list one = {NULL, 1};

    for (size_t i = 0; i < state->deltas.count && !cm_run_must_end(run); i++) {
        one.items = &state->deltas.items[i];
        ask_crl(run, ca, &one, true);
        /* The list is ours: nothing may point to it when it is gone. */
        cm_run_drain(run);
    }
}

static void
ask_deltas(struct cm_run *run)
{
    const struct cm_refresh_map *map = run->options->map;
    size_t known = run->endpoint_count;

    for (size_t i = 0; i < map->count; i++) {
        const struct cm_refresh_ca *ca = &map->cas[i];

        if (!ca->asks_crl)
            continue;
        ask_groups(run, ca, &ca->deltas, true);
        for (size_t j = 0; j < known; j++) {
            const struct cm_refresh_state *state = &run->endpoints[j]->state;

            if (state->has_crl && memcmp(state->spki, ca->spki, 32) == 0)
                ask_deltas_of(run, ca, state);
        }
    }
}

/* ---- OCSP ---- */

/* The same number for the same answer about the same card on this host, so
 * that the moment needs not be remembered. */
static uint32_t
dice_of(const struct cm_run *run, X509 *cert, int64_t this_update)
{
    char name[CM_REFRESH_DIGEST_TEXT];
    uint8_t digest[SHA256_DIGEST_LENGTH];
    struct cm_buf buf = CM_BUF_INIT;
    uint32_t dice = UINT32_MAX / 2;

    if (cm_refresh_card_name(cert, name))
        cm_buf_addf(&buf, "%s %s %lld", run->options->host, name,
                    (long long)this_update);
    if (!buf.failed && buf.data != NULL) {
        SHA256((const unsigned char *)buf.data, buf.len, digest);
        memcpy(&dice, digest, sizeof(dice));
    }
    cm_buf_clear(&buf);
    return dice;
}

/* Is there a responder that may be asked? */
static bool
has_open_responder(struct cm_run *run, const struct cm_text_list *urls)
{
    const struct cm_endpoint *endpoint;

    for (size_t i = 0; i < urls->count; i++) {
        endpoint = cm_run_endpoint(run, CM_REFRESH_OCSP, urls->items[i]);
        if (endpoint == NULL)
            return false;
        if (endpoint->state.failures == 0 ||
            endpoint->state.next_due <= cm_run_now(run))
            return true;
        cm_run_look_again(run, endpoint->state.next_due);
    }
    return false;
}

static bool
is_card_due(struct cm_run *run, const struct cm_refresh_card *card,
            const struct cm_text_list *urls)
{
    X509 *cert = card->path->certs[0];
    char name[CM_REFRESH_DIGEST_TEXT];
    struct cm_refresh_window window;
    struct cm_refresh_state state;
    int64_t due = 0;

    cm_refresh_card_window(&run->world, card, &window);
    if (window.known)
        due =
            cm_refresh_moment(&window, dice_of(run, cert, window.this_update));
    if (due <= cm_run_now(run)) {
        if (!cm_refresh_card_name(cert, name) ||
            !cm_refresh_state_read(run->world.store, CM_REFRESH_CARD, name,
                                   &state)) {
            cm_run_no_memory(run);
            return false;
        }
        due = state.next_due;
        cm_refresh_state_clear(&state);
    }
    if (due > cm_run_now(run)) {
        cm_run_look_again(run, due);
        return false;
    }
    return has_open_responder(run, urls);
}

/* The responders of the configuration, else those in the certificate. */
static bool
responders_of(const struct cm_refresh_card *card, struct cm_text_list *out)
{
    const struct cm_text_list *configured = &card->issuer->rules.ocsp_urls;
    struct cm_text_list skipped = {0};
    bool ok = true;

    for (size_t i = 0; ok && i < configured->count; i++)
        ok = cm_text_list_add(out, configured->items[i]);
    if (ok && configured->count == 0)
        ok = cm_urls_of_responders(card->path->certs[0], out, &skipped);
    cm_text_list_clear(&skipped);
    return ok;
}

static void
submit_card(struct cm_run *run, const struct cm_refresh_card *card,
            struct cm_target *target)
{
    const struct cm_path *path = card->path;

    target->kind = CM_REFRESH_OCSP;
    target->ca = card->issuer;
    target->urls = &target->own_urls;
    target->from_certificate = card->issuer->rules.ocsp_urls.count == 0;
    target->seen = card->seen;
    for (size_t i = 0; i < path->count; i++) {
        X509_up_ref(path->certs[i]);
        target->path.certs[i] = path->certs[i];
    }
    target->path.count = path->count;
    cm_run_submit(run, target);
}

static bool
ask_card(void *context, const struct cm_refresh_card *card)
{
    struct cm_run *run = context;
    struct cm_target target = {.kind = CM_REFRESH_OCSP};

    if (!card->issuer->asks_ocsp)
        return true;
    if (!responders_of(card, &target.own_urls))
        cm_run_no_memory(run);
    else if (target.own_urls.count > 0 && run->options->due_only &&
             !is_card_due(run, card, &target.own_urls))
        run->result->not_due++;
    else if (target.own_urls.count > 0)
        submit_card(run, card, &target);
    cm_target_clear(&target);
    return !cm_run_must_end(run);
}

/* ---- The run ---- */

/* A handle of the store that has not looked yet sees what is new. */
static void
look_anew(struct cm_run *run)
{
    struct cm_store *fresh = cm_store_new(run->world.path, true, NULL);

    if (fresh == NULL) {
        cm_run_no_memory(run);
        return;
    }
    cm_store_free(run->fresh);
    run->fresh = fresh;
    run->world.store = fresh;
}

static void
ask_cards(struct cm_run *run)
{
    look_anew(run);
    if (!cm_run_must_end(run) &&
        !cm_refresh_each_card(&run->world, run->options->map, ask_card, run) &&
        !cm_run_must_end(run))
        cm_run_no_memory(run);
    cm_run_drain(run);
}

static void
run_all(struct cm_run *run)
{
    ask_crls(run, true);
    ask_crls(run, false);
    cm_run_drain(run);
    ask_deltas(run);
    cm_run_drain(run);
    if (!cm_run_must_end(run))
        ask_cards(run);
}

/* Responders' states are written once: their health alone is written as it
 * changes. */
static void
finish(struct cm_run *run)
{
    struct cm_endpoint *endpoint;

    for (size_t i = 0; i < run->endpoint_count; i++) {
        endpoint = run->endpoints[i];
        if (endpoint->state.kind == CM_REFRESH_OCSP && endpoint->ours &&
            !endpoint->dead && !cm_run_is_broken(run))
            cm_run_write_state(run, &endpoint->state);
        cm_refresh_state_clear(&endpoint->state);
        free(endpoint);
    }
    free(run->endpoints);
    cm_refresh_lock_close(&run->lock);
    cm_store_free(run->fresh);
}

bool
cm_refresh_run(const struct cm_refresh_options *options,
               struct cm_refresh_result *result)
{
    struct cm_run run = {
        .options = options, .world = *options->world, .result = result};

    memset(result, 0, sizeof(*result));
    run.started_ms = cm_run_now_ms(&run);
    for (size_t i = 0; i < CM_REFRESH_CHILDREN; i++)
        run.flights[i].fd = -1;
    if (!cm_refresh_lock_open(run.world.path, &run.lock, &result->trouble))
        result->store_failed = true;
    look_anew(&run);
    if (!cm_run_must_end(&run))
        run_all(&run);
    finish(&run);
    return !cm_run_is_broken(&run);
}
