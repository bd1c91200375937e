/*
 * One question is asked once at a time, and its answer kept for all.
 */
#include "demand_parts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#include "buf.h"
#include "monotonic.h"
#include "source.h"

/* ---- What the store has by now ---- */

static bool
take_useful(void *context, const uint8_t *response, size_t len)
{
    struct cm_demand_asking *asking = context;
    struct cm_status status;

    cm_ocsp_check(&asking->ocsp, response, len, &status);
    if (status.state != CM_STATUS_GOOD && status.state != CM_STATUS_REVOKED)
        return true;
    asking->response = malloc(len);
    if (asking->response == NULL)
        return true;
    memcpy(asking->response, response, len);
    asking->len = len;
    return false;
}

static bool
is_answered(struct cm_demand_asking *asking)
{
    const struct cm_response_provider *responses =
        cm_store_responses(asking->demand->store);

    (void)responses->each(responses->context, asking->ocsp.cert,
                          asking->ocsp.issuer, take_useful, asking);
    return asking->response != NULL;
}

/* ---- The turn ---- */

/* The question's name; the caller frees it.  NULL: no memory. */
static char *
name_question(const struct cm_demand_asking *asking, const char *url)
{
    struct cm_buf buf = CM_BUF_INIT;
    uint8_t digest[32];

    if (X509_digest(asking->ocsp.cert, EVP_sha256(), digest, NULL) != 1) {
        ERR_clear_error();
        return NULL;
    }
    cm_buf_add_text(&buf, "login ");
    cm_buf_add_hex(&buf, digest, sizeof(digest));
    cm_buf_addf(&buf, " %s", url);
    return cm_buf_take(&buf);
}

/* Each caller has a file of its own, so that threads exclude each other as
 * processes do.  False: nobody can be excluded. */
static bool
open_lock(const struct cm_demand *demand, struct cm_refresh_lock *lock)
{
    struct cm_detail ignored;

    if (cm_refresh_lock_open(demand->path, lock, &ignored))
        return true;
    /* The folders may be missing: a writer makes them. */
    cm_store_writer_free(cm_store_writer_open(demand->path, 0, &ignored));
    return cm_refresh_lock_open(demand->path, lock, &ignored);
}

static enum cm_flight_turn
wait_for_turn(struct cm_demand_asking *asking, const char *name,
              int64_t deadline, struct cm_refresh_lock *lock)
{
    const struct timespec pause = {0, CM_DEMAND_PAUSE_MS * 1000000L};

    for (;;) {
        /* Also once it is ours: whoever had it may have found the answer. */
        bool ours = cm_refresh_lock_try(lock, name);

        if (is_answered(asking))
            return CM_FLIGHT_ANSWERED;
        if (ours)
            return CM_FLIGHT_OURS;
        if (cm_monotonic_left(deadline) == 0)
            return CM_FLIGHT_TOO_LATE;
        nanosleep(&pause, NULL);
    }
}

enum cm_flight_turn
cm_demand_take_turn(struct cm_demand_asking *asking, const char *url,
                    int64_t deadline, struct cm_refresh_lock *lock)
{
    char *name = name_question(asking, url);
    enum cm_flight_turn turn = CM_FLIGHT_OURS;

    lock->fd = -1;
    if (name != NULL && open_lock(asking->demand, lock))
        turn = wait_for_turn(asking, name, deadline, lock);
    free(name);
    if (turn != CM_FLIGHT_OURS)
        cm_demand_end_turn(lock);
    return turn;
}

void
cm_demand_end_turn(struct cm_refresh_lock *lock)
{
    cm_refresh_lock_close(lock);
}

/* ---- Publishing ---- */

/* Now and then: it happens to every login while it lasts. */
static void
complain(struct cm_demand *demand, const char *why)
{
    int64_t now = cm_monotonic_ms();
    char *text = NULL;
    bool due;

    pthread_mutex_lock(&demand->mutex);
    due = !demand->complained ||
          now - demand->complained_at >= CM_DEMAND_COMPLAIN_MS;
    if (due) {
        demand->complained = true;
        demand->complained_at = now;
    }
    pthread_mutex_unlock(&demand->mutex);
    if (due)
        text = cm_source_escape(why);
    if (text != NULL)
        cm_log_write(demand->log, CM_LOG_ERROR,
                     "store: an OCSP response cannot be kept: %s", text);
    free(text);
}

void
cm_demand_publish(const struct cm_demand_asking *asking)
{
    struct cm_demand *demand = asking->demand;
    struct cm_store_writer *writer;
    struct cm_detail why = {""};

    writer = cm_store_writer_open(demand->path, 0, &why);
    if (writer == NULL ||
        cm_store_publish_ocsp(writer, &asking->ocsp, asking->response,
                              asking->len, &why) == CM_PUBLISH_FAILED)
        complain(demand, why.text);
    cm_store_writer_free(writer);
}
