/*
 * After a connection was lost: what was done?
 */
#include <string.h>
#include <time.h>

#include "ldap_search.h"
#include "writer_parts.h"

enum { AGAIN_PAUSE_MS = 100 };

bool
cm_writer_reopen(struct cm_writer *writer, struct cm_writer_lane *lane)
{
    const struct timespec pause = {.tv_nsec = AGAIN_PAUSE_MS * 1000000L};
    int64_t now = cm_backend_now_ms();
    int64_t deadline = writer->lost ? now + 1 : now + CM_WRITER_AGAIN_MS;
    struct cm_detail why = {""};
    bool open = false;

    cm_ldap_close(&lane->connection);
    do {
        open = cm_ldap_open_first(&lane->connection, writer->settings.config,
                                  CM_WRITER_AGAIN_MS, &why);
        if (!open)
            (void)nanosleep(&pause, NULL);
    } while (!open && cm_backend_now_ms() < deadline);
    if (!open && !writer->lost) {
        writer->lost = true;
        cm_detail_set(&writer->why,
                      "the connection was lost, and the server cannot be "
                      "reached again: %.400s",
                      why.text);
    }
    return open;
}

static bool
holds(const struct cm_attribute *attribute, const struct cm_value *value)
{
    for (size_t i = 0; attribute != NULL && i < attribute->count; i++) {
        if (attribute->values[i].len == value->len &&
            memcmp(attribute->values[i].data, value->data, value->len) == 0)
            return true;
    }
    return false;
}

/* Counts those of the values that the entry holds. */
static size_t
held(const struct cm_entry *entry, const char *name,
     const struct cm_value *values, size_t count)
{
    const struct cm_attribute *attribute = cm_entry_get(entry, name);
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        n += holds(attribute, &values[i]) ? 1 : 0;
    return n;
}

static enum cm_ldap_search_end
take_entry(struct cm_ldap_search *search, const struct cm_entry *entry,
           struct cm_detail *detail)
{
    const struct cm_change *change = search->looked->change;
    bool done = true, undone = true;

    (void)detail;
    for (size_t i = 0; i < change->count; i++) {
        const struct cm_change_part *part = &change->parts[i];
        size_t added =
            held(entry, part->attribute, part->add, part->add_count);
        size_t left =
            held(entry, part->attribute, part->remove, part->remove_count);

        done = done && added == part->add_count && left == 0;
        undone = undone && added == 0 && left == part->remove_count;
    }
    search->looked->found = done     ? CM_DOUBT_DONE
                            : undone ? CM_DOUBT_UNDONE
                                     : CM_DOUBT_MIXED;
    return CM_LDAP_SEARCH_DONE;
}

enum cm_doubt
cm_writer_look(struct cm_writer *writer, struct cm_writer_lane *lane,
               const struct cm_change *change)
{
    const char *attributes[CM_CHANGE_MAX_PARTS + 1] = {NULL};
    struct cm_writer_look looked = {change, CM_DOUBT_UNKNOWN};
    struct cm_ldap_search search = {.looked = &looked};
    const struct cm_ldap_request request = {.base = change->dn,
                                            .scope = LDAP_SCOPE_BASE,
                                            .filter = "(objectClass=*)",
                                            .attributes = attributes};
    struct cm_detail why = {""};
    LDAPMessage *final = NULL;

    for (size_t i = 0; i < change->count; i++)
        attributes[i] = change->parts[i].attribute;
    if (cm_ldap_run_search(&search, &lane->connection, &request, take_entry,
                           cm_backend_now_ms() + CM_WRITER_ANSWER_MS, &final,
                           &why) != CM_LDAP_SEARCH_DONE ||
        cm_ldap_result_code(&lane->connection, final, "search", &why) !=
            LDAP_SUCCESS)
        looked.found = CM_DOUBT_UNKNOWN;
    if (looked.found == CM_DOUBT_UNKNOWN)
        cm_detail_set(&writer->why, "%s",
                      why.text[0] != '\0' ? why.text : "no such entry");
    return looked.found;
}

/* True: the item stays for another try. */
static bool
settle_one(struct cm_writer *writer, struct cm_writer_lane *lane,
           struct cm_write_item *item)
{
    static const char twice[] = "the connection was lost twice over it";

    switch (cm_writer_look(writer, lane, &item->change)) {
    case CM_DOUBT_DONE:
        cm_writer_report(writer, item, CM_WRITE_DONE, "");
        return false;
    case CM_DOUBT_UNDONE:
        if (item->doubted) {
            cm_writer_report(writer, item, CM_WRITE_UNKNOWN, twice);
            return false;
        }
        item->doubted = true;
        return true;
    case CM_DOUBT_MIXED:
        cm_writer_report(writer, item, CM_WRITE_CONFLICT,
                         "the entry was changed by someone else");
        return false;
    case CM_DOUBT_UNKNOWN:
        cm_writer_report(writer, item, CM_WRITE_UNKNOWN, writer->why.text);
        return false;
    }
    return false;
}

size_t
cm_writer_settle(struct cm_writer *writer, struct cm_writer_lane *lane,
                 struct cm_write_item *items, size_t count)
{
    bool open = cm_writer_reopen(writer, lane);
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (!open)
            cm_writer_report(writer, &items[i], CM_WRITE_UNKNOWN,
                             writer->why.text);
        else if (settle_one(writer, lane, &items[i]))
            items[kept++] = items[i];
    }
    return kept;
}
