/*
 * Batches, each in one transaction (RFC 5805).
 *
 * slapd 2.5 has two faults here that a client must keep away from:
 *
 * - The end of a transaction frees the operations in it, while the thread of
 *   the last one, which has answered already, may still be at its own end: a
 *   crash.  writer_barrier.c waits until it is done.
 * - back-mdb gives each attribute that is new to the database a number.
 *   Where the transaction that did so fails, the number is kept in memory and
 *   lost on the disk: whatever is written with it later cannot be read any
 *   more.  So no transaction may be the first to write an attribute:
 *   cm_writer_put() writes singly until each has been written once.
 */
#include <string.h>

#include "backend.h"
#include "edit.h"
#include "writer_parts.h"

enum {
    MAX_CULPRITS = 8, /* taken out of one batch, one after another */
    MAX_DISTRUST = 2  /* transactions that fail and leave no cause */
};

enum outcome {
    COMMITTED,
    REJECTED, /* nothing of it was done */
    LOST      /* unknown */
};

struct attempt {
    struct berval id; /* of the transaction */
    size_t culprit;   /* index of the change that it failed by */
    bool has_culprit;
    enum cm_write_result result; /* of that change */
    int64_t slowest_ms;          /* answer */
    struct cm_detail words;
};

static struct cm_writer_lane *
lane_of(struct cm_writer *writer)
{
    return &writer->lanes[0];
}

/* The one answer to an operation; NULL: lost. */
static LDAPMessage *
await(struct cm_writer_lane *lane, int message_id, int type,
      struct cm_detail *detail)
{
    LDAPMessage *message;

    if (cm_ldap_next(&lane->connection, message_id,
                     cm_backend_now_ms() + CM_WRITER_ANSWER_MS, &message,
                     detail) != CM_LDAP_ANSWERED)
        return NULL;
    if (ldap_msgtype(message) == type)
        return message;
    ldap_msgfree(message);
    cm_detail_set(detail, "an answer is of another kind");
    return NULL;
}

static enum outcome
begin(struct cm_writer_lane *lane, struct attempt *attempt)
{
    LDAPMessage *message;
    struct berval *data = NULL;
    int id, code;

    cm_ldap_begin(&lane->connection,
                  cm_backend_now_ms() + CM_WRITER_ANSWER_MS);
    if (ldap_txn_start(lane->connection.handle, NULL, NULL, &id) !=
            LDAP_SUCCESS ||
        (message = await(lane, id, LDAP_RES_EXTENDED, &attempt->words)) ==
            NULL)
        return LOST;
    (void)ldap_parse_extended_result(lane->connection.handle, message, NULL,
                                     &data, 0);
    code = cm_ldap_result_code(&lane->connection, message, "transaction",
                               &attempt->words);
    if (data != NULL)
        attempt->id = *data;
    if (data != NULL)
        ber_memfree(data); /* its bytes are the attempt's */
    return code == LDAP_SUCCESS ? COMMITTED : code < 0 ? LOST : REJECTED;
}

/* One operation.  REJECTED: it is the culprit. */
static enum outcome
send_one(struct cm_writer_lane *lane, struct cm_write_item *item,
         struct attempt *attempt)
{
    static char oid[] = LDAP_CONTROL_TXN_SPEC;
    LDAPControl control = {oid, attempt->id, 1};
    LDAPControl *controls[] = {&control, NULL};
    int64_t took, start = cm_backend_now_ms();
    LDAPMessage *message = NULL;
    int code;

    cm_ldap_begin(&lane->connection,
                  cm_backend_now_ms() + CM_WRITER_ANSWER_MS);
    code = cm_edit_send(&lane->connection, &item->change, controls,
                        &item->message_id);
    if (code == LDAP_SUCCESS)
        message =
            await(lane, item->message_id, LDAP_RES_MODIFY, &attempt->words);
    if (message == NULL)
        return LOST;
    took = cm_backend_now_ms() - start;
    attempt->slowest_ms =
        took > attempt->slowest_ms ? took : attempt->slowest_ms;
    code = cm_ldap_result_code(&lane->connection, message, "modify",
                               &attempt->words);
    if (code == LDAP_SUCCESS || code == LDAP_TXN_SPECIFY_OKAY)
        return COMMITTED;
    attempt->result = cm_writer_judge(code);
    cm_edit_add_hint(code, &attempt->words);
    return code < 0 ? LOST : REJECTED;
}

/* TxnEndRes of RFC 5805 section 2.4 begins with the message that it failed
 * by; 0: it does not say. */
static int
failing_message(const struct berval *data)
{
    BerElement *ber = ber_init((struct berval *)(uintptr_t)data);
    ber_int_t id = 0;

    if (ber == NULL)
        return 0;
    if (ber_scanf(ber, "{i", &id) == LBER_ERROR)
        id = 0;
    ber_free(ber, 1);
    return id;
}

static void
find_culprit(struct attempt *attempt, const struct cm_write_item *items,
             size_t count, int message_id)
{
    for (size_t i = 0; i < count; i++) {
        if (message_id != 0 && items[i].message_id == message_id) {
            attempt->culprit = i;
            attempt->has_culprit = true;
        }
    }
}

static enum outcome
end(struct cm_writer *writer, struct attempt *attempt, bool commit)
{
    struct cm_writer_lane *lane = lane_of(writer);
    struct berval *data = NULL;
    LDAPMessage *message;
    int id, code;

    if (!cm_writer_await_threads(writer, lane, attempt->slowest_ms,
                                 &attempt->words))
        return LOST;
    cm_ldap_begin(&lane->connection,
                  cm_backend_now_ms() + CM_WRITER_ANSWER_MS);
    if (ldap_txn_end(lane->connection.handle, commit, &attempt->id, NULL, NULL,
                     &id) != LDAP_SUCCESS ||
        (message = await(lane, id, LDAP_RES_EXTENDED, &attempt->words)) ==
            NULL)
        return LOST;
    (void)ldap_parse_extended_result(lane->connection.handle, message, NULL,
                                     &data, 0);
    code = cm_ldap_result_code(&lane->connection, message,
                               commit ? "modify" : "abort", &attempt->words);
    if (commit && code > 0 && data != NULL)
        find_culprit(attempt, writer->batch, writer->batch_count,
                     failing_message(data));
    if (commit && code > 0) {
        attempt->result = cm_writer_judge(code);
        cm_edit_add_hint(code, &attempt->words);
    }
    ber_bvfree(data);
    if (code == LDAP_SUCCESS)
        return commit ? COMMITTED : REJECTED;
    return code < 0 ? LOST : REJECTED;
}

static enum outcome
try_batch(struct cm_writer *writer, struct attempt *attempt)
{
    struct cm_writer_lane *lane = lane_of(writer);
    enum outcome outcome = begin(lane, attempt);
    struct cm_detail words;

    if (outcome != COMMITTED)
        return outcome;
    for (size_t i = 0; i < writer->batch_count; i++) {
        outcome = send_one(lane, &writer->batch[i], attempt);
        if (outcome == LOST)
            return LOST;
        if (outcome == REJECTED) {
            attempt->culprit = i;
            attempt->has_culprit = true;
            words = attempt->words;
            outcome = end(writer, attempt, false);
            attempt->words = words;
            return outcome == LOST ? LOST : REJECTED;
        }
    }
    return end(writer, attempt, true);
}

static void
drop_culprit(struct cm_writer *writer, const struct attempt *attempt)
{
    struct cm_write_item *item = &writer->batch[attempt->culprit];
    enum cm_write_result result = attempt->result;

    if (result == CM_WRITE_CONFLICT && item->doubted &&
        cm_writer_look(writer, lane_of(writer), &item->change) ==
            CM_DOUBT_DONE)
        result = CM_WRITE_DONE;
    cm_writer_report(writer, item, result,
                     result == CM_WRITE_DONE ? "" : attempt->words.text);
    *item = writer->batch[--writer->batch_count];
    memset(&writer->batch[writer->batch_count], 0, sizeof(*item));
}

static void
report_all(struct cm_writer *writer)
{
    for (size_t i = 0; i < writer->batch_count; i++)
        cm_writer_report(writer, &writer->batch[i], CM_WRITE_DONE, "");
    writer->batch_count = 0;
    writer->distrust = 0;
}

/* Each change for itself: every one has its own answer. */
static void
write_singly(struct cm_writer *writer)
{
    size_t before = writer->failures;

    for (size_t i = 0; i < writer->batch_count; i++)
        cm_writer_send(writer, &writer->batch[i]);
    cm_writer_drain(writer);
    writer->batch_count = 0;
    if (writer->failures > before || ++writer->distrust < MAX_DISTRUST)
        return;
    /* Transactions are offered, and do not work here. */
    writer->transactions = false;
    cm_writer_open_lanes(writer);
}

/* False: the rest of the batch has to be written singly. */
static bool
run_once(struct cm_writer *writer)
{
    struct attempt attempt = {.result = CM_WRITE_REFUSED};
    enum outcome outcome = try_batch(writer, &attempt);

    ber_memfree(attempt.id.bv_val);
    switch (outcome) {
    case COMMITTED:
        report_all(writer);
        return true;
    case REJECTED:
        if (attempt.has_culprit)
            drop_culprit(writer, &attempt);
        return attempt.has_culprit;
    case LOST:
        writer->batch_count = cm_writer_settle(
            writer, lane_of(writer), writer->batch, writer->batch_count);
        return true;
    }
    return false;
}

void
cm_writer_run_batch(struct cm_writer *writer)
{
    size_t tries = 0;

    while (writer->batch_count > 0 && tries++ <= MAX_CULPRITS &&
           run_once(writer))
        continue;
    if (writer->batch_count > 0)
        write_singly(writer);
    writer->batch_bytes = 0;
}
