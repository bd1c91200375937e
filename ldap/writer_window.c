/*
 * A window of operations on several connections.
 */
#include <poll.h>
#include <string.h>

#include "backend.h"
#include "edit.h"
#include "writer_parts.h"

/* The lane keeps the item, sent or not.  False: the lane is lost. */
static bool
transmit(struct cm_writer_lane *lane, const struct cm_write_item *item)
{
    struct cm_write_item *own = &lane->items[lane->count];

    *own = *item;
    lane->deadline = cm_backend_now_ms() + CM_WRITER_ANSWER_MS;
    cm_ldap_begin(&lane->connection, lane->deadline);
    lane->count++;
    return cm_edit_send(&lane->connection, &own->change, NULL,
                        &own->message_id) == LDAP_SUCCESS;
}

/* The lane is lost: settles what was under way, and sends the rest again. */
static void
recover(struct cm_writer *writer, struct cm_writer_lane *lane)
{
    struct cm_write_item items[CM_WRITER_WINDOW];
    size_t count;
    bool sent = false;

    while (!sent) {
        count = lane->count;
        memcpy(items, lane->items, count * sizeof(items[0]));
        lane->count = 0;
        count = cm_writer_settle(writer, lane, items, count);
        sent = true;
        for (size_t i = 0; i < count; i++)
            sent = transmit(lane, &items[i]) && sent;
    }
}

/* A change that was refused on its second way may have been done on its
 * first. */
static bool
was_done_before(struct cm_writer *writer, struct cm_writer_lane *lane,
                const struct cm_write_item *item, enum cm_write_result result)
{
    return result == CM_WRITE_CONFLICT && item->doubted &&
           cm_writer_look(writer, lane, &item->change) == CM_DOUBT_DONE;
}

/* False: the answer is garbage, the lane is lost. */
static bool
take_answer(struct cm_writer *writer, struct cm_writer_lane *lane,
            LDAPMessage *message)
{
    struct cm_detail words = {""};
    struct cm_write_item item;
    int code, id = ldap_msgid(message), type = ldap_msgtype(message);
    enum cm_write_result result = CM_WRITE_DONE;
    size_t i = 0;

    while (i < lane->count && lane->items[i].message_id != id)
        i++;
    if (i == lane->count || type != LDAP_RES_MODIFY) {
        ldap_msgfree(message);
        return false;
    }
    code = cm_ldap_result_code(&lane->connection, message, "modify", &words);
    if (code < 0)
        return false;
    item = lane->items[i];
    lane->items[i] = lane->items[--lane->count];
    if (code != LDAP_SUCCESS) {
        result = cm_writer_judge(code);
        cm_edit_add_hint(code, &words);
    }
    if (was_done_before(writer, lane, &item, result))
        result = CM_WRITE_DONE;
    cm_writer_report(writer, &item, result,
                     result == CM_WRITE_DONE ? "" : words.text);
    return true;
}

/* Takes what has come on a lane.  True: something happened. */
static bool
collect(struct cm_writer *writer, struct cm_writer_lane *lane)
{
    struct timeval none = {0, 0};
    LDAPMessage *message = NULL;
    bool any = false, alive = true;
    int type = 1;

    while (alive && lane->count > 0 && type > 0) {
        cm_ldap_begin(&lane->connection, lane->deadline);
        type = ldap_result(lane->connection.handle, LDAP_RES_ANY, LDAP_MSG_ONE,
                           &none, &message);
        if (type > 0 && message != NULL) {
            any = true;
            alive = take_answer(writer, lane, message);
            lane->deadline = cm_backend_now_ms() + CM_WRITER_ANSWER_MS;
        } else if (type < 0) {
            alive = false;
        }
    }
    if (lane->count > 0 && cm_backend_now_ms() >= lane->deadline)
        alive = false;
    if (!alive)
        recover(writer, lane);
    return any || !alive;
}

/* Waits until something happens on a lane with something under way. */
static void
await_any(struct cm_writer *writer)
{
    struct pollfd waiting[CM_WRITER_LANES];
    nfds_t count = 0;
    int64_t left, most = CM_WRITER_ANSWER_MS;
    bool any = false;

    for (size_t i = 0; i < CM_WRITER_LANES; i++) {
        struct cm_writer_lane *lane = &writer->lanes[i];

        if (lane->count == 0)
            continue;
        /* libldap may hold answers that poll(2) does not see. */
        any = collect(writer, lane) || any;
        if (lane->count == 0)
            continue;
        left = lane->deadline - cm_backend_now_ms();
        most = left < most ? left : most;
        waiting[count++] =
            (struct pollfd){.fd = lane->connection.wire.fd, .events = POLLIN};
    }
    if (!any && count > 0)
        (void)poll(waiting, count, most > 0 ? (int)most : 0);
}

static size_t
under_way(const struct cm_writer *writer)
{
    size_t count = 0;

    for (size_t i = 0; i < CM_WRITER_LANES; i++)
        count += writer->lanes[i].count;
    return count;
}

/* The lane with most room; NULL: none is open. */
static struct cm_writer_lane *
roomiest(struct cm_writer *writer)
{
    struct cm_writer_lane *best = NULL;

    for (size_t i = 0; i < CM_WRITER_LANES; i++) {
        struct cm_writer_lane *lane = &writer->lanes[i];

        if (lane->connection.handle != NULL &&
            (best == NULL || lane->count < best->count))
            best = lane;
    }
    return best;
}

void
cm_writer_send(struct cm_writer *writer, struct cm_write_item *item)
{
    struct cm_writer_lane *lane;

    while ((lane = roomiest(writer)) != NULL &&
           lane->count == CM_WRITER_WINDOW)
        await_any(writer);
    if (lane == NULL) {
        cm_writer_report(writer, item, CM_WRITE_REFUSED,
                         "not sent: the connection was lost");
        return;
    }
    if (!transmit(lane, item))
        recover(writer, lane);
    memset(item, 0, sizeof(*item));
}

void
cm_writer_drain(struct cm_writer *writer)
{
    while (under_way(writer) > 0)
        await_any(writer);
}
