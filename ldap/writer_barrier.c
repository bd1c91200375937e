/*
 * Before a transaction ends: are the threads of its operations done?
 *
 * slapd answers an operation of a transaction, and its thread touches the
 * operation a little longer; the end of the transaction frees it.  A client
 * must not send the end before every such thread has let go.
 *
 * Where cn=Monitor can be read, it says: the server counts, for each
 * connection, the operations that a thread still holds, under the very lock
 * that the end takes later.  The search that asks is one of them; so if no
 * connection has more than one, ours has none but the search.
 *
 * Elsewhere nothing says it for certain.  An answer to another request on the
 * same connection shows that the thread has left what it may wait in: it has
 * sent its answer, and only a few hundred instructions remain.  A pause
 * follows, well above the slowest answer that was seen; then a second answer,
 * and where that one was slow, because the machine is busy, a longer pause.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ldap_search.h"
#include "writer_parts.h"

enum {
    PAUSE_LEAST_MS = 10,
    PAUSE_MOST_MS = 1000,
    PAUSE_FACTOR = 4,  /* times the slowest answer */
    MAX_PAUSES = 8,    /* before one transaction's end */
    MONITOR_TRIES = 50 /* then others are busy on their own connections */
};

static const char executing[] = "monitorConnectionOpsExecuting";

/* What one look found. */
struct cm_writer_threads {
    size_t seen; /* connections */
    bool busy;   /* one has more than one operation, or says nothing */
};

static void
sleep_ms(int64_t ms)
{
    struct timespec pause = {.tv_sec = ms / 1000,
                             .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&pause, NULL);
}

static enum cm_ldap_search_end
take_connection(struct cm_ldap_search *search, const struct cm_entry *entry,
                struct cm_detail *detail)
{
    const struct cm_attribute *count = cm_entry_get(entry, executing);
    struct cm_writer_threads *threads = search->threads;
    const char *text;

    (void)detail;
    if (count == NULL) /* a counter of all connections, or hidden */
        return CM_LDAP_SEARCH_DONE;
    text = count->count == 1 ? count->values[0].data : "";
    threads->seen += strcmp(text, "1") == 0 ? 1 : 0;
    if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0)
        threads->busy = true;
    return CM_LDAP_SEARCH_DONE;
}

static enum cm_ldap_search_end
take_nothing(struct cm_ldap_search *search, const struct cm_entry *entry,
             struct cm_detail *detail)
{
    (void)search;
    (void)entry;
    (void)detail;
    return CM_LDAP_SEARCH_DONE;
}

/* False: lost.  *code is what the server says to the search. */
static bool
ask(struct cm_writer_lane *lane, const struct cm_ldap_request *request,
    cm_ldap_take_entry *take, struct cm_writer_threads *threads, int *code,
    struct cm_detail *detail)
{
    struct cm_ldap_search search = {.threads = threads};
    LDAPMessage *final = NULL;

    if (cm_ldap_run_search(&search, &lane->connection, request, take,
                           cm_backend_now_ms() + CM_WRITER_ANSWER_MS, &final,
                           detail) != CM_LDAP_SEARCH_DONE)
        return false;
    *code = cm_ldap_result_code(&lane->connection, final, "search", detail);
    return *code >= 0;
}

/* One look at every connection.  False: lost. */
static bool
look(struct cm_writer_lane *lane, struct cm_writer_threads *out,
     struct cm_detail *detail)
{
    static const char *const attributes[] = {executing, NULL};
    const struct cm_ldap_request request = {.base =
                                                "cn=Connections,cn=Monitor",
                                            .scope = LDAP_SCOPE_ONELEVEL,
                                            .filter = "(objectClass=*)",
                                            .attributes = attributes};
    int code = LDAP_OTHER;

    memset(out, 0, sizeof(*out));
    if (!ask(lane, &request, take_connection, out, &code, detail))
        return false;
    if (code != LDAP_SUCCESS)
        out->seen = 0;
    return true;
}

/* The server's word for it.  False: lost; *sure: it gave its word. */
static bool
await_monitor(struct cm_writer *writer, struct cm_writer_lane *lane,
              bool *sure, struct cm_detail *detail)
{
    struct cm_writer_threads threads;

    *sure = false;
    for (int i = 0; !writer->unwatched && i < MONITOR_TRIES; i++) {
        if (!look(lane, &threads, detail))
            return false;
        if (threads.seen == 0)
            writer->unwatched = true; /* no monitor, or hidden from us */
        else if (!threads.busy) {
            *sure = true;
            return true;
        } else
            sleep_ms(1);
    }
    return true;
}

/* How long an ordinary answer takes; -1: lost. */
static int64_t
time_answer(struct cm_writer_lane *lane, struct cm_detail *detail)
{
    static const char *const attributes[] = {LDAP_NO_ATTRS, NULL};
    const struct cm_ldap_request request = {.base = "",
                                            .scope = LDAP_SCOPE_BASE,
                                            .filter = "(objectClass=*)",
                                            .attributes = attributes};
    int64_t start = cm_backend_now_ms();
    int code;

    if (!ask(lane, &request, take_nothing, NULL, &code, detail))
        return -1;
    return cm_backend_now_ms() - start;
}

static int64_t
pause_for(int64_t slowest)
{
    int64_t ms = PAUSE_FACTOR * slowest;

    ms = ms < PAUSE_LEAST_MS ? PAUSE_LEAST_MS : ms;
    return ms > PAUSE_MOST_MS ? PAUSE_MOST_MS : ms;
}

bool
cm_writer_await_threads(struct cm_writer *writer, struct cm_writer_lane *lane,
                        int64_t slowest_ms, struct cm_detail *detail)
{
    int64_t took, slowest = slowest_ms, paused = 0;
    bool sure;

    if (!await_monitor(writer, lane, &sure, detail))
        return false;
    for (int i = 0; !sure && i < MAX_PAUSES; i++) {
        took = time_answer(lane, detail);
        if (took < 0)
            return false;
        slowest = took > slowest ? took : slowest;
        if (paused >= pause_for(slowest))
            return true;
        paused = pause_for(slowest);
        sleep_ms(paused);
    }
    return true;
}
