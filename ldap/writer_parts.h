/*
 * What the files of the writer share.
 */
#ifndef CM_WRITER_PARTS_H
#define CM_WRITER_PARTS_H

#include "ldap_connection.h"
#include "text.h"
#include "writer.h"

struct cm_write_item {
    struct cm_change change;
    uint64_t id;
    size_t bytes;
    int message_id;
    bool doubted; /* sent before, on a connection that was lost */
};

/* A connection, and what is under way on it. */
struct cm_writer_lane {
    struct cm_ldap_connection connection; /* closed: not in use any more */
    struct cm_write_item items[CM_WRITER_WINDOW];
    size_t count;
    int64_t deadline; /* of the next answer */
};

struct cm_writer {
    struct cm_writer_settings settings;
    bool transactions;
    bool lost; /* the server did not come back */
    struct cm_detail why;
    size_t failures; /* reported so far: not written */
    /* Attributes that were written once outside of a transaction, with what
     * a transaction needs: see writer_transaction.c. */
    struct cm_text_list primed; /* CM_CHANGE_MAX_PARTS at most */
    bool unwatched;             /* cn=Monitor cannot be read */
    unsigned distrust;          /* transactions that failed without a cause */
    struct cm_writer_lane lanes[CM_WRITER_LANES];
    struct cm_write_item batch[CM_WRITER_BATCH];
    size_t batch_count;
    size_t batch_bytes;
};

/* Reports the item and empties it. */
void cm_writer_report(struct cm_writer *writer, struct cm_write_item *item,
                      enum cm_write_result result, const char *words);
/* Of a result code that is not success. */
enum cm_write_result cm_writer_judge(int code);

/*
 * writer_window.c: sends one item on a lane, first waiting for room; the item
 * is taken over.  What comes meanwhile is reported.
 */
void cm_writer_send(struct cm_writer *writer, struct cm_write_item *item);
/* Awaits every answer on every lane. */
void cm_writer_drain(struct cm_writer *writer);

/* Opens those that are not. */
void cm_writer_open_lanes(struct cm_writer *writer);

/* writer_transaction.c: writes the batch, which is empty afterwards. */
void cm_writer_run_batch(struct cm_writer *writer);

/*
 * writer_barrier.c: call before a transaction ends.  Waits until no thread of
 * the server holds an operation of it any more.  slowest_ms: of its answers.
 * False: the connection is lost.
 */
bool cm_writer_await_threads(struct cm_writer *writer,
                             struct cm_writer_lane *lane, int64_t slowest_ms,
                             struct cm_detail *detail);

/*
 * writer_doubt.c: opens a lost lane again, within CM_WRITER_AGAIN_MS, or at
 * once where the server was given up.  False: writer->lost and why are set.
 */
bool cm_writer_reopen(struct cm_writer *writer, struct cm_writer_lane *lane);

enum cm_doubt {
    CM_DOUBT_DONE,
    CM_DOUBT_UNDONE,
    CM_DOUBT_MIXED,  /* the entry is as neither would have it */
    CM_DOUBT_UNKNOWN /* it cannot be read; writer->why says why */
};
struct cm_writer_look {
    const struct cm_change *change;
    enum cm_doubt found;
};

/* Reads the entry: was the change done? */
enum cm_doubt cm_writer_look(struct cm_writer *writer,
                             struct cm_writer_lane *lane,
                             const struct cm_change *change);
/*
 * Settles count items that were under way when the lane was lost: each is
 * reported, or stays for another try.  They are moved to the front; returns
 * how many stay.
 */
size_t cm_writer_settle(struct cm_writer *writer, struct cm_writer_lane *lane,
                        struct cm_write_item *items, size_t count);

#endif
