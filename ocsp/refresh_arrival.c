/*
 * What becomes of an answer.
 */
#include "refresh_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How one answer is to be reported. */
struct verdict {
    enum cm_refresh_outcome outcome;
    struct cm_detail *detail;
};

static void
report(struct cm_run *run, const struct cm_flight *flight,
       const struct verdict *verdict, uint64_t bytes)
{
    struct cm_refresh_event event = {.kind = flight->target.kind,
                                     .url = flight->endpoint->state.url,
                                     .cert = flight->target.path.certs[0],
                                     .outcome = verdict->outcome,
                                     .detail = verdict->detail,
                                     .bytes = bytes};

    if (run->options->event != NULL)
        run->options->event(run->options->context, &event);
}

static struct cm_store_writer *
open_writer(struct cm_run *run)
{
    struct cm_store_writer *writer = cm_store_writer_open(
        run->world.path, CM_REFRESH_STORE_WAIT_MS, &run->result->trouble);

    if (writer == NULL)
        run->result->store_failed = true;
    return writer;
}

static void
write_state(struct cm_run *run, struct cm_store_writer *writer,
            const struct cm_refresh_state *state)
{
    if (!cm_refresh_state_write(writer, state, &run->result->trouble))
        run->result->store_failed = true;
}

void
cm_run_write_state(struct cm_run *run, const struct cm_refresh_state *state)
{
    struct cm_store_writer *writer = open_writer(run);

    if (writer != NULL)
        write_state(run, writer, state);
    cm_store_writer_free(writer);
}

/* ---- What is in the store ---- */

struct lookup {
    const struct cm_refresh_state *state;
    bool found;
};

static bool
compare_index(void *context, struct cm_crl_index *index)
{
    struct lookup *lookup = context;
    const struct cm_crl_facts *facts = cm_crl_index_facts(index);

    lookup->found =
        memcmp(facts->scope_id, lookup->state->scope, 32) == 0 &&
        memcmp(facts->source_sha256, lookup->state->sha256, 32) == 0;
    return !lookup->found;
}

bool
cm_run_may_ask_conditionally(const struct cm_run *run,
                             const struct cm_refresh_state *state)
{
    const struct cm_crl_provider *crls = cm_store_crls(run->world.store);
    struct lookup lookup = {state, false};

    if (!state->has_crl || run->options->rollback_count > 0)
        return false;
    (void)crls->each(crls->context, state->spki, compare_index, &lookup);
    return lookup.found;
}

/* ---- CRLs ---- */

static bool
is_published(enum cm_publish published, struct verdict *verdict)
{
    switch (published) {
    case CM_PUBLISHED:
        verdict->outcome = CM_REFRESHED;
        return true;
    case CM_UNCHANGED:
        verdict->outcome = CM_REFRESH_UNCHANGED;
        return true;
    case CM_PUBLISH_OLDER:
    case CM_PUBLISH_REFUSED:
        verdict->outcome = CM_REFRESH_REFUSED;
        return false;
    case CM_PUBLISH_FAILED:
        verdict->outcome = CM_REFRESH_NO_STORE;
        return false;
    }
    return false;
}

/* Takes the first URL of each group: a delta is a small file, and what is
 * noted here is bounded. */
static bool
note_deltas(struct cm_refresh_state *state, const struct cm_crl_facts *facts)
{
    struct cm_url_groups groups = {0};
    bool ok =
        facts->freshest == NULL || cm_urls_of_points(facts->freshest, &groups);

    cm_text_list_clear(&state->deltas);
    for (size_t i = 0;
         ok && i < groups.count && state->deltas.count < CM_REFRESH_MAX_DELTAS;
         i++)
        ok = cm_text_list_add(&state->deltas, groups.list[i].urls.items[0]);
    cm_url_groups_clear(&groups);
    return ok;
}

static void
note_crl(struct cm_run *run, struct cm_refresh_state *state,
         const struct cm_crl_facts *facts,
         const struct cm_fetch_response *response, const uint8_t signer[32])
{
    state->has_crl = true;
    memcpy(state->spki, signer, sizeof(state->spki));
    memcpy(state->scope, facts->scope_id, sizeof(state->scope));
    memcpy(state->sha256, facts->source_sha256, sizeof(state->sha256));
    memcpy(state->etag, response->etag, sizeof(state->etag));
    memcpy(state->last_modified, response->last_modified,
           sizeof(state->last_modified));
    state->window.known = true;
    state->window.this_update = facts->this_update;
    state->window.has_next_update = facts->has_next_update;
    state->window.next_update = facts->next_update;
    if (!note_deltas(state, facts))
        cm_run_no_memory(run);
}

static void
succeed(struct cm_run *run, struct cm_refresh_state *state)
{
    const struct cm_refresh_options *options = run->options;
    int64_t now_ms = cm_run_now_ms(run);

    cm_refresh_state_succeed(
        state, now_ms,
        cm_refresh_after_success(&state->window, now_ms / 1000,
                                 options->dice(options->context),
                                 options->poll));
    cm_run_look_again(run, state->next_due);
}

static void
fail(struct cm_run *run, struct cm_endpoint *endpoint, const char *why)
{
    cm_refresh_state_fail(&endpoint->state, cm_run_now_ms(run), why);
    endpoint->dead = true;
    cm_run_look_again(run, endpoint->state.next_due);
}

/* A body of a CRL has arrived. */
static bool
take_crl(struct cm_run *run, struct cm_flight *flight,
         const struct cm_fetch_response *response, struct verdict *verdict)
{
    struct cm_endpoint *endpoint = flight->endpoint;
    struct cm_store_writer *writer = open_writer(run);
    const struct cm_trusted *signer = NULL;
    struct cm_crl_facts facts = {0};
    bool taken;

    if (writer == NULL) {
        verdict->outcome = CM_REFRESH_NO_STORE;
        *verdict->detail = run->result->trouble;
        return false;
    }
    taken =
        is_published(cm_refresh_publish_crl(writer, run->options, flight->fd,
                                            &signer, &facts, verdict->detail),
                     verdict);
    if (taken) {
        note_crl(run, &endpoint->state, &facts, response, signer->spki_sha256);
        succeed(run, &endpoint->state);
    } else {
        fail(run, endpoint, verdict->detail->text);
    }
    write_state(run, writer, &endpoint->state);
    cm_crl_facts_clear(&facts);
    cm_store_writer_free(writer);
    return taken;
}

static bool
crl_arrived(struct cm_run *run, struct cm_flight *flight,
            enum cm_fetch_result fetched,
            const struct cm_fetch_response *response, struct verdict *verdict)
{
    struct cm_endpoint *endpoint = flight->endpoint;

    if (fetched == CM_FETCHED)
        return take_crl(run, flight, response, verdict);
    if (fetched == CM_FETCH_NOT_MODIFIED &&
        cm_run_may_ask_conditionally(run, &endpoint->state)) {
        verdict->outcome = CM_REFRESH_UNCHANGED;
        succeed(run, &endpoint->state);
    } else {
        verdict->outcome = CM_REFRESH_FAILED;
        fail(run, endpoint, verdict->detail->text);
    }
    cm_run_write_state(run, &endpoint->state);
    return verdict->outcome == CM_REFRESH_UNCHANGED;
}

/* ---- OCSP ---- */

static bool
read_body(int fd, uint8_t **out, size_t *len, struct cm_detail *detail)
{
    uint8_t *body = malloc(CM_OCSP_MAX_RESPONSE + 1);
    ssize_t n;

    *len = 0;
    if (body == NULL) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    do {
        n = pread(fd, body + *len, CM_OCSP_MAX_RESPONSE + 1 - *len,
                  (off_t)*len);
        *len += n > 0 ? (size_t)n : 0;
    } while ((n > 0 && *len <= CM_OCSP_MAX_RESPONSE) ||
             (n < 0 && errno == EINTR));
    if (n < 0 || *len > CM_OCSP_MAX_RESPONSE) {
        cm_detail_set(detail, n < 0 ? "the answer cannot be read"
                                    : "the answer is too long");
        free(body);
        return false;
    }
    *out = body;
    return true;
}

/* What a responder says of the certificate itself, beside the response: only
 * where there was nothing new in it is there something to remember. */
static void
note_card(struct cm_run *run, struct cm_store_writer *writer,
          const struct cm_refresh_card *card, const struct verdict *verdict)
{
    char digest[CM_REFRESH_DIGEST_TEXT], name[CM_REFRESH_STATE_NAME];
    struct cm_refresh_window window;
    struct cm_refresh_state state;
    int64_t now_ms = cm_run_now_ms(run);

    if (!cm_refresh_card_name(card->path->certs[0], digest) ||
        !cm_refresh_state_read(run->world.store, CM_REFRESH_CARD, digest,
                               &state)) {
        cm_run_no_memory(run);
        return;
    }
    cm_refresh_card_window(&run->world, card, &window);
    if (verdict->outcome == CM_REFRESHED) {
        cm_refresh_state_name(CM_REFRESH_CARD, digest, name);
        if (state.last_try != 0 &&
            !cm_store_remove_file(writer, name, &run->result->trouble))
            run->result->store_failed = true;
    } else {
        if (verdict->outcome == CM_REFRESH_UNCHANGED)
            cm_refresh_state_succeed(
                &state, now_ms,
                now_ms / 1000 + cm_refresh_late(&window, now_ms / 1000));
        else
            cm_refresh_state_fail(&state, now_ms, verdict->detail->text);
        cm_run_look_again(run, state.next_due);
        write_state(run, writer, &state);
    }
    cm_refresh_state_clear(&state);
}

/* A newer answer that is there already is no fault of this one. */
static bool
is_answer(enum cm_publish published, struct verdict *verdict)
{
    if (published == CM_PUBLISH_OLDER)
        published = CM_UNCHANGED;
    return is_published(published, verdict);
}

static bool
take_response(struct cm_run *run, struct cm_flight *flight,
              struct verdict *verdict)
{
    struct cm_refresh_card card = {.path = &flight->target.path,
                                   .issuer = flight->target.ca,
                                   .seen = flight->target.seen};
    struct cm_store_writer *writer;
    uint8_t *body;
    size_t len;
    bool taken;

    verdict->outcome = CM_REFRESH_REFUSED;
    if (!read_body(flight->fd, &body, &len, verdict->detail))
        return false;
    writer = open_writer(run);
    taken = writer != NULL &&
            is_answer(cm_refresh_publish_ocsp(writer, &run->world, &card, body,
                                              len, verdict->detail),
                      verdict);
    free(body);
    if (writer == NULL)
        verdict->outcome = CM_REFRESH_NO_STORE;
    else
        note_card(run, writer, &card, verdict);
    cm_store_writer_free(writer);
    return taken;
}

/* The responder's own state is written when its health changes, and at the
 * end of the run: not once for each card. */
static bool
response_arrived(struct cm_run *run, struct cm_flight *flight,
                 enum cm_fetch_result fetched, struct verdict *verdict)
{
    struct cm_endpoint *endpoint = flight->endpoint;
    bool was_well = endpoint->state.failures == 0;

    if (fetched == CM_FETCHED) {
        cm_refresh_state_succeed(&endpoint->state, cm_run_now_ms(run), 0);
        if (!was_well)
            cm_run_write_state(run, &endpoint->state);
        return take_response(run, flight, verdict);
    }
    verdict->outcome = CM_REFRESH_FAILED;
    if (!endpoint->dead)
        fail(run, endpoint, verdict->detail->text);
    cm_run_write_state(run, &endpoint->state);
    return false;
}

/* ---- Either ---- */

bool
cm_run_arrived(struct cm_run *run, struct cm_flight *flight,
               enum cm_fetch_result fetched,
               const struct cm_fetch_response *response,
               struct cm_detail *detail)
{
    struct verdict verdict = {CM_REFRESH_FAILED, detail};
    bool satisfied;

    if (fetched == CM_FETCH_NO_MEMORY)
        cm_run_no_memory(run);
    if (flight->target.kind == CM_REFRESH_CRL)
        satisfied = crl_arrived(run, flight, fetched, response, &verdict);
    else
        satisfied = response_arrived(run, flight, fetched, &verdict);
    switch (verdict.outcome) {
    case CM_REFRESHED:
        run->result->published++;
        break;
    case CM_REFRESH_UNCHANGED:
        run->result->unchanged++;
        break;
    case CM_REFRESH_NO_STORE:
        run->result->store_failed = true;
        run->result->trouble = *detail;
        break;
    case CM_REFRESH_REFUSED:
        run->result->refused++;
        break;
    case CM_REFRESH_ELSEWHERE:
    case CM_REFRESH_FAILED:
        break;
    }
    if (satisfied)
        detail->text[0] = '\0';
    report(run, flight, &verdict, response->bytes);
    return satisfied;
}
