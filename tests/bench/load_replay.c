/*
 * Captured requests, several in flight, from one thread.
 */
#include "load.h"

#include <poll.h>
#include <stdlib.h>

struct slot {
    struct wire wire;
    const struct load_login *login; /* NULL: idle */
    double asked; /* when it was, or by the rate should have been, sent */
};

struct replay {
    const struct load *load;
    struct load_result *result;
    struct slot *slots;
    double started;
    size_t sent, done;
};

/* When the next request is due. */
static double
due(const struct replay *replay)
{
    if (replay->load->rate <= 0)
        return replay->started;
    return replay->started + (double)replay->sent / replay->load->rate;
}

static bool
may_send(const struct replay *replay)
{
    return replay->sent < replay->load->count &&
           wire_now() < replay->started + replay->load->seconds;
}

static void
finish(struct replay *replay, struct slot *slot,
       const struct load_outcome *outcome)
{
    load_result_add(replay->result, outcome, wire_now() - slot->asked);
    slot->login = NULL;
    replay->done++;
}

static void
begin(struct replay *replay, struct slot *slot)
{
    const struct load *load = replay->load;
    struct load_login *login = &load->logins[replay->sent % load->login_count];
    struct load_outcome lost = {.answered = false};

    am_request_vary(&login->request, replay->sent);
    slot->asked = load->rate > 0 ? due(replay) : wire_now();
    slot->login = login;
    replay->sent++;
    if (!wire_start(&slot->wire, &load->kdc, login->request.data,
                    login->request.len))
        finish(replay, slot, &lost);
}

static void
proceed(struct replay *replay, struct slot *slot)
{
    struct load_outcome outcome = {.answered = false};
    const uint8_t *answer = NULL;
    size_t len = 0;
    long padata = slot->login->identity != NULL ? AM_PA_PK_AS_REP : 0;

    switch (wire_step(&slot->wire, &answer, &len)) {
    case WIRE_BUSY:
        return;
    case WIRE_DONE:
        outcome.answered = true;
        outcome.answer = am_answer(answer, len, padata, &outcome.error);
        break;
    case WIRE_FAILED:
        break;
    }
    finish(replay, slot, &outcome);
}

static void
wait_for_some(struct replay *replay)
{
    struct pollfd pollers[LOAD_MAX_IN_FLIGHT];
    double until = wire_now() + WIRE_SECONDS;
    size_t i, n = replay->load->in_flight;
    bool idle = false;
    struct timespec wait;

    for (i = 0; i < n; i++) {
        struct slot *slot = &replay->slots[i];

        pollers[i] =
            (struct pollfd){.fd = slot->wire.fd, .events = slot->wire.events};
        if (slot->login == NULL)
            idle = true;
        else if (slot->wire.deadline < until)
            until = slot->wire.deadline;
    }
    if (idle && may_send(replay) && due(replay) < until)
        until = due(replay);
    wait = load_wait(until);
    ppoll(pollers, (nfds_t)n, &wait, NULL);
    for (i = 0; i < n; i++)
        if (replay->slots[i].login != NULL &&
            (pollers[i].revents != 0 ||
             wire_now() >= replay->slots[i].wire.deadline))
            proceed(replay, &replay->slots[i]);
}

void
load_replay(const struct load *load, struct load_result *result)
{
    struct replay replay = {
        .load = load, .result = result, .started = wire_now()};
    size_t i;

    replay.slots = calloc(load->in_flight, sizeof(*replay.slots));
    if (replay.slots == NULL)
        load_fail("out of memory");
    for (i = 0; i < load->in_flight; i++)
        wire_init(&replay.slots[i].wire);
    while (may_send(&replay) || replay.done < replay.sent) {
        for (i = 0; i < load->in_flight; i++)
            if (replay.slots[i].login == NULL && may_send(&replay) &&
                wire_now() >= due(&replay))
                begin(&replay, &replay.slots[i]);
        if (may_send(&replay) || replay.done < replay.sent)
            wait_for_some(&replay);
    }
    result->elapsed = wire_now() - replay.started;
    free(replay.slots);
}
