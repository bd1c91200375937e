/*
 * Requests under way.
 */
#include "refresh_parts.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monotonic.h"

enum { MILLI = 1000 };

bool
cm_run_is_broken(const struct cm_run *run)
{
    return run->result->store_failed || run->result->no_child ||
           run->result->no_memory;
}

bool
cm_run_must_end(const struct cm_run *run)
{
    if (run->options->stop != NULL && *run->options->stop != 0)
        run->result->stopped = true;
    return run->result->stopped || cm_run_is_broken(run);
}

void
cm_run_no_memory(struct cm_run *run)
{
    cm_detail_set(&run->result->trouble, "out of memory");
    run->result->no_memory = true;
}

int64_t
cm_run_now_ms(const struct cm_run *run)
{
    return run->options->now_ms(run->options->context);
}

int64_t
cm_run_now(const struct cm_run *run)
{
    return cm_run_now_ms(run) / MILLI;
}

void
cm_run_look_again(struct cm_run *run, int64_t when)
{
    if (run->result->next_due == 0 || when < run->result->next_due)
        run->result->next_due = when;
}

struct cm_endpoint *
cm_run_endpoint(struct cm_run *run, enum cm_refresh_kind kind, const char *url)
{
    struct cm_endpoint **list, *endpoint;

    for (size_t i = 0; i < run->endpoint_count; i++) {
        endpoint = run->endpoints[i];
        if (endpoint->state.kind == kind &&
            strcmp(endpoint->state.url, url) == 0)
            return endpoint;
    }
    list = reallocarray(run->endpoints, run->endpoint_count + 1,
                        sizeof(struct cm_endpoint *));
    endpoint = calloc(1, sizeof(*endpoint));
    if (list != NULL)
        run->endpoints = list;
    if (list == NULL || endpoint == NULL ||
        !cm_refresh_state_read(run->world.store, kind, url,
                               &endpoint->state)) {
        free(endpoint);
        cm_run_no_memory(run);
        return NULL;
    }
    list[run->endpoint_count++] = endpoint;
    return endpoint;
}

void
cm_target_clear(struct cm_target *target)
{
    cm_text_list_clear(&target->own_urls);
    cm_path_clear(&target->path);
    memset(target, 0, sizeof(*target));
}

static void
clear_flight(struct cm_flight *flight)
{
    OPENSSL_free(flight->body);
    flight->body = NULL;
    if (flight->fd >= 0)
        close(flight->fd);
    flight->fd = -1;
    cm_target_clear(&flight->target);
    flight->endpoint = NULL;
    flight->busy = false;
}

/* ---- One URL ---- */

/* Tries to have the URL for ourselves, for as long as it is worth it. */
static bool
lock_endpoint(struct cm_run *run, struct cm_endpoint *endpoint)
{
    const struct cm_refresh_options *options = run->options;
    int64_t deadline = cm_monotonic_ms() + CM_REFRESH_OTHER_WAIT_MS;

    while (!cm_refresh_lock_try(&run->lock, endpoint->state.url)) {
        if (options->due_only || cm_monotonic_ms() >= deadline ||
            cm_run_must_end(run))
            return false;
        (void)poll(NULL, 0, CM_REFRESH_TICK_MS);
        if (options->tick != NULL)
            options->tick(options->context);
    }
    return true;
}

/* Reads the state again: somebody may have come before us since we looked,
 * and what it brought counts as ours. */
static void
look_again(struct cm_run *run, struct cm_endpoint *endpoint)
{
    struct cm_refresh_state state;

    if (!cm_refresh_state_read(run->world.store, endpoint->state.kind,
                               endpoint->state.url, &state)) {
        cm_run_no_memory(run);
        return;
    }
    cm_refresh_state_clear(&endpoint->state);
    endpoint->state = state;
    if (!cm_refresh_state_tried_since(&state, run->started_ms))
        return;
    endpoint->dead = state.failures > 0;
    endpoint->elsewhere = state.failures == 0;
}

static void
take_endpoint(struct cm_run *run, struct cm_endpoint *endpoint)
{
    if (endpoint->locked || endpoint->elsewhere)
        return;
    if (!lock_endpoint(run, endpoint)) {
        endpoint->elsewhere = true;
        return;
    }
    endpoint->locked = true;
    if (!endpoint->ours)
        look_again(run, endpoint);
    endpoint->ours = true;
}

/* A responder is kept for all cards of the run. */
static void
give_endpoint(struct cm_run *run, struct cm_endpoint *endpoint)
{
    if (endpoint->state.kind != CM_REFRESH_CRL || !endpoint->locked)
        return;
    cm_refresh_lock_give(&run->lock, endpoint->state.url);
    endpoint->locked = false;
}

/* May the URL be tried now? */
static bool
is_open(const struct cm_run *run, const struct cm_endpoint *endpoint)
{
    if (endpoint->dead)
        return false;
    return !run->options->due_only || endpoint->state.failures == 0 ||
           endpoint->state.next_due <= cm_run_now(run);
}

static struct cm_fetch_request
make_request(const struct cm_run *run, const struct cm_flight *flight,
             size_t body_len)
{
    const struct cm_refresh_state *state = &flight->endpoint->state;
    const struct cm_target *target = &flight->target;
    const struct cm_http_settings *http = target->ca->realm->http;
    struct cm_fetch_request request = {
        .url = state->url,
        .from_certificate = target->from_certificate,
        .allow_private_addresses = target->ca->rules.allow_private_addresses,
        .proxy = http->proxy,
        .proxy_hosts = &http->proxy_hosts,
        .ca_file = http->ca_file};

    if (target->kind == CM_REFRESH_CRL) {
        request.max_bytes = CM_CRL_MAX_FILE;
        request.timeout_ms = CM_REFRESH_CRL_TIMEOUT_MS;
        if (cm_run_may_ask_conditionally(run, state)) {
            request.etag = state->etag[0] != '\0' ? state->etag : NULL;
            request.last_modified =
                state->last_modified[0] != '\0' ? state->last_modified : NULL;
        }
        return request;
    }
    request.body = flight->body;
    request.body_len = body_len;
    request.content_type = "application/ocsp-request";
    request.expected_type = "application/ocsp-response";
    request.max_bytes = CM_OCSP_MAX_RESPONSE;
    request.timeout_ms = CM_REFRESH_OCSP_TIMEOUT_MS;
    return request;
}

/* Hands the request over.  False: it is a failure of this URL, detail says
 * why. */
static bool
send_request(struct cm_run *run, struct cm_flight *flight,
             struct cm_detail *detail)
{
    const struct cm_target *target = &flight->target;
    struct cm_fetch_request request;
    size_t len = 0;

    if (flight->fd < 0)
        flight->fd = cm_refresh_temporary(run->world.path);
    if (flight->fd < 0 || ftruncate(flight->fd, 0) != 0 ||
        lseek(flight->fd, 0, SEEK_SET) != 0) {
        cm_detail_set(detail, "no temporary file: %s", strerror(errno));
        return false;
    }
    if (target->kind == CM_REFRESH_OCSP && flight->body == NULL) {
        flight->body = cm_ocsp_request(target->path.certs[0],
                                       target->path.certs[1], false, &len);
        if (flight->body == NULL) {
            cm_detail_set(detail, "no request can be made");
            return false;
        }
        flight->body_len = len;
    }
    request = make_request(run, flight, flight->body_len);
    return cm_fetch_child_send(flight->child, &request, detail);
}

/* ---- One target ---- */

static void
end_target(struct cm_run *run, struct cm_flight *flight, bool satisfied)
{
    if (!satisfied)
        run->result->failed++;
    clear_flight(flight);
}

/* Reports and notes that a URL could not even be asked. */
static void
fail_unsent(struct cm_run *run, struct cm_flight *flight,
            struct cm_detail *detail)
{
    const struct cm_fetch_response nothing = {0};

    (void)cm_run_arrived(run, flight, CM_FETCH_FAILED, &nothing, detail);
    give_endpoint(run, flight->endpoint);
}

/* Asks the target's next URL that can be asked; ends it where none is
 * left. */
static void
go_on(struct cm_run *run, struct cm_flight *flight)
{
    const struct cm_text_list *urls = flight->target.urls;
    struct cm_endpoint *endpoint;
    struct cm_detail detail = {""};

    while (flight->next_url < urls->count && !cm_run_must_end(run)) {
        endpoint = cm_run_endpoint(run, flight->target.kind,
                                   urls->items[flight->next_url++]);
        if (endpoint == NULL)
            break;
        flight->endpoint = endpoint;
        if (is_open(run, endpoint))
            take_endpoint(run, endpoint);
        if (endpoint->elsewhere) {
            run->result->elsewhere++;
            end_target(run, flight, true);
            return;
        }
        if (!is_open(run, endpoint))
            continue;
        if (send_request(run, flight, &detail))
            return;
        fail_unsent(run, flight, &detail);
    }
    end_target(run, flight, cm_run_must_end(run));
}

/* ---- All of them ---- */

static void
collect(struct cm_run *run, struct cm_flight *flight)
{
    struct cm_fetch_response response = {0};
    struct cm_detail detail = {""};
    enum cm_fetch_result fetched;
    bool satisfied;

    fetched =
        cm_fetch_child_collect(flight->child, flight->fd, &response, &detail);
    satisfied = cm_run_arrived(run, flight, fetched, &response, &detail);
    give_endpoint(run, flight->endpoint);
    if (satisfied || cm_run_must_end(run))
        end_target(run, flight, true);
    else
        go_on(run, flight);
}

static size_t
wait_for_answers(struct cm_run *run, struct pollfd *polled,
                 struct cm_flight **owners)
{
    const struct cm_refresh_options *options = run->options;
    int left = CM_REFRESH_TICK_MS, own;
    size_t count = 0;

    for (size_t i = 0; i < CM_REFRESH_CHILDREN; i++) {
        if (!run->flights[i].busy)
            continue;
        polled[count].fd = cm_fetch_child_fd(run->flights[i].child);
        polled[count].events = POLLIN;
        polled[count].revents = 0;
        owners[count++] = &run->flights[i];
        own = cm_fetch_child_left(run->flights[i].child);
        if (own < left)
            left = own;
    }
    if (count > 0 && poll(polled, (nfds_t)count, left) <= 0 &&
        options->tick != NULL)
        options->tick(options->context);
    return count;
}

/* Collects what has arrived or takes too long; waits a tick at most. */
static void
step(struct cm_run *run)
{
    struct pollfd polled[CM_REFRESH_CHILDREN];
    struct cm_flight *owners[CM_REFRESH_CHILDREN];
    size_t count = wait_for_answers(run, polled, owners);

    for (size_t i = 0; i < count; i++) {
        if (polled[i].revents != 0 ||
            cm_fetch_child_left(owners[i]->child) == 0)
            collect(run, owners[i]);
    }
}

static struct cm_flight *
free_flight(struct cm_run *run)
{
    for (size_t i = 0; i < CM_REFRESH_CHILDREN; i++) {
        if (!run->flights[i].busy)
            return &run->flights[i];
    }
    return NULL;
}

void
cm_run_submit(struct cm_run *run, struct cm_target *target)
{
    struct cm_flight *flight;

    while ((flight = free_flight(run)) == NULL && !cm_run_must_end(run))
        step(run);
    if (flight == NULL) {
        cm_target_clear(target);
        return;
    }
    if (flight->child == NULL)
        flight->child = run->options->child(run->options->context,
                                            (size_t)(flight - run->flights),
                                            &run->result->trouble);
    if (flight->child == NULL) {
        run->result->no_child = true;
        cm_target_clear(target);
        return;
    }
    flight->target = *target;
    if (target->urls == &target->own_urls)
        flight->target.urls = &flight->target.own_urls;
    memset(target, 0, sizeof(*target));
    flight->busy = true;
    flight->next_url = 0;
    flight->body_len = 0;
    run->result->tried++;
    go_on(run, flight);
}

/* Ends what is under way: a child that is stopped is started anew by the
 * next request. */
static void
abandon(struct cm_run *run)
{
    for (size_t i = 0; i < CM_REFRESH_CHILDREN; i++) {
        if (run->flights[i].busy) {
            give_endpoint(run, run->flights[i].endpoint);
            clear_flight(&run->flights[i]);
        }
    }
}

void
cm_run_drain(struct cm_run *run)
{
    bool busy = true;

    while (busy && !cm_run_must_end(run)) {
        step(run);
        busy = false;
        for (size_t i = 0; i < CM_REFRESH_CHILDREN; i++)
            busy = busy || run->flights[i].busy;
    }
    abandon(run);
}
