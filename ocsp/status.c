#include "status.h"

/* Which of two states stands when sources of equal right differ. */
static int
weight(enum cm_status_state state)
{
    switch (state) {
    case CM_STATUS_UNKNOWN:
        return 0;
    case CM_STATUS_STALE:
        return 1;
    case CM_STATUS_GOOD:
        return 2;
    case CM_STATUS_REVOKED:
        return 3;
    }
    return 0;
}

/* When it ends; without a stated end it has ended when it was said. */
static int64_t
end_of(const struct cm_status *status)
{
    return status->has_next_update ? status->next_update : status->this_update;
}

static bool
is_to_be_kept(const struct cm_status *status, const struct cm_status *other)
{
    if (status->state != other->state)
        return weight(status->state) > weight(other->state);
    if (status->state == CM_STATUS_GOOD)
        return status->this_update >= other->this_update;
    if (status->state == CM_STATUS_STALE)
        return end_of(status) >= end_of(other);
    return true;
}

/* Nobody says anything: tell what each of them said instead. */
static void
join_details(struct cm_status *status, const struct cm_status *other)
{
    enum { HALF = CM_DETAIL_SIZE / 2 - 2 };
    const struct cm_detail own = status->detail;

    if (own.text[0] == '\0')
        status->detail = other->detail;
    else if (other->detail.text[0] != '\0')
        cm_detail_set(&status->detail, "%.*s; %.*s", HALF, own.text, HALF,
                      other->detail.text);
}

void
cm_status_combine(struct cm_status *status, const struct cm_status *other)
{
    bool incomplete = status->incomplete || other->incomplete;

    if (status->state == CM_STATUS_UNKNOWN &&
        other->state == CM_STATUS_UNKNOWN)
        join_details(status, other);
    else if (!is_to_be_kept(status, other))
        *status = *other;
    status->incomplete = incomplete;
}

/* Of two answers of one time: good is better than stale, which is better than
 * revoked. */
static bool
is_worse(enum cm_status_state a, enum cm_status_state b)
{
    if (a == CM_STATUS_REVOKED || b == CM_STATUS_REVOKED)
        return b != CM_STATUS_REVOKED;
    return weight(a) < weight(b);
}

void
cm_status_newest(struct cm_status *best, const struct cm_status *answer)
{
    bool incomplete = best->incomplete || answer->incomplete;

    if (answer->state == CM_STATUS_UNKNOWN) {
        if (best->state == CM_STATUS_UNKNOWN)
            join_details(best, answer);
    } else if (best->state == CM_STATUS_UNKNOWN ||
               answer->this_update > best->this_update ||
               (answer->this_update == best->this_update &&
                is_worse(answer->state, best->state))) {
        *best = *answer;
    }
    best->incomplete = incomplete;
}
