/*
 * The deny list as logins ask it: looked at for every question, so that it is
 * in force at the next login, and read anew when its file changes.
 */
#include "store_parts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "timetext.h"

static const char deny_name[] = "deny";

void
cm_store_deny_clear(struct cm_store_deny *deny)
{
    if (deny->fd >= 0)
        close(deny->fd);
    deny->fd = -1;
    deny->known = false;
    cm_deny_list_clear(&deny->list);
}

/* Nothing is believed until the file is good. */
static void
refuse(struct cm_store_deny *deny, const char *why)
{
    cm_store_deny_clear(deny);
    deny->state = CM_DENY_UNREADABLE;
    cm_detail_set(&deny->why, "the deny list cannot be believed: %s: %s",
                  deny_name, why);
}

/* Reads the open file, which becomes the one that is held. */
static void
load(struct cm_store_deny *deny, int fd)
{
    struct cm_detail why = {""};
    struct cm_deny_list list;
    uint8_t *text;
    size_t len;

    cm_store_deny_clear(deny);
    if (cm_file_read_open(fd, CM_STORE_MAX_DENY_FILE, &deny->stamp, &text,
                          &len, &why) != CM_READ_OK) {
        close(fd);
        refuse(deny, why.text[0] != '\0' ? why.text : "out of memory");
        return;
    }
    if (cm_deny_parse((const char *)text, len, &list, &why)) {
        deny->list = list;
        deny->fd = fd;
        deny->known = true;
        deny->state = CM_NOT_DENIED;
    } else {
        close(fd);
        refuse(deny, why.text);
    }
    free(text);
}

static void
look(struct cm_store *store)
{
    struct cm_store_deny *deny = &store->deny;
    struct cm_detail why = {""};
    struct cm_file_stamp stamp;
    struct stat st;
    int fd;

    switch (cm_store_open_file(store->root, deny_name, CM_STORE_MAX_DENY_FILE,
                               &fd, &st, &why)) {
    case CM_STORE_FILE_READ:
        deny->seen = true;
        cm_file_stamp_set(&stamp, &st);
        if (deny->known && cm_file_stamp_equal(&stamp, &deny->stamp))
            close(fd);
        else
            load(deny, fd);
        break;
    case CM_STORE_FILE_MISSING:
        if (deny->seen) {
            refuse(deny, "it was there before and is gone");
        } else {
            cm_store_deny_clear(deny);
            deny->state = CM_NOT_DENIED;
        }
        break;
    case CM_STORE_FILE_REFUSED:
        deny->seen = true;
        refuse(deny, why.text);
        break;
    }
}

static void
describe(const struct cm_deny_entry *entry, struct cm_detail *why)
{
    char *selector = cm_deny_selector(entry);
    char added[CM_TIME_TEXT];

    cm_time_text(entry->added, added);
    cm_detail_set(why, "on the deny list since %s: %s (%s)", added,
                  entry->reason, selector == NULL ? "?" : selector);
    free(selector);
}

static enum cm_denial
ask(struct cm_store *store, X509 *cert, X509 *issuer, int64_t now,
    struct cm_detail *why)
{
    struct cm_store_deny *deny = &store->deny;
    const struct cm_deny_entry *found;

    if (store->state != CM_OK) {
        cm_detail_set(why, "%s", store->why.text);
        return CM_DENY_UNREADABLE;
    }
    if (store->root < 0)
        return CM_NOT_DENIED;
    look(store);
    if (deny->state != CM_NOT_DENIED) {
        cm_detail_set(why, "%s", deny->why.text);
        return CM_DENY_UNREADABLE;
    }
    if (!cm_deny_find(&deny->list, cert, issuer, now, &found)) {
        cm_detail_set(why, "the deny list: out of memory");
        return CM_DENY_UNREADABLE;
    }
    if (found == NULL)
        return CM_NOT_DENIED;
    describe(found, why);
    return CM_DENIED;
}

enum cm_denial
cm_store_denied(struct cm_store *store, X509 *cert, X509 *issuer, int64_t now,
                struct cm_detail *why)
{
    enum cm_denial denial;

    cm_store_enter(store);
    denial = ask(store, cert, issuer, now, why);
    cm_store_leave(store);
    return denial;
}
