#include "writer.h"

#include <stdlib.h>
#include <string.h>

#include "ldap_search.h"
#include "text.h"
#include "writer_parts.h"

const char *
cm_write_result_token(enum cm_write_result result)
{
    switch (result) {
    case CM_WRITE_DONE:
        return "written";
    case CM_WRITE_CONFLICT:
        return "conflict";
    case CM_WRITE_REFUSED:
        return "refused";
    case CM_WRITE_UNKNOWN:
        return "unknown";
    }
    return "unknown";
}

enum cm_write_result
cm_writer_judge(int code)
{
    switch (code) {
    case LDAP_NO_SUCH_ATTRIBUTE:
    case LDAP_TYPE_OR_VALUE_EXISTS:
    case LDAP_NO_SUCH_OBJECT:
        return CM_WRITE_CONFLICT;
    default:
        return CM_WRITE_REFUSED;
    }
}

static bool
is_primed(const struct cm_writer *writer, const char *attribute)
{
    for (size_t i = 0; i < writer->primed.count; i++) {
        if (cm_text_equal_fold(writer->primed.items[i], attribute))
            return true;
    }
    return false;
}

/* May the change be part of a transaction? */
static bool
is_safe(const struct cm_writer *writer, const struct cm_change *change)
{
    for (size_t i = 0; i < change->count; i++) {
        if (change->parts[i].add_count > 0 &&
            !is_primed(writer, change->parts[i].attribute))
            return false;
    }
    return true;
}

/* The database knows what was written to it. */
static void
note_attributes(struct cm_writer *writer, const struct cm_change *change)
{
    for (size_t i = 0; i < change->count; i++) {
        if (change->parts[i].add_count == 0 ||
            writer->primed.count == CM_CHANGE_MAX_PARTS ||
            is_primed(writer, change->parts[i].attribute))
            continue;
        /* What is not noted goes without a transaction. */
        (void)cm_text_list_add(&writer->primed, change->parts[i].attribute);
    }
}

void
cm_writer_report(struct cm_writer *writer, struct cm_write_item *item,
                 enum cm_write_result result, const char *words)
{
    if (result == CM_WRITE_DONE)
        note_attributes(writer, &item->change);
    else
        writer->failures++;
    writer->settings.report(writer->settings.context, &item->change, item->id,
                            result, words);
    cm_change_clear(&item->change);
    memset(item, 0, sizeof(*item));
}

/* ---- What the server can do ---- */

static enum cm_ldap_search_end
take_root(struct cm_ldap_search *search, const struct cm_entry *entry,
          struct cm_detail *detail)
{
    const struct cm_attribute *offered =
        cm_entry_get(entry, "supportedExtension");
    struct cm_writer *writer = search->writer;

    (void)detail;
    for (size_t i = 0; offered != NULL && i < offered->count; i++) {
        if (strcmp(offered->values[i].data, LDAP_EXOP_TXN_START) == 0)
            writer->transactions = true;
    }
    return CM_LDAP_SEARCH_DONE;
}

/* False: the server does not answer.  One that hides its root DSE offers
 * nothing. */
static bool
ask_root(struct cm_writer *writer, struct cm_detail *detail)
{
    static const char *const attributes[] = {"supportedExtension", NULL};
    const struct cm_ldap_request request = {.base = "",
                                            .scope = LDAP_SCOPE_BASE,
                                            .filter = "(objectClass=*)",
                                            .attributes = attributes};
    struct cm_ldap_connection *connection = &writer->lanes[0].connection;
    struct cm_ldap_search search = {.writer = writer};
    LDAPMessage *final;

    if (writer->settings.no_transactions)
        return true;
    if (cm_ldap_run_search(&search, connection, &request, take_root,
                           cm_backend_now_ms() + CM_WRITER_ANSWER_MS, &final,
                           detail) != CM_LDAP_SEARCH_DONE)
        return false;
    ldap_msgfree(final);
    return true;
}

/* ---- Life ---- */

void
cm_writer_open_lanes(struct cm_writer *writer)
{
    struct cm_detail ignored = {""};

    /* One is enough to work; more are only faster. */
    for (size_t i = 0; i < CM_WRITER_LANES; i++) {
        if (writer->lanes[i].connection.handle == NULL)
            (void)cm_ldap_open_first(&writer->lanes[i].connection,
                                     writer->settings.config,
                                     CM_WRITER_ANSWER_MS, &ignored);
    }
}

struct cm_writer *
cm_writer_open(const struct cm_writer_settings *settings,
               struct cm_detail *detail)
{
    struct cm_writer *writer = calloc(1, sizeof(*writer));

    if (writer == NULL) {
        cm_detail_set(detail, "out of memory");
        return NULL;
    }
    writer->settings = *settings;
    if (!cm_ldap_open_first(&writer->lanes[0].connection, settings->config,
                            CM_WRITER_ANSWER_MS, detail) ||
        !ask_root(writer, detail)) {
        cm_writer_free(writer);
        return NULL;
    }
    if (!writer->transactions)
        cm_writer_open_lanes(writer);
    return writer;
}

void
cm_writer_free(struct cm_writer *writer)
{
    static const char words[] = "given up before it was answered";

    if (writer == NULL)
        return;
    for (size_t i = 0; i < writer->batch_count; i++)
        cm_writer_report(writer, &writer->batch[i], CM_WRITE_UNKNOWN, words);
    for (size_t i = 0; i < CM_WRITER_LANES; i++) {
        struct cm_writer_lane *lane = &writer->lanes[i];

        for (size_t j = 0; j < lane->count; j++)
            cm_writer_report(writer, &lane->items[j], CM_WRITE_UNKNOWN, words);
        cm_ldap_close(&lane->connection);
    }
    cm_text_list_clear(&writer->primed);
    free(writer);
}

bool
cm_writer_has_transactions(const struct cm_writer *writer)
{
    return writer->transactions;
}

/* ---- Work ---- */

static size_t
bytes_of(const struct cm_change *change)
{
    size_t bytes = strlen(change->dn);

    for (size_t i = 0; i < change->count; i++) {
        const struct cm_change_part *part = &change->parts[i];

        for (size_t j = 0; j < part->remove_count; j++)
            bytes += part->remove[j].len;
        for (size_t j = 0; j < part->add_count; j++)
            bytes += part->add[j].len;
    }
    return bytes;
}

static bool
still_there(const struct cm_writer *writer, struct cm_detail *detail)
{
    if (writer->lost)
        cm_detail_set(detail, "%s", writer->why.text);
    return !writer->lost;
}

bool
cm_writer_put(struct cm_writer *writer, struct cm_change *change, uint64_t id,
              struct cm_detail *detail)
{
    struct cm_write_item item = {.id = id, .bytes = bytes_of(change)};

    if (writer->batch_count == CM_WRITER_BATCH ||
        writer->batch_bytes + item.bytes > CM_WRITER_BATCH_BYTES)
        cm_writer_run_batch(writer);
    if (!still_there(writer, detail))
        return false;
    item.change = *change;
    memset(change, 0, sizeof(*change));
    if (!writer->transactions) {
        cm_writer_send(writer, &item);
        return true;
    }
    if (!is_safe(writer, &item.change)) {
        cm_writer_send(writer, &item);
        cm_writer_drain(writer);
        return true;
    }
    writer->batch[writer->batch_count++] = item;
    writer->batch_bytes += item.bytes;
    return true;
}

bool
cm_writer_flush(struct cm_writer *writer, struct cm_detail *detail)
{
    cm_writer_run_batch(writer);
    cm_writer_drain(writer);
    return still_there(writer, detail);
}
